//! Requested changes: how they are sent, ids, repetitions, agreement with themselves and with what was opened.

use serde_json::{Value, json};

use super::{Case, HUB, Talk, event, patient, patient_open};
use crate::capture::Side;
use crate::outcome::Verdict::{Fail, Pass, Warn};
use crate::protocol::SyncErrorCause;
use crate::subscriber::{Frame, Observed};

const ID: &str = "5dd3a3b6-8f5d-4f5c-9d0a-1f2e3d4c5b6a";

fn post(talk: &mut Talk, (method, url): (&str, &str), content_type: &str, body: &str) {
    talk.http(
        Some("viewer"),
        (method, url),
        &[("content-type", content_type)],
        body,
        (202, ""),
    );
}

fn at(mut message: Value, timestamp: &str) -> Value {
    message["timestamp"] = json!(timestamp);
    message
}

/// The hub tells everybody that this event was refused.
fn sync_error(talk: &mut Talk, connection: u64, about: &str) {
    let cause = SyncErrorCause::new(
        about,
        &"Patient-open".parse().unwrap(),
        "worklist",
        "no".to_owned(),
    );
    let message = event("s1", "SyncError", cause.to_context());
    talk.hub(connection, &message);
    talk.answer(connection, "s1", 200);
}

pub(super) fn how_changes_are_sent() -> Vec<Case> {
    vec![
        Case {
            name: "at hub.url",
            requirement: "publish.post",
            verdict: Some(Pass),
            talk: |talk| talk.publish("viewer", &patient_open(ID, "p"), 202),
        },
        Case {
            name: "at the topic",
            requirement: "publish.post",
            verdict: Some(Warn),
            talk: |talk| {
                let body = patient_open(ID, "p").to_string();
                post(talk, ("POST", "/fhircast/t"), "application/fhir+json", &body);
            },
        },
        Case {
            name: "by PUT",
            requirement: "publish.post",
            verdict: Some(Fail),
            talk: |talk| {
                post(
                    talk,
                    ("PUT", HUB),
                    "application/json",
                    &patient_open(ID, "p").to_string(),
                )
            },
        },
        Case {
            name: "over the WebSocket",
            requirement: "publish.post",
            verdict: Some(Fail),
            talk: |talk| {
                let connection = talk.subscribe("viewer");
                let frame = Frame::Text(patient_open(ID, "p").to_string().into());
                talk.observe(None, Observed::FromSubscriber { connection, frame });
            },
        },
        Case {
            name: "in the other media type",
            requirement: "transport.http-json.subscriber",
            verdict: Some(Pass),
            talk: |talk| {
                let body = patient_open(ID, "p").to_string();
                post(talk, ("POST", HUB), "application/fhir+json; charset=utf-8", &body);
            },
        },
        Case {
            name: "as text",
            requirement: "transport.http-json.subscriber",
            verdict: Some(Warn),
            talk: |talk| {
                post(
                    talk,
                    ("POST", HUB),
                    "text/plain",
                    &patient_open(ID, "p").to_string(),
                )
            },
        },
        Case {
            name: "a member that stands twice",
            requirement: "transport.http-json.subscriber",
            verdict: Some(Warn),
            talk: |talk| {
                let text = patient_open(ID, "p").to_string();
                let twice = text.replacen('{', r#"{"id":"another","#, 1);
                post(talk, ("POST", HUB), "application/json", &twice)
            },
        },
        Case {
            name: "no JSON",
            requirement: "transport.http-json.subscriber",
            verdict: Some(Fail),
            talk: |talk| post(talk, ("POST", HUB), "application/json", "{\"id\":"),
        },
        Case {
            name: "no identifier",
            requirement: "patient-open.identifier",
            verdict: Some(Fail),
            talk: |talk| {
                let patient = json!([{"key": "patient", "resource": {"resourceType": "Patient", "id": "p"}}]);
                talk.publish("viewer", &event(ID, "Patient-open", patient), 202);
            },
        },
        Case {
            name: "an extension that is an object",
            requirement: "extension.object.subscriber",
            verdict: Some(Pass),
            talk: |talk| {
                let mut message = patient_open(ID, "p");
                message["event"]["context"] = json!([patient("p"), {"key": "extension", "data": {"a": 1}}]);
                message["extension"] = json!({"a": 1});
                talk.publish("viewer", &message, 202);
            },
        },
        Case {
            name: "an extension that is a text",
            requirement: "extension.object.subscriber",
            verdict: Some(Fail),
            talk: |talk| {
                let mut message = patient_open(ID, "p");
                message["event"]["extension"] = json!("x");
                talk.publish("viewer", &message, 202);
            },
        },
    ]
}

pub(super) fn ids_and_repetitions() -> Vec<Case> {
    vec![
        Case {
            name: "one id, two changes",
            requirement: "publish.id-unique",
            verdict: Some(Fail),
            talk: |talk| {
                talk.publish("viewer", &patient_open(ID, "p"), 202);
                talk.publish("viewer", &patient_open(ID, "q"), 202);
            },
        },
        Case {
            name: "one id, two clients",
            requirement: "publish.id-unique",
            verdict: Some(Pass),
            talk: |talk| {
                talk.publish("viewer", &patient_open("1", "p"), 202);
                talk.publish("worklist", &patient_open("1", "q"), 202);
            },
        },
        Case {
            name: "one id after a refusal",
            requirement: "publish.id-unique",
            verdict: Some(Warn),
            talk: |talk| {
                talk.publish("viewer", &patient_open(ID, "p"), 400);
                talk.publish("viewer", &patient_open(ID, "q"), 202);
            },
        },
        Case {
            name: "the same change again",
            requirement: "publish.id-unique",
            verdict: Some(Pass),
            talk: |talk| {
                talk.publish("viewer", &patient_open(ID, "p"), 503);
                talk.publish("viewer", &patient_open(ID, "p"), 202);
            },
        },
        Case {
            name: "the same change again with another time",
            requirement: "publish.resend-timestamp",
            verdict: Some(Fail),
            talk: |talk| {
                talk.publish("viewer", &patient_open(ID, "p"), 202);
                talk.publish(
                    "viewer",
                    &at(patient_open(ID, "p"), "2026-03-01T09:31:00.000Z"),
                    202,
                );
            },
        },
        Case {
            name: "a refused change with another time",
            requirement: "publish.resend-timestamp",
            verdict: Some(Pass),
            talk: |talk| {
                talk.publish("viewer", &patient_open(ID, "p"), 409);
                talk.publish(
                    "viewer",
                    &at(patient_open(ID, "p"), "2026-03-01T09:31:00.000Z"),
                    202,
                );
            },
        },
        Case {
            name: "the same change again with its time in another form",
            requirement: "publish.resend-timestamp",
            verdict: Some(Pass),
            talk: |talk| {
                talk.publish("viewer", &patient_open(ID, "p"), 202);
                talk.publish(
                    "viewer",
                    &at(patient_open(ID, "p"), "2026-03-01T09:30:00+00:00"),
                    202,
                );
            },
        },
        Case {
            name: "again after a SyncError, too soon",
            requirement: "publish.resend-wait",
            verdict: Some(Warn),
            talk: |talk| {
                let viewer = talk.subscribe("viewer");
                talk.publish("viewer", &patient_open(ID, "p"), 202);
                sync_error(talk, viewer, ID);
                talk.wait(3.0);
                talk.publish("viewer", &patient_open(ID, "p"), 202);
            },
        },
        Case {
            name: "again after a SyncError",
            requirement: "publish.resend",
            verdict: Some(Pass),
            talk: |talk| {
                let viewer = talk.subscribe("viewer");
                talk.publish("viewer", &patient_open(ID, "p"), 202);
                sync_error(talk, viewer, ID);
                talk.wait(12.0);
                talk.publish("viewer", &patient_open(ID, "p"), 202);
                talk.wait(100.0);
            },
        },
        Case {
            name: "given up after a SyncError",
            requirement: "publish.resend",
            verdict: Some(Warn),
            talk: |talk| {
                let viewer = talk.subscribe("viewer");
                talk.publish("viewer", &patient_open(ID, "p"), 202);
                sync_error(talk, viewer, ID);
                talk.wait(100.0);
            },
        },
        Case {
            name: "something newer after a SyncError",
            requirement: "publish.resend",
            verdict: None,
            talk: |talk| {
                let viewer = talk.subscribe("viewer");
                talk.publish("viewer", &patient_open(ID, "p"), 202);
                sync_error(talk, viewer, ID);
                talk.publish("worklist", &patient_open("other", "q"), 202);
                talk.wait(100.0);
            },
        },
        Case {
            name: "gives up for a rejection",
            requirement: "publish.rejection-handled",
            verdict: Some(Fail),
            talk: |talk| {
                let viewer = talk.subscribe("viewer");
                talk.publish("viewer", &patient_open(ID, "p"), 409);
                talk.close(viewer, Some(Side::Subscriber), Some(1011));
            },
        },
        Case {
            name: "goes on after a rejection",
            requirement: "publish.rejection-handled",
            verdict: Some(Pass),
            talk: |talk| {
                let viewer = talk.subscribe("viewer");
                talk.publish("viewer", &patient_open(ID, "p"), 409);
                talk.hub(viewer, &patient_open("e2", "q"));
                talk.answer(viewer, "e2", 200);
            },
        },
    ]
}
