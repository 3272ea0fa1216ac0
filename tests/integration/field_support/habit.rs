//! Lawful habits of hubs: what a hub may do, as changes of what passes between it and its subscribers.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use serde_json::{Map, Value};

use super::message::Message;

/// A habit. A part that is left out changes nothing.
#[derive(Debug, Clone, Copy)]
pub struct Habit {
    pub name: &'static str,
    /// The version that it is tried in.
    pub version: &'static str,
    /// A change of a request; a refusal, where the hub refuses it.
    pub request: Option<fn(&mut Message, &Subscriptions) -> Option<Message>>,
    pub answer: Option<fn(&mut Message)>,
    pub frame: Option<fn(&mut Value)>,
    /// What stands behind `hub.url`.
    pub suffix: &'static str,
}

const NONE: Habit = Habit {
    name: "",
    version: "STU3",
    request: None,
    answer: None,
    frame: None,
    suffix: "",
};

/// The subscriptions whose WebSockets are open.
#[derive(Debug, Default)]
pub struct Subscriptions {
    /// Topic and events of every endpoint that was given out.
    given: Mutex<BTreeMap<String, (String, Vec<String>)>>,
    open: Mutex<Vec<String>>,
    /// When a WebSocket last closed, and its endpoint.
    left: Mutex<Option<(Instant, String)>>,
}

impl Subscriptions {
    /// The hub answered a request.
    pub fn answered(&self, request: &Message, answer: &Message) {
        let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        let (Some(endpoint), Some(topic), Some(events)) = (
            body["hub.channel.endpoint"]
                .as_str()
                .and_then(|url| url.rsplit('/').next()),
            request.member("hub.topic"),
            request.member("hub.events"),
        ) else {
            return;
        };
        if request.member("hub.mode").as_deref() == Some("subscribe") {
            let subscription = (topic, sorted(&events));
            self.given
                .lock()
                .unwrap()
                .insert(endpoint.to_owned(), subscription);
        }
    }

    pub fn opened(&self, path: &str) {
        let endpoint = path.rsplit('/').next().unwrap_or_default();
        self.open.lock().unwrap().push(endpoint.to_owned());
    }

    pub fn closed(&self, path: &str) {
        let endpoint = path.rsplit('/').next().unwrap_or_default();
        self.open.lock().unwrap().retain(|open| open != endpoint);
        *self.left.lock().unwrap() = Some((Instant::now(), endpoint.to_owned()));
    }

    /// Whether this is a new subscription to another topic than the one that somebody is in, or was so long ago.
    pub fn is_for_another_topic(&self, request: &Message, lingering: Duration) -> bool {
        let Some((topic, _)) = new_subscription(request) else {
            return false;
        };
        let left = self.left.lock().unwrap().clone();
        let lingers = left
            .filter(|(at, _)| at.elapsed() < lingering)
            .and_then(|(_, endpoint)| self.given.lock().unwrap().get(&endpoint).cloned());
        let mut others = self.all().into_iter().chain(lingers);
        others.any(|(other, _)| other != topic)
    }

    /// Topic and events of the open ones.
    fn all(&self) -> Vec<(String, Vec<String>)> {
        let given = self.given.lock().unwrap();
        let open = self.open.lock().unwrap();
        open.iter()
            .filter_map(|endpoint| given.get(endpoint))
            .cloned()
            .collect()
    }
}

fn sorted(events: &str) -> Vec<String> {
    let mut events: Vec<String> = events.split(',').map(str::to_lowercase).collect();
    events.sort();
    events.dedup();
    events
}

/// The topic and events of a new subscription.
fn new_subscription(request: &Message) -> Option<(String, Vec<String>)> {
    let is_new = request.member("hub.mode").as_deref() == Some("subscribe")
        && request.member("hub.channel.endpoint").is_none();
    let events = request
        .member("hub.events")
        .filter(|events| !events.is_empty() && is_new)?;
    Some((request.member("hub.topic")?, sorted(&events)))
}

fn refused(status: u16, why: &str) -> Option<Message> {
    Some(Message::answer(status, &[("content-type", "text/plain")], why))
}

fn wants_equal_events(request: &mut Message, subscriptions: &Subscriptions) -> Option<Message> {
    let (topic, events) = new_subscription(request)?;
    let others = subscriptions.all();
    let unequal = others
        .iter()
        .any(|(other, of_other)| *other == topic && *of_other != events);
    unequal.then(|| refused(400, "all subscribers of a topic have the same events"))?
}

fn has_one_topic(request: &mut Message, subscriptions: &Subscriptions) -> Option<Message> {
    let busy = subscriptions.is_for_another_topic(request, Duration::ZERO);
    busy.then(|| refused(403, "another session is active"))?
}

fn takes_json(request: &mut Message, _: &Subscriptions) -> Option<Message> {
    let body: Value = serde_json::from_slice(&request.body).ok()?;
    body.get("hub.mode")?;
    let mut form = url::form_urlencoded::Serializer::new(String::new());
    for (name, value) in body.as_object()? {
        form.append_pair(name, value.as_str().unwrap_or_default());
    }
    request.body = form.finish().into_bytes();
    request.set("content-type", "application/x-www-form-urlencoded");
    let length = request.body.len().to_string();
    request.set("content-length", &length);
    None
}

