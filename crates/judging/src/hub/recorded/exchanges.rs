//! HTTP exchanges with the hub: requests for subscriptions, and published events.

use std::sync::Arc;

use serde_json::Value;

use super::listener::{CLIENT, Listener};
use crate::capture::conversation::{self, Exchange, PublishedEvent, Request, SubscriptionForm};
use crate::hub::rules::{ContextRead, end_accepted, subscription_accepted};
use crate::hub::{Channel, Publication, Subscriber, Subscription, ids};
use crate::outcome::Traffic;
use crate::protocol::{EventKind, EventName, WELL_KNOWN_PATH, parse_events};
use crate::schema::MessageKind;
use crate::{Answer, Spot};

impl Listener {
    pub(super) fn requested(&mut self, exchange: &Exchange) {
        let url = exchange.url.clone();
        let traffic = match exchange.request {
            Request::Upgrade => Traffic::Connect { url },
            _ => Traffic::Request {
                method: exchange.method.clone(),
                url,
                headers: exchange.headers.to_vec(),
                body: exchange.body.text(),
            },
        };
        let actor = self.endpoints.get(&exchange.url).cloned();
        let spot = self.add(actor.as_deref().unwrap_or(CLIENT), traffic);
        if let Request::Unsubscribe(form) = &exchange.request
            && let Some(endpoint) = form.endpoint()
            && let Some(name) = self.endpoints.get(endpoint).cloned()
            && let Some(subscription) = self.last_subscription(&name)
        {
            // From here on, what the hub still sends is lawful and what it no longer sends is too.
            subscription.ended.get_or_insert(spot);
        }
        if let Some(form) = exchange.request.form()
            && let Some(callback) = form.callback()
        {
            self.asks_for_calls(exchange, form, callback, spot);
        }
        self.asked.insert(exchange.id, spot);
    }

    pub(super) fn answered(&mut self, exchange: &Exchange, recorded: &conversation::Answer) {
        let Some(asked) = self.asked.remove(&exchange.id) else {
            // It was asked before a gap.
            return;
        };
        let text = recorded.body.text();
        let traffic = match exchange.request {
            Request::Upgrade => Traffic::ConnectFailed {
                status: Some(recorded.status),
                problem: text.clone(),
            },
            _ => Traffic::Response {
                status: recorded.status,
                headers: recorded.headers.to_vec(),
                body: text.clone(),
            },
        };
        let spot = self.add(CLIENT, traffic);
        let answer = Answer {
            status: recorded.status,
            headers: recorded
                .headers
                .iter()
                .map(|(name, value)| (name.to_ascii_lowercase(), value.clone()))
                .collect(),
            json: serde_json::from_str(&text).ok(),
            text,
            request: asked,
            spot,
        };
        match &exchange.request {
            Request::Subscribe(form) => match form.callback() {
                Some(_) => self.asked_for_calls(exchange, &answer, ids::SUBSCRIBE_202),
                None => self.subscribed(form, &answer),
            },
            Request::Unsubscribe(form) => match (form.callback(), form.endpoint()) {
                (Some(_), _) => self.asked_for_calls(exchange, &answer, ids::UNSUBSCRIBE_202),
                (None, Some(endpoint)) if answer.is_accepted() => {
                    end_accepted(&answer, endpoint, &mut self.judge);
                }
                (None, _) => {}
            },
            Request::Publish(event) => {
                let at_hub_url = matches!(exchange.path.as_deref(), Some("" | "/"));
                self.published(event, &answer, at_hub_url);
            }
            Request::Configuration if exchange.path.as_deref() == Some(WELL_KNOWN_PATH) => {
                self.document(MessageKind::Configuration, &answer, spot);
            }
            Request::GetContext { topic } => {
                self.document(MessageKind::CurrentContext, &answer, spot);
                if answer.is_accepted() {
                    self.conversation.contexts_read.push(Arc::new(ContextRead {
                        by: None,
                        topic: topic.clone(),
                        answer,
                    }));
                }
            }
            Request::Configuration | Request::Upgrade | Request::Other => {}
        }
    }

    fn document(&mut self, kind: MessageKind, answer: &Answer, spot: Spot) {
        if answer.status == 200 && self.judge.knows(kind) {
            let body = answer.json.as_ref().unwrap_or(&Value::Null);
            self.judge.message(kind, body, spot);
        }
    }

    /// The hub answered a request for a subscription over a WebSocket.
    fn subscribed(&mut self, form: &SubscriptionForm, answer: &Answer) {
        if !answer.is_accepted() {
            return;
        }
        let named = form.endpoint();
        let events = parse_events(form.get("hub.events").unwrap_or_default()).unwrap_or_default();
        let known = named.and_then(|named| self.endpoints.get(named)).cloned();
        subscription_accepted(answer, named.is_none(), &mut self.issued, &mut self.judge);
        let Some(given) = answer.member("hub.channel.endpoint").map(str::to_owned) else {
            return;
        };
        if let Some(known) = known
            && let Some(subscription) = self.last_subscription(&known)
        {
            if named == Some(given.as_str()) {
                subscription.current.clone_from(&events);
                subscription.replace(events, answer.request);
                return;
            }
            subscription.replaced.push(answer.request);
        }
        let name = self.new_name(form.subscriber_name());
        let mut subscriber = Subscriber::new(&name, form.topic(), Channel::WebSocket);
        subscriber
            .subscriptions
            .push(Subscription::new(events, answer.request));
        self.endpoints.insert(given, name.clone());
        self.conversation.subscribers.insert(name, subscriber);
    }

    /// The hub answered the request to broadcast an event.
    fn published(&mut self, message: &PublishedEvent, answer: &Answer, at_hub_url: bool) {
        let (Some(topic), Some(name), Some(id)) = (message.topic(), message.name(), message.id()) else {
            return;
        };
        let Ok(event) = name.parse::<EventName>() else {
            return;
        };
        if answer.is_accepted() && at_hub_url {
            self.judge.held(ids::PUBLISH_AT_HUB_URL);
        }
        let publication = Publication {
            by: None,
            topic: topic.to_owned(),
            id: id.to_owned(),
            timestamp: message.timestamp().unwrap_or_default().to_owned(),
            context: message.context().cloned().unwrap_or(Value::Null),
            requested: answer.request,
            answered: answer.spot,
            accepted: answer.is_accepted(),
            // The publisher of a SyncError is owed no copy (2.5), and who that is nobody knows.
            proper: event.kind() != EventKind::SyncError,
            event,
        };
        self.conversation.publications.push(publication.into());
    }
}
