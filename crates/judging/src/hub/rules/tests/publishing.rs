//! The hub takes published events at `hub.url`.

use super::{FAIL, WARN};
use crate::hub::example::Example;
use crate::hub::ids::{CONFIRMATION_SENT, PUBLISH_AT_HUB_URL};
use crate::hub::rules::{not_confirmed, not_connected, taken_nowhere, taken_with_topic_in_url};
use crate::protocol::Version;

#[test]
fn a_hub_that_takes_events_nowhere_fails_and_one_that_appends_the_topic_is_warned() {
    let mut example = Example::new(Version::Stu3);
    let refused = example.exchange("viewer", 404, "");
    let mut judge = example.judge();
    taken_nowhere(&refused, &mut judge);
    let findings = example.conclude(judge);
    assert_eq!(findings.verdict(PUBLISH_AT_HUB_URL), FAIL);
    assert_eq!(
        findings.check(PUBLISH_AT_HUB_URL).unwrap().observed.as_deref(),
        Some("status 404")
    );
    let accepted = example.exchange("viewer", 202, "");
    let mut judge = example.judge();
    taken_with_topic_in_url(&accepted, &mut judge);
    let findings = example.conclude(judge);
    assert_eq!(findings.verdict(PUBLISH_AT_HUB_URL), WARN);
    assert_eq!(
        findings.evidence(PUBLISH_AT_HUB_URL),
        [accepted.request.sequence, accepted.spot.sequence]
    );
}

#[test]
fn a_subscription_that_is_never_confirmed_is_broken() {
    for breach in [
        not_connected("the connection was refused", Vec::new()),
        not_confirmed("nothing for 5s", Vec::new()),
    ] {
        let example = Example::new(Version::Stu3);
        let mut judge = example.judge();
        let observed = breach.observed.clone();
        judge.broken(CONFIRMATION_SENT, breach);
        let findings = example.conclude(judge);
        assert_eq!(findings.verdict(CONFIRMATION_SENT), FAIL);
        assert_eq!(findings.check(CONFIRMATION_SENT).unwrap().observed, observed);
    }
}