fn edit(answer: &mut Message, change: fn(&mut Value)) {
    if let Ok(mut body) = serde_json::from_slice::<Value>(&answer.body) {
        change(&mut body);
        answer.body = body.to_string().into_bytes();
    }
}

fn refuses_by_500(answer: &mut Message) {
    if answer.first_line.starts_with("HTTP/1.1 4") {
        answer.first_line = "HTTP/1.1 500 Internal Server Error".to_owned();
    }
}

fn reversed(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.values_mut().for_each(reversed);
            *members = std::mem::take(members).into_iter().rev().collect::<Map<_, _>>();
        }
        Value::Array(items) => items.iter_mut().for_each(reversed),
        _ => {}
    }
}

fn in_capitals(message: &mut Value) {
    for place in ["/hub.events", "/event/hub.event"] {
        if let Some(Value::String(names)) = message.pointer_mut(place) {
            *names = names.to_uppercase();
        }
    }
}

fn without(message: &mut Value, spelling: &str) {
    if let Some(event) = message.get_mut("event").and_then(Value::as_object_mut) {
        event.remove(spelling);
    }
}

/// Writes the versions as the table of 2.3 does.
fn bare_versions(message: &mut Value) {
    let Some(event) = message.get_mut("event").and_then(Value::as_object_mut) else {
        return;
    };
    for bare in ["versionId", "priorVersionId"] {
        if let Some(version) = event.remove(&format!("context.{bare}")) {
            event.insert(bare.to_owned(), version);
        }
    }
}

fn endpoint_in_capitals(answer: &mut Message) {
    edit(answer, |body| {
        if let Some(Value::String(endpoint)) = body.get_mut("hub.channel.endpoint") {
            *endpoint = endpoint.replacen("ws://", "WS://", 1);
        }
    });
}

fn has_two_subscribers(request: &mut Message, subscriptions: &Subscriptions) -> Option<Message> {
    let (topic, _) = new_subscription(request)?;
    let others = subscriptions.all();
    let of_topic = others.iter().filter(|(other, _)| *other == topic).count();
    (of_topic >= 2).then(|| refused(403, "a session has two subscribers at most"))?
}

fn headers_in_capitals(answer: &mut Message) {
    for (name, _) in &mut answer.headers {
        if name != "content-length" && name != "transfer-encoding" {
            *name = name.to_uppercase();
        }
    }
}

fn describes_errors_by_outcome(answer: &mut Message) {
    if answer.first_line.starts_with("HTTP/1.1 4") {
        answer.headers.retain(|(name, _)| name != "content-type");
        answer.headers.push((
            "content-type".to_owned(),
            "application/fhir+json; charset=utf-8".to_owned(),
        ));
        let issue = serde_json::json!({
            "severity": "error", "code": "processing", "diagnostics": String::from_utf8_lossy(&answer.body),
        });
        let outcome = serde_json::json!({"resourceType": "OperationOutcome", "issue": [issue]});
        answer.body = outcome.to_string().into_bytes();
    }
}

/// All habits.
pub const HABITS: &[Habit] = &[
    Habit {
        name: "wants equal subscriptions",
        request: Some(wants_equal_events),
        ..NONE
    },
    Habit {
        name: "has one topic at a time",
        request: Some(has_one_topic),
        ..NONE
    },
    Habit {
        name: "takes subscriptions in JSON, too",
        request: Some(takes_json),
        ..NONE
    },
    Habit {
        name: "refuses by 500",
        answer: Some(refuses_by_500),
        ..NONE
    },
    Habit {
        name: "refuses by 500 in STU2",
        version: "STU2",
        answer: Some(refuses_by_500),
        ..NONE
    },
    Habit {
        name: "writes members from the last to the first",
        answer: Some(|answer| edit(answer, reversed)),
        frame: Some(reversed),
        ..NONE
    },
    Habit {
        name: "writes names of events in capitals",
        frame: Some(in_capitals),
        ..NONE
    },
    Habit {
        name: "writes names of headers in capitals",
        answer: Some(headers_in_capitals),
        ..NONE
    },
    Habit {
        name: "writes context.versionId only",
        frame: Some(|message| without(message, "versionId")),
        ..NONE
    },
    Habit {
        name: "writes versionId only",
        frame: Some(bare_versions),
        ..NONE
    },
    Habit {
        name: "writes the scheme of endpoints in capitals",
        answer: Some(endpoint_in_capitals),
        ..NONE
    },
    Habit {
        name: "has two subscribers in a topic at most",
        request: Some(has_two_subscribers),
        ..NONE
    },
    Habit {
        name: "describes errors by an OperationOutcome",
        answer: Some(describes_errors_by_outcome),
        ..NONE
    },
    Habit {
        name: "has a query in hub.url",
        suffix: "?ward=7",
        ..NONE
    },
    Habit {
        name: "has a slash behind hub.url",
        suffix: "/",
        ..NONE
    },
];
