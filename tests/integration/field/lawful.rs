//! Lawful hubs are never blamed, whatever their habits.

use std::time::Duration;

use super::SOME;
use crate::field_support::{Behaviour, HABITS, Played};

/// What habits concern: something of everything.
const MUCH: [&str; 7] = [
    "subscribing",
    "resubscribing",
    "unsubscribing",
    "notification",
    "malformed",
    "current-context/version",
    "content-sharing/ver",
];

#[test]
fn habits_are_never_blamed() {
    let mut blamed = Vec::new();
    for (number, habit) in HABITS.iter().enumerate() {
        let behaviour = Behaviour::Habit(number);
        let played = Played::before(habit.version, &[], behaviour, &MUCH, &[]);
        let (judged, skipped) = played.counts();
        let is_free = played.checks("fail").is_empty() && played.checks("inconclusive").is_empty();
        if !is_free || played.ended.code != Some(0) || judged < 2 * skipped {
            blamed.push(format!(
                "{}, {judged} judged, {skipped} skipped: {}",
                habit.name,
                played.told()
            ));
        }
    }
    assert!(blamed.is_empty(), "{}", blamed.join("\n\n"));
}

#[test]
fn an_unsubscribe_may_take_effect_a_moment_after_it_is_accepted() {
    let behaviour = Behaviour::LeavesLater(Duration::from_millis(700));
    for (version, selection) in [
        ("STU3", &["unsubscribing", "subscribing"][..]),
        ("STU2", &["unsubscribing", "webhooks"]),
        ("STU1", &["unsubscribing", "webhooks"]),
    ] {
        let played = Played::before(version, &[], behaviour, selection, &[]);
        assert_eq!(played.checks("fail"), [], "{version} {}", played.told());
    }
}

#[test]
fn a_topic_may_be_held_a_moment_after_everybody_has_left_it() {
    let behaviour = Behaviour::HoldsTopic(Duration::from_millis(700));
    let selection = [
        "subscribing/accepted",
        "resubscribing/accepted",
        "current-context/version",
    ];
    let played = Played::at(behaviour, &selection);
    played.is_conformant();
    let (judged, skipped) = played.counts();
    assert!(judged > 30 && skipped == 0, "{}", played.told());
}

#[test]
fn a_hub_that_its_gateway_does_not_reach_yet_is_waited_for() {
    let behaviour = Behaviour::ComesUpAfter(4);
    let played = Played::with(behaviour, &["subscribing/accepted"], &["--wait-for-hub", "60s"]);
    played.is_conformant();
}

#[test]
fn a_hub_of_stu2_needs_no_configuration_document() {
    Played::before("STU2", &[], Behaviour::Undocumented, &SOME, &[]).is_conformant();
}

#[test]
fn a_hub_may_look_whether_a_callback_is_there() {
    for version in ["STU1", "STU2"] {
        let played = Played::before(version, &[], Behaviour::LooksAtCallbacks, &["webhooks"], &[]);
        assert_eq!(played.checks("fail"), [], "{version} {}", played.told());
        assert_eq!(played.checks("warn"), [], "{version} {}", played.told());
    }
}
