//! `check` with `save_whether` keeps whether a value is as it may be; without a requirement and without it, the rest builds on it.

use crate::command_support::{Ended, report};
use serde_json::Value;

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
  - observe: {subject: taken, readings: [{reading: taken, when: taken}, {reading: not taken}]}
  - observe: {subject: refused, readings: [{reading: refused, when: refused}, {reading: not refused}]}
  - check: {value: "${opened.refused}", is: {equals: true}}
  - check: {requirement: publish.accept-or-reject, value: 1, is: {equals: 1}}
"#;

#[test]
fn what_a_check_saves_can_be_observed_and_what_it_demands_is_built_on() {
    let folder = tempfile::tempdir().unwrap();
    let scenarios = folder.path().join("scenarios");
    std::fs::create_dir(&scenarios).unwrap();
    std::fs::write(scenarios.join("values.yaml"), SCENARIO).unwrap();
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
    let report = report(&reports);
    let of = |subject: &str| {
        let all = report["observations"].as_array().unwrap();
        let found = all.iter().find(|own| own["subject"] == subject);
        found.map_or(Value::Null, |own| own["reading"].clone())
    };
    assert_eq!(of("taken"), "taken");
    assert_eq!(of("refused"), "not refused");
    let checks = report["checks"].as_array().unwrap();
    let last = checks
        .iter()
        .find(|own| own["requirement"] == "publish.accept-or-reject");
    assert_eq!(last.unwrap()["verdict"], "inconclusive");
}
