//! A SyncError has a cause, and one about a late refusal goes to the requester alone.

use serde_json::json;

use super::{FAIL, PASS, WARN};
use crate::hub::example::{Example, sync_error};
use crate::hub::ids::{LATE_REJECTION, SYNC_ERROR_CAUSE};
use crate::protocol::Version;

/// The viewer has opened a patient, and viewer and archive got it.
fn delivered() -> Example {
    let mut example = Example::with(&["viewer", "archive"]);
    let opened = example.publish("viewer", "Patient-open");
    example.deliver("viewer", opened);
    example.deliver("archive", opened);
    example
}

#[test]
fn a_sync_error_about_an_event_that_everybody_took_has_no_cause() {
    let mut example = delivered();
    let spot = example.sync_error("viewer", "error", "event-0");
    let findings = example.judged();
    assert_eq!(findings.verdict(SYNC_ERROR_CAUSE), FAIL);
    assert_eq!(findings.evidence(SYNC_ERROR_CAUSE), [spot.sequence]);
}

#[test]
fn a_sync_error_after_a_refusal_has_a_cause() {
    let mut example = delivered();
    example.acknowledge("archive", "event-0", 409);
    example.sync_error("viewer", "error", "event-0");
    assert_eq!(example.verdict(SYNC_ERROR_CAUSE), PASS);
}

#[test]
fn whoever_was_not_seen_may_have_given_cause() {
    let mut example = delivered();
    example.sync_error("viewer", "error", "event-0");
    example.conversation.everyone_seen = false;
    assert_eq!(example.verdict(SYNC_ERROR_CAUSE), None);
}

#[test]
fn a_sync_error_about_an_event_that_was_not_broadcast_is_left_open() {
    let mut example = delivered();
    example.sync_error("viewer", "error", "event-7");
    assert_eq!(example.verdict(SYNC_ERROR_CAUSE), None);
}

#[test]
fn a_sync_error_of_a_subscriber_is_none_of_the_hubs() {
    let mut example = delivered();
    let published = example.publish("viewer", "SyncError");
    let context = sync_error("error", "event-0")["event"]["context"].take();
    example.publication(published).context = context;
    example.deliver("archive", published);
    assert_eq!(example.verdict(SYNC_ERROR_CAUSE), None);
}

#[test]
fn a_sync_error_of_another_topic_is_a_leak_and_judged_as_one() {
    let mut example = delivered();
    let mut message = sync_error("error", "event-0");
    message["event"]["hub.topic"] = json!("other session");
    example.send("viewer", &message);
    assert_eq!(example.verdict(SYNC_ERROR_CAUSE), None);
}

#[test]
fn a_late_refusal_is_told_to_the_requester_alone() {
    let told = |version: Version, receivers: &[&str], broadcast: bool| {
        let mut example = Example::under(version, &["viewer", "worklist"]);
        let opened = example.publish("viewer", "Patient-open");
        if broadcast {
            example.deliver("worklist", opened);
        }
        for receiver in receivers {
            example.sync_error(receiver, &format!("error for {receiver}"), "event-0");
        }
        example.verdict(LATE_REJECTION)
    };
    for version in [Version::Stu2, Version::Stu3] {
        assert_eq!(told(version, &["viewer"], false), PASS);
        assert_eq!(told(version, &["viewer", "worklist"], false), WARN);
        assert_eq!(told(version, &["worklist"], false), WARN);
        assert_eq!(told(version, &[], false), None);
        assert_eq!(
            told(version, &["viewer", "worklist"], true),
            None,
            "it was broadcast"
        );
    }
    assert_eq!(
        told(Version::Stu1, &["worklist"], false),
        None,
        "STU1 has no late refusal"
    );
}

#[test]
fn a_sync_error_that_comes_twice_to_one_receiver_warns() {
    let told = |second: &str, again_to: &str| {
        let mut example = Example::with(&["worklist", "viewer", "refusing"]);
        let position = example.publish("worklist", "Patient-open");
        let id = example.publication(position).id.clone();
        for subscriber in ["worklist", "viewer", "refusing"] {
            example.deliver(subscriber, position);
        }
        example.acknowledge("refusing", &id, 409);
        example.sync_error("worklist", "error-1", &id);
        example.sync_error(again_to, second, &id);
        example.judged().verdict(SYNC_ERROR_CAUSE)
    };
    assert_eq!(told("error-1", "worklist"), WARN);
    // Another receiver, or another SyncError.
    assert_eq!(told("error-1", "viewer"), PASS);
    assert_eq!(told("error-2", "worklist"), PASS);
}
