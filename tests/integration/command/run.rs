//! `castspec run` to its end: exit codes and what it leaves behind.

use std::io::{BufRead, BufReader, Read};
use std::process::Stdio;

use crate::command_support::{Ended, HubProcess, process, report, verdicts};
use serde_json::Value;

#[test]
fn the_built_in_hub_is_conformant() {
    let folder = tempfile::tempdir().unwrap();
    let reports = folder.path().join("reports");
    let ended = Ended::with(&["run", "subscribing", "--reports", reports.to_str().unwrap()]);
    assert_eq!(ended.code, Some(0), "{}{}", ended.out, ended.error);
    assert_eq!(ended.error, "");
    let last = ended.out.lines().last().unwrap();
    assert!(last.starts_with("conformant in a selection: "), "{last}");
    for name in ["junit.xml", "report.json", "index.html"] {
        assert!(
            std::fs::metadata(reports.join(name)).unwrap().len() > 100,
            "{name}"
        );
    }
    let report = report(&reports);
    assert_eq!(report["target"]["built_in"], true);
    assert!(report["summary"]["pass"].as_u64().unwrap() > 0);
    assert!(!report["scenarios"].as_array().unwrap().is_empty());
    let schema = concat!(env!("CARGO_MANIFEST_DIR"), "/schemas/report.schema.json");
    let schema: Value = serde_json::from_str(&std::fs::read_to_string(schema).unwrap()).unwrap();
    jsonschema::validate(&schema, &report).unwrap();
}

#[test]
fn a_quiet_run_says_its_verdict() {
    let folder = tempfile::tempdir().unwrap();
    let reports = folder.path().to_str().unwrap();
    let ended = Ended::with(&["run", "subscribing", "--quiet", "--reports", reports]);
    assert_eq!(ended.code, Some(0), "{}{}", ended.out, ended.error);
    let lines: Vec<&str> = ended.out.lines().filter(|line| !line.is_empty()).collect();
    assert_eq!(lines.len(), 2, "{}", ended.out);
    assert!(
        lines[1].starts_with("conformant in a selection: "),
        "{}",
        ended.out
    );
}

#[test]
fn a_hub_without_tls_is_never_just_conformant_and_fails_as_a_deployment() {
    let folder = tempfile::tempdir().unwrap();
    let reports = folder.path().to_str().unwrap();
    let hub = HubProcess::start(&["--plaintext"]);
    let common = [
        "run",
        "subscribing/one-event",
        "--hub",
        &hub.url,
        "--reports",
        reports,
    ];
    let test_bed = Ended::with(&common);
    assert_eq!(test_bed.code, Some(0), "{}{}", test_bed.out, test_bed.error);
    let last = test_bed.out.lines().last().unwrap();
    assert!(
        last.starts_with("conformant in a selection, without TLS: "),
        "{last}"
    );
    let page = std::fs::read_to_string(folder.path().join("index.html")).unwrap();
    assert!(page.contains("Conformant in a selection, without TLS"));
    let noted = report(folder.path());
    let noted = noted["observations"].as_array().unwrap().clone();
    assert!(
        noted.iter().any(|noted| noted["subject"] == "transport"),
        "{noted:#?}"
    );

    let deployed = Ended::with(&[&common[..], &["--deployment"]].concat());
    assert_eq!(deployed.code, Some(1), "{}{}", deployed.out, deployed.error);
    for requirement in ["fail transport.https (", "fail transport.wss ("] {
        assert!(deployed.out.contains(requirement), "{}", deployed.out);
    }
}

#[test]
fn the_same_hub_elsewhere_is_judged_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let authority = folder.path().join("ca.pem");
    let authority = authority.to_str().unwrap();
    let hub = HubProcess::start(&["--ca-out", authority]);
    let judged = |name: &str, arguments: &[&str]| {
        let reports = folder.path().join(name);
        let common = ["run", "subscribing", "--reports", reports.to_str().unwrap()];
        let ended = Ended::with(&[&common[..], arguments].concat());
        assert_eq!(ended.code, Some(0), "{}{}", ended.out, ended.error);
        report(&reports)
    };
    let within = judged("within", &["--fhircast-version", "STU3"]);
    let outside = judged("outside", &["--hub", &hub.url, "--ca-cert", authority]);
    assert_eq!(outside["target"]["built_in"], false);
    assert_eq!(outside["target"]["hub_url"], hub.url.as_str());
    assert_eq!(verdicts(&outside), verdicts(&within));
    let insecure = judged("insecure", &["--hub", &hub.url, "--insecure"]);
    assert_eq!(verdicts(&insecure), verdicts(&within));
}

