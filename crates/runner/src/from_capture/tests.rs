use serde_json::{Value, json};

use super::*;
use crate::capture::conversation::RecordedConversation;
use crate::capture::{Frame, Headers, Line, Message, Payload, Side};
use crate::protocol::Version;
use crate::redaction::Redactor;
use crate::requirement::Catalogue;
use crate::scenario::Scenario;

/// Builds a capture, a message every 10 ms.
#[derive(Default)]
struct CaptureBuilder {
    lines: Vec<Line>,
    exchange: u64,
}

const HUB: &str = "https://hub.example.com/fhircast";

impl CaptureBuilder {
    fn push(&mut self, message: Message) {
        let at_ms = self.lines.len() as f64 * 10.0;
        self.lines.push(Line { at_ms, message });
    }

    fn body(text: &str) -> Payload {
        Payload::redacted(text.as_bytes(), text.len(), &Redactor::default())
    }

    fn post(&mut self, token: &str, content_type: &str, body: &str, status: u16, answer: &str) {
        self.exchange += 1;
        let exchange = self.exchange;
        let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        self.push(Message::Request {
            exchange,
            method: "POST".to_owned(),
            url: HUB.to_owned(),
            headers: vec![
                header("authorization", token),
                header("content-type", content_type),
            ]
            .into(),
            body: Self::body(body),
            replaced: Vec::new(),
        });
        self.push(Message::Response {
            exchange,
            status,
            headers: Headers::default(),
            body: Self::body(answer),
            replaced: Vec::new(),
        });
    }

    fn subscribe(&mut self, token: &str, name: &str, events: &str, connection: u64) {
        let form: String = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("hub.channel.type", "websocket")
            .append_pair("hub.mode", "subscribe")
            .append_pair("hub.topic", "desk")
            .append_pair("hub.events", events)
            .append_pair("subscriber.name", name)
            .finish();
        let endpoint = format!("wss://hub.example.com/{connection}");
        let answer = json!({"hub.channel.endpoint": endpoint}).to_string();
        self.post(token, "application/x-www-form-urlencoded", &form, 202, &answer);
        self.push(Message::Opened {
            connection,
            exchange: 0,
            url: endpoint,
        });
    }

    fn event(&mut self, token: &str, id: &str, event: &str, patient: &str, status: u16) {
        let message = notification(id, event, patient);
        self.post(token, "application/json", &message.to_string(), status, "");
    }

    fn frame(&mut self, connection: u64, from: Side, message: &Value) {
        self.push(Message::Text(Frame {
            connection,
            from,
            body: Self::body(&message.to_string()),
        }));
    }
}

fn notification(id: &str, event: &str, patient: &str) -> Value {
    let resource = json!({"resourceType": "Patient", "id": patient, "identifier": [{"system": "urn:x", "value": patient}]});
    json!({"timestamp": "2026-03-01T09:30:00.000Z", "id": id,
        "event": {"hub.topic": "desk", "hub.event": event, "context": [{"key": "patient", "resource": resource}]}})
}

/// A worklist opens two patients; the viewer refuses the second one.
fn refusal() -> CaptureBuilder {
    let mut capture = CaptureBuilder::default();
    capture.subscribe("Bearer a", "Work List", "Patient-open,Patient-close,SyncError", 1);
    capture.subscribe("Bearer b", "Viewer", "Patient-open", 2);
    for (id, patient, status) in [("e1", "p1", 200), ("e2", "p2", 409)] {
        capture.event("Bearer a", id, "Patient-open", patient, 202);
        for connection in [1, 2] {
            capture.frame(connection, Side::Hub, &notification(id, "Patient-open", patient));
        }
        capture.frame(1, Side::Subscriber, &json!({"id": id, "status": 200}));
        capture.frame(2, Side::Subscriber, &json!({"id": id, "status": status}));
    }
    capture
}

fn recorded(capture: CaptureBuilder) -> SubscriberActions {
    SubscriberActions::of(&RecordedConversation::decode(HUB, capture.lines))
}

