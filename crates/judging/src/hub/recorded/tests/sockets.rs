//! WebSockets of recorded hubs: confirmations, sockets from before the recording, and gaps.

use serde_json::json;

use super::recording::{EVENTS, HUB, Recording, TOPIC, confirmation, notification};
use super::{FAIL, PASS};
use crate::hub::ids::{
    CONFIRMATION_SENT, CONFIRMATION_TOPIC, DELIVERED, DENIAL_TOPIC, ONCE, ONLY_SUBSCRIBED,
    PUBLISH_AT_HUB_URL, SUBSCRIBE_202, TOPIC_ISOLATED, WEBSOCKET_JSON,
};
use crate::outcome::Traffic;

/// A subscription whose WebSocket is open and has not been greeted.
fn opened() -> Recording {
    let mut recording = Recording::new();
    recording.ask(TOPIC, "viewer", EVENTS, &Recording::endpoint(1));
    recording.open(&Recording::endpoint(1));
    recording
}

#[test]
fn a_socket_begins_with_a_confirmation_or_a_denial() {
    let mut confirmed = opened();
    confirmed.send(1, &confirmation(TOPIC, EVENTS, 60));
    assert_eq!(confirmed.verdict(CONFIRMATION_SENT), PASS);
    confirmed.close(1, "hub", 1000);
    assert_eq!(confirmed.verdict(CONFIRMATION_SENT), PASS);

    let mut denied = opened();
    denied.send(
        1,
        &json!({"hub.mode": "denied", "hub.topic": TOPIC, "hub.events": EVENTS, "hub.reason": "no"}),
    );
    denied.close(1, "hub", 1000);
    let findings = denied.judged();
    assert_eq!(findings.verdict(CONFIRMATION_SENT), None);
    assert_eq!(findings.verdict(DENIAL_TOPIC), PASS);

    // A confirmation that follows a denial is not the first word.
    denied = opened();
    denied.send(
        1,
        &json!({"hub.mode": "denied", "hub.topic": TOPIC, "hub.reason": "no"}),
    );
    denied.send(1, &confirmation(TOPIC, EVENTS, 60));
    assert_eq!(denied.verdict(CONFIRMATION_SENT), None);
}

#[test]
fn a_hub_that_ends_a_socket_without_a_word_fails() {
    let mut silent = opened();
    silent.close(1, "hub", 1011);
    let findings = silent.judged();
    assert_eq!(findings.verdict(CONFIRMATION_SENT), FAIL);
    // The request and its answer, the socket asked for and open, its end.
    assert_eq!(findings.evidence(CONFIRMATION_SENT), [4]);

    let mut event_first = opened();
    event_first.deliver(1, "one", "Patient-open");
    event_first.close(1, "hub", 1011);
    assert_eq!(event_first.verdict(CONFIRMATION_SENT), FAIL);

    let mut left = opened();
    left.close(1, "subscriber", 1000);
    assert_eq!(left.verdict(CONFIRMATION_SENT), None);
}

#[test]
fn a_broken_socket_is_ended_by_the_side_that_broke() {
    for (from, verdict) in [("hub", FAIL), ("subscriber", None)] {
        let mut recording = opened();
        recording.line(json!({"kind": "broken", "connection": 1, "from": from, "problem": "reset"}));
        assert_eq!(recording.verdict(CONFIRMATION_SENT), verdict, "{from}");
        let transcript = recording.recorded().transcript;
        let Traffic::Closed {
            by_hub,
            code,
            ref reason,
        } = transcript[4].traffic
        else {
            panic!("no end: {:?}", transcript[4]);
        };
        assert_eq!((by_hub, code, reason.as_str()), (from == "hub", None, "reset"));
    }
}

#[test]
fn frames_are_json_and_pings_are_no_frames() {
    let mut recording = opened();
    recording.send(1, &confirmation(TOPIC, EVENTS, 60));
    recording.line(json!({"kind": "ping", "connection": 1, "from": "hub", "body": "beat"}));
    recording.line(json!({"kind": "pong", "connection": 1, "from": "subscriber", "body": "beat"}));
    assert_eq!(recording.verdict(WEBSOCKET_JSON), PASS);
    assert_eq!(recording.recorded().transcript.len(), 5);
    let body = notification("one", "Patient-open").to_string();
    recording.line(json!({"kind": "binary", "connection": 1, "from": "hub", "body": body}));
    let transcript = recording.recorded().transcript;
    let binary = |position: usize| match transcript[position].traffic {
        Traffic::FrameReceived { binary, .. } => Some(binary),
        _ => None,
    };
    assert_eq!([binary(4), binary(5)], [Some(false), Some(true)]);
    recording.frame(1, "hub", "no JSON");
    assert_eq!(recording.verdict(WEBSOCKET_JSON), FAIL);
}

