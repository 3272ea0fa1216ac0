//! Makes a conversation of a decoded capture, event by event.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use super::calls::Calling;
use crate::capture::Side;
use crate::capture::conversation::{
    End, EndKind, Event, ExchangeId, Frame, FrameKind, Moment, Opening, Socket, SocketId, SubscriptionId,
};
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
}

/// Makes a conversation of a capture, and judges single answers as they come.
pub(super) struct Listener {
    pub(super) conversation: Conversation,
    pub(super) judge: Judge,
    pub(super) issued: Issued,
    redactor: Redactor,
    /// The places of requests without an answer yet.
    pub(super) asked: HashMap<ExchangeId, Spot>,
    connections: HashMap<SocketId, Connection>,
    /// Subscribers by endpoint.
    pub(super) endpoints: HashMap<String, String>,
    /// How many WebSockets each subscriber has opened.
    opened: HashMap<String, usize>,
    /// Subscribers with webhooks by their subscriptions.
    pub(super) callbacks: HashMap<SubscriptionId, String>,
    /// Calls without an answer yet, by their lines.
    pub(super) calls: HashMap<usize, Calling>,
    /// The time of the last event.
    pub(super) last: Duration,
}

impl Listener {
    pub(super) fn new(version: Version, judge: Judge) -> Self {
        Self {
            conversation: Conversation::new(version, false),
            judge,
            issued: Issued::default(),
            redactor: Redactor::new(false, true),
            asked: HashMap::new(),
            connections: HashMap::new(),
            endpoints: HashMap::new(),
            opened: HashMap::new(),
            callbacks: HashMap::new(),
            calls: HashMap::new(),
            last: Duration::ZERO,
        }
    }

    pub(super) fn take(&mut self, moment: Moment, event: Event<'_>) {
        self.last = moment.at;
        self.conversation.until = moment.at;
        match event {
            Event::Requested(exchange) => self.requested(exchange),
            Event::Answered(exchange, answer) => self.answered(exchange, answer),
            Event::Failed(exchange, failure) => {
                self.asked.remove(&exchange.id);
                self.failed(&failure.problem);
            }
            Event::CallFailed(_, failure) => self.failed(&failure.problem),
            Event::Opened(socket, opening) => self.opened(socket, opening),
            Event::Frame(socket, frame) => self.frame(socket, frame),
            Event::Ended(socket, end) => self.ended(socket, end),
            Event::Note(text) => {
                let text = text.to_owned();
                self.add("castspec", Traffic::Note { text });
            }
            Event::Gap => self.forget(),
            Event::Called(call) => self.called(call),
            Event::CallAnswered(call, answer) => self.call_answered(call, answer),
            Event::Unpaired(_) | Event::Stopped => {}
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

    fn failed(&mut self, problem: &str) {
        let problem = problem.to_owned();
        self.add(CLIENT, Traffic::NoResponse { problem });
    }

    fn opened(&mut self, socket: &Socket, opening: &Opening) {
        if let Some(exchange) = opening.exchange {
            self.asked.remove(&exchange);
        }
        let name = match self.endpoints.get(&opening.url) {
            Some(name) => name.clone(),
            None => {
                // It subscribed before the recording began: nothing is known of its topic and events.
                let name = self.new_name(None);
                self.endpoints.insert(opening.url.clone(), name.clone());
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
        };
        self.connections.insert(socket.id, opened);
    }

    fn frame(&mut self, socket: &Socket, frame: &Frame) {
        let binary = match frame.kind {
            FrameKind::Text => false,
            FrameKind::Binary => true,
            FrameKind::Ping | FrameKind::Pong => return,
        };
        let text = frame.body.text();
        let Some(connection) = self.connections.get_mut(&socket.id) else {
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

    fn ended(&mut self, socket: &Socket, end: &End) {
        let Some(connection) = self.connections.get(&socket.id) else {
            return;
        };
        let (name, socket, greeted) = (
            connection.subscriber.clone(),
            connection.number,
            connection.greeted,
        );
        let by_hub = end.by == Side::Hub;
        let code = end.code();
        let (EndKind::Closed { reason, .. } | EndKind::Broken { problem: reason }) = &end.kind;
        let traffic = Traffic::Closed {
            by_hub,
            code,
            reason: reason.clone(),
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
            by_frame: matches!(end.kind, EndKind::Closed { .. }),
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
    pub(super) fn new_name(&self, stated: Option<&str>) -> String {
        let number = self.conversation.subscribers.len() + 1;
        match stated {
            Some(name) => format!("{name} ({number})"),
            None => format!("subscriber {number}"),
        }
    }
}