fn scenario(capture: CaptureBuilder) -> Result<String, ReproductionError> {
    let recorded = recorded(capture);
    let catalogue = Catalogue::embedded().unwrap();
    to_scenario(&recorded, recorded.version, &catalogue, "From a capture")
}

#[test]
fn a_capture_becomes_a_scenario_with_variables() {
    insta::assert_snapshot!(scenario(refusal()).unwrap());
}

#[test]
fn a_capture_in_which_nothing_is_published_gives_no_scenario() {
    let mut capture = CaptureBuilder::default();
    assert!(matches!(
        scenario(CaptureBuilder::default()),
        Err(ReproductionError::NoSubscription)
    ));
    capture.subscribe("Bearer a", "Viewer", "Patient-open", 1);
    assert!(matches!(scenario(capture), Err(ReproductionError::Nothing)));
}

#[test]
fn what_a_hub_refused_and_left_unanswered_is_told() {
    let mut capture = refusal();
    capture.event("Bearer a", "e3", "Patient-close", "p2", 403);
    let form = "hub.channel.type=websocket&hub.mode=subscribe&hub.topic=desk&hub.events=Patient-open";
    capture.post(
        "Bearer c",
        "application/x-www-form-urlencoded",
        form,
        429,
        "later",
    );
    capture.post("Bearer c", "application/x-www-form-urlencoded", form, 500, "");
    capture.lines.pop();
    let text = scenario(capture).unwrap();
    for told in [
        "Patient-close with 403",
        "a subscription to desk with 429",
        "a subscription request that the hub did not answer",
    ] {
        assert!(text.contains(told), "{told}: {text}");
    }
    let text = scenario(refusal()).unwrap();
    assert!(
        !text.contains("description"),
        "nothing was refused or left out: {text}"
    );
}

#[test]
fn an_answer_without_a_status_is_no_silence() {
    let mut capture = refusal();
    capture.event("Bearer a", "e3", "Patient-close", "p1", 202);
    capture.frame(1, Side::Hub, &notification("e3", "Patient-close", "p1"));
    capture.frame(1, Side::Subscriber, &json!({"id": "e3", "timestamp": "now"}));
    let found = recorded(capture);
    assert_eq!(found.answers[&(0, "e3".to_owned())].status, Some(200));
    assert_eq!(found.left_out.len(), 1, "{:?}", found.left_out);
}

#[test]
fn a_failing_scenario_is_made_as_small_as_it_can_be() {
    let text = scenario(refusal()).unwrap();
    let catalogue = Catalogue::embedded().unwrap();
    let mut minimiser = Minimiser::new(serde_saphyr::from_str(&text).unwrap());
    let mut tries = 0;
    while let Some(candidate) = minimiser.next_candidate() {
        tries += 1;
        let text = serde_saphyr::to_string(&candidate).unwrap();
        let is_scenario = Scenario::parse("s", "s.yaml", &text, &catalogue).is_ok();
        // The hub fails to pass the second event on to the viewer.
        let steps = candidate["steps"].to_string();
        let fails = steps.contains(r#""of":"event-2","#) || steps.contains(r#""of":"event-2"}"#);
        let by_viewer = steps.contains(r#""at":"viewer""#) && steps.contains("notification.delivered");
        // A hub that is right passes it on to who is subscribed.
        let subscribed = steps.contains(r#""subscribe":["viewer"]"#) || steps.contains(r#","viewer"]"#);
        minimiser.answer(is_scenario && fails && by_viewer && subscribed);
    }
    assert!(tries < 200, "{tries}");
    insta::assert_snapshot!(serde_saphyr::to_string(minimiser.best()).unwrap());
}

#[test]
fn versions_are_told_by_channels_and_spelling() {
    assert_eq!(recorded(refusal()).version, Version::Stu3);
    let mut capture = CaptureBuilder::default();
    capture.subscribe("Bearer a", "Viewer", "patient-open", 1);
    assert_eq!(recorded(capture).version, Version::Stu2);
}
