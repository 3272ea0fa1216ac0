//! `--junit-cases`: what a test case of junit.xml is, in every command that writes one.

use std::collections::BTreeSet;
use std::path::Path;

use crate::command_support::{Ended, report};
use crate::report_support::junit::{assert_sound, cases, endings};

fn junit(folder: &Path) -> String {
    std::fs::read_to_string(folder.join("junit.xml")).unwrap()
}

#[test]
fn a_requirement_unless_told_and_a_check_where_wanted() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let path = |name: &str| at(name).to_str().unwrap().to_owned();
    let run = |reports: &str, more: &[&str]| {
        let mut arguments = vec!["run", "subscribing", "--fhircast-version", "STU3", "--quiet"];
        arguments.extend(["--defect", "context-keys-upper-case", "--reports", reports]);
        arguments.extend(more);
        Ended::with(&arguments)
    };
    assert_eq!(run(&path("whole"), &[]).code, Some(1));
    let whole = report(&at("whole"));
    let checks = whole["checks"].as_array().unwrap();
    let of = |verdict: &str| -> BTreeSet<&str> {
        let with = checks.iter().filter(|check| check["verdict"] == verdict);
        with.map(|check| check["requirement"].as_str().unwrap()).collect()
    };
    let requirements: BTreeSet<&str> = checks
        .iter()
        .map(|check| check["requirement"].as_str().unwrap())
        .collect();
    let by_requirement = junit(&at("whole"));
    assert_sound(&by_requirement, "a run");
    assert_eq!(cases(&by_requirement).len(), requirements.len());
    assert_eq!(endings(&by_requirement).0, of("fail").len());
    for (name, ended) in [
        ("run", run(&path("run"), &["--junit-cases", "check"])),
        (
            "render",
            Ended::with(&[
                "report",
                "render",
                &path("whole"),
                "--junit-cases",
                "check",
                "--reports",
                &path("render"),
            ]),
        ),
        (
            "merge",
            Ended::with(&[
                "report",
                "merge",
                &path("whole"),
                "--junit-cases",
                "check",
                "--reports",
                &path("merge"),
            ]),
        ),
    ] {
        assert_ne!(ended.code, Some(2), "{name}: {}", ended.error);
        let by_check = junit(&at(name));
        assert_sound(&by_check, name);
        assert_eq!(cases(&by_check).len(), checks.len(), "{name}");
        let failed = checks.iter().filter(|check| check["verdict"] == "fail");
        assert_eq!(endings(&by_check).0, failed.count(), "{name}");
    }
}

#[test]
fn any_other_kind_and_a_kind_without_reports_are_errors() {
    Ended::with(&["run", "subscribing", "--junit-cases", "scenario"]).says(&[
        "invalid value 'scenario' for '--junit-cases <WHAT>'",
        "requirement, check",
    ]);
    for command in [&["hub", "--port", "0"][..], &["validate", "some.jsonl"]] {
        let arguments = [command, &["--junit-cases", "check"]].concat();
        Ended::with(&arguments).says(&["--reports <DIR>"]);
    }
}
