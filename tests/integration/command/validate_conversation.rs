//! `castspec validate` for recorded conversations: the hub by the checks of live traffic, its subscribers by those of the hub.

use std::collections::BTreeSet;
use std::path::PathBuf;

use crate::command_support::recorder::RecorderProcess;
use crate::command_support::{Ended, HubProcess, report};
use serde_json::{Value, json};

/// What a run of these scenarios leaves in a recorder before a hub.
fn recorded(version: &str, hub: &[&str], selectors: &[&str]) -> RecorderProcess {
    let common = ["--plaintext", "--unjudged", "--fhircast-version", version];
    let hub = HubProcess::start(&[&common, hub].concat());
    let mut recorder = RecorderProcess::start(&hub.url, &["--plaintext"]);
    let reports = tempfile::tempdir().unwrap();
    let folder = reports.path().to_str().unwrap();
    let arguments = [
        "run",
        "--hub",
        &recorder.url,
        "--fhircast-version",
        version,
        "--reports",
        folder,
    ];
    let ended = Ended::with(&[&arguments, selectors].concat());
    assert_ne!(ended.code, Some(2), "{}{}", ended.out, ended.error);
    recorder.stop();
    recorder
}

/// What is broken, by the scenario and the requirement.
fn broken(folder: &tempfile::TempDir) -> BTreeSet<(String, String)> {
    let report = report(folder.path());
    let checks = report["checks"].as_array().unwrap().iter();
    let broken = checks.filter(|check| matches!(check["verdict"].as_str(), Some("fail" | "warn")));
    let text = |check: &Value, name: &str| check[name].as_str().unwrap().to_owned();
    broken
        .map(|check| (text(check, "scenario"), text(check, "requirement")))
        .collect()
}

fn validated(capture: PathBuf, arguments: &[&str]) -> (Ended, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let all = [
        "validate",
        capture.to_str().unwrap(),
        "--reports",
        folder.path().to_str().unwrap(),
    ];
    (Ended::with(&[&all, arguments].concat()), folder)
}

const SCENARIOS: [&str; 7] = [
    "notification",
    "subscribing",
    "filtering",
    "isolation",
    "syncerror",
    "current-context",
    "discovery",
];

#[test]
fn a_conformant_hub_is_found_so_by_what_was_recorded_of_it() {
    for (version, least) in [("STU3", 70), ("STU2", 45)] {
        let recorder = recorded(version, &[], &SCENARIOS);
        let (ended, folder) = validated(recorder.capture(), &["--as", "hub"]);
        assert_eq!(ended.code, Some(0), "{version}: {}{}", ended.out, ended.error);
        let report = report(folder.path());
        assert_eq!(
            report["target"]["fhircast_version"], version,
            "the hub says which it is"
        );
        let passed = report["summary"]["pass"].as_u64().unwrap();
        assert!(passed >= least, "{version}: {}", report["summary"]);
        assert_eq!(report["summary"]["inconclusive"], 0);
        assert!(folder.path().join("junit.xml").exists() && folder.path().join("index.html").exists());
    }
}

#[test]
fn what_a_hub_does_wrong_is_found_again_without_it() {
    for (defect, selectors, requirement) in [
        (
            "delivers-unsubscribed",
            &["filtering"][..],
            "notification.only-subscribed",
        ),
        (
            "leaks-across-topics",
            &["isolation"],
            "notification.topic-isolated",
        ),
        ("notifications-lost", &["notification"], "notification.delivered"),
        (
            "no-syncerror-on-conflict",
            &["syncerror/on-conflict"],
            "syncerror.on-conflict",
        ),
        ("id-replaced", &["notification"], "publish.id-reused"),
        (
            "context-altered",
            &["notification"],
            "notification.context-unaltered",
        ),
        (
            "unsubscribe-wrong-endpoint",
            &["unsubscribing"],
            "unsubscribe.response.endpoint-of-subscription",
        ),
        (
            "configuration-without-events",
            &["discovery"],
            "wellknown.events-supported",
        ),
    ] {
        let recorder = recorded("STU3", &["--defect", defect], selectors);
        let (ended, folder) = validated(recorder.capture(), &["--as", "hub"]);
        assert_eq!(ended.code, Some(1), "{defect}: {}{}", ended.out, ended.error);
        let found = broken(&folder);
        assert!(
            found.contains(&("hub".to_owned(), requirement.to_owned())),
            "{defect}: {found:?}"
        );
        assert!(
            ended.out.contains(&format!("fail {requirement} (c")),
            "{}",
            ended.out
        );
    }
}

