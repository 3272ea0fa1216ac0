//! Calls to callbacks: methods, queries, JSON, and nothing before the verification of the intent.

use super::{FAIL, PASS, WARN};
use crate::hub::example::Example;
use crate::hub::ids::{
    DENIAL_GET, DENIAL_TOPIC, HTTP_JSON, NOTHING_BEFORE, NOTIFICATION_POST, QUERY_APPENDED,
    QUERY_IN_NOTIFICATION, QUERY_IN_VERIFICATION, VERIFICATION_TOPIC,
};
use crate::outcome::Verdict;
use crate::protocol::Version;
use crate::{Call, Signature};

const CALLBACK: &str = "https://viewer.example.com/callback";
const DENIAL: &str = "hub.mode=denied&hub.topic=session&hub.events=Patient-open&hub.reason=no";

/// A verified webhook of the viewer, and an event that it follows.
fn subscribed_at(callback: &str) -> (Example, String) {
    let mut example = Example::new(Version::Stu2);
    example.subscribe_webhook("viewer", callback, "Patient-open");
    let opened = example.publish("viewer", "Patient-open");
    let body = example.notification(opened).to_string();
    (example, body)
}

/// The verdict on a requirement after a call.
fn after_call(
    callback: &str,
    method: &str,
    query: &str,
    body: Option<&str>,
    requirement: &str,
) -> Option<Verdict> {
    let (mut example, notification) = subscribed_at(callback);
    let body = body.unwrap_or(&notification);
    example.call("viewer", method, query, body, Signature::Right(0));
    example.verdict(requirement)
}

#[test]
fn notifications_come_by_post() {
    for (method, verdict) in [("POST", PASS), ("PUT", FAIL), ("GET", FAIL)] {
        let found = after_call(CALLBACK, method, "", None, NOTIFICATION_POST);
        assert_eq!(found, verdict, "{method}");
    }
}

#[test]
fn denials_come_by_get() {
    for (method, verdict) in [("GET", PASS), ("POST", FAIL)] {
        let found = after_call(CALLBACK, method, DENIAL, Some(""), DENIAL_GET);
        assert_eq!(found, verdict, "{method}");
    }
}

#[test]
fn a_denial_keeps_the_query_of_the_callback() {
    let callback = "https://viewer.example.com/callback?desk=7";
    for (query, verdict) in [(format!("desk=7&{DENIAL}"), PASS), (DENIAL.to_owned(), FAIL)] {
        let found = after_call(callback, "GET", &query, Some(""), DENIAL_GET);
        assert_eq!(found, verdict, "{query}");
    }
}

#[test]
fn a_denial_names_the_topic_that_was_asked_for() {
    for (topic, verdict) in [("session", PASS), ("other", FAIL)] {
        let query = DENIAL.replace("session", topic);
        assert_eq!(
            after_call(CALLBACK, "GET", &query, Some(""), DENIAL_TOPIC),
            verdict
        );
    }
}

#[test]
fn notifications_are_json_and_say_so() {
    for (content_type, body, verdict) in [
        (Some("application/json"), None, PASS),
        (Some("application/fhir+json; charset=utf-8"), None, PASS),
        (Some("APPLICATION/JSON"), None, PASS),
        (Some("text/plain"), None, WARN),
        (None, None, WARN),
        (Some("application/json"), Some("no JSON"), FAIL),
    ] {
        let (mut example, notification) = subscribed_at(CALLBACK);
        let header = |value: &str| ("content-type".to_owned(), value.to_owned());
        let call = Call {
            method: "POST".to_owned(),
            path: "/callback".to_owned(),
            query: String::new(),
            headers: content_type.map(header).into_iter().collect(),
            signature: Signature::Missing,
        };
        example.called("viewer", call, body.unwrap_or(&notification));
        assert_eq!(example.verdict(HTTP_JSON), verdict, "{content_type:?} {body:?}");
    }
}

#[test]
fn a_notification_has_the_query_of_the_callback_and_nothing_else() {
    let callback = "https://viewer.example.com/callback?desk=7&floor=3";
    for (query, verdict) in [
        ("desk=7&floor=3", PASS),
        ("floor=3&desk=7", FAIL),
        ("desk=7", FAIL),
        ("desk=7&floor=3&more=1", FAIL),
        ("", FAIL),
    ] {
        let found = after_call(callback, "POST", query, None, QUERY_IN_NOTIFICATION);
        assert_eq!(found, verdict, "{query}");
    }
    assert_eq!(
        after_call(CALLBACK, "POST", "more=1", None, QUERY_IN_NOTIFICATION),
        None,
        "a callback without a query"
    );
}

