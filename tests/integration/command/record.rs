//! `castspec record` as people use it: between a hub and its subscribers, with real sockets.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use crate::command_support::recorder::{RecorderProcess, messages};
use crate::command_support::{ClosedPort, Ended, HubProcess, report, verdicts};
use castspec_judging::capture::{Message, Side};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{self, Message as Frame};

type Socket = tokio_tungstenite::WebSocketStream<tokio_tungstenite::MaybeTlsStream<tokio::net::TcpStream>>;

fn hub(version: &str) -> HubProcess {
    HubProcess::start(&["--plaintext", "--unjudged", "--fhircast-version", version])
}

/// Subscribes and connects; what the hub said and sent first is checked by other tests.
async fn join(hub_url: &str, topic: &str) -> Socket {
    let form = [
        ("hub.channel.type", "websocket"),
        ("hub.mode", "subscribe"),
        ("hub.topic", topic),
        ("hub.events", "Patient-open"),
    ];
    let _ = rustls::crypto::ring::default_provider().install_default();
    let answer = reqwest::Client::new()
        .post(hub_url)
        .form(&form)
        .send()
        .await
        .unwrap();
    let answer: Value = answer.json().await.unwrap();
    let endpoint = answer["hub.channel.endpoint"].as_str().unwrap();
    let host = url::Url::parse(hub_url).unwrap();
    assert!(
        endpoint.contains(&format!(":{}/", host.port().unwrap())),
        "{endpoint} leads past {host}"
    );
    let (mut socket, _) = tokio_tungstenite::connect_async(endpoint).await.unwrap();
    assert!(next(&mut socket).await.contains("hub.lease_seconds"));
    socket
}

/// What does not come soon does not come at all.
async fn soon<T>(what: impl Future<Output = T>) -> T {
    let patience = Duration::from_secs(20);
    tokio::time::timeout(patience, what).await.expect("nothing came")
}

async fn next(socket: &mut Socket) -> String {
    loop {
        let frame = soon(socket.next()).await;
        if let Frame::Text(text) = frame.unwrap().unwrap() {
            return text.to_string();
        }
    }
}

async fn publish(hub_url: &str, topic: &str, id: &str) -> u16 {
    let event = json!({
        "timestamp": "2026-01-01T00:00:00Z",
        "id": id,
        "event": {"hub.topic": topic, "hub.event": "Patient-open", "context": [
            {"key": "patient", "resource": {"resourceType": "Patient", "id": "p", "identifier": [{"system": "urn:oid:2.999", "value": "1"}]}},
        ]},
    });
    let request = reqwest::Client::new()
        .post(hub_url)
        .bearer_auth("0123456789abcdef-bearer");
    request.json(&event).send().await.unwrap().status().as_u16()
}

#[test]
fn a_run_through_the_recorder_comes_to_the_same_verdicts() {
    for (version, selectors) in [
        (
            "STU3",
            &[
                "subscribing",
                "notification",
                "unsubscribing",
                "current-context",
                "discovery",
            ][..],
        ),
        (
            "STU2",
            &[
                "webhooks/signed",
                "webhooks/query-of-the-callback-verified",
                "confirmation",
            ],
        ),
        (
            "STU1",
            &[
                "webhooks/signed",
                "webhooks/query-of-the-callback-notified",
                "webhooks/verified",
            ],
        ),
    ] {
        let hub = hub(version);
        let mut recorder = RecorderProcess::start(&hub.url, &["--plaintext", "--fhircast-version", version]);
        let judged = [&hub.url, &recorder.url].map(|url| {
            let reports = tempfile::tempdir().unwrap();
            let folder = reports.path().to_str().unwrap();
            let arguments = [
                "run",
                "--hub",
                url,
                "--fhircast-version",
                version,
                "--reports",
                folder,
            ];
            let ended = Ended::with(&[&arguments, selectors].concat());
            assert_eq!(ended.code, Some(0), "{version}: {}{}", ended.out, ended.error);
            verdicts(&report(reports.path()))
        });
        assert_eq!(judged[0], judged[1], "{version}");
        assert_eq!(recorder.stop().0, Some(0));
        let messages = messages(&recorder.capture());
        assert!(matches!(messages.last(), Some(Message::Stopped)));
        let count = |wanted: fn(&Message) -> bool| messages.iter().filter(|message| wanted(message)).count();
        let answered = count(|message| matches!(message, Message::CallbackResponse { .. }));
        assert_eq!(answered > 2, version != "STU3", "{version}: {answered} callbacks");
        assert_eq!(
            count(|message| matches!(message, Message::Opened { .. })) > 5,
            version != "STU1",
            "{version}"
        );
    }
}

