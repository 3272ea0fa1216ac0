//! What goes over a WebSocket: control messages and notifications to the subscriber, acknowledgements from it.

use std::collections::VecDeque;
use std::sync::Arc;

use bytestring::ByteString;
use serde_json::Value;

use super::callbacks::is_callback;
use super::event::Event;
use super::exchange::Frame;
use super::findings::Breach;
use super::ids;
use super::judge::{Judge, Question};
use super::message::Message;
use super::notified::status_of;
use super::record::Place;
use super::state::{Ended, Given, Notified, REMEMBERED, Spot};
use super::unique_members::repeated_member;
use crate::protocol::Action;
use crate::schema::MessageKind;

/// How many of the last messages from the hub are known by their text: what goes to several subscribers is read once.
const HEARD: usize = 8;
/// How many notifications are remembered of all WebSockets together.
const ALL_REMEMBERED: usize = 100_000;
/// How many of a WebSocket are remembered whatever the number of the others.
const FEW: usize = 20;

/// The last messages from the hub, as they were read.
#[derive(Debug, Default)]
pub(super) struct Heard(VecDeque<(ByteString, Arc<Message>)>);

impl Heard {
    fn find(&self, text: &ByteString) -> Option<Arc<Message>> {
        let is_it = |known: &&(ByteString, Arc<Message>)| {
            let known = &known.0;
            known.len() == text.len() && (known.as_ptr() == text.as_ptr() || known == text)
        };
        self.0
            .iter()
            .rev()
            .find(is_it)
            .map(|(_, message)| Arc::clone(message))
    }

    fn keep(&mut self, text: &ByteString, message: &Arc<Message>) {
        if self.0.len() == HEARD {
            self.0.pop_front();
        }
        self.0.push_back((text.clone(), Arc::clone(message)));
    }

    /// Forgets all: exchanges are missing.
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}

impl Judge {
    pub(super) fn hub_sent(&mut self, connection: u64, frame: &Frame, spot: Spot) {
        if let Frame::Text(text) = frame
            && let Some(message) = self.heard.find(text)
        {
            self.notified(connection, &message, spot);
            return;
        }
        let Some(text) = frame.text() else { return };
        let Ok(message) = serde_json::from_str::<Value>(text) else {
            return;
        };
        match message.get("hub.mode").and_then(Value::as_str) {
            Some("denied") => self.denied(connection, &message, spot),
            Some("subscribe") => self.confirmed(connection, &message, spot),
            _ => {
                if let Some(event) = Event::read(&message) {
                    let message = self.hear(&event, text.len(), spot);
                    if let Frame::Text(text) = frame {
                        self.heard.keep(text, &message);
                    }
                    self.notified(connection, &message, spot);
                }
            }
        }
    }

    fn confirmed(&mut self, connection: u64, message: &Value, spot: Spot) {
        let granted = events_of(message);
        let subscription = self
            .connections
            .get(&connection)
            .and_then(|connection| connection.subscription.and_then(|at| self.subscriptions.get(&at)));
        let asked = subscription
            .map(|subscription| subscription.asked.clone())
            .unwrap_or_default();
        let other_case = granted
            .iter()
            .any(|name| !asked.contains(name) && asked.iter().any(|event| event.eq_ignore_ascii_case(name)));
        let topic = message
            .get("hub.topic")
            .and_then(Value::as_str)
            .map(str::to_owned);
        let connection = self.connection(connection);
        connection.topic = connection.topic.take().or(topic);
        connection.confirmed = Some(spot);
        connection.granted = granted;
        connection.other_case = other_case;
    }

    fn denied(&mut self, connection: u64, message: &Value, spot: Spot) {
        self.nearly_overdue(connection);
        let denied = events_of(message);
        let connection = self.connection(connection);
        // A denial may be about some of the events only (ambiguities, 15).
        let whole = connection
            .granted
            .iter()
            .all(|name| denied.iter().any(|event| event.eq_ignore_ascii_case(name)));
        if !whole {
            return;
        }
        connection.denied.get_or_insert(spot);
        if let Some(subscription) = connection
            .subscription
            .and_then(|at| self.subscriptions.get_mut(&at))
            && subscription.ended.is_none()
            && subscription.unsubscribe.is_none()
        {
            subscription.ended = Some((Ended::Denied, spot));
        }
    }

    /// The hub tells of an event, to whomever: what that changes in its topic.
    pub(super) fn hear(&mut self, event: &Event, size: usize, spot: Spot) -> Arc<Message> {
        let (action, anchor) = (event.action(), event.anchor());
        let topic_name = event.topic.clone().unwrap_or_default();
        let non_current = action == Some(Action::Update) && self.is_non_current(&topic_name, anchor.as_ref());
        let topic = self.topic(&topic_name);
        match action {
            Some(Action::Open) => topic.open(event, spot, false),
            Some(Action::Close) => topic.close(event, spot),
            _ => {}
        }
        let causes = event.causes();
        for published in topic.published.iter_mut() {
            if causes.iter().any(|cause| cause.event_id == published.id) {
                published.sync_error.get_or_insert(spot);
            }
        }
        for cause in &causes {
            self.rejected_later(&topic_name, &cause.event_id, spot);
        }
        Arc::new(Message::of(event, size, non_current))
    }

    /// How many notifications of a WebSocket are remembered now.
    pub(super) fn remembered(&self) -> usize {
        (ALL_REMEMBERED / self.connections.len().max(1)).clamp(FEW, REMEMBERED)
    }

