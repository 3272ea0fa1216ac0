//! Whoever refuses an event, the others are told of it.

use serde_json::Value;

use super::recording::{EVENTS, Recording, TOPIC, confirmation, notification};
use super::{FAIL, PASS, WARN};
use crate::hub::example::sync_error;

const ON_CONFLICT: &str = "syncerror.on-conflict";
const ON_CLIENT_ERROR: &str = "syncerror.on-client-error";
const ON_SERVER_ERROR: &str = "syncerror.on-server-error";
const ON_OTHER_SERVER_ERROR: &str = "syncerror.on-other-server-error";

/// The viewer (1) and the archive (2) receive an event; the viewer answers with this status, and the archive takes it.
fn refuse(recording: &mut Recording, id: &str, status: impl Into<Value>) {
    recording.publish(id, "Patient-open");
    recording.deliver(1, id, "Patient-open");
    recording.deliver(2, id, "Patient-open");
    recording.acknowledge(2, id, 200);
    recording.acknowledge(1, id, status);
}

fn refused(status: impl Into<Value>) -> Recording {
    let mut recording = Recording::with(&["viewer", "archive"]);
    refuse(&mut recording, "one", status);
    recording
}

#[test]
fn the_others_are_told_of_a_refusal() {
    let mut recording = refused(409);
    recording.send(2, &sync_error("error", "one"));
    recording.rest();
    let findings = recording.judged();
    assert_eq!(findings.verdict(ON_CONFLICT), PASS);
    assert_eq!(findings.verdict(ON_CLIENT_ERROR), None);
}

#[test]
fn a_refusal_of_which_nobody_is_told_is_shown_by_the_request_and_the_answer() {
    let mut recording = refused(409);
    refuse(&mut recording, "two", "409");
    recording.rest();
    let findings = recording.judged();
    assert_eq!(findings.verdict(ON_CONFLICT), FAIL);
    // Two subscriptions are ten entries; each event is a request, its answer, two copies and two acknowledgements.
    assert_eq!(findings.evidence(ON_CONFLICT)[..2], [10, 15]);
    let check = findings.check(ON_CONFLICT).unwrap();
    let message = &check.message;
    assert!(message.contains("archive (2) was not told"), "{message}");
    assert!(!message.contains("nothing here shows"), "{message}");
}

#[test]
fn a_hub_may_be_unable_to_read_one_way_of_writing_a_status() {
    for (status, doubt) in [
        (Value::from(409), "a status that is a number"),
        (Value::from("409"), "a status that is a string"),
    ] {
        let mut recording = refused(status);
        recording.rest();
        let findings = recording.judged();
        assert_eq!(findings.verdict(ON_CONFLICT), WARN, "{doubt}");
        let message = findings.check(ON_CONFLICT).unwrap().message.clone();
        assert!(message.contains(doubt), "{message}");
    }
}

#[test]
fn what_a_hub_has_read_once_it_can_read_again() {
    let second = |first: &str, second: Value| {
        let mut recording = Recording::with(&["viewer", "archive"]);
        refuse(&mut recording, "one", first);
        recording.send(2, &sync_error("error", "one"));
        refuse(&mut recording, "two", second);
        recording.rest();
        recording.verdict(ON_CONFLICT)
    };
    assert_eq!(second("409", Value::from("409")), FAIL);
    assert_eq!(second("409", Value::from(409)), WARN);
}

#[test]
fn each_status_has_its_requirement() {
    let all = [
        ON_CONFLICT,
        ON_CLIENT_ERROR,
        ON_SERVER_ERROR,
        ON_OTHER_SERVER_ERROR,
    ];
    for (status, expected) in [
        (200, None),
        (399, None),
        (400, Some(ON_CLIENT_ERROR)),
        (408, Some(ON_CLIENT_ERROR)),
        (409, Some(ON_CONFLICT)),
        (410, Some(ON_CLIENT_ERROR)),
        (499, Some(ON_CLIENT_ERROR)),
        (500, Some(ON_SERVER_ERROR)),
        (501, Some(ON_OTHER_SERVER_ERROR)),
        (599, Some(ON_OTHER_SERVER_ERROR)),
    ] {
        let mut recording = refused(status);
        recording.rest();
        let findings = recording.judged();
        for requirement in all {
            let verdict = if expected == Some(requirement) { WARN } else { None };
            assert_eq!(findings.verdict(requirement), verdict, "{status} {requirement}");
        }
    }
}

