//! The binary as its users meet it: exit codes, the one line on standard error, and hubs in other processes.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;

const BINARY: &str = env!("CARGO_BIN_EXE_castspec");

fn castspec(arguments: &[&str]) -> Output {
    Command::new(BINARY)
        .args(arguments)
        .env_remove("CASTSPEC_TOKEN")
        .output()
        .unwrap()
}

/// Runs `castspec run` with reports into a folder of its own, and gives its exit code and report.
fn run(arguments: &[&str]) -> (i32, Value) {
    let folder = tempfile::tempdir().unwrap();
    let reports = folder.path().to_str().unwrap();
    let output = castspec(&[&["run", "--quiet", "--reports", reports], arguments].concat());
    let report = std::fs::read_to_string(folder.path().join("report.json"))
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)));
    assert!(folder.path().join("junit.xml").exists() && folder.path().join("index.html").exists());
    (
        output.status.code().unwrap(),
        serde_json::from_str(&report).unwrap(),
    )
}

fn verdicts(report: &Value) -> BTreeSet<(String, String, String)> {
    let text = |check: &Value, member: &str| check[member].as_str().unwrap().to_owned();
    let checks = report["checks"].as_array().unwrap();
    checks
        .iter()
        .map(|own| {
            (
                text(own, "scenario"),
                text(own, "requirement"),
                text(own, "verdict"),
            )
        })
        .collect()
}

/// A hub in a process of its own.
struct Hub {
    process: Child,
    url: String,
}

impl Hub {
    fn start(arguments: &[&str]) -> Self {
        let mut process = Command::new(BINARY)
            .args([&["hub", "--port", "0"], arguments].concat())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let url = line
            .trim()
            .strip_prefix("castspec hub listening on ")
            .unwrap()
            .to_owned();
        Self { process, url }
    }
}

impl Drop for Hub {
    fn drop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

#[test]
fn what_cannot_be_carried_out_is_told_in_one_line_with_status_2() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str, content: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let plain = Hub::start(&["--plaintext"]);
    let secure = Hub::start(&[]);
    let spoken_to_by_tls = plain.url.replace("http://", "https://");
    let taken = plain
        .url
        .split(':')
        .nth(2)
        .unwrap()
        .split('/')
        .next()
        .unwrap()
        .to_owned();
    let bad_target = path("target.toml", "hub_url = 7");
    let bad_yaml = path("bad.yaml", "title: [");
    let unknown_requirement = path(
        "unknown.yaml",
        "title: x\nversions: [STU3]\nsubscribers: {a: {events: [Patient-open]}}\nsteps:\n  - subscribe: [a]\n  - expect: {at: a, message: {kind: confirmation}, requirement: no.such}\n",
    );
    let no_json = path("no.json", "{");
    let reports = path("reports", "a file where a folder should be");
    let cases: Vec<(Vec<&str>, &str)> = vec![
        (vec!["run", "--bogus"], "--bogus"),
        (vec!["bogus"], "bogus"),
        (vec!["run", "--hub", "nowhere"], "not the URL of a hub"),
        (
            vec!["run", "--hub", "http://127.0.0.1:9/fhircast"],
            "cannot be reached",
        ),
        (vec!["run", "--hub", &spoken_to_by_tls], "cannot be reached"),
        (vec!["run", "--hub", &secure.url], "--ca-cert"),
        (
            vec!["run", "--hub", &secure.url, "--ca-cert", "/no/such.pem"],
            "/no/such.pem",
        ),
        (vec!["run", "--target", "/no/such.toml"], "/no/such.toml"),
        (vec!["run", "--target", &bad_target], "hub_url"),
        (vec!["run", "no-such-scenario"], "no-such-scenario"),
        (vec!["run", "--defect", "no-confirmatio"], "no-confirmation"),
        (vec!["run", "--scenarios", &bad_yaml], "bad.yaml:1:"),
        (vec!["run", "--scenarios", &unknown_requirement], "no.such"),
        (
            vec!["run", "discovery", "--reports", &reports],
            "cannot be written",
        ),
        (vec!["hub", "--port", &taken], &taken),
        (vec!["validate", &no_json], "is not JSON"),
        (vec!["validate", "/no/such.json"], "/no/such.json"),
        (vec!["scenarios", "--check", "/no/such"], "/no/such"),
    ];
    for (arguments, says) in cases {
        let output = castspec(&arguments);
        let told = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {told}");
        assert!(told.contains(says), "{arguments:?}: {told}");
        assert_eq!(told.trim_end().lines().count(), 1, "{arguments:?}: {told}");
        assert!(!told.contains("panicked"), "{arguments:?}: {told}");
    }
}

