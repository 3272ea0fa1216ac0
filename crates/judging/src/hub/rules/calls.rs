//! Calls to callbacks (STU1 and STU2): methods, queries, and that nothing comes unasked.

use serde_json::Value;

use super::signatures::judge_signature;
use super::topics::judge_topic;
use crate::hub::control::{Control, control_received};
use crate::hub::{Breach, Channel, Conversation, Judge, Place, Subscriber, ids};
use crate::schema::{MessageKind, Unmet};
use crate::{Call, Received, Verified};

/// A call to a callback.
struct CallReceived<'c> {
    received: &'c Received,
    call: &'c Call,
    /// The query parameters of `hub.callback`, where it has a query.
    own_query: Option<&'c str>,
}

/// Judges all calls that came to the callback of a subscriber.
pub(super) fn judge_calls(conversation: &Conversation, subscriber: &Subscriber, judge: &mut Judge) {
    let Channel::Webhook { callback, verified } = &subscriber.channel else {
        return;
    };
    let own_query = callback.split_once('?').map(|(_, query)| query);
    for received in &subscriber.received {
        let Some(call) = received.call.as_deref() else {
            continue;
        };
        let call = CallReceived {
            received,
            call,
            own_query,
        };
        match control_received(received) {
            Some(Control::Denial) => judge_denial(&call, &subscriber.topic, judge),
            Some(_) => judge_verification(&call, &subscriber.topic, judge),
            None if call.asks_for_nothing() => judge.reading(
                "looks-at-callbacks",
                "the hub looks whether a callback is there, by a request that says nothing",
            ),
            None => {
                judge_notification(&call, subscriber, verified, judge);
                judge_signature(conversation, subscriber, received, call.call, judge);
            }
        }
    }
}

impl CallReceived<'_> {
    fn places(&self) -> Vec<Place> {
        vec![Place::at(self.received.spot.sequence)]
    }

    /// Whether it carries nothing that could be a notification, a verification or a denial: a sign of life is asked for.
    fn asks_for_nothing(&self) -> bool {
        let own = self.own_query.map(pairs).unwrap_or_default();
        matches!(self.call.method.as_str(), "GET" | "HEAD" | "OPTIONS")
            && self.received.text.trim().is_empty()
            && pairs(&self.call.query)
                .iter()
                .all(|pair| own.contains(pair) || !pair.0.starts_with("hub."))
    }

    /// Whether the parameters of `hub.callback` are all among those of the call; nothing where it has none.
    fn keeps_query(&self) -> Option<bool> {
        let (expected, whole) = (pairs(self.own_query?), pairs(&self.call.query));
        Some(expected.iter().all(|pair| whole.contains(pair)))
    }

    fn judge_method(&self, requirement: &'static str, method: &str, did: &str, judge: &mut Judge) {
        let breach = (self.call.method != method).then(|| {
            let message = format!("the hub {did} by {} in place of {method}", self.call.method);
            Breach::new(message, self.places())
                .expecting(format!("a {method} to the callback"))
                .observing(&self.call.method)
        });
        judge.tried(requirement, breach);
    }

    fn judge_query(&self, requirement: &'static str, holds: bool, what: &str, judge: &mut Judge) {
        let breach = (!holds).then(|| {
            let message =
                format!("{what} does not have the callback's own query parameters where they belong");
            Breach::new(message, self.places())
                .expecting("the query parameters of hub.callback, and the hub's behind them")
                .observing(&self.call.query)
        });
        judge.tried(requirement, breach);
    }
}

fn judge_verification(call: &CallReceived<'_>, topic: &str, judge: &mut Judge) {
    let Some(query) = call.received.json.as_deref() else {
        return;
    };
    let spot = call.received.spot;
    judge.message(MessageKind::IntentVerification, query, spot);
    judge_topic(ids::VERIFICATION_TOPIC, query, "/hub.topic", topic, spot, judge);
    let (Some(callback_query), Some(kept)) = (call.own_query, call.keeps_query()) else {
        return;
    };
    let what = "the verification of an intent";
    call.judge_query(ids::QUERY_IN_VERIFICATION, kept, what, judge);
    if kept {
        let appended = pairs(&call.call.query).starts_with(&pairs(callback_query));
        call.judge_query(ids::QUERY_APPENDED, appended, what, judge);
    }
}

fn judge_denial(call: &CallReceived<'_>, topic: &str, judge: &mut Judge) {
    if let Some(query) = call.received.json.as_deref() {
        let spot = call.received.spot;
        call.judge_method(ids::DENIAL_GET, "GET", "told the denial", judge);
        judge.message(MessageKind::WebhookDenial, query, spot);
        judge_topic(ids::DENIAL_TOPIC, query, "/hub.topic", topic, spot, judge);
    }
    if let Some(kept) = call.keeps_query() {
        call.judge_query(ids::DENIAL_GET, kept, "the denial", judge);
    }
}

fn judge_notification(
    call: &CallReceived<'_>,
    subscriber: &Subscriber,
    verified: &[Verified],
    judge: &mut Judge,
) {
    call.judge_method(ids::NOTIFICATION_POST, "POST", "sent a notification", judge);
    judge_json(call, judge);
    if let Some(callback_query) = call.own_query {
        let kept = pairs(callback_query) == pairs(&call.call.query);
        call.judge_query(ids::QUERY_IN_NOTIFICATION, kept, "a notification", judge);
    }
    // It came before the callback had agreed to any verification.
    let is_unverified = verified
        .iter()
        .filter(|verified| verified.agreed)
        .all(|verified| verified.answered.sequence > call.received.spot.sequence);
    let breach = is_unverified.then(|| {
        let name = &subscriber.name;
        let message = format!("{name} received a notification before the verification of its intent");
        Breach::new(message, call.places()).expecting("nothing before the callback has agreed")
    });
    judge.tried(ids::NOTHING_BEFORE, breach);
}

fn judge_json(call: &CallReceived<'_>, judge: &mut Judge) {
    let declared = call.call.header("content-type").map(|value| {
        let media_type = value.split(';').next().unwrap_or_default();
        media_type.trim().to_ascii_lowercase()
    });
    let message: Option<&Value> = call.received.json.as_deref();
    let fits = declared
        .as_deref()
        .is_some_and(|media_type| media_type == "application/json" || media_type.ends_with("+json"));
    let breach = (message.is_none() || !fits).then(|| {
        let problem = match message {
            Some(_) => "a notification to a callback is not declared as JSON",
            None => "a notification to a callback is not JSON",
        };
        Breach::new(problem, call.places())
            .expecting("a JSON object, with Content-Type application/json")
            .observing(declared.unwrap_or_else(|| "no Content-Type".to_owned()))
            // What is JSON, though declared as something else, can be read by whom it is sent to.
            .softened(match message {
                Some(_) => Unmet::Warn,
                None => Unmet::ByLevel,
            })
    });
    judge.tried(ids::HTTP_JSON, breach);
    if let Some(message) = message {
        judge.message(MessageKind::Notification, message, call.received.spot);
    }
}

fn pairs(query: &str) -> Vec<(String, String)> {
    url::form_urlencoded::parse(query.as_bytes())
        .into_owned()
        .collect()
}
