//! Calls to callbacks, in detail: which messages show a fault, and what came before or after counts.

use serde_json::json;

use super::{FAIL, PASS};
use crate::hub::example::{Example, sync_error};
use crate::hub::ids::{
    CHALLENGE_RANDOM, DENIAL_GET, DENIAL_TOPIC, HTTP_JSON, NOTHING_BEFORE, NOTIFICATION_POST, QUERY_APPENDED,
    QUERY_IN_NOTIFICATION, SIGNATURE_MATCHES, SIGNATURE_SENT, VERIFICATION_SENT, VERIFICATION_TOPIC,
};
use crate::hub::rules::{Unverified, judge_challenges, not_verified};
use crate::protocol::Version;
use crate::{Call, Signature};

const CALLBACK: &str = "https://viewer.example.com/callback?desk=7";

/// A verified webhook of the viewer.
fn subscribed() -> Example {
    let mut example = Example::new(Version::Stu2);
    example.subscribe_webhook("viewer", CALLBACK, "Patient-open,SyncError");
    example
}

#[test]
fn a_fault_of_a_call_is_shown_by_the_call() {
    let mut example = subscribed();
    let opened = example.publish("viewer", "Patient-open");
    let body = example.notification(opened).to_string();
    let put = example.call("viewer", "PUT", "", &body, Signature::Missing);
    let findings = example.judged();
    for requirement in [NOTIFICATION_POST, QUERY_IN_NOTIFICATION, SIGNATURE_SENT] {
        assert_eq!(findings.verdict(requirement), FAIL, "{requirement}");
        assert_eq!(findings.evidence(requirement), [put.sequence], "{requirement}");
    }
    let observed = |requirement: &str| findings.check(requirement).unwrap().observed.clone().unwrap();
    assert_eq!(observed(NOTIFICATION_POST), "PUT");
    assert_eq!(observed(SIGNATURE_SENT), "no such header");
}

#[test]
fn a_wrong_signature_is_shown_as_it_was_sent() {
    let mut example = subscribed();
    let opened = example.publish("viewer", "Patient-open");
    let body = example.notification(opened).to_string();
    let call = example.call("viewer", "POST", "desk=7", &body, Signature::Wrong);
    let findings = example.judged();
    assert_eq!(findings.evidence(SIGNATURE_MATCHES), [call.sequence]);
    let observed = findings.check(SIGNATURE_MATCHES).unwrap().observed.clone();
    assert_eq!(observed.as_deref(), Some("sha256=00"));
}

#[test]
fn content_that_is_no_json_is_shown_with_its_declared_type() {
    for (content_type, stated) in [(Some("Text/Plain; q=1"), "text/plain"), (None, "no Content-Type")] {
        let mut example = subscribed();
        let header = |value: &str| ("content-type".to_owned(), value.to_owned());
        let call = Call {
            method: "POST".to_owned(),
            path: "/callback".to_owned(),
            query: "desk=7".to_owned(),
            headers: content_type.map(header).into_iter().collect(),
            signature: Signature::Right(0),
        };
        let called = example.called("viewer", call, "no JSON");
        let findings = example.judged();
        assert_eq!(findings.evidence(HTTP_JSON), [called.sequence]);
        let observed = findings.check(HTTP_JSON).unwrap().observed.clone();
        assert_eq!(observed.as_deref(), Some(stated));
    }
}

#[test]
fn a_second_verification_takes_nothing_back_from_the_first() {
    let mut example = subscribed();
    let opened = example.publish("viewer", "Patient-open");
    let body = example.notification(opened).to_string();
    example.call("viewer", "POST", "desk=7", &body, Signature::Right(0));
    let query = example.verification("again", "Patient-open");
    example.verify("viewer", &query);
    assert_eq!(example.verdict(NOTHING_BEFORE), PASS);
}

#[test]
fn topics_of_control_messages_are_shown_where_they_stand() {
    let mut example = subscribed();
    let denial = "desk=7&hub.mode=denied&hub.topic=other&hub.events=Patient-open&hub.reason=no";
    let denied = example.call("viewer", "GET", denial, "", Signature::Missing);
    let mut query = example.verification("again", "Patient-open");
    query["hub.topic"] = json!("third");
    let asked = example.verify("viewer", &query);
    let findings = example.judged();
    assert_eq!(findings.evidence(DENIAL_TOPIC), [denied.sequence]);
    assert_eq!(findings.evidence(VERIFICATION_TOPIC), [asked.sequence]);
    let check = findings.check(DENIAL_TOPIC).unwrap();
    assert_eq!(check.expected.as_deref(), Some("session"));
    assert_eq!(check.observed.as_deref(), Some("other"));
    assert_eq!(findings.verdict(DENIAL_GET), PASS);
}

