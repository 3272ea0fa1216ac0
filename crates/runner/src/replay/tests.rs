use serde_json::json;

use super::*;
use crate::capture::conversation::RecordedConversation;

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

#[test]
fn subscribers_that_ended_their_subscription_themselves_are_known() {
    let lines = [
        json!({"at_ms": 1.0, "kind": "opened", "connection": 1, "exchange": 1, "url": "ws://hub/1"}),
        json!({"at_ms": 1.0, "kind": "opened", "connection": 2, "exchange": 2, "url": "ws://hub/2"}),
        json!({"at_ms": 2.0, "kind": "closed", "connection": 1, "from": "subscriber", "code": 1000, "reason": ""}),
        json!({"at_ms": 2.0, "kind": "closed", "connection": 2, "from": "hub", "code": 1000, "reason": ""}),
        json!({"at_ms": 3.0, "kind": "closed", "connection": 2, "from": "subscriber", "code": 1000, "reason": ""}),
        json!({"at_ms": 4.0, "kind": "request", "exchange": 3, "method": "POST", "url": "http://hub", "headers": [],
            "body": "hub.mode=unsubscribe&hub.callback=http%3A%2F%2Fme%2F1%3Fa%3Db"}),
    ];
    let lines = lines.map(|line| serde_json::from_value(line).expect("a line of a capture"));
    let script = Script::of(RecordedConversation::decode("http://hub", lines));
    let socket = |position: usize| Receiver::Socket(script.conversation.sockets()[position].id);
    assert!(script.has_left(&socket(0)));
    assert!(!script.has_left(&socket(1)));
    assert!(script.has_left(&Receiver::at("http://me/1?c=d")));
    assert!(!script.has_left(&Receiver::at("http://me/2")));
}
