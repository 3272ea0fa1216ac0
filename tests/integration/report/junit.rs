//! junit.xml as CI servers read it, with a test case for each requirement and with one for each check.

use std::collections::{BTreeMap, BTreeSet};

use crate::report_support::junit::{Case, assert_sound, cases, endings};
use crate::report_support::{Run, check, conversation, files, junit_by, sample};
use castspec::report::JunitCases;
use castspec_fhircast::protocol::Version;
use castspec_fhircast::requirement::Level;
use castspec_judging::outcome::{Acceptance, Check, Disposition, Grading, RunEvent, Verdict};

const BOTH: [JunitCases; 2] = [JunitCases::Requirement, JunitCases::Check];

fn judged(scenario: &str, requirement: &str, level: Level, verdict: Verdict) -> Run {
    let checks = vec![check(scenario, requirement, level, verdict)];
    Run::new().scenario(scenario, Disposition::Completed, checks)
}

/// One requirement in as many scenarios as there are checks.
fn tried(checks: Vec<Check>) -> Vec<RunEvent> {
    let run = checks.into_iter().fold(Run::new(), |run, check| {
        let scenario = check.scenario.clone();
        run.scenario(&scenario, Disposition::Completed, vec![check])
    });
    run.ended()
}

/// A requirement of this level with these verdicts.
fn with_verdicts(level: Level, verdicts: &[Verdict]) -> Vec<Check> {
    let checks = verdicts.iter().enumerate();
    checks
        .map(|(at, verdict)| check(&format!("own/scenario-{at:03}"), "family.id", level, *verdict))
        .collect()
}

fn accepted(check: Check) -> Check {
    Check {
        accepted: Some(Acceptance {
            reason: "ticket 7".to_owned(),
            until: "2027-02-25".to_owned(),
        }),
        ..check
    }
}

fn only_case(events: &[RunEvent]) -> Case {
    let junit = junit_by(JunitCases::Requirement, events, Grading::Standard);
    assert_sound(&junit, "one requirement");
    let mut all = cases(&junit);
    assert_eq!(all.len(), 1);
    all.remove(0)
}

#[test]
fn the_sample() {
    for (kind, name) in [
        (JunitCases::Requirement, "by_requirement"),
        (JunitCases::Check, "by_check"),
    ] {
        let junit = junit_by(kind, &sample().ended(), Grading::Standard);
        assert_sound(&junit, name);
        // Every element on a line of its own, so that a difference shows.
        insta::assert_snapshot!(name, junit.replace("><", ">\n<"));
    }
}

#[test]
fn a_requirement_is_a_test_case_unless_told() {
    let events = sample().ended();
    let unless_told = files(&events, Grading::Standard).junit;
    assert_eq!(
        unless_told,
        junit_by(JunitCases::Requirement, &events, Grading::Standard)
    );
}

#[test]
fn test_cases_count_as_the_exit_code_does() {
    let events = sample().ended();
    for kind in BOTH {
        // Failed: two SHALLs. Errors: the SHALL left open and the scenario at fault. Skipped: two open non-SHALLs, two skips.
        let standard = junit_by(kind, &events, Grading::Standard);
        assert_eq!(endings(&standard), (2, 2, 4), "{kind:?}");
        // Under strict the broken SHOULD fails too.
        let strict = junit_by(kind, &events, Grading::Strict);
        assert_eq!(endings(&strict), (3, 2, 4), "{kind:?}");
        assert_sound(&strict, "the sample, strict");
    }
}

