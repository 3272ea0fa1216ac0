//! What the hub calls a subscriber's callback for, and what is answered: intent verifications, notifications and denials
//! (STU1 and STU2).

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use serde_json::Value;

use super::event::Event;
use super::exchange::{CallEnd, Observed};
use super::findings::{Breach, Subscriber};
use super::frames::events_of;
use super::ids;
use super::judge::Judge;
use super::record::Place;
use super::requests::header;
use super::state::{Connection, Ended, Spot};
use super::verifications::{Answered, Verification};
use super::webhooks::path_of;
use crate::protocol::CallMessage;
use crate::schema::Unmet;

/// What tells the number of a callback from that of a WebSocket.
pub(super) const CALLBACK: u64 = 1 << 63;
/// How many callbacks that were ever asked for are remembered.
const ASKED_FOR: usize = 20_000;
/// How many calls may wait for their answers.
const WAITING: usize = 10_000;
/// How long a callback must have been waited for before its silence counts, where nobody says how long that is.
const SILENT: Duration = Duration::from_secs(5);
/// By how much the hub may be ahead when it gives up on a callback.
const AHEAD: Duration = Duration::from_millis(200);
/// A callback that is gone so soon after a rejection is gone because of it.
const AT_ONCE: Duration = Duration::from_secs(2);

/// Whether the number is that of a callback.
pub(super) fn is_callback(connection: u64) -> bool {
    connection & CALLBACK != 0
}

/// The callbacks of all webhooks.
#[derive(Debug, Default)]
pub(super) struct Callbacks {
    /// Subscriptions by the URL of their callback, without its query.
    pub(super) by_path: HashMap<String, Vec<usize>>,
    /// Callbacks without their query, and the topics that they were asked for with.
    asked_for: HashSet<(String, String)>,
    /// Some that were asked for are forgotten, so that an unknown one proves nothing.
    forgetful: bool,
    /// The numbers of callbacks of which no subscription was seen.
    strangers: HashMap<String, u64>,
    calls: HashMap<u64, Call>,
    counter: u64,
}

impl Callbacks {
    pub(super) fn number(&mut self) -> u64 {
        self.counter += 1;
        CALLBACK | self.counter
    }

    pub(super) fn ask_for(&mut self, callback: &str, topic: &str) {
        if self.asked_for.len() >= ASKED_FOR {
            self.asked_for.clear();
            self.forgetful = true;
        }
        self.asked_for
            .insert((path_of(callback).to_owned(), topic.to_owned()));
    }
}

/// A call that waits for its answer.
#[derive(Debug)]
struct Call {
    who: Subscriber,
    connection: u64,
    about: About,
    spot: Spot,
}

#[derive(Debug)]
enum About {
    Verification(Box<Verification>),
    Denial { subscription: Option<usize> },
    Notification { id: Option<String> },
}

impl Judge {
    /// The subscription that a call belongs to, and whether it is of the topic that the call names.
    fn subscription_of_call(&self, url: &str, topic: Option<&str>) -> Option<(usize, bool)> {
        let of_path = self.callbacks.by_path.get(path_of(url))?;
        let rank = |at: &usize| {
            let subscription = self.subscriptions.get(at)?;
            let callback = &subscription.webhook.as_ref()?.callback;
            let of_topic = topic == Some(subscription.who.topic.as_str());
            // A hub may drop the callback's own query, or put it elsewhere.
            Some((
                of_topic,
                url.starts_with(callback.as_str()),
                subscription.ended.is_none(),
                *at,
            ))
        };
        let (of_topic, _, _, at) = of_path.iter().filter_map(rank).max()?;
        Some((at, of_topic))
    }

    /// Who is called at this URL, as the record names it.
    pub(super) fn called_by_url(&self, url: &str) -> String {
        let subscription = self
            .subscription_of_call(url, None)
            .and_then(|(at, _)| self.subscriptions.get(&at));
        subscription.map_or_else(|| "a callback".to_owned(), |known| known.who.name.clone())
    }

    /// Who was called, as the record names it.
    pub(super) fn called_by_id(&self, id: u64) -> String {
        let call = self.callbacks.calls.get(&id);
        call.map_or_else(|| "a callback".to_owned(), |call| call.who.name.clone())
    }

    /// The place of the call that this answers.
    pub(super) fn call_answered_by(&self, observed: &Observed) -> usize {
        match observed {
            Observed::CallAnswered { id, .. } => {
                let call = self.callbacks.calls.get(id);
                call.map_or(0, |call| call.spot.sequence)
            }
            _ => 0,
        }
    }

