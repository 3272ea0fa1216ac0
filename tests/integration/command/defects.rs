//! A check is trusted because it has been seen to fail: the hub is broken on purpose, and the suite says where.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use crate::command_support::{Ended, report};

/// Defects, and the requirement whose scenarios must show each.
const DEFECTS: [(&str, &str); 21] = [
    ("endpoint-missing", "subscribe.response.endpoint"),
    ("response-not-json", "subscribe.content-type"),
    ("malformed-subscription-accepted", "subscribe.refusal-status"),
    ("refusal-without-reason", "unsubscribe.refusal-description"),
    ("repeated-events-kept", "subscribe.events-repeated-once"),
    ("resubscribe-merges", "subscribe.resubscribe-replaces-events"),
    ("confirmation-without-mode", "confirmation.mode"),
    ("confirmation-without-events", "confirmation.events"),
    ("confirmation-without-lease", "confirmation.lease-seconds"),
    ("lease-cut-short", "confirmation.lease-honoured"),
    ("quiet-socket-cut", "confirmation.lease-honoured"),
    ("replays-closed-context", "replay.not-closed"),
    ("unsubscribe-without-endpoint", "unsubscribe.response.endpoint"),
    ("unsubscribe-keeps-delivering", "unsubscribe.nothing-delivered"),
    ("id-replaced", "publish.id-reused"),
    ("syncerror-severity", "operationoutcome.severity.hub"),
    ("no-configuration", "wellknown.served"),
    ("configuration-without-events", "wellknown.events-supported"),
    ("close-keeps-current", "current.empty-after-close"),
    ("update-keeps-version", "content.update-new-version"),
    ("bundle-id-replaced", "content.bundle-id-kept"),
];

/// What every defect claims to break, by its name, as the program lists it.
fn claims() -> BTreeMap<String, Vec<String>> {
    let listed = Ended::with(&["hub", "--list-defects"]);
    assert_eq!(listed.code, Some(0), "{}", listed.error);
    let mut claims = BTreeMap::new();
    let mut name = "";
    for line in listed.out.lines() {
        if let Some(broken) = line.trim().strip_prefix("breaks ") {
            claims.insert(name.to_owned(), broken.split(", ").map(str::to_owned).collect());
        } else if !line.starts_with(' ') {
            name = line;
        }
    }
    claims
}

/// Runs the scenarios of a requirement against the hub with a defect: the exit code and the requirements that failed.
fn failed(defect: &str, selector: &str) -> (Option<i32>, BTreeSet<String>, String) {
    let folder = tempfile::tempdir().unwrap();
    let reports = folder.path().to_str().unwrap();
    let ended = Ended::with(&[
        "run",
        selector,
        "--quiet",
        "--defect",
        defect,
        "--reports",
        reports,
    ]);
    if !folder.path().join("report.json").exists() {
        return (ended.code, BTreeSet::new(), ended.error);
    }
    let report = report(folder.path());
    let checks = report["checks"].as_array().unwrap().iter();
    let failed = checks.filter(|check| check["verdict"] == "fail");
    let failed = failed.map(|check| check["requirement"].as_str().unwrap().to_owned());
    (ended.code, failed.collect(), ended.error)
}

#[test]
fn each_defect_is_found_by_what_it_breaks() {
    let claims = claims();
    let waiting = Mutex::new(DEFECTS.iter());
    let problems = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                loop {
                    let next = waiting.lock().unwrap().next();
                    let Some((defect, requirement)) = next else { break };
                    let claimed = claims.get(*defect).cloned().unwrap_or_default();
                    let (code, failed, error) = failed(defect, requirement);
                    let found = claimed.iter().any(|claim| failed.contains(claim));
                    if code != Some(1) || !found {
                        let told = format!(
                            "{defect} claims {claimed:?}, ended with {code:?}, failed {failed:?} {error}"
                        );
                        problems.lock().unwrap().push(told);
                    }
                }
            });
        }
    });
    let problems = problems.into_inner().unwrap();
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[test]
fn the_list_of_defects_is_complete() {
    let claims = claims();
    assert!(claims.len() >= DEFECTS.len());
    for (name, broken) in &claims {
        assert!(!broken.is_empty(), "{name} breaks nothing");
    }
}

#[test]
fn a_broken_should_fails_under_strict_alone() {
    let folder = tempfile::tempdir().unwrap();
    let reports = folder.path().to_str().unwrap();
    let requirement = "subscribe.channel-type-missing-rejected";
    let run = |more: &[&str]| {
        let arguments = [
            "run",
            requirement,
            "--defect",
            "channel-type-ignored",
            "--reports",
            reports,
        ];
        let ended = Ended::with(&[&arguments[..], more].concat());
        (ended, report(folder.path()))
    };
    let (lenient, told) = run(&[]);
    assert_eq!(lenient.code, Some(0), "{}", lenient.out);
    assert!(told["summary"]["warn"].as_u64().unwrap() > 0);
    let (strict, told) = run(&["--strict"]);
    assert_eq!(strict.code, Some(1), "{}", strict.out);
    assert!(
        strict.out.contains("not conformant under --strict"),
        "{}",
        strict.out
    );
    assert!(
        told["summary"]["warn"].as_u64().unwrap() > 0,
        "the verdict itself stays a warning"
    );
}

#[test]
fn a_failure_tells_how_to_see_it_again() {
    let folder = tempfile::tempdir().unwrap();
    let reports = folder.path().to_str().unwrap();
    let arguments = [
        "run",
        "replay.not-closed",
        "--defect",
        "replays-closed-context",
        "--reports",
        reports,
    ];
    let ended = Ended::with(&arguments);
    let again = ended
        .out
        .lines()
        .find_map(|line| line.trim().strip_prefix("again: castspec "));
    let again = again.unwrap_or_else(|| panic!("no command: {}", ended.out));
    assert!(again.contains("--defect replays-closed-context"), "{again}");
    let mut words: Vec<&str> = again.split(' ').collect();
    words.extend(["--reports", reports]);
    let repeated = Ended::with(&words);
    assert_eq!(repeated.code, Some(1), "{}{}", repeated.out, repeated.error);
    assert!(
        repeated.out.contains("fail replay.not-closed"),
        "{}",
        repeated.out
    );
}
