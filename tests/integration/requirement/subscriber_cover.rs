//! Every requirement on subscribers that can be observed is judged whenever their messages are seen, in every version.

use std::collections::BTreeSet;

use castspec_fhircast::protocol::Version;
use castspec_fhircast::requirement::{Actor, Catalogue, Level};
use castspec_fhircast::schema::Schemas;
use castspec_judging::subscriber::{REQUIREMENTS, requirements_of};

/// Permissions are never judged (docs/requirements.md).
fn observable(catalogue: &Catalogue, version: Version) -> impl Iterator<Item = &str> {
    let requirements = catalogue.iter().filter(move |requirement| {
        requirement.version == version
            && matches!(requirement.actor, Actor::Subscriber | Actor::AuthorizationServer)
            && requirement.unobservable.is_none()
            && requirement.level != Level::May
    });
    requirements.map(|requirement| requirement.id.as_str())
}

#[test]
fn every_observable_requirement_on_subscribers_is_judged() {
    let catalogue = Catalogue::embedded().unwrap();
    for version in Version::ALL {
        let schemas = Schemas::load(version).unwrap().requirements();
        let unjudged: Vec<&str> = observable(&catalogue, version)
            .filter(|id| !REQUIREMENTS.contains(id) && !schemas.contains_key(*id))
            .collect();
        assert!(unjudged.is_empty(), "{version}: {unjudged:#?}");
    }
}

#[test]
fn subscribers_are_judged_by_requirements_that_exist_and_bind_subscribers() {
    let catalogue = Catalogue::embedded().unwrap();
    let mut known: BTreeSet<&str> = BTreeSet::new();
    for version in Version::ALL {
        let stated: BTreeSet<&str> = observable(&catalogue, version).collect();
        let judged: Vec<&str> = requirements_of(&catalogue, version).collect();
        assert!(judged.iter().all(|id| stated.contains(id)), "{version}");
        assert!(judged.len() > 20, "{version}: {judged:?}");
        known.extend(stated);
    }
    let strangers: Vec<&&str> = REQUIREMENTS.iter().filter(|id| !known.contains(*id)).collect();
    assert!(strangers.is_empty(), "{strangers:#?}");
    let distinct: BTreeSet<&&str> = REQUIREMENTS.iter().collect();
    assert_eq!(distinct.len(), REQUIREMENTS.len(), "one stands twice");
}
