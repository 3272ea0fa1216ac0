//! The hub over real sockets: what a subscriber lives through, with TLS and without.

use crate::hub_support::{Hub, TOPIC, patient_open};
use castspec_hub::{Defect, Limits, Settings, Transport};
use futures_util::StreamExt;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

async fn live(transport: Transport) {
    let hub = Hub::start(Settings::default(), transport).await;
    let scheme = if transport == Transport::Tls {
        "wss://"
    } else {
        "ws://"
    };
    let endpoint = hub.subscribe(TOPIC, "Patient-open,SyncError").await;
    assert!(endpoint.starts_with(scheme), "{endpoint}");
    let mut one = hub.connect(&endpoint).await.unwrap();
    let confirmation = one.next().await;
    assert_eq!(confirmation["hub.topic"], TOPIC);
    let mut other = hub.join(TOPIC, "patient-open,SyncError").await;
    let mut elsewhere = hub.join("another topic", "Patient-open,SyncError").await;

    assert_eq!(hub.publish(&patient_open("e1", TOPIC)).await.0, 202);
    for socket in [&mut one, &mut other] {
        assert_eq!(socket.next().await["id"], "e1");
    }
    other.answer("e1", 200).await;
    one.answer("e1", 409).await;
    assert_eq!(other.next().await["event"]["hub.event"], "SyncError");

    let mut late = hub
        .connect(&hub.subscribe(TOPIC, "Patient-open").await)
        .await
        .unwrap();
    assert_eq!(late.next().await["hub.mode"], "subscribe");
    assert_eq!(late.next().await["id"], "e1");

    let topic: String = url::form_urlencoded::byte_serialize(TOPIC.as_bytes()).collect();
    let current = format!("{}/{}", hub.url(), topic.replace('+', "%20"));
    let current: Value = hub.http.get(current).send().await.unwrap().json().await.unwrap();
    assert_eq!(current["context.type"], "Patient");

    let unsubscribe = [
        ("hub.channel.type", "websocket"),
        ("hub.mode", "unsubscribe"),
        ("hub.topic", TOPIC),
        ("hub.channel.endpoint", &endpoint),
    ];
    let (status, body) = hub.form(&unsubscribe).await;
    assert_eq!(status, 202);
    assert_eq!(
        serde_json::from_str::<Value>(&body).unwrap()["hub.channel.endpoint"],
        endpoint
    );
    assert_eq!(one.next().await["hub.mode"], "denied");
    assert_eq!(one.closed().await, Some(1000));
    assert_eq!(hub.connect(&endpoint).await.err(), Some(404));
    assert_eq!(hub.form(&unsubscribe).await.0, 404);

    // A fence: what came to the other topic in the meantime would come before it.
    assert_eq!(hub.publish(&patient_open("fence", "another topic")).await.0, 202);
    assert_eq!(elsewhere.next().await["id"], "fence");
    drop((other, late));
    let ((), code) = tokio::join!(hub.server.shutdown(), elsewhere.closed());
    assert_eq!(code, Some(1001));
}

#[tokio::test]
async fn a_session_over_tls() {
    live(Transport::Tls).await;
}

#[tokio::test]
async fn a_session_without_tls() {
    live(Transport::Plaintext).await;
}

#[tokio::test]
async fn resources_are_passed_on_letter_by_letter() {
    let hub = Hub::plain().await;
    let mut socket = hub.join("t", "Patient-open,org.example.note").await;
    let sent = r#"{"timestamp":"2026-03-01T09:29:00Z","id":"e","event":{"hub.topic":"t","hub.event":"org.example.note","context":[ {"key" : "x", "resource": {"n": 1.50, "big": 12345678901234567890123, "s": "\u00e9", "a": {"b":1, "a":2}}} ]},"extension":{"q":[]}}"#;
    assert_eq!(
        hub.post("application/fhir+json; charset=utf-8", sent).await.0,
        202
    );
    assert_eq!(socket.text().await, sent);
}

#[tokio::test]
async fn the_others_hear_of_a_connection_that_breaks() {
    let hub = Hub::plain().await;
    let broken = hub.join("t", "Patient-open,SyncError").await;
    let mut watcher = hub.join("t", "SyncError").await;
    drop(broken);
    assert_eq!(watcher.next().await["event"]["hub.event"], "SyncError");
}

