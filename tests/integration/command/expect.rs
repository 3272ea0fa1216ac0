//! `castspec run --expect FILE` and `--fail-fast`: what is known does not fail a run, and what is no longer so does.

use std::path::Path;

use crate::command_support::{Ended, report};

const DEFECT: &str = "context-keys-upper-case";
const SCENARIO: &str = "subscribing/one-event";
const BROKEN: &str = "event.context-key-case.hub";

fn entry(requirement: &str, scenario: &str, until: &str) -> String {
    format!(
        "[[expected]]\nrequirement = \"{requirement}\"\nscenario = \"{scenario}\"\nreason = \"ticket 7\"\nuntil = {until}\n"
    )
}

/// Entries for what the defect breaks, and for what cannot be judged then.
fn both() -> String {
    entry(BROKEN, "*", "9999-12-31") + &entry("notification.context-unaltered", SCENARIO, "9999-12-31")
}

/// Runs the scenario against a hub with the defect, or without, with this file of expected failures.
fn run(folder: &Path, expected: &str, further: &[&str]) -> Ended {
    let file = folder.join("expected.toml");
    std::fs::write(&file, expected).unwrap();
    let common = [
        "run",
        "--quiet",
        "--fhircast-version",
        "STU3",
        "--reports",
        folder.to_str().unwrap(),
    ];
    let file = ["--expect", file.to_str().unwrap()];
    Ended::with(&[&common[..], &file, further].concat())
}

#[test]
fn an_expected_failure_is_told_and_does_not_fail_the_run() {
    let folder = tempfile::tempdir().unwrap();
    let ended = run(folder.path(), &both(), &[SCENARIO, "--defect", DEFECT]);
    assert_eq!(ended.code, Some(0), "{}{}", ended.out, ended.error);
    assert!(
        ended.out.contains("accepted until 9999-12-31: ticket 7"),
        "{}",
        ended.out
    );
    assert!(
        ended.out.contains("not conformant, but accepted: "),
        "the hub is none the better for it: {}",
        ended.out
    );
    assert!(ended.out.contains("2 accepted)"), "{}", ended.out);
    assert!(ended.out.trim_end().ends_with("expected.toml"), "{}", ended.out);
    let report = report(folder.path());
    assert_eq!(report["summary"]["fail"], 1);
    let checks = report["checks"].as_array().unwrap();
    let failed = checks.iter().find(|check| check["verdict"] == "fail").unwrap();
    assert_eq!(failed["accepted"]["reason"], "ticket 7");
    let junit = std::fs::read_to_string(folder.path().join("junit.xml")).unwrap();
    assert!(
        !junit.contains("<failure"),
        "a CI server is not to stop at what is accepted"
    );
}

#[test]
fn a_failure_that_is_not_expected_comes_with_its_entry() {
    let folder = tempfile::tempdir().unwrap();
    let ended = run(folder.path(), "", &[SCENARIO, "--defect", DEFECT]);
    assert_eq!(ended.code, Some(1), "{}{}", ended.out, ended.error);
    let (_, proposed) = ended.out.split_once("[[expected]]").unwrap();
    let proposed = format!(
        "[[expected]]{}",
        proposed.replace("reason = \"\"", "reason = \"ticket 7\"")
    );
    let ended = run(folder.path(), &proposed, &[SCENARIO, "--defect", DEFECT]);
    assert_eq!(ended.code, Some(0), "{}{}", ended.out, ended.error);
}