#[test]
fn over_tls_too() {
    let folder = tempfile::tempdir().unwrap();
    let [hub_ca, own_ca] = ["hub.pem", "recorder.pem"].map(|name| folder.path().join(name));
    let [hub_ca, own_ca] = [&hub_ca, &own_ca].map(|path| path.to_str().unwrap());
    let hub = HubProcess::start(&["--unjudged", "--ca-out", hub_ca]);
    let recorder = RecorderProcess::start(&hub.url, &["--ca-cert", hub_ca, "--ca-out", own_ca]);
    assert!(recorder.url.starts_with("https://") && recorder.url.ends_with("/fhircast"));
    let reports = folder.path().join("reports");
    let arguments = [
        "run",
        "--hub",
        &recorder.url,
        "--ca-cert",
        own_ca,
        "notification/broadcast",
        "--reports",
    ];
    let ended = Ended::with(&[&arguments[..], &[reports.to_str().unwrap()]].concat());
    assert_eq!(ended.code, Some(0), "{}{}", ended.out, ended.error);
}

#[tokio::test]
async fn what_a_subscriber_has_seen_is_in_the_capture_though_the_recorder_is_killed() {
    let hub = hub("STU3");
    let mut recorder = RecorderProcess::start(&hub.url, &["--plaintext"]);
    let mut socket = join(&recorder.url, "t").await;
    let url = hub.url.clone();
    let publishing = tokio::spawn(async move {
        for number in 0.. {
            publish(&url, "t", &format!("event-{number}")).await;
        }
    });
    let mut seen = Vec::new();
    while seen.len() < 100 {
        seen.push(next(&mut socket).await);
    }
    recorder.kill();
    publishing.abort();
    while let Some(Ok(frame)) = socket.next().await {
        if let Frame::Text(text) = frame {
            seen.push(text.to_string());
        }
    }
    let recorded: Vec<String> = messages(&recorder.capture())
        .into_iter()
        .filter_map(|message| match message {
            Message::Text(frame) if frame.from == Side::Hub => Some(frame.body.text()),
            _ => None,
        })
        .skip(1)
        .collect();
    assert!(
        recorded.len() >= seen.len(),
        "{} of {} messages",
        recorded.len(),
        seen.len()
    );
    assert_eq!(recorded[..seen.len()], seen);
}

#[tokio::test]
async fn secrets_are_nowhere_in_the_capture() {
    let hub = hub("STU2");
    let mut recorder = RecorderProcess::start(&hub.url, &["--plaintext"]);
    let mut socket = join(&recorder.url, "t").await;
    publish(&recorder.url, "t", "1").await;
    next(&mut socket).await;
    let form = [
        ("hub.callback", "http://127.0.0.1:9/c?token=query-s3cret"),
        ("hub.mode", "subscribe"),
        ("hub.topic", "t"),
        ("hub.secret", "hub-s3cret &"),
        ("hub.events", "patient-open"),
    ];
    let request = reqwest::Client::new().post(format!("{}?access_token=url-s3cret", recorder.url));
    request
        .form(&form)
        .header("cookie", "id=cookie-s3cret")
        .send()
        .await
        .unwrap();
    recorder.stop();
    let text = std::fs::read_to_string(recorder.capture()).unwrap();
    assert!(
        !text.contains("s3cret") && !text.contains("0123456789abcdef-bearer"),
        "{text}"
    );
    assert!(
        text.contains("hub.secret=redacted-") && text.contains("\"Bearer redacted-"),
        "{text}"
    );
    assert!(
        text.contains("/socket/redacted-"),
        "endpoints let in who knows them: {text}"
    );
}

