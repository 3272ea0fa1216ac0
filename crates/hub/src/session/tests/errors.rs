//! Acknowledgements, lost connections and SyncErrors.

use serde_json::Value;

use super::*;

const ALL: &str = "Patient-open,Encounter-open,DiagnosticReport-open,DiagnosticReport-update,SyncError";

fn coding<'a>(sync_error: &'a Value, system: &str) -> &'a str {
    let codings = &sync_error["event"]["context"][0]["resource"]["issue"][0]["details"]["coding"];
    let coding = codings
        .as_array()
        .unwrap()
        .iter()
        .find(|coding| coding["system"].as_str().unwrap().ends_with(system));
    coding.unwrap()["code"].as_str().unwrap()
}

#[test]
fn a_refusal_is_told_to_the_others_who_subscribed_to_sync_errors() {
    let mut desk = Desk::new();
    let refuser = desk.join_as("Viewer", ALL);
    let publisher = desk.join(ALL);
    let deaf = desk.join("Patient-open");
    desk.publish(&patient_open("e1", "p")).unwrap();
    for id in [refuser, publisher, deaf] {
        desk.frames(id);
    }
    desk.answer(refuser, "e1", 409);
    let sync_error = desk.only(publisher);
    assert_eq!(sync_error["event"]["hub.event"], "SyncError");
    assert_eq!(sync_error["timestamp"], "2026-03-01T09:30:00.000Z");
    assert_ne!(sync_error["id"], "e1");
    assert_eq!(coding(&sync_error, "eventid"), "e1");
    assert_eq!(coding(&sync_error, "eventname"), "Patient-open");
    assert_eq!(coding(&sync_error, "subscribername"), "Viewer");
    let issue = &sync_error["event"]["context"][0]["resource"]["issue"][0];
    assert_eq!(issue["severity"], "warning");
    assert_eq!(issue["code"], "processing");
    assert!(
        issue["diagnostics"]
            .as_str()
            .unwrap()
            .contains("Viewer refused the event")
    );
    assert!(desk.frames(refuser).is_empty());
    assert!(desk.frames(deaf).is_empty());
}

