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
    // What a hub sent is printed while the server reads no commands; it reads them again for the annotations, and at the end.
    assert_eq!(commands[1], format!("::{word}::"));
    assert!(
        commands[2].starts_with("::error title=event.context-key-case.hub (SHALL%2C STU3)::"),
        "{commands:?}"
    );
    assert_eq!(commands[3..], [commands[0], commands[1]]);
    assert_eq!(ended.out.lines().last(), Some(commands[1]));
    let told = std::fs::read_to_string(&summary).unwrap();
    assert!(told.starts_with("# Before\n\n## ❌ FHIRcast"), "{told}");
    assert!(told.contains("event.context-key-case.hub"), "{told}");
    let written = std::fs::read_to_string(folder.path().join("summary.md")).unwrap();
    assert!(told.ends_with(&written), "{written}");
}

/// The last word of a run on GitHub: it reads commands again, whatever the run came to.
#[track_caller]
fn assert_read_again(ended: &Ended) {
    let mut lines = ended.out.lines().rev();
    let word = lines.find_map(|line| line.strip_prefix("::stop-commands::"));
    let word = word.unwrap();
    assert_eq!(ended.out.lines().last(), Some(format!("::{word}::").as_str()));
}

#[test]
fn github_reads_commands_again_after_a_run_that_could_not_be_carried_out() {
    let folder = tempfile::tempdir().unwrap();
    let taken = folder.path().join("taken");
    std::fs::write(&taken, "a file, no folder").unwrap();
    let ended = run(&taken, &[("GITHUB_ACTIONS", "true")]);
    assert_eq!(ended.code, Some(2), "{}{}", ended.out, ended.error);
    assert!(ended.error.contains("taken cannot be written"), "{}", ended.error);
    assert_read_again(&ended);
    let summary = taken.join("step.md");
    let variables = [
        ("GITHUB_ACTIONS", "true"),
        ("GITHUB_STEP_SUMMARY", summary.to_str().unwrap()),
    ];
    let ended = run(&folder.path().join("reports"), &variables);
    assert_eq!(ended.code, Some(2), "{}{}", ended.out, ended.error);
    assert!(
        ended.error.contains("the summary cannot be written"),
        "{}",
        ended.error
    );
    assert_read_again(&ended);
}

#[test]
fn github_reads_commands_again_after_what_was_expected_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let expected = folder.path().join("expected.toml");
    std::fs::write(&expected, "").unwrap();
    let mut command = castspec();
    command.args([
        "run",
        "subscribing/one-event",
        "--defect",
        "context-keys-upper-case",
    ]);
    command.args(["--expect", expected.to_str().unwrap(), "--reports"]);
    let ended = Ended::of(command.arg(folder.path()).env("GITHUB_ACTIONS", "true"));
    assert!(ended.out.contains("[[expected]]"), "{}", ended.out);
    assert_read_again(&ended);
}

#[test]
fn a_run_that_never_began_has_nothing_to_end() {
    let mut command = castspec();
    command.args(["run", "no-such-scenario"]);
    let ended = Ended::of(command.env("GITHUB_ACTIONS", "true"));
    ended.says(&["no-such-scenario"]);
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
