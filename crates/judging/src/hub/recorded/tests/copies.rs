//! Who was owed a copy for certain, and whether it came once.

use serde_json::json;

use super::recording::{EVENTS, Recording, TOPIC, confirmation, notification};
use super::{FAIL, PASS, WARN};
use crate::hub::ids::{
    BROADCAST_TO_REQUESTER, CONTEXT_UNALTERED, DELIVERED, ONCE, ONLY_SUBSCRIBED, SYNC_ERROR_CAUSE, TIMESTAMP,
};
use crate::outcome::Verdict;

#[test]
fn an_event_that_comes_is_delivered() {
    let mut recording = Recording::with(&["viewer"]);
    recording.publish("one", "Patient-open");
    recording.deliver(1, "one", "Patient-open");
    recording.acknowledge(1, "one", 200);
    recording.rest();
    let findings = recording.judged();
    assert_eq!(findings.verdict(DELIVERED), PASS);
    assert_eq!(findings.verdict(ONCE), PASS);
    assert_eq!(findings.broken(), Vec::<&str>::new());
}

#[test]
fn an_event_may_take_five_seconds() {
    for (seconds, verdict) in [(4.98, None), (4.99, FAIL)] {
        let mut recording = Recording::with(&["viewer"]);
        recording.publish("one", "Patient-open");
        recording.pass(seconds);
        recording.line(json!({"kind": "stopped"}));
        let findings = recording.judged();
        assert_eq!(findings.verdict(DELIVERED), verdict, "{seconds}");
        // Who published it nobody knows.
        assert_eq!(findings.verdict(BROADCAST_TO_REQUESTER), None);
        if verdict == FAIL {
            assert_eq!(findings.evidence(DELIVERED), [5, 6]);
        }
    }
}

#[test]
fn an_event_is_overdue_when_a_later_one_has_come() {
    let mut recording = Recording::with(&["viewer"]);
    recording.publish("one", "Patient-open");
    recording.publish("two", "Patient-open");
    recording.deliver(1, "two", "Patient-open");
    assert_eq!(recording.verdict(DELIVERED), FAIL);
    // The second was published before the first was answered: either may be the later one.
    let mut recording = Recording::with(&["viewer"]);
    let hub = super::recording::HUB;
    let one = recording.request("POST", hub, &notification("one", "Patient-open").to_string());
    let two = recording.request("POST", hub, &notification("two", "Patient-open").to_string());
    recording.answer(one, 202, "");
    recording.answer(two, 202, "");
    recording.deliver(1, "two", "Patient-open");
    assert_eq!(recording.verdict(DELIVERED), None);
}

/// The verdict on delivery when this is done between the publication and the end of the time for it.
fn meanwhile(finish: impl FnOnce(&mut Recording)) -> Option<Verdict> {
    let mut recording = Recording::with(&["viewer"]);
    recording.publish("one", "Patient-open");
    finish(&mut recording);
    recording.rest();
    recording.verdict(DELIVERED)
}

#[test]
fn nothing_is_owed_to_a_subscription_that_has_ended_or_changed() {
    let endpoint = Recording::endpoint(1);
    assert_eq!(meanwhile(|_| {}), FAIL);
    assert_eq!(
        meanwhile(|recording| recording.close(1, "subscriber", 1000)),
        None
    );
    assert_eq!(meanwhile(|recording| recording.close(1, "hub", 1000)), None);
    assert_eq!(
        meanwhile(|recording| recording.change(1, "unsubscribe", EVENTS, 202, &endpoint)),
        None
    );
    assert_eq!(
        meanwhile(|recording| recording.change(1, "subscribe", EVENTS, 202, &endpoint)),
        None
    );
    assert_eq!(
        meanwhile(|recording| recording.change(1, "subscribe", EVENTS, 404, &endpoint)),
        FAIL,
        "a refused re-subscription changes nothing"
    );
}