#[tokio::test]
async fn closes_pings_and_ends_are_passed_on_in_both_directions() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let upstream = format!("http://{}/fhircast", listener.local_addr().unwrap());
    let mut recorder = RecorderProcess::start(&upstream, &["--plaintext"]);
    let endpoint = recorder.url.replace("http", "ws");
    let both = || async {
        let accepting = async {
            let (stream, _) = listener.accept().await.unwrap();
            tokio_tungstenite::accept_async(stream).await.unwrap()
        };
        let connecting = tokio_tungstenite::connect_async(&endpoint);
        let (hub, app) = tokio::join!(accepting, connecting);
        (hub, app.unwrap().0)
    };
    let close = |code| CloseFrame {
        code: CloseCode::from(code),
        reason: "why".into(),
    };

    let (mut hub, mut app) = both().await;
    hub.send(Frame::Ping(vec![1, 2].into())).await.unwrap();
    assert_eq!(
        soon(app.next()).await.unwrap().unwrap(),
        Frame::Ping(vec![1, 2].into())
    );
    app.flush().await.unwrap();
    assert_eq!(
        soon(hub.next()).await.unwrap().unwrap(),
        Frame::Pong(vec![1, 2].into())
    );
    app.send(Frame::binary(vec![0xff, 0])).await.unwrap();
    assert_eq!(
        soon(hub.next()).await.unwrap().unwrap(),
        Frame::binary(vec![0xff, 0])
    );
    hub.close(Some(close(1008))).await.unwrap();
    assert_eq!(
        soon(app.next()).await.unwrap().unwrap(),
        Frame::Close(Some(close(1008)))
    );
    // The answer leaves with the next read, and the hub ends the connection once it has it.
    let (end, answer) = tokio::join!(soon(app.next()), async {
        let answer = soon(hub.next()).await;
        drop(hub);
        answer
    });
    assert!(end.is_none() && matches!(answer, Some(Ok(Frame::Close(_)))));

    let (mut hub, mut app) = both().await;
    app.close(Some(close(4001))).await.unwrap();
    assert_eq!(
        soon(hub.next()).await.unwrap().unwrap(),
        Frame::Close(Some(close(4001)))
    );

    let (hub, mut app) = both().await;
    drop(hub);
    let ended = soon(app.next()).await;
    assert!(
        matches!(ended, None | Some(Err(tungstenite::Error::Protocol(_)))),
        "{ended:?}"
    );

    let (mut hub, app) = both().await;
    drop(app);
    assert!(!matches!(soon(hub.next()).await, Some(Ok(_))));

    let (_, said) = recorder.stop();
    assert!(
        said.contains("WebSocket 3, the hub's side: the connection ended without a close frame"),
        "{said}"
    );
    assert!(said.contains("WebSocket 4, the subscriber's side: "), "{said}");
    let told: Vec<(u64, Side, Option<u16>)> = messages(&recorder.capture())
        .into_iter()
        .filter_map(|message| match message {
            Message::Closed {
                connection,
                from,
                code,
                ..
            } => Some((connection, from, code)),
            Message::Broken { connection, from, .. } => Some((connection, from, None)),
            _ => None,
        })
        .collect();
    let expected = [
        (1, Side::Hub, Some(1008)),
        (1, Side::Subscriber, Some(1008)),
        (2, Side::Subscriber, Some(4001)),
    ];
    assert_eq!(told[..3], expected);
    assert!(
        told.contains(&(3, Side::Hub, None)) && told.contains(&(4, Side::Subscriber, None)),
        "{told:?}"
    );
}

