//! `castspec hub` as a program that watches its subscribers: what it tells of those who misbehave, and of the others nothing.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, frame::coding::CloseCode};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

/// How long anything may take that has to come.
const PATIENCE: Duration = Duration::from_secs(60);
const TOPIC: &str = "topic/1";

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// The hub as a process.
pub(super) struct Hub {
    process: Child,
    pub(super) url: String,
    errors: mpsc::Receiver<String>,
    told: Vec<String>,
    http: reqwest::Client,
}

impl Hub {
    pub(super) fn start(arguments: &[&str]) -> Self {
        // A second test in the same process finds the provider installed already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut process = Command::new(env!("CARGO_BIN_EXE_castspec"))
            .args(["hub", "--plaintext"])
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut stdout = BufReader::new(process.stdout.take().unwrap());
        stdout.read_line(&mut line).unwrap();
        process.stdout = Some(stdout.into_inner());
        let url = line.trim().strip_prefix("castspec hub listening on ").unwrap();
        let (sender, errors) = mpsc::channel();
        let stderr = BufReader::new(process.stderr.take().unwrap());
        std::thread::spawn(move || {
            for line in stderr.lines().map_while(Result::ok) {
                let _ = sender.send(line);
            }
        });
        Self {
            url: url.to_owned(),
            process,
            errors,
            told: Vec::new(),
            http: reqwest::Client::new(),
        }
    }

    async fn form(&self, form: &[(&str, &str)]) -> String {
        let answer = self.http.post(&self.url).form(form).send().await.unwrap();
        assert_eq!(answer.status(), 202);
        answer.text().await.unwrap()
    }

    /// Subscribes, connects and takes the confirmation.
    async fn join(&self, name: &str) -> (Socket, String) {
        let answer = self
            .form(&[
                ("hub.channel.type", "websocket"),
                ("hub.mode", "subscribe"),
                ("hub.topic", TOPIC),
                ("hub.events", "Patient-open,Patient-close"),
                ("subscriber.name", name),
            ])
            .await;
        let answer: Value = serde_json::from_str(&answer).unwrap();
        let endpoint = answer["hub.channel.endpoint"].as_str().unwrap().to_owned();
        let (mut socket, _) = tokio_tungstenite::connect_async(&endpoint).await.unwrap();
        assert_eq!(next(&mut socket).await["hub.mode"], "subscribe");
        (socket, endpoint)
    }

    async fn leave(&self, endpoint: &str) {
        self.form(&[
            ("hub.channel.type", "websocket"),
            ("hub.mode", "unsubscribe"),
            ("hub.topic", TOPIC),
            ("hub.channel.endpoint", endpoint),
        ])
        .await;
    }

    async fn publish(&self, message: &Value) {
        let answer = self.http.post(&self.url).json(message).send().await.unwrap();
        assert_eq!(answer.status(), 202);
    }

    /// Waits until all these requirements have been told of on standard error.
    fn wait_for(&mut self, requirements: &[&str]) {
        let until = Instant::now() + PATIENCE;
        let mut missing: BTreeSet<&str> = requirements.iter().copied().collect();
        while !missing.is_empty() {
            let left = until.saturating_duration_since(Instant::now());
            let Ok(line) = self.errors.recv_timeout(left) else {
                panic!("{missing:?} were not told; told: {:#?}", self.told);
            };
            missing.retain(|id| !line.split(' ').any(|word| word == *id));
            self.told.push(line);
        }
    }

    /// Asks the hub to stop: its exit code, the rest of standard output, and all of standard error.
    pub(super) fn stop(mut self) -> (Option<i32>, String, String) {
        let asked = Command::new("kill")
            .arg(self.process.id().to_string())
            .status()
            .unwrap();
        assert!(asked.success());
        let code = self.process.wait().unwrap().code();
        let mut out = String::new();
        self.process
            .stdout
            .take()
            .unwrap()
            .read_to_string(&mut out)
            .unwrap();
        self.told.extend(self.errors.iter());
        (code, out, self.told.join("\n"))
    }
}

async fn next(socket: &mut Socket) -> Value {
    loop {
        let message = tokio::time::timeout(PATIENCE, socket.next()).await.unwrap();
        if let Message::Text(text) = message.unwrap().unwrap() {
            return serde_json::from_str(&text).unwrap();
        }
    }
}

async fn say(socket: &mut Socket, message: &Value) {
    socket.send(Message::text(message.to_string())).await.unwrap();
}

async fn drain(socket: &mut Socket) {
    while let Ok(Some(Ok(_))) = tokio::time::timeout(PATIENCE, socket.next()).await {}
}