#[test]
fn a_hub_in_another_process_is_judged_like_the_built_in_one() {
    let folder = tempfile::tempdir().unwrap();
    let authority = folder.path().join("ca.pem");
    let hub = Hub::start(&["--ca-out", authority.to_str().unwrap()]);
    let selected = [
        "subscribing",
        "replay",
        "syncerror/content",
        "malformed",
        "content-sharing",
    ];
    let there = [
        &["--hub", &hub.url, "--ca-cert", authority.to_str().unwrap()],
        &selected[..],
    ]
    .concat();
    let (here_code, here) = run(&selected);
    let (there_code, there) = run(&there);
    assert_eq!((here_code, there_code), (0, 0));
    assert_eq!(verdicts(&here), verdicts(&there));
}

#[test]
fn a_defect_fails_the_requirement_that_it_breaks() {
    let cases = [
        (
            "subscribe-answered-200",
            "subscribing/accepted",
            "subscribe.accepted-202",
        ),
        (
            "confirmation-without-lease",
            "confirmation/first-message",
            "confirmation.lease-seconds",
        ),
        (
            "confirmation-wrong-topic",
            "confirmation/first-message",
            "confirmation.topic-of-request",
        ),
        ("lease-cut-short", "lease/expires", "confirmation.lease-honoured"),
        (
            "resubscribe-merges",
            "resubscribing/replaces-events",
            "subscribe.resubscribe-replaces-events",
        ),
        (
            "unsubscribe-answered-200",
            "unsubscribing/accepted",
            "unsubscribe.accepted-202",
        ),
        (
            "leaks-across-topics",
            "isolation/other-topic",
            "notification.topic-isolated",
        ),
        (
            "delivers-unsubscribed",
            "filtering/only-subscribed",
            "notification.only-subscribed",
        ),
        (
            "replays-closed-context",
            "replay/not-what-is-closed",
            "replay.not-closed",
        ),
        (
            "replay-new-timestamp",
            "replay/latest-open",
            "replay.original-timestamp",
        ),
        ("id-replaced", "notification/id-reused", "publish.id-reused"),
        (
            "context-altered",
            "notification/context-unaltered",
            "notification.context-unaltered",
        ),
        (
            "duplicate-delivery",
            "notification/broadcast",
            "notification.delivered-once",
        ),
        (
            "syncerror-wrong-event-id",
            "syncerror/content",
            "operationoutcome.eventid.hub",
        ),
        (
            "syncerror-on-normal-close",
            "syncerror/not-after-1000",
            "syncerror.not-on-normal-close",
        ),
        (
            "configuration-without-websocket",
            "discovery/members",
            "wellknown.websocket-support",
        ),
        (
            "stale-update-accepted",
            "content-sharing/stale-update",
            "content.stale-update-rejected",
        ),
        (
            "close-keeps-current",
            "current-context/after-close",
            "current.empty-after-close",
        ),
    ];
    for (defect, scenario, requirement) in cases {
        let (code, report) = run(&[scenario, "--strict", "--defect", defect]);
        let broken = verdicts(&report)
            .into_iter()
            .any(|(_, own, verdict)| own == requirement && (verdict == "fail" || verdict == "warn"));
        assert!(broken, "{defect} does not fail {requirement} in {scenario}");
        assert_eq!(code, 1, "{defect}");
    }
}

#[test]
fn messages_are_validated_by_their_kind() {
    let valid = Path::new("tests/messages/stu3/valid/notification");
    let file = std::fs::read_dir(valid).unwrap().next().unwrap().unwrap().path();
    let output = castspec(&["validate", file.to_str().unwrap()]);
    assert_eq!(
        output.status.code(),
        Some(0),
        "{}",
        String::from_utf8_lossy(&output.stdout)
    );
    let folder = tempfile::tempdir().unwrap();
    let broken = folder.path().join("confirmation.json");
    std::fs::write(
        &broken,
        r#"{"hub.mode": "subscribe", "hub.topic": "t", "hub.lease_seconds": 5}"#,
    )
    .unwrap();
    let output = castspec(&["validate", broken.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stdout).contains("confirmation.events"));
}

#[test]
#[cfg(unix)]
fn a_signal_still_writes_complete_reports() {
    let folder = tempfile::tempdir().unwrap();
    let mut process = Command::new(BINARY)
        .args([
            "run",
            "--parallel",
            "1",
            "--reports",
            folder.path().to_str().unwrap(),
        ])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
    // The headline and the first scenario: the run is under way.
    lines.next().unwrap().unwrap();
    lines.next().unwrap().unwrap();
    let killed = Command::new("kill")
        .args(["-TERM", &process.id().to_string()])
        .status()
        .unwrap();
    assert!(killed.success());
    let rest: Vec<String> = lines.map(Result::unwrap).collect();
    assert_eq!(process.wait().unwrap().code(), Some(1));
    assert!(rest.last().unwrap().contains("interrupted"), "{:?}", rest.last());
    let report: Value =
        serde_json::from_str(&std::fs::read_to_string(folder.path().join("report.json")).unwrap()).unwrap();
    assert_eq!(report["interrupted"], true);
    assert!(report["summary"]["pass"].as_u64().unwrap() > 0);
    assert!(report["summary"]["inconclusive"].as_u64().unwrap() > 0);
}
