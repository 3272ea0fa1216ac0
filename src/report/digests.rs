//! Digests of what a run judged by: the catalogue of requirements and the scenarios.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use castspec_fhircast::requirement::Catalogue;
use castspec_runner::scenario::Library;

/// The digests, as in `sha256:1f2e…`. Two reports with the same digests were judged by the same texts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Digests {
    /// Of all pages of requirements.
    pub catalogue: String,
    /// Of all scenarios that could be chosen from, the embedded ones and the user's own; absent where none are played.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scenarios: Option<String>,
}

impl Digests {
    /// The digest of the embedded catalogue.
    pub fn of_catalogue() -> Self {
        Self {
            catalogue: of(Catalogue::pages()),
            scenarios: None,
        }
    }

    /// The digest of the catalogue, and that of these scenarios.
    pub fn with_scenarios(library: &Library) -> Self {
        let scenarios = library.iter();
        let files =
            scenarios.map(|scenario| (format!("{}.yaml", scenario.name), scenario.source().to_owned()));
        Self {
            scenarios: Some(of(files.collect())),
            ..Self::of_catalogue()
        }
    }
}

impl fmt::Display for Digests {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "catalogue {}", self.catalogue)?;
        match &self.scenarios {
            Some(scenarios) => write!(f, ", scenarios {scenarios}"),
            None => Ok(()),
        }
    }
}

/// The digest of files: that of the list which `sha256sum` prints of them, sorted by name, so that anybody can make it too.
fn of(mut files: Vec<(String, String)>) -> String {
    files.sort();
    let mut whole = Sha256::new();
    for (name, content) in files {
        let file = hex::encode(Sha256::digest(content));
        whole.update(format!("{file}  {name}\n"));
    }
    format!("sha256:{}", hex::encode(whole.finalize()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(files: &[(&str, &str)]) -> Vec<(String, String)> {
        let files = files.iter();
        files
            .map(|(name, content)| ((*name).to_owned(), (*content).to_owned()))
            .collect()
    }

    #[test]
    fn the_digest_is_that_of_the_list_of_sha256sum() {
        // printf a > one; printf b > two; sha256sum one two | sha256sum
        let expected = "sha256:85676b61204130b2226037d707ada44d0c50b7641758b461aba5c16114c28371";
        assert_eq!(of(files(&[("two", "b"), ("one", "a")])), expected);
    }

    #[test]
    fn a_letter_a_name_and_a_file_more_change_it() {
        let one = of(files(&[("one", "a")]));
        for other in [
            &[("one", "b")][..],
            &[("two", "a")],
            &[("one", "a"), ("two", "")],
            &[],
        ] {
            assert_ne!(of(files(other)), one, "{other:?}");
        }
    }

    #[test]
    fn a_scenario_of_the_users_own_changes_the_digest_of_the_scenarios_alone() {
        let catalogue = Catalogue::embedded().unwrap();
        let mut library = Library::embedded(&catalogue).unwrap();
        let embedded = Digests::with_scenarios(&library);
        assert_eq!(Digests::with_scenarios(&library), embedded);
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("own.yaml");
        let own = "title: t\nversions: [STU3]\nsteps:\n  - discover: {answer: [{requirement: wellknown.served, status: accepted}]}\n";
        std::fs::write(&file, own).unwrap();
        library.add_path(&file, &catalogue).unwrap();
        let with_own = Digests::with_scenarios(&library);
        assert_eq!(with_own.catalogue, embedded.catalogue);
        assert_ne!(with_own.scenarios, embedded.scenarios);
        assert_eq!(Digests::of_catalogue().scenarios, None);
    }
}
