//! Content sharing and selections: the right context, the right version, and what must stay.

use serde_json::{Value, json};

use super::{Case, HUB, Talk, event, patient, patient_open};
use crate::outcome::Verdict::{Fail, Pass};

fn report() -> Value {
    json!({"key": "report", "resource": {"resourceType": "DiagnosticReport", "id": "r", "status": "unknown", "code": {"text": "CT"},
           "identifier": [{"system": "urn:oid:2.999", "value": "1"}], "subject": {"reference": "Patient/p"}}})
}

fn versioned(mut message: Value, version: &str) -> Value {
    message["event"]["context.versionId"] = json!(version);
    message
}

fn opened() -> Value {
    event("e1", "DiagnosticReport-open", json!([report(), patient("p")]))
}

fn update(id: &str, version: &str, entries: &Value) -> Value {
    let context = json!([
        {"key": "report", "reference": {"reference": "DiagnosticReport/r"}},
        {"key": "updates", "resource": {"resourceType": "Bundle", "type": "transaction", "entry": entries}},
    ]);
    versioned(event(id, "DiagnosticReport-update", context), version)
}

fn put(id: &str) -> Value {
    json!([{"request": {"method": "PUT", "url": format!("Observation/{id}")},
            "resource": {"resourceType": "Observation", "id": id, "status": "final", "code": {"text": "size"}, "identifier": [{"value": "1"}],
                         "subject": {"reference": "Patient/p"}}}])
}

fn delete(name: &str) -> Value {
    json!([{"fullUrl": name, "request": {"method": "DELETE", "url": name}}])
}

fn select(id: &str) -> Value {
    let context = json!([
        {"key": "report", "reference": {"reference": "DiagnosticReport/r"}},
        {"key": "select", "reference": {"reference": "Observation/o"}},
    ]);
    event(id, "DiagnosticReport-select", context)
}

/// The report is open, with version v1.
fn session(talk: &mut Talk) -> u64 {
    let viewer = talk.subscribe("viewer");
    talk.publish("viewer", &opened(), 202);
    talk.hub(viewer, &versioned(opened(), "v1"));
    talk.answer(viewer, "e1", 200);
    viewer
}

/// And an update made it v2.
fn updated(talk: &mut Talk) -> u64 {
    let viewer = session(talk);
    talk.publish("viewer", &update("e2", "v1", &put("o")), 202);
    talk.hub(viewer, &update("e2", "v2", &put("o")));
    viewer
}

pub(super) fn versions() -> Vec<Case> {
    vec![
        Case {
            name: "that of the open event",
            requirement: "diagnosticreport-open.version-submitted",
            verdict: Some(Pass),
            talk: |talk| {
                session(talk);
                talk.publish("viewer", &update("e2", "v1", &put("o")), 202);
            },
        },
        Case {
            name: "that of the last update",
            requirement: "content.version-submitted",
            verdict: Some(Pass),
            talk: |talk| {
                let viewer = updated(talk);
                talk.answer(viewer, "e2", 200);
                talk.publish("viewer", &update("e3", "v2", &put("o")), 202);
            },
        },
        Case {
            name: "the bare spelling beside a wrong one",
            requirement: "content.version-submitted",
            verdict: Some(Pass),
            talk: |talk| {
                session(talk);
                let mut message = update("e2", "old", &put("o"));
                message["event"]["versionId"] = json!("v1");
                talk.publish("viewer", &message, 202);
            },
        },
        Case {
            name: "the one before, while the newer one is on its way",
            requirement: "content.version-submitted",
            verdict: Some(Pass),
            talk: |talk| {
                let viewer = updated(talk);
                talk.publish("viewer", &update("e3", "v1", &put("o")), 409);
                talk.answer(viewer, "e2", 200);
            },
        },
        Case {
            name: "the one before, when the newer one has arrived",
            requirement: "content.version-submitted",
            verdict: Some(Fail),
            talk: |talk| {
                let viewer = updated(talk);
                talk.answer(viewer, "e2", 200);
                talk.publish("viewer", &update("e3", "v1", &put("o")), 409);
            },
        },
        Case {
            name: "one that Get Current Context told",
            requirement: "content.version-submitted",
            verdict: Some(Pass),
            talk: |talk| {
                session(talk);
                let told = json!({"context.type": "DiagnosticReport", "context.versionId": "v7",
                                  "context": [report(), patient("p")]});
                let url = format!("{HUB}/t");
                talk.http(Some("viewer"), ("GET", &url), &[], "", (200, &told.to_string()));
                talk.publish("viewer", &update("e2", "v7", &put("o")), 202);
            },
        },
        Case {
            name: "one that the hub gave in a part of the conversation that is missing",
            requirement: "content.version-submitted",
            verdict: None,
            talk: |talk| {
                talk.publish("viewer", &opened(), 202);
                talk.publish("viewer", &update("e2", "v1", &put("o")), 202);
            },
        },
    ]
}

