//! The messages that conversations are made of: of few ids, so that they meet, and now and then of any text at all.

use arbitrary::Arbitrary;
use serde_json::{Value, json};

/// The hub of all conversations.
pub const HUB: &str = "https://hub.example.com/fhircast";
/// The topics.
pub const TOPICS: [&str; 2] = ["t", "u"];

const NAMES: [&str; 18] = [
    "Patient-open",
    "Patient-close",
    "Encounter-open",
    "Encounter-close",
    "ImagingStudy-open",
    "ImagingStudy-close",
    "DiagnosticReport-open",
    "DiagnosticReport-close",
    "DiagnosticReport-update",
    "DiagnosticReport-select",
    "Home-open",
    "UserLogout",
    "UserHibernate",
    "SyncError",
    "Heartbeat",
    "patient-OPEN",
    "org.example.viewer.zoom",
    "Observation-open",
];
const STATUSES: [u16; 10] = [200, 201, 202, 204, 301, 400, 404, 409, 500, 503];

fn pick<T: Copy>(of: &[T], number: u8) -> T {
    of[usize::from(number) % of.len()]
}

/// A resource in a context.
#[derive(Debug, Clone, Copy, Arbitrary)]
pub enum Subject {
    Patient(u8),
    Encounter(u8),
    Study(u8),
    Report(u8),
    ReportReference(u8),
    Updates { method: u8, observation: u8, more: u8 },
    Select(u8),
    Outcome(u8),
    Odd(u8),
}

impl Subject {
    fn entry(self) -> Value {
        let resource = |key: &str, kind: &str, id: u8| {
            json!({"key": key, "resource": {
                "resourceType": kind, "id": format!("{key}-{}", id % 4),
                "identifier": [{"system": "urn:oid:2.999", "value": format!("{}", id % 4)}],
            }})
        };
        match self {
            Self::Patient(id) => resource("patient", "Patient", id),
            Self::Encounter(id) => resource("encounter", "Encounter", id),
            Self::Study(id) => resource("study", "ImagingStudy", id),
            Self::Report(id) => resource("report", "DiagnosticReport", id),
            Self::ReportReference(id) => {
                json!({"key": "report", "reference": {"reference": format!("DiagnosticReport/report-{}", id % 4)}})
            }
            Self::Updates {
                method,
                observation,
                more,
            } => {
                let entry = |number: u8| {
                    let method = pick(&["PUT", "POST", "DELETE", "GET"], method.wrapping_add(number));
                    let id = format!("o-{}", observation.wrapping_add(number) % 8);
                    let url = format!("Observation/{id}");
                    json!({"request": {"method": method, "url": url}, "fullUrl": url,
                        "resource": {"resourceType": "Observation", "id": id, "status": "final"}})
                };
                let entries: Vec<Value> = (0..=more % 8).map(entry).collect();
                json!({"key": "updates", "resource": {
                    "resourceType": "Bundle", "id": "b", "type": "transaction", "entry": entries}})
            }
            Self::Select(id) => {
                json!({"key": "select", "reference": [{"reference": format!("Observation/o-{}", id % 8)}]})
            }
            Self::Outcome(id) => json!({"key": "operationoutcome", "resource": {
            "resourceType": "OperationOutcome",
            "issue": [{"severity": "warning", "code": "processing", "diagnostics": "no",
                "details": {"coding": [
                    {"system": "https://fhircast.hl7.org/events/syncerror/eventid", "code": format!("e-{}", id % 8)},
                    {"system": "https://fhircast.hl7.org/events/syncerror/eventname", "code": "Patient-open"},
                ]}}]}}),
            Self::Odd(id) => pick(
                &[
                    "null",
                    "7",
                    "[]",
                    "{}",
                    r#"{"key":7}"#,
                    r#"{"key":"patient"}"#,
                    r#"{"key":"patient","resource":7}"#,
                    r#"{"key":"updates","resource":{"entry":[7,{"resource":{}}]}}"#,
                ],
                id,
            )
            .parse()
            .expect("each of them is JSON"),
        }
    }
}

