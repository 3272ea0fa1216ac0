//! One id, one event.

use serde_json::json;

use super::{FAIL, PASS, WARN};
use crate::hub::example::{Example, sync_error};
use crate::hub::ids::ID_UNIQUE;
use crate::protocol::Version;

#[test]
fn copies_of_one_event_share_its_id() {
    let mut example = Example::with(&["viewer", "archive"]);
    let opened = example.publish("viewer", "Patient-open");
    example.deliver("viewer", opened);
    example.deliver("archive", opened);
    assert_eq!(example.verdict(ID_UNIQUE), PASS);
}

#[test]
fn two_events_about_different_resources_have_different_ids() {
    let mut example = Example::with(&["viewer"]);
    for patient in ["p", "q"] {
        let opened = example.publish_about(patient, "viewer", "Patient-open");
        example.deliver_changed("viewer", opened, |message| message["id"] = json!("same"));
    }
    let findings = example.judged();
    assert_eq!(findings.verdict(ID_UNIQUE), FAIL);
    let copies: Vec<usize> = example.subscriber("viewer").received[1..]
        .iter()
        .map(|received| received.spot.sequence)
        .collect();
    assert_eq!(findings.evidence(ID_UNIQUE), copies);
}

#[test]
fn an_id_counts_within_its_topic() {
    let mut example = Example::with(&["viewer"]);
    example.subscribe_in("other session", "archive", "Patient-open");
    let first = example.publish_about("p", "viewer", "Patient-open");
    let second = example.publish_about("q", "viewer", "Patient-open");
    example.publication(second).topic = "other session".to_owned();
    example.publication(second).id = example.publication(first).id.clone();
    example.deliver("viewer", first);
    example.deliver("archive", second);
    assert_eq!(example.verdict(ID_UNIQUE), PASS);
}

#[test]
fn an_event_derived_from_another_may_share_its_id() {
    let mut example = Example::with(&["viewer"]);
    let opened = example.publish("viewer", "Patient-open");
    example.deliver("viewer", opened);
    example.deliver_changed("viewer", opened, |message| {
        message["event"]["hub.event"] = json!("Patient-close");
    });
    assert_eq!(example.verdict(ID_UNIQUE), PASS);
}

#[test]
fn two_sync_errors_with_one_id_have_one_cause() {
    for (second, verdict) in [("event-0", PASS), ("event-1", FAIL)] {
        let mut example = Example::with(&["viewer", "archive"]);
        example.sync_error("viewer", "error", "event-0");
        example.sync_error("archive", "error", second);
        assert_eq!(example.verdict(ID_UNIQUE), verdict, "{second}");
    }
}

#[test]
fn a_sync_error_with_the_id_of_its_event_warns() {
    for id in ["event-0", "another"] {
        let mut example = Example::with(&["viewer", "archive"]);
        let opened = example.publish("viewer", "Patient-open");
        example.deliver("archive", opened);
        example.send("archive", &sync_error(id, "event-0"));
        let verdict = if id == "event-0" { WARN } else { PASS };
        assert_eq!(example.verdict(ID_UNIQUE), verdict, "{id}");
    }
}

#[test]
fn messages_without_an_id_are_left_to_their_schema() {
    let mut example = Example::with(&["viewer"]);
    for patient in ["p", "q"] {
        let opened = example.publish_about(patient, "viewer", "Patient-open");
        example.deliver_changed("viewer", opened, |message| {
            message.as_object_mut().unwrap().remove("id");
        });
    }
    assert_eq!(example.verdict(ID_UNIQUE), None);
}

#[test]
fn every_version_has_the_rule() {
    for version in Version::ALL {
        let mut example = Example::new(version);
        example.subscribe("viewer", "Patient-open");
        for patient in ["p", "q"] {
            let opened = example.publish_about(patient, "viewer", "Patient-open");
            example.deliver_changed("viewer", opened, |message| message["id"] = json!("same"));
        }
        assert_eq!(example.verdict(ID_UNIQUE), FAIL, "{version}");
    }
}