fn patient_open(id: &str, identifier: &Value) -> Value {
    json!({
        "timestamp": "2026-03-01T09:29:00.000Z",
        "id": id,
        "event": {
            "hub.topic": TOPIC,
            "hub.event": "Patient-open",
            "context": [{"key": "patient", "resource": {"resourceType": "Patient", "id": "p", "identifier": identifier}}],
        },
    })
}

fn proper_open(id: &str) -> Value {
    patient_open(id, &json!([{"system": "urn:oid:2.999", "value": "1"}]))
}

/// Breaks as much as fits into a few lines; the endpoint that it was given.
async fn misbehave(hub: &Hub) -> String {
    let (mut viewer, endpoint) = hub.join("Rough\u{7}Viewer").await;
    let (mut silent, _) = hub.join("Silent Viewer").await;
    hub.publish(&patient_open("first-of-the-events", &json!([])))
        .await;
    hub.publish(&proper_open("first-of-the-events")).await;
    assert_eq!(next(&mut viewer).await["id"], "first-of-the-events");
    assert_eq!(next(&mut silent).await["id"], "first-of-the-events");
    say(&mut viewer, &json!({"id": "first-of-the-events", "status": 200})).await;
    say(&mut viewer, &json!({"id": "no-event-at-all", "status": 200})).await;
    let frame = CloseFrame {
        code: CloseCode::Normal,
        reason: "".into(),
    };
    viewer.close(Some(frame)).await.unwrap();
    drain(&mut viewer).await;
    drain(&mut silent).await;
    endpoint
}

const BROKEN: &[&str] = &[
    "patient-open.identifier",
    "publish.id-unique",
    "acknowledgement.id-of-notification",
    "acknowledgement.sent",
    "unsubscribe.on-shutdown",
];

