//! The name of an event, the members that its publisher added, and what it does not have of an earlier one.

use serde_json::{Value, json};

use super::copies::remove;
use super::{FAIL, PASS, WARN};
use crate::hub::example::Example;
use crate::hub::ids::{COMPLETE_REPLACEMENT, CONTEXT_UNALTERED, EXTENSION_OBJECT, MEMBERS_UNALTERED};
use crate::outcome::Verdict;
use crate::protocol::Version;

/// The verdict on the members of a copy of an event with members of its publisher's own, under each version.
fn with_members(change: impl Fn(&mut Value)) -> [Option<Verdict>; 3] {
    Version::ALL.map(|version| {
        let mut example = Example::under(version, &["viewer"]);
        let message = json!({
            "timestamp": "2026-03-01T09:30:00.000Z", "id": "a", "org.example.desk": {"number": 7}, "extension": {"a/b": 1},
            "event": {
                "hub.topic": "session", "hub.event": "Patient-open", "context": [], "org.example.hint": "left", "versionId": "0",
            },
        });
        example.publish_text("viewer", &message.to_string());
        let mut copy = message;
        change(&mut copy);
        example.send("viewer", &copy);
        example.judged().verdict(MEMBERS_UNALTERED)
    })
}

#[test]
fn members_of_the_publishers_own_are_not_changed() {
    assert_eq!(with_members(|_| {}), [PASS; 3]);
    let lawful = |copy: &mut Value| {
        copy["event"]["hub.event"] = json!("PATIENT-OPEN");
        copy["event"]["versionId"] = json!("1");
        copy["event"]["context.priorVersionId"] = json!("0");
        copy["sent-by"] = json!("hub");
    };
    assert_eq!(with_members(lawful), [PASS; 3]);
    assert_eq!(
        with_members(|copy| copy["org.example.desk"]["number"] = json!(8)),
        [FAIL; 3]
    );
    assert_eq!(
        with_members(|copy| copy["event"]["org.example.hint"] = json!("right")),
        [FAIL; 3]
    );
    assert_eq!(
        with_members(|copy| copy["extension"] = json!({"a/b": 1, "c": 2})),
        [FAIL; 3]
    );
    assert_eq!(with_members(|copy| remove(copy, "", "extension")), [WARN; 3]);
    assert_eq!(
        with_members(|copy| remove(copy, "/event", "org.example.hint")),
        [WARN; 3]
    );
    let both = |copy: &mut Value| {
        remove(copy, "", "extension");
        copy["event"]["org.example.hint"] = json!("right");
    };
    assert_eq!(with_members(both), [FAIL; 3], "the heavier counts");
}

#[test]
fn an_event_keeps_its_name() {
    let renamed = |version: Version, published: &str, name: &str| {
        let mut example = Example::new(version);
        example.subscribe(
            "viewer",
            "Patient-open,Patient-close,Encounter-open,Encounter-close",
        );
        let opened = example.publish("viewer", published);
        example.deliver_changed("viewer", opened, |message| {
            message["event"]["hub.event"] = json!(name)
        });
        example.judged().verdict(MEMBERS_UNALTERED)
    };
    for version in Version::ALL {
        assert_eq!(renamed(version, "Patient-open", "Patient-close"), FAIL);
        assert_eq!(renamed(version, "Patient-close", "Encounter-close"), FAIL);
        assert_eq!(renamed(version, "Patient-open", "patient-OPEN"), PASS);
    }
    assert_eq!(renamed(Version::Stu2, "Encounter-open", "Patient-open"), FAIL);
    assert_eq!(
        renamed(Version::Stu3, "Encounter-open", "Patient-open"),
        None,
        "it may be derived"
    );
}

#[test]
fn an_open_event_is_whole_and_has_nothing_of_an_earlier_one() {
    let patient = json!({"key": "patient", "resource": {"resourceType": "Patient", "id": "p", "identifier": [{"value": "1"}]}});
    let study = json!({"key": "study", "resource": {"resourceType": "ImagingStudy", "id": "s"}});
    let opened_after = |version: Version, published: &Value, delivered: &Value| {
        let mut example = Example::new(version);
        example.subscribe("viewer", "ImagingStudy-open,Patient-open");
        let first = example.publish_context("viewer", "ImagingStudy-open", &json!([patient, study]));
        example.deliver("viewer", first);
        let second = example.publish_context("viewer", "Patient-open", published);
        example.deliver_changed("viewer", second, |message| {
            message["event"]["context"] = delivered.clone()
        });
        let findings = example.judged();
        (
            findings.verdict(COMPLETE_REPLACEMENT),
            findings.verdict(CONTEXT_UNALTERED),
        )
    };
    for version in Version::ALL {
        let both = json!([patient, study]);
        assert_eq!(
            opened_after(version, &json!([patient]), &json!([patient])),
            (PASS, PASS)
        );
        assert_eq!(
            opened_after(version, &json!([patient]), &both),
            (FAIL, FAIL),
            "added"
        );
        assert_eq!(
            opened_after(version, &json!([patient]), &json!([])),
            (FAIL, FAIL),
            "left out"
        );
        let other = json!({"key": "study", "resource": {"resourceType": "ImagingStudy", "id": "other"}});
        assert_eq!(
            opened_after(version, &json!([patient]), &json!([patient, other])),
            (PASS, FAIL),
            "not of the earlier"
        );
    }
    let mut alone = Example::with(&["viewer"]);
    let opened = alone.publish("viewer", "Patient-open");
    alone.deliver("viewer", opened);
    assert_eq!(alone.verdict(COMPLETE_REPLACEMENT), None, "nothing came before");
}

#[test]
fn an_extension_of_the_hubs_is_an_object() {
    let added = |published: Value, delivered: fn(&mut Value)| {
        let mut example = Example::with(&["viewer"]);
        let opened = example.publish_context("viewer", "Patient-open", &published);
        example.deliver_changed("viewer", opened, delivered);
        example.judged().verdict(EXTENSION_OBJECT)
    };
    assert_eq!(added(json!([]), |_| {}), None, "there is none");
    assert_eq!(added(json!([]), |message| message["extension"] = json!({})), PASS);
    assert_eq!(
        added(json!([]), |message| message["extension"] = json!("x")),
        FAIL
    );
    assert_eq!(
        added(json!([]), |message| message["event"]["extension"] = json!([])),
        FAIL
    );
    let entry = json!([{"key": "extension", "data": "x"}]);
    let added_entry = |message: &mut Value| {
        message["event"]["context"] = json!([{"key": "extension", "data": "x"}]);
    };
    assert_eq!(added(json!([]), added_entry), FAIL);
    assert_eq!(added(entry, |_| {}), None, "so it was published");
    let mut example = Example::under(Version::Stu1, &["viewer"]);
    let opened = example.publish("viewer", "Patient-open");
    example.deliver_changed("viewer", opened, |message| message["extension"] = json!("x"));
    assert_eq!(example.verdict(EXTENSION_OBJECT), None, "STU1 has no extensions");
}
