//! Base FHIR R4 in a run: what the hub made that is no FHIR is an observation, and changes no verdict.

use crate::command_support::{Ended, report};

/// A subscriber refuses; its name becomes a code in the SyncError that the hub makes.
fn scenario(name: &str) -> String {
    format!(
        r#"
title: A refusal by a subscriber with this name
versions: [STU3]
subscribers:
  worklist: {{events: [Patient-open, SyncError]}}
  erring: {{events: [Patient-open], name: "{name}", answers: [{{event: Patient-open, status: 409}}]}}
steps:
  - subscribe: [worklist, erring]
  - publish: {{by: worklist, event: Patient-open, save: first}}
  - expect: {{at: worklist, message: {{kind: sync_error, of: first}}, requirement: syncerror.on-conflict}}
  - publish: {{by: worklist, event: Patient-open, case: again, save: second}}
  - expect: {{at: worklist, message: {{kind: sync_error, of: second}}, requirement: syncerror.on-conflict}}
"#
    )
}

/// The readings about FHIR in a run of this scenario alone, which the hub passes.
fn readings(name: &str) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let scenarios = folder.path().join("named");
    std::fs::create_dir(&scenarios).unwrap();
    std::fs::write(scenarios.join("refusal.yaml"), scenario(name)).unwrap();
    let (scenarios, reports) = (scenarios.to_str().unwrap(), folder.path().join("reports"));
    let ended = Ended::with(&[
        "run",
        "--scenarios",
        scenarios,
        "--only-given",
        "--reports",
        reports.to_str().unwrap(),
    ]);
    assert_eq!(ended.code, Some(0), "{}{}", ended.out, ended.error);
    let report = report(&reports);
    assert_eq!(report["summary"]["warn"], 0);
    assert!(
        report["checks"]
            .as_array()
            .unwrap()
            .iter()
            .any(|check| { check["requirement"] == "syncerror.on-conflict" && check["verdict"] == "pass" }),
        "{report}"
    );
    let observations = report["observations"].as_array().unwrap().iter();
    observations
        .filter(|observation| observation["subject"] == "fhir-r4")
        .map(|observation| observation["reading"].as_str().map(str::to_owned))
        .collect::<Option<_>>()
        .unwrap()
}

#[test]
fn what_the_hub_made_that_is_no_fhir_is_observed_once() {
    let told = readings("Two  Spaces");
    // Two SyncErrors, one finding.
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(
        told[0].starts_with("in a SyncError, /issue/0/details/coding/"),
        "{told:?}"
    );
    assert!(
        told[0].ends_with("/code is no code; expected the form of code in R4"),
        "{told:?}"
    );
}

#[test]
fn of_fhir_there_is_nothing_to_observe() {
    assert_eq!(readings("One Space"), Vec::<String>::new());
}

#[test]
fn what_the_built_in_hub_makes_is_fhir() {
    let folder = tempfile::tempdir().unwrap();
    let reports = folder.path();
    let ended = Ended::with(&[
        "run",
        "syncerror",
        "current-context",
        "content-sharing",
        "--reports",
        reports.to_str().unwrap(),
    ]);
    assert_eq!(ended.code, Some(0), "{}{}", ended.out, ended.error);
    let report = report(reports);
    let observations = report["observations"].as_array().unwrap();
    assert!(!observations.is_empty());
    let about_fhir: Vec<_> = observations
        .iter()
        .filter(|observation| observation["subject"] == "fhir-r4")
        .collect();
    assert!(about_fhir.is_empty(), "{about_fhir:#?}");
}