#[test]
fn a_target_file_names_the_hub_and_its_authority() {
    let folder = tempfile::tempdir().unwrap();
    let authority = folder.path().join("ca.pem");
    let hub = HubProcess::start(&["--ca-out", authority.to_str().unwrap()]);
    let target = folder.path().join("target.toml");
    std::fs::write(
        &target,
        format!("hub_url = \"{}\"\nca_cert = \"ca.pem\"\n", hub.url),
    )
    .unwrap();
    let reports = folder.path().join("reports");
    let ended = Ended::with(&[
        "run",
        "subscribing/accepted",
        "--target",
        target.to_str().unwrap(),
        "--reports",
        reports.to_str().unwrap(),
    ]);
    assert_eq!(ended.code, Some(0), "{}{}", ended.out, ended.error);
    assert_eq!(report(&reports)["target"]["hub_url"], hub.url.as_str());
}

#[test]
fn what_is_not_claimed_is_skipped_and_never_conformant() {
    let folder = tempfile::tempdir().unwrap();
    let authority = folder.path().join("ca.pem");
    let hub = HubProcess::start(&["--ca-out", authority.to_str().unwrap()]);
    let target = folder.path().join("target.toml");
    let text = format!(
        "hub_url = \"{}\"\nca_cert = \"ca.pem\"\n[claims]\ncontent_sharing = false\n",
        hub.url
    );
    std::fs::write(&target, text).unwrap();
    let reports = folder.path().join("reports");
    let ended = Ended::with(&[
        "run",
        "content-sharing",
        "--target",
        target.to_str().unwrap(),
        "--reports",
        reports.to_str().unwrap(),
    ]);
    let report = report(&reports);
    let skipped = report["scenarios"].as_array().unwrap().iter();
    let all = skipped.clone().count();
    let skipped = skipped
        .filter(|scenario| scenario["disposition"] == "skipped")
        .count();
    assert!(skipped > 0, "{}", ended.out);
    assert!(report["summary"]["skip"].as_u64().unwrap() > 0);
    assert!(
        ended.out.contains("does not claim content_sharing"),
        "{}",
        ended.out
    );
    if skipped == all {
        assert_eq!(ended.code, Some(2), "{}", ended.out);
        assert!(ended.out.contains("nothing was judged"), "{}", ended.out);
    }
}

#[cfg(unix)]
#[test]
fn a_signal_ends_the_run_with_complete_reports() {
    let folder = tempfile::tempdir().unwrap();
    let authority = folder.path().join("ca.pem");
    let authority = authority.to_str().unwrap();
    let hub = HubProcess::start(&["--ca-out", authority]);
    let reports = folder.path().join("reports");
    let mut run = process()
        .args([
            "run",
            "--parallel",
            "1",
            "--transcripts",
            "--hub",
            &hub.url,
            "--ca-cert",
            authority,
            "--reports",
        ])
        .arg(&reports)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut out = BufReader::new(run.stdout.take().unwrap());
    let mut line = String::new();
    while !line.starts_with("pass ") {
        line.clear();
        let read = out.read_line(&mut line).unwrap();
        assert!(read > 0, "no scenario passed");
    }
    let killed = std::process::Command::new("kill")
        .arg("-TERM")
        .arg(run.id().to_string())
        .status();
    assert!(killed.unwrap().success());
    let mut rest = String::new();
    out.read_to_string(&mut rest).unwrap();
    assert_eq!(run.wait().unwrap().code(), Some(1), "{rest}");
    assert!(rest.contains("inconclusive: the run was interrupted"), "{rest}");
    let report = report(&reports);
    assert_eq!(report["interrupted"], true);
    assert!(report["summary"]["inconclusive"].as_u64().unwrap() > 0);
    assert!(report["summary"]["pass"].as_u64().unwrap() > 0);
    let dispositions = report["scenarios"]
        .as_array()
        .unwrap()
        .iter()
        .map(|scenario| &scenario["disposition"]);
    assert!(dispositions.clone().any(|disposition| disposition == "completed"));
    assert!(
        dispositions
            .clone()
            .any(|disposition| disposition == "inconclusive")
    );
    for name in ["junit.xml", "index.html"] {
        assert!(reports.join(name).exists(), "{name}");
    }
}
