//! Findings of one requirement make one verdict.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::hub::example::{Example, judge};
use crate::hub::ids::{DELIVERED, ENDPOINT_UNIQUE, ID_REUSED, ONCE};
use crate::hub::{Breach, Judge, Place, RequestKind, Unheld, unjudged};
use crate::outcome::{Check, Verdict};
use crate::protocol::Version;
use crate::requirement::Catalogue;
use crate::schema::Unmet;

fn breach(message: &str) -> Breach {
    Breach::new(message, Vec::new())
}

fn concluded(found: impl FnOnce(&mut Judge)) -> Vec<Check> {
    let mut judge = judge(Version::Stu3);
    found(&mut judge);
    Example::new(Version::Stu3).conclude(judge).checks
}

/// The only check, by verdict and message.
fn told(found: impl FnOnce(&mut Judge)) -> (Verdict, String) {
    let checks = concluded(found);
    assert_eq!(checks.len(), 1, "{checks:?}");
    (checks[0].verdict, checks[0].message.clone())
}

#[test]
fn the_level_of_the_requirement_makes_the_verdict_of_a_breach() {
    let of = |requirement: &str, unmet: Unmet| {
        told(|judge| judge.broken(requirement, breach("broken").softened(unmet))).0
    };
    assert_eq!(of(DELIVERED, Unmet::ByLevel), Verdict::Fail);
    assert_eq!(of(ONCE, Unmet::ByLevel), Verdict::Warn);
    assert_eq!(of(DELIVERED, Unmet::Warn), Verdict::Warn);
    assert_eq!(of(ONCE, Unmet::Warn), Verdict::Warn);
    assert_eq!(of(DELIVERED, Unmet::Note), Verdict::Pass);
}

#[test]
fn the_heaviest_finding_counts_and_the_first_of_its_weight_is_told() {
    let findings: [fn(&mut Judge); 6] = [
        |judge| judge.inapplicable(DELIVERED, "inapplicable"),
        |judge| judge.held(DELIVERED),
        |judge| judge.unreached(DELIVERED, "unreached"),
        |judge| judge.broken(DELIVERED, breach("warned").softened(Unmet::Warn)),
        |judge| judge.broken(DELIVERED, breach("failed")),
        |judge| judge.broken(DELIVERED, breach("failed again")),
    ];
    let verdicts = [
        (Verdict::Skip, "inapplicable"),
        (Verdict::Pass, "held"),
        (Verdict::Inconclusive, "unreached"),
        (Verdict::Warn, "warned"),
        (Verdict::Fail, "failed"),
        (Verdict::Fail, "failed"),
    ];
    for (count, (verdict, message)) in verdicts.into_iter().enumerate() {
        let forwards = told(|judge| findings[..=count].iter().for_each(|find| find(judge)));
        assert_eq!(forwards, (verdict, message.to_owned()));
        let (backwards, _) = told(|judge| findings[..=count].iter().rev().for_each(|find| find(judge)));
        assert_eq!(backwards, verdict);
    }
}

#[test]
fn how_often_it_held_is_told() {
    assert_eq!(
        told(|judge| (0..3).for_each(|_| judge.held(DELIVERED))),
        (Verdict::Pass, "held 3 times".to_owned())
    );
}

#[test]
fn a_noted_breach_is_a_reading() {
    let mut judge = judge(Version::Stu3);
    judge.broken(DELIVERED, breach("noted").softened(Unmet::Note));
    judge.reading("subject", "reading");
    judge.reading("subject", "reading");
    let observations = Example::new(Version::Stu3).conclude(judge).observations;
    let told: Vec<(&str, &str)> = observations
        .iter()
        .map(|observation| (observation.subject.as_str(), observation.reading.as_str()))
        .collect();
    assert_eq!(told, [("subject", "reading"), (DELIVERED, "noted")]);
}

#[test]
fn a_requirement_that_the_version_does_not_state_is_not_judged_under_it() {
    let mut judge = judge(Version::Stu1);
    judge.broken(ENDPOINT_UNIQUE, breach("broken"));
    judge.held(DELIVERED);
    let checks = Example::new(Version::Stu1).conclude(judge).checks;
    let judged: Vec<&str> = checks.iter().map(|check| check.requirement.as_str()).collect();
    assert_eq!(judged, [DELIVERED]);
}

