//! One fault over many scenarios is one cause; two faults are two; the order of the checks changes nothing.

use rand::SeedableRng as _;
use rand::rngs::StdRng;
use rand::seq::SliceRandom as _;

use super::*;
use crate::outcome::{Entry, Traffic};
use crate::requirement::{Level, RequirementId};

fn check(scenario: &str, requirement: &str, verdict: Verdict, message: &str) -> Check {
    Check {
        id: format!("{scenario}/{requirement}@STU3"),
        scenario: scenario.to_owned(),
        requirement: RequirementId::new(requirement),
        fhircast_version: Version::Stu3,
        level: Level::Shall,
        section: "2.4 Title".to_owned(),
        url: String::new(),
        statement: String::new(),
        verdict,
        message: message.to_owned(),
        expected: None,
        observed: None,
        evidence: Vec::new(),
        repeat: None,
        accepted: None,
        flaky: false,
        left_out: false,
        cause: None,
    }
}

/// The check with a frame as evidence.
fn shown(check: Check, sequence: usize, actor: &str, pointer: &str) -> Check {
    let traffic = Traffic::FrameReceived {
        text: "{}".to_owned(),
        binary: false,
    };
    let evidence = Evidence {
        entry: Entry {
            sequence,
            at_ms: 1.0,
            actor: actor.to_owned(),
            traffic,
        },
        pointer: Some(pointer.to_owned()),
    };
    Check {
        evidence: vec![evidence],
        ..check
    }
}

fn failed(scenario: &str, actor: &str, pointer: &str, message: &str) -> Check {
    shown(
        check(scenario, "r.one", Verdict::Fail, message),
        3,
        actor,
        pointer,
    )
}

fn causes(mut checks: Vec<Check>) -> (Causes, Vec<Check>) {
    let causes = Causes::of(&mut checks, ["late"]);
    (causes, checks)
}

#[test]
fn one_fault_over_subscribers_and_events_is_one_cause() {
    let (found, checks) = causes(vec![
        failed(
            "b/second",
            "worklist",
            "/event/context/1/key",
            "worklist received Encounter-close with \"ENCOUNTER\" after 12 ms at /event/context/1/key",
        ),
        failed(
            "a/first",
            "viewer",
            "/event/context/0/key",
            "viewer received Patient-open with \"PATIENT\" after 5.25 s at /event/context/0/key",
        ),
        failed(
            "c/third",
            "viewer",
            "/event/context/0/key",
            "late received org.example.looked with \"A \\\"B\\\"\" after 7 ms at /event/context/0/key",
        ),
    ]);
    let [cause] = found.all.as_slice() else {
        panic!("{found:#?}");
    };
    assert_eq!((cause.id.as_str(), cause.checks), ("c1", 3));
    assert_eq!(cause.scenarios, ["a/first", "b/second", "c/third"]);
    assert!(
        cause.message.starts_with("viewer received Patient-open"),
        "{cause:?}"
    );
    assert_eq!(cause.pointer.as_deref(), Some("/event/context/*/key"));
    assert!(checks.iter().all(|check| check.cause.as_deref() == Some("c1")));
}

#[test]
fn what_differs_in_place_or_kind_or_requirement_or_version_is_another_cause() {
    let one = || failed("a/first", "viewer", "/event/id", "/event/id is a number");
    let others = [
        failed("b/second", "viewer", "/event/timestamp", "/event/id is a number"),
        failed("b/second", "viewer", "/event/id", "/event/id is empty"),
        Check {
            requirement: "r.two".into(),
            ..failed("b/second", "viewer", "/event/id", "/event/id is a number")
        },
        Check {
            fhircast_version: Version::Stu2,
            ..failed("b/second", "viewer", "/event/id", "/event/id is a number")
        },
    ];
    for other in others {
        let (found, _) = causes(vec![one(), other.clone()]);
        assert_eq!(found.all.len(), 2, "{other:?}");
    }
}

#[test]
fn missing_members_and_statuses_are_told_apart_and_values_are_not() {
    let kind = |message: &str| kind::of(message, &BTreeSet::from(["viewer".to_owned()]));
    for (one, other) in [
        ("/event has no 'id'", "/event has no 'timestamp'"),
        ("the hub answered with 500", "the hub answered with 404"),
    ] {
        assert_ne!(kind(one), kind(other));
    }
    for (one, other) in [
        ("/event is 'a'", "/event is 'b c'"),
        ("3 messages were lost", "1 message was lost"),
        (
            "the value is {\"a\": [1, {\"b\": \"}\"}]} here",
            "the value is {} here",
        ),
        ("viewer's socket closed", "viewer's socket closed"),
        (
            "sent 47806da1-4f36-4d5e-ae94-b8ed6cf8907e to https://h/1, late",
            "sent 9d01fc82-fc2a-4348-85ec-95a875bb8827 to wss://h/2?a=3, late",
        ),
        (
            "due at 2025-01-01T00:00:00Z",
            "due at 2026-11-27T06:00:00.5+01:00",
        ),
        (
            "asked for Patient-open, Patient-close and Encounter-open",
            "asked for Patient-open",
        ),
    ] {
        let same = kind(one).replace("was", "were");
        assert_eq!(same, kind(other).replace("was", "were"));
    }
}

