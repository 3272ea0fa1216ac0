//! Which publication a notification is a copy of, and what events are about.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use crate::hub::example::{Example, sync_error};
use crate::hub::publication::context_of;
use crate::hub::{causes, event_of, is_foreign, origin, subject_id, version_of};
use crate::protocol::EventName;
use crate::{Received, Spot};

/// A message that is received now.
fn received(example: &Example, message: Value) -> Received {
    Received {
        spot: Spot {
            sequence: example.conversation.transcript.len(),
            at: Duration::ZERO,
        },
        socket: 0,
        text: "".into(),
        json: Some(Arc::new(message)),
        call: None,
    }
}

fn origin_of(example: &Example, message: Value) -> Option<usize> {
    origin(&example.conversation.publications, &received(example, message))
}

/// A copy of this publication under another id and with another time, changed.
fn altered(example: &Example, position: usize, change: impl FnOnce(&mut Value)) -> Value {
    let mut message = example.notification(position);
    message["id"] = json!("another");
    message["timestamp"] = json!("2026-03-01T11:00:00.000Z");
    change(&mut message);
    message
}

fn name(text: &str) -> EventName {
    text.parse().unwrap()
}

#[test]
fn a_copy_is_told_by_its_id_and_event() {
    let mut example = Example::with(&["viewer"]);
    let first = example.publish("viewer", "Patient-open");
    let second = example.publish("viewer", "Patient-open");
    for position in [first, second] {
        assert_eq!(
            origin_of(&example, example.notification(position)),
            Some(position)
        );
    }
    // The same id twice is the last one, and whatever else the message says counts for nothing.
    example.publication(second).id = "event-0".to_owned();
    let mut message = example.notification(first);
    message["event"]["context"] = json!([]);
    assert_eq!(origin_of(&example, message), Some(second));
}

#[test]
fn an_id_alone_does_not_make_a_copy_of_another_event() {
    let mut example = Example::with(&["viewer"]);
    let opened = example.publish("viewer", "Patient-open");
    let mut message = example.notification(opened);
    message["event"]["hub.event"] = json!("Patient-close");
    assert_eq!(origin_of(&example, message), None);
}

#[test]
fn a_message_that_names_no_event_is_told_by_its_id_alone() {
    let mut example = Example::with(&["viewer"]);
    let opened = example.publish("viewer", "Patient-open");
    example.publish("viewer", "Patient-close");
    for event in [json!({}), json!({"hub.event": "nonsense"})] {
        let mut message = example.notification(opened);
        message["event"] = event;
        assert_eq!(origin_of(&example, message.clone()), Some(opened));
        message["id"] = json!("another");
        assert_eq!(origin_of(&example, message), None);
    }
}

#[test]
fn what_is_no_json_is_a_copy_of_nothing() {
    let mut example = Example::with(&["viewer"]);
    example.publish("viewer", "Patient-open");
    let mut received = received(&example, json!({}));
    received.json = None;
    assert_eq!(origin(&example.conversation.publications, &received), None);
    assert_eq!(event_of(&received), None);
}

#[test]
fn a_copy_under_another_id_is_of_the_same_event_about_the_same_resource() {
    let mut example = Example::with(&["viewer"]);
    let opened = example.publish("viewer", "Patient-open");
    assert_eq!(
        origin_of(&example, altered(&example, opened, |_| {})),
        Some(opened)
    );
    let about_another = altered(&example, opened, |message| {
        message["event"]["context"][0]["resource"]["id"] = json!("q");
    });
    assert_eq!(origin_of(&example, about_another), None);
    let other_event = altered(&example, opened, |message| {
        message["event"]["hub.event"] = json!("Patient-close");
    });
    assert_eq!(origin_of(&example, other_event), None);
}

#[test]
fn the_last_of_several_alike_is_the_original_unless_another_has_the_time() {
    let mut example = Example::with(&["viewer"]);
    let first = example.publish("viewer", "Patient-open");
    let second = example.publish("viewer", "Patient-open");
    assert_eq!(
        origin_of(&example, altered(&example, first, |_| {})),
        Some(second)
    );
    for position in [first, second] {
        let time = example.publication(position).timestamp.clone();
        let message = altered(&example, position, |message| message["timestamp"] = json!(time));
        assert_eq!(origin_of(&example, message), Some(position));
    }
    // The time of an event about something else says nothing.
    let close = example.publish("viewer", "Patient-close");
    let time = example.publication(close).timestamp.clone();
    let message = altered(&example, first, |message| message["timestamp"] = json!(time));
    assert_eq!(origin_of(&example, message), Some(second));
}

