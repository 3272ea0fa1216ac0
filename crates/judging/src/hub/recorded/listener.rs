//! Makes a conversation of what passed, line by line.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use url::Url;

use super::calls::Calling;
use super::exchanges::Asked;
use crate::capture::{Frame, Line, Message, Side};
use crate::hub::control::{Control, control_of};
use crate::hub::{
    Breach, Channel, Conversation, Issued, Judge, Place, Subscriber, Subscription, events_in, ids, lease_in,
};
use crate::outcome::{Entry, Traffic};
use crate::protocol::Version;
use crate::redaction::Redactor;
use crate::{Closed, Received, Spot};

/// The actor of what is not known to be one subscriber's.
pub(super) const CLIENT: &str = "a client";

/// An open WebSocket.
struct Connection {
    subscriber: String,
    number: usize,
    greeted: bool,
    ended: bool,
}

/// Makes a conversation of a capture, and judges single answers as they come.
pub(super) struct Listener {
    pub(super) conversation: Conversation,
    pub(super) judge: Judge,
    pub(super) issued: Issued,
    redactor: Redactor,
    pub(super) hub_url: String,
    pub(super) is_secure: bool,
    /// Requests without an answer yet.
    pub(super) asked: HashMap<u64, Asked>,
    connections: HashMap<u64, Connection>,
    /// Subscribers by endpoint.
    pub(super) endpoints: HashMap<String, String>,
    /// How many WebSockets each subscriber has opened.
    opened: HashMap<String, usize>,
    /// Subscribers with webhooks by callback, without its query.
    pub(super) callbacks: HashMap<String, Vec<String>>,
    /// Calls without an answer yet.
    pub(super) calls: HashMap<u64, Calling>,
    /// The time of the last line.
    pub(super) last: Duration,
}

impl Listener {
    pub(super) fn new(hub_url: &Url, version: Version, judge: Judge) -> Self {
        Self {
            conversation: Conversation::new(version, false),
            judge,
            issued: Issued::default(),
            redactor: Redactor::new(false, true),
            hub_url: hub_url.as_str().trim_end_matches('/').to_owned(),
            is_secure: hub_url.scheme() == "https",
            asked: HashMap::new(),
            connections: HashMap::new(),
            endpoints: HashMap::new(),
            opened: HashMap::new(),
            callbacks: HashMap::new(),
            calls: HashMap::new(),
            last: Duration::ZERO,
        }
    }

    pub(super) fn hear(&mut self, line: &Line) {
        self.last = Duration::try_from_secs_f64(line.at_ms / 1_000.0).unwrap_or_default();
        match &line.message {
            Message::Request {
                exchange,
                method,
                url,
                headers,
                body,
                ..
            } => self.requested(*exchange, method, url, headers, body.bytes()),
            Message::Response {
                exchange,
                status,
                headers,
                body,
                ..
            } => self.answered(*exchange, *status, headers, body.text()),
            Message::NoResponse {
                exchange, problem, ..
            } => {
                self.asked.remove(exchange);
                self.add(
                    CLIENT,
                    Traffic::NoResponse {
                        problem: problem.clone(),
                    },
                );
            }
            Message::Opened {
                connection,
                exchange,
                url,
            } => self.opened(*connection, *exchange, url),
            Message::Text(frame) => self.frame(frame, false),
            Message::Binary(frame) => self.frame(frame, true),
            Message::Closed {
                connection,
                from,
                code,
                reason,
            } => self.ended(*connection, *from, *code, reason),
            Message::Broken {
                connection,
                from,
                problem,
            } => self.ended(*connection, *from, None, problem),
            Message::Note { text } => {
                self.add("castspec", Traffic::Note { text: text.clone() });
            }
            Message::Gap => self.forget(),
            Message::CallbackRequest {
                exchange,
                method,
                url,
                headers,
                body,
            } => self.called(*exchange, method, url, headers, &body.bytes()),
            Message::CallbackResponse {
                exchange,
                status,
                headers,
                body,
            } => self.call_answered(*exchange, *status, headers, body.text()),
            Message::Ping(_) | Message::Pong(_) | Message::Stopped => {}
        }
    }

    pub(super) fn add(&mut self, actor: &str, traffic: Traffic) -> Spot {
        let transcript = &mut self.conversation.transcript;
        let sequence = transcript.len();
        let traffic = self.redactor.traffic(traffic);
        transcript.push(Arc::new(Entry::new(sequence, self.last, actor, traffic)));
        Spot {
            sequence,
            at: self.last,
        }
    }