#[test]
fn statuses_decide() {
    for (status, said) in [
        (200, None),
        (202, None),
        (299, None),
        (400, Some("refused")),
        (404, Some("refused")),
        (409, Some("refused")),
        (500, Some("could not be given")),
        (503, Some("could not be given")),
    ] {
        let mut desk = Desk::new();
        let answerer = desk.join(ALL);
        let watcher = desk.join(ALL);
        desk.publish(&patient_open("e1", "p")).unwrap();
        desk.frames(watcher);
        desk.say(answerer, &format!(r#"{{"id":"e1","status":"{status}"}}"#));
        let frames = desk.frames(watcher);
        match said {
            None => assert!(frames.is_empty(), "{status}"),
            Some(said) => {
                let diagnostics = &frames[0]["event"]["context"][0]["resource"]["issue"][0]["diagnostics"];
                assert!(
                    diagnostics.as_str().unwrap().contains(said),
                    "{status}: {diagnostics}"
                );
            }
        }
        // A second answer to the same notification says nothing new.
        desk.answer(answerer, "e1", 500);
        assert!(desk.frames(watcher).is_empty());
    }
}

#[test]
fn a_subscriber_without_a_name_is_called_by_its_endpoint() {
    let mut desk = Desk::new();
    let refuser = desk.join(ALL);
    let watcher = desk.join(ALL);
    desk.publish(&patient_open("e1", "p")).unwrap();
    desk.frames(watcher);
    desk.answer(refuser, "e1", 409);
    assert_eq!(
        coding(&desk.only(watcher), "subscribername"),
        "subscriber endpoint"
    );
}

#[test]
fn the_unresponsive_are_told_of_and_unsubscribed() {
    let mut desk = Desk::new();
    let silent = desk.join_as("Silent", ALL);
    let watcher = desk.join(ALL);
    desk.publish(&patient_open("e1", "p")).unwrap();
    desk.publish(&patient_open("e2", "p2")).unwrap();
    desk.answer(watcher, "e1", 200);
    desk.answer(watcher, "e2", 200);
    desk.frames(silent);
    desk.frames(watcher);
    desk.wait(9.9);
    assert!(desk.frames(watcher).is_empty());
    desk.wait(0.1);
    let sync_error = desk.only(watcher);
    assert_eq!(coding(&sync_error, "eventid"), "e1");
    assert_eq!(coding(&sync_error, "subscribername"), "Silent");
    assert_eq!(desk.only(silent)["hub.mode"], "denied");
    assert_eq!(desk.closed[&silent].0, 1008);
    let watched = sync_error["id"].as_str().unwrap().to_owned();
    desk.answer(watcher, &watched, 200);
    desk.wait(100.0);
    assert!(desk.frames(watcher).is_empty());
}

#[test]
fn nothing_follows_from_failures_in_answering_sync_errors_and_updates() {
    let mut desk = Desk::new();
    let first = desk.join(ALL);
    let second = desk.join(ALL);
    desk.publish(&patient_open("e1", "p")).unwrap();
    desk.answer(second, "e1", 200);
    desk.frames(second);
    desk.frames(first);
    desk.answer(first, "e1", 500);
    let sync_error = desk.only(second);
    desk.answer(second, sync_error["id"].as_str().unwrap(), 500);
    assert!(desk.frames(first).is_empty());
    desk.wait(60.0);
    assert!(desk.frames(first).is_empty());
    assert!(desk.frames(second).is_empty());
    assert!(desk.closed.is_empty());
}

#[test]
fn abnormal_closes_are_told_and_normal_ones_are_not() {
    for (closing, told) in [
        (Closing::Code(1000), false),
        (Closing::Code(1001), false),
        (Closing::Code(1011), true),
        (Closing::Code(4000), true),
        (Closing::NoCode, true),
        (Closing::Broken, true),
    ] {
        let mut desk = Desk::new();
        let leaver = desk.join_as("Leaver", ALL);
        let watcher = desk.join(ALL);
        desk.publish(&patient_open("e1", "p")).unwrap();
        desk.answer(leaver, "e1", 200);
        desk.frames(watcher);
        desk.disconnect(leaver, closing);
        let frames = desk.frames(watcher);
        assert_eq!(frames.len(), usize::from(told), "{closing:?}");
        if told {
            assert_eq!(coding(&frames[0], "eventid"), "e1");
            assert_eq!(coding(&frames[0], "subscribername"), "Leaver");
        }
        desk.disconnect(leaver, closing);
        assert!(desk.frames(watcher).is_empty(), "an end is told once");
    }
}

#[test]
fn a_loss_before_any_event_is_told_too() {
    let mut desk = Desk::new();
    let leaver = desk.join(ALL);
    let watcher = desk.join(ALL);
    desk.disconnect(leaver, Closing::Broken);
    let sync_error = desk.only(watcher);
    assert_eq!(coding(&sync_error, "eventid"), sync_error["id"]);
    assert_eq!(coding(&sync_error, "eventname"), "SyncError");
}

#[test]
fn what_is_no_answer_ends_the_subscription() {
    for text in [
        "garbage",
        "[]",
        "{}",
        r#"{"id":"e1"}"#,
        r#"{"timestamp":"now","event":{}}"#,
    ] {
        let mut desk = Desk::new();
        let babbler = desk.join(ALL);
        let watcher = desk.join(ALL);
        desk.say(babbler, text);
        let denial = desk.only(babbler);
        assert_eq!(denial["hub.mode"], "denied");
        assert!(
            denial["hub.reason"]
                .as_str()
                .unwrap()
                .contains("2.5 Event Notification Response")
        );
        assert_eq!(desk.closed[&babbler].0, 1008);
        assert_eq!(desk.frames(watcher).len(), 1);
    }
}

#[test]
fn an_answer_to_nothing_is_ignored() {
    let mut desk = Desk::new();
    let id = desk.join(ALL);
    desk.answer(id, "never sent", 500);
    assert!(desk.frames(id).is_empty());
    assert!(desk.closed.is_empty());
}

#[test]
fn the_slow_are_dropped_with_a_sync_error() {
    let mut desk = Desk::new();
    let slow = desk.join(ALL);
    let watcher = desk.join(ALL);
    desk.publish(&patient_open("e1", "p")).unwrap();
    desk.frames(watcher);
    let now = desk.now();
    desk.session.overflowed(slow, now);
    desk.drain();
    assert_eq!(coding(&desk.only(watcher), "eventid"), "e1");
    assert_eq!(desk.closed[&slow].0, 1008);
}

#[test]
fn refusing_a_derived_event_is_told_with_the_published_one() {
    let mut desk = Desk::new();
    let patients = desk.join("Patient-open");
    let watcher = desk.join(ALL);
    desk.publish(&encounter_open("e1", "enc", "p")).unwrap();
    let derived = desk.only(patients);
    desk.frames(watcher);
    desk.answer(patients, derived["id"].as_str().unwrap(), 409);
    let sync_error = desk.only(watcher);
    assert_eq!(coding(&sync_error, "eventid"), "e1");
    assert_eq!(coding(&sync_error, "eventname"), "Encounter-open");
}