#[test]
fn a_socket_of_a_subscription_from_before_the_recording_has_the_topic_of_its_first_message() {
    for first in [
        confirmation(TOPIC, EVENTS, 60),
        notification("zero", "Patient-open"),
    ] {
        let mut recording = Recording::new();
        recording.open("wss://hub.example.com/earlier");
        recording.send(1, &first);
        recording.publish("one", "Patient-open");
        recording.deliver(1, "one", "Patient-open");
        recording.deliver(1, "one", "Patient-open");
        recording.acknowledge(1, "one", 200);
        recording.rest();
        let findings = recording.judged();
        assert_eq!(findings.verdict(TOPIC_ISOLATED), PASS);
        // Neither what it follows nor how it has behaved is known.
        assert_eq!(findings.verdict(ONLY_SUBSCRIBED), None);
        assert_eq!(findings.verdict(DELIVERED), None);
        assert_eq!(findings.verdict(ONCE), None);
        let mut leak = notification("two", "Patient-open");
        leak["event"]["hub.topic"] = "other".into();
        recording.send(1, &leak);
        assert_eq!(recording.verdict(TOPIC_ISOLATED), FAIL);
    }
    // A hub that ends it has broken nothing: it may have confirmed it before.
    let mut ended = Recording::new();
    ended.open("wss://hub.example.com/earlier");
    ended.close(1, "hub", 1001);
    assert_eq!(ended.verdict(CONFIRMATION_SENT), None);
    assert_eq!(ended.actors(), ["a client", "subscriber 1"]);
}

#[test]
fn a_socket_that_was_open_before_the_recording_is_left_out() {
    let mut recording = Recording::new();
    recording.send(1, &json!({"neither": "event nor control"}));
    recording.frame(1, "hub", "no JSON");
    recording.acknowledge(1, "one", 409);
    recording.close(1, "hub", 1001);
    let recorded = recording.recorded();
    assert_eq!(recorded.checks, Vec::new());
    assert_eq!(recorded.transcript.len(), 0);
}

#[test]
fn a_socket_that_is_opened_again_is_the_same_subscriber() {
    let mut recording = Recording::with(&["viewer"]);
    recording.close(1, "subscriber", 1000);
    recording.open(&Recording::endpoint(1));
    recording.send(2, &confirmation(TOPIC, EVENTS, 60));
    recording.publish("one", "Patient-open");
    recording.deliver(2, "one", "Patient-open");
    let findings = recording.judged();
    assert_eq!(findings.verdict(CONFIRMATION_SENT), PASS);
    assert_eq!(findings.verdict(ONLY_SUBSCRIBED), PASS);
    assert_eq!(recording.actors(), ["a client", "viewer (1)"]);
}

#[test]
fn confirmations_are_of_the_topic_that_was_asked_for() {
    for (topic, verdict) in [(TOPIC, PASS), ("other", FAIL)] {
        let mut recording = opened();
        recording.send(1, &confirmation(topic, EVENTS, 60));
        assert_eq!(recording.verdict(CONFIRMATION_TOPIC), verdict, "{topic}");
    }
}

#[test]
fn after_a_gap_nothing_is_owed_to_those_who_were_there() {
    let mut recording = Recording::with(&["viewer"]);
    recording.line(json!({"kind": "gap"}));
    recording.frame(1, "hub", "no JSON");
    let findings = recording.judged();
    assert_eq!(
        findings.verdict(WEBSOCKET_JSON),
        PASS,
        "the socket is known no more"
    );
    let transcript = recording.recorded().transcript;
    let last = transcript.last().unwrap();
    assert_eq!(last.actor, "castspec");
    assert_eq!(
        last.traffic,
        Traffic::Note {
            text: "messages are missing here".to_owned()
        }
    );
    // An endpoint may have gone to somebody else in between.
    recording.open(&Recording::endpoint(1));
    assert_eq!(
        recording.actors(),
        ["a client", "viewer (1)", "castspec", "subscriber 2"]
    );
}

#[test]
fn an_answer_to_what_was_asked_before_a_gap_is_left_out() {
    let answered = |gap: bool| {
        let mut recording = Recording::new();
        let request = recording.request("POST", HUB, &notification("one", "Patient-open").to_string());
        if gap {
            recording.line(json!({"kind": "gap"}));
        }
        recording.answer(request, 202, "");
        recording.verdict(PUBLISH_AT_HUB_URL)
    };
    assert_eq!(answered(false), PASS);
    assert_eq!(answered(true), None);
}

#[test]
fn a_request_without_an_answer_is_told_and_judged_by_nothing() {
    let mut recording = Recording::new();
    let request = recording.request("POST", HUB, "hub.mode=subscribe&hub.topic=session");
    recording.line(json!({"kind": "no-response", "exchange": request, "from": "hub", "problem": "reset"}));
    recording.line(json!({"kind": "note", "text": "a remark"}));
    let recorded = recording.recorded();
    assert_eq!(recorded.checks, Vec::new());
    assert_eq!(recording.verdict(SUBSCRIBE_202), None);
    let traffic: Vec<&Traffic> = recorded.transcript.iter().map(|entry| &entry.traffic).collect();
    assert!(matches!(traffic[1], Traffic::NoResponse { problem } if problem == "reset"));
    assert!(matches!(traffic[2], Traffic::Note { text } if text == "a remark"));
}
