//! The catalogue, and what names its requirements: schemas, scenarios, ambient checks and defects.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::BTreeSet;

use castspec::hub::Defect;
use castspec::protocol::Version;
use castspec::requirement::{Actor, Catalogue, Level};
use castspec::runner::AMBIENT;
use castspec::scenario::{Library, Templates};
use castspec::schema::Schemas;

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
    let mut see = |id: &str, by: &str| {
        if catalogue.get(Version::Stu3, id).is_none() {
            strangers.push(format!("{id}, named by {by}"));
        }
    };
    AMBIENT.iter().for_each(|id| see(id, "an ambient check"));
    for id in Schemas::load(Version::Stu3).unwrap().requirements().keys() {
        see(id, "a schema");
    }
    for defect in Defect::all() {
        defect.breaks().iter().for_each(|id| see(id, defect.name()));
    }
    assert!(strangers.is_empty(), "{strangers:#?}");
}

#[test]
fn every_requirement_on_the_hub_that_can_be_observed_is_judged() {
    let catalogue = catalogue();
    let schemas = Schemas::load(Version::Stu3).unwrap().requirements();
    let library = Library::embedded(&catalogue).unwrap();
    let judged = |id: &str| {
        AMBIENT.contains(&id)
            || schemas.contains_key(id)
            || library
                .iter()
                .any(|scenario| scenario.requirements().contains(id))
    };
    let unjudged: Vec<&str> = catalogue
        .iter()
        .filter(|own| own.version == Version::Stu3 && own.actor == Actor::Hub && own.level != Level::May)
        .filter(|own| own.unobservable.is_none() && !judged(&own.id))
        .map(|own| own.id.as_str())
        .collect();
    assert!(unjudged.is_empty(), "{unjudged:#?}");
}

#[test]
fn a_permission_is_never_judged() {
    let catalogue = catalogue();
    let library = Library::embedded(&catalogue).unwrap();
    let mut judged = Vec::new();
    for version in Version::ALL {
        let schemas = Schemas::load(version).map(|schemas| schemas.requirements());
        let permissions = catalogue
            .iter()
            .filter(|own| own.version == version && own.level == Level::May);
        for id in permissions.map(|own| own.id.as_str()) {
            let by_schema = schemas.as_ref().is_ok_and(|ids| ids.contains_key(id));
            let by_scenario = library
                .iter()
                .filter(|scenario| scenario.document.versions.contains(&version))
                .any(|scenario| scenario.requirements().contains(id));
            if AMBIENT.contains(&id) || by_schema || by_scenario {
                judged.push((version, id));
            }
        }
    }
    assert!(judged.is_empty(), "{judged:#?}");
}

#[test]
fn a_requirement_that_cannot_be_observed_says_why() {
    for own in catalogue().iter() {
        assert!(
            own.unobservable.as_ref().is_none_or(|why| why.len() > 10),
            "{}",
            own.id
        );
        assert!(
            !own.text.is_empty() && own.url.starts_with("https://"),
            "{}",
            own.id
        );
    }
}

#[test]
fn every_page_of_the_catalogue_has_entries() {
    let folders = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/requirements");
    for version in Version::ALL {
        let folder = folders.join(version.to_string().to_lowercase());
        let mut pages = 0;
        for entry in std::fs::read_dir(folder).unwrap() {
            let file = entry.unwrap().path();
            let text = std::fs::read_to_string(&file).unwrap();
            let mut page = Catalogue::default();
            page.add_page(&file.display().to_string(), &text).unwrap();
            let first = page.iter().next();
            assert!(first.is_some(), "{} has no entries", file.display());
            assert!(
                page.iter().all(|own| own.version == version),
                "{} is of another version than its folder",
                file.display()
            );
            pages += 1;
        }
        assert!(pages > 5, "{pages} pages of {version}");
    }
}

#[test]
fn ids_have_an_area_and_words_in_lower_case() {
    for own in catalogue().iter() {
        let parts: Vec<&str> = own.id.split('.').collect();
        let lower = |part: &str| {
            part.chars()
                .all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '-')
        };
        assert!(
            parts.len() >= 2 && parts.iter().all(|part| !part.is_empty() && lower(part)),
            "{}",
            own.id
        );
        // In userhibernate.hub, the hub is a parameter of the event and no actor.
        let bound = match parts.get(2..).and_then(<[&str]>::last).copied() {
            Some("hub") => Some(Actor::Hub),
            Some("subscriber") => Some(Actor::Subscriber),
            Some("authorization-server") => Some(Actor::AuthorizationServer),
            _ => None,
        };
        assert!(
            bound.is_none_or(|actor| actor == own.actor),
            "{} binds the {}",
            own.id,
            own.actor
        );
    }
}

#[test]
fn what_refers_to_a_requirement_refers_to_one_that_exists() {
    let catalogue = catalogue();
    let mut strangers = Vec::new();
    for own in catalogue.iter() {
        let texts = [own.unobservable.as_deref(), own.note.as_deref()];
        for text in texts.into_iter().flatten() {
            let words = text.split_whitespace().collect::<Vec<_>>();
            for pair in words.windows(3).filter(|words| words[0] == "judged") {
                let id = pair[2].trim_end_matches(['.', ',', ';']);
                if pair[1] == "as" && id.contains('.') && catalogue.get(own.version, id).is_none() {
                    strangers.push(format!("{id}, named by {}", own.id));
                }
            }
        }
    }
    assert!(strangers.is_empty(), "{strangers:#?}");
}

#[test]
fn the_documentation_names_every_page_and_only_requirements_that_exist() {
    let text = include_str!("../docs/requirements.md");
    let catalogue = catalogue();
    let areas: BTreeSet<&str> = catalogue
        .iter()
        .filter_map(|own| own.id.split('.').next())
        .collect();
    for own in catalogue.iter() {
        let page = own.url.split('#').next().unwrap_or_default();
        let page = page.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
        let page = page.split(".html").next().unwrap_or_default();
        assert!(
            text.contains(&format!("| {page} |")),
            "{page} is not in the table"
        );
    }
    // A name without its actor stands for the entries of both.
    let known = |id: &str| {
        catalogue.iter().any(|own| {
            own.id
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
