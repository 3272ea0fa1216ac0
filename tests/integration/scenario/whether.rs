//! What steps save, on which conditions they are taken, and short forms of what they expect and publish.

use crate::command_support::{Ended, report};
use serde_json::{Value, json};

const SCENARIO: &str = r#"
title: Values that may be one thing or another
versions: [STU3]
subscribers:
  viewer: {events: [Patient-open, Patient-close]}
steps:
  - subscribe: [viewer]
  - publish: {by: viewer, event: Patient-open, save: opened}
  - check: {value: ["${opened.accepted}", "${opened.refused}"], is: {equals: [true, false]}, save_whether: taken}
  - check: {value: "${opened.refused}", is: {equals: true}, save_whether: refused}
  - observe: {subject: taken, readings: [{reading: taken, when: taken}, {reading: not taken, when: opened.accepted}]}
  - observe: {subject: refused, readings: [{reading: refused, when: refused}, {reading: not refused, when: opened.accepted}]}
  - check: {value: "${opened.refused}", is: {equals: true}}
  - check: {requirement: publish.accept-or-reject, value: 1, is: {equals: 1}}
"#;

const CONDITIONS: &str = r#"
title: Conditions of several variables
versions: [STU3]
subscribers:
  viewer: {events: [Patient-open, Patient-close, DiagnosticReport-open, DiagnosticReport-update]}
steps:
  - subscribe: [viewer]
  - publish: {by: viewer, event: Patient-open, save: opened}
  - check: {value: 1, is: {equals: 1}, save_whether: not-taken, when: opened.refused}
  - check: {value: 1, is: {equals: 1}, save_whether: kept, when: opened.accepted}
  - check: {value: 1, is: {equals: 1}, save_whether: kept, when: opened.refused}
  - observe: {subject: untaken, readings: [{reading: taken, when: not-taken}, {reading: not taken, when: not not-taken}]}
  - observe: {subject: kept, readings: [{reading: kept, when: kept}, {reading: overwritten, when: opened.accepted}]}
  - observe: {subject: all, readings: [{reading: held, when: {all: [opened.accepted, kept]}}, {reading: did not, when: opened.accepted}]}
  - observe: {subject: not-all, readings: [{reading: held, when: {all: [opened.accepted, not-taken]}}, {reading: did not, when: opened.accepted}]}
  - observe: {subject: any, readings: [{reading: held, when: {any: [not-taken, {all: [kept, not not-taken]}]}}, {reading: did not, when: opened.accepted}]}
  - observe: {subject: none, readings: [{reading: held, when: {any: [not-taken, not kept]}}, {reading: did not, when: opened.accepted}]}
  - observe: {subject: skipped, readings: [{reading: recorded, when: opened.accepted}], when: {any: [not-taken, not kept]}}
  - publish: {by: viewer, event: DiagnosticReport-open, context: {with: {report: {status: final}}, without: [study]}, save: changed}
  - check: {value: "${changed#/context/0/resource/status}", is: {equals: final}, save_whether: is-changed}
  - check: {value: "${changed#/context/0/resource/resourceType}", is: {equals: DiagnosticReport}, save_whether: is-whole}
  - check: {value: "${changed#/context}", is: {lacks: {/key: {equals: study}}}, save_whether: is-left-out}
  - observe: {subject: context, readings: [{reading: changed, when: {all: [is-changed, is-whole, is-left-out]}}, {reading: as it was, when: opened.accepted}]}
  - check: {requirement: publish.accept-or-reject, value: 1, is: {equals: 1}}
"#;

#[test]
fn conditions_of_several_variables_hold_or_do_not_and_what_was_not_taken_is_false() {
    let report = run_of(CONDITIONS);
    for (subject, reading) in [
        ("untaken", json!("not taken")),
        ("kept", json!("kept")),
        ("all", json!("held")),
        ("not-all", json!("did not")),
        ("any", json!("held")),
        ("none", json!("did not")),
        ("skipped", Value::Null),
        ("context", json!("changed")),
    ] {
        assert_eq!(observed(&report, subject), reading, "{subject}");
    }
    assert_eq!(verdict(&report, "publish.accept-or-reject"), "pass");
}

const REFUSALS: &str = r#"
title: A refusal in one word
versions: [STU3]
subscribers:
  viewer: {events: [Patient-open]}
steps:
  - subscribe: [viewer]
  - request:
      by: viewer
      kind: subscribe
      form: [[hub.channel.type, websocket], [hub.mode, subscribe], [hub.events, Patient-open]]
      answer: [{refusal: subscribe}]
  - unsubscribe: {by: viewer, answer: [{refusal: unsubscribe}]}
"#;

#[test]
fn a_refusal_is_judged_by_three_requirements_and_an_acceptance_by_its_status_alone() {
    let report = run_of(REFUSALS);
    assert_eq!(verdict(&report, "subscribe.refusal-status"), "pass");
    assert_eq!(verdict(&report, "subscribe.refusal-description"), "pass");
    assert_eq!(verdict(&report, "subscribe.refusal-plain-text"), "pass");
    assert_eq!(verdict(&report, "unsubscribe.refusal-status"), "fail");
    // Nothing was refused that could be described.
    assert_eq!(verdict(&report, "unsubscribe.refusal-description"), "skip");
    assert_eq!(verdict(&report, "unsubscribe.refusal-plain-text"), "skip");
}

/// The report of a run of this scenario alone.
fn run_of(scenario: &str) -> Value {
    let folder = tempfile::tempdir().unwrap();
    let scenarios = folder.path().join("scenarios");
    std::fs::create_dir(&scenarios).unwrap();
    std::fs::write(scenarios.join("values.yaml"), scenario).unwrap();
    let reports = folder.path().join("reports");
    let (scenarios, written) = (scenarios.to_str().unwrap(), reports.to_str().unwrap());
    let ended = Ended::with(&[
        "run",
        "--only-given",
        "--scenarios",
        scenarios,
        "--reports",
        written,
    ]);
    assert_eq!(ended.error, "", "{}", ended.out);
    report(&reports)
}

fn observed(report: &Value, subject: &str) -> Value {
    let all = report["observations"].as_array().unwrap();
    let found = all.iter().find(|observation| observation["subject"] == subject);
    found.map_or(Value::Null, |observation| observation["reading"].clone())
}

fn verdict(report: &Value, requirement: &str) -> Value {
    let checks = report["checks"].as_array().unwrap();
    let found = checks.iter().find(|check| check["requirement"] == requirement);
    found.map_or(Value::Null, |check| check["verdict"].clone())
}

#[test]
fn what_a_check_saves_can_be_observed_and_what_it_demands_is_built_on() {
    let report = run_of(SCENARIO);
    assert_eq!(observed(&report, "taken"), "taken");
    assert_eq!(observed(&report, "refused"), "not refused");
    assert_eq!(verdict(&report, "publish.accept-or-reject"), "inconclusive");
}