pub(super) fn anchors() -> Vec<Case> {
    vec![
        Case {
            name: "open",
            requirement: "content.anchor-opened",
            verdict: Some(Pass),
            talk: |talk| {
                session(talk);
                talk.publish("viewer", &update("e2", "v1", &put("o")), 202);
            },
        },
        Case {
            name: "never opened",
            requirement: "content.anchor-opened",
            verdict: Some(Fail),
            talk: |talk| talk.publish("viewer", &update("e2", "v1", &put("o")), 404),
        },
        Case {
            name: "closed for long",
            requirement: "content.anchor-opened",
            verdict: Some(Fail),
            talk: |talk| {
                session(talk);
                talk.publish(
                    "viewer",
                    &event("e2", "DiagnosticReport-close", json!([report(), patient("p")])),
                    202,
                );
                talk.wait(20.0);
                talk.publish("viewer", &update("e3", "v1", &put("o")), 404);
            },
        },
        Case {
            name: "closed just now by another",
            requirement: "content.anchor-opened",
            verdict: None,
            talk: |talk| {
                session(talk);
                talk.publish(
                    "worklist",
                    &event("e2", "DiagnosticReport-close", json!([report(), patient("p")])),
                    202,
                );
                talk.publish("viewer", &update("e3", "v1", &put("o")), 404);
            },
        },
        Case {
            name: "something shared is removed",
            requirement: "content.opened-resources-kept",
            verdict: Some(Pass),
            talk: |talk| {
                session(talk);
                talk.publish("viewer", &update("e2", "v1", &delete("Observation/o")), 202);
            },
        },
        Case {
            name: "the patient is removed",
            requirement: "content.opened-resources-kept",
            verdict: Some(Fail),
            talk: |talk| {
                session(talk);
                talk.publish(
                    "viewer",
                    &update("e2", "v1", &delete("https://h/fhir/Patient/p")),
                    202,
                );
            },
        },
    ]
}

pub(super) fn selections() -> Vec<Case> {
    vec![
        Case {
            name: "in the current context",
            requirement: "content.select-current-only",
            verdict: Some(Pass),
            talk: |talk| {
                session(talk);
                talk.publish("viewer", &select("e2"), 202);
            },
        },
        Case {
            name: "in a context that another one has replaced",
            requirement: "content.select-current-only",
            verdict: Some(Fail),
            talk: |talk| {
                let viewer = session(talk);
                talk.publish("worklist", &patient_open("e2", "q"), 202);
                talk.hub(viewer, &patient_open("e2", "q"));
                talk.answer(viewer, "e2", 200);
                talk.wait(20.0);
                talk.publish("viewer", &select("e3"), 202);
            },
        },
        Case {
            name: "in a context that another one has just replaced",
            requirement: "content.select-current-only",
            verdict: None,
            talk: |talk| {
                let viewer = session(talk);
                talk.publish("worklist", &patient_open("e2", "q"), 202);
                talk.hub(viewer, &patient_open("e2", "q"));
                talk.publish("viewer", &select("e3"), 202);
                talk.answer(viewer, "e2", 200);
            },
        },
        Case {
            name: "after another one was closed",
            requirement: "content.select-current-only",
            verdict: None,
            talk: |talk| {
                let viewer = session(talk);
                talk.publish("worklist", &patient_open("e2", "q"), 202);
                talk.hub(viewer, &patient_open("e2", "q"));
                talk.answer(viewer, "e2", 200);
                talk.publish(
                    "worklist",
                    &event("e3", "Patient-close", json!([patient("q")])),
                    202,
                );
                talk.wait(20.0);
                talk.publish("viewer", &select("e4"), 202);
            },
        },
    ]
}

#[test]
fn updates_outside_the_current_context_are_answered() {
    for (answered, expected) in [(true, Pass), (false, Fail)] {
        let mut talk = Talk::new();
        let viewer = session(&mut talk);
        talk.publish("worklist", &patient_open("e2", "q"), 202);
        talk.hub(viewer, &patient_open("e2", "q"));
        talk.answer(viewer, "e2", 200);
        talk.hub(viewer, &update("e3", "v2", &put("o")));
        if answered {
            talk.answer(viewer, "e3", 400);
        }
        talk.wait(20.0);
        assert_eq!(
            talk.concluded("content.non-current-answered"),
            Some(expected),
            "{:?}",
            talk.told()
        );
    }
}

#[test]
fn a_first_update_on_a_wrong_version_breaks_both_requirements() {
    let mut talk = Talk::new();
    session(&mut talk);
    talk.publish("viewer", &update("e2", "v0", &put("o")), 409);
    assert_eq!(
        talk.told(),
        [
            ("content.version-submitted", Fail),
            ("diagnosticreport-open.version-submitted", Fail)
        ]
    );
}
