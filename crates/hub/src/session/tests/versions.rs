//! What the heart does otherwise in the older versions.

use super::*;

#[test]
fn older_versions_replay_derive_and_version_nothing() {
    for version in [Version::Stu2, Version::Stu1] {
        let mut desk = Desk::speaking(version, &[]);
        desk.join_webhook("http://a/", "patient-open");
        desk.publish(&encounter_open("e1", "enc", "p")).unwrap();
        assert!(desk.calls().is_empty(), "no open event is derived");
        desk.publish(&patient_open("e2", "p")).unwrap();
        let (_, call) = desk.only_call();
        assert_eq!(
            &*call.body.unwrap(),
            patient_open("e2", "p").to_string(),
            "no version is added"
        );
        desk.join_webhook("http://b/", "patient-open,encounter-open");
        assert!(desk.calls().is_empty(), "nothing is replayed");
    }
}

#[test]
fn a_websocket_of_stu2_lives_without_replay_and_leaves_without_denial() {
    let mut desk = Desk::speaking(Version::Stu2, &[]);
    desk.publish(&patient_open("e1", "p")).unwrap();
    let endpoint = desk.subscribe("patient-open,patient-close");
    let id = desk.connect(&endpoint).unwrap();
    assert_eq!(desk.only(id)["hub.events"], "patient-open,patient-close");
    desk.publish(&patient_open("e2", "p")).unwrap();
    assert_eq!(desk.only(id)["id"], "e2");
    let mut in_part = SubscriptionRequest::unsubscribe(TOPIC, &endpoint);
    in_part.events = Some(parse_events("patient-open").unwrap());
    desk.request(&in_part).unwrap();
    assert!(desk.frames(id).is_empty());
    assert_eq!(
        desk.closed[&id].0, 1000,
        "a part of the events ends the whole of it"
    );
}

#[test]
fn events_of_later_versions_are_refused() {
    for version in [Version::Stu2, Version::Stu1] {
        let mut desk = Desk::speaking(version, &[]);
        for name in ["Patient-update", "Patient-select", "Home-open"] {
            let refusal = desk.request_webhook(&webhook("http://a/", name)).unwrap_err();
            assert_eq!(refusal.status, 400, "{name}");
            let refusal = desk.publish(&event("e", name, json!([]))).unwrap_err();
            assert!(refusal.reason.contains("is no event name"), "{refusal}");
        }
        assert!(desk.session.is_idle());
    }
}

#[test]
fn a_syncerror_says_as_much_as_the_version_wants() {
    for (version, codings) in [(Version::Stu3, Some(3)), (Version::Stu2, Some(2))] {
        let mut desk = Desk::speaking(version, &[]);
        let one = desk.join("Patient-open");
        let other = desk.join("SyncError");
        desk.publish(&patient_open("e", "p")).unwrap();
        desk.answer(one, "e", 409);
        let error = desk.only(other);
        let name = if version == Version::Stu3 {
            "SyncError"
        } else {
            "syncerror"
        };
        assert_eq!(error["event"]["hub.event"], name);
        let details = &error["event"]["context"][0]["resource"]["issue"][0]["details"];
        assert_eq!(details["coding"].as_array().map(Vec::len), codings);
    }
    let mut desk = Desk::speaking(Version::Stu1, &[]);
    desk.join_webhook("http://a/", "patient-open");
    desk.join_webhook("http://b/", "syncerror");
    desk.publish(&patient_open("e", "p")).unwrap();
    let (call, _) = desk.only_call();
    desk.call_back(call, 500, "");
    let (_, told) = desk.only_call();
    let error: Value = serde_json::from_str(&told.body.unwrap()).unwrap();
    let issue = &error["event"]["context"][0]["resource"]["issue"][0];
    assert_eq!(issue["code"], "processing");
    assert!(issue.get("details").is_none());
}

#[test]
fn only_stu3_drops_who_does_not_answer() {
    for (version, kept) in [(Version::Stu3, false), (Version::Stu2, true)] {
        let mut desk = Desk::speaking(version, &[]);
        let id = desk.join("Patient-open");
        desk.publish(&patient_open("e", "p")).unwrap();
        desk.wait(10.0);
        assert_eq!(desk.closed.is_empty(), kept, "{version}");
        assert_eq!(desk.ids(id), ["e"]);
    }
}

#[test]
fn older_versions_take_a_syncerror_without_outcome() {
    let empty = event("e", "syncerror", json!([]));
    assert!(Desk::speaking(Version::Stu3, &[]).publish(&empty).is_err());
    for version in [Version::Stu2, Version::Stu1] {
        Desk::speaking(version, &[]).publish(&empty).unwrap();
    }
}
