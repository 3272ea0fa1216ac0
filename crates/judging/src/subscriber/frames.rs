//! What goes over a WebSocket: control messages and notifications to the subscriber, acknowledgements from it.

use serde_json::Value;

use super::callbacks::is_callback;
use super::event::Event;
use super::exchange::Frame;
use super::findings::Breach;
use super::ids;
use super::judge::{Judge, Question};
use super::record::Place;
use super::state::{Ended, Given, Notified, Spot};
use super::unique_members::repeated_member;
use crate::protocol::Action;
use crate::schema::MessageKind;

/// The largest notification whose resource is kept to be compared, in bytes.
const COMPARED: usize = 4 << 10;

impl Judge {
    pub(super) fn hub_sent(&mut self, connection: u64, frame: &Frame, spot: Spot) {
        let Some(text) = frame.text() else { return };
        let Ok(message) = serde_json::from_str::<Value>(text) else {
            return;
        };
        match message.get("hub.mode").and_then(Value::as_str) {
            Some("denied") => self.denied(connection, &message, spot),
            Some("subscribe") => self.confirmed(connection, &message, spot),
            _ => {
                if let Some(event) = Event::read(&message) {
                    self.notified(connection, &event, text.len(), spot);
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

    pub(super) fn notified(&mut self, connection: u64, event: &Event, size: usize, spot: Spot) {
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
        let Some(id) = event.id.clone().filter(|id| !id.is_empty()) else {
            return;
        };
        let websocket = self.connection(connection);
        websocket.topic.get_or_insert(topic_name);
        // A hub that goes on after a denial has not ended the subscription.
        websocket.denied = None;
        let by_open = action == Some(Action::Open);
        if let Some(anchor) = &anchor {
            if let Some(version) = event.versions.first() {
                let given = Given {
                    version: version.clone(),
                    notification: id.clone(),
                    spot,
                    by_open,
                };
                websocket.give(anchor.clone(), given);
            }
            match action {
                Some(Action::Open) => websocket.last_open = Some((anchor.clone(), id.clone())),
                Some(Action::Close)
                    if websocket
                        .last_taken_open
                        .as_ref()
                        .is_some_and(|(open, _)| open == anchor) =>
                {
                    websocket.last_taken_open = None;
                }
                _ => {}
            }
        }
        let follows = websocket
            .last_taken_open
            .as_ref()
            .filter(|(open, _)| by_open && anchor.as_ref() != Some(open))
            .map(|(_, spot)| *spot);
        let resource = (size <= COMPARED)
            .then(|| event.context.as_array()?.first()?.get("resource").cloned())
            .flatten();
        let notified = Notified {
            spot,
            name: event.name.as_ref().map(ToString::to_string).unwrap_or_default(),
            anchor,
            size,
            resource,
            non_current,
            follows,
            acknowledged: None,
            overdue: false,
            by_http: is_callback(connection),
        };
        if websocket
            .notified
            .get(&id)
            .is_none_or(|known| known.acknowledged.is_none())
        {
            let question = Question::Acknowledged {
                connection,
                id: id.clone(),
            };
            websocket.notify(&id, notified);
            // How long a callback has, the one who calls it tells.
            if !is_callback(connection) {
                let patience = self.settings.ack_timeout;
                self.ask_in(patience, question);
            }
        }
    }

    pub(super) fn subscriber_sent(&mut self, connection: u64, frame: &Frame, spot: Spot) {
        let who = self.listener(connection);
        let message = frame
            .text()
            .and_then(|text| serde_json::from_str::<Value>(text).ok());
        let Some(message) = message else {
            let breach = Breach::new(
                "a message over the WebSocket is not JSON; answer notifications with a JSON object",
                vec![Place::at(spot.sequence)],
            );
            self.broken(&who, ids::WEBSOCKET_JSON, breach);
            return;
        };
        let repeated = frame.text().and_then(|text| repeated_member(text, spot.sequence));
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
        self.findings
            .judgement(&self.record, &who, judgement, spot.sequence);
        if !self.is_after_denial(connection, &who, &message, spot) {
            self.acknowledged(connection, &who, &message, spot);
        }
    }

    /// Whether a message came that has nothing to answer any more, as the subscription was denied.
    fn is_after_denial(
        &mut self,
        connection: u64,
        who: &super::Subscriber,
        message: &Value,
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
        let answers = message
            .get("id")
            .and_then(Value::as_str)
            .is_some_and(|id| connection.notified.contains_key(id));
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
