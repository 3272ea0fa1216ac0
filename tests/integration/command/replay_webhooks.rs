//! Captured webhooks, played again: as the subscribers, and as the hub.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Stdio};

use crate::command_support::recorder::RecorderProcess;
use crate::command_support::{Ended, HubProcess, process};

const VERSION: [&str; 2] = ["--fhircast-version", "STU2"];

fn subscriber<'a>(hub: &'a str, name: &'a str, further: &[&'a str]) -> Vec<&'a str> {
    let common = [
        "subscriber",
        "--hub",
        hub,
        "--name",
        name,
        "--topic",
        "desk",
        "--json",
        "--unjudged",
    ];
    let channel = ["--channel", "webhook", "--events", "patient-open,syncerror"];
    [&common[..], &VERSION, &channel, further].concat()
}

struct Viewer(Child);

impl Drop for Viewer {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A viewer that answers like this, and a worklist that publishes and hears of it in a SyncError.
fn desk(hub: &str, answer: &str) -> Viewer {
    let mut viewer = process()
        .args(subscriber(hub, "Viewer", &["--answer", answer]))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(viewer.stdout.take().unwrap());
    let viewer = Viewer(viewer);
    let mut line = String::new();
    lines.read_line(&mut line).unwrap();
    assert!(line.contains("verification"), "{line}");
    let publishing = ["--event", "patient-open", "--count", "2", "--for", "20"];
    let worklist = Ended::with(&subscriber(hub, "Worklist", &publishing));
    assert_eq!(worklist.code, Some(0), "{}{}", worklist.out, worklist.error);
    let told = "\"hub.event\":\"syncerror\"";
    assert!(worklist.out.contains(told), "{}", worklist.out);
    // It stays until whoever plays the hub has its answer.
    viewer
}

fn captured() -> RecorderProcess {
    let hub = HubProcess::start(&[&["--plaintext", "--unjudged"], &VERSION[..]].concat());
    let mut recorder = RecorderProcess::start(&hub.url, &["--plaintext"]);
    let viewer = desk(&recorder.url, "409");
    drop(viewer);
    recorder.stop();
    recorder
}

#[test]
fn the_subscribers_of_webhooks_are_played_against_a_hub() {
    let recorder = captured();
    let capture = recorder.capture();
    let replayed = |further: &[&str]| {
        Ended::with(&[&["replay", capture.to_str().unwrap()], &VERSION[..], further].concat())
    };
    let same = replayed(&[]);
    assert_eq!(same.code, Some(0), "{}{}", same.out, same.error);
    assert!(same.out.contains("nothing is otherwise"), "{}", same.out);
    assert!(!same.out.contains("left out"), "{}", same.out);
    let worse = replayed(&["--defect", "no-syncerror-on-conflict"]);
    assert_eq!(worse.code, Some(1), "{}{}", worse.out, worse.error);
    assert!(worse.out.contains("captured: syncerror about"), "{}", worse.out);
    assert!(worse.out.contains("now:      nothing here"), "{}", worse.out);
}

#[test]
fn the_hub_of_webhooks_is_played_for_real_applications() {
    let recorder = captured();
    let capture = recorder.capture();
    for (answer, told) in [
        ("409", "the applications do as in the capture"),
        ("200", "captured: by 409\n  now:      by 200"),
    ] {
        let mut child = process()
            .args([
                "replay",
                capture.to_str().unwrap(),
                "--as",
                "hub",
                "--plaintext",
                "--patience",
                "20",
            ])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let _child = Viewer(child);
        let mut line = String::new();
        out.read_line(&mut line).unwrap();
        let url = line
            .trim()
            .strip_prefix("castspec replay listening on ")
            .expect(&line);
        let _viewer = desk(url, answer);
        let mut rest = String::new();
        out.read_to_string(&mut rest).unwrap();
        assert!(rest.contains(told), "{rest}");
    }
}
