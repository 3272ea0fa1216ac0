//! `castspec subscriber` against `castspec hub` in another process.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

use crate::command_support::{Ended, HubProcess, castspec, process};
use serde_json::Value;

/// A subscriber in a process of its own, that prints JSON lines.
struct Running {
    child: Child,
    lines: BufReader<ChildStdout>,
    input: ChildStdin,
}

impl Running {
    fn start(hub: &str, arguments: &[&str]) -> Self {
        let mut child = process()
            .args(["subscriber", "--json", "--topic", "desk", "--hub", hub])
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap());
        let input = child.stdin.take().unwrap();
        Self { child, lines, input }
    }

    fn next(&mut self) -> Value {
        let mut line = String::new();
        self.lines.read_line(&mut line).unwrap();
        serde_json::from_str(&line).expect(&line)
    }

    fn say(&mut self, line: &str) {
        self.input.write_all(format!("{line}\n").as_bytes()).unwrap();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn event_of(line: &Value) -> &str {
    line["message"]["event"]["hub.event"].as_str().unwrap_or_default()
}

#[test]
fn it_publishes_from_a_template_and_follows() {
    let hub = HubProcess::start(&["--plaintext"]);
    let folder = tempfile::tempdir().unwrap();
    let patient = folder.path().join("jane.json");
    let text =
        r#"{"resourceType": "Patient", "id": "jane", "identifier": [{"system": "urn:x", "value": "1"}]}"#;
    std::fs::write(&patient, text).unwrap();
    let ended = Ended::with(&[
        "subscriber",
        "--hub",
        &hub.url,
        "--topic",
        "desk",
        "--events",
        "Patient-open,Patient-close",
        "--event",
        "Patient-open",
        "--event",
        "Patient-close",
        "--patient",
        patient.to_str().unwrap(),
        "--count",
        "2",
    ]);
    assert_eq!(ended.code, Some(0), "{}{}", ended.out, ended.error);
    assert_eq!(ended.error, "");
    // A line begins with the time of day.
    let told: Vec<String> = ended
        .out
        .lines()
        .map(|line| line.split_once(' ').unwrap().1.to_owned())
        .collect();
    assert_eq!(told[0], "subscribed to Patient-open,Patient-close for 7200 s");
    for (line, words) in told[1..].iter().zip([
        "published Patient-open ",
        "published Patient-close ",
        "notification Patient-open ",
        "notification Patient-close ",
    ]) {
        assert!(
            line.starts_with(words) && line.ends_with("(patient Patient/jane)"),
            "{line}"
        );
    }
    assert_eq!(told.len(), 5);
}

#[test]
fn it_answers_by_policy_and_by_hand() {
    let hub = HubProcess::start(&["--plaintext", "--unjudged"]);
    let mut refusing = Running::start(
        &hub.url,
        &[
            "--events",
            "Patient-open",
            "--answer",
            "Patient-open=409",
            "--name",
            "Refuser",
        ],
    );
    assert_eq!(refusing.next()["kind"], "confirmation");
    let mut by_hand = Running::start(&hub.url, &["--events", "Patient-open", "--by-hand"]);
    assert_eq!(by_hand.next()["kind"], "confirmation");
    let mut worklist = Running::start(
        &hub.url,
        &["--events", "SyncError", "--event", "Patient-open", "--stdin"],
    );
    assert_eq!(worklist.next()["kind"], "confirmation");
    assert_eq!(worklist.next()["kind"], "published");
    let told = worklist.next();
    assert_eq!(event_of(&told), "SyncError");
    assert!(told.to_string().contains("Refuser"), "{told}");
    assert_eq!(event_of(&by_hand.next()), "Patient-open");
    by_hand.say("no status");
    by_hand.say("500");
    assert_eq!(event_of(&worklist.next()), "SyncError");
    // What stands on standard input is published.
    let message = &refusing.next()["message"];
    let mut again = message.clone();
    again["id"] = "another".into();
    worklist.say(&again.to_string());
    assert_eq!(worklist.next()["kind"], "published");
    assert_eq!(refusing.next()["message"]["id"], "another");
}

#[test]
fn it_renews_its_lease_and_unsubscribes_at_the_end() {
    let hub = HubProcess::start(&["--plaintext", "--unjudged"]);
    let mut brief = Running::start(&hub.url, &["--events", "Patient-open", "--lease", "1"]);
    for _ in 0..3 {
        assert_eq!(brief.next()["message"]["hub.lease_seconds"], 1);
    }
    let ended = Ended::with(&[
        "subscriber",
        "--json",
        "--hub",
        &hub.url,
        "--topic",
        "desk",
        "--events",
        "Patient-open",
        "--current-context",
        "--for",
        "0.1",
    ]);
    assert_eq!(ended.code, Some(0), "{}", ended.error);
    assert!(ended.out.contains("\"current-context\""), "{}", ended.out);
}

#[test]
fn webhooks_are_verified_and_their_signatures_checked() {
    for version in ["STU1", "STU2"] {
        let hub = HubProcess::start(&["--plaintext", "--unjudged", "--fhircast-version", version]);
        let mut command = castspec();
        command
            .args(["subscriber", "--hub", &hub.url, "--fhircast-version", version])
            .args([
                "--channel",
                "webhook",
                "--topic",
                "desk",
                "--events",
                "patient-open",
            ])
            .args([
                "--event",
                "patient-open",
                "--count",
                "1",
                "--secret-env",
                "THE_SECRET",
            ])
            .env("THE_SECRET", "between-us");
        let ended = Ended::of(&mut command);
        assert_eq!(ended.code, Some(0), "{}{}", ended.out, ended.error);
        assert!(ended.out.contains("its signature is right"), "{}", ended.out);
        assert!(!format!("{}{}", ended.out, ended.error).contains("between-us"));
    }
}

#[test]
fn what_cannot_be_done_is_told_in_a_line() {
    let hub = HubProcess::start(&["--plaintext", "--unjudged"]);
    let with = |arguments: &[&str]| {
        let common = ["subscriber", "--topic", "desk", "--events", "Patient-open"];
        Ended::with(&[&common[..], arguments].concat())
    };
    with(&[]).says(&["--hub", "--target"]);
    with(&["--hub", "http://127.0.0.1:1/"]).says(&["cannot be reached"]);
    with(&["--hub", &hub.url, "--channel", "webhook"]).says(&["STU3 has no webhooks"]);
    let elsewhere = format!("{}/elsewhere", hub.url);
    with(&["--hub", &elsewhere]).says(&["refused the request with"]);
    with(&["--hub", &hub.url, "--answer", "maybe"]).says(&["maybe", "409"]);
}

#[test]
fn a_hub_that_breaks_something_is_told_of() {
    let defect = ["--defect", "notification-without-timestamp"];
    let hub = HubProcess::start(&[&["--plaintext", "--unjudged"], &defect[..]].concat());
    let arguments = [
        "subscriber",
        "--hub",
        &hub.url,
        "--topic",
        "desk",
        "--events",
        "Patient-open",
        "--event",
        "Patient-open",
        "--count",
        "1",
    ];
    let ended = Ended::with(&arguments);
    assert_eq!(ended.code, Some(1), "{}{}", ended.out, ended.error);
    assert!(
        ended.error.starts_with("fail notification.timestamp by the hub"),
        "{}",
        ended.error
    );
    let ended = Ended::with(&[&arguments[..], &["--unjudged"]].concat());
    assert_eq!(ended.code, Some(0), "{}", ended.error);
}

#[test]
fn a_publication_that_is_refused_ends_it() {
    let hub = HubProcess::start(&["--plaintext"]);
    let folder = tempfile::tempdir().unwrap();
    let patient = folder.path().join("nobody.json");
    std::fs::write(&patient, r#"{"resourceType": "Patient"}"#).unwrap();
    let common = [
        "subscriber",
        "--hub",
        &hub.url,
        "--topic",
        "desk",
        "--events",
        "Patient-open",
    ];
    // It would wait for a notification that never comes.
    let publishing = [
        "--event",
        "Patient-open",
        "--count",
        "1",
        "--patient",
        patient.to_str().unwrap(),
    ];
    let ended = Ended::with(&[&common[..], &publishing].concat());
    assert_eq!(ended.code, Some(2), "{}", ended.out);
    ended.begins(&["the hub refused the event with 400"]);
}

#[test]
fn a_sync_error_says_who_refused_what() {
    let hub = HubProcess::start(&["--plaintext", "--unjudged"]);
    let refusing = ["--events", "Patient-open", "--answer", "409", "--name", "Refuser"];
    let mut refusing = Running::start(&hub.url, &refusing);
    assert_eq!(refusing.next()["kind"], "confirmation");
    let common = ["subscriber", "--hub", &hub.url, "--topic", "desk"];
    let publishing = [
        "--events",
        "Patient-open,SyncError",
        "--event",
        "Patient-open",
        "--count",
        "2",
    ];
    let ended = Ended::with(&[&common[..], &publishing].concat());
    assert_eq!(ended.code, Some(0), "{}{}", ended.out, ended.error);
    let sync_error = ended
        .out
        .lines()
        .find(|line| line.contains("notification SyncError"));
    let told = sync_error.unwrap_or_else(|| panic!("{}", ended.out));
    assert!(
        told.contains(": Refuser on Patient-open ") && told.contains("409"),
        "{told}"
    );
    assert!(!ended.out.contains("answered"), "{}", ended.out);
}

#[test]
fn an_answer_that_is_no_success_is_told() {
    let hub = HubProcess::start(&["--plaintext", "--unjudged"]);
    let common = [
        "subscriber",
        "--hub",
        &hub.url,
        "--topic",
        "desk",
        "--events",
        "Patient-open",
    ];
    for (answer, told) in [("409", "  answered 409\n"), ("never", "  not answered\n")] {
        let refusing = ["--event", "Patient-open", "--answer", answer, "--count", "1"];
        let ended = Ended::with(&[&common[..], &refusing].concat());
        assert_eq!(ended.code, Some(0), "{}{}", ended.out, ended.error);
        assert!(ended.out.contains(told), "{}", ended.out);
    }
}