#[test]
fn a_copy_under_another_id_comes_after_its_publication() {
    let mut example = Example::with(&["viewer"]);
    let early = example.conversation.transcript.len();
    let opened = example.publish("viewer", "Patient-open");
    let mut received = received(&example, altered(&example, opened, |_| {}));
    let requested = example.publication(opened).requested.sequence;
    assert_eq!(requested, early);
    for (sequence, found) in [(requested + 1, Some(opened)), (requested, None)] {
        received.spot.sequence = sequence;
        assert_eq!(origin(&example.conversation.publications, &received), found);
    }
}

#[test]
fn content_is_told_by_the_id_of_its_bundle() {
    let mut example = Example::with(&["viewer"]);
    let updated = example.publish("viewer", "Patient-update");
    let patient = example.publication(updated).context[0].clone();
    let content = json!({"key": "updates", "resource": {"resourceType": "Bundle", "id": "b"}});
    example.publication(updated).context = json!([patient, content]);
    assert_eq!(
        origin_of(&example, altered(&example, updated, |_| {})),
        Some(updated)
    );
    for other in [json!("c"), json!(null)] {
        let message = altered(&example, updated, |message| {
            message["event"]["context"][1]["resource"]["id"] = other;
        });
        assert_eq!(origin_of(&example, message), None);
    }
    let other_key = altered(&example, updated, |message| {
        message["event"]["context"][1]["key"] = json!("select");
    });
    assert_eq!(origin_of(&example, other_key), None);
}

#[test]
fn an_event_about_no_resource_is_told_by_its_context() {
    let mut example = Example::with(&["viewer"]);
    let logout = example.publish("viewer", "UserLogout");
    for (context, found) in [
        (example.publication(logout).context.clone(), Some(logout)),
        (json!([{"key": "patient"}]), None),
        (json!([]), None),
        (json!("none"), None),
        (json!(null), None),
    ] {
        let message = altered(&example, logout, |message| message["event"]["context"] = context);
        assert_eq!(origin_of(&example, message.clone()), found, "{message}");
    }
}

#[test]
fn an_event_that_lacks_its_resource_is_no_original_of_one_that_has_it() {
    let mut example = Example::with(&["viewer"]);
    let opened = example.publish("viewer", "Patient-open");
    let message = altered(&example, opened, |_| {});
    example.publication(opened).context = json!([{"key": "patient"}]);
    assert_eq!(origin_of(&example, message), None);
    assert_eq!(
        origin_of(&example, altered(&example, opened, |_| {})),
        Some(opened)
    );
}

#[test]
fn a_later_open_event_may_imply_an_earlier_one_again() {
    type Change = fn(&mut Example, usize);
    let as_it_is: Change = |_, _| {};
    let cases: [(&str, &str, Change, bool); 6] = [
        ("Encounter-open", "p", as_it_is, true),
        ("Patient-open", "q", as_it_is, false),
        ("Encounter-close", "p", as_it_is, false),
        ("Encounter-open", "q", as_it_is, false),
        (
            "Encounter-open",
            "p",
            |example, later| example.publication(later).topic = "other session".to_owned(),
            false,
        ),
        (
            "Encounter-open",
            "p",
            |example, later| example.publication(later).requested.sequence = 999,
            false,
        ),
    ];
    for (case, (event, patient, change, is_implied)) in cases.into_iter().enumerate() {
        let mut example = Example::with(&["viewer"]);
        let opened = example.publish("viewer", "Patient-open");
        let later = example.publish_about(patient, "viewer", event);
        change(&mut example, later);
        let found = (!is_implied).then_some(opened);
        assert_eq!(
            origin_of(&example, altered(&example, opened, |_| {})),
            found,
            "case {case}"
        );
        let time = example.publication(opened).timestamp.clone();
        let message = altered(&example, opened, |message| message["timestamp"] = json!(time));
        assert_eq!(origin_of(&example, message), Some(opened), "case {case}");
    }
}

