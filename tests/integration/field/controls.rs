//! What held because a hub refuses everything of its kind shows nothing.

use crate::field_support::{Behaviour, Played};

#[test]
fn a_refused_unsubscribe_counts_only_where_a_proper_one_is_accepted() {
    let unsubscribes = [
        (
            "STU3",
            "unsubscribing/wrong-topic",
            "subscribe.override-per-endpoint",
        ),
        (
            "STU3",
            "unsubscribing/unknown-endpoint",
            "subscribe.override-per-endpoint",
        ),
        (
            "STU2",
            "unsubscribing/wrong-topic",
            "unsubscribe.refusal-description",
        ),
        (
            "STU2",
            "malformed/unsubscribe-without-endpoint",
            "unsubscribe.refusal-status",
        ),
        ("STU1", "webhooks/unknown-callback", "callback.override"),
    ];
    for (version, scenario, requirement) in unsubscribes {
        let lawful = Played::before(version, &[], Behaviour::Clean, &[scenario], &[]);
        assert!(
            lawful.checks("pass").contains(&(scenario, requirement)),
            "{}",
            lawful.told()
        );
        let keeps = Played::before(version, &[], Behaviour::KeepsEveryone, &[scenario], &[]);
        let open = keeps.checks("inconclusive");
        assert!(
            open.contains(&(scenario, requirement)),
            "{version} {scenario} {}",
            keeps.told()
        );
        assert!(
            !keeps.checks("pass").contains(&(scenario, requirement)),
            "{}",
            keeps.told()
        );
    }
}

#[test]
fn a_hub_that_wants_events_in_an_unsubscribe_is_given_them() {
    let scenarios = ["unsubscribing/wrong-topic", "unsubscribing/unknown-endpoint"];
    Played::at(Behaviour::UnsubscribesByEvents, &scenarios).is_conformant();
}