#[test]
fn a_requirement_has_the_worst_verdict_of_its_checks() {
    use Verdict::{Fail, Inconclusive, Pass, Skip, Warn};
    let (shall, should) = (Level::Shall, Level::Should);
    for (level, verdicts, standard, strict) in [
        (
            shall,
            &[Pass, Fail, Inconclusive, Skip][..],
            Some("failure"),
            Some("failure"),
        ),
        (shall, &[Pass, Inconclusive, Skip], Some("error"), Some("error")),
        (shall, &[Skip, Pass, Skip], None, None),
        (shall, &[Skip, Skip], Some("skipped"), Some("skipped")),
        (should, &[Pass, Warn, Inconclusive], None, Some("failure")),
        (should, &[Pass, Inconclusive], Some("skipped"), Some("skipped")),
        (should, &[Pass, Pass], None, None),
    ] {
        let events = tried(with_verdicts(level, verdicts));
        for (grading, ending) in [(Grading::Standard, standard), (Grading::Strict, strict)] {
            let junit = junit_by(JunitCases::Requirement, &events, grading);
            let all = cases(&junit);
            assert_eq!(all.len(), 1, "{verdicts:?}");
            assert_eq!(
                all[0].ending.as_deref(),
                ending,
                "{level:?} {verdicts:?} {grading:?}"
            );
            let by_check = cases(&junit_by(JunitCases::Check, &events, grading));
            assert_eq!(by_check.len(), verdicts.len());
            // What makes a server fail is there in both, or in neither.
            let red = |case: &Case| matches!(case.ending.as_deref(), Some("failure" | "error"));
            assert_eq!(red(&all[0]), by_check.iter().any(red), "{verdicts:?}");
        }
    }
}

#[test]
fn one_requirement_under_two_versions_is_two_test_cases() {
    let under = |version, verdict| Check {
        fhircast_version: version,
        ..check("own/one", "family.id", Level::Shall, verdict)
    };
    let one = vec![under(Version::Stu3, Verdict::Fail)];
    let other = vec![under(Version::Stu2, Verdict::Pass)];
    let run = Run::new().scenario("own/one", Disposition::Completed, one);
    let run = run.scenario_under(Version::Stu2, "own/one", Disposition::Completed, other);
    let junit = junit_by(JunitCases::Requirement, &run.ended(), Grading::Standard);
    assert_sound(&junit, "two versions");
    let all: BTreeMap<String, Option<String>> = cases(&junit)
        .into_iter()
        .map(|case| (case.class, case.ending))
        .collect();
    let failure = Some("failure".to_owned());
    let expected = [
        ("castspec.STU2.family.id", None),
        ("castspec.STU3.family.id", failure),
    ];
    assert_eq!(
        all,
        expected.map(|(class, ending)| (class.to_owned(), ending)).into()
    );
}

#[test]
fn what_is_accepted_is_skipped_with_its_reason() {
    use Verdict::{Fail, Inconclusive, Pass};
    let mut checks = with_verdicts(Level::Shall, &[Pass, Fail, Inconclusive]);
    checks = checks
        .into_iter()
        .map(|check| {
            if check.verdict == Pass {
                check
            } else {
                accepted(check)
            }
        })
        .collect();
    let case = only_case(&tried(checks.clone()));
    assert_eq!(case.ending.as_deref(), Some("skipped"));
    assert_eq!(case.kind, "accepted");
    assert_eq!(case.message, "accepted until 2027-02-25: ticket 7");
    assert!(
        case.text
            .contains("fail own/scenario-001: hub.events is missing (accepted until")
    );
    // Another failure, which nobody accepted, is one.
    checks.push(check("own/new", "family.id", Level::Shall, Fail));
    let case = only_case(&tried(checks.clone()));
    assert_eq!(case.ending.as_deref(), Some("failure"));
    let at = |text: &str| {
        case.text
            .find(text)
            .unwrap_or_else(|| panic!("{text}: {}", case.text))
    };
    assert!(
        at("fail own/new:") < at("fail own/scenario-001:"),
        "{}",
        case.text
    );
    let by_check = junit_by(JunitCases::Check, &tried(checks), Grading::Standard);
    assert_eq!(endings(&by_check), (1, 0, 2));
}

