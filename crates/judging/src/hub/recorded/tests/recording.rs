//! Captures for the tests, made in a few lines. Each line is ten milliseconds after the one before.

use std::sync::{Arc, LazyLock};

use serde_json::{Value, json};

use crate::capture::Line;
use crate::capture::conversation::RecordedConversation;
use crate::hub::example::Findings;
use crate::hub::{Recorded, judge_recorded};
use crate::outcome::Verdict;
use crate::protocol::Version;
use crate::requirement::Catalogue;
use crate::schema::Schemas;

pub(super) const HUB: &str = "https://hub.example.com/fhircast";
pub(super) const EVENTS: &str = "Patient-open,Patient-close,SyncError";
/// The topic of whoever names none.
pub(super) const TOPIC: &str = "session";

static CATALOGUE: LazyLock<Arc<Catalogue>> = LazyLock::new(|| Arc::new(Catalogue::embedded().unwrap()));
static STU2: LazyLock<Arc<Schemas>> = LazyLock::new(|| Arc::new(Schemas::load(Version::Stu2).unwrap()));
static STU3: LazyLock<Arc<Schemas>> = LazyLock::new(|| Arc::new(Schemas::load(Version::Stu3).unwrap()));

/// A capture in the making.
pub(super) struct Recording {
    version: Version,
    hub: String,
    lines: Vec<Value>,
    at_ms: f64,
    exchanges: u64,
    connections: u64,
}

impl Recording {
    /// An empty capture of an STU3 hub.
    pub(super) fn new() -> Self {
        Self::of(Version::Stu3, HUB)
    }

    /// An empty capture of the hub at this URL.
    pub(super) fn of(version: Version, hub: &str) -> Self {
        Self {
            version,
            hub: hub.to_owned(),
            lines: Vec::new(),
            at_ms: 0.0,
            exchanges: 0,
            connections: 0,
        }
    }

    /// An STU3 hub whose WebSockets 1, 2 and so on belong to these subscribers to [`EVENTS`].
    pub(super) fn with(subscribers: &[&str]) -> Self {
        let mut recording = Self::new();
        for name in subscribers {
            recording.subscribe(name, EVENTS);
        }
        recording
    }

    /// Lets time go by.
    pub(super) fn pass(&mut self, seconds: f64) {
        self.at_ms += seconds * 1_000.0;
    }

    /// Lets as much time go by as a hub may take for anything, and ends the recording.
    pub(super) fn rest(&mut self) {
        self.pass(6.0);
        self.line(json!({"kind": "stopped"}));
    }

    pub(super) fn line(&mut self, mut line: Value) {
        self.pass(0.01);
        line["at_ms"] = json!(self.at_ms);
        self.lines.push(line);
    }

    /// A request to a URL; its number.
    pub(super) fn request(&mut self, method: &str, url: &str, body: &str) -> u64 {
        self.exchanges += 1;
        let exchange = self.exchanges;
        self.line(
            json!({"kind": "request", "exchange": exchange, "method": method, "url": url, "headers": [],
            "body": body}),
        );
        exchange
    }

    /// The hub answers a request.
    pub(super) fn answer(&mut self, exchange: u64, status: u16, body: &str) {
        self.line(
            json!({"kind": "response", "exchange": exchange, "status": status, "body": body,
            "headers": [["Content-Type", "application/json"]]}),
        );
    }

    /// A POST to `hub.url` and its answer.
    pub(super) fn post(&mut self, body: &str, status: u16, answer: &str) {
        let hub = self.hub.clone();
        let exchange = self.request("POST", &hub, body);
        self.answer(exchange, status, answer);
    }

    /// The endpoint of the WebSocket with this number.
    pub(super) fn endpoint(connection: u64) -> String {
        format!("wss://hub.example.com/ws/{connection}")
    }

    /// A subscription in [`TOPIC`] that is accepted, connected and confirmed for two hours; the number of its WebSocket.
    pub(super) fn subscribe(&mut self, name: &str, events: &str) -> u64 {
        self.subscribe_in(TOPIC, name, events)
    }

    /// A subscription in a topic that is accepted, connected and confirmed for two hours; the number of its WebSocket.
    pub(super) fn subscribe_in(&mut self, topic: &str, name: &str, events: &str) -> u64 {
        let connection = self.connections + 1;
        self.ask(topic, name, events, &Self::endpoint(connection));
        self.open(&Self::endpoint(connection));
        self.send(connection, &confirmation(topic, events, 7200));
        connection
    }

    /// A request for a subscription, accepted with this endpoint.
    pub(super) fn ask(&mut self, topic: &str, name: &str, events: &str, endpoint: &str) {
        let request = form(&[
            ("hub.channel.type", "websocket"),
            ("hub.mode", "subscribe"),
            ("hub.topic", topic),
            ("hub.events", events),
            ("subscriber.name", name),
        ]);
        self.post(
            &request,
            202,
            &json!({"hub.channel.endpoint": endpoint}).to_string(),
        );
    }