#[test]
fn an_entry_that_is_no_longer_so_fails_the_run() {
    let folder = tempfile::tempdir().unwrap();
    let until = "9999-12-31";
    for (expected, arguments, told) in [
        (
            entry(BROKEN, SCENARIO, until),
            vec![SCENARIO],
            "did not happen: the requirement held",
        ),
        (
            entry(BROKEN, SCENARIO, "2020-01-31"),
            vec![SCENARIO, "--defect", DEFECT],
            "has run out on 2020-01-31",
        ),
    ] {
        let ended = run(folder.path(), &expected, &arguments);
        assert_eq!(ended.code, Some(1), "{}{}", ended.out, ended.error);
        let line = format!("expected.toml:1: {BROKEN} in {SCENARIO} {told}");
        assert!(ended.out.contains(&line), "{}", ended.out);
    }
    // What was not run may well be so.
    let ended = run(
        folder.path(),
        &entry(BROKEN, SCENARIO, until),
        &["subscribing/accepted"],
    );
    assert_eq!(ended.code, Some(0), "{}{}", ended.out, ended.error);
}

#[test]
fn a_file_that_cannot_be_meant_is_refused_with_its_line() {
    let folder = tempfile::tempdir().unwrap();
    let good = entry(BROKEN, SCENARIO, "9999-12-31");
    for (spoiled, words) in [
        (
            good.replace(BROKEN, "syncerror.nowhere"),
            ":1: there is no requirement 'syncerror.nowhere'",
        ),
        (
            good.replace(SCENARIO, "no/where"),
            ":1: there is no scenario 'no/where'",
        ),
        (good.replace("ticket 7", " "), ":1: reason is empty"),
        (good.replace("9999-12-31", "12:00:00"), ":1: until is no day"),
        (good.replace("9999-12-31", "\"soon\""), ":5: "),
        (good.replace("reason", "because"), ":4: "),
        (format!("{good}\n{good}"), ":7: the same as the entry on line 1"),
    ] {
        let ended = run(folder.path(), &spoiled, &[SCENARIO]);
        ended.says(&["expected.toml", words]);
    }
    let nowhere = folder.path().join("nowhere.toml");
    Ended::with(&["run", "--expect", nowhere.to_str().unwrap()]).says(&["nowhere.toml", "cannot be read"]);
}

#[test]
fn fail_fast_ends_the_run_at_the_first_failure() {
    let folder = tempfile::tempdir().unwrap();
    // Breaks something in every scenario, so that much is left to run after the first.
    let everywhere = [
        "subscribing",
        "--defect",
        "endpoint-plaintext",
        "--parallel",
        "1",
        "--fail-fast",
    ];
    let ended = run(folder.path(), "", &everywhere);
    assert_eq!(ended.code, Some(1), "{}{}", ended.out, ended.error);
    assert_eq!(ended.out.matches("[[expected]]").count(), 1, "{}", ended.out);
    assert_eq!(report(folder.path())["interrupted"], true);
}

#[test]
fn fail_fast_passes_over_what_is_expected() {
    let folder = tempfile::tempdir().unwrap();
    let ended = run(
        folder.path(),
        &both(),
        &[SCENARIO, "--defect", DEFECT, "--fail-fast"],
    );
    assert_eq!(ended.code, Some(0), "{}{}", ended.out, ended.error);
    assert_eq!(report(folder.path())["interrupted"], false);
}

#[test]
fn a_failure_in_several_scenarios_is_proposed_once_for_all() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = [
        SCENARIO,
        "subscribing/accepted",
        "--defect",
        "confirmation-without-lease",
    ];
    let ended = run(folder.path(), "", &arguments);
    assert_eq!(ended.code, Some(1), "{}{}", ended.out, ended.error);
    let entry =
        "[[expected]]\nrequirement = \"confirmation.lease-seconds\"\nscenario = \"*\"    # in 2 scenarios\n";
    assert!(ended.out.contains(entry), "{}", ended.out);
    assert_eq!(ended.out.matches("[[expected]]").count(), 1, "{}", ended.out);
    let (_, proposed) = ended.out.split_once("[[expected]]").unwrap();
    let proposed = format!(
        "[[expected]]{}",
        proposed.replace("reason = \"\"", "reason = \"ticket 7\"")
    );
    let ended = run(folder.path(), &proposed, &arguments);
    assert_eq!(ended.code, Some(0), "{}{}", ended.out, ended.error);
}