#[test]
fn nothing_is_owed_before_the_confirmation_or_after_the_end() {
    let mut unconfirmed = Recording::new();
    unconfirmed.ask(TOPIC, "viewer", EVENTS, &Recording::endpoint(1));
    unconfirmed.open(&Recording::endpoint(1));
    unconfirmed.publish("one", "Patient-open");
    let mut late = Recording::new();
    late.publish("one", "Patient-open");
    late.subscribe("viewer", EVENTS);
    let mut ended = Recording::with(&["viewer"]);
    ended.change(1, "unsubscribe", EVENTS, 202, &Recording::endpoint(1));
    ended.publish("one", "Patient-open");
    // What still comes does not show that the subscription lasts.
    ended.publish("two", "Patient-open");
    ended.deliver(1, "two", "Patient-open");
    let mut run_out = Recording::new();
    run_out.ask(TOPIC, "viewer", EVENTS, &Recording::endpoint(1));
    run_out.open(&Recording::endpoint(1));
    run_out.send(1, &confirmation(TOPIC, EVENTS, 10));
    run_out.pass(11.0);
    run_out.publish("one", "Patient-open");
    for (what, mut recording) in [
        ("unconfirmed", unconfirmed),
        ("late", late),
        ("ended", ended),
        ("run out", run_out),
    ] {
        recording.rest();
        assert_eq!(recording.verdict(DELIVERED), None, "{what}");
    }
}

#[test]
fn only_accepted_events_of_the_topic_that_are_followed_are_owed() {
    let judged = |body: String, status: u16| {
        let mut recording = Recording::with(&["viewer"]);
        recording.post(&body, status, "");
        recording.rest();
        recording.verdict(DELIVERED)
    };
    let opened = notification("one", "Patient-open").to_string();
    assert_eq!(judged(opened.clone(), 200), FAIL);
    assert_eq!(judged(opened.clone(), 400), None);
    assert_eq!(judged(opened.replace("\"session\"", "\"other\""), 202), None);
    assert_eq!(
        judged(opened.replace("Patient-open", "Encounter-open"), 202),
        None
    );
    assert_eq!(judged(opened.replace("Patient-open", "no event!"), 202), None);
    assert_eq!(
        judged(opened.replace("Patient-open", "SyncError"), 202),
        None,
        "its publisher is owed none, and nobody knows who that is"
    );
    for member in ["id", "event"] {
        let mut message = notification("one", "Patient-open");
        message.as_object_mut().unwrap().remove(member);
        assert_eq!(judged(message.to_string(), 202), None, "without {member}");
    }
}

#[test]
fn a_changed_subscription_is_owed_its_new_events() {
    let after = |events: &str| {
        let mut recording = Recording::with(&["viewer"]);
        recording.change(1, "subscribe", events, 202, &Recording::endpoint(1));
        recording.publish("one", "Patient-open");
        recording.rest();
        recording.verdict(DELIVERED)
    };
    assert_eq!(after("Patient-open"), FAIL);
    assert_eq!(after("Patient-close"), None);
}

#[test]
fn what_the_hub_grants_is_what_it_owes() {
    let granted = |granted: serde_json::Value| {
        let mut recording = Recording::new();
        recording.ask(TOPIC, "viewer", EVENTS, &Recording::endpoint(1));
        recording.open(&Recording::endpoint(1));
        let mut message = confirmation(TOPIC, "", 7200);
        message["hub.events"] = granted;
        recording.send(1, &message);
        recording.publish("one", "Patient-open");
        recording.rest();
        recording.verdict(DELIVERED)
    };
    assert_eq!(granted("Patient-open".into()), FAIL);
    assert_eq!(granted("Patient-close".into()), None);
    assert_eq!(
        granted(json!(null)),
        FAIL,
        "where it states none, what was asked for"
    );
}

#[test]
fn an_event_of_which_nobody_was_seen_to_publish_is_lawful() {
    let mut recording = Recording::with(&["viewer"]);
    recording.deliver(1, "one", "Patient-open");
    recording.acknowledge(1, "one", 200);
    recording.send(1, &crate::hub::example::sync_error("error", "unknown"));
    recording.acknowledge(1, "error", 200);
    let findings = recording.judged();
    assert_eq!(findings.verdict(ONLY_SUBSCRIBED), PASS);
    assert_eq!(findings.verdict(DELIVERED), None);
    assert_ne!(findings.verdict(SYNC_ERROR_CAUSE), FAIL);
}

/// The verdict on an event that came twice, when this was done after it.
fn twice(after: impl FnOnce(&mut Recording)) -> Option<Verdict> {
    let mut recording = Recording::with(&["viewer"]);
    recording.publish("one", "Patient-open");
    recording.deliver(1, "one", "Patient-open");
    recording.deliver(1, "one", "Patient-open");
    after(&mut recording);
    recording.rest();
    recording.verdict(ONCE)
}