#[test]
fn an_answer_counts_when_it_comes_in_time_and_to_what_came() {
    for (seconds, verdict) in [(4.8, WARN), (5.2, None)] {
        let mut recording = Recording::with(&["viewer", "archive"]);
        recording.publish("one", "Patient-open");
        recording.deliver(1, "one", "Patient-open");
        recording.deliver(2, "one", "Patient-open");
        recording.pass(seconds);
        recording.acknowledge(1, "one", 409);
        recording.rest();
        assert_eq!(recording.verdict(ON_CONFLICT), verdict, "{seconds}");
    }
    // It answered what had not come yet.
    let mut recording = Recording::with(&["viewer", "archive"]);
    recording.publish("one", "Patient-open");
    recording.acknowledge(1, "one", 409);
    recording.pass(0.1);
    recording.deliver(1, "one", "Patient-open");
    recording.rest();
    assert_eq!(recording.verdict(ON_CONFLICT), None);
}

#[test]
fn only_events_that_were_broadcast_and_change_what_is_open_count() {
    for (event, verdict) in [
        ("Patient-open", WARN),
        ("Patient-close", WARN),
        ("DiagnosticReport-update", None),
        ("DiagnosticReport-select", None),
        ("SyncError", None),
    ] {
        let mut recording = Recording::new();
        for name in ["viewer", "archive"] {
            let events =
                "Patient-open,Patient-close,DiagnosticReport-update,DiagnosticReport-select,SyncError";
            recording.subscribe(name, events);
        }
        recording.publish("one", event);
        recording.deliver(1, "one", event);
        recording.acknowledge(1, "one", 409);
        recording.rest();
        assert_eq!(recording.verdict(ON_CONFLICT), verdict, "{event}");
    }
    // The hub refused to broadcast it; it has another id; it is of another topic.
    let mut refused = Recording::with(&["viewer", "archive"]);
    refused.post(&notification("one", "Patient-open").to_string(), 400, "");
    let mut unknown = Recording::with(&["viewer", "archive"]);
    unknown.publish("two", "Patient-open");
    let mut elsewhere = Recording::with(&["viewer", "archive"]);
    let text = notification("one", "Patient-open").to_string();
    elsewhere.post(&text.replace("\"session\"", "\"other\""), 202, "");
    for (what, mut recording) in [
        ("refused", refused),
        ("unknown", unknown),
        ("elsewhere", elsewhere),
    ] {
        recording.deliver(1, "one", "Patient-open");
        recording.acknowledge(1, "one", 409);
        recording.rest();
        assert_eq!(recording.verdict(ON_CONFLICT), None, "{what}");
    }
}

#[test]
fn only_others_who_follow_sync_errors_are_told() {
    let mut alone = Recording::with(&["viewer"]);
    alone.publish("one", "Patient-open");
    alone.deliver(1, "one", "Patient-open");
    alone.acknowledge(1, "one", 409);
    alone.rest();
    assert_eq!(alone.verdict(ON_CONFLICT), None);

    let mut deaf = Recording::with(&["viewer"]);
    deaf.subscribe("archive", "Patient-open");
    refuse(&mut deaf, "one", 409);
    deaf.rest();
    assert_eq!(deaf.verdict(ON_CONFLICT), None);

    let mut elsewhere = Recording::with(&["viewer"]);
    elsewhere.subscribe_in("other", "archive", EVENTS);
    elsewhere.publish("one", "Patient-open");
    elsewhere.deliver(1, "one", "Patient-open");
    elsewhere.acknowledge(1, "one", 409);
    elsewhere.rest();
    assert_eq!(elsewhere.verdict(ON_CONFLICT), None);

    // The SyncError went to the one who refused.
    let mut wrong = refused(409);
    wrong.send(1, &sync_error("error", "one"));
    wrong.rest();
    assert_eq!(wrong.verdict(ON_CONFLICT), WARN);
}

#[test]
fn whoever_subscribes_after_the_event_is_owed_nothing() {
    let mut recording = Recording::with(&["viewer"]);
    recording.publish("one", "Patient-open");
    recording.subscribe("archive", EVENTS);
    recording.deliver(1, "one", "Patient-open");
    recording.acknowledge(1, "one", 409);
    recording.rest();
    assert_eq!(recording.verdict(ON_CONFLICT), None);
}

#[test]
fn two_who_refuse_one_event_are_each_told_of_the_other() {
    let both = |told: &[u64]| {
        let mut recording = Recording::with(&["viewer", "archive"]);
        recording.publish("one", "Patient-open");
        for connection in [1, 2] {
            recording.deliver(connection, "one", "Patient-open");
        }
        recording.acknowledge(1, "one", 409);
        recording.acknowledge(2, "one", 500);
        for connection in told {
            recording.send(*connection, &sync_error("error", "one"));
        }
        recording.rest();
        let findings = recording.judged();
        [ON_CONFLICT, ON_SERVER_ERROR].map(|requirement| findings.verdict(requirement))
    };
    assert_eq!(both(&[1, 2]), [PASS, PASS]);
    // The archive is told of the conflict, the viewer not of the error; statuses that are numbers are read here.
    assert_eq!(both(&[2]), [PASS, FAIL]);
    assert_eq!(both(&[1]), [FAIL, PASS]);
}

