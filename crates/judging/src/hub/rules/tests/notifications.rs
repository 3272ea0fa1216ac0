//! Notifications are of the topic and the events that were subscribed to.

use serde_json::json;

use super::{FAIL, PASS};
use crate::hub::example::{Example, TOPIC, events, sync_error};
use crate::hub::ids::{CONTEXT_UNALTERED, ONLY_SUBSCRIBED, TOPIC_ISOLATED};

#[test]
fn an_event_stays_in_its_topic() {
    let mut example = Example::with(&["viewer"]);
    example.subscribe_in("other session", "stranger", "Patient-open");
    let opened = example.publish("viewer", "Patient-open");
    example.deliver("viewer", opened);
    assert_eq!(example.verdict(TOPIC_ISOLATED), PASS);
    // It leaks, under whatever topic it names.
    for topic in [TOPIC, "other session"] {
        let mut leaking = Example::with(&["viewer"]);
        leaking.subscribe_in("other session", "stranger", "Patient-open");
        let opened = leaking.publish("viewer", "Patient-open");
        let leak = leaking.deliver_changed("stranger", opened, |message| {
            message["event"]["hub.topic"] = json!(topic);
        });
        let findings = leaking.judged();
        assert_eq!(findings.verdict(TOPIC_ISOLATED), FAIL, "{topic}");
        let requested = leaking.publication(opened).requested.sequence;
        assert_eq!(findings.evidence(TOPIC_ISOLATED), [requested, leak.sequence]);
        assert_eq!(
            findings.verdict(CONTEXT_UNALTERED),
            None,
            "a leak is judged as a leak"
        );
    }
}

#[test]
fn a_notification_names_the_topic_of_its_subscriber() {
    for (topic, verdict) in [
        (json!(TOPIC), PASS),
        (json!("other session"), FAIL),
        (json!(7), None),
    ] {
        let mut example = Example::with(&["viewer"]);
        let opened = example.publish("viewer", "Patient-open");
        example.deliver_changed("viewer", opened, |message| {
            message["event"]["hub.topic"] = topic.clone();
        });
        assert_eq!(example.verdict(TOPIC_ISOLATED), verdict, "{topic}");
    }
}

#[test]
fn only_events_that_were_granted_come() {
    let mut example = Example::with(&["viewer"]);
    let opened = example.publish("viewer", "Patient-open");
    example.deliver("viewer", opened);
    assert_eq!(example.verdict(ONLY_SUBSCRIBED), PASS);
    example.subscribe("reader", "Patient-close");
    let second = example.publish("viewer", "Patient-open");
    let spot = example.deliver("reader", second);
    let findings = example.judged();
    assert_eq!(findings.verdict(ONLY_SUBSCRIBED), FAIL);
    let confirmed = example.subscription("reader").confirmed.unwrap();
    assert_eq!(
        findings.evidence(ONLY_SUBSCRIBED),
        [confirmed.sequence, spot.sequence]
    );
}

#[test]
fn an_event_that_was_granted_once_may_still_come() {
    let mut example = Example::with(&["viewer"]);
    example.subscription("viewer").current = events("Patient-close");
    let opened = example.publish("viewer", "Patient-open");
    example.deliver("viewer", opened);
    assert_eq!(example.verdict(ONLY_SUBSCRIBED), PASS);
}

#[test]
fn before_the_confirmation_nothing_is_said_of_events() {
    let mut example = Example::with(&["viewer"]);
    example.subscription("viewer").confirmed = None;
    let opened = example.publish("viewer", "Encounter-open");
    example.deliver("viewer", opened);
    assert_eq!(example.verdict(ONLY_SUBSCRIBED), None);
}

#[test]
fn an_event_belongs_to_the_subscription_of_its_socket() {
    // A subscription is replaced by one over another socket, to other events; what comes over the old socket is of the old one.
    let replaced = |socket: usize| {
        let mut example = Example::with(&["viewer"]);
        example.subscribe("viewer", "Patient-close");
        assert_eq!(example.subscription("viewer").socket, Some(1));
        let opened = example.publish("viewer", "Patient-open");
        let text = example.notification(opened).to_string();
        example.frame("viewer", socket, &text);
        example.verdict(ONLY_SUBSCRIBED)
    };
    assert_eq!(replaced(0), PASS);
    assert_eq!(replaced(1), FAIL);
}

#[test]
fn the_resources_of_the_hubs_own_sync_errors_are_kept_for_base_fhir() {
    let kept = |make: fn(&mut Example)| {
        let mut example = Example::with(&["viewer", "archive"]);
        let opened = example.publish("viewer", "Patient-open");
        example.deliver("archive", opened);
        make(&mut example);
        let mut judge = example.judge();
        crate::hub::rules::judge_conversation(&example.conversation, &[], &mut judge);
        judge.take_authored().len()
    };
    assert_eq!(
        kept(|example| {
            example.sync_error("viewer", "error", "event-0");
        }),
        1
    );
    let by_a_subscriber = |example: &mut Example| {
        let published = example.publish("viewer", "SyncError");
        let context = sync_error("error", "event-0")["event"]["context"].take();
        example.publication(published).context = context;
        example.deliver("archive", published);
    };
    assert_eq!(kept(by_a_subscriber), 0);
}

#[test]
fn a_sync_error_of_the_hub_is_judged_by_its_schema() {
    let mut example = Example::with(&["viewer", "archive"]);
    let opened = example.publish("viewer", "Patient-open");
    example.deliver("archive", opened);
    example.acknowledge("archive", "event-0", 409);
    example.sync_error("viewer", "error", "event-0");
    let lawful = example.judged();
    let about_content = |findings: &crate::hub::example::Findings| {
        let broken = findings.broken().into_iter();
        broken
            .filter(|requirement| {
                requirement.contains("operationoutcome") || requirement.contains("syncerror")
            })
            .count()
    };
    assert_eq!(about_content(&lawful), 0, "{:?}", lawful.broken());
    let mut message = sync_error("another", "event-0");
    message["event"]["context"][0]["resource"]["issue"] = json!([]);
    example.send("viewer", &message);
    assert_ne!(about_content(&example.judged()), 0);
}
