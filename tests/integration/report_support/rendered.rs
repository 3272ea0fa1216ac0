//! The reports made of a run.

use castspec::report::{Console, ConsoleSettings, JunitCases, Reports};
use castspec_judging::outcome::{Grading, RunEvent};
use serde_json::Value;

/// The files that a run left behind.
pub struct Files {
    pub junit: String,
    pub json: Value,
    pub html: String,
    pub summary: String,
    pub github: Vec<String>,
    pub gitlab: Value,
}

/// The files that the run leaves behind.
pub fn files(events: &[RunEvent], grading: Grading) -> Files {
    let folder = tempfile::tempdir().unwrap();
    let mut reports = Reports::new(folder.path(), grading).unwrap();
    for event in events {
        reports.event(event).unwrap();
    }
    reports.write_gitlab_code_quality().unwrap();
    let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
    Files {
        junit: read("junit.xml"),
        json: serde_json::from_str(&read("report.json")).unwrap(),
        html: read("index.html"),
        summary: read("summary.md"),
        github: reports.github_annotations(),
        gitlab: serde_json::from_str(&read("gl-code-quality-report.json")).unwrap(),
    }
}

/// The junit.xml that the run leaves behind, with test cases of this kind.
pub fn junit_by(cases: JunitCases, events: &[RunEvent], grading: Grading) -> String {
    let folder = tempfile::tempdir().unwrap();
    let reports = Reports::new(folder.path(), grading).unwrap();
    let mut reports = reports.with_junit_cases(cases);
    for event in events {
        reports.event(event).unwrap();
    }
    std::fs::read_to_string(folder.path().join("junit.xml")).unwrap()
}

/// What the console shows of the run.
pub fn console(events: &[RunEvent], settings: ConsoleSettings) -> String {
    let mut out = Vec::new();
    let mut console = Console::new(&mut out, settings);
    for event in events {
        console.event(event).unwrap();
    }
    drop(console);
    String::from_utf8(out).unwrap()
}