#[test]
fn parameters_are_compared_after_decoding() {
    let mut example = Example::new(Version::Stu2);
    example.subscribe_webhook("viewer", "https://viewer.example.com/?a=b%20c", "Patient-open");
    let opened = example.publish("viewer", "Patient-open");
    let body = example.notification(opened).to_string();
    example.call("viewer", "POST", "a=b+c", &body, Signature::Right(0));
    let findings = example.judged();
    assert_eq!(findings.verdict(QUERY_IN_NOTIFICATION), PASS);
    assert_eq!(findings.verdict(QUERY_APPENDED), PASS);
}

#[test]
fn a_repeated_challenge_is_shown_by_the_second_call() {
    let mut example = Example::new(Version::Stu2);
    let mut asked = Vec::new();
    // Subscribers are judged in the order of their names.
    for name in ["archive", "viewer"] {
        let callback = format!("https://{name}.example.com/callback");
        example.ask_for_webhook(name, &callback, "Patient-open");
        let query = example.verification("one", "Patient-open");
        asked.push(example.verify(name, &query).sequence);
    }
    let mut judge = example.judge();
    judge_challenges(&example.conversation, &mut example.issued, &mut judge);
    let findings = example.conclude(judge);
    assert_eq!(findings.evidence(CHALLENGE_RANDOM), [asked[1]]);
    let observed = findings.check(CHALLENGE_RANDOM).unwrap().observed.clone();
    assert_eq!(observed.as_deref(), Some("one"));
}

#[test]
fn what_came_before_a_request_is_no_answer_to_it() {
    let mut example = subscribed();
    let denial = "desk=7&hub.mode=denied&hub.topic=session&hub.reason=no";
    example.call("viewer", "GET", denial, "", Signature::Missing);
    let answer = example.ask_for_webhook("viewer", CALLBACK, "Patient-open");
    let mut judge = example.judge();
    let subscriber = example.subscriber("viewer").clone();
    let found = not_verified(&subscriber, &answer, VERIFICATION_SENT, "silence", &mut judge);
    assert_eq!(found, Unverified::Broken("silence".to_owned()));
    let findings = example.conclude(judge);
    let exchange = [answer.request.sequence, answer.spot.sequence];
    assert_eq!(findings.evidence(VERIFICATION_SENT), exchange);
    assert_eq!(findings.evidence(DENIAL_GET), exchange);
    let observed = findings.check(DENIAL_GET).unwrap().observed.clone();
    assert_eq!(observed.as_deref(), Some("silence"));
}

#[test]
fn a_denial_counts_that_comes_after_other_calls() {
    let mut example = Example::new(Version::Stu2);
    let answer = example.ask_for_webhook("viewer", CALLBACK, "Patient-open");
    let others: Vec<usize> = ["a=1", "a=2", "a=3"]
        .map(|query| {
            let call = example.call("viewer", "GET", query, "", Signature::Missing);
            call.sequence
        })
        .to_vec();
    let mut judge = example.judge();
    let subscriber = example.subscriber("viewer").clone();
    not_verified(&subscriber, &answer, VERIFICATION_SENT, "silence", &mut judge);
    let findings = example.conclude(judge);
    // Two calls are enough to show what came instead.
    let expected = [
        answer.request.sequence,
        answer.spot.sequence,
        others[0],
        others[1],
    ];
    assert_eq!(findings.evidence(VERIFICATION_SENT), expected);
    let denial = "hub.mode=denied&hub.topic=session&hub.reason=late";
    example.call("viewer", "GET", denial, "", Signature::Missing);
    let mut judge = example.judge();
    let subscriber = example.subscriber("viewer").clone();
    let found = not_verified(&subscriber, &answer, VERIFICATION_SENT, "silence", &mut judge);
    assert_eq!(found, Unverified::Denied("late".to_owned()));
}

#[test]
fn a_notification_before_any_subscription_is_not_judged_by_its_signature() {
    let mut example = Example::new(Version::Stu2);
    example.ask_for_webhook("viewer", CALLBACK, "Patient-open");
    let body = sync_error("error", "one").to_string();
    example.call("viewer", "POST", "desk=7", &body, Signature::Missing);
    assert_eq!(example.verdict(SIGNATURE_SENT), None);
}

#[test]
fn what_the_hub_made_itself_is_signed_with_the_secret_of_when_it_comes() {
    let mut example = subscribed();
    let answer = example.exchange("viewer", 202, "");
    let subscription = example.subscription("viewer");
    subscription.replaced.push(answer.spot);
    subscription.secret = Some(1);
    let body = sync_error("error", "one").to_string();
    example.call("viewer", "POST", "desk=7", &body, Signature::Right(1));
    assert_eq!(example.verdict(SIGNATURE_MATCHES), PASS);
    example.call("viewer", "POST", "desk=7", &body, Signature::Right(0));
    assert_eq!(example.verdict(SIGNATURE_MATCHES), FAIL);
}