    fn opened(&mut self, connection: u64, exchange: u64, url: &str) {
        self.asked.remove(&exchange);
        let name = match self.endpoints.get(url) {
            Some(name) => name.clone(),
            None => {
                // It subscribed before the recording began: nothing is known of its topic and events.
                let name = self.new_name(None);
                self.endpoints.insert(url.to_owned(), name.clone());
                let mut subscriber = Subscriber::new(&name, "", Channel::WebSocket);
                subscriber.exact = false;
                self.conversation.subscribers.insert(name.clone(), subscriber);
                name
            }
        };
        self.add(&name, Traffic::Connected);
        let opened = self.opened.entry(name.clone()).or_default();
        let number = *opened;
        *opened += 1;
        if let Some(subscription) = self.last_subscription(&name) {
            subscription.socket = Some(number);
        }
        let opened = Connection {
            subscriber: name,
            number,
            greeted: false,
            ended: false,
        };
        self.connections.insert(connection, opened);
    }

    fn frame(&mut self, frame: &Frame, binary: bool) {
        let text = frame.body.text();
        let Some(connection) = self.connections.get_mut(&frame.connection) else {
            // It was opened before the recording began, or before a gap.
            return;
        };
        let (name, number) = (connection.subscriber.clone(), connection.number);
        if frame.from == Side::Subscriber {
            self.add(&name, Traffic::FrameSent { text, binary });
            return;
        }
        let json: Option<Arc<Value>> = serde_json::from_str(&text).ok().map(Arc::new);
        let control = json.as_deref().and_then(control_of);
        let first = control.is_some() && !std::mem::replace(&mut connection.greeted, true);
        let traffic = Traffic::FrameReceived {
            text: text.clone(),
            binary,
        };
        let spot = self.add(&name, traffic);
        let Some(subscriber) = self.conversation.subscribers.get_mut(&name) else {
            return;
        };
        if subscriber.topic.is_empty()
            && let Some(message) = &json
        {
            let topic = message
                .get("hub.topic")
                .or_else(|| message.pointer("/event/hub.topic"));
            topic
                .and_then(Value::as_str)
                .unwrap_or_default()
                .clone_into(&mut subscriber.topic);
        }
        if control == Some(Control::Confirmation)
            && let Some(message) = &json
            && let Some(subscription) = subscriber.subscriptions.last_mut()
        {
            let granted = events_in(message).unwrap_or_else(|| subscription.asked.clone());
            let first = subscription.confirmed.unwrap_or(spot);
            subscription.confirm(granted, lease_in(message), first);
        }
        subscriber.received.push(Received {
            spot,
            socket: number,
            text: text.into(),
            json,
            call: None,
        });
        if first && control == Some(Control::Confirmation) {
            self.judge.held(ids::CONFIRMATION_SENT);
        }
    }

    fn ended(&mut self, connection: u64, from: Side, code: Option<u16>, reason: &str) {
        let Some(connection) = self.connections.get_mut(&connection) else {
            return;
        };
        // The first end is the one that counts; a second one answers it.
        if std::mem::replace(&mut connection.ended, true) {
            return;
        }
        let (name, socket, greeted) = (
            connection.subscriber.clone(),
            connection.number,
            connection.greeted,
        );
        let by_hub = from == Side::Hub;
        let traffic = Traffic::Closed {
            by_hub,
            code,
            reason: reason.to_owned(),
        };
        let spot = self.add(&name, traffic);
        let Some(subscriber) = self.conversation.subscribers.get_mut(&name) else {
            return;
        };
        subscriber.closed.push(Closed {
            spot,
            socket,
            by_hub,
            code,
        });
        if !by_hub {
            subscriber.exact &= matches!(code, Some(1000 | 1001));
            if let Some(subscription) = subscriber.subscriptions.last_mut() {
                subscription.ended.get_or_insert(spot);
            }
        } else if !greeted && subscriber.subscription().is_some() {
            let message = "the hub ended a WebSocket without having sent a confirmation or a denial";
            let breach = Breach::new(message, vec![Place::at(spot.sequence)])
                .expecting("a confirmation, or a denial")
                .observing("nothing but the end");
            self.judge.broken(ids::CONFIRMATION_SENT, breach);
        }
    }

    /// Messages are missing: nothing is owed to anybody who is here now, and nothing that comes is compared with what was
    /// published before.
    fn forget(&mut self) {
        self.add(
            "castspec",
            Traffic::Note {
                text: "messages are missing here".to_owned(),
            },
        );
        self.asked.clear();
        self.connections.clear();
        self.endpoints.clear();
    }

    /// The last subscription of this subscriber.
    pub(super) fn last_subscription(&mut self, name: &str) -> Option<&mut Subscription> {
        let subscriber = self.conversation.subscribers.get_mut(name)?;
        subscriber.subscriptions.last_mut()
    }

    /// A name that no subscriber has yet.
    pub(super) fn new_name(&self, stated: Option<String>) -> String {
        let number = self.conversation.subscribers.len() + 1;
        match stated.filter(|name| !name.is_empty()) {
            Some(name) => format!("{name} ({number})"),
            None => format!("subscriber {number}"),
        }
    }
}
