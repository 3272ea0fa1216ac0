//! One catalogue: what several versions state has one id, one level and one judgement, or a note on why not.

use std::collections::BTreeMap;

use castspec_fhircast::protocol::Version;
use castspec_fhircast::requirement::{Catalogue, Requirement};

/// The entries of each id, by version.
fn by_id(catalogue: &Catalogue) -> BTreeMap<String, Vec<&Requirement>> {
    let mut by_id: BTreeMap<String, Vec<&Requirement>> = BTreeMap::new();
    for requirement in catalogue.iter() {
        by_id
            .entry(requirement.id.to_string())
            .or_default()
            .push(requirement);
    }
    by_id
}

#[test]
fn one_statement_has_one_id_in_all_versions() {
    let catalogue = Catalogue::embedded().unwrap();
    let mut by_text: BTreeMap<(String, String), BTreeMap<String, Vec<Version>>> = BTreeMap::new();
    for requirement in catalogue.iter() {
        let text = requirement.text.split_whitespace().collect::<Vec<_>>().join(" ");
        let of_text = by_text.entry((text, requirement.actor.to_string())).or_default();
        of_text
            .entry(requirement.id.to_string())
            .or_default()
            .push(requirement.version);
    }
    // Two events of one version may be asked the same in the same words.
    let apart = |ids: &BTreeMap<String, Vec<Version>>| {
        let mut versions: Vec<&Vec<Version>> = ids.values().collect();
        versions.dedup();
        ids.len() > 1 && versions.len() > 1
    };
    let twofold: Vec<_> = by_text.iter().filter(|(_, ids)| apart(ids)).collect();
    assert!(twofold.is_empty(), "{twofold:#?}");
}

#[test]
fn one_id_has_one_level_and_one_judgement_or_a_note_on_why_not() {
    let catalogue = Catalogue::embedded().unwrap();
    let mut unexplained = Vec::new();
    for (id, entries) in by_id(&catalogue) {
        let judged = |requirement: &Requirement| {
            let unobservable = requirement.unobservable.is_some();
            (
                requirement.actor,
                requirement.level,
                requirement.evidence,
                unobservable,
            )
        };
        let differs = entries.iter().any(|entry| judged(entry) != judged(entries[0]));
        if differs && entries.iter().all(|entry| entry.note.is_none()) {
            unexplained.push(id);
        }
    }
    assert!(unexplained.is_empty(), "{unexplained:#?}");
}

#[test]
fn what_the_first_and_the_last_version_state_the_one_between_states_too() {
    let catalogue = Catalogue::embedded().unwrap();
    let gaps: Vec<_> = by_id(&catalogue)
        .into_iter()
        .map(|(id, entries)| (id, entries.iter().map(|entry| entry.version).collect::<Vec<_>>()))
        .filter(|(_, versions)| {
            versions.contains(&Version::Stu1)
                && versions.contains(&Version::Stu3)
                && !versions.contains(&Version::Stu2)
        })
        .collect();
    assert!(gaps.is_empty(), "{gaps:#?}");
}

#[test]
fn sentences_that_stand_in_several_versions_are_stated_in_each() {
    use Version::{Stu1, Stu2, Stu3};
    let catalogue = Catalogue::embedded().unwrap();
    for (id, versions) in [
        ("subscribe.same-rights", &[Stu1, Stu2, Stu3][..]),
        ("publish.late-rejection-to-requester", &[Stu2, Stu3]),
        ("denial.events-correspond", &[Stu1, Stu2]),
        ("extension.object.hub", &[Stu2, Stu3]),
        ("capabilitystatement.hub-url-type", &[Stu2, Stu3]),
        ("secret.random", &[Stu1, Stu2]),
        ("event.complete-replacement.hub", &[Stu1, Stu2, Stu3]),
        ("notification.context-unaltered", &[Stu1, Stu2, Stu3]),
        ("notification.members-unaltered", &[Stu1, Stu2, Stu3]),
        ("notification.same-for-all", &[Stu1, Stu2, Stu3]),
        ("notification.order-kept", &[Stu1, Stu2, Stu3]),
        ("notification.delivered-once", &[Stu1, Stu2, Stu3]),
        ("patient-open.single-patient", &[Stu1, Stu2]),
    ] {
        for version in versions {
            assert!(catalogue.get(*version, id).is_some(), "{id} in {version}");
        }
    }
}
