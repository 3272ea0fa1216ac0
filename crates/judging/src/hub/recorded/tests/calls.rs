//! Webhooks of recorded STU2 hubs.

use super::recording::{HUB, Recording, TOPIC, form, notification};
use super::{FAIL, PASS, WARN};
use crate::hub::ids::{
    DELIVERED, DENIAL_GET, HTTP_JSON, NOTHING_BEFORE, NOTIFICATION_POST, ONLY_SUBSCRIBED,
    QUERY_IN_NOTIFICATION, SIGNATURE_MATCHES, SIGNATURE_SENT, SUBSCRIBE_202, UNSUBSCRIBE_202,
    VERIFICATION_SENT, VERIFICATION_TOPIC,
};
use crate::outcome::Traffic;
use crate::protocol::Version;

const CALLBACK: &str = "http://viewer.example.com/callback";
const JSON: &[(&str, &str)] = &[("Content-Type", "application/json")];
const SIGNED: &[(&str, &str)] = &[
    ("Content-Type", "application/json"),
    ("X-Hub-Signature", "sha256=00"),
];

/// A request for webhooks, or their end, and its answer.
fn ask(recording: &mut Recording, mode: &str, events: &str, secret: &str, status: u16) {
    let request = form(&[
        ("hub.channel.type", "webhook"),
        ("hub.mode", mode),
        ("hub.topic", TOPIC),
        ("hub.events", events),
        ("hub.callback", CALLBACK),
        ("hub.secret", secret),
        ("hub.lease_seconds", "7200"),
    ]);
    recording.post(&request, status, "");
}

/// An intent verification, and the callback's answer.
fn verify(recording: &mut Recording, mode: &str, topic: &str, status: u16, answer: &str) {
    let query = form(&[
        ("hub.mode", mode),
        ("hub.topic", topic),
        ("hub.challenge", "meow"),
        ("hub.events", "Patient-open"),
        ("hub.lease_seconds", "7200"),
    ]);
    let call = recording.call("GET", &format!("{CALLBACK}?{query}"), &[], "");
    recording.call_answer(call, status, answer);
}

/// A viewer whose webhook was asked for and verified.
fn subscribed() -> Recording {
    let mut recording = Recording::of(Version::Stu2, HUB);
    ask(&mut recording, "subscribe", "Patient-open", "secret", 202);
    verify(&mut recording, "subscribe", TOPIC, 200, "meow");
    recording
}

/// A notification, and the callback's answer.
fn notify(recording: &mut Recording, id: &str, headers: &[(&str, &str)], status: u16) {
    let body = notification(id, "Patient-open").to_string();
    let call = recording.call("POST", CALLBACK, headers, &body);
    recording.call_answer(call, status, "");
}

#[test]
fn a_verified_webhook_receives_what_it_follows() {
    let mut recording = subscribed();
    recording.publish("one", "Patient-open");
    notify(&mut recording, "one", SIGNED, 200);
    recording.rest();
    let findings = recording.judged();
    for requirement in [
        SUBSCRIBE_202,
        VERIFICATION_SENT,
        VERIFICATION_TOPIC,
        NOTHING_BEFORE,
        NOTIFICATION_POST,
        HTTP_JSON,
        DELIVERED,
        ONLY_SUBSCRIBED,
        SIGNATURE_SENT,
    ] {
        assert_eq!(findings.verdict(requirement), PASS, "{requirement}");
    }
    // The secret is not in the capture.
    assert_eq!(findings.verdict(SIGNATURE_MATCHES), None);
    assert_eq!(findings.verdict(QUERY_IN_NOTIFICATION), None);
    assert_eq!(recording.actors(), ["a client", "subscriber 1"]);
}

#[test]
fn with_a_secret_notifications_are_signed() {
    for (secret, headers, verdict) in [
        ("secret", JSON, FAIL),
        ("secret", SIGNED, PASS),
        ("", JSON, None),
        ("", SIGNED, None),
    ] {
        let mut recording = Recording::of(Version::Stu2, HUB);
        ask(&mut recording, "subscribe", "Patient-open", secret, 202);
        verify(&mut recording, "subscribe", TOPIC, 200, "meow");
        recording.publish("one", "Patient-open");
        notify(&mut recording, "one", headers, 200);
        assert_eq!(
            recording.verdict(SIGNATURE_SENT),
            verdict,
            "'{secret}' {headers:?}"
        );
    }
}

#[test]
fn a_webhook_begins_when_its_callback_agrees() {
    for (status, answer, delivered) in [
        (200, "meow", FAIL),
        (200, "woof", None),
        (404, "meow", None),
        (404, "", None),
    ] {
        let mut recording = Recording::of(Version::Stu2, HUB);
        ask(&mut recording, "subscribe", "Patient-open", "", 202);
        verify(&mut recording, "subscribe", TOPIC, status, answer);
        recording.publish("one", "Patient-open");
        recording.rest();
        let findings = recording.judged();
        assert_eq!(findings.verdict(DELIVERED), delivered, "{status} {answer}");
        assert_eq!(findings.verdict(VERIFICATION_SENT), PASS);
    }
}

#[test]
fn nothing_comes_before_the_verification() {
    let mut recording = Recording::of(Version::Stu2, HUB);
    ask(&mut recording, "subscribe", "Patient-open", "", 202);
    notify(&mut recording, "one", JSON, 200);
    let findings = recording.judged();
    assert_eq!(findings.verdict(NOTHING_BEFORE), FAIL);
    assert_eq!(findings.evidence(NOTHING_BEFORE), [2]);
    assert_eq!(findings.verdict(VERIFICATION_SENT), None);
}

