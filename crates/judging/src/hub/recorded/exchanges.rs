//! HTTP exchanges with the hub: requests for subscriptions, and published events.

use bytes::Bytes;
use serde_json::Value;
use url::form_urlencoded;

use super::listener::{CLIENT, Listener};
use crate::hub::rules::{end_accepted, subscription_accepted};
use crate::hub::{Channel, Publication, Subscriber, Subscription, ids};
use crate::outcome::Traffic;
use crate::protocol::{EventKind, EventName, WELL_KNOWN_PATH, parse_events};
use crate::schema::MessageKind;
use crate::{Answer, Spot};

/// A request without an answer yet.
pub(super) struct Asked {
    pub(super) spot: Spot,
    method: String,
    url: String,
    pub(super) body: Bytes,
    upgrade: bool,
}

impl Listener {
    pub(super) fn requested(
        &mut self,
        exchange: u64,
        method: &str,
        url: &str,
        headers: &[(String, String)],
        body: Bytes,
    ) {
        let upgrade = url.starts_with("ws");
        let traffic = match upgrade {
            true => Traffic::Connect { url: url.to_owned() },
            false => Traffic::Request {
                method: method.to_owned(),
                url: url.to_owned(),
                headers: headers.to_vec(),
                body: String::from_utf8_lossy(&body).into_owned(),
            },
        };
        let actor = self.endpoints.get(url).cloned();
        let spot = self.add(actor.as_deref().unwrap_or(CLIENT), traffic);
        if method == "POST"
            && parameter(&body, "hub.mode").as_deref() == Some("unsubscribe")
            && let Some(endpoint) = parameter(&body, "hub.channel.endpoint")
            && let Some(name) = self.endpoints.get(&endpoint).cloned()
            && let Some(subscription) = self.last_subscription(&name)
        {
            // From here on, what the hub still sends is lawful and what it no longer sends is too.
            subscription.ended.get_or_insert(spot);
        }
        if method == "POST"
            && let Some(callback) = parameter(&body, "hub.callback")
        {
            self.asks_for_calls(&callback, &body, spot);
        }
        let asked = Asked {
            spot,
            method: method.to_owned(),
            url: url.to_owned(),
            body,
            upgrade,
        };
        self.asked.insert(exchange, asked);
    }

    pub(super) fn answered(
        &mut self,
        exchange: u64,
        status: u16,
        headers: &[(String, String)],
        text: String,
    ) {
        let Some(asked) = self.asked.remove(&exchange) else {
            // It was asked before the recording began.
            return;
        };
        let traffic = match asked.upgrade {
            true => Traffic::ConnectFailed {
                status: Some(status),
                problem: text.clone(),
            },
            false => Traffic::Response {
                status,
                headers: headers.to_vec(),
                body: text.clone(),
            },
        };
        let spot = self.add(CLIENT, traffic);
        if asked.upgrade {
            return;
        }
        let answer = Answer {
            status,
            headers: headers
                .iter()
                .map(|(name, value)| (name.to_ascii_lowercase(), value.clone()))
                .collect(),
            json: serde_json::from_str(&text).ok(),
            text,
            request: asked.spot,
            spot,
        };
        match asked.method.as_str() {
            "POST" if parameter(&asked.body, "hub.mode").is_some() => self.subscribed(&asked, &answer),
            "POST" => self.published(&asked, &answer, asked.url.trim_end_matches('/') == self.hub_url),
            "GET" if status == 200 => {
                let below = asked.url.strip_prefix(&self.hub_url);
                let kind = match below {
                    Some(path) if path == WELL_KNOWN_PATH => MessageKind::Configuration,
                    Some(path) if is_topic(path) => MessageKind::CurrentContext,
                    _ => return,
                };
                if self.judge.knows(kind) {
                    let body = answer.json.as_ref().unwrap_or(&Value::Null);
                    self.judge.message(kind, body, spot);
                }
            }
            _ => {}
        }
    }

    /// The hub answered a request for a subscription, or for its end.
    fn subscribed(&mut self, asked: &Asked, answer: &Answer) {
        let named = parameter(&asked.body, "hub.channel.endpoint");
        let unsubscribes = parameter(&asked.body, "hub.mode").as_deref() == Some("unsubscribe");
        if let Some(callback) = parameter(&asked.body, "hub.callback") {
            return self.asked_for_calls(&callback, asked, answer, unsubscribes);
        }
        if !answer.is_accepted() {
            return;
        }
        if unsubscribes {
            if let Some(endpoint) = named {
                end_accepted(answer, &endpoint, &mut self.judge);
            }
            return;
        }
        let topic = parameter(&asked.body, "hub.topic").unwrap_or_default();
        let events = parameter(&asked.body, "hub.events").unwrap_or_default();
        let events = parse_events(&events).unwrap_or_default();
        let known = named
            .as_ref()
            .and_then(|named| self.endpoints.get(named))
            .cloned();
        subscription_accepted(
            answer,
            named.is_none(),
            self.is_secure,
            &mut self.issued,
            &mut self.judge,
        );
        let Some(given) = answer.member("hub.channel.endpoint").map(str::to_owned) else {
            return;
        };
        if let Some(known) = known
            && let Some(subscription) = self.last_subscription(&known)
        {
            subscription.replaced.push(answer.request);
            if named.as_ref() == Some(&given) {
                subscription.granted.extend(events.iter().cloned());
                subscription.current.clone_from(&events);
                subscription.asked = events;
                return;
            }
        }
        let name = self.new_name(parameter(&asked.body, "subscriber.name"));
        let mut subscriber = Subscriber::new(&name, &topic, Channel::WebSocket);
        subscriber.subscriptions.push(Subscription::new(events));
        self.endpoints.insert(given, name.clone());
        self.conversation.subscribers.insert(name, subscriber);
    }

    /// The hub answered the request to broadcast an event.
    fn published(&mut self, asked: &Asked, answer: &Answer, at_hub_url: bool) {
        let Ok(message) = serde_json::from_slice::<Value>(&asked.body) else {
            return;
        };
        let text = |pointer: &str| {
            message
                .pointer(pointer)
                .and_then(Value::as_str)
                .map(str::to_owned)
        };
        let (Some(topic), Some(event)) = (text("/event/hub.topic"), text("/event/hub.event")) else {
            return;
        };
        let (Ok(event), Some(id)) = (event.parse::<EventName>(), text("/id")) else {
            return;
        };
        if answer.is_accepted() && at_hub_url {
            self.judge.held(ids::PUBLISH_AT_HUB_URL);
        }
        let publication = Publication {
            by: None,
            topic,
            id,
            timestamp: text("/timestamp").unwrap_or_default(),
            context: message.pointer("/event/context").cloned().unwrap_or(Value::Null),
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

/// The path of one topic's current context.
fn is_topic(path: &str) -> bool {
    path.strip_prefix('/')
        .is_some_and(|rest| !rest.is_empty() && !rest.contains('/') && !rest.starts_with('.'))
}

/// A parameter of a form.
pub(super) fn parameter(form: &[u8], name: &str) -> Option<String> {
    let mut pairs = form_urlencoded::parse(form);
    pairs
        .find(|(parameter, _)| parameter == name)
        .map(|(_, value)| value.into_owned())
}