/// A server that answers one request with these bytes, and gives what it was asked.
fn answering(answer: Vec<u8>) -> (String, std::thread::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/base/fhircast", listener.local_addr().unwrap());
    let asked = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut asked = Vec::new();
        let mut byte = [0];
        while !asked.ends_with(b"~end") {
            assert_eq!(stream.read(&mut byte).unwrap(), 1);
            asked.push(byte[0]);
        }
        stream.write_all(&answer).unwrap();
        String::from_utf8(asked).unwrap()
    });
    (url, asked)
}

/// Sends bytes and reads until the other side closes.
fn exchange(url: &str, request: &str) -> String {
    let url = url::Url::parse(url).unwrap();
    let mut stream = TcpStream::connect((url.host_str().unwrap(), url.port().unwrap())).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    String::from_utf8(answer).unwrap()
}

#[test]
fn bodies_keep_their_bytes_and_the_path_below_the_hub_is_any() {
    let answer = "{ \"x\":1.00,  \"hub.channel.endpoint\"\t: \"wss://other.example.com/s/1?a=b\" }\n";
    let head = format!(
        "HTTP/1.1 202 Accepted\r\nX-Own: kept\r\nContent-Length: {}\r\n\r\n",
        answer.len()
    );
    let (upstream, asked) = answering([head.as_bytes(), answer.as_bytes()].concat());
    let mut recorder = RecorderProcess::start(&upstream, &["--plaintext"]);
    let body = "hub.topic=%7E+%7e&hub%2Ecallback=http%3a//app/c%3Fx%3D1&&x=~end";
    let request = format!(
        "POST /base/fhircast/any/path?q=%7e HTTP/1.1\r\nHost: recorder.local:1\r\nConnection: close, X-Hop\r\nX-Hop: 1\r\nX-Odd: 2\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let answered = exchange(&recorder.url, &request);
    let asked = asked.join().unwrap();
    let host = url::Url::parse(&upstream).unwrap();
    assert!(
        asked.starts_with("POST /base/fhircast/any/path?q=%7e HTTP/1.1\r\n"),
        "{asked}"
    );
    assert!(
        asked.contains(&format!("host: 127.0.0.1:{}\r\n", host.port().unwrap())),
        "{asked}"
    );
    assert!(
        asked.contains("x-odd: 2\r\n") && !asked.contains("x-hop"),
        "{asked}"
    );
    let (before, rest) = asked
        .split_once("\r\n\r\nhub.topic=%7E+%7e&hub%2Ecallback=")
        .unwrap();
    assert!(before.contains("content-length: "));
    let (callback, after) = rest.split_once('&').unwrap();
    assert!(
        callback.starts_with("http%3A%2F%2F127.0.0.1%3A") && callback.ends_with("%3Fx%3D1"),
        "{callback}"
    );
    assert_eq!(after, "&x=~end");
    assert!(
        answered.starts_with("HTTP/1.1 202 Accepted\r\n") && answered.contains("x-own: kept\r\n"),
        "{answered}"
    );
    let (_, passed) = answered.split_once("\r\n\r\n").unwrap();
    let begins = "{ \"x\":1.00,  \"hub.channel.endpoint\"\t: \"ws://recorder.local:1/castspec-record/socket/";
    assert!(
        passed.starts_with(begins) && passed.ends_with("\" }\n"),
        "{passed}"
    );
    recorder.stop();
    let messages = messages(&recorder.capture());
    assert!(
        matches!(&messages[0], Message::Request { body: recorded, replaced, .. } if recorded.text() == body && replaced == &["hub.callback"])
    );
    assert!(
        matches!(&messages[1], Message::Response { replaced, body, .. } if replaced == &["hub.channel.endpoint"] && body.text().contains("wss://other.example.com/s/redacted-"))
    );
}

#[test]
fn a_hub_that_is_gone_is_told_and_the_recorder_goes_on() {
    let closed = ClosedPort::reserve();
    let mut recorder = RecorderProcess::start(
        &format!("http://127.0.0.1:{}/fhircast", closed.number()),
        &["--plaintext"],
    );
    for _ in 0..2 {
        let answered = exchange(
            &recorder.url,
            "GET /fhircast/topic HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
        );
        assert!(
            answered.starts_with("HTTP/1.1 502 ") && answered.contains("the hub did not answer"),
            "{answered}"
        );
    }
    let (code, said) = recorder.stop();
    assert_eq!((code, said.lines().count()), (Some(0), 2), "{said}");
    assert!(
        said.starts_with("castspec: the hub did not answer (exchange 1, http://127.0.0.1:"),
        "{said}"
    );
    let failed = messages(&recorder.capture()).into_iter();
    assert_eq!(
        failed
            .filter(|message| matches!(message, Message::NoResponse { from: Side::Hub, .. }))
            .count(),
        2
    );
}

#[test]
fn what_stands_in_the_way_is_told_in_one_line() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("capture.jsonl");
    std::fs::write(&out, "mine").unwrap();
    let out = out.to_str().unwrap();
    let hub = "http://127.0.0.1:9/fhircast";
    Ended::with(&["record", "--upstream", hub, "--out", out]).says(&["is there already", "--out"]);
    assert_eq!(std::fs::read_to_string(out).unwrap(), "mine");
    Ended::with(&["record", "--upstream", "ftp://h/x"]).says(&["'ftp://h/x' is no hub.url"]);
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    Ended::with(&["record", "--upstream", hub, "--listen", &address]).says(&["cannot listen on", "--listen"]);
}