#[test]
fn a_verification_keeps_the_query_of_the_callback_in_front() {
    let question = "hub.mode=subscribe&hub.topic=session&hub.challenge=another&hub.events=Patient-open&hub.lease_seconds=60";
    let callback = "https://viewer.example.com/callback?desk=7&floor=3";
    for (query, kept, appended) in [
        (format!("desk=7&floor=3&{question}"), PASS, PASS),
        (format!("{question}&desk=7&floor=3"), PASS, FAIL),
        (format!("floor=3&desk=7&{question}"), PASS, FAIL),
        (format!("desk=7&{question}"), FAIL, PASS),
    ] {
        let (mut example, _) = subscribed_at(callback);
        example.call("viewer", "GET", &query, "", Signature::Missing);
        let findings = example.judged();
        assert_eq!(findings.verdict(QUERY_IN_VERIFICATION), kept, "{query}");
        // Where one is missing, nothing is said of the order; the first verification was in order.
        assert_eq!(findings.verdict(QUERY_APPENDED), appended, "{query}");
    }
}

#[test]
fn a_verification_names_the_topic_that_was_asked_for() {
    let (mut example, _) = subscribed_at(CALLBACK);
    assert_eq!(example.verdict(VERIFICATION_TOPIC), PASS);
    let mut query = example.verification("another", "Patient-open");
    query["hub.topic"] = "other".into();
    example.verify("viewer", &query);
    assert_eq!(example.verdict(VERIFICATION_TOPIC), FAIL);
}

#[test]
fn nothing_comes_before_the_callback_has_agreed() {
    let (mut example, body) = subscribed_at(CALLBACK);
    example.call("viewer", "POST", "", &body, Signature::Right(0));
    assert_eq!(example.verdict(NOTHING_BEFORE), PASS);
    let mut unverified = Example::new(Version::Stu2);
    unverified.ask_for_webhook("viewer", CALLBACK, "Patient-open");
    let call = unverified.call("viewer", "POST", "", &body, Signature::Right(0));
    let query = unverified.verification("one", "Patient-open");
    unverified.verify("viewer", &query);
    let findings = unverified.judged();
    assert_eq!(findings.verdict(NOTHING_BEFORE), FAIL);
    assert_eq!(findings.evidence(NOTHING_BEFORE), [call.sequence]);
}

#[test]
fn a_verification_that_was_refused_lets_nothing_come() {
    let mut example = Example::new(Version::Stu2);
    example.ask_for_webhook("viewer", CALLBACK, "Patient-open");
    let query = example.verification("one", "Patient-open");
    example.refuse_verification("viewer", &query);
    let opened = example.publish("viewer", "Patient-open");
    let body = example.notification(opened).to_string();
    let call = example.call("viewer", "POST", "", &body, Signature::Right(0));
    let findings = example.judged();
    assert_eq!(findings.verdict(NOTHING_BEFORE), FAIL);
    assert_eq!(findings.evidence(NOTHING_BEFORE), [call.sequence]);
    // A re-subscription that is refused leaves the subscription that there is.
    let (mut renewed, body) = subscribed_at(CALLBACK);
    let query = renewed.verification("two", "Patient-open");
    renewed.refuse_verification("viewer", &query);
    renewed.call("viewer", "POST", "", &body, Signature::Right(0));
    assert_eq!(renewed.verdict(NOTHING_BEFORE), PASS);
}

#[test]
fn calls_are_judged_by_their_schemas() {
    let (mut example, body) = subscribed_at(CALLBACK);
    example.call("viewer", "POST", "", &body, Signature::Right(0));
    example.call("viewer", "GET", DENIAL, "", Signature::Missing);
    let findings = example.judged();
    assert_eq!(findings.broken(), Vec::<&str>::new());
    // A notification without its time, a denial without its topic, a verification without its lease.
    let mut notification: serde_json::Value = serde_json::from_str(&body).unwrap();
    notification.as_object_mut().unwrap().remove("timestamp");
    for (method, query, body) in [
        ("POST", "", notification.to_string()),
        (
            "GET",
            "hub.mode=denied&hub.events=Patient-open&hub.reason=no",
            String::new(),
        ),
        (
            "GET",
            "hub.mode=subscribe&hub.challenge=c&hub.events=Patient-open",
            String::new(),
        ),
    ] {
        let (mut example, _) = subscribed_at(CALLBACK);
        example.call("viewer", method, query, &body, Signature::Right(0));
        assert_ne!(
            example.judged().broken(),
            Vec::<&str>::new(),
            "{method} {query} {body}"
        );
    }
}

#[test]
fn frames_over_a_websocket_are_no_calls() {
    let mut example = Example::with(&["viewer"]);
    let opened = example.publish("viewer", "Patient-open");
    example.deliver("viewer", opened);
    let findings = example.judged();
    assert_eq!(findings.verdict(HTTP_JSON), None);
    assert_eq!(findings.verdict(NOTHING_BEFORE), None);
}