    /// A request that changes the subscription of a WebSocket, or ends it, and its answer with this endpoint.
    pub(super) fn change(&mut self, connection: u64, mode: &str, events: &str, status: u16, given: &str) {
        let endpoint = Self::endpoint(connection);
        let request = form(&[
            ("hub.channel.type", "websocket"),
            ("hub.mode", mode),
            ("hub.topic", TOPIC),
            ("hub.events", events),
            ("hub.channel.endpoint", &endpoint),
        ]);
        self.post(
            &request,
            status,
            &json!({"hub.channel.endpoint": given}).to_string(),
        );
    }

    /// A WebSocket at this endpoint; its number.
    pub(super) fn open(&mut self, endpoint: &str) -> u64 {
        let exchange = self.request("GET", endpoint, "");
        self.connections += 1;
        let connection = self.connections;
        self.line(json!({"kind": "opened", "connection": connection, "exchange": exchange, "url": endpoint}));
        connection
    }

    /// An event that is published at `hub.url`, and accepted.
    pub(super) fn publish(&mut self, id: &str, event: &str) {
        self.post(&notification(id, event).to_string(), 202, "");
    }

    /// The hub sends a message.
    pub(super) fn send(&mut self, connection: u64, message: &Value) {
        self.frame(connection, "hub", &message.to_string());
    }

    /// The hub sends an event.
    pub(super) fn deliver(&mut self, connection: u64, id: &str, event: &str) {
        self.send(connection, &notification(id, event));
    }

    /// A subscriber answers an event with a status, a number or a string.
    pub(super) fn acknowledge(&mut self, connection: u64, id: &str, status: impl Into<Value>) {
        let status: Value = status.into();
        self.frame(
            connection,
            "subscriber",
            &json!({"id": id, "status": status}).to_string(),
        );
    }

    pub(super) fn frame(&mut self, connection: u64, from: &str, text: &str) {
        self.line(json!({"kind": "text", "connection": connection, "from": from, "body": text}));
    }

    pub(super) fn close(&mut self, connection: u64, from: &str, code: u16) {
        self.line(json!({"kind": "closed", "connection": connection, "from": from, "code": code}));
    }

    /// The hub calls a callback; the number of the call.
    pub(super) fn call(&mut self, method: &str, url: &str, headers: &[(&str, &str)], body: &str) -> u64 {
        self.exchanges += 1;
        let exchange = self.exchanges;
        self.line(
            json!({"kind": "callback-request", "exchange": exchange, "method": method, "url": url,
            "headers": headers, "body": body}),
        );
        exchange
    }

    /// A callback answers.
    pub(super) fn call_answer(&mut self, exchange: u64, status: u16, body: &str) {
        self.line(
            json!({"kind": "callback-response", "exchange": exchange, "status": status, "headers": [],
            "body": body}),
        );
    }

    pub(super) fn conversation(&self) -> RecordedConversation {
        let lines = self
            .lines
            .iter()
            .map(|line| serde_json::from_value::<Line>(line.clone()).unwrap());
        RecordedConversation::decode(&self.hub, lines)
    }

    pub(super) fn recorded(&self) -> Recorded {
        let conversation = self.conversation();
        let schemas = match self.version {
            Version::Stu2 => STU2.clone(),
            _ => STU3.clone(),
        };
        judge_recorded(
            "recorded",
            self.version,
            CATALOGUE.clone(),
            schemas,
            &conversation,
        )
        .unwrap()
    }

    pub(super) fn judged(&self) -> Findings {
        let Recorded {
            checks, observations, ..
        } = self.recorded();
        Findings { checks, observations }
    }

    pub(super) fn verdict(&self, requirement: &str) -> Option<Verdict> {
        self.judged().verdict(requirement)
    }

    /// Whose entries there are, in order, each name once.
    pub(super) fn actors(&self) -> Vec<String> {
        let mut actors: Vec<String> = Vec::new();
        for entry in self.recorded().transcript {
            if !actors.contains(&entry.actor) {
                actors.push(entry.actor.clone());
            }
        }
        actors
    }
}

pub(super) fn form(parameters: &[(&str, &str)]) -> String {
    let mut form = url::form_urlencoded::Serializer::new(String::new());
    form.extend_pairs(parameters).finish()
}

pub(super) fn confirmation(topic: &str, events: &str, lease: u64) -> Value {
    json!({"hub.mode": "subscribe", "hub.topic": topic, "hub.events": events, "hub.lease_seconds": lease})
}

/// An event in [`TOPIC`] about the patient of this name.
pub(super) fn notification(id: &str, event: &str) -> Value {
    let patient =
        json!({"resourceType": "Patient", "id": format!("patient-of-{id}"), "identifier": [{"value": "12"}]});
    json!({
        "timestamp": "2026-03-01T09:30:00.000Z",
        "id": id,
        "event": {
            "hub.topic": TOPIC,
            "hub.event": event,
            "context": [{"key": "patient", "resource": patient}],
        },
    })
}
