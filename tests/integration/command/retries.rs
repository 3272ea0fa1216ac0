//! `castspec run --retries`: a hub that never does what it must fails all the same, and no other check is tried again.

use std::path::Path;

use crate::command_support::{Ended, report, verdicts};

fn run(arguments: &[&str], reports: &Path) -> Ended {
    let common = [
        "run",
        "--quiet",
        "--fhircast-version",
        "STU3",
        "--reports",
        reports.to_str().unwrap(),
    ];
    Ended::with(&[&common, arguments].concat())
}

#[test]
fn a_lease_that_is_not_kept_fails_at_every_try() {
    let folder = tempfile::tempdir().unwrap();
    let broken = ["lease/expires", "--defect", "lease-ignored", "--retries", "1"];
    let ended = run(&broken, folder.path());
    assert_eq!(ended.code, Some(1), "{}{}", ended.out, ended.error);
    let told = report(folder.path());
    assert!(told["summary"]["fail"].as_u64().unwrap() > 0);
    assert!(
        told["checks"]
            .as_array()
            .unwrap()
            .iter()
            .all(|check| check.get("flaky").is_none())
    );
}

#[test]
fn a_hub_that_does_what_it_must_is_judged_once() {
    let folder = tempfile::tempdir().unwrap();
    let (once, retried) = (folder.path().join("once"), folder.path().join("retried"));
    assert_eq!(run(&["lease/expires"], &once).code, Some(0));
    assert_eq!(run(&["lease/expires", "--retries", "3"], &retried).code, Some(0));
    assert_eq!(verdicts(&report(&once)), verdicts(&report(&retried)));
    assert_eq!(report(&retried)["scenarios"].as_array().unwrap().len(), 1);
}

#[test]
fn too_many_are_not_taken() {
    let folder = tempfile::tempdir().unwrap();
    run(&["lease/expires", "--retries", "11"], folder.path()).says(&["11", "--retries"]);
}