/// An event, as a notification or as a request of one.
#[derive(Debug, Clone, Arbitrary)]
pub struct Event {
    pub id: u8,
    pub name: u8,
    pub topic: u8,
    pub timestamp: u8,
    /// The version that it names, and the one before.
    pub versions: (Option<u8>, Option<u8>),
    pub context: Vec<Subject>,
}

impl Event {
    /// Its name.
    pub fn name(&self) -> &'static str {
        pick(&NAMES, self.name)
    }

    /// Its JSON; `version` stands for the version that the hub gave last.
    pub fn to_json(&self, version: Option<&str>) -> Value {
        let timestamp = pick(
            &[
                "2026-03-01T09:30:00.000Z",
                "2026-03-01T09:30:00",
                "2026-03-01T09:30:00+02:00",
                "yesterday",
            ],
            self.timestamp / 64,
        );
        let entries = self.context.iter().take(6).map(|subject| subject.entry());
        let mut event = json!({
            "hub.topic": pick(&TOPICS, self.topic / 128),
            "hub.event": self.name(),
            "context": entries.collect::<Vec<_>>(),
        });
        let number = |number: u8| match (number % 4, version) {
            (0 | 1, Some(version)) => version.to_owned(),
            (number, _) => format!("v-{number}"),
        };
        if let Some(own) = self.versions.0 {
            event["context.versionId"] = number(own).into();
        }
        if let Some(prior) = self.versions.1 {
            event["context.priorVersionId"] = number(prior).into();
        }
        json!({"timestamp": timestamp, "id": format!("e-{}", self.id % 8), "event": event})
    }
}

/// How notifications reach a subscriber.
#[derive(Debug, Clone, Copy, Arbitrary)]
pub enum Channel {
    WebSocket,
    Webhook,
    /// A WebSocket, or a callback, that is subscribed already.
    Again,
}

/// A request to subscribe, or to end a subscription.
#[derive(Debug, Clone, Copy, Arbitrary)]
pub struct Form {
    pub ends: bool,
    pub channel: Channel,
    pub subscriber: u8,
    pub topic: u8,
    /// A bit a name.
    pub events: u32,
    pub lease: Option<u32>,
    pub secret: bool,
}

impl Form {
    /// The names of its events, separated by commas.
    pub fn events(&self) -> String {
        let names = NAMES.iter().enumerate();
        let chosen = names.filter(|(at, _)| self.events & (1 << at) != 0);
        chosen.map(|(_, name)| *name).collect::<Vec<_>>().join(",")
    }

    fn text(&self) -> String {
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        form.append_pair("hub.mode", if self.ends { "unsubscribe" } else { "subscribe" });
        form.append_pair("hub.topic", pick(&TOPICS, self.topic / 128));
        if self.events != 0 {
            form.append_pair("hub.events", &self.events());
        }
        let number = self.subscriber % 4;
        form.append_pair("subscriber.name", &format!("s-{number}"));
        match self.channel {
            Channel::Webhook => {
                form.append_pair("hub.channel.type", "webhook");
                form.append_pair("hub.callback", &format!("https://app.example.com/c-{number}"));
            }
            Channel::WebSocket => {
                form.append_pair("hub.channel.type", "websocket");
            }
            Channel::Again => {
                form.append_pair("hub.channel.type", "websocket");
                form.append_pair("hub.channel.endpoint", &endpoint(number));
            }
        }
        if self.secret {
            form.append_pair("hub.secret", "secret");
        }
        if let Some(lease) = self.lease {
            form.append_pair("hub.lease_seconds", &lease.to_string());
        }
        form.finish()
    }
}

fn endpoint(number: u8) -> String {
    format!("wss://hub.example.com/socket/s-{}-0123456789", number % 4)
}

