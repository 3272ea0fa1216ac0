//! Each member of an object stands once in what the hub sends.

use super::PASS;
use crate::hub::example::Example;
use crate::hub::ids::{HTTP_JSON, WEBSOCKET_JSON};
use crate::outcome::{Traffic, Verdict};

const TWICE: &str = r#"{"id": "1", "event": {"hub.topic": "t", "hub.topic": "t"}}"#;
const ONCE: &str =
    r#"{"id": "1", "event": {"id": "1", "hub.topic": "t"}, "more": [{"id": "1"}, {"id": "1"}]}"#;

#[test]
fn a_frame_in_which_a_member_stands_twice_warns() {
    for (text, verdict) in [(TWICE, Some(Verdict::Warn)), (ONCE, PASS)] {
        let mut example = Example::with(&["viewer"]);
        example.frame("viewer", 0, text);
        assert_eq!(example.judged().verdict(WEBSOCKET_JSON), verdict, "{text}");
    }
}

#[test]
fn an_answer_in_which_a_member_stands_twice_warns() {
    for (body, verdict) in [
        (TWICE, Some(Verdict::Warn)),
        (ONCE, None),
        ("id=1&id=1", None),
        ("", None),
    ] {
        let mut example = Example::with(&["viewer"]);
        let headers = Vec::new();
        let body = body.to_owned();
        example.add(
            "viewer",
            Traffic::Response {
                status: 200,
                headers,
                body,
            },
        );
        let judged = example.judged();
        let told = judged.check(HTTP_JSON).map(|check| check.verdict);
        assert_eq!(told, verdict);
    }
}

#[test]
fn the_warning_names_the_member_and_shows_the_message() {
    let mut example = Example::with(&["viewer"]);
    let spot = example.frame("viewer", 0, TWICE);
    let judged = example.judged();
    let check = judged.check(WEBSOCKET_JSON).unwrap();
    assert_eq!(
        check.message,
        "/event/hub.topic stands more than once in one object"
    );
    assert_eq!(judged.evidence(WEBSOCKET_JSON), [spot.sequence]);
    assert_eq!(check.evidence[0].pointer.as_deref(), Some("/event/hub.topic"));
}

#[test]
fn what_a_subscriber_sends_is_not_held_against_the_hub() {
    let mut example = Example::with(&["viewer"]);
    let text = TWICE.to_owned();
    example.add("viewer", Traffic::FrameSent { text, binary: false });
    assert_eq!(example.judged().verdict(WEBSOCKET_JSON), PASS);
}
