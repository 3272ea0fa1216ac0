//! Webhooks: requests for them, intent verifications, notifications at callbacks.

use std::sync::Arc;

use serde_json::Value;
use url::Url;

use super::listener::{CLIENT, Listener};
use crate::capture::conversation::{self, CallbackCall, Exchange, Request, SubscriptionForm};
use crate::hub::control::{Control, control_received};
use crate::hub::rules::status_of_acceptance;
use crate::hub::{Channel, Intent, Subscriber, ids};
use crate::outcome::Traffic;
use crate::protocol::parse_events;
use crate::protocol::signature::SIGNATURE_HEADER;
use crate::{Answer, Call, Received, Signature, Spot, Verified};

/// A call without an answer yet.
pub(super) struct Calling {
    subscriber: String,
    asked: Spot,
    /// The parameters of an intent verification.
    question: Option<Arc<Value>>,
}

impl Listener {
    /// A subscriber requests webhooks, or their end; the hub may call before it answers.
    pub(super) fn asks_for_calls(
        &mut self,
        exchange: &Exchange,
        form: &SubscriptionForm,
        callback: &str,
        requested: Spot,
    ) {
        let known = exchange
            .subscription
            .and_then(|id| self.callbacks.get(&id))
            .cloned();
        if matches!(exchange.request, Request::Unsubscribe(_)) {
            // Whether the subscriber agrees to it shows later; until then nothing is owed to it.
            if let Some(subscription) = known.and_then(|name| self.last_subscription(&name)) {
                subscription.ended.get_or_insert(requested);
            }
            return;
        }
        let name = known.unwrap_or_else(|| self.new_name(form.subscriber_name()));
        if let Some(subscription) = exchange.subscription {
            self.callbacks.insert(subscription, name.clone());
        }
        let channel = || Channel::Webhook {
            callback: callback.to_owned(),
            verified: Vec::new(),
        };
        let subscribers = &mut self.conversation.subscribers;
        let subscriber = subscribers
            .entry(name.clone())
            .or_insert_with(|| Subscriber::new(&name, form.topic(), channel()));
        subscriber.subscriptions.ask(Intent {
            events: parse_events(form.get("hub.events").unwrap_or_default()).unwrap_or_default(),
            secret: form.get("hub.secret").map(|_| 0),
            requested: requested.sequence,
        });
    }

    /// The hub answered a request for webhooks, or for their end; `requirement` is on the status of success.
    pub(super) fn asked_for_calls(
        &mut self,
        exchange: &Exchange,
        answer: &Answer,
        requirement: &'static str,
    ) {
        if answer.is_accepted() {
            status_of_acceptance(answer, requirement, &mut self.judge);
            return;
        }
        let name = exchange.subscription.and_then(|id| self.callbacks.get(&id));
        if let Some(name) = name
            && let Some(subscriber) = self.conversation.subscribers.get_mut(name)
        {
            subscriber.subscriptions.refuse(answer.request.sequence);
        }
    }

    /// The hub calls a callback.
    pub(super) fn called(&mut self, recorded: &CallbackCall) {
        let text = recorded.body.text();
        let traffic = Traffic::CallbackRequest {
            method: recorded.method.clone(),
            url: recorded.url.clone(),
            headers: recorded.headers.to_vec(),
            body: text.clone(),
        };
        let message = recorded.message();
        let question = message.asked();
        let json = message.json;
        let name = recorded
            .subscription
            .and_then(|id| self.callbacks.get(&id))
            .cloned();
        let Some(name) = name else {
            // It subscribed before the recording began: nothing is known of it.
            self.add(CLIENT, traffic);
            return;
        };
        let asked = self.add(&name, traffic);
        let signatures: Vec<&str> = recorded.headers.all(SIGNATURE_HEADER).collect();
        let call = Call {
            method: recorded.method.clone(),
            path: Url::parse(&recorded.url)
                .map_or_else(|_| recorded.url.clone(), |url| url.path().to_owned()),
            query: recorded.query().to_owned(),
            headers: recorded
                .headers
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
            question: json.filter(|_| recorded.method == "GET" && question.is_some()),
        };
        self.calls.insert(recorded.requested.line, calling);
    }

    /// A callback has answered.
    pub(super) fn call_answered(&mut self, recorded: &CallbackCall, answer: &conversation::Answer) {
        let Some(calling) = self.calls.remove(&recorded.requested.line) else {
            return;
        };
        let traffic = Traffic::CallbackResponse {
            to: calling.asked.sequence,
            status: answer.status,
            headers: answer.headers.to_vec(),
            body: answer.body.text(),
        };
        let answered = self.add(&calling.subscriber, traffic);
        let Some(query) = calling.question else {
            return;
        };
        let verified = Verified {
            asked: calling.asked,
            answered,
            query,
            agreed: recorded.is_agreed(),
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
}
