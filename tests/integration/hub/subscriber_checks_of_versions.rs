//! `castspec hub --reports` in STU2 and STU1, and captures of them: subscribers over WebSockets and by webhooks.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, ExitStatus, Stdio};

use serde_json::{Value, json};

use crate::command_support::recorder::RecorderProcess;
use crate::command_support::{Ended, HubProcess, process, report};
use crate::hub_support::callback::{Callback, Verification};

const TOPIC: &str = "topic-1";

/// The hub as a process that writes reports when it is stopped.
struct Hub {
    process: Child,
    urls: Vec<String>,
    reports: tempfile::TempDir,
}

impl Hub {
    fn start(versions: &[&str]) -> Self {
        let reports = tempfile::tempdir().unwrap();
        let arguments = versions
            .iter()
            .flat_map(|version| ["--fhircast-version", *version]);
        let mut process = process()
            .args(["hub", "--plaintext", "--ack-timeout", "1", "--reports"])
            .arg(reports.path())
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let stdout = BufReader::new(process.stdout.as_mut().unwrap());
        let lines = stdout.lines().take(versions.len()).map(|line| line.unwrap());
        let urls = lines.map(|line| {
            let url = line.strip_prefix("castspec hub listening on ");
            url.unwrap().to_owned()
        });
        Self {
            urls: urls.collect(),
            process,
            reports,
        }
    }

    fn stop(mut self) -> (ExitStatus, tempfile::TempDir) {
        let id = self.process.id().to_string();
        assert!(
            std::process::Command::new("kill")
                .arg(id)
                .status()
                .unwrap()
                .success()
        );
        (self.process.wait().unwrap(), self.reports)
    }
}

/// What is broken, by version.
fn broken(folder: &Path) -> BTreeMap<String, BTreeSet<String>> {
    let report = report(folder);
    let mut broken: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for check in report["checks"].as_array().unwrap() {
        let text = |name: &str| check[name].as_str().unwrap().to_owned();
        let of_version = broken.entry(text("fhircast_version")).or_default();
        if text("verdict") != "pass" {
            of_version.insert(text("requirement"));
        }
    }
    broken
}

/// Plays these scenarios against the hub, whose mock subscribers are the ones that are judged.
fn play(url: &str, version: &str, selectors: &[&str]) {
    let folder = tempfile::tempdir().unwrap();
    let reports = folder.path().to_str().unwrap();
    let arguments = [
        "run",
        "--hub",
        url,
        "--fhircast-version",
        version,
        "--reports",
        reports,
    ];
    let ended = Ended::with(&[&arguments, selectors].concat());
    assert_ne!(ended.code, Some(2), "{}{}", ended.out, ended.error);
}

#[test]
fn lawful_subscribers_of_all_versions_are_judged_at_once_and_blamed_for_nothing() {
    let hub = Hub::start(&["STU2", "STU1", "STU3"]);
    for (url, version) in hub.urls.iter().zip(["STU2", "STU1", "STU3"]) {
        play(
            url,
            version,
            &["notification/broadcast", "unsubscribing/receives-nothing"],
        );
    }
    let (status, reports) = hub.stop();
    let broken = broken(reports.path());
    assert_eq!(status.code(), Some(0), "{broken:?}");
    assert_eq!(broken.len(), 3, "all versions are judged: {broken:?}");
    assert!(broken.values().all(BTreeSet::is_empty), "{broken:?}");
    let report = report(reports.path());
    assert!(
        report["summary"]["pass"].as_u64().unwrap() > 200,
        "{}",
        report["summary"]
    );
}

#[test]
fn what_a_websocket_of_stu2_breaks_is_told() {
    let hub = Hub::start(&["STU2"]);
    play(&hub.urls[0], "STU2", &["acknowledgement", "malformed"]);
    let (status, reports) = hub.stop();
    assert_eq!(status.code(), Some(1));
    let broken = &broken(reports.path())["STU2"];
    for id in ["acknowledgement.id-of-notification", "subscribe.request.topic"] {
        assert!(broken.contains(id), "{id}: {broken:?}");
    }
}

/// A request for a webhook, in the manner of the version.
async fn ask(url: &str, version: &str, mode: &str, callback: &str, secret: &str) {
    let mut form = vec![
        ("hub.callback", callback),
        ("hub.mode", mode),
        ("hub.topic", TOPIC),
        ("hub.secret", secret),
        ("hub.events", "patient-open"),
    ];
    if version == "STU2" {
        form.push(("hub.channel.type", "webhook"));
    }
    let answer = reqwest::Client::new().post(url).form(&form).send().await.unwrap();
    assert_eq!(answer.status(), 202);
}