#[test]
fn too_many_kinds_at_one_place_become_one_cause() {
    let kinds = ["one", "two", "three", "four", "five", "six", "seven"];
    let mut checks: Vec<Check> = kinds
        .iter()
        .map(|kind| failed(&format!("s/{kind}"), "viewer", "/event/id", kind))
        .collect();
    assert_eq!(causes(checks[..6].to_vec()).0.all.len(), 6);
    checks.push(failed("s/apart", "viewer", "/event/timestamp", "apart"));
    let (found, _) = causes(checks);
    let counts: Vec<usize> = found.all.iter().map(|cause| cause.checks).collect();
    assert_eq!(counts, [1, 7]);
}

#[test]
fn a_failure_makes_the_cause_a_failure() {
    let warned = Check {
        verdict: Verdict::Warn,
        ..failed("a/first", "viewer", "/event/id", "first 'one'")
    };
    let (found, _) = causes(vec![
        failed("b/second", "viewer", "/event/id", "first 'two'"),
        warned,
    ]);
    assert_eq!(found.all.len(), 1);
    assert_eq!(found.all[0].verdict, Verdict::Fail);
    assert_eq!(found.all[0].message, "first 'one'");
}

#[test]
fn what_could_not_be_judged_is_hidden_by_the_first_failure_or_the_one_it_names() {
    let open = |scenario: &str, requirement: &str, why: &str| {
        check(scenario, requirement, Verdict::Inconclusive, why)
    };
    let (found, checks) = causes(vec![
        shown(
            check("s/one", "r.late", Verdict::Fail, "late"),
            9,
            "viewer",
            "/id",
        ),
        shown(
            check("s/one", "r.soon", Verdict::Fail, "soon"),
            2,
            "viewer",
            "/id",
        ),
        shown(
            check("s/one", "r.should", Verdict::Warn, "should"),
            1,
            "viewer",
            "/id",
        ),
        open("s/one", "r.open", "nothing came"),
        open(
            "s/one",
            "r.named",
            "message 9 is malformed at /id (r.late), so this could not be tried",
        ),
        open("s/one", "r.ended", "the run was interrupted"),
        shown(
            check("s/two", "r.should", Verdict::Warn, "should"),
            1,
            "viewer",
            "/id",
        ),
        open("s/two", "r.open", "the WebSocket of viewer did not open"),
        open("s/three", "r.open", "the WebSocket of late did not open"),
        open("s/three", "r.other", "the WebSocket of late did not open"),
    ]);
    let hides: Vec<(&str, usize)> = found
        .all
        .iter()
        .map(|cause| (cause.requirement.as_str(), cause.hides))
        .collect();
    assert_eq!(hides, [("r.late", 1), ("r.should", 0), ("r.soon", 1)]);
    let cause_of = |requirement: &str| {
        let check = checks.iter().find(|check| check.requirement == requirement);
        check.and_then(|check| check.cause.clone())
    };
    assert_eq!(cause_of("r.named"), cause_of("r.late"));
    assert_eq!(cause_of("r.ended"), None);
    let reasons: Vec<(&str, usize, usize)> = found
        .open
        .iter()
        .map(|reason| (reason.message.as_str(), reason.checks, reason.scenarios.len()))
        .collect();
    assert_eq!(
        reasons,
        [
            ("the run was interrupted", 1, 1),
            ("the WebSocket of late did not open", 3, 2),
        ]
    );
}

#[test]
fn the_order_in_which_checks_arrive_changes_nothing() {
    let mut checks = Vec::new();
    for version in [Version::Stu1, Version::Stu2, Version::Stu3] {
        for scenario in 0..12 {
            let name = format!("s/{scenario:02}");
            let actor = ["viewer", "worklist", "late"][scenario % 3];
            for requirement in ["r.a", "r.b", "r.c"] {
                let verdict = match (scenario + requirement.len()) % 4 {
                    0 => Verdict::Warn,
                    1 | 2 => Verdict::Fail,
                    _ => Verdict::Pass,
                };
                // More kinds than are kept apart for the last requirement.
                let letter = char::from(b'a' + u8::try_from(scenario).unwrap());
                let message = match requirement {
                    "r.c" => format!("{letter} at {actor}"),
                    _ => format!("{actor} had {scenario} of {:?}", name),
                };
                let own = check(&name, requirement, verdict, &message);
                checks.push(Check {
                    fhircast_version: version,
                    id: format!("{name}/{requirement}@{version}"),
                    ..shown(own, scenario, actor, &format!("/event/{scenario}"))
                });
            }
            checks.push(Check {
                fhircast_version: version,
                id: format!("{name}/r.open@{version}"),
                ..check(
                    &name,
                    "r.open",
                    Verdict::Inconclusive,
                    &format!("{actor} got nothing"),
                )
            });
        }
    }
    let marks = |checks: &[Check]| -> BTreeMap<String, Option<String>> {
        checks
            .iter()
            .map(|check| (check.id.clone(), check.cause.clone()))
            .collect()
    };
    let (expected, marked) = causes(checks.clone());
    let marked = marks(&marked);
    assert!(
        !expected.open.is_empty() && expected.all.len() > 3,
        "{expected:#?}"
    );
    for seed in 0..100 {
        checks.shuffle(&mut StdRng::seed_from_u64(seed));
        let (found, own) = causes(checks.clone());
        assert_eq!(found, expected, "seed {seed}");
        assert_eq!(marks(&own), marked, "seed {seed}");
    }
}