#[tokio::test]
async fn keys_signed_urls_and_sessions_are_in_no_capture_and_one_secret_has_one_name() {
    let hub = hub("STU3");
    let mut recorder = RecorderProcess::start(&hub.url, &["--plaintext", "-v"]);
    let _ = rustls::crypto::ring::default_provider().install_default();
    let url = format!(
        "{};jsessionid=session-in-the-path?X-Amz-Signature=signature-of-a-url&sig=signature-of-azure&se=end-of-azure&page=2",
        recorder.url
    );
    for _ in 0..2 {
        let request = reqwest::Client::new()
            .post(&url)
            .header("Ocp-Apim-Subscription-Key", "key-of-the-subscription")
            .header("X-Functions-Key", "key-of-the-function")
            .header("Cookie", "sid=cookie-of-the-session")
            .header("X-Desk", "desk-7")
            .body("hub.mode=subscribe&hub.topic=topic-of-the-desk&remark=key-of-the-subscription");
        soon(request.send()).await.unwrap();
    }
    let (code, said) = recorder.stop();
    assert_eq!(code, Some(0), "{said}");
    let capture = std::fs::read_to_string(recorder.capture()).unwrap();
    for secret in [
        "session-in-the-path",
        "signature-of-a-url",
        "signature-of-azure",
        "end-of-azure",
        "key-of-the-subscription",
        "key-of-the-function",
        "cookie-of-the-session",
    ] {
        assert!(!capture.contains(secret), "the capture has {secret}");
        assert!(!said.contains(secret), "standard error has {secret}");
    }
    for word in ["topic-of-the-desk", "desk-7", "page=2"] {
        assert!(capture.contains(word), "{word} is no secret");
    }
    let headers = messages(&recorder.capture())
        .into_iter()
        .filter_map(|message| match message {
            Message::Request { headers, .. } => headers.get("ocp-apim-subscription-key").map(str::to_owned),
            _ => None,
        });
    let names: Vec<String> = headers.collect();
    assert_eq!(names.len(), 2);
    assert_eq!(names[0], names[1]);
    assert!(
        capture.matches(&names[0]).count() >= 4,
        "in the bodies it has the same name"
    );
}
