//! What is published, by base FHIR R4.

use serde_json::{Value, json};

use super::{Case, HUB, Talk, event, patient, patient_open};
use crate::outcome::Verdict::{self, Fail, Pass};
use crate::protocol::{SyncErrorCause, Version};
use crate::subscriber::BaseFhir;

const VALID: &str = "event.valid-fhir";

/// A resource with further members.
fn with(mut resource: Value, members: Value) -> Value {
    if let (Value::Object(resource), Value::Object(members)) = (&mut resource, members) {
        resource.extend(members);
    }
    resource
}

fn encounter(members: Value) -> Value {
    let resource = json!({"resourceType": "Encounter", "id": "e", "identifier": [{"system": "urn:oid:2.999", "value": "1"}],
        "subject": {"reference": "Patient/p"}});
    let resource = with(resource, members);
    event(
        "5dd3a3b6-1",
        "Encounter-open",
        json!([{"key": "encounter", "resource": resource}, patient("p")]),
    )
}

fn report(members: Value) -> Value {
    let resource = json!({"resourceType": "DiagnosticReport", "id": "r", "status": "unknown",
        "identifier": [{"system": "urn:oid:2.999", "value": "1"}], "subject": {"reference": "Patient/p"}, "code": {"text": "CT"}});
    let resource = with(resource, members);
    event(
        "5dd3a3b6-1",
        "DiagnosticReport-open",
        json!([{"key": "report", "resource": resource}, patient("p")]),
    )
}

/// An update of an open report.
fn update(talk: &mut Talk, entry: &Value) {
    let connection = talk.subscribe("viewer");
    let opened = report(json!({}));
    let mut told = opened.clone();
    told["event"]["context.versionId"] = json!("1");
    talk.publish("viewer", &opened, 202);
    talk.hub(connection, &told);
    talk.answer(connection, "5dd3a3b6-1", 200);
    let mut update = event(
        "5dd3a3b6-2",
        "DiagnosticReport-update",
        json!([
            {"key": "report", "reference": {"reference": "DiagnosticReport/r"}},
            {"key": "updates", "resource": {"resourceType": "Bundle", "type": "transaction", "entry": [entry]}},
        ]),
    );
    update["event"]["context.versionId"] = json!("1");
    talk.publish("viewer", &update, 202);
}

fn observation(members: Value) -> Value {
    let resource = json!({"resourceType": "Observation", "id": "o", "code": {"text": "size"}, "identifier": [{"value": "1"}],
        "subject": {"reference": "Patient/p"}});
    let resource = with(resource, members);
    json!({"request": {"method": "PUT", "url": "Observation/o"}, "resource": resource})
}

pub(super) fn publications() -> Vec<Case> {
    let case = |name, verdict, talk| Case {
        name,
        requirement: VALID,
        verdict: Some(verdict),
        talk,
    };
    vec![
        case("all that R4 asks", Pass, |talk| {
            let message = encounter(json!({"status": "unknown", "class": {"code": "AMB"}}));
            talk.publish("viewer", &message, 202);
        }),
        case("no class", Fail, |talk| {
            talk.publish("viewer", &encounter(json!({"status": "unknown"})), 202);
        }),
        case("a code that R4 does not know", Fail, |talk| {
            let message = encounter(json!({"status": "open", "class": {"code": "AMB"}}));
            talk.publish("viewer", &message, 202);
        }),
        case("a birth on the 30th of February", Fail, |talk| {
            let mut message = patient_open("5dd3a3b6-1", "p");
            message["event"]["context"][0]["resource"]["birthDate"] = json!("1980-02-30");
            talk.publish("viewer", &message, 202);
        }),
        case("an element of no resource", Fail, |talk| {
            let mut message = patient_open("5dd3a3b6-1", "p");
            message["event"]["context"][0]["resource"]["mrn"] = json!("7");
            talk.publish("viewer", &message, 202);
        }),
        case("an entry of an update as it should be", Pass, |talk| {
            update(talk, &observation(json!({"status": "final"})));
        }),
        case("an entry of an update without its status", Fail, |talk| {
            update(talk, &observation(json!({})));
        }),
        case("one kind of thing in place of several", Fail, |talk| {
            let category = json!({"status": "final", "category": {"text": "imaging"}});
            update(talk, &observation(category));
        }),
        case("whatever an extension holds", Pass, |talk| {
            let mut message = patient_open("5dd3a3b6-1", "p");
            message["event"]["context"] = json!([patient("p"),
                {"key": "extension", "data": {"resourceType": "Patient", "mrn": 7}}]);
            talk.publish("viewer", &message, 202);
        }),
        case("a context of references alone", Pass, |talk| {
            update(
                talk,
                &json!({"fullUrl": "Observation/o", "request": {"method": "DELETE", "url": "Observation/o"}}),
            );
        }),
        case("the element of a deployment of R5", Pass, |talk| {
            let study = json!({"study": [{"reference": "ImagingStudy/s"}]});
            talk.publish("viewer", &report(study), 202);
        }),
        case("a hub that says R5", Pass, |talk| {
            let url = format!("{HUB}/.well-known/fhircast-configuration");
            let body = json!({"fhirVersion": "R5"}).to_string();
            talk.http(None, ("GET", &url), &[], "", (200, &body));
            talk.publish("viewer", &encounter(json!({"status": "completed"})), 202);
        }),
        case("a hub that says R4", Fail, |talk| {
            let url = format!("{HUB}/.well-known/fhircast-configuration");
            let body = json!({"fhirVersion": "R4"}).to_string();
            talk.http(None, ("GET", &url), &[], "", (200, &body));
            talk.publish("viewer", &encounter(json!({"status": "completed"})), 202);
        }),
    ]
}