#[test]
fn nothing_is_owed_to_a_subscription_that_ends_before_the_hub_had_its_time() {
    let end = |finish: fn(&mut Recording)| {
        let mut recording = refused(409);
        recording.pass(1.0);
        finish(&mut recording);
        recording.rest();
        recording.verdict(ON_CONFLICT)
    };
    assert_eq!(end(|_| {}), WARN);
    assert_eq!(end(|recording| recording.close(2, "subscriber", 1000)), None);
    assert_eq!(end(|recording| recording.close(2, "hub", 1001)), None);
    let unsubscribe = |recording: &mut Recording| {
        recording.change(2, "unsubscribe", EVENTS, 202, &Recording::endpoint(2));
    };
    assert_eq!(end(unsubscribe), None);
    // One who was told before is told.
    let told = |recording: &mut Recording| {
        recording.send(2, &sync_error("error", "one"));
        recording.close(2, "subscriber", 1000);
    };
    assert_eq!(end(told), PASS);
}

#[test]
fn nothing_is_owed_when_the_recording_ends_before_the_hub_had_its_time() {
    for (seconds, verdict) in [(4.98, None), (4.99, WARN)] {
        let mut recording = refused(409);
        recording.pass(seconds);
        recording.line(serde_json::json!({"kind": "stopped"}));
        assert_eq!(recording.verdict(ON_CONFLICT), verdict, "{seconds}");
    }
}

#[test]
fn nothing_is_owed_to_a_lease_that_ends_before_the_hub_had_its_time() {
    for (lease, verdict) in [(3, None), (60, WARN)] {
        let mut recording = Recording::with(&["viewer"]);
        recording.ask(TOPIC, "archive", EVENTS, &Recording::endpoint(2));
        recording.open(&Recording::endpoint(2));
        recording.send(2, &confirmation(TOPIC, EVENTS, lease));
        refuse(&mut recording, "one", 409);
        recording.rest();
        assert_eq!(recording.verdict(ON_CONFLICT), verdict, "{lease}");
    }
}

#[test]
fn a_message_tells_of_a_refusal_when_it_is_a_sync_error_about_it() {
    let mut small = sync_error("error", "one");
    small["event"]["hub.event"] = "syncerror".into();
    let mut vague = sync_error("error", "one");
    vague["event"]["context"] = serde_json::json!([]);
    let mut opened = sync_error("error", "one");
    opened["event"]["hub.event"] = "Patient-open".into();
    for (what, message, verdict) in [
        ("in small letters", small, PASS),
        ("without a cause", vague, PASS),
        ("about another event", sync_error("error", "two"), WARN),
        ("of another name", opened, WARN),
        ("no event", serde_json::json!({"hub.mode": "none"}), WARN),
    ] {
        let mut recording = refused(409);
        recording.send(2, &message);
        recording.rest();
        assert_eq!(recording.verdict(ON_CONFLICT), verdict, "{what}");
    }
    let mut unreadable = refused(409);
    unreadable.frame(2, "hub", "SyncError");
    unreadable.rest();
    assert_eq!(unreadable.verdict(ON_CONFLICT), WARN);
}

#[test]
fn an_answer_of_a_socket_that_nobody_knows_is_nobodys() {
    let mut recording = Recording::with(&["viewer", "archive"]);
    recording.publish("one", "Patient-open");
    recording.deliver(9, "one", "Patient-open");
    recording.acknowledge(9, "one", 409);
    recording.rest();
    assert_eq!(recording.verdict(ON_CONFLICT), None);
}

#[test]
fn the_hub_has_its_time_from_the_last_refusal_on() {
    for (seconds, verdict) in [(3.0, None), (6.0, WARN)] {
        let mut recording = Recording::with(&["viewer", "archive", "reader"]);
        recording.publish("one", "Patient-open");
        for connection in [1, 2, 3] {
            recording.deliver(connection, "one", "Patient-open");
        }
        recording.acknowledge(1, "one", 409);
        recording.pass(3.0);
        recording.acknowledge(3, "one", 409);
        // Those who refused are gone.
        recording.close(1, "subscriber", 1000);
        recording.close(3, "subscriber", 1000);
        recording.pass(seconds);
        recording.line(serde_json::json!({"kind": "stopped"}));
        assert_eq!(recording.verdict(ON_CONFLICT), verdict, "{seconds}");
    }
}
