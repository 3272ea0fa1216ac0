//! Messages are selected by what they are and what they come of.

use serde_json::json;

use crate::Signature;
use crate::hub::example::{Example, sync_error};
use crate::hub::{MessageClass, Selection};
use crate::protocol::Version;

fn any(class: MessageClass) -> Selection {
    Selection {
        class,
        event: None,
        publication: None,
        after: None,
    }
}

fn of(class: MessageClass, position: usize) -> Selection {
    Selection {
        publication: Some(position),
        ..any(class)
    }
}

/// Positions in the transcript of the messages of a subscriber that are picked.
fn picked(example: &Example, name: &str, selection: &Selection) -> Vec<usize> {
    let received = example.conversation.subscribers[name].received.iter();
    received
        .filter(|received| selection.picks(&example.conversation, received))
        .map(|received| received.spot.sequence)
        .collect()
}

#[test]
fn each_class_of_frames_is_told_from_the_others() {
    let mut example = Example::with(&["viewer"]);
    let confirmation = example.subscriber("viewer").received[0].spot;
    let opened = example.publish("viewer", "Patient-open");
    let notification = example.deliver("viewer", opened);
    let error = example.sync_error("viewer", "error", "event-0");
    let denial = example.send("viewer", &json!({"hub.mode": "denied"}));
    example.frame("viewer", 0, "no JSON");
    for (class, spot) in [
        (MessageClass::Confirmation, confirmation),
        (MessageClass::Notification, notification),
        (MessageClass::SyncError, error),
        (MessageClass::Denial, denial),
    ] {
        assert_eq!(
            picked(&example, "viewer", &any(class)),
            [spot.sequence],
            "{class:?}"
        );
    }
    assert!(picked(&example, "viewer", &any(MessageClass::Verification)).is_empty());
}

#[test]
fn a_verification_is_a_get() {
    let mut example = Example::new(Version::Stu2);
    example.subscribe_webhook("viewer", "https://viewer.example.com", "Patient-open");
    let asked = example.subscriber("viewer").received[0].spot;
    example.call(
        "viewer",
        "POST",
        "hub.mode=subscribe&hub.challenge=c",
        "",
        Signature::Missing,
    );
    let verification = any(MessageClass::Verification);
    assert_eq!(picked(&example, "viewer", &verification), [asked.sequence]);
}

#[test]
fn events_are_told_apart_by_name_and_time() {
    let mut example = Example::with(&["viewer"]);
    let opened = example.publish("viewer", "Patient-open");
    let closed = example.publish("viewer", "Patient-close");
    let first = example.deliver("viewer", opened);
    let second = example.deliver("viewer", closed);
    let named = Selection {
        event: Some("patient-OPEN".to_owned()),
        ..any(MessageClass::Notification)
    };
    assert_eq!(picked(&example, "viewer", &named), [first.sequence]);
    let later = Selection {
        after: Some(first.sequence),
        ..any(MessageClass::Notification)
    };
    assert_eq!(picked(&example, "viewer", &later), [second.sequence]);
    assert_eq!(
        picked(&example, "viewer", &of(MessageClass::Notification, closed)),
        [second.sequence]
    );
    assert!(picked(&example, "viewer", &of(MessageClass::Notification, 7)).is_empty());
}

#[test]
fn a_notification_without_a_name_is_told_by_its_id() {
    let mut example = Example::with(&["viewer"]);
    let opened = example.publish("viewer", "Patient-open");
    let nameless = example.deliver_changed("viewer", opened, |message| {
        message["event"]["hub.event"] = json!(null);
    });
    let notification = of(MessageClass::Notification, opened);
    assert_eq!(picked(&example, "viewer", &notification), [nameless.sequence]);
}

#[test]
fn a_sync_error_comes_of_the_event_that_it_names_under_whatever_id_that_went_around() {
    let mut example = Example::with(&["viewer", "archive"]);
    let opened = example.publish("viewer", "Patient-open");
    example.deliver_changed("archive", opened, |message| message["id"] = json!("renamed"));
    let by_id = example.sync_error("viewer", "one", "event-0");
    let by_other_id = example.sync_error("viewer", "two", "renamed");
    example.sync_error("viewer", "three", "event-7");
    assert_eq!(
        picked(&example, "viewer", &of(MessageClass::SyncError, opened)),
        [by_id.sequence, by_other_id.sequence]
    );
}

#[test]
fn a_sync_error_that_was_published_is_selected_as_itself() {
    let mut example = Example::with(&["viewer", "archive"]);
    let published = example.publish("viewer", "SyncError");
    let context = sync_error("error", "event-9")["event"]["context"].take();
    example.publication(published).context = context;
    let copy = example.deliver("archive", published);
    assert_eq!(
        picked(&example, "archive", &of(MessageClass::SyncError, published)),
        [copy.sequence]
    );
}

#[test]
fn in_stu1_a_sync_error_without_a_cause_is_about_the_last_event_or_where_nobody_refused_about_any() {
    let nameless = |version: Version, refused: bool| {
        let mut example = Example::new(version);
        example.subscribe("viewer", "Patient-open,Patient-close,SyncError");
        let opened = example.publish("viewer", "Patient-open");
        let closed = example.publish("viewer", "Patient-close");
        if refused {
            example.acknowledge("viewer", "event-1", 409);
        }
        let mut message = sync_error("error", "event-0");
        message["event"]["context"] = json!([]);
        example.send("viewer", &message);
        let later = example.publish("viewer", "Patient-open");
        [opened, closed, later]
            .map(|position| picked(&example, "viewer", &of(MessageClass::SyncError, position)).len())
    };
    assert_eq!(nameless(Version::Stu1, true), [0, 1, 0]);
    assert_eq!(nameless(Version::Stu1, false), [1, 1, 0]);
    assert_eq!(nameless(Version::Stu2, false), [0, 0, 0]);
}