#[test]
fn a_capability_that_is_not_claimed_is_skipped() {
    let catalogue = Arc::new(Catalogue::embedded().unwrap());
    let stated = catalogue
        .iter()
        .find(|requirement| requirement.version == Version::Stu3 && requirement.capability.is_some());
    let requirement = stated.unwrap().id.clone();
    assert_eq!(
        told(|judge| judge.broken(&requirement, breach("broken"))).0,
        Verdict::Fail
    );
    let schemas = Arc::new(crate::schema::Schemas::load(Version::Stu3).unwrap());
    let mut unclaimed = Judge::new(catalogue, schemas, Version::Stu3, Arc::default());
    unclaimed.broken(&requirement, breach("broken"));
    let checks = Example::new(Version::Stu3).conclude(unclaimed).checks;
    assert_eq!(checks[0].verdict, Verdict::Skip);
    assert!(
        checks[0].message.starts_with("the hub does not claim"),
        "{}",
        checks[0].message
    );
}

#[test]
fn a_refusal_counts_where_a_proper_request_of_its_kind_was_accepted() {
    let refused = |judge: &mut Judge| judge.refused(DELIVERED, RequestKind::Publish, Place::at(0));
    assert_eq!(told(refused).0, Verdict::Inconclusive);
    let with = |kind: RequestKind| {
        told(|judge| {
            refused(judge);
            judge.accepted(kind);
        })
        .0
    };
    assert_eq!(with(RequestKind::Publish), Verdict::Pass);
    assert_eq!(with(RequestKind::Subscribe), Verdict::Inconclusive);
}

#[test]
fn what_steps_not_taken_would_have_judged_is_inconclusive_and_what_did_not_arise_is_skipped() {
    let set = |ids: &[&str]| {
        ids.iter()
            .map(|id| (*id).to_owned())
            .collect::<BTreeSet<String>>()
    };
    let mut judge = judge(Version::Stu3);
    judge.held(DELIVERED);
    let (stated, pending) = (set(&[DELIVERED, ONCE, ID_REUSED]), set(&[ID_REUSED]));
    let (checks, _) = judge.conclude("example", &stated, &pending, "the hub is gone", &[]);
    let told: Vec<(&str, Verdict)> = checks
        .iter()
        .map(|check| (check.requirement.as_str(), check.verdict))
        .collect();
    assert_eq!(
        told,
        [
            (DELIVERED, Verdict::Pass),
            (ONCE, Verdict::Skip),
            (ID_REUSED, Verdict::Inconclusive),
        ]
    );
}

#[test]
fn evidence_is_told_in_the_order_in_which_it_passed_and_once() {
    let mut example = Example::with(&["viewer"]);
    let opened = example.publish("viewer", "Patient-open");
    let spot = example.deliver("viewer", opened);
    let mut judge = example.judge();
    let places = vec![
        Place::within(spot.sequence, "/id"),
        Place::at(0),
        Place::within(spot.sequence, "/event"),
        Place::at(10_000),
    ];
    judge.broken(DELIVERED, Breach::new("broken", places));
    let findings = example.conclude(judge);
    assert_eq!(findings.evidence(DELIVERED), [0, spot.sequence]);
    let pointers: Vec<Option<String>> = findings.check(DELIVERED).unwrap().evidence[..]
        .iter()
        .map(|evidence| evidence.pointer.clone())
        .collect();
    assert_eq!(pointers, [None, Some("/id".to_owned())]);
}

#[test]
fn what_builds_on_a_message_that_did_not_come_shares_its_fate() {
    let fate = |unheld: Unheld| {
        let checks = concluded(|judge| judge.unheld(DELIVERED, [ID_REUSED], unheld.clone()));
        let verdict = |id: &str| {
            checks
                .iter()
                .find(|check| check.requirement == id)
                .unwrap()
                .verdict
        };
        (verdict(DELIVERED), verdict(ID_REUSED))
    };
    let why = || "why".to_owned();
    assert_eq!(
        fate(Unheld::Unreached(why())),
        (Verdict::Inconclusive, Verdict::Inconclusive)
    );
    assert_eq!(fate(Unheld::Inapplicable(why())), (Verdict::Skip, Verdict::Skip));
    assert_eq!(
        fate(Unheld::Broken(breach("broken"))),
        (Verdict::Fail, Verdict::Inconclusive)
    );
}

#[test]
fn a_scenario_that_did_not_run_has_a_check_for_each_requirement_that_it_states() {
    let catalogue = Catalogue::embedded().unwrap();
    let stated: BTreeSet<String> = [DELIVERED, "no.such.requirement"].map(str::to_owned).into();
    let checks = unjudged(&catalogue, Version::Stu3, "s", &stated, Verdict::Skip, "why");
    assert_eq!(checks.len(), 1);
    assert_eq!(checks[0].id, "s/notification.delivered@STU3");
    assert_eq!(
        (checks[0].verdict, checks[0].message.as_str()),
        (Verdict::Skip, "why")
    );
}
