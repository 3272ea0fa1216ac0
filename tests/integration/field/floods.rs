//! Hubs that send without end: a run keeps its memory and its time, tells what the hub does, and judges the rest.

use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;

use crate::command_support::{process, report};
use crate::field_support::{Flood, start_flood};

/// What a run may take, in kB.
const MEMORY: u64 = 300_000;
/// The size that report.json may have, in bytes.
const REPORT: u64 = 8_000_000;

/// What came of a run at such a hub.
struct Flooded {
    code: Option<i32>,
    out: String,
    report: Value,
    report_bytes: u64,
    /// The most memory that it took, in kB, where the system tells.
    memory: Option<u64>,
}

fn run_at(flood: Flood, version: &str, selection: &[&str]) -> Flooded {
    let url = start_flood(flood);
    let folder = tempfile::tempdir().unwrap();
    let mut child = process()
        .args(["run", "--hub", &url, "--fhircast-version", version, "--reports"])
        .arg(folder.path())
        .args(selection)
        .stdout(std::fs::File::create(folder.path().join("out.txt")).unwrap())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let status = format!("/proc/{}/status", child.id());
    let mut memory = None;
    while child.try_wait().unwrap().is_none() {
        let told = std::fs::read_to_string(&status).unwrap_or_default();
        let line = told.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        memory = line
            .and_then(|line| line.trim().trim_end_matches(" kB").parse().ok())
            .or(memory);
        std::thread::sleep(Duration::from_millis(20));
    }
    let ended = child.wait().unwrap();
    Flooded {
        code: ended.code(),
        out: std::fs::read_to_string(folder.path().join("out.txt")).unwrap(),
        report: report(folder.path()),
        report_bytes: std::fs::metadata(folder.path().join("report.json"))
            .unwrap()
            .len(),
        memory,
    }
}

impl Flooded {
    #[track_caller]
    fn is_told_and_bounded(&self, words: &str) {
        assert_eq!(self.code, Some(1), "{}", self.out);
        assert!(self.out.contains(words), "{}", self.out);
        let told = self.report["accommodations"].as_array().unwrap();
        assert!(
            told.iter()
                .any(|told| told["what"].as_str().unwrap().contains("floods"))
        );
        assert!(
            self.report_bytes < REPORT,
            "report.json has {} bytes",
            self.report_bytes
        );
        if let Some(memory) = self.memory {
            assert!(memory < MEMORY, "the run took {memory} kB");
        }
    }

    /// The checks that failed, by requirement.
    fn failed(&self) -> Vec<&str> {
        let checks = self.report["checks"].as_array().unwrap().iter();
        let failed = checks.filter(|check| check["verdict"] == "fail");
        failed
            .map(|check| check["requirement"].as_str().unwrap())
            .collect()
    }
}

#[test]
fn a_flood_of_messages_that_say_nothing_fails_by_what_they_lack_and_ends() {
    let flooded = run_at(Flood::EmptyObjects, "STU3", &["subscribing"]);
    flooded.is_told_and_bounded("the hub floods: ");
    let failed = flooded.failed();
    for requirement in ["notification.id", "notification.event", "notification.timestamp"] {
        assert!(failed.contains(&requirement), "{requirement} is not told");
    }
}

#[test]
fn floods_of_what_breaks_no_rule_are_told_and_blamed_for_nothing_else() {
    for flood in [Flood::Pings, Flood::Notifications, Flood::OneMessage] {
        let flooded = run_at(flood, "STU3", &["subscribing"]);
        flooded.is_told_and_bounded("the hub floods: ");
        // It answers an unsubscribe with another endpoint; all else is kept.
        let mut failed = flooded.failed();
        failed.retain(|requirement| !requirement.starts_with("unsubscribe.response."));
        assert!(failed.is_empty(), "{flood:?}: {failed:?}");
    }
}

#[test]
fn an_answer_without_end_is_told() {
    let flooded = run_at(Flood::Body, "STU3", &["subscribing"]);
    flooded.is_told_and_bounded("the hub floods: the body of an answer of more than ");
}

#[test]
fn a_flood_of_calls_is_told() {
    let flooded = run_at(Flood::Calls, "STU1", &["subscribing", "webhooks/resubscribing"]);
    flooded.is_told_and_bounded("the hub floods: ");
}
