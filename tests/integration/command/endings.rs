//! What becomes of a command whose output cannot be written, or that is read no further.

use std::fs::OpenOptions;
use std::path::Path;
use std::process::{Output, Stdio};

use crate::command_support::{castspec, process};

const RUN: [&str; 5] = [
    "run",
    "subscribing/accepted",
    "--fhircast-version",
    "STU3",
    "--reports",
];

/// Runs the program with its standard output on a device that is full.
fn on_a_full_disk(arguments: &[&str]) -> Output {
    let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
    process()
        .args(arguments)
        .stdout(full)
        .stderr(Stdio::piped())
        .output()
        .unwrap()
}

fn told(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
#[cfg(target_os = "linux")]
fn a_full_disk_is_told_by_every_command() {
    let folder = tempfile::tempdir().unwrap();
    let reports = folder.path().to_str().unwrap();
    let message = folder.path().join("message.json");
    std::fs::write(&message, "{\"id\": \"1\", \"status\": 200}").unwrap();
    let run = [&RUN[..], &[reports]].concat();
    for arguments in [
        &run[..],
        &["scenarios"],
        &["requirements"],
        &["validate", message.to_str().unwrap()],
        &["completions", "bash"],
        &["hub", "--list-defects"],
        &["hub", "--port", "0"],
        &["--help"],
        &["--version"],
    ] {
        let output = on_a_full_disk(arguments);
        let told = told(&output);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {told}");
        assert_eq!(told.lines().count(), 1, "{arguments:?}: {told}");
        assert!(told.contains("standard output"), "{arguments:?}: {told}");
    }
    assert!(
        folder.path().join("report.json").exists(),
        "reports are written all the same"
    );
}

#[test]
fn a_reader_that_goes_away_changes_no_verdict() {
    let folder = tempfile::tempdir().unwrap();
    let reports = folder.path().to_str().unwrap();
    for (defect, code) in [(&[][..], 0), (&["--defect", "no-confirmation"][..], 1)] {
        let mut child = process()
            .args([&RUN[..], &[reports], defect].concat())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{}", told(&output));
        assert_eq!(told(&output), "", "it is quiet");
    }
}

#[test]
fn the_verdict_and_the_other_reports_are_there_though_one_cannot_be_written() {
    let folder = tempfile::tempdir().unwrap();
    // A folder stands where the file is to be.
    std::fs::create_dir(folder.path().join("report.json")).unwrap();
    let output = castspec().args(RUN).arg(folder.path()).output().unwrap();
    let told = told(&output);
    assert_eq!(output.status.code(), Some(2), "{told}");
    assert!(
        told.contains("report.json") && told.contains("cannot be written"),
        "{told}"
    );
    assert_eq!(told.lines().count(), 1, "{told}");
    let out = String::from_utf8_lossy(&output.stdout);
    assert!(out.contains("conformant"), "{out}");
    for file in ["junit.xml", "index.html", "summary.md"] {
        assert!(folder.path().join(file).is_file(), "{file}");
    }
}

#[cfg(unix)]
#[test]
fn a_link_that_leads_in_a_circle_is_read_once() {
    let folder = tempfile::tempdir().unwrap();
    let write = |path: &Path| {
        std::fs::write(
            path,
            "title: t\nversions: [STU3]\nsteps:\n  - discover: {answer: [{requirement: wellknown.served, status: accepted}]}\n",
        )
        .unwrap();
    };
    write(&folder.path().join("own.yaml"));
    std::fs::create_dir(folder.path().join("part")).unwrap();
    write(&folder.path().join("part/other.yaml"));
    std::os::unix::fs::symlink(".", folder.path().join("self")).unwrap();
    std::os::unix::fs::symlink("..", folder.path().join("part/back")).unwrap();
    let output = castspec()
        .args(["scenarios", "--only-given", "--scenarios"])
        .arg(folder.path())
        .output()
        .unwrap();
    let out = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{}", told(&output));
    assert!(out.contains("2 scenarios, which"), "{out}");
}
