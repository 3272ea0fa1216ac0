//! Frames are JSON, as their schemas say, and of the right topic.

use serde_json::{Value, json};

use super::{FAIL, PASS};
use crate::hub::example::{Example, TOPIC};
use crate::hub::ids::{CONFIRMATION_TOPIC, DENIAL_TOPIC, WEBSOCKET_JSON};
use crate::outcome::Verdict;

fn denial(topic: &str) -> Value {
    json!({"hub.mode": "denied", "hub.topic": topic, "hub.events": "Patient-open", "hub.reason": "it ended"})
}

#[test]
fn frames_are_json() {
    for (text, verdict) in [("{}", PASS), ("[]", PASS), ("Patient-open", FAIL), ("", FAIL)] {
        let mut example = Example::with(&["viewer"]);
        let spot = example.frame("viewer", 0, text);
        let findings = example.judged();
        assert_eq!(findings.verdict(WEBSOCKET_JSON), verdict, "{text}");
        if verdict == FAIL {
            assert_eq!(findings.evidence(WEBSOCKET_JSON), [spot.sequence]);
        }
    }
}

#[test]
fn a_confirmation_names_the_topic_that_was_asked_for() {
    let mut example = Example::with(&["viewer"]);
    assert_eq!(example.verdict(CONFIRMATION_TOPIC), PASS);
    let mut confirmation = example.subscriber("viewer").received[0]
        .message()
        .unwrap()
        .clone();
    confirmation["hub.topic"] = json!("other session");
    example.send("viewer", &confirmation);
    let findings = example.judged();
    assert_eq!(findings.verdict(CONFIRMATION_TOPIC), FAIL);
    assert_eq!(findings.verdict(DENIAL_TOPIC), None);
}

#[test]
fn a_denial_names_the_topic_that_was_asked_for() {
    for (topic, verdict) in [(TOPIC, PASS), ("other session", FAIL)] {
        let mut example = Example::with(&["viewer"]);
        example.send("viewer", &denial(topic));
        let findings = example.judged();
        assert_eq!(findings.verdict(DENIAL_TOPIC), verdict);
        assert_eq!(findings.verdict(CONFIRMATION_TOPIC), PASS);
    }
}

#[test]
fn a_topic_that_is_missing_is_a_matter_of_the_schema() {
    let mut example = Example::with(&["viewer"]);
    let mut without_topic = denial(TOPIC);
    without_topic.as_object_mut().unwrap().remove("hub.topic");
    example.send("viewer", &without_topic);
    let findings = example.judged();
    assert_eq!(findings.verdict(DENIAL_TOPIC), None);
    assert_ne!(findings.broken(), Vec::<&str>::new());
}

#[test]
fn every_kind_of_frame_is_judged_by_its_schema() {
    let mut lawful = delivered();
    lawful.send("viewer", &denial(TOPIC));
    assert_eq!(lawful.judged().broken(), Vec::<&str>::new());
    // A denial without its topic, a confirmation without its lease, a notification without its time.
    let confirmation = json!({"hub.mode": "subscribe", "hub.topic": TOPIC, "hub.events": "Patient-open"});
    let mut without_topic = denial(TOPIC);
    without_topic.as_object_mut().unwrap().remove("hub.topic");
    let mut without_time = lawful.notification(0);
    without_time.as_object_mut().unwrap().remove("timestamp");
    for message in [confirmation, without_topic, without_time] {
        let mut example = delivered();
        example.send("viewer", &message);
        assert_ne!(example.judged().broken(), Vec::<&str>::new(), "{message}");
    }
}

fn delivered() -> Example {
    let mut example = Example::with(&["viewer"]);
    let opened = example.publish("viewer", "Patient-open");
    example.deliver("viewer", opened);
    example
}

#[test]
fn what_is_wrong_where_a_message_is_malformed_is_one_mistake() {
    let mut example = Example::with(&["viewer"]);
    let opened = example.publish("viewer", "Patient-open");
    example.deliver_changed("viewer", opened, |message| {
        message["event"]["context"] = json!("p")
    });
    let findings = example.judged();
    // The schema has found the context; that it is not the one that was published could not be tried.
    let verdict = findings.verdict(crate::hub::ids::CONTEXT_UNALTERED);
    assert_eq!(verdict, Some(Verdict::Inconclusive));
}
