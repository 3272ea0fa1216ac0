//! The ambient checks of calls to callbacks (STU1 and STU2): methods, queries, signatures, and that nothing comes unasked.

use std::sync::PoisonError;

use serde_json::Value;

use super::control::{Control, control_received};
use super::judge::{Breach, Place};
use super::play::Play;
use super::requirements as ids;
use super::stage::{Membership, Mock, is_foreign};
use crate::client::{Call, Received, Signature};
use crate::scenario::Unmet;
use crate::schema::MessageKind;

impl Play<'_> {
    pub(super) fn judge_calls(&mut self, name: &str) {
        let Some(mock) = self.stage.mocks.get(name) else {
            return;
        };
        let Some(url) = mock.callback_url() else { return };
        let (url, topic) = (url.to_owned(), mock.topic.clone());
        let own_query = url.split_once('?').map(|(_, query)| query.to_owned());
        for received in mock.inbox.received() {
            let Some(call) = received.call.clone() else {
                continue;
            };
            match control_received(&received) {
                Some(Control::Denial) => {
                    self.judge_denial(&received, &call, &topic);
                    if let Some(own) = &own_query {
                        let whole = pairs(&call.query);
                        let kept = pairs(own).iter().all(|pair| whole.contains(pair));
                        self.judge_query(ids::DENIAL_GET, kept, &received, &call, "the denial");
                    }
                }
                Some(_) => self.judge_verification(&received, &call, &topic, &url, own_query.as_deref()),
                None => self.judge_notification_call(name, &received, &call, own_query.as_deref()),
            }
        }
    }

    fn judge_verification(
        &mut self,
        received: &Received,
        call: &Call,
        topic: &str,
        callback: &str,
        own_query: Option<&str>,
    ) {
        let Some(query) = received.json.as_deref() else {
            return;
        };
        let schemas = self.setting.schemas.clone();
        self.judge_schema(
            &schemas.judge(MessageKind::IntentVerification, query),
            query,
            received.spot,
            "",
        );
        self.judge_topic(ids::VERIFICATION_TOPIC, query, "/hub.topic", topic, received);
        if let Some(challenge) = query.get("hub.challenge").and_then(Value::as_str) {
            self.judge_challenge(challenge, callback, received);
        }
        let Some(own) = own_query else { return };
        let (own, whole) = (pairs(own), pairs(&call.query));
        let kept = own.iter().all(|pair| whole.contains(pair));
        self.judge_query(
            ids::QUERY_IN_VERIFICATION,
            kept,
            received,
            call,
            "the verification of an intent",
        );
        if kept {
            self.judge_query(
                ids::QUERY_APPENDED,
                whole.starts_with(&own),
                received,
                call,
                "the verification of an intent",
            );
        }
    }

    fn judge_challenge(&mut self, challenge: &str, callback: &str, received: &Received) {
        let mut known = self
            .setting
            .challenges
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        // A hub may ask one callback again.
        let first = known
            .entry(challenge.to_owned())
            .or_insert_with(|| callback.to_owned());
        let fresh = first == callback;
        drop(known);
        if fresh {
            self.judge.held(ids::CHALLENGE_RANDOM);
            return;
        }
        let breach = Breach {
            message: "the hub asks two callbacks with the same challenge".to_owned(),
            expected: Some("a random challenge for each verification".to_owned()),
            observed: Some(challenge.to_owned()),
            places: vec![Place::within(received.spot.sequence, "/hub.challenge")],
            ..Breach::default()
        };
        self.judge.broken(ids::CHALLENGE_RANDOM, breach);
    }

    fn judge_query(&mut self, requirement: &str, holds: bool, received: &Received, call: &Call, what: &str) {
        if holds {
            self.judge.held(requirement);
            return;
        }
        let breach = Breach {
            message: format!("{what} does not have the callback's own query parameters where they belong"),
            expected: Some("the query parameters of hub.callback, and the hub's behind them".to_owned()),
            observed: Some(call.query.clone()),
            places: vec![Place::at(received.spot.sequence)],
            ..Breach::default()
        };
        self.judge.broken(requirement, breach);
    }

    fn judge_denial(&mut self, received: &Received, call: &Call, topic: &str) {
        let Some(query) = received.json.as_deref() else {
            return;
        };
        if call.method == "GET" {
            self.judge.held(ids::DENIAL_GET);
        } else {
            let breach = Breach {
                message: format!("the hub told the denial by {} in place of GET", call.method),
                expected: Some("a GET to the callback".to_owned()),
                observed: Some(call.method.clone()),
                places: vec![Place::at(received.spot.sequence)],
                ..Breach::default()
            };
            self.judge.broken(ids::DENIAL_GET, breach);
        }
        let schemas = self.setting.schemas.clone();
        self.judge_schema(
            &schemas.judge(MessageKind::WebhookDenial, query),
            query,
            received.spot,
            "",
        );
        self.judge_topic(ids::DENIAL_TOPIC, query, "/hub.topic", topic, received);
    }

    fn judge_notification_call(
        &mut self,
        name: &str,
        received: &Received,
        call: &Call,
        own_query: Option<&str>,
    ) {
        let place = || vec![Place::at(received.spot.sequence)];
        if call.method == "POST" {
            self.judge.held(ids::NOTIFICATION_POST);
        } else {
            let breach = Breach {
                message: format!("the hub sent a notification by {} in place of POST", call.method),
                expected: Some("a POST to the callback".to_owned()),
                observed: Some(call.method.clone()),
                places: place(),
                ..Breach::default()
            };
            self.judge.broken(ids::NOTIFICATION_POST, breach);
        }
        self.judge_json(received, call);
        if let Some(own) = own_query {
            let kept = pairs(own) == pairs(&call.query);
            self.judge_query(ids::QUERY_IN_NOTIFICATION, kept, received, call, "a notification");
        }
        let Some(mock) = self.stage.mocks.get(name) else {
            return;
        };
        let unverified = is_unverified(mock, received);
        let membership = mock.membership_of(received).cloned();
        if unverified {
            let breach = Breach {
                message: format!("{name} received a notification before the verification of its intent"),
                expected: Some("nothing before the callback has agreed".to_owned()),
                places: place(),
                ..Breach::default()
            };
            self.judge.broken(ids::NOTHING_BEFORE, breach);
        } else {
            self.judge.held(ids::NOTHING_BEFORE);
        }
        if let Some(membership) = membership {
            self.judge_signature(name, received, call, &membership);
        }
    }

    fn judge_json(&mut self, received: &Received, call: &Call) {
        let declared = call.header("content-type").map(|value| {
            let value = value.split(';').next().unwrap_or_default();
            value.trim().to_ascii_lowercase()
        });
        let is_json = received.json.is_some();
        let fits = declared
            .as_deref()
            .is_some_and(|own| own == "application/json" || own.ends_with("+json"));
        if is_json && fits {
            self.judge.held(ids::HTTP_JSON);
        } else {
            let breach = Breach {
                message: match is_json {
                    true => "a notification to a callback is not declared as JSON".to_owned(),
                    false => "a notification to a callback is not JSON".to_owned(),
                },
                expected: Some("a JSON object, with Content-Type application/json".to_owned()),
                observed: Some(declared.clone().unwrap_or_else(|| "no Content-Type".to_owned())),
                places: vec![Place::at(received.spot.sequence)],
                // What is JSON, though declared as something else, can be read by whom it is sent to.
                unmet: is_json.then_some(Unmet::Warn),
                ..Breach::default()
            };
            self.judge.broken(ids::HTTP_JSON, breach);
        }
        if let Some(message) = received.json.as_deref() {
            let judgement = self
                .setting
                .schemas
                .clone()
                .judge(MessageKind::Notification, message);
            self.judge_schema(&judgement, message, received.spot, "");
        }
    }

    /// Judges the signature by the secret of the subscription (ambiguities, 71); while a re-subscription is under way, either
    /// secret will do.
    fn judge_signature(&mut self, name: &str, received: &Received, call: &Call, membership: &Membership) {
        let topic = self.stage.mocks.get(name).map(|own| own.topic.clone());
        let topic = topic.unwrap_or_default();
        // It came by a leak, whose signature is somebody else's.
        if received
            .message()
            .is_some_and(|message| is_foreign(message, &topic))
        {
            return;
        }
        let Some(secret) = membership.secret else { return };
        let origin = self.stage.origin(received);
        let published = origin.and_then(|at| self.stage.publications.get(at));
        let since = published.map_or(received.spot.sequence, |own| own.requested.sequence);
        let settled = membership.replaced.iter().all(|spot| spot.sequence < since);
        let mut say = |requirement: &str, problem: Option<&str>| match problem {
            None => self.judge.held(requirement),
            Some(problem) => {
                let breach = Breach {
                    message: format!("the notification {problem}"),
                    expected: Some(
                        "X-Hub-Signature: sha256= and the HMAC of the body with hub.secret, in hexadecimal"
                            .to_owned(),
                    ),
                    observed: Some(
                        call.header("x-hub-signature")
                            .unwrap_or("no such header")
                            .to_owned(),
                    ),
                    places: vec![Place::at(received.spot.sequence)],
                    ..Breach::default()
                };
                self.judge.broken(requirement, breach);
            }
        };
        let sent =
            (call.signature == Signature::Missing).then_some("has no signature, though hub.secret was given");
        say(ids::SIGNATURE_SENT, sent);
        if call.signature == Signature::Missing {
            return;
        }
        let form = (call.signature == Signature::Malformed)
            .then_some("has a signature that is not written as method=signature in hexadecimal");
        say(ids::SIGNATURE_FORM, form);
        if call.signature == Signature::Malformed {
            return;
        }
        let method = (call.signature == Signature::UnknownMethod)
            .then_some("is signed by a method that is none of sha1, sha256, sha384 and sha512");
        say(ids::SIGNATURE_METHOD, method);
        match &call.signature {
            Signature::Right(position) if *position == secret || !settled => {
                say(ids::SIGNATURE_MATCHES, None)
            }
            Signature::Right(_) => say(
                ids::SIGNATURE_MATCHES,
                Some("is signed with the secret of an earlier subscription"),
            ),
            Signature::Wrong => say(
                ids::SIGNATURE_MATCHES,
                Some("has a signature that is not the HMAC of its bytes with hub.secret"),
            ),
            Signature::Missing
            | Signature::Malformed
            | Signature::UnknownMethod
            | Signature::Unverifiable => {}
        }
    }
}

/// It came before the callback had answered any verification.
fn is_unverified(mock: &Mock, received: &Received) -> bool {
    mock.verified()
        .iter()
        .all(|own| own.answered.sequence > received.spot.sequence)
}

fn pairs(query: &str) -> Vec<(String, String)> {
    url::form_urlencoded::parse(query.as_bytes())
        .into_owned()
        .collect()
}
