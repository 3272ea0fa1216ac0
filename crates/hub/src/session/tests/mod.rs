//! The heart's tests: no sockets, no waiting.

mod alike;
mod authorization;
mod content;
mod defects;
mod defects_of_webhooks;
mod errors;
mod notifying;
mod property;
mod subscribing;
mod versions;
mod webhooks;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::{Call, CallAnswer, CallId, Closing, Limits, Output, Session, SubscriberId};
use crate::protocol::{Mode, Notification, SubscriptionRequest, Version, parse_events};
use crate::{Behaviour, CountedIdentifiers, Defect, Now, Refusal, WebhookRequest};

pub(super) const TOPIC: &str = "topic-1";

/// A session, its clock, and what came out for each subscriber.
pub(super) struct Desk {
    pub(super) session: Session,
    pub(super) elapsed: Duration,
    frames: HashMap<SubscriberId, Vec<Value>>,
    pub(super) closed: HashMap<SubscriberId, (u16, String)>,
    pub(super) ended: Vec<SubscriberId>,
    calls: Vec<(CallId, Call)>,
}

impl Desk {
    pub(super) fn new() -> Self {
        Self::with(Version::Stu3, Limits::default())
    }

    pub(super) fn with_defects(defects: &[Defect]) -> Self {
        Self::speaking(Version::Stu3, defects)
    }

    pub(super) fn with(version: Version, limits: Limits) -> Self {
        let identifiers = Box::new(CountedIdentifiers::default());
        Self {
            session: Session::new(TOPIC, version, Arc::new(limits), identifiers),
            elapsed: Duration::ZERO,
            frames: HashMap::new(),
            closed: HashMap::new(),
            ended: Vec::new(),
            calls: Vec::new(),
        }
    }

    pub(super) fn now(&self) -> Now {
        let start: jiff::Timestamp = "2026-03-01T09:30:00Z".parse().unwrap();
        Now {
            elapsed: self.elapsed,
            wall: start + jiff::SignedDuration::try_from(self.elapsed).unwrap(),
        }
    }

    pub(super) fn drain(&mut self) {
        while let Some(output) = self.session.poll_output() {
            match output {
                Output::Deliver { subscriber, text } => {
                    assert!(!self.closed.contains_key(&subscriber), "delivery after the close");
                    let message = serde_json::from_str(&text).unwrap_or_else(|_| Value::from(&*text));
                    self.frames.entry(subscriber).or_default().push(message);
                }
                Output::Close {
                    subscriber,
                    code,
                    reason,
                } => {
                    assert!(reason.len() <= 123);
                    assert!(self.closed.insert(subscriber, (code, reason)).is_none());
                }
                Output::Call { call, request, .. } => self.calls.push((call, request)),
                Output::Ended { subscriber, .. } => self.ended.push(subscriber),
            }
        }
    }

    /// A session of this version.
    pub(super) fn speaking(version: Version, defects: &[Defect]) -> Self {
        let mut desk = Self::with(version, Limits::default());
        desk.session = desk.session.behaving(Behaviour::new(defects));
        desk
    }

    pub(super) fn request_webhook(&mut self, request: &WebhookRequest) -> Result<(), Refusal> {
        let now = self.now();
        let answer = self.session.request_webhook(request, now);
        self.drain();
        answer
    }

    /// Subscribes a callback, and confirms it.
    pub(super) fn join_webhook(&mut self, callback: &str, events: &str) {
        self.request_webhook(&webhook(callback, events)).unwrap();
        self.confirm_call();
    }

    /// Takes the calls that came since the last time.
    pub(super) fn calls(&mut self) -> Vec<(CallId, Call)> {
        std::mem::take(&mut self.calls)
    }

    /// Takes the one call that came since the last time.
    pub(super) fn only_call(&mut self) -> (CallId, Call) {
        let mut calls = self.calls();
        assert_eq!(calls.len(), 1, "{calls:?}");
        calls.remove(0)
    }

    /// Answers a call.
    pub(super) fn call_back(&mut self, call: CallId, status: u16, body: &str) {
        let body = Some(body.to_owned());
        self.end_call(call, CallAnswer::Answered { status, body });
    }

    pub(super) fn end_call(&mut self, call: CallId, answer: CallAnswer) {
        let now = self.now();
        self.session.called_back(call, answer, now);
        self.drain();
    }

    /// Echoes the challenge of the one verification that came.
    pub(super) fn confirm_call(&mut self) {
        let (call, request) = self.only_call();
        self.call_back(call, 200, &parameter(&request, "hub.challenge").unwrap());
    }

    pub(super) fn request(&mut self, request: &SubscriptionRequest) -> Result<String, Refusal> {
        let endpoint = request.endpoint.clone();
        let now = self.now();
        let answer = self.session.request(request, endpoint.as_deref(), now);
        self.drain();
        answer.map(|endpoint| endpoint.to_string())
    }

    /// Subscribes without connecting.
    pub(super) fn subscribe(&mut self, events: &str) -> String {
        self.request(&subscription(events)).unwrap()
    }

