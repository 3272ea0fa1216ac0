//! What the hub sends in the versions that have webhooks keeps the schemas of these versions.

use crate::hub_support::callback::{Callback, Recorded};
use crate::hub_support::{Hub, patient_open};
use castspec_fhircast::protocol::Version;
use castspec_fhircast::schema::{MessageKind, Schemas, Sender};
use castspec_hub::{Settings, Transport};
use serde_json::{Map, Value};

async fn hub(version: Version) -> Hub {
    let settings = Settings {
        version,
        ..Settings::default()
    };
    Hub::start(settings, Transport::Plaintext).await
}

fn keeps(schemas: &Schemas, kind: MessageKind, message: &Value) {
    let judgement = schemas.judge(kind, message);
    assert!(judgement.is_clean(), "{message:#}\n{judgement:#?}");
    assert!(!judgement.satisfied.is_empty(), "{kind:?} judged nothing");
}

/// A SyncError of the hub's own.
fn keeps_sync_error(schemas: &Schemas, message: &Value) {
    keeps(schemas, MessageKind::Notification, message);
    let judgement = schemas.judge_context_of(Sender::Hub, "syncerror", &message["event"]);
    assert!(judgement.is_clean(), "{message:#}\n{judgement:#?}");
    assert!(!judgement.satisfied.is_empty());
}

/// The query of a call as an object of strings.
fn query(call: &Recorded) -> Value {
    let (_, query) = call.path_and_query.split_once('?').unwrap();
    let pairs = url::form_urlencoded::parse(query.as_bytes()).into_owned();
    Value::Object(
        pairs
            .map(|(name, value)| (name, Value::from(value)))
            .collect::<Map<_, _>>(),
    )
}

#[tokio::test]
async fn what_a_callback_gets_keeps_the_schemas() {
    for version in [Version::Stu2, Version::Stu1] {
        let schemas = Schemas::load(version).unwrap();
        let hub = hub(version).await;
        let mut callback = Callback::start().await;
        callback.answer_with(409);
        let mut watcher = Callback::start().await;
        for (subscriber, events, lease) in [
            (&mut callback, "patient-open,patient-close", "2"),
            (&mut watcher, "syncerror", "60"),
        ] {
            let form = [
                ("hub.channel.type", "webhook"),
                ("hub.callback", subscriber.url.as_str()),
                ("hub.mode", "subscribe"),
                ("hub.topic", "t"),
                ("hub.secret", "s"),
                ("hub.events", events),
                ("hub.lease_seconds", lease),
            ];
            assert_eq!(hub.form(&form).await.0, 202);
            keeps(
                &schemas,
                MessageKind::IntentVerification,
                &query(&subscriber.next().await),
            );
        }
        // The hub takes the answers to its verifications in its own time.
        let (mut told, mut error) = (None, None);
        for at in 0.. {
            let id = format!("event-{at}");
            assert_eq!(hub.publish(&patient_open(&id, "t")).await.0, 202);
            let soon = std::time::Duration::from_millis(100);
            if let Ok(call) = tokio::time::timeout(soon, watcher.next()).await {
                error = Some(call.event());
                told = Some(callback.next().await.event());
                break;
            }
        }
        keeps(&schemas, MessageKind::Notification, &told.unwrap());
        keeps_sync_error(&schemas, &error.unwrap());
        let denial = loop {
            let call = callback.next().await;
            if call.method == "GET" {
                break call;
            }
        };
        keeps(&schemas, MessageKind::WebhookDenial, &query(&denial));
    }
}

#[tokio::test]
async fn what_a_hub_of_stu2_says_otherwise_keeps_the_schemas() {
    let schemas = Schemas::load(Version::Stu2).unwrap();
    let hub = hub(Version::Stu2).await;
    let document = format!("{}/.well-known/fhircast-configuration", hub.url());
    let document: Value = hub.http.get(document).send().await.unwrap().json().await.unwrap();
    keeps(&schemas, MessageKind::Configuration, &document);

    let form = [
        ("hub.channel.type", "websocket"),
        ("hub.mode", "subscribe"),
        ("hub.topic", "t"),
        ("hub.events", "patient-open,syncerror"),
        ("hub.lease_seconds", "2"),
    ];
    let (_, body) = hub.form(&form).await;
    let body: Value = serde_json::from_str(&body).unwrap();
    keeps(&schemas, MessageKind::SubscriptionResponse, &body);
    let mut socket = hub
        .connect(body["hub.channel.endpoint"].as_str().unwrap())
        .await
        .unwrap();
    keeps(&schemas, MessageKind::Confirmation, &socket.next().await);
    let mut other = hub.join("t", "patient-open").await;
    assert_eq!(hub.publish(&patient_open("e", "t")).await.0, 202);
    assert_eq!(other.next().await["id"], "e");
    other.answer("e", 409).await;
    keeps(&schemas, MessageKind::Notification, &socket.next().await);
    keeps_sync_error(&schemas, &socket.next().await);
    keeps(&schemas, MessageKind::Denial, &socket.next().await);

    let endpoint = hub.subscribe("t", "patient-open").await;
    let form = [
        ("hub.channel.type", "websocket"),
        ("hub.mode", "unsubscribe"),
        ("hub.topic", "t"),
        ("hub.channel.endpoint", &endpoint),
    ];
    let (status, body) = hub.form(&form).await;
    assert_eq!(status, 202);
    let body: Value = serde_json::from_str(&body).unwrap();
    keeps(&schemas, MessageKind::UnsubscribeResponse, &body);
}