#[tokio::test(flavor = "multi_thread")]
async fn violations_are_told_as_they_happen() {
    let mut hub = Hub::start(&["--ack-timeout", "1"]);
    let endpoint = misbehave(&hub).await;
    hub.wait_for(BROKEN);
    let (code, out, told) = hub.stop();
    assert_eq!(code, Some(0), "{told}");
    assert_eq!(out, "", "one line on standard output and no more");
    let secret = endpoint.rsplit('/').next().unwrap();
    assert!(!told.contains(secret), "{told}");
    assert!(!told.contains('\u{7}'), "{told}");
    let heads: Vec<&str> = told
        .lines()
        .filter(|line| line.starts_with("fail ") || line.starts_with("warn "))
        .collect();
    assert_eq!(heads.len() * 3, told.lines().count(), "three lines each: {told}");
    assert!(
        told.contains("acknowledgement.sent by Silent Viewer in topic topic/1 (SHALL, 2.5"),
        "{told}"
    );
    assert!(told.contains("/id is \"no-event-at-all\""), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn reports_are_written_at_the_end_and_tell_by_the_exit_status() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_str().unwrap();
    let mut hub = Hub::start(&["--ack-timeout", "1", "--reports", path]);
    let endpoint = misbehave(&hub).await;
    hub.wait_for(BROKEN);
    let (code, _, told) = hub.stop();
    assert_eq!(code, Some(1), "{told}");
    for name in ["junit.xml", "report.json", "index.html"] {
        let text = std::fs::read_to_string(folder.path().join(name)).unwrap();
        assert!(text.contains("acknowledgement.sent"), "{name}");
        assert!(!text.contains(endpoint.rsplit('/').next().unwrap()), "{name}");
    }
    let report = std::fs::read_to_string(folder.path().join("report.json")).unwrap();
    let report: Value = serde_json::from_str(&report).unwrap();
    let checks = report["checks"].as_array().unwrap();
    let failed: BTreeSet<&str> = checks
        .iter()
        .filter(|check| check["verdict"] == "fail")
        .filter_map(|check| check["requirement"].as_str())
        .collect();
    assert!(BROKEN.iter().all(|id| failed.contains(id)), "{failed:?}");
    let silent = checks.iter().find(|check| {
        check["scenario"] == "topic-1/Silent Viewer" && check["requirement"] == "acknowledgement.sent"
    });
    let evidence = silent.unwrap()["evidence"].as_array().unwrap();
    assert!(
        evidence[0]["text"]
            .as_str()
            .unwrap()
            .contains("first-of-the-events"),
        "{evidence:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_well_behaved_subscriber_nothing_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let hub = Hub::start(&["--reports", folder.path().to_str().unwrap()]);
    let (mut viewer, endpoint) = hub.join("Viewer").await;
    for round in 0..5 {
        let id = format!("an-event-of-its-own-{round}");
        hub.publish(&proper_open(&id)).await;
        assert_eq!(next(&mut viewer).await["id"], id);
        say(&mut viewer, &json!({"id": id, "status": 200})).await;
    }
    let context = format!("{}/topic%2F1", hub.url);
    let current: Value = hub.http.get(context).send().await.unwrap().json().await.unwrap();
    assert_eq!(current["context.type"], "Patient");
    hub.leave(&endpoint).await;
    drain(&mut viewer).await;
    let (code, out, told) = hub.stop();
    assert_eq!((code, out.as_str(), told.as_str()), (Some(0), "", ""));
    let report = std::fs::read_to_string(folder.path().join("report.json")).unwrap();
    let report: Value = serde_json::from_str(&report).unwrap();
    assert_eq!(report["summary"]["fail"], 0);
    assert!(
        report["summary"]["pass"].as_u64().unwrap() > 30,
        "{}",
        report["summary"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_fhir_fails_its_publisher_and_a_switch_leaves_it_a_note() {
    for (arguments, expected) in [
        (&[][..], 1),
        (&["--base-fhir", "note"], 0),
        (&["--base-fhir", "off"], 0),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().to_str().unwrap();
        let hub = Hub::start(&[&["--reports", path], arguments].concat());
        let (mut viewer, endpoint) = hub.join("Viewer").await;
        let mut open = proper_open("an-event-of-its-own");
        open["event"]["context"][0]["resource"]["gender"] = json!("Woman");
        hub.publish(&open).await;
        assert_eq!(next(&mut viewer).await["id"], "an-event-of-its-own");
        say(&mut viewer, &json!({"id": "an-event-of-its-own", "status": 200})).await;
        hub.leave(&endpoint).await;
        drain(&mut viewer).await;
        let (code, _, told) = hub.stop();
        assert_eq!(code, Some(expected), "{arguments:?}: {told}");
        let head = "fail event.valid-fhir by a publisher in topic topic/1 (SHALL, 2.3 Context)";
        assert_eq!(told.contains(head), expected == 1, "{told}");
        assert_eq!(
            told.contains("/event/context/0/resource/gender"),
            expected == 1,
            "{told}"
        );
        assert!(!told.contains("Woman"), "{told}");
        let report = std::fs::read_to_string(folder.path().join("report.json")).unwrap();
        let noted = report.contains("noted: by base FHIR R4");
        assert_eq!(noted, arguments.contains(&"note"), "{arguments:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_judged_where_that_is_not_wanted() {
    let hub = Hub::start(&["--unjudged"]);
    let (mut viewer, _) = hub.join("Viewer").await;
    say(&mut viewer, &json!({"id": "no-event-at-all", "status": 200})).await;
    viewer.close(None).await.unwrap();
    drain(&mut viewer).await;
    let (code, _, told) = hub.stop();
    assert_eq!((code, told.as_str()), (Some(0), ""));
}

#[test]
fn reports_that_cannot_be_written_or_told_are_refused_at_the_start() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let path = file.path().to_str().unwrap();
    for (arguments, says) in [
        (vec!["--reports", path], "cannot be written"),
        (vec!["--reports", "x", "--unjudged"], "--unjudged"),
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_castspec"))
            .arg("hub")
            .args(&arguments)
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(told.contains(says) && told.lines().count() == 1, "{told}");
    }
}

#[tokio::test]
async fn what_waits_for_the_judge_is_judged_before_the_hub_ends() {
    let folder = tempfile::tempdir().unwrap();
    let hub = Hub::start(&["--reports", folder.path().to_str().unwrap()]);
    let message = json!({
        "timestamp": "yesterday", "id": "1",
        "event": {"hub.topic": TOPIC, "hub.event": "Patient-open", "context": []},
    });
    const TIMES: usize = 300;
    for _ in 0..TIMES {
        // What the hub says to it is not what this is about.
        hub.http.post(&hub.url).json(&message).send().await.unwrap();
    }
    let (code, _, told) = hub.stop();
    assert_eq!(code, Some(1), "{told}");
    assert!(told.contains("publish.timestamp"), "{told}");
    let report = std::fs::read_to_string(folder.path().join("report.json")).unwrap();
    let report: Value = serde_json::from_str(&report).unwrap();
    let checks = report["checks"].as_array().unwrap();
    let of_timestamp = checks
        .iter()
        .find(|check| check["requirement"] == "publish.timestamp");
    let message = of_timestamp.unwrap()["message"].as_str().unwrap();
    assert!(
        message.ends_with(&format!("(the first of {TIMES}, in {TIMES} tries)")),
        "{message}"
    );
}
