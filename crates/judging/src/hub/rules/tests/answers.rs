//! Answers of a hub, in detail: which messages show a fault, and what is left to the schema.

use serde_json::json;

use super::{FAIL, PASS, WARN};
use crate::hub::Issued;
use crate::hub::Place;
use crate::hub::example::Example;
use crate::hub::ids::{
    CONFIRMATION_SENT, CONFIRMATION_TOPIC, ENDPOINT_UNIQUE, PUBLISH_AT_HUB_URL, SUBSCRIBE_202,
    SUBSCRIBE_CONTENT_TYPE, UNSUBSCRIBE_202, UNSUBSCRIBE_ENDPOINT,
};
use crate::hub::rules::{
    end_accepted, not_confirmed, not_connected, subscription_accepted, taken_nowhere, taken_with_topic_in_url,
};
use crate::protocol::Version;

const ENDPOINT: &str = "wss://hub.example.com/ws/1";

#[test]
fn a_fault_of_an_acceptance_is_shown_by_the_request_and_its_answer() {
    let mut example = Example::new(Version::Stu3);
    let body = json!({"hub.channel.endpoint": "ws://hub.example.com/ws/1"}).to_string();
    let mut issued = Issued::default();
    issued.is_new_endpoint("ws://hub.example.com/ws/1");
    let mut answer = example.exchange("viewer", 201, &body);
    answer.headers.clear();
    let mut judge = example.judge();
    subscription_accepted(&answer, true, &mut issued, &mut judge);
    let findings = example.conclude(judge);
    for (requirement, verdict, observed) in [
        (SUBSCRIBE_202, WARN, "status 201"),
        (SUBSCRIBE_CONTENT_TYPE, WARN, "no Content-Type"),
        (ENDPOINT_UNIQUE, FAIL, "ws://hub.example.com/ws/1"),
    ] {
        assert_eq!(findings.verdict(requirement), verdict, "{requirement}");
        assert_eq!(findings.evidence(requirement), [0, 1], "{requirement}");
        let check = findings.check(requirement).unwrap();
        assert_eq!(check.observed.as_deref(), Some(observed), "{requirement}");
    }
}

#[test]
fn a_changed_subscription_is_judged_by_its_status_and_not_by_its_endpoint() {
    let mut example = Example::new(Version::Stu3);
    let body = json!({"hub.channel.endpoint": "ws://hub.example.com/ws/1"}).to_string();
    let answer = example.exchange("viewer", 202, &body);
    let mut judge = example.judge();
    subscription_accepted(&answer, false, &mut Issued::default(), &mut judge);
    let findings = example.conclude(judge);
    assert_eq!(findings.verdict(SUBSCRIBE_202), PASS);
    assert_eq!(findings.verdict(ENDPOINT_UNIQUE), None);
}

#[test]
fn an_unsubscribe_that_is_answered_with_another_endpoint_is_shown_by_both_messages() {
    let mut example = Example::new(Version::Stu3);
    let answer = example.exchange(
        "viewer",
        202,
        &json!({"hub.channel.endpoint": "wss://b"}).to_string(),
    );
    let mut judge = example.judge();
    end_accepted(&answer, ENDPOINT, &mut judge);
    let findings = example.conclude(judge);
    assert_eq!(findings.evidence(UNSUBSCRIBE_ENDPOINT), [0, 1]);
    let check = findings.check(UNSUBSCRIBE_ENDPOINT).unwrap();
    assert_eq!(check.expected.as_deref(), Some(ENDPOINT));
    assert_eq!(check.observed.as_deref(), Some("wss://b"));
}

#[test]
fn an_unsubscribe_that_is_answered_without_an_endpoint_is_left_to_the_schema() {
    let mut example = Example::new(Version::Stu3);
    let answer = example.exchange("viewer", 202, "");
    let mut judge = example.judge();
    end_accepted(&answer, ENDPOINT, &mut judge);
    let findings = example.conclude(judge);
    assert_eq!(findings.verdict(UNSUBSCRIBE_202), PASS);
    assert_eq!(findings.verdict(UNSUBSCRIBE_ENDPOINT), None);
}

#[test]
fn where_events_are_taken_is_shown_by_the_answer_at_hub_url() {
    let mut example = Example::new(Version::Stu3);
    let answer = example.exchange("viewer", 405, "");
    for (judge_it, observed) in [
        (
            taken_nowhere as fn(&crate::Answer, &mut crate::hub::Judge),
            "status 405",
        ),
        (
            taken_with_topic_in_url,
            "404 or 405 there, and acceptance with the topic appended",
        ),
    ] {
        let mut judge = example.judge();
        judge_it(&answer, &mut judge);
        let findings = example.conclude(judge);
        assert_eq!(findings.evidence(PUBLISH_AT_HUB_URL), [0, 1]);
        let check = findings.check(PUBLISH_AT_HUB_URL).unwrap();
        assert_eq!(check.observed.as_deref(), Some(observed));
        assert_eq!(check.expected.as_deref(), Some("hub.url takes published events"));
    }
}

#[test]
fn a_missing_confirmation_is_shown_by_the_messages_around_it() {
    let mut example = Example::new(Version::Stu3);
    let answer = example.exchange("viewer", 202, "");
    for (breach, expected, words) in [
        (
            not_connected("refused", Place::exchange(&answer)),
            "a WebSocket, and the confirmation over it",
            "took no WebSocket at the endpoint that it gave: refused",
        ),
        (
            not_confirmed("silence", Place::exchange(&answer)),
            "a confirmation with hub.mode 'subscribe'",
            "sent no confirmation after the WebSocket was opened",
        ),
    ] {
        let mut judge = example.judge();
        judge.broken(CONFIRMATION_SENT, breach);
        let findings = example.conclude(judge);
        assert_eq!(findings.verdict(CONFIRMATION_SENT), FAIL);
        assert_eq!(findings.evidence(CONFIRMATION_SENT), [0, 1]);
        let check = findings.check(CONFIRMATION_SENT).unwrap();
        assert_eq!(check.expected.as_deref(), Some(expected));
        assert!(check.message.contains(words), "{}", check.message);
    }
}

#[test]
fn a_topic_that_is_missing_or_no_string_is_left_to_the_schema() {
    for topic in [json!(7), json!(null), json!("session"), json!("other")] {
        let mut example = Example::new(Version::Stu3);
        let socket = example.open("session", "viewer");
        let message = json!({"hub.mode": "subscribe", "hub.topic": topic, "hub.events": "Patient-open",
            "hub.lease_seconds": 60});
        let sent = example.frame("viewer", socket, &message.to_string());
        let findings = example.judged();
        let verdict = match topic.as_str() {
            Some("session") => PASS,
            Some(_) => FAIL,
            None => None,
        };
        assert_eq!(findings.verdict(CONFIRMATION_TOPIC), verdict, "{topic}");
        if verdict == FAIL {
            assert_eq!(findings.evidence(CONFIRMATION_TOPIC), [sent.sequence]);
            let check = findings.check(CONFIRMATION_TOPIC).unwrap();
            assert_eq!(check.expected.as_deref(), Some("session"));
            assert_eq!(check.observed.as_deref(), Some("other"));
        }
    }
}