#[test]
fn a_verification_by_post_is_no_question() {
    let mut recording = Recording::of(Version::Stu2, HUB);
    ask(&mut recording, "subscribe", "Patient-open", "", 202);
    let query = "hub.mode=subscribe&hub.topic=session&hub.challenge=meow&hub.events=Patient-open";
    let call = recording.call("POST", &format!("{CALLBACK}?{query}"), &[], "");
    recording.call_answer(call, 200, "meow");
    recording.publish("one", "Patient-open");
    recording.rest();
    assert_eq!(recording.verdict(DELIVERED), None);
}

#[test]
fn a_verification_is_about_the_topic_that_was_asked_for() {
    let mut recording = subscribed();
    verify(&mut recording, "subscribe", "other", 200, "meow");
    assert_eq!(recording.verdict(VERIFICATION_TOPIC), FAIL);
}

#[test]
fn a_verification_that_nobody_asked_for_shows_nothing() {
    let mut recording = Recording::of(Version::Stu2, HUB);
    ask(&mut recording, "subscribe", "Patient-open", "", 404);
    verify(&mut recording, "subscribe", TOPIC, 404, "");
    let findings = recording.judged();
    assert_eq!(
        findings.verdict(VERIFICATION_SENT),
        None,
        "the request was refused"
    );
    assert_eq!(findings.verdict(SUBSCRIBE_202), None);
}

#[test]
fn the_status_of_acceptance_is_202() {
    for (mode, requirement) in [("subscribe", SUBSCRIBE_202), ("unsubscribe", UNSUBSCRIBE_202)] {
        for (status, verdict) in [(202, PASS), (200, FAIL), (400, None)] {
            let mut recording = Recording::of(Version::Stu2, HUB);
            ask(&mut recording, mode, "Patient-open", "", status);
            let findings = recording.judged();
            assert_eq!(findings.verdict(requirement), verdict, "{mode} {status}");
        }
    }
}

/// The verdict on delivery of an event that never comes, when this was done before it.
fn after(change: impl FnOnce(&mut Recording)) -> Option<crate::outcome::Verdict> {
    let mut recording = subscribed();
    change(&mut recording);
    recording.publish("one", "Patient-open");
    recording.rest();
    recording.verdict(DELIVERED)
}

#[test]
fn a_webhook_is_owed_nothing_after_its_end() {
    assert_eq!(after(|_| {}), FAIL);
    let unsubscribed = |recording: &mut Recording| ask(recording, "unsubscribe", "Patient-open", "", 202);
    assert_eq!(after(unsubscribed), None);
    let denied = |recording: &mut Recording| {
        let query = "hub.mode=denied&hub.topic=session&hub.events=Patient-open&hub.reason=no";
        let call = recording.call("GET", &format!("{CALLBACK}?{query}"), &[], "");
        recording.call_answer(call, 200, "");
    };
    assert_eq!(after(denied), None);
    let mut recording = subscribed();
    denied(&mut recording);
    assert_eq!(recording.verdict(DENIAL_GET), PASS);
}

#[test]
fn a_webhook_that_is_asked_for_again_follows_what_it_was_asked_for_last() {
    let again = |recording: &mut Recording| {
        ask(recording, "subscribe", "Patient-close", "", 202);
        verify(recording, "subscribe", TOPIC, 200, "meow");
    };
    assert_eq!(after(again), None);
    // Until the callback agrees, all stays as it was; a refused request changes nothing.
    assert_eq!(
        after(|recording| ask(recording, "subscribe", "Patient-close", "", 202)),
        FAIL
    );
    assert_eq!(
        after(|recording| ask(recording, "subscribe", "Patient-close", "", 400)),
        FAIL
    );
}

#[test]
fn calls_to_unknown_callbacks_are_told_and_judged_by_nothing() {
    let mut recording = Recording::of(Version::Stu2, HUB);
    notify(&mut recording, "one", JSON, 409);
    let recorded = recording.recorded();
    assert_eq!(recorded.checks, Vec::new());
    assert_eq!(recorded.transcript.len(), 1);
    assert_eq!(recorded.transcript[0].actor, "a client");
}

#[test]
fn a_call_without_an_answer_is_told() {
    let mut recording = subscribed();
    let body = notification("one", "Patient-open").to_string();
    let call = recording.call("POST", CALLBACK, JSON, &body);
    recording.line(serde_json::json!({"kind": "no-response", "exchange": call, "from": "subscriber", "problem": "refused"}));
    let transcript = recording.recorded().transcript;
    let last = &transcript.last().unwrap().traffic;
    assert!(matches!(last, Traffic::NoResponse { problem } if problem == "refused"));
}

#[test]
fn a_callback_that_refuses_leaves_no_doubt_how_its_status_is_written() {
    let mut recording = subscribed();
    recording.ask(
        TOPIC,
        "archive",
        "Patient-open,SyncError",
        &Recording::endpoint(1),
    );
    recording.open(&Recording::endpoint(1));
    recording.send(
        1,
        &super::recording::confirmation(TOPIC, "Patient-open,SyncError", 7200),
    );
    recording.publish("one", "Patient-open");
    notify(&mut recording, "one", SIGNED, 409);
    let mut told = recording;
    told.pass(1.0);
    told.deliver(1, "one", "Patient-open");
    told.rest();
    let findings = told.judged();
    // A SHOULD in STU2.
    assert_eq!(findings.verdict("syncerror.on-conflict"), WARN);
    let message = &findings.check("syncerror.on-conflict").unwrap().message;
    assert!(!message.contains("nothing here shows"), "{message}");
}
