//! The catalogue, and what names its requirements: schemas, scenarios, ambient checks and defects.

use std::collections::BTreeSet;

use castspec_fhircast::protocol::Version;
use castspec_fhircast::requirement::{Actor, Catalogue, Level, Requirement, RequirementId};
use castspec_fhircast::schema::Schemas;
use castspec_hub::Defect;
use castspec_runner::run::AMBIENT;
use castspec_runner::scenario::{Library, Templates};

/// The versions that castspec has scenarios for: what can be observed of a hub in them has to be judged.
const RUNNABLE: [Version; 3] = Version::ALL;

/// The versions that have a catalogue and schemas.
const DESCRIBED: [Version; 3] = Version::ALL;

fn catalogue() -> Catalogue {
    Catalogue::embedded().unwrap()
}

#[test]
fn every_bundled_scenario_is_in_order_and_there_are_many() {
    let library = Library::embedded(&catalogue()).unwrap();
    assert!(library.iter().count() >= 50);
    Templates::embedded().unwrap();
}

#[test]
fn whatever_names_a_requirement_names_one_that_exists() {
    let catalogue = catalogue();
    let mut strangers: Vec<String> = Vec::new();
    let mut see = |version: Version, id: &str, by: &str| {
        if catalogue.get(version, id).is_none() {
            strangers.push(format!("{id} of {version}, named by {by}"));
        }
    };
    for version in DESCRIBED {
        for id in Schemas::load(version).unwrap().requirements().keys() {
            see(version, id, "a schema");
        }
    }
    // Ambient checks serve all versions, so each has to belong to one of them.
    for id in AMBIENT {
        if !DESCRIBED
            .iter()
            .any(|version| catalogue.get(*version, id).is_some())
        {
            see(DESCRIBED[0], id, "an ambient check");
        }
    }
    for version in DESCRIBED {
        for defect in Defect::of(version) {
            for id in defect.breaks_in(version) {
                see(version, id, defect.name());
            }
        }
    }
    assert!(strangers.is_empty(), "{strangers:#?}");
}

/// What judges the requirements of a version: `true` for those that something does.
fn judged_in(version: Version) -> impl Fn(&str) -> bool {
    let schemas = Schemas::load(version).unwrap().requirements();
    let library = Library::embedded(&catalogue()).unwrap();
    let stated: BTreeSet<RequirementId> = library
        .iter()
        .filter(|scenario| scenario.document.versions.contains(&version))
        .flat_map(|scenario| scenario.requirements())
        .collect();
    move |id| AMBIENT.contains(&id) || schemas.contains_key(id) || stated.contains(id)
}

#[test]
fn every_requirement_on_the_hub_that_can_be_observed_is_judged() {
    let catalogue = catalogue();
    for version in RUNNABLE {
        let judged = judged_in(version);
        let unjudged: Vec<&str> = catalogue
            .iter()
            .filter(|requirement| requirement.version == version)
            .filter(|requirement| requirement.actor == Actor::Hub && requirement.level != Level::May)
            .filter(|requirement| requirement.unobservable.is_none() && !judged(&requirement.id))
            .map(|requirement| requirement.id.as_str())
            .collect();
        assert!(unjudged.is_empty(), "{version}: {unjudged:#?}");
    }
}

#[test]
fn a_permission_is_never_judged() {
    let catalogue = catalogue();
    for version in DESCRIBED {
        let judged = judged_in(version);
        let permissions = catalogue
            .iter()
            .filter(|requirement| requirement.version == version && requirement.level == Level::May);
        let wrong: Vec<&str> = permissions
            .map(|requirement| requirement.id.as_str())
            .filter(|id| judged(id))
            .collect();
        assert!(wrong.is_empty(), "{version}: {wrong:#?}");
    }
}

/// What a version changed in a statement: its words, and how strongly it binds, but never whom.
#[test]
fn an_id_binds_the_same_actor_in_every_version() {
    let catalogue = catalogue();
    for requirement in catalogue.iter() {
        for version in DESCRIBED {
            if let Some(other) = catalogue.get(version, &requirement.id) {
                assert_eq!(
                    requirement.actor, other.actor,
                    "{} in {} and {version}",
                    requirement.id, requirement.version
                );
            }
        }
    }
}

#[test]
fn every_version_has_a_catalogue_of_its_own() {
    let catalogue = catalogue();
    for (version, least) in DESCRIBED.into_iter().zip([230, 300, 450]) {
        let count = catalogue
            .iter()
            .filter(|requirement| requirement.version == version)
            .count();
        assert!(count >= least, "{version}: {count}");
        let page = format!("/{}/", version.name());
        for requirement in catalogue
            .iter()
            .filter(|requirement| requirement.version == version)
        {
            let is_of_version = version == Version::Stu3
                || requirement.url.contains(&page)
                || requirement.url.starts_with("https://fhircast.org/events/");
            assert!(is_of_version, "{} links to {}", requirement.id, requirement.url);
        }
    }
}

