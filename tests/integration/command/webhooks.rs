//! The versions with webhooks, as the binary: against the built-in hub and against one in another process.

use std::collections::BTreeMap;

use crate::command_support::{Ended, HubProcess};
use serde_json::Value;

fn report(folder: &tempfile::TempDir) -> Value {
    let text = std::fs::read_to_string(folder.path().join("report.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

fn run(arguments: &[&str]) -> (Ended, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let reports = folder.path().to_str().unwrap().to_owned();
    let all = [&["run", "--reports", &reports], arguments].concat();
    (Ended::with(&all), folder)
}

#[test]
fn one_scenario_is_played_in_every_version() {
    let (ended, folder) = run(&["notification/broadcast", "--transcripts"]);
    assert_eq!(ended.code, Some(0), "{}{}", ended.out, ended.error);
    let mut versions = BTreeMap::new();
    for check in report(&folder)["checks"].as_array().unwrap() {
        let version = check["fhircast_version"].as_str().unwrap().to_owned();
        *versions.entry(version).or_insert(0) += usize::from(check["verdict"] == "pass");
    }
    assert_eq!(versions.keys().collect::<Vec<_>>(), ["STU1", "STU2", "STU3"]);
    assert!(versions.values().all(|passed| *passed > 20), "{versions:?}");
    assert!(
        ended.out.contains("hub.callback = http://127.0.0.1:"),
        "{}",
        ended.out
    );
    assert!(ended.out.contains("hub.challenge="), "{}", ended.out);
    assert!(ended.out.contains("hub.secret = redacted-"), "{}", ended.out);
}

#[test]
fn a_check_s_id_picks_its_version() {
    let (ended, folder) = run(&["notification/broadcast/publish.broadcast-to-all@STU1"]);
    assert_eq!(ended.code, Some(0), "{}{}", ended.out, ended.error);
    assert_eq!(report(&folder)["target"]["fhircast_version"], "STU1");
    assert_eq!(report(&folder)["further_targets"].as_array().unwrap().len(), 0);
}

#[test]
fn hubs_of_the_older_versions_in_another_process_conform() {
    let conforms = |version: &str| {
        let common = ["--plaintext", "--unjudged", "--fhircast-version", version];
        let hub = HubProcess::start(&[&common[..], &["--ack-timeout", "2"]].concat());
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("target.toml");
        let text = format!("hub_url = \"{}\"\n[timing]\nack_timeout = 2\n", hub.url);
        std::fs::write(&target, text).unwrap();
        let target = target.to_str().unwrap();
        let arguments = ["--target", target, "--fhircast-version", version, "webhooks"];
        let (ended, _) = run(&arguments);
        assert_eq!(ended.code, Some(0), "{version}: {}{}", ended.out, ended.error);
    };
    std::thread::scope(|scope| {
        scope.spawn(|| conforms("STU2"));
        conforms("STU1");
    });
}

#[test]
fn a_hub_without_webhooks_is_skipped_there_and_nowhere_else() {
    let hub = HubProcess::start(&[
        "--plaintext",
        "--unjudged",
        "--fhircast-version",
        "STU2",
        "--no-webhooks",
    ]);
    let arguments = ["--hub", &hub.url, "--fhircast-version", "STU2"];
    let (ended, folder) = run(&[&arguments[..], &["webhooks", "notification/broadcast"]].concat());
    assert_eq!(ended.code, Some(0), "{}{}", ended.out, ended.error);
    let report = report(&folder);
    let verdicts = |scenario: &str| -> Vec<String> {
        let checks = report["checks"].as_array().unwrap().iter();
        let of_scenario = checks.filter(|check| check["scenario"] == scenario);
        of_scenario
            .map(|check| check["verdict"].as_str().unwrap().to_owned())
            .collect()
    };
    assert!(
        verdicts("webhooks/verified")
            .iter()
            .all(|verdict| verdict == "skip")
    );
    assert!(verdicts("webhooks/unsupported").contains(&"pass".to_owned()));
    assert!(verdicts("notification/broadcast").contains(&"pass".to_owned()));
    assert!(
        ended.out.contains("the hub does not claim webhook"),
        "{}",
        ended.out
    );
}
