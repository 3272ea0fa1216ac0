//! Verdicts, their weights and their count.

use super::*;

const ALL: [Verdict; 5] = [
    Verdict::Skip,
    Verdict::Pass,
    Verdict::Inconclusive,
    Verdict::Warn,
    Verdict::Fail,
];

fn requirement() -> Requirement {
    Requirement {
        id: "area.matter".into(),
        version: Version::Stu2,
        level: Level::Should,
        actor: crate::requirement::Actor::Hub,
        evidence: None,
        section: "2.4 Title".to_owned(),
        url: "https://example.com/#title".to_owned(),
        text: "Words.".to_owned(),
        unobservable: None,
        capability: None,
        note: None,
    }
}

#[test]
fn a_breach_fails_warns_or_passes() {
    for (level, unmet, verdict) in [
        (Level::Shall, Unmet::ByLevel, Verdict::Fail),
        (Level::Shall, Unmet::Warn, Verdict::Warn),
        (Level::Shall, Unmet::Note, Verdict::Pass),
        (Level::Should, Unmet::ByLevel, Verdict::Warn),
        (Level::Should, Unmet::Warn, Verdict::Warn),
        (Level::Should, Unmet::Note, Verdict::Pass),
        (Level::May, Unmet::ByLevel, Verdict::Pass),
        (Level::May, Unmet::Warn, Verdict::Pass),
        (Level::May, Unmet::Note, Verdict::Pass),
    ] {
        assert_eq!(Verdict::of_breach(level, unmet), verdict, "{level} {unmet:?}");
    }
}

#[test]
fn a_verdict_outweighs_all_lighter_ones_and_not_itself() {
    for (weight, verdict) in ALL.into_iter().enumerate() {
        for (other_weight, other) in ALL.into_iter().enumerate() {
            assert_eq!(
                verdict.outweighs(other),
                weight > other_weight,
                "{verdict} {other}"
            );
        }
    }
}

#[test]
fn verdicts_have_the_same_name_everywhere() {
    for (verdict, name) in ALL
        .into_iter()
        .zip(["skip", "pass", "inconclusive", "warn", "fail"])
    {
        assert_eq!(verdict.name(), name);
        assert_eq!(verdict.to_string(), name);
        assert_eq!(serde_json::to_value(verdict).unwrap(), name);
    }
}

#[test]
fn a_blank_check_carries_its_requirement() {
    let check = Check::blank("area/scenario", &requirement());
    assert_eq!(check.id, "area/scenario/area.matter@STU2");
    assert_eq!(check.scenario, "area/scenario");
    assert_eq!(check.requirement, "area.matter");
    assert_eq!(check.fhircast_version, Version::Stu2);
    assert_eq!(check.level, Level::Should);
    assert_eq!(check.section, "2.4 Title");
    assert_eq!(check.url, "https://example.com/#title");
    assert_eq!(check.statement, "Words.");
    assert_eq!((check.verdict, check.message.as_str()), (Verdict::Skip, ""));
    assert!(!check.flaky && check.accepted.is_none() && check.repeat.is_none());
    assert_eq!(
        check.scenario_id(),
        ScenarioId::new("area/scenario", Version::Stu2)
    );
}

#[test]
fn a_check_is_written_without_what_it_has_not() {
    let mut check = Check::blank("area/scenario", &requirement());
    let written = serde_json::to_value(&check).unwrap();
    for member in ["expected", "observed", "repeat", "accepted", "flaky"] {
        assert_eq!(written.get(member), None, "{member}");
    }
    check.flaky = true;
    assert_eq!(serde_json::to_value(&check).unwrap()["flaky"], true);
}

#[test]
fn a_summary_counts_each_verdict() {
    let mut summary = Summary::default();
    for (count, verdict) in ALL.into_iter().enumerate() {
        for _ in 0..=count {
            summary.add(verdict);
        }
    }
    assert_eq!(
        summary,
        Summary {
            skip: 1,
            pass: 2,
            inconclusive: 3,
            warn: 4,
            fail: 5,
        }
    );
    assert_eq!(summary.total(), 15);
}

#[test]
fn only_a_strict_run_fails_by_a_broken_should() {
    use super::super::Grading;
    for strict in [false, true] {
        let grading = Grading::strict_if(strict);
        assert_eq!(grading.is_strict(), strict);
        for verdict in ALL {
            let fails = verdict == Verdict::Fail || (strict && verdict == Verdict::Warn);
            assert_eq!(grading.is_failure(verdict), fails, "{grading:?} {verdict}");
            for level in [Level::Shall, Level::Should] {
                let mut check = Check::blank("area/scenario", &requirement());
                (check.level, check.verdict) = (level, verdict);
                let is_open = verdict == Verdict::Inconclusive && level == Level::Shall;
                assert_eq!(check.is_open_shall(), is_open, "{level} {verdict}");
                assert_eq!(grading.fails_run(&check), fails || is_open, "{level} {verdict}");
            }
        }
    }
}