    /// One subscriber is notified.
    pub(super) fn notified(&mut self, connection: u64, message: &Arc<Message>, spot: Spot) {
        let Some(id) = &message.id else {
            return;
        };
        let most = self.remembered();
        let websocket = self.connection(connection);
        if websocket.topic.is_none() {
            websocket.topic = Some(message.topic.clone());
        }
        // A hub that goes on after a denial has not ended the subscription.
        websocket.denied = None;
        let by_open = message.action == Some(Action::Open);
        if let Some(anchor) = &message.anchor {
            if message.version.is_some() {
                let message = Arc::clone(message);
                websocket.give(Arc::clone(anchor), Given { message, spot }, most);
            }
            match message.action {
                Some(Action::Open) => websocket.last_open = Some(Arc::clone(message)),
                Some(Action::Close)
                    if websocket
                        .last_taken_open
                        .as_ref()
                        .is_some_and(|(open, _)| open.anchor.as_ref() == Some(anchor)) =>
                {
                    websocket.last_taken_open = None;
                }
                _ => {}
            }
        }
        let follows = websocket
            .last_taken_open
            .as_ref()
            .filter(|(open, _)| by_open && message.anchor != open.anchor)
            .map(|(_, spot)| *spot);
        let notified = Notified {
            message: Arc::clone(message),
            spot,
            follows,
            acknowledged: None,
            overdue: false,
            by_http: is_callback(connection),
        };
        let known = websocket.notified.get(id);
        if known.is_some_and(|known| known.acknowledged.is_some() || (!known.by_http && !known.overdue)) {
            // It was answered, or its time runs already.
            return;
        }
        websocket.notify(id, notified, most);
        // How long a callback has, the one who calls it tells.
        if is_callback(connection) {
            return;
        }
        websocket.unanswered.push_back(Arc::clone(id));
        if websocket.unanswered.len() > REMEMBERED {
            websocket.unanswered.pop_front();
        }
        if !websocket.is_asked_about {
            websocket.is_asked_about = true;
            let patience = self.settings.ack_timeout;
            self.ask_in(patience, Question::Acknowledged { connection });
        }
    }

    pub(super) fn subscriber_sent(&mut self, connection: u64, frame: &Frame, spot: Spot) {
        let who = self.listener(connection);
        let text = frame.text();
        if let Some((usual, id)) = text.and_then(|text| self.usual_answers.read(text)) {
            self.findings.held_at(&who, &usual.satisfied);
            if !self.is_after_denial(connection, &who, Some(id), spot) {
                self.acknowledged(connection, &who, id, usual.status, spot);
            }
            return;
        }
        let message = text.and_then(|text| serde_json::from_str::<Value>(text).ok());
        let Some(message) = message else {
            let breach = Breach::new(
                "a message over the WebSocket is not JSON; answer notifications with a JSON object",
                vec![Place::at(spot.sequence)],
            );
            self.broken(&who, ids::WEBSOCKET_JSON, breach);
            return;
        };
        let repeated = text.and_then(|text| repeated_member(text, spot.sequence));
        let is_whole = repeated.is_none();
        self.judge(&who, ids::WEBSOCKET_JSON, repeated);
        if message.get("event").is_some() {
            let breach = Breach::new(
                "an event was sent over the WebSocket; request changes by an HTTP POST at hub.url",
                vec![Place::within(spot.sequence, "/event")],
            );
            self.broken(&who, ids::PUBLISH_POST, breach);
            return;
        }
        let judgement = self.schemas.judge(MessageKind::Acknowledgement, &message);
        let id = message.get("id").and_then(Value::as_str);
        if let (Some(text), Some(id), true) = (text, id, is_whole && judgement.violations.is_empty()) {
            let is_json = ids::WEBSOCKET_JSON.into();
            let satisfied = judgement.satisfied.iter().chain([&is_json]);
            let satisfied = satisfied
                .filter_map(|requirement| self.findings.place(requirement))
                .collect();
            self.usual_answers.keep(text, id, satisfied, status_of(&message));
        }
        self.findings
            .judgement(&self.record, &who, judgement, spot.sequence);
        if !self.is_after_denial(connection, &who, id, spot)
            && let Some(id) = id
        {
            self.acknowledged(connection, &who, id, status_of(&message), spot);
        }
    }

    /// Whether a message came that has nothing to answer any more, as the subscription was denied.
    fn is_after_denial(
        &mut self,
        connection: u64,
        who: &super::Subscriber,
        id: Option<&str>,
        spot: Spot,
    ) -> bool {
        let Some(connection) = self.connections.get(&connection) else {
            return false;
        };
        let unsubscribed = connection
            .subscription
            .and_then(|at| self.subscriptions.get(&at))
            .is_some_and(|subscription| subscription.unsubscribe.is_some());
        let Some(denied) = connection.denied.filter(|_| !unsubscribed) else {
            return false;
        };
        // An answer to what came before the denial was on its way.
        let answers = id.is_some_and(|id| connection.notified.contains_key(id));
        if answers || connection.forgetful {
            return false;
        }
        let breach = Breach::new(
            "a message was sent over the WebSocket of a subscription that the hub has denied; take it as ended",
            vec![Place::at(denied.sequence), Place::at(spot.sequence)],
        );
        self.broken(who, ids::DENIAL_HEEDED, breach);
        true
    }
}

pub(super) fn events_of(message: &Value) -> Vec<String> {
    let events = message
        .get("hub.events")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let names = events.split(',').map(|name| name.trim().to_owned());
    names.filter(|name| !name.is_empty()).collect()
}
