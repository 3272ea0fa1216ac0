//! What `castspec record` adds to the way between a hub and its subscribers: the same messages direct and through the recorder,
//! in turns, in one run.
//!
//! `cargo bench --bench record_latency`; with `-- --quick` fewer messages.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a benchmark prints, and fails by panicking"
)]

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use futures_util::{SinkExt, StreamExt};
use hdrhistogram::Histogram;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async_with_config};

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

struct Process(Child, String);

impl Process {
    fn start(arguments: &[&str], says: &str) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_castspec"))
            .args(arguments)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let url = line.trim().strip_prefix(says).unwrap().to_owned();
        Self(child, url)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::main]
async fn main() {
    // A provider that is already installed is the same one.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let rounds = match std::env::args().any(|argument| argument == "--quick") {
        true => 300,
        false => 5_000,
    };
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("capture.jsonl");
    let hub = Process::start(
        &["hub", "--plaintext", "--unjudged"],
        "castspec hub listening on ",
    );
    let arguments = ["record", "--plaintext", "--upstream", &hub.1, "--out"];
    let recorder = Process::start(
        &[&arguments[..], &[out.to_str().unwrap()]].concat(),
        "castspec record listening on ",
    );
    let http = reqwest::Client::builder()
        .no_proxy()
        .tcp_nodelay(true)
        .build()
        .unwrap();

    for padding in [0, 10_000] {
        let mut events = [&hub.1, &recorder.1].map(|_| Histogram::<u64>::new(3).unwrap());
        let mut requests = events.clone();
        let mut sockets = Vec::new();
        for (at, url) in [&hub.1, &recorder.1].into_iter().enumerate() {
            let topic = format!("topic-{padding}-{at}");
            sockets.push((join(&http, url, &topic).await, topic));
        }
        for round in 0..rounds + rounds / 10 {
            for (at, url) in [&hub.1, &recorder.1].into_iter().enumerate() {
                let (socket, topic) = &mut sockets[at];
                let event = event(topic, round, padding);
                let begin = Instant::now();
                // Published to the hub itself: only the way to the subscriber differs.
                let publishing = http.post(&hub.1).json(&event).send();
                let (published, received) = tokio::join!(publishing, async {
                    next(socket).await;
                    begin.elapsed()
                });
                assert_eq!(published.unwrap().status(), 202);
                // Outside of what is measured; the hub gives up on who never answers.
                let answer = json!({"id": format!("event-{round}"), "status": "200"});
                socket.send(Message::text(answer.to_string())).await.unwrap();
                let begin = Instant::now();
                let answer = http.get(format!("{url}/{topic}")).send().await.unwrap();
                assert_eq!(answer.status(), 200);
                answer.bytes().await.unwrap();
                let answered = begin.elapsed();
                if round >= rounds / 10 {
                    record(&mut events[at], received);
                    record(&mut requests[at], answered);
                }
            }
        }
        let size = event("t", 0, padding).to_string().len();
        println!("{rounds} messages of {size} bytes, in turns");
        tell("an event, from publishing to receipt", &events);
        tell("a request for the current context", &requests);
    }
    let length = std::fs::metadata(&out).unwrap().len();
    println!("capture: {length} bytes");
}

fn record(histogram: &mut Histogram<u64>, took: Duration) {
    histogram
        .record(u64::try_from(took.as_micros()).unwrap())
        .unwrap();
}

fn tell(what: &str, both: &[Histogram<u64>; 2]) {
    let [direct, through] = both;
    println!("  {what}");
    for (name, quantile) in [("median", 0.5), ("99th percentile", 0.99)] {
        let [direct, through] =
            [direct, through].map(|histogram| histogram.value_at_quantile(quantile) as f64 / 1_000.0);
        let added = through - direct;
        println!(
            "    {name:<16} direct {direct:.3} ms, through the recorder {through:.3} ms: {added:+.3} ms"
        );
    }
}

fn event(topic: &str, round: usize, padding: usize) -> Value {
    json!({
        "timestamp": "2026-01-01T00:00:00Z",
        "id": format!("event-{round}"),
        "event": {"hub.topic": topic, "hub.event": "Patient-open", "context": [
            {"key": "patient", "resource": {
                "resourceType": "Patient",
                "id": "p",
                "identifier": [{"system": "urn:oid:2.999", "value": "x".repeat(padding)}],
            }},
        ]},
    })
}

async fn join(http: &reqwest::Client, url: &str, topic: &str) -> Socket {
    let form = [
        ("hub.channel.type", "websocket"),
        ("hub.mode", "subscribe"),
        ("hub.topic", topic),
        ("hub.events", "Patient-open"),
    ];
    let answer: Value = http
        .post(url)
        .form(&form)
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    let endpoint = answer["hub.channel.endpoint"].as_str().unwrap();
    let (mut socket, _) = connect_async_with_config(endpoint, None, true).await.unwrap();
    next(&mut socket).await;
    socket
}

async fn next(socket: &mut Socket) -> String {
    loop {
        if let Message::Text(text) = socket.next().await.unwrap().unwrap() {
            return text.to_string();
        }
    }
}
