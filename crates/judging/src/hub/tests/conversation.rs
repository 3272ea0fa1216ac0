//! What is known of a conversation and its subscribers.

use serde_json::json;

use crate::hub::example::Example;
use crate::hub::{Channel, Subscriber};
use crate::protocol::Version;

#[test]
fn a_subscriber_begins_with_nothing() {
    let subscriber = Subscriber::new("viewer", "session", Channel::WebSocket);
    assert_eq!(
        (subscriber.name.as_str(), subscriber.topic.as_str()),
        ("viewer", "session")
    );
    assert!(subscriber.exact);
    assert!(!subscriber.is_webhook());
    assert!(!subscriber.is_active());
    assert!(subscriber.subscription().is_none());
    let webhook = Channel::Webhook {
        callback: String::new(),
        verified: Vec::new(),
    };
    assert!(Subscriber::new("viewer", "session", webhook).is_webhook());
}

#[test]
fn a_subscriber_is_active_until_its_web_socket_ends() {
    let mut example = Example::with(&["viewer"]);
    assert!(example.subscriber("viewer").is_active());
    example.close("viewer", false, None);
    assert!(!example.subscriber("viewer").is_active());
    assert!(example.subscriber("viewer").subscription().is_some());
}

#[test]
fn a_message_that_is_no_json_is_told_where_it_came_later() {
    let mut example = Example::with(&["viewer"]);
    let before = example.frame("viewer", 0, "{}").sequence;
    let spot = example.frame("viewer", 0, "no JSON").sequence;
    example.frame("viewer", 0, "no JSON");
    let viewer = example.subscriber("viewer");
    assert_eq!(
        viewer.unreadable_since(before),
        Some(format!("message {spot} is not JSON"))
    );
    assert_eq!(
        viewer.unreadable_since(spot),
        Some(format!("message {} is not JSON", spot + 1))
    );
    assert_eq!(viewer.unreadable_since(spot + 1), None);
}

#[test]
fn a_conversation_begins_with_what_it_is_told() {
    for everyone_seen in [false, true] {
        let conversation = crate::hub::Conversation::new(Version::Stu1, everyone_seen);
        assert_eq!(conversation.version, Version::Stu1);
        assert_eq!(conversation.everyone_seen, everyone_seen);
    }
}

#[test]
fn an_event_has_reached_those_who_got_a_copy() {
    let mut example = Example::with(&["viewer", "archive"]);
    let opened = example.publish("viewer", "Patient-open");
    let closed = example.publish("viewer", "Patient-close");
    example.deliver("archive", opened);
    for (name, position, has_reached) in [
        ("archive", opened, true),
        ("archive", closed, false),
        ("viewer", opened, false),
    ] {
        let conversation = &example.conversation;
        let subscriber = &conversation.subscribers[name];
        assert_eq!(
            conversation.has_reached(subscriber, position),
            has_reached,
            "{name}"
        );
    }
    let received = &example.conversation.subscribers["archive"].received[1];
    assert_eq!(example.conversation.origin(received), Some(opened));
}

#[test]
fn a_topic_is_exact_where_all_its_subscribers_are() {
    let mut example = Example::with(&["viewer", "archive"]);
    example.subscribe_in("other session", "stranger", "Patient-open");
    example.subscriber("stranger").exact = false;
    assert!(example.conversation.is_exact("session"));
    assert!(!example.conversation.is_exact("other session"));
    example.subscriber("archive").exact = false;
    assert!(!example.conversation.is_exact("session"));
}

#[test]
fn a_topic_has_its_own_subscribers() {
    let mut example = Example::with(&["viewer", "archive"]);
    example.subscribe_in("other session", "stranger", "Patient-open");
    let names = |topic: &str| -> Vec<String> {
        let all = example.conversation.in_topic(topic);
        all.map(|subscriber| subscriber.name.clone()).collect()
    };
    assert_eq!(names("session"), ["archive", "viewer"]);
    assert_eq!(names("other session"), ["stranger"]);
    assert!(names("no session").is_empty());
}

#[test]
fn a_topic_has_refusals_where_one_of_its_subscribers_refused() {
    let mut example = Example::with(&["viewer"]);
    example.subscribe_in("other session", "stranger", "Patient-open");
    example.acknowledge("viewer", "event-0", 202);
    example.acknowledge("stranger", "event-0", 409);
    assert!(!example.conversation.has_refusals("session"));
    assert!(example.conversation.has_refusals("other session"));
    example.acknowledge("viewer", "event-0", 500);
    assert!(example.conversation.has_refusals("session"));
}

#[test]
fn a_refusal_of_nobody_is_none_of_the_topics() {
    let mut example = Example::with(&["viewer"]);
    example.acknowledge("viewer", "event-0", 409);
    example.conversation.subscribers.clear();
    assert!(!example.conversation.has_refusals("session"));
}

#[test]
fn the_last_event_before_a_message_is_no_sync_error_and_was_published_by_then() {
    let mut example = Example::with(&["viewer"]);
    example.send("viewer", &json!({}));
    let opened = example.publish("viewer", "Patient-open");
    example.publish("viewer", "SyncError");
    example.send("viewer", &json!({}));
    let closed = example.publish("viewer", "Patient-close");
    example.send("viewer", &json!({}));
    for (position, last) in [(1, None), (2, Some(opened)), (3, Some(closed))] {
        let received = &example.conversation.subscribers["viewer"].received[position];
        assert_eq!(example.conversation.last_event_before(received), last);
    }
}

#[test]
fn an_event_goes_around_under_its_own_id_and_those_that_the_hub_made() {
    let mut example = Example::with(&["viewer", "archive", "reader"]);
    example.subscribe_in("other session", "stranger", "Patient-open");
    let opened = example.publish("viewer", "Patient-open");
    let closed = example.publish("viewer", "Patient-close");
    assert_eq!(example.conversation.ids_of(opened), ["event-0"]);
    example.deliver("viewer", opened);
    for name in ["archive", "reader"] {
        example.deliver_changed(name, opened, |message| message["id"] = json!("another"));
    }
    example.deliver_changed("stranger", opened, |message| message["id"] = json!("leaked"));
    example.deliver_changed("viewer", opened, |message| {
        message.as_object_mut().unwrap().remove("id");
    });
    assert_eq!(example.conversation.ids_of(opened), ["event-0", "another"]);
    assert_eq!(example.conversation.ids_of(closed), ["event-1"]);
    assert!(example.conversation.ids_of(7).is_empty());
}