#[test]
fn a_file_that_a_run_has_written_expects_its_failures() {
    let folder = tempfile::tempdir().unwrap();
    let written = folder.path().join("written.toml");
    let write = ["--expect-write", written.to_str().unwrap()];
    let base = [
        "run",
        "--quiet",
        "--fhircast-version",
        "STU3",
        SCENARIO,
        "--defect",
        DEFECT,
    ];
    let reports = ["--reports", folder.path().to_str().unwrap()];
    let ended = Ended::with(&[&base[..], &reports, &write].concat());
    assert_eq!(ended.code, Some(1), "{}{}", ended.out, ended.error);
    assert!(ended.out.contains("written.toml has 2 entries"), "{}", ended.out);
    let text = std::fs::read_to_string(&written).unwrap();
    assert!(
        text.contains(BROKEN) && text.contains("reason = \"found on "),
        "{text}"
    );
    let expect = ["--expect", written.to_str().unwrap()];
    let again = Ended::with(&[&base[..], &reports, &expect].concat());
    assert_eq!(again.code, Some(0), "{}{}", again.out, again.error);
    let told = "not conformant, but accepted: ";
    assert!(again.out.contains(told), "{}", again.out);
    let summary = std::fs::read_to_string(folder.path().join("summary.md")).unwrap();
    assert!(
        summary.starts_with("## 🟡 FHIRcast: not conformant, but accepted"),
        "{summary}"
    );
    let page = std::fs::read_to_string(folder.path().join("index.html")).unwrap();
    assert!(page.contains("Not conformant, but accepted"));
    let over = Ended::with(&[&base[..], &reports, &write].concat());
    assert_eq!(over.code, Some(2), "{}", over.out);
    over.begins(&["written.toml is there already"]);
    assert_eq!(std::fs::read_to_string(&written).unwrap(), text);
}

#[test]
fn a_run_ends_at_so_many_failures() {
    let folder = tempfile::tempdir().unwrap();
    let broken = |most: &[&str]| {
        let base = ["run", "--quiet", "--fhircast-version", "STU3", "--defect", DEFECT];
        let further = ["--parallel", "1", "--reports", folder.path().to_str().unwrap()];
        let ended = Ended::with(&[&base[..], &further, most, &["subscribing"]].concat());
        assert_eq!(ended.code, Some(1), "{}{}", ended.out, ended.error);
        let report = report(folder.path());
        (
            report["summary"]["fail"].as_u64().unwrap(),
            report["interrupted"].as_bool().unwrap(),
        )
    };
    let (all, interrupted) = broken(&[]);
    assert!(all > 3 && !interrupted, "{all}");
    let (some, interrupted) = broken(&["--max-failures", "2"]);
    // What stayed open is a failure, too.
    assert!((1..all).contains(&some) && interrupted, "{some} of {all}");
}

#[test]
fn what_is_excluded_is_not_run_and_the_verdict_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let base = ["run", "--quiet", "--fhircast-version", "STU3", "subscribing"];
    let reports = ["--reports", folder.path().to_str().unwrap()];
    let ended = Ended::with(&[&base[..], &reports, &["--exclude", SCENARIO]].concat());
    assert_eq!(ended.code, Some(0), "{}{}", ended.out, ended.error);
    assert!(ended.out.starts_with("castspec"), "{}", ended.out);
    assert!(ended.out.contains("conformant in a selection"), "{}", ended.out);
    let report = report(folder.path());
    let selection = serde_json::json!(["subscribing", format!("all but {SCENARIO}")]);
    assert_eq!(report["selection"], selection);
    let scenarios = report["scenarios"].as_array().unwrap();
    assert!(!scenarios.is_empty() && scenarios.iter().all(|scenario| scenario["name"] != SCENARIO));
    let none = Ended::with(&[&base[..], &reports, &["--exclude", "nosuch"]].concat());
    assert_eq!(none.code, Some(2));
    none.begins(&["nosuch"]);
}
