//! Intents are verified, or denied.

use super::{FAIL, WARN};
use crate::Signature;
use crate::hub::example::{Example, Findings};
use crate::hub::ids::{DENIAL_GET, VERIFICATION_ON_UNSUBSCRIBE, VERIFICATION_SENT};
use crate::hub::rules::{Unverified, not_verified};
use crate::protocol::Version;

/// What is found where a request for a webhook was accepted, and this came after it.
fn after(requirement: &'static str, query: Option<&str>) -> (Unverified, Findings) {
    let mut example = Example::new(Version::Stu1);
    let answer = example.ask_for_webhook("viewer", "https://viewer.example.com", "Patient-open");
    if let Some(query) = query {
        example.call("viewer", "GET", query, "", Signature::Missing);
    }
    let mut judge = example.judge();
    let subscriber = example.subscriber("viewer").clone();
    let found = not_verified(&subscriber, &answer, requirement, "nothing for 5s", &mut judge);
    (found, example.conclude(judge))
}

#[test]
fn silence_breaks_the_verification_and_warns_for_the_denial() {
    let (found, findings) = after(VERIFICATION_SENT, None);
    assert_eq!(found, Unverified::Broken("nothing for 5s".to_owned()));
    assert_eq!(findings.verdict(VERIFICATION_SENT), FAIL);
    assert_eq!(findings.verdict(DENIAL_GET), WARN);
}

#[test]
fn a_denial_is_lawful() {
    for (query, reason) in [
        ("hub.mode=denied&hub.reason=no+rights", "no rights"),
        ("hub.mode=denied", "no reason given"),
    ] {
        let (found, findings) = after(VERIFICATION_SENT, Some(query));
        assert_eq!(found, Unverified::Denied(reason.to_owned()));
        assert_eq!(findings.checks, Vec::new());
    }
}

#[test]
fn another_call_is_no_verification_and_no_silence_either() {
    let (found, findings) = after(VERIFICATION_SENT, Some("hello=1"));
    assert_eq!(found, Unverified::Broken("GET /callback".to_owned()));
    assert_eq!(findings.verdict(VERIFICATION_SENT), FAIL);
    assert_eq!(findings.verdict(DENIAL_GET), None);
    assert_eq!(findings.evidence(VERIFICATION_SENT), [0, 1, 2]);
}

#[test]
fn an_unsubscribe_need_not_be_denied() {
    let (_, findings) = after(VERIFICATION_ON_UNSUBSCRIBE, None);
    assert_eq!(findings.verdict(VERIFICATION_ON_UNSUBSCRIBE), FAIL);
    assert_eq!(findings.verdict(DENIAL_GET), None);
}
