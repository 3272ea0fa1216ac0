//! Selection of messages by class, event, publication and place.

use serde_json::{Value, json};

use crate::Signature;
use crate::hub::example::{Example, sync_error};
use crate::hub::{MessageClass, Selection};
use crate::protocol::Version;

const ALL: [MessageClass; 5] = [
    MessageClass::Confirmation,
    MessageClass::Denial,
    MessageClass::Notification,
    MessageClass::SyncError,
    MessageClass::Verification,
];

fn any(class: MessageClass) -> Selection {
    Selection {
        class,
        event: None,
        publication: None,
        after: None,
    }
}

fn coming_of(class: MessageClass, position: usize) -> Selection {
    Selection {
        publication: Some(position),
        ..any(class)
    }
}

/// Whether the last message that the viewer received is one of these.
fn picks_last(example: &Example, selection: &Selection) -> bool {
    let viewer = &example.conversation.subscribers["viewer"];
    selection.picks(&example.conversation, viewer.received.last().unwrap())
}

/// The classes that the last message of the viewer is of.
fn classes_of_last(example: &Example) -> Vec<MessageClass> {
    let is_of = |class: &MessageClass| picks_last(example, &any(*class));
    ALL.into_iter().filter(is_of).collect()
}

/// A message that names no event, with the id of a publication.
fn unnamed(id: &str) -> Value {
    json!({"id": id, "event": {}})
}

#[test]
fn events_are_notifications_and_sync_errors() {
    for class in ALL {
        let of_events = matches!(class, MessageClass::Notification | MessageClass::SyncError);
        assert_eq!(any(class).is_of_events(), of_events, "{class:?}");
    }
}

#[test]
fn every_message_over_a_web_socket_has_one_class() {
    for (message, classes) in [
        (json!({"hub.mode": "subscribe"}), vec![MessageClass::Confirmation]),
        (json!({"hub.mode": "denied"}), vec![MessageClass::Denial]),
        (
            json!({"event": {"hub.event": "Home-open"}}),
            vec![MessageClass::Notification],
        ),
        (sync_error("error", "event-7"), vec![MessageClass::SyncError]),
        (unnamed("event-0"), vec![MessageClass::Notification]),
        (unnamed("event-1"), vec![MessageClass::SyncError]),
        (unnamed("event-7"), Vec::new()),
        (
            json!({"id": "event-0", "hub.mode": "denied"}),
            vec![MessageClass::Denial],
        ),
        (json!({"event": {"hub.event": "nonsense"}}), Vec::new()),
    ] {
        let mut example = Example::with(&["viewer"]);
        example.publish("viewer", "Patient-open");
        example.publish("viewer", "SyncError");
        example.send("viewer", &message);
        assert_eq!(classes_of_last(&example), classes, "{message}");
    }
}

#[test]
fn what_is_no_json_is_of_no_class() {
    let mut example = Example::with(&["viewer"]);
    example.frame("viewer", 0, "no JSON");
    assert_eq!(classes_of_last(&example), []);
}

#[test]
fn a_verification_comes_by_get() {
    for (method, query, classes) in [
        (
            "GET",
            "hub.mode=subscribe&hub.challenge=c",
            vec![MessageClass::Verification],
        ),
        ("POST", "hub.mode=subscribe&hub.challenge=c", Vec::new()),
        ("GET", "hub.mode=denied", vec![MessageClass::Denial]),
    ] {
        let mut example = Example::new(Version::Stu2);
        example.ask_for_webhook("viewer", "https://viewer.example.com/callback", "Patient-open");
        example.call("viewer", method, query, "", Signature::Missing);
        assert_eq!(classes_of_last(&example), classes, "{method} {query}");
    }
}

#[test]
fn an_event_is_picked_by_its_name_without_regard_to_case() {
    for (wanted, picked) in [
        ("Patient-open", true),
        ("patient-OPEN", true),
        ("Patient-close", false),
    ] {
        for unnamed in [false, true] {
            let mut example = Example::with(&["viewer"]);
            let opened = example.publish("viewer", "Patient-open");
            example.deliver_changed("viewer", opened, |message| {
                if unnamed {
                    message["event"] = json!({});
                }
            });
            let selection = Selection {
                event: Some(wanted.to_owned()),
                ..any(MessageClass::Notification)
            };
            assert_eq!(picks_last(&example, &selection), picked, "{wanted} {unnamed}");
        }
    }
}

#[test]
fn a_control_message_is_of_no_event() {
    let mut example = Example::with(&["viewer"]);
    let selection = Selection {
        event: Some("Patient-open".to_owned()),
        ..any(MessageClass::Confirmation)
    };
    assert!(!picks_last(&example, &selection));
    assert!(picks_last(&example, &any(MessageClass::Confirmation)));
    example.send("viewer", &json!({"event": {"hub.event": "Patient-open"}}));
    assert!(!picks_last(&example, &any(MessageClass::Confirmation)));
}

