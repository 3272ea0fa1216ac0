//! What may be met at the desk where a requirement is broken.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use serde::Deserialize;

use super::RequirementId;
use super::catalogue::CatalogueError;

/// The file, beside the pages of requirements.
pub(super) const FILE: &str = "consequences.yaml";

/// The file's text.
const TEXT: &str = include_str!("../../../../scenarios/requirements/consequences.yaml");

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Page {
    consequences: BTreeMap<RequirementId, String>,
}

/// What a clinician, or whoever runs the desk, may meet where a requirement is broken, in plain words; nothing for permissions and for
/// what cannot be observed.
pub fn consequence_of(requirement: &RequirementId) -> Option<&'static str> {
    static ALL: OnceLock<BTreeMap<RequirementId, String>> = OnceLock::new();
    // A test reads the file; in a program whose file cannot be read, nothing is told of consequences.
    let all = ALL.get_or_init(|| read(TEXT).unwrap_or_default());
    all.get(requirement).map(String::as_str)
}

fn read(text: &str) -> Result<BTreeMap<RequirementId, String>, CatalogueError> {
    let page: Page = serde_saphyr::from_str(text).map_err(|error| CatalogueError::Format {
        file: FILE.to_owned(),
        message: error.to_string(),
    })?;
    Ok(page.consequences)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

    use std::collections::BTreeSet;

    use super::*;
    use crate::requirement::{Catalogue, Level};

    #[test]
    fn what_binds_and_can_be_observed_has_a_consequence_and_nothing_else_has() {
        let catalogue = Catalogue::embedded().unwrap();
        let binding = catalogue
            .iter()
            .filter(|requirement| requirement.level != Level::May && requirement.unobservable.is_none());
        let binding: BTreeSet<RequirementId> = binding.map(|requirement| requirement.id.clone()).collect();
        let told: BTreeSet<RequirementId> = read(TEXT).unwrap().into_keys().collect();
        let without: Vec<_> = binding.difference(&told).collect();
        let unknown: Vec<_> = told.difference(&binding).collect();
        assert!(without.is_empty(), "without a consequence: {without:?}");
        assert!(
            unknown.is_empty(),
            "consequences of nothing that is judged: {unknown:?}"
        );
    }

    #[test]
    fn a_consequence_is_short_and_its_own() {
        let all = read(TEXT).unwrap();
        let different: BTreeSet<&String> = all.values().collect();
        assert!(
            different.len() * 10 > all.len() * 9,
            "{} of {}",
            different.len(),
            all.len()
        );
        for (id, told) in &all {
            let length = told.chars().count();
            assert!((20..=200).contains(&length), "{id}: {length} characters");
            assert!(told.ends_with('.') && told.contains("may"), "{id}: {told}");
        }
    }
}
