//! Broadcast, filtering, derived events.

use serde_json::json;

use super::*;

#[test]
fn an_event_reaches_all_who_subscribed_to_it_as_it_came() {
    let mut desk = Desk::new();
    let one = desk.join("Patient-open");
    let other = desk.join("PATIENT-OPEN,Patient-close");
    let outsider = desk.join("Encounter-open");
    let mut sent = event(
        "e1",
        "patient-Open",
        json!([{"key": "patient", "resource": {"resourceType": "Patient", "id": "p", "multipleBirthInteger": 1.50}}]),
    );
    sent["extension"] = json!({"deep": [1, {"x": null}]});
    desk.publish(&sent).unwrap();
    for id in [one, other] {
        let mut got = desk.only(id);
        got["event"]
            .as_object_mut()
            .unwrap()
            .remove("context.versionId")
            .unwrap();
        assert_eq!(got, sent);
    }
    assert!(desk.frames(outsider).is_empty());
}

#[test]
fn order_is_kept() {
    let mut desk = Desk::new();
    let id = desk.join("Patient-open,UserLogout");
    for at in 0..5 {
        desk.publish(&patient_open(&format!("e{at}"), "p")).unwrap();
    }
    assert_eq!(desk.ids(id), ["e0", "e1", "e2", "e3", "e4"]);
}

#[test]
fn nothing_is_delivered_before_the_connection() {
    let mut desk = Desk::new();
    let endpoint = desk.subscribe("Patient-open,Home-open");
    desk.publish(&event("e1", "Home-open", json!([]))).unwrap();
    let id = desk.connect(&endpoint).unwrap();
    assert_eq!(desk.frames(id).len(), 1, "the confirmation alone");
}

#[test]
fn every_kind_of_event_is_taken() {
    let mut desk = Desk::new();
    let names =
        "Basic-open,UserLogout,UserHibernate,Home-open,org.example.transmogrify,SyncError,Patient-select";
    let id = desk.join(names);
    desk.publish(&patient_open("p", "p")).unwrap();
    let basic = json!([{"key": "basic", "resource": {"resourceType": "Basic", "id": "b"}}]);
    let parameters = json!([{"key": "parameters", "resource": {"resourceType": "Parameters"}}]);
    let outcome =
        json!([{"key": "operationoutcome", "resource": {"resourceType": "OperationOutcome", "issue": []}}]);
    let select = json!([{"key": "patient", "reference": {"reference": "Patient/p"}}]);
    for (name, context) in [
        ("Basic-open", basic),
        ("userLogout", parameters.clone()),
        ("userHibernate", parameters),
        ("home-open", json!([])),
        ("org.example.transmogrify", json!([])),
        ("syncerror", outcome),
        ("Patient-select", select),
    ] {
        desk.publish(&event(name, name, context)).unwrap();
        assert_eq!(desk.ids(id), [name]);
    }
}

#[test]
fn malformed_events_are_refused_by_pointer_and_nothing_is_broadcast() {
    let mut desk = Desk::new();
    let id = desk.join("Patient-open,Patient-close,Home-open,SyncError,ImagingStudy-open");
    let wrong_type = json!([{"key": "patient", "resource": {"resourceType": "Person", "id": "p"}}]);
    let no_id = json!([{"key": "patient", "resource": {"resourceType": "Patient"}}]);
    let upper_key = json!([{"key": "Patient", "resource": {"resourceType": "Patient", "id": "p"}}]);
    for (name, context, pointer) in [
        ("Patient-open", json!([]), "/event/context:"),
        (
            "Patient-open",
            json!([{"key": "patient"}]),
            "/event/context/0/resource:",
        ),
        ("Patient-open", json!([{"resource": {}}]), "/event/context/0/key:"),
        (
            "Patient-open",
            json!([patient("a"), patient("b")]),
            "/event/context/1:",
        ),
        (
            "Patient-open",
            json!([{"key": "patient", "resource": 7}]),
            "/event/context/0/resource:",
        ),
        (
            "Patient-open",
            wrong_type,
            "/event/context/0/resource/resourceType:",
        ),
        ("Patient-close", no_id, "/event/context/0/resource/id:"),
        ("Patient-open", upper_key, "/event/context:"),
        ("ImagingStudy-open", json!([patient("a")]), "key 'study'"),
        ("Patient-merge", json!([]), "/event/hub.event:"),
        ("Home-open", json!([patient("a")]), "/event/context:"),
        ("SyncError", json!([]), "/event/context:"),
        ("SyncError", json!([patient("a")]), "/event/context/0/key:"),
        (
            "SyncError",
            json!([{"key": "operationoutcome"}]),
            "/event/context/0/resource:",
        ),
    ] {
        let refusal = desk.publish(&event("e", name, context)).unwrap_err();
        assert_eq!(refusal.status, 400);
        assert!(refusal.reason.contains(pointer), "{refusal}");
        assert!(refusal.reason.contains("(FHIRcast STU3, "), "{refusal}");
    }
    assert!(desk.frames(id).is_empty());
    assert_eq!(desk.current()["context.type"], "");
}

#[test]
fn open_events_are_derived_for_those_who_do_not_get_the_original() {
    let mut desk = Desk::new();
    let all = desk.join("Patient-open,Encounter-open");
    let patients = desk.join("Patient-open");
    let closes = desk.join("Patient-close");
    desk.publish(&encounter_open("e1", "enc", "p1")).unwrap();
    assert_eq!(desk.ids(all), ["e1"]);
    let derived = desk.only(patients);
    assert_eq!(derived["event"]["hub.event"], "Patient-open");
    assert_eq!(derived["event"]["hub.topic"], TOPIC);
    assert_eq!(derived["timestamp"], "2026-03-01T09:29:00.000Z");
    assert_ne!(derived["id"], "e1");
    assert_eq!(derived["event"]["context"], json!([patient("p1")]));
    assert!(derived["event"]["context.versionId"].is_string());
    assert!(desk.frames(closes).is_empty(), "no close is invented");
    // The same patient again is no news; another is.
    desk.publish(&encounter_open("e2", "enc2", "p1")).unwrap();
    assert!(desk.frames(patients).is_empty());
    desk.publish(&encounter_open("e3", "enc3", "p2")).unwrap();
    assert_eq!(desk.frames(patients).len(), 1);
}

#[test]
fn derived_events_bring_their_patient_with_them() {
    let mut desk = Desk::new();
    let id = desk.join("ImagingStudy-open");
    let report = json!({"key": "report", "resource": {"resourceType": "DiagnosticReport", "id": "r"}});
    let study = json!({"key": "study", "resource": {"resourceType": "ImagingStudy", "id": "s"}});
    desk.publish(&event(
        "e",
        "DiagnosticReport-open",
        json!([report, patient("p"), study]),
    ))
    .unwrap();
    let derived = desk.only(id);
    assert_eq!(derived["event"]["hub.event"], "ImagingStudy-open");
    assert_eq!(derived["event"]["context"], json!([study, patient("p")]));
}
