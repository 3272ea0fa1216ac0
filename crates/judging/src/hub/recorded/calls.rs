//! Webhooks: requests for them, intent verifications, notifications at callbacks.

use std::sync::Arc;

use serde_json::Value;
use url::Url;

use super::exchanges::{Asked, parameter};
use super::listener::{CLIENT, Listener};
use crate::hub::control::{Control, control_received};
use crate::hub::rules::status_of_acceptance;
use crate::hub::{Channel, Intent, Subscriber, ids};
use crate::outcome::Traffic;
use crate::protocol::signature::SIGNATURE_HEADER;
use crate::protocol::{CallMessage, parse_events};
use crate::{Answer, Call, Received, Signature, Spot, Verified};

/// A call without an answer yet.
pub(super) struct Calling {
    subscriber: String,
    asked: Spot,
    /// What an intent verification asks, and the challenge that the answer must have.
    question: Option<(Arc<Value>, String)>,
}

impl Listener {
    /// A subscriber asks for webhooks, or for their end; the hub may call before it answers.
    pub(super) fn asks_for_calls(&mut self, callback: &str, body: &[u8], requested: Spot) {
        let topic = parameter(body, "hub.topic").unwrap_or_default();
        let known = self.at_callback(callback, Some(&topic));
        let known = known.filter(|name| {
            let subscriber = self.conversation.subscribers.get(name);
            subscriber.is_some_and(|subscriber| subscriber.topic == topic)
        });
        if parameter(body, "hub.mode").as_deref() == Some("unsubscribe") {
            // Whether the subscriber agrees to it shows later; until then nothing is owed to it.
            if let Some(subscription) = known.and_then(|name| self.last_subscription(&name)) {
                subscription.ended.get_or_insert(requested);
            }
            return;
        }
        let name = match known {
            Some(name) => name,
            None => {
                let name = self.new_name(parameter(body, "subscriber.name"));
                let known = self.callbacks.entry(bare(callback).to_owned()).or_default();
                known.push(name.clone());
                name
            }
        };
        let channel = || Channel::Webhook {
            callback: callback.to_owned(),
            verified: Vec::new(),
        };
        let subscribers = &mut self.conversation.subscribers;
        let subscriber = subscribers
            .entry(name.clone())
            .or_insert_with(|| Subscriber::new(&name, &topic, channel()));
        let events = parameter(body, "hub.events").unwrap_or_default();
        let secret = parameter(body, "hub.secret").filter(|secret| !secret.is_empty());
        subscriber.subscriptions.ask(Intent {
            events: parse_events(&events).unwrap_or_default(),
            secret: secret.map(|_| 0),
            requested: requested.sequence,
        });
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
            status_of_acceptance(answer, requirement, &mut self.judge);
            return;
        }
        let topic = parameter(&asked.body, "hub.topic");
        if let Some(name) = self.at_callback(callback, topic.as_deref())
            && let Some(subscriber) = self.conversation.subscribers.get_mut(&name)
        {
            subscriber.subscriptions.refuse(asked.spot.sequence);
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
            .filter(|(name, _)| name.eq_ignore_ascii_case(SIGNATURE_HEADER))
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
        if let Some(subscriber) = self.conversation.subscribers.get_mut(&name) {
            let subscriptions = &mut subscriber.subscriptions;
            if control == Some(Control::Verification) && subscriptions.has_intents() {
                self.judge.held(ids::VERIFICATION_SENT);
            }
            if control == Some(Control::Denial)
                && let Some(subscription) = subscriptions.last_mut()
            {
                subscription.ended.get_or_insert(asked);
            }
            subscriber.received.push(received);
        }
        let calling = Calling {
            subscriber: name,
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
        let answered = self.add(&calling.subscriber, traffic);
        let Some((query, challenge)) = calling.question else {
            return;
        };
        let verified = Verified {
            asked: calling.asked,
            answered,
            query,
            agreed: (200..300).contains(&status) && text == challenge,
        };
        let subscribers = &mut self.conversation.subscribers;
        let Some(subscriber) = subscribers.get_mut(&calling.subscriber) else {
            return;
        };
        if verified.agreed {
            subscriber.subscriptions.agree(&verified, |_| true);
        }
        if let Channel::Webhook { verified: known, .. } = &mut subscriber.channel {
            known.push(verified);
        }
    }

    /// Whose callback this is; where several topics have it, the one of this topic.
    fn at_callback(&self, url: &str, topic: Option<&str>) -> Option<String> {
        let known = self.callbacks.get(bare(url))?;
        let of_topic = |name: &&String| {
            let subscriber = self.conversation.subscribers.get(*name);
            subscriber.is_some_and(|subscriber| Some(subscriber.topic.as_str()) == topic)
        };
        known.iter().find(of_topic).or_else(|| known.first()).cloned()
    }
}

/// A URL without its query.
fn bare(url: &str) -> &str {
    url.split('?').next().unwrap_or(url)
}
