//! The events of denials.

use serde_json::json;

use super::{FAIL, PASS};
use crate::hub::example::Example;
use crate::hub::ids::DENIAL_EVENTS;
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
    let traffic = crate::outcome::Traffic::Request {
        method: "POST".to_owned(),
        url: "http://hub".to_owned(),
        headers: Vec::new(),
        body: "hub.mode=subscribe&hub.events=Encounter-open%2CEncounter-close".to_owned(),
    };
    example.add("viewer", traffic);
    example.send(
        "viewer",
        &json!({"hub.mode": "denied", "hub.topic": "session", "hub.events": "Encounter-open"}),
    );
    assert_eq!(example.judged().verdict(DENIAL_EVENTS), PASS);
}
