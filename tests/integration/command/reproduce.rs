//! A capture becomes a scenario that fails where the captured hub was wrong and passes elsewhere, and then the smallest that does.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Stdio};

use crate::command_support::{Ended, HubProcess, process};

struct Recorder(Child, String);

impl Recorder {
    fn start(upstream: &str, capture: &str) -> Self {
        let mut child = process()
            .args(["record", "--plaintext", "--upstream", upstream, "--out", capture])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let url = line
            .trim()
            .strip_prefix("castspec record listening on ")
            .expect(&line);
        let url = url.to_owned();
        Self(child, url)
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// An application, ended with the test.
struct Viewer(Child);

impl Drop for Viewer {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn text(path: &Path) -> String {
    path.to_str().unwrap().to_owned()
}

#[test]
fn a_capture_of_a_defect_becomes_the_smallest_scenario_that_shows_it() {
    const REQUIREMENT: &str = "publish.broadcast-to-requester";
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| text(&folder.path().join(name));
    let (capture, bug, small, reports) = (
        path("capture.jsonl"),
        path("bug.yaml"),
        path("small.yaml"),
        path("reports"),
    );
    let defect = ["--defect", "requester-left-out"];
    let hub = HubProcess::start(&[&["--plaintext", "--unjudged"], &defect[..]].concat());
    let target = |url: &str| {
        let file = path("target.toml");
        let text = format!("hub_url = \"{url}\"\n[timing]\nresponse = 0.5\nquiet = 0.1\n");
        std::fs::write(&file, text).unwrap();
        file
    };
    {
        let recorder = Recorder::start(&hub.url, &capture);
        let target = target(&recorder.1);
        let ended = Ended::with(&[
            "run",
            "notification/broadcast",
            "--target",
            &target,
            "--reports",
            &reports,
        ]);
        assert_eq!(ended.code, Some(1), "{}{}", ended.out, ended.error);
    }
    let ended = Ended::with(&["scenario", "from", &capture, "--out", &bug]);
    assert_eq!(ended.code, Some(0), "{}", ended.error);

    let replayed = |further: &[&str]| Ended::with(&[&["replay", capture.as_str()], further].concat());
    let same = replayed(&defect);
    assert_eq!(same.code, Some(0), "{}{}", same.out, same.error);
    assert!(same.out.contains("nothing is otherwise"), "{}", same.out);
    let better = replayed(&["--fhircast-version", "STU3", "--timing", "captured"]);
    assert_eq!(better.code, Some(1), "{}{}", better.out, better.error);
    let told = "captured: nothing here\n  now:      Patient-open ";
    assert!(better.out.contains(told), "{}", better.out);

    let run = |scenario: &str, further: &[&str]| {
        let common = [
            "run",
            "--scenarios",
            scenario,
            "--only-given",
            "--reports",
            &reports,
        ];
        Ended::with(&[&common[..], further].concat())
    };
    let direct = target(&hub.url);
    let told = format!("fail {REQUIREMENT} (c");
    let smallest = |scenario: &str| {
        let defective = run(scenario, &["--target", &direct]);
        assert_eq!(defective.code, Some(1), "{}{}", defective.out, defective.error);
        assert!(defective.out.contains(&told), "{}", defective.out);
        let clean = run(scenario, &[]);
        assert_eq!(clean.code, Some(0), "{}{}", clean.out, clean.error);
    };
    smallest(&bug);

    let ended = Ended::with(&[
        "minimise",
        &bug,
        "--requirement",
        REQUIREMENT,
        "--target",
        &direct,
        "--out",
        &small,
    ]);
    assert_eq!(ended.code, Some(0), "{}", ended.error);
    assert!(
        ended.error.contains("publish.broadcast-to-requester still fails"),
        "{}",
        ended.error
    );
    smallest(&small);
    let steps = |file: &str| std::fs::read_to_string(file).unwrap().matches("\n- ").count();
    assert!(
        steps(&small) < steps(&bug),
        "{}",
        std::fs::read_to_string(&small).unwrap()
    );

    let clean = Ended::with(&["minimise", &small, "--fhircast-version", "STU3"]);
    clean.says(&["does not fail"]);
    Ended::with(&["scenario", "from", &bug]).says(&["bug.yaml", "line 1", "capture"]);
}

#[test]
fn a_capture_s_hub_is_played_for_real_applications() {
    let folder = tempfile::tempdir().unwrap();
    let capture = text(&folder.path().join("capture.jsonl"));
    let arguments = |name: &'static str, further: &'static [&'static str]| {
        let common = [
            "--topic",
            "desk",
            "--events",
            "Patient-open,SyncError",
            "--name",
            name,
            "--unjudged",
        ];
        [&common[..], further].concat()
    };
    // A viewer that refuses, and a worklist that is told so.
    let desk = |url: &str, answer: &'static [&'static str]| {
        let mut viewer = process()
            .args(["subscriber", "--hub", url, "--json"])
            .args(arguments("Viewer", answer))
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(viewer.stdout.take().unwrap());
        let mut line = String::new();
        lines.read_line(&mut line).unwrap();
        let viewer = Viewer(viewer);
        assert!(line.contains("confirmation"), "{line}");
        let publishing = &["--event", "Patient-open", "--count", "2"];
        let worklist = Ended::with(
            &[
                &["subscriber", "--hub", url, "--json"],
                &arguments("Worklist", publishing)[..],
            ]
            .concat(),
        );
        assert_eq!(worklist.code, Some(0), "{}{}", worklist.out, worklist.error);
        // The viewer stays until whoever plays the hub has its answer.
        (worklist.out, viewer)
    };
    const REFUSES: &[&str] = &["--answer", "Patient-open=409"];
    const ACCEPTS: &[&str] = &["--answer", "200"];
    let hub = HubProcess::start(&["--plaintext", "--unjudged"]);
    let captured = {
        let recorder = Recorder::start(&hub.url, &capture);
        desk(&recorder.1, REFUSES).0
    };
    assert!(captured.contains("SyncError"), "{captured}");
    for (answer, told) in [
        (REFUSES, "the applications do as in the capture"),
        (ACCEPTS, "captured: 409"),
    ] {
        let mut child = process()
            .args([
                "replay",
                &capture,
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
        let mut line = String::new();
        out.read_line(&mut line).unwrap();
        let url = line
            .trim()
            .strip_prefix("castspec replay listening on ")
            .expect(&line);
        let (seen, _viewer) = desk(url, answer);
        assert!(
            seen.contains("SyncError"),
            "it is what the hub of the capture sent: {seen}"
        );
        let mut rest = String::new();
        std::io::Read::read_to_string(&mut out, &mut rest).unwrap();
        let code = child.wait().unwrap().code();
        assert!(rest.contains(told), "{rest}");
        assert_eq!(code, Some(i32::from(!rest.contains("do as in the capture"))));
    }
}
