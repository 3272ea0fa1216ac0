//! The events of denials, and the end that they bring.

use serde_json::json;

use super::{FAIL, PASS, WARN};
use crate::hub::example::Example;
use crate::hub::ids::{DENIAL_CLOSES, DENIAL_EVENTS, ONLY_SUBSCRIBED};
use crate::outcome::Verdict;

/// What is found of a denial of these events, sent to who subscribed to Patient-open and Patient-close.
fn of_denial(events: &str) -> Option<Verdict> {
    let mut example = Example::with(&["viewer"]);
    example.send(
        "viewer",
        &json!({"hub.mode": "denied", "hub.topic": "session", "hub.events": events, "hub.reason": "night"}),
    );
    example.judged().verdict(DENIAL_EVENTS)
}

#[test]
fn a_denial_names_events_of_the_subscription_in_any_case_and_order() {
    for (events, verdict) in [
        ("Patient-open,Patient-close", PASS),
        ("patient-CLOSE", PASS),
        ("Patient-open", PASS),
        ("ImagingStudy-open", FAIL),
        ("Patient-open,ImagingStudy-open", FAIL),
        // No list of events: a matter of the schema.
        ("", None),
    ] {
        assert_eq!(of_denial(events), verdict, "{events}");
    }
}

#[test]
fn what_was_asked_for_before_may_be_denied() {
    let mut example = Example::with(&["viewer"]);
    example.request(
        "viewer",
        "hub.mode=subscribe&hub.events=Encounter-open%2CEncounter-close",
    );
    example.send(
        "viewer",
        &json!({"hub.mode": "denied", "hub.topic": "session", "hub.events": "Encounter-open"}),
    );
    assert_eq!(example.judged().verdict(DENIAL_EVENTS), PASS);
}

/// A viewer beside a worklist, denied these events, and what then happens; the ends of its WebSocket and of its notifications.
fn after_denial(events: &str, happens: impl FnOnce(&mut Example)) -> (Option<Verdict>, bool) {
    let mut example = Example::with(&["viewer", "worklist"]);
    example.pass(5.0);
    example.send(
        "viewer",
        &json!({"hub.mode": "denied", "hub.topic": "session", "hub.events": events}),
    );
    happens(&mut example);
    let spot = example.add(
        "worklist",
        crate::outcome::Traffic::Note {
            text: "later".to_owned(),
        },
    );
    example.conversation.until = spot.at;
    let findings = example.judged();
    let is_notified = findings.verdict(ONLY_SUBSCRIBED) == FAIL;
    (findings.verdict(DENIAL_CLOSES), is_notified)
}

const ALL: &str = "patient-open,Patient-close,SyncError";

#[test]
fn a_denied_subscription_is_over() {
    let closes = |example: &mut Example| example.close("viewer", true, Some(1000));
    assert_eq!(after_denial(ALL, closes), (PASS, false));
    assert_eq!(after_denial(ALL, |example| example.pass(10.0)), (WARN, false));
    assert_eq!(
        after_denial(ALL, |example| example.pass(1.0)),
        (None, false),
        "it may still close"
    );
    let notified = |seconds: f64| {
        after_denial(ALL, |example| {
            example.pass(seconds);
            let position = example.publish("worklist", "Patient-open");
            example.deliver("viewer", position);
        })
    };
    assert_eq!(notified(10.0), (WARN, true));
    assert_eq!(notified(0.1), (None, false), "it was on its way");
}

#[test]
fn a_subscription_goes_on_after_the_denial_of_a_part_or_before_a_new_one() {
    let open = |example: &mut Example| example.pass(10.0);
    assert_eq!(after_denial("SyncError", open), (None, false));
    let renewed = |example: &mut Example| {
        let answer = example.exchange("viewer", 202, "");
        let subscription = example.subscription("viewer");
        let asked = subscription.asked.clone();
        subscription.replace(asked, answer.request);
        example.pass(10.0);
    };
    assert_eq!(after_denial(ALL, renewed), (None, false));
}

#[test]
fn a_denial_that_may_be_meant_for_another_ends_nothing() {
    let mut example = Example::with(&["viewer", "worklist"]);
    example.request("worklist", "hub.mode=unsubscribe&hub.topic=session");
    example.send(
        "viewer",
        &json!({"hub.mode": "denied", "hub.topic": "session", "hub.events": ALL}),
    );
    example.conversation.until = std::time::Duration::from_secs(60);
    assert_eq!(example.judged().verdict(DENIAL_CLOSES), None);
}