#[test]
fn what_a_profile_has_a_rule_on_is_told_by_it_alone() {
    let mut talk = Talk::new();
    let mut entry = observation(json!({"status": "final"}));
    entry["request"] = json!({"method": "PUT"});
    update(&mut talk, &entry);
    assert_eq!(talk.told(), [("update-bundle.url", Verdict::Warn)]);
    assert_eq!(talk.concluded(VALID), Some(Pass));
}

#[test]
fn a_hub_is_not_blamed_and_neither_is_who_receives() {
    let mut talk = Talk::new();
    let connection = talk.subscribe("viewer");
    talk.hub(connection, &encounter(json!({"status": "open"})));
    talk.answer(connection, "5dd3a3b6-1", 200);
    assert_eq!(talk.told(), []);
    assert_eq!(talk.concluded(VALID), None);
}

#[test]
fn a_switch_leaves_it_a_note_or_unjudged() {
    let faulty = encounter(json!({"status": "open"}));
    for (weight, told, concluded) in [
        (BaseFhir::Fail, vec![(VALID, Fail)], Some(Fail)),
        (BaseFhir::Note, vec![], Some(Pass)),
        (BaseFhir::Off, vec![], None),
    ] {
        let mut talk = Talk::with(|settings| settings.base_fhir = weight);
        talk.publish("viewer", &faulty, 202);
        assert_eq!(talk.told(), told, "{weight:?}");
        assert_eq!(talk.concluded(VALID), concluded, "{weight:?}");
        let noted = talk
            .message(VALID)
            .is_some_and(|message| message.contains("noted: by base FHIR R4"));
        assert_eq!(noted, weight == BaseFhir::Note, "{weight:?}");
    }
}

#[test]
fn versions_that_fix_no_version_of_fhir_note_it() {
    for version in [Version::Stu1, Version::Stu2] {
        let mut talk = Talk::of(version);
        let mut message = patient_open("5dd3a3b6-1", "p");
        message["event"]["context"][0]["resource"]["gender"] = json!("F");
        talk.publish("viewer", &message, 202);
        let told = talk.told();
        assert!(
            told.iter().all(|(id, _)| *id == "publish.event-of-subscription"),
            "{told:?}"
        );
        assert_eq!(talk.concluded(VALID), None);
        let message = talk.message("event.context-resource.subscriber").unwrap();
        assert!(message.contains("/event/context/0/resource/gender"), "{message}");
    }
}

#[test]
fn of_many_findings_a_few_are_told_and_none_tells_a_value() {
    let mut message = patient_open("5dd3a3b6-1", "p");
    for number in 0..40 {
        message["event"]["context"][0]["resource"][format!("secret{number}")] = json!("Jane Doe");
    }
    let mut talk = Talk::new();
    talk.publish("viewer", &message, 202);
    let sentence = talk.message(VALID).unwrap();
    assert!(
        sentence.contains("40 faults") && sentence.contains("and 35 more"),
        "{sentence}"
    );
    assert!(!sentence.contains("Jane") && sentence.len() < 1_500, "{sentence}");
    for _ in 0..60 {
        let again = message["event"]["context"][0].clone();
        message["event"]["context"].as_array_mut().unwrap().push(again);
    }
    let mut talk = Talk::new();
    talk.publish("viewer", &message, 202);
    let sentence = talk.message(VALID).unwrap();
    assert!(
        sentence.contains("50 faults or more") && sentence.len() < 1_500,
        "{sentence}"
    );
}

#[test]
fn a_sync_error_made_of_our_words_is_valid() {
    let cause = SyncErrorCause::new("e1", &"Patient-open".parse().unwrap(), "viewer", "no".to_owned());
    let mut talk = Talk::new();
    talk.publish(
        "viewer",
        &event("5dd3a3b6-1", "SyncError", cause.to_context()),
        202,
    );
    assert_eq!(talk.concluded(VALID), Some(Pass));
}
