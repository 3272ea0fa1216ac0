//! Hubs that know few events are judged as fully as others.

use crate::field_support::{Behaviour, Played};

/// What is owed whatever the event is.
const OWED: [&str; 4] = ["subscribing", "unsubscribing", "notification", "malformed"];
/// The same of webhooks.
const WEBHOOKS: [&str; 3] = ["webhooks/signed", "webhooks/unsubscribing", "notification"];

const STUDIES: &str = "ImagingStudy-open,ImagingStudy-close,SyncError";
const NO_PATIENTS: &str = "scenarios use ImagingStudy events: the hub grants no Patient events";

fn selection(version: &str) -> &'static [&'static str] {
    match version {
        "STU1" => &WEBHOOKS,
        _ => &OWED,
    }
}

fn played(version: &str, behaviour: Behaviour, hub: &[&str]) -> Played {
    Played::before(version, hub, behaviour, selection(version), &[])
}

#[test]
fn a_hub_without_patients_is_judged_by_studies() {
    // What a configuration document lists need not be found out; the ways to refuse differ in what must.
    for (version, cases) in [
        (
            "STU3",
            &[
                (Behaviour::Clean, "refuse"),
                (Behaviour::Undocumented, "refuse"),
                (Behaviour::Undocumented, "deny"),
                (Behaviour::Undocumented, "trim"),
            ][..],
        ),
        (
            "STU2",
            &[
                (Behaviour::Clean, "deny"),
                (Behaviour::Undocumented, "refuse"),
                (Behaviour::Undocumented, "trim"),
            ],
        ),
        ("STU1", &[(Behaviour::Clean, "deny"), (Behaviour::Clean, "trim")]),
    ] {
        let (judged_before, _) = played(version, Behaviour::Clean, &[]).counts();
        for (behaviour, how) in cases {
            let hub = ["--events", STUDIES, "--other-events", how];
            let played = played(version, *behaviour, &hub);
            let told = format!("{version} {behaviour:?} {how} {}", played.told());
            assert_eq!(played.checks("fail"), [], "{told}");
            assert_eq!(played.checks("inconclusive"), [], "{told}");
            assert_eq!(played.ended.code, Some(0), "{told}");
            assert!(played.accommodations().contains(&NO_PATIENTS), "{told}");
            let (judged, skipped) = played.counts();
            // What is asked of patients' openings alone, in every scenario that has one, is not among them.
            assert!(
                judged * 10 > judged_before * 7,
                "{judged} of {judged_before}, {skipped} skipped: {told}"
            );
        }
    }
}

#[test]
fn a_hub_without_close_events_is_judged_by_opens() {
    const ONE: &str = "Patient-open";
    const TWO: &str = "Patient-open,ImagingStudy-open,SyncError";
    for (version, how, events) in [
        ("STU3", "refuse", ONE),
        ("STU3", "deny", TWO),
        ("STU3", "trim", ONE),
        ("STU2", "refuse", TWO),
        ("STU2", "deny", ONE),
        ("STU2", "trim", TWO),
        ("STU1", "deny", ONE),
        ("STU1", "trim", TWO),
    ] {
        let hub = ["--events", events, "--other-events", how];
        let played = played(version, Behaviour::Undocumented, &hub);
        let told = format!("{version} {events} {how} {}", played.told());
        assert_eq!(played.checks("fail"), [], "{told}");
        assert_eq!(played.checks("inconclusive"), [], "{told}");
        let left_out = |what: &&str| what.contains("leave out") && what.contains("close");
        assert!(played.accommodations().iter().any(left_out), "{told}");
        let (judged, skipped) = played.counts();
        assert!(judged > 4 * skipped, "{judged} judged, {skipped} skipped: {told}");
    }
}

#[test]
fn faults_of_a_hub_without_patients_are_found() {
    for (version, how, defect, requirement) in [
        (
            "STU3",
            "refuse",
            "unsubscribe-ignored",
            "unsubscribe.nothing-delivered",
        ),
        ("STU3", "trim", "broadcast-to-one", "publish.broadcast-to-all"),
        (
            "STU2",
            "refuse",
            "unsubscribe-ignored",
            "unsubscribe.socket-closed",
        ),
        (
            "STU1",
            "trim",
            "unsubscribe-ignored",
            "unsubscribe.nothing-delivered",
        ),
    ] {
        let hub = ["--events", STUDIES, "--other-events", how, "--defect", defect];
        let played = played(version, Behaviour::Clean, &hub);
        let failed = played.checks("fail");
        let found = failed.iter().any(|(_, failed)| *failed == requirement);
        assert!(found, "{version} {defect} {how} {}", played.told());
    }
}