#[test]
fn what_failed_is_told_in_the_element_and_nowhere_twice() {
    let broken = Check {
        evidence: conversation(),
        expected: Some("hub.events: a list".to_owned()),
        observed: Some("no such member".to_owned()),
        ..check("own/one", "family.id", Level::Shall, Verdict::Fail)
    };
    for kind in BOTH {
        let junit = junit_by(kind, &tried(vec![broken.clone()]), Grading::Standard);
        let case = cases(&junit).remove(0);
        assert_eq!(case.message, "hub.events is missing");
        assert_eq!(case.out, "");
        for told in [
            "fail: hub.events is missing",
            "family.id (SHALL, STU3, section 2.4 Subscription Confirmation): The confirmation has what was asked for.",
            "expected: hub.events: a list",
            "observed: no such member",
            "[2]     25.0 ms  hub → a  frame   at /hub.events",
            "again: castspec run own/one/family.id@STU3",
        ] {
            assert!(
                case.text.contains(told),
                "{kind:?}: {told} is not in {}",
                case.text
            );
            assert_eq!(junit.matches(told).count(), 1, "{kind:?}: {told}");
        }
    }
}

#[test]
fn names_are_words_and_classes_ids() {
    let long = "The confirmation that a hub sends as the first message of a WebSocket names all events that were \
                subscribed to, and no others, whatever their order";
    let spoken = Check {
        statement: long.to_owned(),
        ..check("own/one", "family.id", Level::Shall, Verdict::Pass)
    };
    let shortened = "The confirmation that a hub sends as the first message of a WebSocket names all events that were \
                     subscribed to, and no…";
    let by = |kind| cases(&junit_by(kind, &tried(vec![spoken.clone()]), Grading::Standard)).remove(0);
    let case = by(JunitCases::Requirement);
    assert_eq!(
        (case.name.as_str(), case.class.as_str()),
        (shortened, "castspec.STU3.family.id")
    );
    let case = by(JunitCases::Check);
    assert_eq!(case.name, format!("{shortened} [family.id]"));
    assert_eq!(case.class, "castspec.STU3.own.one");
}

#[test]
fn many_broken_scenarios_are_counted_and_the_first_of_them_named() {
    let verdicts: Vec<Verdict> = (0..500)
        .map(|at| if at % 5 == 0 { Verdict::Pass } else { Verdict::Fail })
        .collect();
    let checks = with_verdicts(Level::Shall, &verdicts)
        .into_iter()
        .map(|check| Check {
            message: format!("{} {}", check.message, "and so on ".repeat(500)),
            observed: Some("very long ".repeat(100_000)),
            ..check
        });
    let case = only_case(&tried(checks.collect()));
    assert!(case.text.len() < 25_000, "{} bytes", case.text.len());
    assert!(case.message.len() < 400, "{}", case.message);
    assert!(
        case.text.contains("400 fail, 100 pass in 500 scenarios:"),
        "{}",
        case.text
    );
    let named = case.text.lines().filter(|line| line.starts_with("fail own/"));
    let named = named.count();
    assert!(named > 20, "{named} are named");
    assert!(
        case.text
            .contains(&format!("… {} more, in report.json", 400 - named))
    );
}

#[test]
fn a_text_without_end_is_cut() {
    let long = Check {
        message: "x".repeat(1_000_000),
        statement: "y ".repeat(500_000),
        ..check("own/one", "family.id", Level::Shall, Verdict::Fail)
    };
    for kind in BOTH {
        let junit = junit_by(kind, &tried(vec![long.clone()]), Grading::Standard);
        assert_sound(&junit, "long");
        assert!(junit.len() < 30_000, "{kind:?}: {} bytes", junit.len());
        assert!(junit.contains("… the rest is in report.json"), "{kind:?}");
    }
}

#[test]
fn a_requirement_that_held_names_where_it_was_tried() {
    let case = only_case(&tried(with_verdicts(Level::Shall, &[Verdict::Pass; 7])));
    assert_eq!(case.ending, None);
    let all = "7 pass in 7 scenarios: own/scenario-000, own/scenario-001, own/scenario-002, own/scenario-003, \
               own/scenario-004 and 2 more";
    assert_eq!(case.out, all);
}

#[test]
fn what_was_skipped_says_why() {
    for kind in BOTH {
        let events = judged("own/one", "family.id", Level::Shall, Verdict::Skip).ended();
        let case = cases(&junit_by(kind, &events, Grading::Standard)).remove(0);
        assert_eq!(case.ending.as_deref(), Some("skipped"));
        assert_eq!(case.kind, "skip");
        assert_eq!(case.message, "the hub does not claim content_sharing");
    }
}

