use serde_json::json;

use super::*;

#[test]
fn names_are_mapped_forth_and_back() {
    let mut mapping = Mapping::default();
    mapping.insert("wss://old.example.com/socket/1", "wss://new.example.com/socket/9");
    mapping.insert("desk", "another desk");
    mapping.insert("e1", "event-1-of-now");
    let then = json!({"id": "e1", "event": {"hub.topic": "desk", "text": "e1 is not e1"}, "timestamp": "2026-01-01T00:00:00Z"});
    let now = mapping.message(&then, Some("2026-02-02T00:00:00Z"));
    assert_eq!(now["id"], "event-1-of-now");
    assert_eq!(now["event"]["hub.topic"], "another desk");
    assert_eq!(
        now["event"]["text"], "e1 is not e1",
        "too short to be replaced within a text"
    );
    assert_eq!(now["timestamp"], "2026-02-02T00:00:00Z");
    let back = mapping.message_back(&now);
    assert_eq!(back["id"], "e1");
    assert_eq!(
        mapping.forth("hub.channel.endpoint=wss://old.example.com/socket/1"),
        "hub.channel.endpoint=wss://new.example.com/socket/9"
    );
}

#[test]
fn messages_are_compared_by_what_must_be_the_same() {
    let event = |id: &str, patient: &str, time: &str| {
        json!({"id": id, "timestamp": time, "event": {"hub.event": "Patient-open", "hub.topic": "t",
            "context": [{"key": "patient", "resource": {"resourceType": "Patient", "id": patient}}]}})
    };
    let known = ["e1".to_owned(), "e2".to_owned()].into();
    let then = [
        event("e1", "p1", "1"),
        event("e2", "p2", "2"),
        event("made-up", "p1", "3"),
    ];
    let same = [
        event("e1", "p1", "4"),
        event("e2", "p2", "5"),
        event("other", "p1", "6"),
    ];
    assert_eq!(difference::of_messages("to viewer", &then, &same, &known), []);
    let fewer = [event("e1", "p1", "4"), event("other", "p1", "6")];
    let found = difference::of_messages("to viewer", &then, &fewer, &known);
    assert_eq!(found.len(), 1);
    assert_eq!(
        found[0].to_string(),
        "to viewer\n  captured: Patient-open e2 (Patient/p2)\n  now:      nothing here"
    );
}