    pub(super) fn connect(&mut self, endpoint: &str) -> Result<SubscriberId, Refusal> {
        let now = self.now();
        let id = self.session.connect(endpoint, now);
        self.drain();
        id
    }

    /// Subscribes, connects, and forgets the confirmation and the replay.
    pub(super) fn join(&mut self, events: &str) -> SubscriberId {
        let endpoint = self.subscribe(events);
        let id = self.connect(&endpoint).unwrap();
        self.frames(id);
        id
    }

    pub(super) fn join_as(&mut self, name: &str, events: &str) -> SubscriberId {
        let mut request = subscription(events);
        request.subscriber_name = Some(name.to_owned());
        let endpoint = self.request(&request).unwrap();
        let id = self.connect(&endpoint).unwrap();
        self.frames(id);
        id
    }

    pub(super) fn publish(&mut self, event: &Value) -> Result<(), Refusal> {
        let now = self.now();
        let notification = Notification::parse(&event.to_string()).unwrap();
        let answer = self.session.publish(notification, now);
        self.drain();
        answer
    }

    pub(super) fn answer(&mut self, id: SubscriberId, event: &str, status: u16) {
        self.say(id, &json!({"id": event, "status": status}).to_string());
    }

    pub(super) fn say(&mut self, id: SubscriberId, text: &str) {
        let now = self.now();
        self.session.receive(id, text, now);
        self.drain();
    }

    pub(super) fn disconnect(&mut self, id: SubscriberId, closing: Closing) {
        let now = self.now();
        self.session.disconnected(id, closing, now);
        self.drain();
    }

    pub(super) fn wait(&mut self, seconds: f64) {
        self.elapsed += Duration::from_secs_f64(seconds);
        let now = self.now();
        self.session.tick(now);
        self.drain();
    }

    /// Takes what came for the subscriber since the last time.
    pub(super) fn frames(&mut self, id: SubscriberId) -> Vec<Value> {
        self.frames.remove(&id).unwrap_or_default()
    }

    /// The ids of the notifications that came for the subscriber since the last time.
    pub(super) fn ids(&mut self, id: SubscriberId) -> Vec<String> {
        self.frames(id)
            .iter()
            .filter_map(|frame| frame["id"].as_str().map(str::to_owned))
            .collect()
    }

    /// The one notification that came for the subscriber since the last time.
    pub(super) fn only(&mut self, id: SubscriberId) -> Value {
        let mut frames = self.frames(id);
        assert_eq!(frames.len(), 1, "{frames:?}");
        frames.remove(0)
    }

    pub(super) fn current(&self) -> Value {
        serde_json::to_value(self.session.current_context()).unwrap()
    }
}

pub(super) fn subscription(events: &str) -> SubscriptionRequest {
    SubscriptionRequest::subscribe(TOPIC, parse_events(events).unwrap())
}

pub(super) fn webhook(callback: &str, events: &str) -> WebhookRequest {
    WebhookRequest {
        mode: Mode::Subscribe,
        topic: TOPIC.to_owned(),
        callback: callback.to_owned(),
        secret: Some("secret".to_owned()),
        events: Some(parse_events(events).unwrap()),
        lease_seconds: None,
        subscriber_name: None,
    }
}

/// A parameter of a call's query string.
pub(super) fn parameter(call: &Call, name: &str) -> Option<String> {
    let url = url::Url::parse(&call.url).unwrap();
    let found = url.query_pairs().find(|(parameter, _)| parameter == name);
    found.map(|(_, value)| value.into_owned())
}

/// The id of the event that a call carries.
pub(super) fn event_of(call: &Call) -> String {
    let body: Value = serde_json::from_str(call.body.as_ref().unwrap()).unwrap();
    body["id"].as_str().unwrap().to_owned()
}

pub(super) fn event(id: &str, name: &str, context: Value) -> Value {
    json!({
        "timestamp": "2026-03-01T09:29:00.000Z",
        "id": id,
        "event": {"hub.topic": TOPIC, "hub.event": name, "context": context},
    })
}

pub(super) fn patient(id: &str) -> Value {
    json!({"key": "patient", "resource": {"resourceType": "Patient", "id": id, "identifier": [{"system": "urn:x", "value": id}]}})
}

pub(super) fn patient_open(id: &str, patient_id: &str) -> Value {
    event(id, "Patient-open", json!([patient(patient_id)]))
}

pub(super) fn patient_close(id: &str, patient_id: &str) -> Value {
    event(id, "Patient-close", json!([patient(patient_id)]))
}

pub(super) fn encounter_open(id: &str, encounter_id: &str, patient_id: &str) -> Value {
    let encounter =
        json!({"key": "encounter", "resource": {"resourceType": "Encounter", "id": encounter_id}});
    event(id, "Encounter-open", json!([encounter, patient(patient_id)]))
}

pub(super) fn report_open(id: &str, report_id: &str) -> Value {
    let report = json!({"key": "report", "resource": {"resourceType": "DiagnosticReport", "id": report_id}});
    event(id, "DiagnosticReport-open", json!([report, patient("p")]))
}