#[tokio::test]
async fn a_normal_close_is_answered_and_told_to_nobody() {
    let hub = Hub::plain().await;
    let mut watcher = hub.join("t", "Patient-open,SyncError").await;
    for code in [CloseCode::Normal, CloseCode::Away] {
        let mut leaver = hub.join("t", "SyncError").await;
        let reason = "".into();
        leaver.0.close(Some(CloseFrame { code, reason })).await.unwrap();
        assert_eq!(leaver.closed().await, Some(code.into()));
    }
    assert_eq!(hub.publish(&patient_open("fence", "t")).await.0, 202);
    assert_eq!(watcher.next().await["id"], "fence");
}

#[tokio::test]
async fn leases_and_silence_end_without_any_request() {
    let settings = Settings {
        limits: Limits {
            ack_timeout: std::time::Duration::from_millis(50),
            ..Limits::default()
        },
        ..Settings::default()
    };
    let hub = Hub::start(settings, Transport::Plaintext).await;
    let mut silent = hub.join("t", "Patient-open").await;
    let mut watcher = hub.join("t", "SyncError").await;
    assert_eq!(hub.publish(&patient_open("e1", "t")).await.0, 202);
    assert_eq!(silent.next().await["id"], "e1");
    assert_eq!(silent.next().await["hub.mode"], "denied");
    assert_eq!(silent.closed().await, Some(1008));
    let sync_error = watcher.next().await;
    let issue = &sync_error["event"]["context"][0]["resource"]["issue"][0];
    assert_eq!(issue["details"]["coding"][0]["code"], "e1");

    let (_, body) = hub
        .form(&[
            ("hub.channel.type", "websocket"),
            ("hub.mode", "subscribe"),
            ("hub.topic", "t"),
            ("hub.events", "Home-open"),
            ("hub.lease_seconds", "1"),
        ])
        .await;
    let body: Value = serde_json::from_str(&body).unwrap();
    let mut brief = hub
        .connect(body["hub.channel.endpoint"].as_str().unwrap())
        .await
        .unwrap();
    assert_eq!(brief.next().await["hub.lease_seconds"], 1);
    assert_eq!(brief.next().await["hub.mode"], "denied");
    assert_eq!(brief.closed().await, Some(1000));
}

#[tokio::test]
async fn the_configuration_document_is_served() {
    let hub = Hub::plain().await;
    let url = format!("{}/.well-known/fhircast-configuration", hub.url());
    let answer = hub.http.get(url).send().await.unwrap();
    assert_eq!(answer.headers()["content-type"], "application/json");
    let document: Value = answer.json().await.unwrap();
    assert_eq!(document["fhircastVersion"], "3.0.0");
    assert_eq!(document["websocketSupport"], true);
    assert_eq!(document["capabilities"]["supportsGetCurrentContext"], true);
    assert!(
        document["eventsSupported"]
            .as_array()
            .unwrap()
            .contains(&json!("DiagnosticReport-update"))
    );
}

#[tokio::test]
async fn a_leaking_hub_leaks() {
    let settings = Settings {
        defects: vec![Defect::LeaksAcrossTopics],
        ..Settings::default()
    };
    let hub = Hub::start(settings, Transport::Plaintext).await;
    let mut elsewhere = hub.join("other", "Patient-open").await;
    assert_eq!(hub.publish(&patient_open("e1", "t")).await.0, 202);
    assert_eq!(elsewhere.next().await["event"]["hub.topic"], "t");
}

#[tokio::test]
async fn a_port_in_use_is_said_to_be() {
    let hub = Hub::plain().await;
    let again =
        castspec_hub::Server::start(Settings::default(), hub.server.address(), Transport::Plaintext).await;
    let error = again.unwrap_err().to_string();
    assert!(error.contains("the port is in use"), "{error}");
    assert!(!error.contains('\n'));
}

#[tokio::test]
async fn a_socket_that_the_hub_closed_ends() {
    let hub = Hub::plain().await;
    let mut socket = hub.join("t", "SyncError").await;
    let ((), code) = tokio::join!(hub.server.shutdown(), socket.closed());
    assert_eq!(code, Some(1001));
    assert!(socket.0.next().await.is_none());
}
