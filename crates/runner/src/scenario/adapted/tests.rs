use std::sync::LazyLock;

use super::*;
use crate::scenario::Library;

static CATALOGUE: LazyLock<Catalogue> = LazyLock::new(|| Catalogue::embedded().unwrap());

fn scenario(steps: &str) -> Scenario {
    let text = format!("title: T\nversions: [STU3]\n{steps}");
    Scenario::parse("own/test", "test.yaml", &text, &CATALOGUE).unwrap()
}

/// What becomes of it at a hub that grants these alone.
fn adapted(scenario: &Scenario, granted: &[&str]) -> Option<Adapted> {
    let grants = |event: &EventName| granted.iter().any(|granted| *event == **granted);
    scenario.adapted(&CATALOGUE, grants)
}

const PLAIN: &str = r#"
subscribers:
  viewer: {events: [Patient-open, Patient-close]}
steps:
  - subscribe: [viewer]
  - publish: {by: viewer, event: Patient-open, save: patient}
  - expect:
      at: viewer
      message: {kind: notification, of: patient, event: patient-OPEN}
      requirement: notification.delivered
      checks:
        - requirement: notification.context-unaltered
          has: {/event/context: {contains: {/key: {equals: patient}, /resource/id: {equals: "${case.a.patient.id}"}}}}
  - absent: {at: viewer, message: {kind: denial}, requirement: notification.delivered, fence_event: Patient-close}
"#;

#[test]
fn events_of_another_anchor_take_the_place_of_those_that_the_hub_does_not_grant() {
    let plain = scenario(PLAIN);
    let adapted = adapted(&plain, &["ImagingStudy-open", "ImagingStudy-close"]).unwrap();
    assert_eq!(
        adapted.exchange,
        Exchange::from([(Anchor::Patient, Anchor::ImagingStudy)])
    );
    let text = &adapted.scenario.source;
    for wanted in [
        "ImagingStudy-open",
        "imagingstudy-OPEN",
        "ImagingStudy-close",
        r#""equals":"study""#,
        "${case.a.study.id}",
        // Names of the scenario's own stay as they are.
        r#""save":"patient""#,
        r#""of":"patient""#,
    ] {
        assert!(text.contains(wanted), "{wanted} in {text}");
    }
    assert!(
        !text.contains("Patient-") && !text.contains("case.a.patient"),
        "{text}"
    );
}

#[test]
fn what_is_only_asked_for_is_left_out_where_no_anchor_has_both() {
    let plain = scenario(&PLAIN.replace(", fence_event: Patient-close", ""));
    let opens = adapted(&plain, &["Patient-open", "Encounter-open"]).unwrap();
    assert!(opens.exchange.is_empty());
    assert_eq!(opens.left_out, BTreeSet::from(["Patient-close".parse().unwrap()]));
    assert!(
        !opens.scenario.source.contains("close"),
        "{}",
        opens.scenario.source
    );
    // An anchor with both goes first.
    let granted = ["Patient-open", "Encounter-open", "Encounter-close"];
    let both = adapted(&plain, &granted).unwrap();
    assert_eq!(
        both.exchange,
        Exchange::from([(Anchor::Patient, Anchor::Encounter)])
    );
    assert!(both.left_out.is_empty());
}

#[test]
fn a_scenario_stays_as_it_is_written_where_its_events_are_granted_or_no_others_will_do() {
    let plain = scenario(PLAIN);
    let studies = ["ImagingStudy-open", "ImagingStudy-close"];
    assert!(adapted(&plain, &["Patient-open", "Patient-close"]).is_none());
    assert!(adapted(&plain, &["UserLogout"]).is_none());
    for (part, instead) in [
        ("\nsubscribers", "as_written: true\nsubscribers"),
        (
            "save: patient}",
            "save: patient, context: [{key: patient, resource: {resourceType: Patient}}]}",
        ),
        (
            "save: patient}",
            "save: patient, context: {with: {patient: {birthDate: '2020-01-01'}}}}",
        ),
        ("save: patient}", "save: patient, context: {without: [patient]}}"),
        ("${case.a.patient.id}", "Patient/1"),
        // It accompanies the patient: who knows what it is where a study stands for that.
        ("${case.a.patient.id}", "${case.a.study.id}"),
        ("event: patient-OPEN", "event: Patient-update"),
    ] {
        let text = PLAIN.replacen(part, instead, 1);
        assert_ne!(text, PLAIN, "{part}");
        let own = scenario(&text);
        assert!(adapted(&own, &studies).is_none(), "{text}");
    }
    // Elements that every resource has say nothing of patients.
    let text = PLAIN.replacen(
        "save: patient}",
        "save: patient, context: {with: {patient: {language: en}}}}",
        1,
    );
    let adapted = adapted(&scenario(&text), &studies).unwrap();
    assert!(
        adapted.scenario.source.contains(r#""with":{"study""#),
        "{}",
        adapted.scenario.source
    );
}

#[test]
fn two_anchors_stay_two() {
    let text = PLAIN.replace(
        "[Patient-open, Patient-close]",
        "[Patient-open, Patient-close, ImagingStudy-open]",
    );
    let two = scenario(&text);
    let granted = [
        "ImagingStudy-open",
        "ImagingStudy-close",
        "Encounter-open",
        "Encounter-close",
    ];
    let adapted_to = |granted: &[&str]| adapted(&two, granted).map(|adapted| adapted.exchange);
    assert_eq!(
        adapted_to(&granted),
        Some(Exchange::from([(Anchor::Patient, Anchor::Encounter)]))
    );
    // With one anchor alone, what is needed is played and the other is not asked for.
    let one = adapted(&two, &granted[..2]).unwrap();
    assert_eq!(one.exchange.get(&Anchor::Patient), Some(&Anchor::ImagingStudy));
    assert_eq!(one.left_out.len(), 1);
}

/// The built-in scenarios whose titles name an event are about that event.
#[test]
fn built_in_scenarios_about_one_event_say_so() {
    let library = Library::embedded(&CATALOGUE).unwrap();
    for scenario in library.iter() {
        let is_about_an_event = !events_in(&scenario.document.title).is_empty();
        for anchor in Anchor::ALL {
            let granted = [
                anchor.open().unwrap(),
                anchor.close().unwrap(),
                "SyncError".parse().unwrap(),
            ];
            let grants = |event: &EventName| granted.contains(event) || Anchor::of(event).is_none();
            let adapted = scenario.adapted(&CATALOGUE, grants);
            let is_exchanged = adapted
                .as_ref()
                .is_some_and(|adapted| !adapted.exchange.is_empty());
            assert!(
                !(is_about_an_event && is_exchanged),
                "{} wants as_written: true",
                scenario.name
            );
            if let Some(adapted) = adapted {
                assert_eq!(
                    adapted.scenario.requirements(),
                    scenario.requirements(),
                    "{}",
                    scenario.name
                );
            }
        }
    }
}

/// The built-in scenarios that are not played at a hub without events of patients; a new one among them wants a look.
#[test]
fn few_built_in_scenarios_need_patients() {
    let library = Library::embedded(&CATALOGUE).unwrap();
    let grants = |event: &EventName| Anchor::of(event) != Some(Anchor::Patient);
    let unplayed: Vec<&str> = library
        .iter()
        .filter(|scenario| !scenario.events().iter().all(grants))
        .filter(|scenario| scenario.adapted(&CATALOGUE, grants).is_none())
        .map(|scenario| scenario.name.as_str())
        .collect();
    insta::assert_snapshot!(unplayed.join("\n"));
}