    /// The number of a callback, also where no subscription for it was seen.
    fn callback(&mut self, url: &str, subscription: Option<usize>, topic: &str) -> u64 {
        let known = subscription
            .and_then(|at| self.subscriptions.get(&at)?.webhook.as_ref())
            .map(|webhook| webhook.connection);
        if let Some(known) = known {
            return known;
        }
        let path = path_of(url).to_owned();
        if let Some(stranger) = self.callbacks.strangers.get(&path) {
            return *stranger;
        }
        if self.callbacks.strangers.len() >= WAITING {
            self.callbacks.strangers.clear();
        }
        let number = self.callbacks.number();
        self.callbacks.strangers.insert(path, number);
        let mut connection = Connection::unseen();
        connection.topic = Some(topic.to_owned());
        self.connections.insert(number, connection);
        number
    }

    /// The hub calls a callback.
    pub(super) fn called(&mut self, id: u64, url: &str, body: &[u8], spot: Spot) {
        let query = url.split_once('?').map_or("", |(_, query)| query);
        let text = String::from_utf8_lossy(body);
        let call = CallMessage::of(query, &text);
        let Some(message) = call.json.clone() else { return };
        let topic = message
            .get("hub.topic")
            .or_else(|| message.pointer("/event/hub.topic"))
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned();
        let found = self.subscription_of_call(url, Some(&topic));
        let subscription = found.map(|(at, _)| at);
        let connection = self.callback(url, subscription, &topic);
        let who = self.listener(connection);
        let mode = message.get("hub.mode").and_then(Value::as_str);
        let about = match mode {
            Some("denied") => {
                self.webhook_denied(subscription, connection, &message, spot);
                About::Denial { subscription }
            }
            Some(mode @ ("subscribe" | "unsubscribe")) if call.is_control => {
                let of_topic = found.filter(|(_, of_topic)| *of_topic).map(|(at, _)| at);
                let wish = self.wish(mode == "unsubscribe", of_topic, url, &topic);
                About::Verification(Box::new(Verification {
                    wish,
                    subscription: of_topic,
                    challenge: call.challenge.clone(),
                    granted: events_of(&message),
                }))
            }
            _ if call.is_control => return,
            _ => {
                let Some(event) = Event::read(&message) else {
                    return;
                };
                self.notified(connection, &event, text.len(), spot);
                About::Notification { id: event.id }
            }
        };
        if self.callbacks.calls.len() >= WAITING {
            self.callbacks.calls.clear();
        }
        self.callbacks.calls.insert(
            id,
            Call {
                who,
                connection,
                about,
                spot,
            },
        );
    }

    /// Whether this callback was asked for with this topic; `None` where that cannot be known.
    pub(super) fn was_asked_for(&self, url: &str, topic: &str) -> Option<bool> {
        let path = path_of(url).to_owned();
        if self.callbacks.asked_for.contains(&(path, topic.to_owned())) {
            return Some(true);
        }
        let certain = self.settings.complete && !self.callbacks.forgetful;
        // Whoever is seen to ask for it in another topic is there from the beginning.
        (certain || self.callbacks.by_path.contains_key(path_of(url))).then_some(false)
    }

    fn webhook_denied(&mut self, subscription: Option<usize>, connection: u64, message: &Value, spot: Spot) {
        let denied = events_of(message);
        let whole = self.connections.get(&connection).is_none_or(|connection| {
            let mut granted = connection.granted.iter();
            granted.all(|name| denied.iter().any(|event| event.eq_ignore_ascii_case(name)))
        });
        if let Some(at) = subscription.filter(|_| whole) {
            self.end_webhook(at, Ended::Denied, spot);
        }
    }

    /// A callback answered.
    pub(super) fn call_answered(
        &mut self,
        id: u64,
        status: u16,
        headers: &[(String, String)],
        body: &[u8],
        spot: Spot,
    ) {
        let Some(call) = self.callbacks.calls.remove(&id) else {
            return;
        };
        if let Some(connection) = self.connections.get_mut(&call.connection) {
            connection.reached = true;
            connection.cut = false;
        }
        match call.about {
            About::Verification(verification) => {
                let answered = Answered {
                    status,
                    content_type: header(headers, "content-type"),
                    body,
                };
                self.verified(&call.who, &verification, &answered, [call.spot, spot]);
            }
            // Whose subscription it was not may say so.
            About::Denial { subscription: None } => {}
            About::Denial { .. } => {
                let breach = (!(200..300).contains(&status)).then(|| {
                    Breach::new(
                        format!("a denial was answered with {status}; answer it with 200"),
                        places(call.spot, spot),
                    )
                    .expecting("2xx")
                    .observing(status.to_string())
                });
                self.judge(&call.who, ids::DENIAL_ANSWERED, breach);
            }
            About::Notification { id } => {
                self.held(&call.who, ids::ACKNOWLEDGED);
                if let Some(id) = id {
                    self.callback_acknowledged(&call.who, call.connection, &id, status, spot);
                }
            }
        }
    }

