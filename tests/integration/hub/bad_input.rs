//! Whatever clients send: a proper answer or a close, never a panic, and nothing lost for the others.

use std::time::Duration;

use crate::hub_support::{Hub, Socket, patient_open};
use castspec_hub::{Limits, Settings, Transport};
use futures_util::SinkExt;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_tungstenite::MaybeTlsStream;
use tokio_tungstenite::tungstenite::Message;

/// Nothing was lost: an event still reaches a subscriber of its topic, and nothing came before it.
async fn fence(hub: &Hub, witness: &mut Socket) {
    let id = uuid::Uuid::new_v4().to_string();
    assert_eq!(hub.publish(&patient_open(&id, "witnessed")).await.0, 202);
    assert_eq!(witness.next().await["id"], id);
    witness.answer(&id, 200).await;
}

#[tokio::test]
async fn malformed_forms_are_refused_by_parameter() {
    let hub = Hub::plain().await;
    let mut witness = hub.join("witnessed", "Patient-open").await;
    let valid = "hub.channel.type=websocket&hub.mode=subscribe&hub.topic=witnessed&hub.events=Patient-open";
    for (form, status, says) in [
        (String::new(), 400, "hub.mode"),
        ("%%%=%FF&=&&&".to_owned(), 400, "hub.mode"),
        ("\0\u{7}".to_owned(), 400, "hub.mode"),
        (
            format!("{valid}&hub.mode=subscribe"),
            400,
            "hub.mode appears 2 times",
        ),
        (
            valid.replace("=subscribe", "=Subscribe"),
            400,
            "hub.mode must be the literal",
        ),
        (
            valid.replace("hub.topic=witnessed", "hub.topic="),
            400,
            "hub.topic",
        ),
        (valid.replace("Patient-open", "Patient-*"), 400, "hub.events"),
        (valid.replace("Patient-open", ","), 400, "hub.events"),
        (valid.replace("Patient-open", "nonsense"), 400, "hub.events"),
        (valid.replace("websocket", "webhook"), 400, "hub.channel.type"),
        (
            valid.replace("hub.channel.type=websocket&", ""),
            400,
            "hub.channel.type",
        ),
        (
            format!("{valid}&hub.lease_seconds=never"),
            400,
            "hub.lease_seconds",
        ),
        (
            format!("{valid}&hub.lease_seconds=99999999999999999999999"),
            400,
            "hub.lease_seconds",
        ),
        (
            format!("{valid}&hub.channel.endpoint=wss://elsewhere/1"),
            404,
            "hub.channel.endpoint",
        ),
        (
            valid.replace("=subscribe", "=unsubscribe"),
            400,
            "hub.channel.endpoint",
        ),
    ] {
        let (got, body) = hub.post("application/x-www-form-urlencoded", form.clone()).await;
        assert_eq!(got, status, "{form}: {body}");
        assert!(body.contains(says), "{form}: {body}");
        assert!(body.contains("FHIRcast STU3, 2."), "{form}: {body}");
    }
    fence(&hub, &mut witness).await;
}