#[test]
fn a_lost_hub_and_an_empty_run() {
    let lost = sample()
        .lost("subscribing/refused", "POST /", "connection refused")
        .interrupted();
    for kind in BOTH {
        let junit = junit_by(kind, &lost.clone().ended(), Grading::Standard);
        assert_sound(&junit, "a lost hub");
        let junit = junit_by(kind, &Run::new().ended(), Grading::Standard);
        assert_sound(&junit, "an empty run");
    }
}

/// Two scenarios under two versions each: one judges nothing under STU2, for it fails itself.
fn several_versions() -> Run {
    let under = |version: Version, scenario: &str, verdicts: &[Verdict]| -> Vec<Check> {
        let checks = verdicts.iter().enumerate().map(|(number, verdict)| Check {
            fhircast_version: version,
            ..check(
                scenario,
                &format!("requirement.{number}"),
                Level::Should,
                *verdict,
            )
        });
        checks.collect()
    };
    let failed = Disposition::Error("step 3 names no subscriber".to_owned());
    Run::new()
        .scenario(
            "lease/expires",
            Disposition::Completed,
            under(Version::Stu3, "lease/expires", &[Verdict::Pass; 7]),
        )
        .in_millis(1_030)
        .scenario_under(Version::Stu2, "lease/expires", failed.clone(), Vec::new())
        .in_millis(2_051)
        .scenario(
            "lease/renewed",
            failed,
            under(Version::Stu3, "lease/renewed", &[Verdict::Pass, Verdict::Skip]),
        )
        .in_millis(100)
        .scenario_under(
            Version::Stu1,
            "lease/renewed",
            Disposition::Completed,
            under(
                Version::Stu1,
                "lease/renewed",
                &[Verdict::Inconclusive, Verdict::Skip, Verdict::Warn],
            ),
        )
        .in_millis(17)
}

#[test]
fn times_are_those_of_report_json_version_by_version() {
    let events = several_versions().ended();
    let files = files(&events, Grading::Standard);
    let scenarios = files.json["scenarios"].as_array().unwrap();
    let by_check = junit_by(JunitCases::Check, &events, Grading::Standard);
    assert_sound(&by_check, "several versions");
    assert_sound(&files.junit, "several versions");
    let sum = |junit: &str, class: &str| -> u64 {
        let all = cases(junit).into_iter();
        let of = all.filter(|case| case.class == class || case.class.starts_with(&format!("{class}.")));
        of.map(|case| case.millis).sum()
    };
    let mut versions: BTreeMap<&str, u64> = BTreeMap::new();
    for scenario in scenarios {
        let member = |name: &str| scenario[name].as_str().unwrap();
        let (name, version) = (member("name").replace('/', "."), member("fhircast_version"));
        let millis = scenario["duration_ms"].as_u64().unwrap();
        assert_eq!(
            sum(&by_check, &format!("castspec.{version}.{name}")),
            millis,
            "{name}"
        );
        *versions.entry(version).or_default() += millis;
    }
    for (version, millis) in versions {
        assert_eq!(
            sum(&files.junit, &format!("castspec.{version}")),
            millis,
            "{version}"
        );
    }
}

#[test]
fn a_scenario_that_fails_itself_is_an_error_under_its_version() {
    for kind in BOTH {
        let cases = cases(&junit_by(kind, &several_versions().ended(), Grading::Standard));
        let errors = cases
            .iter()
            .filter(|case| case.ending.as_deref() == Some("error") && case.kind == "scenario");
        let classes: BTreeSet<(&str, &str)> = errors
            .map(|case| (case.class.as_str(), case.name.as_str()))
            .collect();
        let expected = [
            (
                "castspec.STU2.lease.expires",
                "The scenario itself: The title of lease/expires",
            ),
            (
                "castspec.STU3.lease.renewed",
                "The scenario itself: The title of lease/renewed",
            ),
        ];
        assert_eq!(classes, expected.into(), "{kind:?}");
    }
}