/// An answer to a notification.
#[derive(Debug, Clone, Copy, Arbitrary)]
pub struct Ack {
    pub id: u8,
    pub status: u8,
    /// The status stands in a string.
    pub written: bool,
}

impl Ack {
    /// Its text, about the event of this id.
    pub fn about(&self, id: &str) -> String {
        let status = self.status();
        match self.written {
            false => json!({"id": id, "status": status}).to_string(),
            true => json!({"id": id, "status": status.to_string()}).to_string(),
        }
    }

    /// Its status.
    pub fn status(&self) -> u16 {
        pick(&STATUSES, self.status)
    }
}

/// What stands in a request, in an answer or in a frame.
#[derive(Debug, Clone, Arbitrary)]
pub enum Body {
    Nothing,
    Form(Form),
    Event(Event),
    Ack(Ack),
    Endpoint(u8),
    Confirmation { topic: u8, events: u32, lease: u16 },
    Denial { topic: u8, events: u32 },
    Configuration(u8),
    Current(Event),
    Challenge(u8),
    Text(String),
}

impl Body {
    /// Its text.
    pub fn text(&self) -> String {
        let names = |events: u32| {
            let names = NAMES.iter().enumerate();
            let chosen = names.filter(move |(at, _)| events & (1 << at) != 0);
            chosen.map(|(_, name)| *name).collect::<Vec<_>>().join(",")
        };
        match self {
            Self::Nothing => String::new(),
            Self::Form(form) => form.text(),
            Self::Event(event) => event.to_json(None).to_string(),
            Self::Ack(ack) => ack.about(&format!("e-{}", ack.id % 8)),
            Self::Endpoint(number) => json!({"hub.channel.endpoint": endpoint(*number)}).to_string(),
            Self::Confirmation { topic, events, lease } => {
                json!({"hub.mode": "subscribe", "hub.topic": pick(&TOPICS, topic / 128),
                "hub.events": names(*events), "hub.lease_seconds": lease})
                .to_string()
            }
            Self::Denial { topic, events } => json!({"hub.mode": "denied",
                "hub.topic": pick(&TOPICS, topic / 128), "hub.events": names(*events), "hub.reason": "over"})
            .to_string(),
            Self::Configuration(version) => json!({
                "fhircastVersion": pick(&["STU3", "STU2", "STU1", "9"], *version), "fhirVersion": "R4",
                "eventsSupported": NAMES, "websocketSupport": true, "webhookSupport": true,
                "getCurrentSupport": true})
            .to_string(),
            Self::Current(event) => {
                let event = event.to_json(None);
                json!({"context.type": "Patient", "context.versionId": "v-1",
                    "context": event["event"]["context"]})
                .to_string()
            }
            Self::Challenge(number) => format!("challenge-{}", number % 4),
            Self::Text(text) => text.clone(),
        }
    }

    /// The number of what an URL names: an endpoint, a callback, the hub, a topic, or anything.
    pub fn url(number: u8, query: &str) -> String {
        match number % 8 {
            0 | 1 => HUB.to_owned(),
            2 => format!("{HUB}/{}", pick(&TOPICS, number / 64)),
            3 => format!("{HUB}/.well-known/fhircast-configuration"),
            4 | 5 => endpoint(number / 8),
            6 => format!("https://app.example.com/c-{}?{query}", (number / 8) % 4),
            _ => query.to_owned(),
        }
    }

    /// The query of a call to a callback.
    pub fn query(&self) -> String {
        match self {
            Self::Form(form) => format!("{}&hub.challenge=challenge-{}", form.text(), form.subscriber % 4),
            Self::Denial { topic, events } => format!(
                "hub.mode=denied&hub.topic={}&hub.events={}",
                pick(&TOPICS, topic / 128),
                events
            ),
            Self::Text(text) => text.clone(),
            _ => String::new(),
        }
    }
}
