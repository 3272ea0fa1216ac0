//! Webhooks: requests for them, intent verifications, notifications at callbacks.

use std::sync::Arc;

use serde_json::Value;
use url::Url;

use super::listener::{Asked, CLIENT, Listener, mock, parameter};
use crate::client::{Answer, Call, CallMessage, Received, Signature, Spot, Verified};
use crate::outcome::Traffic;
use crate::protocol::parse_events;
use crate::run::control::{Control, control_received};
use crate::run::requirements as ids;
use crate::run::stage::{Called, Pending};
use crate::run::webhooks::agree;
use crate::scenario::Channel;

/// A call without an answer yet.
pub(super) struct Calling {
    mock: String,
    asked: Spot,
    /// What an intent verification asks, and the challenge that the answer must have.
    question: Option<(Arc<Value>, String)>,
}

impl Listener<'_> {
    /// A subscriber asks for webhooks, or for their end; the hub may call before it answers.
    pub(super) fn asks_for_calls(&mut self, callback: &str, body: &[u8], requested: Spot) {
        let topic = parameter(body, "hub.topic").unwrap_or_default();
        let known = self.at_callback(callback, Some(&topic));
        let known = known.filter(|name| self.mock(name).is_some_and(|mock| mock.topic == topic));
        if parameter(body, "hub.mode").as_deref() == Some("unsubscribe") {
            // Whether the subscriber agrees to it shows later; until then nothing is owed to it.
            if let Some(membership) = known.and_then(|name| self.mock(&name)?.membership_mut()) {
                membership.ended.get_or_insert(requested);
            }
            return;
        }
        let events = parameter(body, "hub.events").unwrap_or_default();
        let events = parse_events(&events).unwrap_or_default();
        let name = match known {
            Some(name) => name,
            None => {
                let name = self.name(parameter(body, "subscriber.name"));
                let mut mock = mock(&name, &topic, events.clone());
                mock.channel = Channel::Webhook;
                mock.called = Some(Called {
                    url: callback.to_owned(),
                    verified: Vec::new(),
                });
                self.play.stage.mocks.insert(name.clone(), mock);
                let known = self.callbacks.entry(bare(callback).to_owned()).or_default();
                known.push(name.clone());
                name
            }
        };
        let secret = parameter(body, "hub.secret").filter(|secret| !secret.is_empty());
        let pending = Pending {
            events,
            secret: secret.map(|_| 0),
            requested: requested.sequence,
        };
        if let Some(mock) = self.mock(&name) {
            mock.pending.push(pending);
        }
    }

    /// The hub answered a request for webhooks, or for their end.
    pub(super) fn asked_for_calls(
        &mut self,
        callback: &str,
        asked: &Asked,
        answer: &Answer,
        unsubscribes: bool,
    ) {
        if answer.is_accepted() {
            let requirement = match unsubscribes {
                true => ids::UNSUBSCRIBE_202,
                false => ids::SUBSCRIBE_202,
            };
            self.play.judge_status_of_acceptance(answer, requirement);
            return;
        }
        let topic = parameter(&asked.body, "hub.topic");
        if let Some(name) = self.at_callback(callback, topic.as_deref())
            && let Some(mock) = self.mock(&name)
        {
            mock.pending.retain(|own| own.requested != asked.spot.sequence);
        }
    }

    /// The hub calls a callback.
    pub(super) fn called(
        &mut self,
        exchange: u64,
        method: &str,
        url: &str,
        headers: &[(String, String)],
        body: &[u8],
    ) {
        let text = String::from_utf8_lossy(body).into_owned();
        let traffic = Traffic::CallbackRequest {
            method: method.to_owned(),
            url: url.to_owned(),
            headers: headers.to_vec(),
            body: text.clone(),
        };
        let query = url.split_once('?').map_or("", |(_, query)| query);
        let message = CallMessage::of(query, &text);
        let question = message.asked();
        let json = message.json;
        let stated = |pointer: &str| Some(json.as_ref()?.pointer(pointer)?.as_str()?.to_owned());
        let topic = stated("/hub.topic").or_else(|| stated("/event/hub.topic"));
        let Some(name) = self.at_callback(url, topic.as_deref()) else {
            // It subscribed before the recording began: nothing is known of it.
            self.add(CLIENT, traffic);
            return;
        };
        let asked = self.add(&name, traffic);
        let signatures: Vec<&str> = headers
            .iter()
            .filter(|(name, _)| name.eq_ignore_ascii_case("x-hub-signature"))
            .map(|(_, value)| value.as_str())
            .collect();
        let call = Call {
            method: method.to_owned(),
            path: Url::parse(url).map_or_else(|_| url.to_owned(), |url| url.path().to_owned()),
            query: query.to_owned(),
            headers: headers
                .iter()
                .map(|(name, value)| (name.to_ascii_lowercase(), value.clone()))
                .collect(),
            signature: Signature::unverifiable(&signatures),
        };
        let received = Received {
            spot: asked,
            socket: 0,
            text: text.into(),
            json: json.clone(),
            call: Some(Arc::new(call)),
        };
        let control = control_received(&received);
        let mut verifies = false;
        if let Some(mock) = self.mock(&name) {
            verifies = control == Some(Control::Verification) && !mock.pending.is_empty();
            if control == Some(Control::Denial)
                && let Some(membership) = mock.membership_mut()
            {
                membership.ended.get_or_insert(asked);
            }
            mock.inbox.add(received);
        }
        if verifies {
            self.play.judge.held(ids::VERIFICATION_SENT);
        }
        let calling = Calling {
            mock: name,
            asked,
            // Only a GET is one that a subscriber would take for a question.
            question: json.zip(question).filter(|_| method == "GET"),
        };
        self.calls.insert(exchange, calling);
    }

    /// A callback has answered.
    pub(super) fn call_answered(
        &mut self,
        exchange: u64,
        status: u16,
        headers: &[(String, String)],
        text: String,
    ) {
        let Some(calling) = self.calls.remove(&exchange) else {
            return;
        };
        let traffic = Traffic::CallbackResponse {
            to: calling.asked.sequence,
            status,
            headers: headers.to_vec(),
            body: text.clone(),
        };
        let answered = self.add(&calling.mock, traffic);
        let Some((query, challenge)) = calling.question else {
            return;
        };
        let verified = Verified {
            asked: calling.asked,
            answered,
            query,
            agreed: (200..300).contains(&status) && text == challenge,
        };
        let Some(mock) = self.mock(&calling.mock) else {
            return;
        };
        if verified.agreed {
            agree(mock, &verified);
        }
        if let Some(called) = &mut mock.called {
            called.verified.push(verified);
        }
    }

    /// Whose callback this is; where several topics have it, the one of this topic.
    fn at_callback(&self, url: &str, topic: Option<&str>) -> Option<String> {
        let known = self.callbacks.get(bare(url))?;
        let of_topic = |name: &&String| {
            let mock = self.play.stage.mocks.get(*name);
            mock.is_some_and(|mock| Some(mock.topic.as_str()) == topic)
        };
        known.iter().find(of_topic).or_else(|| known.first()).cloned()
    }
}

/// A URL without its query.
fn bare(url: &str) -> &str {
    url.split('?').next().unwrap_or(url)
}