#[test]
fn an_event_that_is_no_open_one_is_never_implied() {
    let mut example = Example::with(&["viewer"]);
    let closed = example.publish("viewer", "Patient-close");
    example.publish("viewer", "Encounter-open");
    assert_eq!(
        origin_of(&example, altered(&example, closed, |_| {})),
        Some(closed)
    );
}

#[test]
fn an_open_event_without_a_resource_is_never_implied() {
    let mut example = Example::with(&["viewer"]);
    let opened = example.publish("viewer", "Patient-open");
    example.publication(opened).context = json!([{"key": "patient"}]);
    let later = example.publish("viewer", "Encounter-open");
    example.publication(later).context = json!([{"key": "encounter"}]);
    assert_eq!(
        origin_of(&example, altered(&example, opened, |_| {})),
        Some(opened)
    );
}

#[test]
fn an_event_is_about_the_resource_of_its_own_type() {
    let patient = json!({"resource": {"resourceType": "Patient", "id": "p"}});
    let study = json!({"resource": {"resourceType": "ImagingStudy", "id": "s"}});
    let referred = |reference: &str| json!({"reference": {"reference": reference}});
    for (event, context, subject) in [
        ("Patient-open", json!([patient]), Some("p")),
        ("Patient-open", json!([study, patient]), Some("p")),
        ("ImagingStudy-open", json!([study, patient]), Some("s")),
        ("Patient-open", json!([study]), None),
        ("Patient-open", json!([referred("Patient/r")]), Some("r")),
        (
            "Patient-open",
            json!([referred("https://fhir.example.com/Patient/r")]),
            Some("r"),
        ),
        ("Patient-open", json!([referred("Encounter/r")]), None),
        (
            "Patient-open",
            json!([referred("Patient/r/_history/2")]),
            Some("r"),
        ),
        ("List-open", json!([referred("BodyList/r")]), None),
        (
            "Location-open",
            json!([referred("https://h/AllocationLocation/r")]),
            None,
        ),
        ("Patient-open", json!([referred("r"), patient]), Some("p")),
        (
            "Patient-open",
            json!([{"resource": {"resourceType": "Patient"}}]),
            None,
        ),
        ("Patient-open", json!({}), None),
        ("UserLogout", json!([patient]), None),
    ] {
        assert_eq!(
            subject_id(&name(event), &context).as_deref(),
            subject,
            "{event} {context}"
        );
    }
}

#[test]
fn a_message_of_another_topic_is_foreign() {
    for (event, foreign) in [
        (json!({"hub.topic": "session"}), false),
        (json!({"hub.topic": "other session"}), true),
        (json!({"hub.topic": 7}), false),
        (json!({}), false),
    ] {
        assert_eq!(
            is_foreign(&json!({"event": event}), "session"),
            foreign,
            "{event}"
        );
    }
}

#[test]
fn a_version_is_read_in_either_spelling() {
    for (message, version) in [
        (json!({"event": {"context.versionId": "1"}}), Some("1")),
        (json!({"event": {"versionId": "2"}}), Some("2")),
        (
            json!({"event": {"versionId": "2", "context.versionId": "1"}}),
            Some("1"),
        ),
        (json!({"event": {"versionId": 2}}), None),
        (json!({"event": {}}), None),
        (json!({"versionId": "2"}), None),
    ] {
        assert_eq!(version_of(&message), version, "{message}");
    }
}

#[test]
fn an_event_has_a_name_that_there_could_be() {
    let example = Example::with(&[]);
    for (stated, event) in [
        (json!("Patient-open"), Some("Patient-open")),
        (json!("SyncError"), Some("SyncError")),
        (
            json!("org.example.viewer-opened"),
            Some("org.example.viewer-opened"),
        ),
        (json!("nonsense"), None),
        (json!(""), None),
        (json!(7), None),
    ] {
        let message = json!({"event": {"hub.event": stated}});
        let found = event_of(&received(&example, message));
        assert_eq!(found, event.map(name), "{stated}");
    }
}

#[test]
fn the_causes_of_a_sync_error_stand_in_its_context() {
    let found = causes(&sync_error("error", "event-0"));
    let ids: Vec<&str> = found.iter().map(|cause| cause.event_id.as_str()).collect();
    assert_eq!(ids, ["event-0"]);
    assert_eq!(causes(&json!({"id": "event-0"})), []);
    assert_eq!(context_of(&json!({"event": {"context": 7}})), &json!(7));
    assert_eq!(context_of(&json!({"context": 7})), &Value::Null);
}
