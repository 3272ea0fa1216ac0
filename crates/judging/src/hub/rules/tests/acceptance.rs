//! Answers to requests for a subscription, or for its end, that the hub accepts.

use serde_json::json;

use super::{FAIL, PASS, WARN};
use crate::Answer;
use crate::hub::Issued;
use crate::hub::example::{Example, Findings};
use crate::hub::ids::{
    ENDPOINT_UNIQUE, SUBSCRIBE_202, SUBSCRIBE_CONTENT_TYPE, UNSUBSCRIBE_202, UNSUBSCRIBE_ENDPOINT,
};
use crate::hub::rules::{end_accepted, status_of_acceptance, subscription_accepted};
use crate::outcome::Verdict;
use crate::protocol::Version;

const ENDPOINT: &str = "wss://hub.example.com/ws/1";

/// An answer with this status that names an endpoint.
fn answer(example: &mut Example, status: u16, endpoint: &str) -> Answer {
    let body = json!({"hub.channel.endpoint": endpoint}).to_string();
    example.exchange("viewer", status, &body)
}

/// What is found in an answer to a request for a subscription.
fn accepted(version: Version, change: impl FnOnce(&mut Answer)) -> Findings {
    let mut example = Example::new(version);
    let mut answer = answer(&mut example, 202, ENDPOINT);
    change(&mut answer);
    let mut judge = example.judge();
    subscription_accepted(&answer, true, &mut Issued::default(), &mut judge);
    example.conclude(judge)
}

#[test]
fn an_accepted_subscription_is_lawful_with_202_and_json() {
    let findings = accepted(Version::Stu3, |_| {});
    assert_eq!(findings.broken(), Vec::<&str>::new());
    for requirement in [SUBSCRIBE_202, SUBSCRIBE_CONTENT_TYPE, ENDPOINT_UNIQUE] {
        assert_eq!(findings.verdict(requirement), PASS, "{requirement}");
    }
}

#[test]
fn another_status_than_202_warns_for_a_subscription_in_stu3_alone() {
    for (version, subscribe) in [
        (Version::Stu1, FAIL),
        (Version::Stu2, FAIL),
        (Version::Stu3, WARN),
    ] {
        for (requirement, verdict) in [(SUBSCRIBE_202, subscribe), (UNSUBSCRIBE_202, FAIL)] {
            let mut example = Example::new(version);
            let answer = answer(&mut example, 200, ENDPOINT);
            let mut judge = example.judge();
            status_of_acceptance(&answer, requirement, &mut judge);
            let findings = example.conclude(judge);
            assert_eq!(findings.verdict(requirement), verdict, "{version} {requirement}");
            assert_eq!(
                findings.evidence(requirement),
                [answer.request.sequence, answer.spot.sequence]
            );
        }
    }
}

#[test]
fn the_content_of_an_answer_is_declared_as_json() {
    for (content_type, verdict) in [
        (Some("application/json"), PASS),
        (Some("Application/JSON; charset=utf-8"), PASS),
        (Some("text/plain"), FAIL),
        (None, WARN),
    ] {
        let findings = accepted(Version::Stu3, |answer| {
            let header = |value: &str| ("content-type".to_owned(), value.to_owned());
            answer.headers = content_type.map(header).into_iter().collect();
        });
        assert_eq!(
            findings.verdict(SUBSCRIBE_CONTENT_TYPE),
            verdict,
            "{content_type:?}"
        );
    }
}

#[test]
fn every_subscription_has_an_endpoint_of_its_own() {
    let second = |endpoint: &str, is_new: bool| {
        let mut example = Example::new(Version::Stu3);
        let mut issued = Issued::default();
        let first = answer(&mut example, 202, ENDPOINT);
        let second = answer(&mut example, 202, endpoint);
        let mut judge = example.judge();
        subscription_accepted(&first, true, &mut issued, &mut judge);
        subscription_accepted(&second, is_new, &mut issued, &mut judge);
        example.conclude(judge).verdict(ENDPOINT_UNIQUE)
    };
    assert_eq!(second("wss://hub.example.com/ws/2", true), PASS);
    assert_eq!(second(ENDPOINT, true), FAIL);
    assert_eq!(
        second(ENDPOINT, false),
        PASS,
        "a re-subscription keeps its endpoint"
    );
}

#[test]
fn an_answer_without_an_endpoint_is_left_to_its_schema() {
    let findings = accepted(Version::Stu3, |answer| answer.json = Some(json!({})));
    assert_eq!(findings.verdict(ENDPOINT_UNIQUE), None);
    assert_ne!(findings.broken(), Vec::<&str>::new());
}

#[test]
fn the_answer_to_an_unsubscribe_names_the_endpoint_that_it_ends() {
    let ended = |given: &str| {
        let mut example = Example::new(Version::Stu3);
        let answer = answer(&mut example, 202, given);
        let mut judge = example.judge();
        end_accepted(&answer, ENDPOINT, &mut judge);
        example.conclude(judge)
    };
    let lawful = ended(ENDPOINT);
    assert_eq!(lawful.verdict(UNSUBSCRIBE_ENDPOINT), PASS);
    assert_eq!(lawful.verdict(UNSUBSCRIBE_202), PASS);
    assert_eq!(lawful.verdict(SUBSCRIBE_202), None);
    let other: Option<Verdict> = ended("wss://hub.example.com/ws/2").verdict(UNSUBSCRIBE_ENDPOINT);
    assert_eq!(other, FAIL);
}
