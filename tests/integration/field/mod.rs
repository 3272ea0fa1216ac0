//! Hubs of all kinds are judged to the end: the cause is named, and nothing else is blamed.

mod controls;
mod few_events;
mod floods;
mod guests;
mod lawful;
mod table;

use std::time::Duration;

use crate::field_support::{Behaviour, Played};

/// Few scenarios, in which there is something of everything.
const SOME: [&str; 3] = ["subscribing", "unsubscribing", "notification"];
/// Fewer, for hubs that take their time.
const FEW: [&str; 1] = ["subscribing/accepted"];

const FIRST: &str = "first-contact";

#[test]
fn a_lawful_hub_is_never_blamed() {
    for behaviour in [
        Behaviour::Clean,
        Behaviour::Throttles,
        Behaviour::WantsName,
        Behaviour::UnsubscribesByEvents,
    ] {
        Played::at(behaviour, &SOME).is_conformant();
    }
    Played::at(Behaviour::Slow(Duration::from_millis(1_200)), &FEW).is_conformant();
}

#[test]
fn a_hub_that_cannot_be_tested_is_told_in_one_sentence() {
    let wants_token = Played::at(Behaviour::WantsToken, &SOME);
    wants_token.cannot_be_carried_out(&["401", "who are you?", "--token"]);
    let elsewhere = Played::at(Behaviour::Elsewhere, &SOME);
    elsewhere.cannot_be_carried_out(&["404", "no hub at this URL"]);
    let no_socket = Played::at(Behaviour::NoWebSocket, &SOME);
    no_socket.cannot_be_carried_out(&["no WebSocket", "must be reachable from this machine"]);
    let refuses = Played::with(Behaviour::Refuses(403), &SOME, &["--token", "mine"]);
    refuses.cannot_be_carried_out(&["403", "not today", "does not take the token"]);
}

#[test]
fn a_hub_that_refuses_every_subscription_breaks_that_alone() {
    for status in [400, 500] {
        let played = Played::at(Behaviour::Refuses(status), &SOME);
        assert_eq!(played.ended.code, Some(1), "{}", played.told());
        let checks = played.report["checks"].as_array().unwrap();
        assert_eq!(checks.len(), 1, "{}", played.told());
        assert_eq!(played.checks("fail"), [(FIRST, "subscribe.accepted-202")]);
        assert!(played.ended.out.contains("not today"), "{}", played.told());
    }
}

#[test]
fn what_the_hub_wants_otherwise_is_told_once_and_done() {
    let clean = Played::at(Behaviour::Clean, &SOME);
    for (behaviour, verdict, requirement, accommodation) in [
        (
            Behaviour::PublishesByTopic,
            "warn",
            "publish.at-hub-url",
            "hub.url/{topic}",
        ),
        (
            Behaviour::Forgets,
            "fail",
            "notification.delivered",
            "application/json",
        ),
        (
            Behaviour::EndsOfPublications,
            "fail",
            "publish.accept-or-reject",
            "hub.url/{topic}",
        ),
        (
            Behaviour::Greets,
            "warn",
            "transport.websocket-json",
            "passed over",
        ),
    ] {
        let played = Played::at(behaviour, &SOME);
        let told = played.told();
        assert_eq!(
            played.checks(verdict),
            [(FIRST, requirement)],
            "{behaviour:?} {told}"
        );
        assert!(
            played
                .accommodations()
                .iter()
                .any(|what| what.contains(accommodation)),
            "{behaviour:?} {told}"
        );
        assert_eq!(
            played.ended.code,
            Some(i32::from(verdict == "fail")),
            "{behaviour:?} {told}"
        );
        // Where events go elsewhere, whether hub.url takes them is judged nowhere else.
        let by_topic = [Behaviour::PublishesByTopic, Behaviour::EndsOfPublications].contains(&behaviour);
        let equal = played.scenarios_equal(&clean) || by_topic;
        assert!(equal, "{behaviour:?} {told}\n{}", clean.told());
        assert_eq!(played.checks("inconclusive"), [], "{behaviour:?} {told}");
    }
}

#[test]
fn what_the_hub_wants_as_it_may_is_listed() {
    for (behaviour, accommodation) in [
        (
            Behaviour::UnsubscribesByEvents,
            "every unsubscribe names hub.events",
        ),
        (
            Behaviour::WantsName,
            "every subscription carries subscriber.name=castspec",
        ),
    ] {
        let played = Played::at(behaviour, &FEW);
        played.is_conformant();
        assert_eq!(played.accommodations(), [accommodation]);
    }
}

#[test]
fn a_hub_that_confirms_nothing_is_judged_all_the_same() {
    let played = Played::at(Behaviour::ConfirmsNothing, &FEW);
    assert_eq!(played.ended.code, Some(1), "{}", played.told());
    assert_eq!(
        played.checks("fail"),
        [(FIRST, "confirmation.sent")],
        "{}",
        played.told()
    );
    assert!(!played.checks("pass").is_empty(), "{}", played.told());
}

#[test]
fn a_hub_that_ends_of_an_empty_form_breaks_what_owed_it_an_answer() {
    let played = Played::at(Behaviour::EndsOfEmptyForms, &["malformed"]);
    assert_eq!(played.ended.code, Some(1), "{}", played.told());
    let clean = Played::at(Behaviour::Clean, &["malformed"]);
    let broken = [("malformed/empty-body", "subscribe.refusal-status")];
    assert_eq!(played.checks("fail"), broken, "{}", played.told());
    assert_eq!(played.checks("inconclusive"), [], "{}", played.told());
    // In every other scenario all holds that holds at the clean hub.
    let mut held = [clean.checks("pass"), played.checks("pass")];
    held.iter_mut()
        .for_each(|checks| checks.retain(|(scenario, _)| *scenario != "malformed/empty-body"));
    assert_eq!(held[0], held[1], "{}", played.told());
}

#[test]
fn a_hub_that_ends_for_good_leaves_what_was_judged() {
    let played = Played::at(Behaviour::EndsAfter(100), &SOME);
    assert_eq!(played.ended.code, Some(1), "{}", played.told());
    assert!(!played.checks("pass").is_empty(), "{}", played.told());
    assert!(!played.checks("inconclusive").is_empty(), "{}", played.told());
    assert_eq!(played.checks("fail"), [], "{}", played.told());
    assert!(
        played.ended.out.contains("POST http://") || played.ended.out.contains("WebSocket"),
        "{}",
        played.told()
    );
}

#[test]
fn a_hub_that_hangs_holds_nothing_up() {
    let began = std::time::Instant::now();
    let played = Played::at(Behaviour::Hangs, &SOME);
    assert_eq!(played.ended.code, Some(1), "{}", played.told());
    assert_eq!(
        played.checks("fail"),
        [(FIRST, "publish.accept-or-reject")],
        "{}",
        played.told()
    );
    assert!(began.elapsed() < Duration::from_secs(120), "{}", played.told());
}

#[test]
fn a_limit_is_never_a_failure() {
    for behaviour in [Behaviour::LimitsSockets(2), Behaviour::LimitsConnections(3)] {
        let played = Played::at(behaviour, &SOME);
        assert_eq!(played.checks("fail"), [], "{behaviour:?} {}", played.told());
    }
}