#[tokio::test]
async fn malformed_events_are_refused_by_pointer() {
    let hub = Hub::plain().await;
    let mut witness = hub.join("witnessed", "Patient-open").await;
    let valid = patient_open("never", "witnessed");
    let without = |member: &str| {
        let mut event = valid.clone();
        event.as_object_mut().unwrap().remove(member);
        event.to_string().into_bytes()
    };
    let nested = format!("{}{}", "[".repeat(200_000), "]".repeat(200_000));
    let deep = |place: &str| valid.to_string().replace(place, &nested).into_bytes();
    for (body, says) in [
        (Vec::new(), "not a JSON object"),
        (b"{".to_vec(), "not a JSON object"),
        (b"[]".to_vec(), "not a JSON object"),
        (b"null".to_vec(), "not a JSON object"),
        (b"\xff\xfe{}".to_vec(), "UTF-8"),
        (nested.clone().into_bytes(), "not a JSON object"),
        (deep(r#""never""#), "/id"),
        (deep(r#""2026-03-01T09:29:00.000Z""#), "/timestamp"),
        (without("timestamp"), "/timestamp"),
        (without("id"), "/id"),
        (without("event"), "/event"),
        (
            valid
                .to_string()
                .replace("Patient-open", "Patient-merge")
                .into_bytes(),
            "/event/hub.event",
        ),
        (
            valid.to_string().replace("09:29", "009:29").into_bytes(),
            "/timestamp",
        ),
        (
            valid.to_string().replace(r#""id":"p""#, r#""id":7"#).into_bytes(),
            "/event/context/0/resource",
        ),
    ] {
        let shown = String::from_utf8_lossy(&body[..body.len().min(100)]).into_owned();
        let (status, answer) = hub.post("application/json", body).await;
        assert_eq!(status, 400, "{shown}: {answer}");
        assert!(answer.contains(says), "{shown}: {answer}");
    }
    fence(&hub, &mut witness).await;
}

#[tokio::test]
async fn what_is_posted_as_something_else_or_elsewhere_is_told_where_it_belongs() {
    let hub = Hub::plain().await;
    let event = patient_open("e", "t").to_string();
    for content_type in [
        "text/plain",
        "application/xml",
        "multipart/form-data",
        "garbage;;",
    ] {
        let (status, body) = hub.post(content_type, event.clone()).await;
        assert_eq!(status, 415, "{content_type}");
        assert!(body.contains(content_type.trim_end_matches(';')), "{body}");
    }
    let answer = hub.http.post(hub.url()).body(event.clone()).send().await.unwrap();
    assert_eq!(answer.status(), 415);
    assert_eq!(answer.headers()["content-type"], "text/plain; charset=utf-8");
    let at = |method: reqwest::Method, path: &str| {
        let url = hub.url().replace("/fhircast", path);
        hub.http
            .request(method, url)
            .header("content-type", "application/json")
            .body(event.clone())
            .send()
    };
    use reqwest::Method;
    for (method, path, status) in [
        (Method::GET, "/fhircast", 405),
        (Method::DELETE, "/fhircast/", 405),
        (Method::PUT, "/fhircast/t", 405),
        (Method::GET, "/", 404),
        (Method::GET, "/fhircast/a/b", 404),
        (Method::POST, "/fhircast/t", 202),
        (Method::POST, "/fhircast/u", 400),
        (Method::GET, "/socket/none", 400),
        (Method::GET, "/fhircast/%FF", 400),
    ] {
        let answer = at(method.clone(), path).await.unwrap();
        assert_eq!(answer.status(), status, "{method} {path}");
        let body = answer.text().await.unwrap();
        assert_eq!(body.is_empty(), status == 202, "{method} {path}: {body}");
    }
}

#[tokio::test]
async fn bodies_over_the_limit_get_413() {
    let settings = Settings {
        body_limit: 10_000,
        ..Settings::default()
    };
    let hub = Hub::start(settings, Transport::Plaintext).await;
    for size in [10_001, 60_000] {
        let (status, body) = hub.post("application/json", vec![b' '; size]).await;
        assert_eq!(status, 413);
        assert!(body.contains("10000 bytes"), "{body}");
        let mut stream = TcpStream::connect(hub.server.address()).await.unwrap();
        let head = "POST /fhircast HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n";
        let chunked = format!("{head}{size:x}\r\n{}\r\n0\r\n\r\n", " ".repeat(size));
        stream.write_all(chunked.as_bytes()).await.unwrap();
        let mut answer = vec![0; 12];
        stream.read_exact(&mut answer).await.unwrap();
        assert_eq!(String::from_utf8(answer).unwrap(), "HTTP/1.1 413");
    }
    assert_eq!(hub.post("application/json", vec![b' '; 10_000]).await.0, 400);
}

#[tokio::test]
async fn frames_that_are_no_answers_close_the_socket() {
    let hub = Hub::plain().await;
    let mut witness = hub.join("witnessed", "Patient-open").await;
    let large = format!(r#"{{"id":"{}","status":200}}"#, "x".repeat(100_000));
    for (message, code) in [
        (Message::text("garbage"), 1008),
        (Message::text(""), 1008),
        (Message::text("{}"), 1008),
        (Message::text(patient_open("e", "witnessed").to_string()), 1008),
        (Message::binary(vec![0, 159, 146, 150]), 1003),
        (Message::binary(Vec::new()), 1003),
        (Message::text(large), 1009),
    ] {
        let mut socket = hub.join("t", "Patient-open").await;
        // The hub may close while a large message is still on its way.
        let _ = socket.0.send(message.clone()).await;
        assert_eq!(socket.closed().await, Some(code), "{message:?}");
    }
    fence(&hub, &mut witness).await;
}

#[tokio::test]
async fn frames_that_break_the_protocol_close_the_socket() {
    let hub = Hub::plain().await;
    let mut witness = hub.join("witnessed", "Patient-open").await;
    for (bytes, code) in [
        // Not masked.
        (&[0x81, 0x02, b'{', b'}'][..], 1002),
        // A reserved bit, and a reserved opcode.
        (&[0xf1, 0x80, 0, 0, 0, 0][..], 1002),
        (&[0x83, 0x80, 0, 0, 0, 0][..], 1002),
        // A text that is not UTF-8.
        (&[0x81, 0x82, 0, 0, 0, 0, 0xc3, 0x28][..], 1007),
        // The announcement of 2^62 bytes.
        (&[0x82, 0xff, 0x40, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0][..], 1009),
    ] {
        let mut socket = hub.join("t", "Patient-open").await;
        let MaybeTlsStream::Plain(stream) = socket.0.get_mut() else {
            panic!("not plain");
        };
        stream.write_all(bytes).await.unwrap();
        assert_eq!(socket.closed().await, Some(code), "{bytes:x?}");
    }
    fence(&hub, &mut witness).await;
}

#[tokio::test]
async fn answers_in_binary_frames_are_taken() {
    let hub = Hub::plain().await;
    let mut one = hub.join("t", "Patient-open,SyncError").await;
    let mut other = hub.join("t", "SyncError").await;
    assert_eq!(hub.publish(&patient_open("e1", "t")).await.0, 202);
    assert_eq!(one.next().await["id"], "e1");
    let answer = json!({"id": "e1", "status": "409"}).to_string();
    one.send(Message::binary(answer.into_bytes())).await;
    assert_eq!(other.next().await["event"]["hub.event"], "SyncError");
}

#[tokio::test]
async fn connections_that_say_too_little_are_dropped() {
    let settings = Settings {
        request_timeout: Duration::from_secs(1),
        ..Settings::default()
    };
    for transport in [Transport::Plaintext, Transport::Tls] {
        let hub = Hub::start(settings.clone(), transport).await;
        let mut witness = hub.join("witnessed", "Patient-open").await;
        let mut streams = Vec::new();
        for said in [
            "",
            "POST /fhircast HTTP/1.1\r\nHost: localhost\r\n",
            "\u{16}\u{3}\u{1}",
            "garbage\r\n\r\n",
        ] {
            let mut stream = TcpStream::connect(hub.server.address()).await.unwrap();
            stream.write_all(said.as_bytes()).await.unwrap();
            streams.push(stream);
        }
        for mut stream in streams {
            let mut answer = Vec::new();
            // The end may come as a reset.
            let _ = stream.read_to_end(&mut answer).await;
        }
        fence(&hub, &mut witness).await;
    }
    let hub = Hub::start(settings, Transport::Plaintext).await;
    let mut stream = TcpStream::connect(hub.server.address()).await.unwrap();
    let head = "POST /fhircast HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{";
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = vec![0; 12];
    stream.read_exact(&mut answer).await.unwrap();
    assert_eq!(String::from_utf8(answer).unwrap(), "HTTP/1.1 408");
}

#[tokio::test]
async fn connections_beyond_the_limit_are_dropped() {
    let settings = Settings {
        max_connections: 4,
        ..Settings::default()
    };
    let hub = Hub::start(settings, Transport::Plaintext).await;
    let mut witness = hub.join("witnessed", "Patient-open").await;
    // The witness has two, its socket and that of its requests; two more find room.
    let mut streams = Vec::new();
    for _ in 0..12 {
        streams.push(TcpStream::connect(hub.server.address()).await.unwrap());
    }
    for stream in streams.iter_mut().skip(2) {
        let mut byte = [0];
        assert!(!stream.read(&mut byte).await.is_ok_and(|read| read > 0));
    }
    fence(&hub, &mut witness).await;
    drop(streams);
    drop(byte_of_room(&hub).await);
    fence(&hub, &mut witness).await;
}

/// A connection that found room, after those before it have gone.
async fn byte_of_room(hub: &Hub) -> TcpStream {
    loop {
        let mut stream = TcpStream::connect(hub.server.address()).await.unwrap();
        stream
            .write_all(b"GET /x HTTP/1.1\r\nHost: localhost\r\n\r\n")
            .await
            .unwrap();
        let mut byte = [0];
        if stream.read(&mut byte).await.is_ok_and(|read| read == 1) {
            return stream;
        }
    }
}

#[tokio::test]
async fn many_idle_connections_harm_nobody() {
    let hub = Hub::plain().await;
    let mut witness = hub.join("witnessed", "Patient-open").await;
    let mut streams = Vec::new();
    for _ in 0..1_000 {
        let mut stream = TcpStream::connect(hub.server.address()).await.unwrap();
        stream.write_all(b"POST /fhircast HTTP/1.1\r\n").await.unwrap();
        streams.push(stream);
    }
    fence(&hub, &mut witness).await;
}

#[tokio::test]
async fn a_slow_subscriber_is_dropped_and_slows_nobody() {
    let settings = Settings {
        write_timeout: Duration::from_millis(100),
        limits: Limits {
            queue_limit: 8,
            ..Limits::default()
        },
        ..Settings::default()
    };
    let hub = Hub::start(settings, Transport::Plaintext).await;
    let slow = hub.join("t", "org.example.large").await;
    let mut watcher = hub.join("t", "org.example.large,SyncError").await;
    let large = json!([{"key": "x", "string": "x".repeat(500_000)}]);
    let mut seen = 0;
    let sync_error = loop {
        let mut event = patient_open(&format!("e{seen}"), "t");
        event["event"]["hub.event"] = "org.example.large".into();
        event["event"]["context"] = large.clone();
        assert_eq!(hub.publish(&event).await.0, 202);
        let got: Value = watcher.next().await;
        if got["event"]["hub.event"] == "SyncError" {
            break got;
        }
        assert_eq!(got["id"], format!("e{seen}"));
        seen += 1;
        assert!(seen < 1_000, "the slow subscriber was never dropped");
    };
    assert_eq!(sync_error["event"]["hub.topic"], "t");
    drop(slow);
}
