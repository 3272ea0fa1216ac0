//! Close events against their open events, and resources that belong together.

use serde_json::{Value, json};

use super::{Case, Talk, event, patient, patient_open};
use crate::outcome::Verdict::{Fail, Pass, Warn};

const ID: &str = "5dd3a3b6-8f5d-4f5c-9d0a-1f2e3d4c5b6a";

fn study(uid: &str, accession: &str, subject: &str) -> Value {
    json!({"key": "study", "resource": {
        "resourceType": "ImagingStudy", "id": "s", "status": "available",
        "subject": {"reference": format!("Patient/{subject}")},
        "identifier": [
            {"system": "urn:dicom:uid", "value": format!("urn:oid:{uid}")},
            {"type": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0203", "code": "ACSN"}]},
             "system": "urn:oid:2.999.1", "value": accession},
        ],
    }})
}

fn closed_study(talk: &mut Talk, closed: Value) {
    let opened = json!([study("2.999.1", "A1", "p"), patient("p")]);
    talk.publish("viewer", &event(ID, "ImagingStudy-open", opened), 202);
    talk.publish("viewer", &event("e2", "ImagingStudy-close", closed), 202);
}

pub(super) fn closes_against_their_opens() -> Vec<Case> {
    vec![
        Case {
            name: "the same patient",
            requirement: "patient-close.same-id",
            verdict: Some(Pass),
            talk: |talk| {
                talk.publish("viewer", &patient_open(ID, "p"), 202);
                talk.publish(
                    "viewer",
                    &event("e2", "Patient-close", json!([patient("p")])),
                    202,
                );
            },
        },
        Case {
            name: "the same patient under another id",
            requirement: "patient-close.same-id",
            verdict: Some(Fail),
            talk: |talk| {
                talk.publish("viewer", &patient_open(ID, "p"), 202);
                let mut other = patient("p");
                other["resource"]["id"] = json!("q");
                talk.publish("viewer", &event("e2", "Patient-close", json!([other])), 202);
            },
        },
        Case {
            name: "another patient, that nobody opened here",
            requirement: "patient-close.same-id",
            verdict: None,
            talk: |talk| {
                talk.publish("viewer", &patient_open(ID, "p"), 202);
                talk.publish(
                    "viewer",
                    &event("e2", "Patient-close", json!([patient("q")])),
                    202,
                );
            },
        },
        Case {
            name: "the same study",
            requirement: "imagingstudy-close.same-accession-number",
            verdict: Some(Pass),
            talk: |talk| closed_study(talk, json!([study("2.999.1", "A1", "p"), patient("p")])),
        },
        Case {
            name: "another UID",
            requirement: "imagingstudy-close.same-study-instance-uid",
            verdict: Some(Warn),
            talk: |talk| closed_study(talk, json!([study("2.999.2", "A1", "p"), patient("p")])),
        },
        Case {
            name: "another accession number",
            requirement: "imagingstudy-close.same-accession-number",
            verdict: Some(Warn),
            talk: |talk| closed_study(talk, json!([study("2.999.1", "A2", "p"), patient("p")])),
        },
        Case {
            name: "another study under the same number",
            requirement: "imagingstudy-close.same-id",
            verdict: Some(Fail),
            talk: |talk| {
                let mut other = study("2.999.1", "A1", "p");
                other["resource"]["id"] = json!("s2");
                closed_study(talk, json!([other, patient("p")]));
            },
        },
        Case {
            name: "the resources name two patients",
            requirement: "event.context-consistent",
            verdict: Some(Fail),
            talk: |talk| {
                let of = |kind: &str, patient: &str| {
                    json!({"key": kind.to_lowercase(), "resource": {"resourceType": kind, "id": "x", "code": {"text": "y"},
                           "subject": {"reference": format!("Patient/{patient}")}}})
                };
                let context = json!([of("Basic", "p"), of("Basic", "q")]);
                talk.publish("viewer", &event(ID, "Basic-open", context), 202);
            },
        },
        Case {
            name: "the resources belong together",
            requirement: "event.context-consistent",
            verdict: Some(Pass),
            talk: |talk| {
                let opened = json!([study("2.999.1", "A1", "p"), patient("p")]);
                talk.publish("viewer", &event(ID, "ImagingStudy-open", opened), 202);
            },
        },
        Case {
            name: "closed in consequence of another's open",
            requirement: "event.no-close-after-open",
            verdict: Some(Warn),
            talk: |talk| {
                talk.publish("viewer", &patient_open(ID, "p"), 202);
                talk.publish("worklist", &patient_open("e2", "q"), 202);
                talk.publish(
                    "viewer",
                    &event("e3", "Patient-close", json!([patient("p")])),
                    202,
                );
            },
        },
        Case {
            name: "closed on switching itself",
            requirement: "event.no-close-after-open",
            verdict: None,
            talk: |talk| {
                talk.publish("viewer", &patient_open(ID, "p"), 202);
                talk.publish("viewer", &patient_open("e2", "q"), 202);
                talk.publish(
                    "viewer",
                    &event("e3", "Patient-close", json!([patient("p")])),
                    202,
                );
            },
        },
        Case {
            name: "closed much later",
            requirement: "event.no-close-after-open",
            verdict: Some(Pass),
            talk: |talk| {
                talk.publish("viewer", &patient_open(ID, "p"), 202);
                talk.publish("worklist", &patient_open("e2", "q"), 202);
                talk.wait(30.0);
                talk.publish(
                    "viewer",
                    &event("e3", "Patient-close", json!([patient("p")])),
                    202,
                );
            },
        },
    ]
}

#[test]
fn the_subject_of_a_study_stays() {
    let mut talk = Talk::new();
    closed_study(&mut talk, json!([study("2.999.1", "A1", "q"), patient("q")]));
    let mut told = talk.told();
    told.sort_unstable();
    assert_eq!(
        told,
        [
            ("imagingstudy-close.same-subject", Fail),
            ("patient-close.same-id", Fail)
        ]
    );
}

#[test]
fn encounters_and_reports_keep_their_ids_too() {
    for (kind, key, (member, value), requirement) in [
        (
            "Encounter",
            "encounter",
            ("class", json!({"code": "AMB"})),
            "encounter-close.same-id",
        ),
        (
            "DiagnosticReport",
            "report",
            ("code", json!({"text": "CT"})),
            "diagnosticreport-close.same-id",
        ),
    ] {
        let element = |id: &str| {
            json!([{"key": key, "resource": {"resourceType": kind, "id": id, "status": "unknown", member: value,
                    "identifier": [{"system": "urn:oid:2.999", "value": "1"}],
                    "subject": {"reference": "Patient/p"}}}, patient("p")])
        };
        for (id, expected) in [("a", Pass), ("b", Fail)] {
            let mut talk = Talk::new();
            talk.publish("viewer", &event(ID, &format!("{kind}-open"), element("a")), 202);
            talk.publish("viewer", &event("e2", &format!("{kind}-close"), element(id)), 202);
            assert_eq!(talk.concluded(requirement), Some(expected), "{:?}", talk.told());
        }
    }
}