#[test]
fn subscribers_are_judged_by_the_same_capture() {
    let recorder = recorded("STU3", &[], &["acknowledgement/success-as-text", "malformed"]);
    let (ended, folder) = validated(recorder.capture(), &["--as", "subscriber"]);
    assert_eq!(ended.code, Some(1), "{}{}", ended.out, ended.error);
    let found = broken(&folder);
    assert!(
        !found.is_empty() && found.iter().all(|(scenario, _)| scenario != "hub"),
        "{found:?}"
    );
    let (both, folder) = validated(recorder.capture(), &[]);
    let found = broken(&folder);
    assert!(
        found.iter().all(|(scenario, _)| scenario != "hub"),
        "{}",
        both.out
    );
    assert!(both.out.contains("scenarios passed"), "{}", both.out);
}

#[test]
fn a_capture_that_was_cut_off_is_judged_up_to_there() {
    let recorder = recorded("STU3", &[], &["notification/broadcast"]);
    let whole = std::fs::read(recorder.capture()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let cut = folder.path().join("cut.jsonl");
    std::fs::write(&cut, &whole[..whole.len() - 30]).unwrap();
    let (ended, _) = validated(cut, &["--as", "hub"]);
    assert_eq!(ended.code, Some(0), "{}{}", ended.out, ended.error);
    assert!(
        ended.error.contains("cut.jsonl: line ") && ended.error.contains("was cut off after"),
        "{}",
        ended.error
    );
}

fn har(status: &str) -> Value {
    let notification = json!({
        "timestamp": "2026-01-01T00:00:00Z",
        "id": "event-1",
        "event": {"hub.topic": "t", "hub.event": "Patient-open", "context": [
            {"key": "patient", "resource": {"resourceType": "Patient", "id": "p", "identifier": [{"system": "urn:oid:2.999", "value": "1"}]}},
        ]},
    });
    let confirmation = json!({"hub.mode": "subscribe", "hub.topic": "t", "hub.events": "Patient-open", "hub.lease_seconds": 7200});
    let answer = json!({"id": "event-1", "status": status});
    let message = |direction: &str, time: f64, data: &Value| json!({"type": direction, "time": time, "opcode": 1, "data": data.to_string()});
    json!({"log": {"version": "1.2", "creator": {"name": "WebInspector", "version": "537.36"}, "entries": [
        {
            "startedDateTime": "2026-01-01T00:00:00.000Z", "time": 5.0,
            "request": {"method": "POST", "url": "https://hub.example.com/fhircast", "headers": [
                {"name": "Content-Type", "value": "application/x-www-form-urlencoded"},
                {"name": "Authorization", "value": "Bearer s3cret-of-the-browser"},
            ], "postData": {"mimeType": "application/x-www-form-urlencoded", "text": "hub.channel.type=websocket&hub.mode=subscribe&hub.topic=t&hub.events=Patient-open"}},
            "response": {"status": 202, "headers": [{"name": "Content-Type", "value": "application/json"}],
                "content": {"text": "{\"hub.channel.endpoint\":\"wss://hub.example.com/socket/1234-abcd\"}"}},
        },
        {
            "startedDateTime": "2026-01-01T00:00:00.100Z", "time": 0.0,
            "request": {"method": "GET", "url": "wss://hub.example.com/socket/1234-abcd", "headers": []},
            "response": {"status": 101, "headers": [], "content": {}},
            "_webSocketMessages": [
                message("receive", 1_767_225_600.2, &confirmation),
                message("receive", 1_767_225_601.0, &notification),
                message("send", 1_767_225_601.1, &answer),
            ],
        },
    ]}})
}

#[test]
fn what_a_browser_saved_is_judged_too() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("viewer.har");
    for (status, code) in [("200", 0), ("fine", 1)] {
        std::fs::write(&file, serde_json::to_string_pretty(&har(status)).unwrap()).unwrap();
        let (ended, reports) = validated(file.clone(), &[]);
        assert_eq!(ended.code, Some(code), "{}{}", ended.out, ended.error);
        assert!(!ended.out.contains("s3cret"), "{}", ended.out);
        let passed = report(reports.path())["summary"]["pass"].as_u64().unwrap();
        assert!(passed > 40, "{passed}");
        let found: Vec<String> = broken(&reports)
            .into_iter()
            .map(|(scenario, _)| scenario)
            .collect();
        assert_eq!(found.is_empty(), code == 0);
        assert!(!found.contains(&"hub".to_owned()), "{found:?}");
    }
}

