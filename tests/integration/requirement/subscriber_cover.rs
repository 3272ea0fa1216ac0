//! Every requirement on subscribers that can be observed is judged whenever their messages are seen.

use std::collections::BTreeSet;

use castspec_fhircast::protocol::Version;
use castspec_fhircast::requirement::{Actor, Catalogue, Level};
use castspec_fhircast::schema::Schemas;
use castspec_judging::subscriber::REQUIREMENTS;

/// Permissions are never judged (docs/requirements.md).
fn observable(catalogue: &Catalogue) -> impl Iterator<Item = &str> {
    let requirements = catalogue.iter().filter(|requirement| {
        requirement.version == Version::Stu3
            && requirement.actor == Actor::Subscriber
            && requirement.unobservable.is_none()
            && requirement.level != Level::May
    });
    requirements.map(|requirement| requirement.id.as_str())
}

#[test]
fn every_observable_requirement_on_subscribers_is_judged() {
    let catalogue = Catalogue::embedded().unwrap();
    let schemas = Schemas::load(Version::Stu3).unwrap().requirements();
    let unjudged: Vec<&str> = observable(&catalogue)
        .filter(|id| !REQUIREMENTS.contains(id) && !schemas.contains_key(*id))
        .collect();
    assert!(unjudged.is_empty(), "{unjudged:#?}");
}

#[test]
fn subscribers_are_judged_by_requirements_that_exist_and_bind_subscribers() {
    let catalogue = Catalogue::embedded().unwrap();
    let known: BTreeSet<&str> = observable(&catalogue).collect();
    let strangers: Vec<&&str> = REQUIREMENTS.iter().filter(|id| !known.contains(*id)).collect();
    assert!(strangers.is_empty(), "{strangers:#?}");
    let distinct: BTreeSet<&&str> = REQUIREMENTS.iter().collect();
    assert_eq!(distinct.len(), REQUIREMENTS.len(), "one stands twice");
}