#[test]
fn a_message_is_picked_after_a_place_in_the_transcript() {
    let mut example = Example::with(&["viewer"]);
    let opened = example.publish("viewer", "Patient-open");
    let spot = example.deliver("viewer", opened);
    for (after, picked) in [
        (None, true),
        (Some(spot.sequence - 1), true),
        (Some(spot.sequence), false),
        (Some(spot.sequence + 1), false),
    ] {
        let selection = Selection {
            after,
            ..any(MessageClass::Notification)
        };
        assert_eq!(picks_last(&example, &selection), picked, "{after:?}");
    }
}

#[test]
fn a_notification_comes_of_the_publication_that_it_is_a_copy_of() {
    let mut example = Example::with(&["viewer"]);
    let opened = example.publish("viewer", "Patient-open");
    let closed = example.publish("viewer", "Patient-close");
    example.deliver("viewer", opened);
    let comes_of = |position| picks_last(&example, &coming_of(MessageClass::Notification, position));
    assert!(comes_of(opened));
    assert!(!comes_of(closed));
    assert!(!comes_of(7));
}

#[test]
fn a_sync_error_comes_of_the_publication_that_it_names_under_any_of_its_ids() {
    for (about, of_opened) in [
        ("event-0", true),
        ("another", true),
        ("event-1", false),
        ("event-7", false),
    ] {
        let mut example = Example::with(&["viewer", "archive"]);
        let opened = example.publish("viewer", "Patient-open");
        example.publish("viewer", "Patient-close");
        example.deliver_changed("archive", opened, |message| message["id"] = json!("another"));
        example.sync_error("viewer", "error", about);
        let selection = coming_of(MessageClass::SyncError, opened);
        assert_eq!(picks_last(&example, &selection), of_opened, "{about}");
    }
}

#[test]
fn a_copy_of_a_published_sync_error_comes_of_that() {
    let mut example = Example::with(&["viewer", "archive"]);
    let opened = example.publish("viewer", "Patient-open");
    let published = example.publish("archive", "SyncError");
    example.publication(published).context = sync_error("", "event-0")["event"]["context"].take();
    example.deliver("viewer", published);
    for position in [opened, published] {
        assert!(picks_last(
            &example,
            &coming_of(MessageClass::SyncError, position)
        ));
    }
    example.sync_error("viewer", "error", "event-1");
    assert!(!picks_last(
        &example,
        &coming_of(MessageClass::SyncError, published)
    ));
}

/// A conversation in this version: two events, and a SyncError that names none.
fn nameless(version: Version) -> (Example, usize, usize) {
    let mut example = Example::new(version);
    example.subscribe("viewer", "Patient-open,Patient-close,SyncError");
    let opened = example.publish("viewer", "Patient-open");
    let closed = example.publish("viewer", "Patient-close");
    send_nameless(&mut example);
    (example, opened, closed)
}

fn send_nameless(example: &mut Example) {
    let mut message = sync_error("error", "event-0");
    message["event"]["context"] = json!([]);
    example.send("viewer", &message);
}

#[test]
fn a_sync_error_names_its_event_except_in_stu1() {
    for version in [Version::Stu2, Version::Stu3] {
        let (example, opened, closed) = nameless(version);
        for position in [opened, closed] {
            let selection = coming_of(MessageClass::SyncError, position);
            assert!(!picks_last(&example, &selection), "{version}");
        }
    }
}

#[test]
fn a_nameless_sync_error_of_stu1_is_about_the_last_event_before_it_or_about_any_where_nobody_refused() {
    let (mut example, opened, closed) = nameless(Version::Stu1);
    let comes_of =
        |example: &Example, position| picks_last(example, &coming_of(MessageClass::SyncError, position));
    assert!(comes_of(&example, opened));
    assert!(comes_of(&example, closed));
    // What is published later can have no error yet.
    let later = example.publish("viewer", "Patient-open");
    assert!(!comes_of(&example, later));
    example.acknowledge("viewer", "event-1", 409);
    assert!(!comes_of(&example, opened));
    assert!(comes_of(&example, closed));
}

#[test]
fn a_sync_error_of_stu1_that_names_an_event_is_about_that() {
    let (mut example, opened, closed) = nameless(Version::Stu1);
    example.sync_error("viewer", "error", "event-0");
    assert!(picks_last(&example, &coming_of(MessageClass::SyncError, opened)));
    assert!(!picks_last(&example, &coming_of(MessageClass::SyncError, closed)));
}

#[test]
fn a_copy_of_a_nameless_sync_error_of_stu1_is_not_about_the_last_event() {
    let (mut example, opened, closed) = nameless(Version::Stu1);
    let published = example.publish("viewer", "SyncError");
    example.publication(published).context = json!([]);
    example.deliver("viewer", published);
    for position in [opened, closed] {
        assert!(!picks_last(
            &example,
            &coming_of(MessageClass::SyncError, position)
        ));
    }
}