#[test]
fn a_recorded_publication_that_is_no_fhir_is_held_against_its_publisher_alone() {
    let mut record = har("200");
    let mut event = json!({"timestamp": "2026-01-01T00:00:00Z", "id": "an-event-of-its-own",
        "event": {"hub.topic": "t", "hub.event": "Patient-open", "context": [{"key": "patient", "resource": {
            "resourceType": "Patient", "id": "p", "gender": "F", "identifier": [{"system": "urn:oid:2.999", "value": "1"}]}}]}});
    let entry = json!({
        "startedDateTime": "2026-01-01T00:00:02.000Z", "time": 5.0,
        "request": {"method": "POST", "url": "https://hub.example.com/fhircast",
            "headers": [{"name": "Content-Type", "value": "application/json"}],
            "postData": {"mimeType": "application/json", "text": event.to_string()}},
        "response": {"status": 202, "headers": [], "content": {"text": ""}},
    });
    record["log"]["entries"].as_array_mut().unwrap().push(entry);
    // The hub passes it on, as it may.
    event["id"] = json!("event-2");
    let frame = json!({"type": "receive", "time": 1_767_225_603.0, "opcode": 1, "data": event.to_string()});
    let answer = json!({"type": "send", "time": 1_767_225_603.1, "opcode": 1,
        "data": json!({"id": "event-2", "status": "200"}).to_string()});
    let frames = record["log"]["entries"][1]["_webSocketMessages"]
        .as_array_mut()
        .unwrap();
    frames.extend([frame, answer]);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("viewer.har");
    std::fs::write(&file, record.to_string()).unwrap();
    for (arguments, is_broken) in [
        (&[][..], true),
        (&["--base-fhir", "fail"], true),
        (&["--base-fhir", "note"], false),
        (&["--no-fhir"], false),
    ] {
        let (ended, reports) = validated(file.clone(), &[&["--as", "subscriber"], arguments].concat());
        assert_eq!(
            ended.code,
            Some(i32::from(is_broken)),
            "{arguments:?}: {}",
            ended.out
        );
        let found: Vec<String> = broken(&reports).into_iter().map(|(_, id)| id).collect();
        let expected = if is_broken {
            vec!["event.valid-fhir".to_owned()]
        } else {
            Vec::new()
        };
        assert_eq!(found, expected, "{arguments:?}");
    }
    let (_, reports) = validated(file, &["--as", "hub"]);
    let of_hub = broken(&reports);
    assert!(of_hub.iter().all(|(_, id)| !id.contains("fhir")), "{of_hub:?}");
}

#[test]
fn what_cannot_be_judged_is_told_in_one_line() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let header = "{\"castspec_capture\":1,\"tool\":{\"name\":\"castspec\",\"version\":\"0\"},\"started\":\"2026-01-01T00:00:00Z\",\"upstream\":\"http://h/fhircast\"}\n";
    let empty = file("empty.jsonl", header);
    Ended::with(&["validate", &empty]).says(&["nothing in it can be judged"]);
    let damaged = file("damaged.jsonl", &format!("{header}{{\"at_ms\":1}}\n"));
    Ended::with(&["validate", &damaged]).says(&["damaged.jsonl: line 2: ", "missing field `kind`"]);
    let later = file("later.jsonl", &header.replace(":1,", ":7,"));
    Ended::with(&["validate", &later]).says(&["line 1: is a capture of format 7"]);
    let foreign = file("foreign.har", "{\"log\": {\"entries\": []}}");
    Ended::with(&["validate", &foreign]).says(&["foreign.har: is a HAR file without a subscription"]);
    let message = file("message.json", "{}");
    Ended::with(&["validate", &message, "--as", "hub"]).says(&["--as is for a recorded conversation"]);
    Ended::with(&["validate", &message, &empty, "--kind", "denial"]).says(&["give it alone"]);
    Ended::with(&["validate", &empty, "--json"]).says(&["--json is for messages"]);
}