#[test]
fn a_requirement_that_cannot_be_observed_says_why() {
    for requirement in catalogue().iter() {
        assert!(
            requirement.unobservable.as_ref().is_none_or(|why| why.len() > 10),
            "{}",
            requirement.id
        );
        assert!(
            !requirement.text.is_empty() && requirement.url.starts_with("https://"),
            "{}",
            requirement.id
        );
    }
}

/// A file of the catalogue: its name without ending, and its entries.
struct File {
    name: String,
    entries: Catalogue,
}

fn files_of(version: Version) -> Vec<File> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("scenarios/requirements")
        .join(version.name().to_lowercase());
    let paths = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    paths
        .map(|path| {
            let mut entries = Catalogue::default();
            let text = std::fs::read_to_string(&path).unwrap();
            entries.add_page(&path.display().to_string(), &text).unwrap();
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            File { name, entries }
        })
        .collect()
}

/// The last part of the address of the page that a requirement stands on: STU1 and STU2 are one page each.
fn page_of(requirement: &Requirement) -> &str {
    let url = requirement.url.split('#').next().unwrap_or_default();
    let page = url.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    page.trim_end_matches(".html")
}

#[test]
fn a_page_of_the_specification_is_one_file() {
    for version in DESCRIBED {
        let mut pages = BTreeSet::new();
        for file in files_of(version) {
            let entries: Vec<&Requirement> = file.entries.iter().collect();
            assert!(!entries.is_empty(), "{} has no entries", file.name);
            assert!(
                entries.iter().all(|requirement| requirement.version == version),
                "{} is of another version",
                file.name
            );
            let page = page_of(entries[0]).to_owned();
            assert!(
                pages.insert(page.clone()),
                "{page} of {version} has a second file, {}",
                file.name
            );
        }
        assert!(pages.len() > 5, "{version}: {pages:?}");
    }
}

#[test]
fn the_page_of_an_event_has_the_same_name_in_every_version() {
    let names = |version| -> BTreeSet<String> {
        let files = files_of(version).into_iter().map(|file| file.name);
        files.filter(|name| name.starts_with("event-")).collect()
    };
    let newest = names(Version::Stu3);
    for version in DESCRIBED {
        let pages = names(version);
        assert!(
            pages.len() >= 7 && pages.is_subset(&newest),
            "{version}: {pages:?}"
        );
    }
}

#[test]
fn ids_have_an_area_and_words_in_lower_case() {
    for requirement in catalogue().iter() {
        let parts: Vec<&str> = requirement.id.split('.').collect();
        let lower = |part: &str| {
            part.chars()
                .all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '-')
        };
        assert!(
            parts.len() >= 2 && parts.iter().all(|part| !part.is_empty() && lower(part)),
            "{}",
            requirement.id
        );
        // In userhibernate.hub, the hub is a parameter of the event and no actor.
        let bound = match parts.get(2..).and_then(<[&str]>::last).copied() {
            Some("hub") => Some(Actor::Hub),
            Some("subscriber") => Some(Actor::Subscriber),
            Some("authorization-server") => Some(Actor::AuthorizationServer),
            _ => None,
        };
        assert!(
            bound.is_none_or(|actor| actor == requirement.actor),
            "{} binds the {}",
            requirement.id,
            requirement.actor
        );
    }
}

#[test]
fn what_refers_to_a_requirement_refers_to_one_that_exists() {
    let catalogue = catalogue();
    let mut strangers = Vec::new();
    for requirement in catalogue.iter() {
        let texts = [requirement.unobservable.as_deref(), requirement.note.as_deref()];
        for text in texts.into_iter().flatten() {
            let words = text.split_whitespace().collect::<Vec<_>>();
            for pair in words.windows(3).filter(|words| words[0] == "judged") {
                let id = pair[2].trim_end_matches(['.', ',', ';']);
                if pair[1] == "as" && id.contains('.') && catalogue.get(requirement.version, id).is_none() {
                    strangers.push(format!("{id}, named by {}", requirement.id));
                }
            }
        }
    }
    assert!(strangers.is_empty(), "{strangers:#?}");
}

#[test]
fn the_documentation_names_every_page_and_only_requirements_that_exist() {
    let text = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/requirements.md"));
    let catalogue = catalogue();
    let areas: BTreeSet<&str> = catalogue
        .iter()
        .filter_map(|requirement| requirement.id.split('.').next())
        .collect();
    for version in DESCRIBED {
        for file in files_of(version) {
            let page = file.entries.iter().map(page_of).next().unwrap();
            let row = format!("| {page} | `{}` |", file.name);
            assert!(text.contains(&row), "no row of the tables begins with {row}");
        }
    }
    // A name without its actor stands for the entries of both.
    let known = |id: &str| {
        catalogue.iter().any(|requirement| {
            requirement
                .id
                .strip_prefix(id)
                .is_some_and(|rest| rest.is_empty() || rest == ".hub" || rest == ".subscriber")
        })
    };
    let strangers: Vec<&str> = text
        .split('`')
        .skip(1)
        .step_by(2)
        .filter(|quoted| {
            quoted
                .split_once('.')
                .is_some_and(|(area, _)| areas.contains(area))
        })
        .filter(|quoted| !known(quoted))
        .collect();
    assert!(strangers.is_empty(), "{strangers:#?}");
}
