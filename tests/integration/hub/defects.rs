//! The defects that show in the hub's HTTP alone.

use crate::hub_support::{Hub, patient_open};
use castspec_fhircast::protocol::Version;
use castspec_hub::{Defect, Settings, Transport};

const SUBSCRIBE: [(&str, &str); 4] = [
    ("hub.channel.type", "websocket"),
    ("hub.mode", "subscribe"),
    ("hub.topic", "t"),
    ("hub.events", "Patient-open"),
];

/// What the hub answers to a fixed list of requests, but for its random parts.
async fn answers(defects: &[Defect]) -> Vec<String> {
    let settings = Settings {
        defects: defects.to_vec(),
        ..Settings::default()
    };
    let hub = Hub::start(settings, Transport::Plaintext).await;
    let mut answers = Vec::new();
    let mut note = async |answer: reqwest::Response| {
        let status = answer.status();
        let content_type = answer.headers().get("content-type").cloned();
        let body = answer.text().await.unwrap();
        let port = hub.server.address().port().to_string();
        let steady = mask(&body.replace(&port, "PORT"));
        answers.push(format!("{status} {content_type:?} {steady}"));
        body
    };
    let post = |form: &[(&str, &str)]| hub.http.post(hub.url()).form(form).send();
    let body = note(post(&SUBSCRIBE).await.unwrap()).await;
    note(post(&SUBSCRIBE[1..]).await.unwrap()).await;
    note(post(&[("hub.mode", "dance")]).await.unwrap()).await;
    let endpoint = body
        .split('"')
        .nth(3)
        .unwrap_or("ws://none/socket/none")
        .to_owned();
    note(
        post(&[
            SUBSCRIBE[0],
            SUBSCRIBE[2],
            ("hub.mode", "unsubscribe"),
            ("hub.channel.endpoint", &endpoint),
        ])
        .await
        .unwrap(),
    )
    .await;
    for event in [patient_open("e", "t"), serde_json::json!({"id": "e"})] {
        let request = hub
            .http
            .post(hub.url())
            .header("content-type", "application/json");
        note(request.body(event.to_string()).send().await.unwrap()).await;
    }
    for path in ["/.well-known/fhircast-configuration", "/t", "/unused"] {
        note(hub.http.get(format!("{}{path}", hub.url())).send().await.unwrap()).await;
    }
    answers
}

/// Replaces UUIDs.
fn mask(text: &str) -> String {
    let mut masked = String::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        match rest.get(..36).filter(|part| uuid::Uuid::try_parse(part).is_ok()) {
            Some(_) => {
                masked.push_str("UUID");
                rest = &rest[36..];
            }
            None => {
                masked.push(first);
                rest = &rest[first.len_utf8()..];
            }
        }
    }
    masked
}

#[tokio::test]
async fn every_defect_of_the_shell_shows() {
    let clean = answers(&[]).await;
    assert_eq!(clean, answers(&[]).await);
    for defect in [
        Defect::SubscribeAnswered200,
        Defect::SubscribeAnswered500,
        Defect::EndpointMissing,
        Defect::EndpointGuessable,
        Defect::ResponseNotJson,
        Defect::ChannelTypeIgnored,
        Defect::MalformedSubscriptionAccepted,
        Defect::RefusalWithoutReason,
        Defect::UnsubscribeAnswered200,
        Defect::UnsubscribeAnswered500,
        Defect::UnsubscribeWithoutEndpoint,
        Defect::UnsubscribeWrongEndpoint,
        Defect::PublishElsewhere,
        Defect::PublishRedirected,
        Defect::NoConfiguration,
        Defect::ConfigurationNotJson,
        Defect::ConfigurationWithoutEvents,
        Defect::ConfigurationWithoutWebsocket,
        Defect::ConfigurationWithoutVersion,
        Defect::ConfigurationVersionAsNumber,
        Defect::ConfigurationFlagAsText,
        Defect::ConfigurationCapabilitiesAsArray,
        Defect::ConfigurationUnknownFhir,
        Defect::CurrentTypeMissing,
        Defect::CurrentVersionMissing,
        Defect::CurrentVersionConstant,
        Defect::CurrentContextAsObject,
        Defect::CurrentEmptyNamed,
        Defect::CurrentEmptyFilled,
    ] {
        assert_ne!(answers(&[defect]).await, clean, "{defect}");
    }
}

/// What a hub of STU2 answers to requests that concern webhooks, but for its random parts.
async fn answers_of_stu2(defects: &[Defect]) -> Vec<String> {
    let settings = Settings {
        version: Version::Stu2,
        defects: defects.to_vec(),
        ..Settings::default()
    };
    let hub = Hub::start(settings, Transport::Plaintext).await;
    let secret = "x".repeat(200);
    let mut answers = Vec::new();
    for secret in ["short", &secret] {
        let form = [
            ("hub.channel.type", "webhook"),
            ("hub.callback", "http://127.0.0.1:1/"),
            ("hub.mode", "subscribe"),
            ("hub.topic", "t"),
            ("hub.events", "patient-open"),
            ("hub.secret", secret),
        ];
        answers.push(format!("{:?}", hub.form(&form).await));
    }
    let path = "/.well-known/fhircast-configuration";
    let document = hub.http.get(format!("{}{path}", hub.url())).send().await.unwrap();
    answers.push(document.text().await.unwrap());
    answers
}

#[tokio::test]
async fn every_defect_of_the_shell_that_concerns_webhooks_shows() {
    let clean = answers_of_stu2(&[]).await;
    assert_eq!(clean, answers_of_stu2(&[]).await);
    for defect in [
        Defect::SecretTooLongTaken,
        Defect::ConfigurationWithoutWebhook,
        Defect::ConfigurationWebhookAsText,
        Defect::WebhookRefused,
        Defect::WebhookUnsupportedTaken,
    ] {
        assert_ne!(answers_of_stu2(&[defect]).await, clean, "{defect}");
    }
}