#[test]
fn an_event_comes_once_to_those_who_take_all_at_once() {
    assert_eq!(twice(|recording| recording.acknowledge(1, "one", 200)), WARN);
    assert_eq!(twice(|recording| recording.acknowledge(1, "one", "200")), WARN);
    // A hub may send again what was not taken.
    assert_eq!(twice(|_| {}), None, "no answer");
    assert_eq!(twice(|recording| recording.acknowledge(1, "one", 202)), None);
    assert_eq!(twice(|recording| recording.acknowledge(1, "one", 409)), None);
    assert_eq!(twice(|recording| recording.acknowledge(1, "two", 200)), None);
    let late = |recording: &mut Recording| {
        recording.pass(5.1);
        recording.acknowledge(1, "one", 200);
    };
    assert_eq!(twice(late), None);
    let soon = |recording: &mut Recording| {
        recording.pass(4.9);
        recording.acknowledge(1, "one", 200);
    };
    assert_eq!(twice(soon), WARN);
    let odd = |recording: &mut Recording| {
        recording.acknowledge(1, "one", 200);
        recording.frame(1, "subscriber", "hello");
    };
    assert_eq!(twice(odd), None);
}

#[test]
fn a_subscriber_that_breaks_its_connection_may_be_sent_all_again() {
    for (by, code, verdict) in [
        ("subscriber", 1000, WARN),
        ("subscriber", 1001, WARN),
        ("subscriber", 1006, None),
        ("hub", 1006, WARN),
    ] {
        let mut recording = Recording::with(&["viewer"]);
        recording.publish("one", "Patient-open");
        recording.deliver(1, "one", "Patient-open");
        recording.deliver(1, "one", "Patient-open");
        recording.acknowledge(1, "one", 200);
        recording.pass(6.0);
        recording.close(1, by, code);
        assert_eq!(recording.verdict(ONCE), verdict, "{by} {code}");
    }
}

#[test]
fn nothing_is_sure_of_a_topic_in_which_a_subscriber_is_unknown() {
    let with_unknown = |topic: &str| {
        let mut recording = Recording::with(&["viewer"]);
        recording.open("wss://hub.example.com/earlier");
        recording.send(2, &confirmation(topic, EVENTS, 60));
        recording.publish("one", "Patient-open");
        recording.deliver(1, "one", "Patient-open");
        recording.deliver(1, "one", "Patient-open");
        recording.acknowledge(1, "one", 200);
        recording.rest();
        recording.verdict(ONCE)
    };
    assert_eq!(with_unknown(TOPIC), None);
    assert_eq!(with_unknown("other"), WARN);
}

#[test]
fn a_second_confirmation_does_not_begin_the_subscription_anew() {
    assert_eq!(
        meanwhile(|recording| recording.send(1, &confirmation(TOPIC, EVENTS, 7200))),
        FAIL
    );
}

#[test]
fn a_changed_subscription_may_be_sent_its_old_and_its_new_events() {
    let sent = |changed: bool, event: &str| {
        let mut recording = Recording::with(&["viewer"]);
        if changed {
            recording.change(1, "subscribe", "Encounter-open", 202, &Recording::endpoint(1));
        }
        recording.deliver(1, "one", event);
        recording.verdict(ONLY_SUBSCRIBED)
    };
    assert_eq!(sent(true, "Encounter-open"), PASS);
    assert_eq!(sent(true, "Patient-open"), PASS);
    assert_eq!(sent(false, "Encounter-open"), FAIL);
}

#[test]
fn a_copy_is_as_it_was_published() {
    let copy = |change: fn(&mut serde_json::Value)| {
        let mut recording = Recording::with(&["viewer"]);
        recording.publish("one", "Patient-open");
        let mut message = notification("one", "Patient-open");
        change(&mut message);
        recording.send(1, &message);
        let findings = recording.judged();
        [CONTEXT_UNALTERED, TIMESTAMP].map(|requirement| findings.verdict(requirement))
    };
    assert_eq!(copy(|_| {}), [PASS, PASS]);
    assert_eq!(
        copy(|message| message["event"]["context"][0]["resource"]["identifier"][0]["value"] = json!("13"))[0],
        FAIL
    );
    assert_ne!(
        copy(|message| message["timestamp"] = json!("2027-03-01T09:30:00.000Z"))[1],
        PASS
    );
}