    fn callback_acknowledged(
        &mut self,
        who: &Subscriber,
        connection: u64,
        id: &str,
        status: u16,
        spot: Spot,
    ) {
        let known = self
            .connections
            .get_mut(&connection)
            .and_then(|connection| connection.notified.get_mut(id))
            .filter(|notified| notified.acknowledged.is_none());
        let Some(notified) = known else { return };
        notified.acknowledged = Some((Some(status), spot));
        let known = notified.clone();
        if (300..400).contains(&status) {
            let breach = Breach::new(
                format!(
                    "a notification was answered with {status}, which tells neither success nor an error; answer with \
                     2xx, or with 4xx or 5xx"
                ),
                places(known.spot, spot),
            )
            .observing(status.to_string());
            // STU2 has a WebSocket's answer only say so, and takes any other code for a failure.
            let unmet = match self.settings.version {
                crate::protocol::Version::Stu1 => Unmet::ByLevel,
                _ => Unmet::Note,
            };
            self.broken(who, ids::ACKNOWLEDGED_SUCCESS, breach.softened(unmet));
        }
        self.answered_with(connection, who, &known, status, spot);
    }

    /// No answer came to a call.
    pub(super) fn call_failed(&mut self, id: u64, end: CallEnd, spot: Spot) {
        let Some(call) = self.callbacks.calls.remove(&id) else {
            return;
        };
        let unmet = self.unanswered(&call, end, spot);
        if let Some(connection) = self.connections.get_mut(&call.connection) {
            connection.cut = end == CallEnd::Cut;
        }
        let Some(unmet) = unmet else { return };
        let breach = |what: &str| {
            let why = match end {
                CallEnd::Unreachable => "did not come to its callback, which cannot be reached",
                CallEnd::Cut => "was not answered: the connection was closed in place of an answer",
                CallEnd::GivenUp => "was not answered in time",
            };
            Breach::new(format!("{what} {why}"), places(call.spot, spot)).softened(unmet)
        };
        match &call.about {
            About::Verification(verification) => {
                let requirement = verification.wish.requirement();
                if let Some(requirement) = requirement {
                    self.broken(&call.who, requirement, breach("an intent verification"));
                }
            }
            About::Denial { subscription } => {
                // Whoever has unsubscribed may be gone.
                let left = subscription
                    .and_then(|at| self.subscriptions.get(&at))
                    .is_none_or(|subscription| subscription.unsubscribe.is_some());
                if !left {
                    self.broken(&call.who, ids::DENIAL_ANSWERED, breach("a denial"));
                }
            }
            About::Notification { .. } => {
                let subscription = self
                    .connections
                    .get(&call.connection)
                    .and_then(|connection| self.subscriptions.get(&connection.subscription?));
                if subscription.is_some_and(|known| known.unsubscribe.is_some() || known.ended.is_some()) {
                    return;
                }
                self.broken(&call.who, ids::ACKNOWLEDGED, breach("a notification"));
                self.gone_after_rejection(&call, end, spot);
            }
        }
    }

    /// How much a call without an answer weighs; `None` where it says nothing.
    fn unanswered(&self, call: &Call, end: CallEnd, spot: Spot) -> Option<Unmet> {
        let connection = self.connections.get(&call.connection);
        let asked_for = matches!(call.about, About::Verification(_));
        match end {
            // What it never received it owes no answer to; but whoever has just asked for a call should be there.
            CallEnd::Unreachable if asked_for => Some(Unmet::Warn),
            CallEnd::Unreachable => Some(Unmet::Note),
            // A connection that was kept may have been closed just as it was used again, but not twice in a row.
            CallEnd::Cut if connection.is_some_and(|connection| connection.cut) => Some(Unmet::ByLevel),
            CallEnd::Cut => Some(Unmet::Warn),
            CallEnd::GivenUp => {
                let patience = match call.about {
                    About::Notification { .. } => self.settings.ack_timeout,
                    _ => SILENT,
                };
                let waited = spot.at.saturating_sub(call.spot.at);
                (waited + (patience / 10).min(AHEAD) >= patience).then_some(Unmet::ByLevel)
            }
        }
    }

    /// A callback that is gone as soon as its subscriber's change was rejected.
    fn gone_after_rejection(&mut self, call: &Call, end: CallEnd, spot: Spot) {
        let Some(connection) = self.connections.get_mut(&call.connection) else {
            return;
        };
        let rejected = connection.rejected.take().filter(|_| connection.reached);
        let at_once = rejected.filter(|rejected| call.spot.at.saturating_sub(rejected.at) <= AT_ONCE);
        if let Some(rejected) = at_once.filter(|_| end == CallEnd::Unreachable) {
            let mut shown = vec![Place::at(rejected.sequence)];
            shown.extend(places(call.spot, spot));
            let breach = Breach::new(
                "the callback was gone as soon as the hub had rejected a requested change; stay subscribed and go on",
                shown,
            );
            self.broken(&call.who, ids::PUBLISH_REJECTION_HANDLED, breach);
        }
    }
}

fn places(call: Spot, answer: Spot) -> Vec<Place> {
    vec![Place::at(call.sequence), Place::at(answer.sequence)]
}
