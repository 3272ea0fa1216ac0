use serde_json::json;

use super::parts::{Cue, Part, Publication};
use super::*;

fn parts() -> Parts {
    let part = |name: &str, events: &str| Part {
        name: Some(name.to_owned()),
        events: parts::events(events),
        topic: "desk".to_owned(),
        status: 202,
        endpoint: Some("wss://hub/1".to_owned()),
        cues: vec![Cue {
            text: "{}".to_owned(),
            after_frames: 0,
            after_publication: None,
        }],
        answers: [("e1".to_owned(), "200".to_owned())].into(),
        ..Part::default()
    };
    Parts {
        parts: vec![
            part("Worklist", "Patient-open,SyncError"),
            part("Viewer", "Patient-open"),
        ],
        publications: vec![Publication {
            event: "patient-open".to_owned(),
            id: "e1".to_owned(),
            topic: "desk".to_owned(),
            status: 200,
            by: None,
        }],
        ..Parts::default()
    }
}

#[test]
fn parts_are_given_by_name_then_by_events_then_in_order() {
    let mut stage = Stage::new(parts());
    assert_eq!(
        stage.subscribe(Some("Viewer"), "now", "PATIENT-OPEN", false),
        Some(1)
    );
    assert_eq!(stage.differences, []);
    assert_eq!(
        stage.subscribe(Some("Somebody"), "now", "Home-open", false),
        Some(0)
    );
    assert_eq!(stage.differences.len(), 1, "other events");
    assert_eq!(stage.subscribe(None, "now", "Home-open", false), None);
    assert_eq!(stage.differences.len(), 2);
    assert_eq!(stage.mapping.forth("desk"), "now");
}

#[test]
fn events_and_answers_are_held_against_the_capture() {
    let mut stage = Stage::new(parts());
    stage.subscribe(Some("Worklist"), "now", "Patient-open,SyncError", false);
    let event = json!({"id": "mine", "event": {"hub.event": "Patient-open", "hub.topic": "now"}});
    assert_eq!(stage.publish(&event), 200, "as in the capture");
    stage.answered(0, "mine", "200");
    assert_eq!(stage.differences, []);
    stage.answered(0, "mine", "409");
    assert_eq!(stage.publish(&event), 202);
    assert_eq!(stage.differences.len(), 2);
}
