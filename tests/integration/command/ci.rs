//! `castspec run` on a CI server: what GitHub and GitLab are told.

use std::path::Path;

use crate::command_support::{Ended, castspec};
use serde_json::Value;

fn run(folder: &Path, variables: &[(&str, &str)]) -> Ended {
    let mut command = castspec();
    command.args([
        "run",
        "subscribing/one-event",
        "--defect",
        "context-keys-upper-case",
    ]);
    command.args([
        "--fhircast-version",
        "STU3",
        "--quiet",
        "--reports",
        folder.to_str().unwrap(),
    ]);
    Ended::of(command.envs(variables.iter().copied()))
}

#[test]
fn github_is_given_annotations_and_a_summary() {
    let folder = tempfile::tempdir().unwrap();
    let summary = folder.path().join("step.md");
    std::fs::write(&summary, "# Before\n\n").unwrap();
    let variables = [
        ("GITHUB_ACTIONS", "true"),
        ("GITHUB_STEP_SUMMARY", summary.to_str().unwrap()),
    ];
    let ended = run(folder.path(), &variables);
    assert_eq!(ended.code, Some(1), "{}{}", ended.out, ended.error);
    let commands: Vec<&str> = ended.out.lines().filter(|line| line.starts_with("::")).collect();
    let word = commands[0].strip_prefix("::stop-commands::").unwrap();
    // What a hub sent is printed before the server reads commands again, and nothing after it does so.
    assert_eq!(commands[1], format!("::{word}::"));
    assert!(
        commands[2].starts_with("::error title=event.context-key-case.hub (SHALL%2C STU3)::"),
        "{commands:?}"
    );
    assert_eq!(commands[3..], [commands[0]]);
    let told = std::fs::read_to_string(&summary).unwrap();
    assert!(told.starts_with("# Before\n\n## ❌ FHIRcast"), "{told}");
    assert!(told.contains("event.context-key-case.hub"), "{told}");
    let written = std::fs::read_to_string(folder.path().join("summary.md")).unwrap();
    assert!(told.ends_with(&written), "{written}");
}

#[test]
fn gitlab_is_given_code_quality() {
    let folder = tempfile::tempdir().unwrap();
    let ended = run(folder.path(), &[("GITLAB_CI", "true")]);
    assert_eq!(ended.code, Some(1), "{}{}", ended.out, ended.error);
    let report = std::fs::read_to_string(folder.path().join("gl-code-quality-report.json")).unwrap();
    let report: Value = serde_json::from_str(&report).unwrap();
    let first = &report[0];
    assert_eq!(first["check_name"], "event.context-key-case.hub");
    assert_eq!(first["severity"], "major");
    assert_eq!(first["location"]["path"], "scenarios/subscribing/one-event.yaml");
    assert_eq!(first["location"]["lines"]["begin"], 1);
    assert_eq!(first["fingerprint"].as_str().unwrap().len(), 64);
}

#[test]
fn elsewhere_no_server_is_told_anything() {
    let folder = tempfile::tempdir().unwrap();
    let ended = run(folder.path(), &[]);
    assert!(!ended.out.contains("::"), "{}", ended.out);
    assert!(!folder.path().join("gl-code-quality-report.json").exists());
}
