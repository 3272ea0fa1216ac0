//! What is known of each received notification.

use serde_json::json;

use super::*;
use crate::hub::example::{Example, sync_error};

/// Event and publication of each notification, in order.
fn all(example: &Example) -> Vec<(&str, String, Option<usize>)> {
    received_events(&example.conversation)
        .into_iter()
        .map(|event| (event.subscriber, event.event.to_string(), event.publication))
        .collect()
}

#[test]
fn notifications_come_in_the_order_in_which_they_were_received() {
    let mut example = Example::with(&["viewer", "archive"]);
    let opened = example.publish("viewer", "Patient-open");
    let closed = example.publish("viewer", "Patient-close");
    example.deliver("viewer", opened);
    example.deliver("archive", opened);
    example.deliver("viewer", closed);
    example.sync_error("archive", "error", "event-7");
    // Confirmations, garbage and messages of no known event are no notifications.
    example.frame("archive", 0, "no JSON");
    example.send("archive", &json!({"id": "7", "event": {"hub.event": "nonsense"}}));
    assert_eq!(
        all(&example),
        [
            ("viewer", "Patient-open".to_owned(), Some(opened)),
            ("archive", "Patient-open".to_owned(), Some(opened)),
            ("viewer", "Patient-close".to_owned(), Some(closed)),
            ("archive", "SyncError".to_owned(), None),
        ]
    );
}

#[test]
fn a_notification_that_lacks_its_name_is_told_by_its_id() {
    let mut example = Example::with(&["viewer"]);
    let opened = example.publish("viewer", "Patient-open");
    example.deliver_changed("viewer", opened, |message| message["event"] = json!({}));
    assert_eq!(
        all(&example),
        [("viewer", "Patient-open".to_owned(), Some(opened))]
    );
}

#[test]
fn a_notification_has_its_subscriber_subscription_message_and_subject() {
    let mut example = Example::new(crate::protocol::Version::Stu3);
    example.subscribe_in("other session", "viewer", "Patient-open");
    let opened = example.publish("viewer", "Patient-open");
    let spot = example.deliver("viewer", opened);
    let message = example.notification(opened);
    let events = received_events(&example.conversation);
    let event = &events[0];
    assert_eq!((event.subscriber, event.topic), ("viewer", "other session"));
    assert_eq!(event.sequence(), spot.sequence);
    assert_eq!(event.message(), &message);
    assert_eq!(event.subject().as_deref(), Some("p"));
    assert_eq!(event.received.spot, spot);
    assert!(event.subscription.is_some());
    assert!(!event.is_sync_error());
}

#[test]
fn a_sync_error_is_told_from_other_events() {
    let mut example = Example::with(&["viewer"]);
    example.send("viewer", &sync_error("error", "event-7"));
    let events = received_events(&example.conversation);
    assert!(events[0].is_sync_error());
    assert_eq!(events[0].subject(), None);
}

#[test]
fn an_event_is_live_where_the_subscription_was_confirmed_before_it_was_published() {
    let mut example = Example::with(&["viewer"]);
    let opened = example.publish("viewer", "Patient-open");
    example.deliver("viewer", opened);
    let requested = example.publication(opened).requested;
    let before = crate::Spot {
        sequence: requested.sequence - 1,
        ..requested
    };
    for (confirmed, is_live) in [(Some(before), true), (Some(requested), false), (None, false)] {
        example.subscription("viewer").confirmed = confirmed;
        let conversation = &example.conversation;
        let events = received_events(conversation);
        assert_eq!(
            events[0].is_live(&conversation.publications[opened]),
            is_live,
            "{confirmed:?}"
        );
    }
    example.subscription("viewer").socket = None;
    let conversation = &example.conversation;
    let events = received_events(conversation);
    assert!(events[0].subscription.is_none());
    assert!(!events[0].is_live(&conversation.publications[opened]));
}

#[test]
fn a_lookalike_beside_the_original_is_no_copy() {
    let mut example = Example::with(&["viewer", "archive"]);
    let opened = example.publish("viewer", "Patient-open");
    let rename = |message: &mut Value| message["id"] = json!("another");
    example.deliver("viewer", opened);
    example.deliver_changed("viewer", opened, rename);
    // The archive never got the event under its own id.
    example.deliver_changed("archive", opened, rename);
    example.deliver("viewer", opened);
    let publications: Vec<Option<usize>> = all(&example).into_iter().map(|(_, _, found)| found).collect();
    assert_eq!(publications, [Some(opened), None, Some(opened), Some(opened)]);
}

#[test]
fn an_original_of_another_event_disowns_nothing() {
    let mut example = Example::with(&["viewer"]);
    let opened = example.publish("viewer", "Patient-open");
    let closed = example.publish("viewer", "Patient-close");
    example.deliver("viewer", opened);
    example.deliver_changed("viewer", closed, |message| message["id"] = json!("another"));
    let publications: Vec<Option<usize>> = all(&example).into_iter().map(|(_, _, found)| found).collect();
    assert_eq!(publications, [Some(opened), Some(closed)]);
}
