use serde_json::json;

use super::recorded_hub::{Cue, EndpointRequest, Publication};
use super::*;

fn recorded() -> RecordedHub {
    let subscriber = |name: &str, events: &str| RecordedSubscriber {
        name: Some(name.to_owned()),
        events: recorded_hub::events(events),
        topic: "desk".to_owned(),
        status: 202,
        endpoint: Some("wss://hub/1".to_owned()),
        cues: vec![Cue {
            text: "{}".to_owned(),
            after_frames: 0,
            after_publication: None,
        }],
        answers: [("e1".to_owned(), "200".to_owned())].into(),
        ..RecordedSubscriber::default()
    };
    RecordedHub {
        subscribers: vec![
            subscriber("Worklist", "Patient-open,SyncError"),
            subscriber("Viewer", "Patient-open"),
        ],
        publications: vec![Publication {
            event: "patient-open".to_owned(),
            id: "e1".to_owned(),
            topic: "desk".to_owned(),
            status: 200,
            body: "taken".to_owned(),
            by: None,
        }],
        ..RecordedHub::default()
    }
}

#[test]
fn subscribers_are_matched_by_name_then_by_events_then_in_order() {
    let mut hub = ReplayedHub::new(recorded());
    assert_eq!(
        hub.subscribe(Some("Viewer"), "now", "PATIENT-OPEN", false),
        Some(1)
    );
    assert_eq!(hub.differences, []);
    assert_eq!(
        hub.subscribe(Some("Somebody"), "now", "Home-open", false),
        Some(0)
    );
    assert_eq!(hub.differences.len(), 1, "other events");
    assert_eq!(hub.subscribe(None, "now", "Home-open", false), None);
    assert_eq!(hub.differences.len(), 2);
    assert_eq!(hub.mapping.forth("desk"), "now");
}

#[test]
fn events_and_answers_are_held_against_the_capture() {
    let mut hub = ReplayedHub::new(recorded());
    hub.subscribe(Some("Worklist"), "now", "Patient-open,SyncError", false);
    let event = json!({"id": "mine", "event": {"hub.event": "Patient-open", "hub.topic": "now"}});
    assert_eq!(
        hub.publish(&event),
        (200, "taken".to_owned()),
        "as in the capture"
    );
    hub.answered(0, "mine", "200");
    assert_eq!(hub.differences, []);
    hub.answered(0, "mine", "409");
    assert_eq!(hub.publish(&event).0, 202);
    assert_eq!(hub.differences.len(), 2);
}

#[test]
fn refusals_of_requests_at_an_endpoint_are_given_again_once_and_in_order() {
    let at_endpoint = |mode: &str, refused: Option<(u16, &str)>| EndpointRequest {
        mode: mode.to_owned(),
        subscriber: Some(0),
        refused: refused.map(|(status, body)| (status, body.to_owned())),
    };
    let mut hub = ReplayedHub::new(RecordedHub {
        at_endpoints: vec![
            at_endpoint("unsubscribe", Some((404, "who?"))),
            at_endpoint("unsubscribe", None),
        ],
        ..recorded()
    });
    assert_eq!(hub.refusal_at_endpoint("subscribe", Some(0)), None);
    assert_eq!(hub.refusal_at_endpoint("unsubscribe", Some(1)), None);
    assert_eq!(
        hub.refusal_at_endpoint("unsubscribe", Some(0)),
        Some((404, "who?".to_owned()))
    );
    assert_eq!(
        hub.refusal_at_endpoint("unsubscribe", Some(0)),
        None,
        "then it was accepted"
    );
}

#[test]
fn an_answer_without_a_status_is_an_answer() {
    let told = |text: &str| acknowledgement(text).map(|(_, status)| status);
    assert_eq!(
        told(r#"{"id": "e1", "timestamp": "now"}"#).as_deref(),
        Some("without a status")
    );
    assert_eq!(told(r#"{"id": "e1", "status": 409}"#).as_deref(), Some("409"));
    assert_eq!(told(r#"{"id": "e1", "event": {}}"#), None);
    assert_eq!(told(r#"{"timestamp": "now"}"#), None);
}
