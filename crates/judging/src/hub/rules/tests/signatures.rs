//! Notifications to callbacks are signed with the secret of the subscription.

use super::{FAIL, PASS};
use crate::Signature;
use crate::hub::example::{Example, Findings};
use crate::hub::ids::{SIGNATURE_FORM, SIGNATURE_MATCHES, SIGNATURE_METHOD, SIGNATURE_SENT};
use crate::outcome::Verdict;
use crate::protocol::Version;

/// A verified webhook of the viewer.
fn subscribed() -> Example {
    let mut example = Example::new(Version::Stu2);
    example.subscribe_webhook("viewer", "https://viewer.example.com", "Patient-open");
    example
}

fn signed(example: &mut Example, signature: Signature) -> Findings {
    let opened = example.publish("viewer", "Patient-open");
    let body = example.notification(opened).to_string();
    example.call("viewer", "POST", "", &body, signature);
    example.judged()
}

/// The verdicts on sending, form, method and match.
fn verdicts(findings: &Findings) -> [Option<Verdict>; 4] {
    [
        SIGNATURE_SENT,
        SIGNATURE_FORM,
        SIGNATURE_METHOD,
        SIGNATURE_MATCHES,
    ]
    .map(|requirement| findings.verdict(requirement))
}

#[test]
fn every_fault_of_a_signature_is_told_as_what_it_is() {
    for (signature, expected) in [
        (Signature::Right(0), [PASS, PASS, PASS, PASS]),
        (Signature::Missing, [FAIL, None, None, None]),
        (Signature::Malformed, [PASS, FAIL, None, None]),
        (Signature::UnknownMethod, [PASS, PASS, FAIL, None]),
        (Signature::Wrong, [PASS, PASS, PASS, FAIL]),
        (Signature::Right(1), [PASS, PASS, PASS, FAIL]),
        (Signature::Unverifiable, [PASS, PASS, PASS, None]),
    ] {
        let findings = signed(&mut subscribed(), signature.clone());
        assert_eq!(verdicts(&findings), expected, "{signature:?}");
    }
}

#[test]
fn without_a_secret_nothing_need_be_signed() {
    let mut example = subscribed();
    example.subscription("viewer").secret = None;
    let findings = signed(&mut example, Signature::Missing);
    assert_eq!(verdicts(&findings), [None; 4]);
}

#[test]
fn while_a_re_subscription_is_under_way_either_secret_will_do() {
    // The new secret is agreed to after the event was published: the hub may have signed with the old one.
    let mut example = subscribed();
    let opened = example.publish("viewer", "Patient-open");
    let body = example.notification(opened).to_string();
    let answer = example.exchange("viewer", 202, "");
    let subscription = example.subscription("viewer");
    subscription.replaced.push(answer.spot);
    subscription.secret = Some(1);
    example.call("viewer", "POST", "", &body, Signature::Right(0));
    assert_eq!(example.verdict(SIGNATURE_MATCHES), PASS);
    // What is published later is signed with the new one.
    let findings = signed(&mut example, Signature::Right(0));
    assert_eq!(findings.verdict(SIGNATURE_MATCHES), FAIL);
}

#[test]
fn the_signature_of_a_leak_is_somebody_elses() {
    let mut example = subscribed();
    let opened = example.publish("viewer", "Patient-open");
    let body = example.notification(opened).to_string();
    let leak = body.replace("\"session\"", "\"other session\"");
    example.call("viewer", "POST", "", &leak, Signature::Wrong);
    assert_eq!(verdicts(&example.judged()), [None; 4]);
}