async fn publish(url: &str, id: &str, name: &str) {
    let context = match name {
        "patient-open" => json!([{"key": "patient", "resource": {
            "resourceType": "Patient", "id": "p", "identifier": [{"system": "urn:oid:2.999", "value": "1"}],
        }}]),
        _ => json!([]),
    };
    let message: Value = json!({
        "timestamp": "2026-03-01T09:29:00.000Z",
        "id": id,
        "event": {"hub.topic": TOPIC, "hub.event": name, "context": context},
    });
    let answer = reqwest::Client::new()
        .post(url)
        .json(&message)
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 202);
}

/// Three callbacks of which two break what fits into a few lines; the events are heard before this ends.
async fn misbehave(url: &str, version: &str) {
    // A second test in the same process finds the provider installed already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut viewer = Callback::start().await;
    let mut refusing = Callback::start().await;
    let mut second = Callback::start().await;
    ask(url, version, "subscribe", &viewer.url, "one and only").await;
    viewer.next().await;
    refusing.verify_with(Verification::Other(500, "no".to_owned()));
    ask(url, version, "subscribe", &refusing.url, "another").await;
    refusing.next().await;
    second.verify_with(Verification::Other(200, "what is asked for".to_owned()));
    ask(url, version, "subscribe", &second.url, "one and only").await;
    second.next().await;
    publish(url, "first-of-the-events", "patient-open").await;
    viewer.next().await;
    publish(url, "second-of-the-events", "userlogout").await;
    viewer.answer_with(302);
    publish(url, "third-of-the-events", "patient-open").await;
    viewer.next().await;
}

const BROKEN: &[&str] = &[
    "intent-verification.answer-2xx",
    "intent-verification.answer-challenge",
    "intent-verification.answer-content-type",
    "secret.unique",
    "publish.event-of-subscription",
];

#[tokio::test(flavor = "multi_thread")]
async fn what_webhooks_break_is_told_in_both_versions() {
    for version in ["STU2", "STU1"] {
        let hub = Hub::start(&[version]);
        misbehave(&hub.urls[0], version).await;
        let (status, reports) = hub.stop();
        assert_eq!(status.code(), Some(1), "{version}");
        let broken = &broken(reports.path())[version];
        let expected: BTreeSet<String> = BROKEN.iter().map(|id| (*id).to_owned()).collect();
        assert!(broken.is_superset(&expected), "{version}: {broken:?}");
        let text = std::fs::read_to_string(reports.path().join("report.json")).unwrap();
        assert!(
            !text.contains("one and only") && !text.contains("one+and+only"),
            "{version}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_capture_tells_the_same_of_webhooks() {
    for version in ["STU2", "STU1"] {
        let hub = HubProcess::start(&["--plaintext", "--unjudged", "--fhircast-version", version]);
        let mut recorder = RecorderProcess::start(&hub.url, &["--plaintext"]);
        misbehave(&recorder.url, version).await;
        recorder.stop();
        let folder = tempfile::tempdir().unwrap();
        let ended = validated(&recorder.capture(), version, folder.path());
        assert_eq!(ended.code, Some(1), "{}{}", ended.out, ended.error);
        let broken = &broken(folder.path())[version];
        let certain = BROKEN.iter().filter(|id| **id != "publish.event-of-subscription");
        for id in certain {
            assert!(broken.contains(*id), "{version}, {id}: {broken:?}");
        }
    }
}

fn validated(capture: &Path, version: &str, folder: &Path) -> Ended {
    Ended::with(&[
        "validate",
        capture.to_str().unwrap(),
        "--as",
        "subscriber",
        "--fhircast-version",
        version,
        "--reports",
        folder.to_str().unwrap(),
    ])
}

#[test]
fn a_capture_of_lawful_subscribers_is_clean() {
    for version in ["STU2", "STU1"] {
        let hub = HubProcess::start(&["--plaintext", "--unjudged", "--fhircast-version", version]);
        let mut recorder = RecorderProcess::start(&hub.url, &["--plaintext"]);
        play(
            &recorder.url,
            version,
            &["notification/broadcast", "unsubscribing/receives-nothing"],
        );
        recorder.stop();
        let folder = tempfile::tempdir().unwrap();
        let ended = validated(&recorder.capture(), version, folder.path());
        assert_eq!(ended.code, Some(0), "{}{}", ended.out, ended.error);
        let passed = report(folder.path())["summary"]["pass"].as_u64().unwrap();
        assert!(passed > 60, "{version}: {passed}");
    }
}
