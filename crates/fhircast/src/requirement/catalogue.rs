//! Loading the catalogue and looking things up in it.

use std::collections::BTreeMap;

use rust_embed::RustEmbed;
use serde::Deserialize;
use serde_saphyr::Spanned;

use super::consequences::FILE;
use super::{Actor, Capability, Evidence, Level, Requirement, RequirementId};
use crate::protocol::Version;

#[derive(RustEmbed)]
#[folder = "../../scenarios/requirements/"]
#[include = "*.yaml"]
struct Embedded;

/// Why the catalogue could not be loaded.
#[derive(Debug, thiserror::Error)]
pub enum CatalogueError {
    /// A file is not in the catalogue's format.
    #[error("{file}: {message}")]
    Format {
        /// The file, relative to the catalogue's folder.
        file: String,
        /// What was wrong and where.
        message: String,
    },
    /// An entry has no evidence though it is judged, or has some though nothing judges it.
    #[error("{file}: line {line}: requirement '{id}' {problem}")]
    Evidence {
        /// The file, relative to the catalogue's folder.
        file: String,
        /// The line on which the entry begins.
        line: u64,
        /// The id.
        id: RequirementId,
        /// The contradiction, and how to end it.
        problem: &'static str,
    },
    /// One id stands twice for one version.
    #[error("{file}: requirement '{id}' is already defined for {version}; give it another id")]
    Duplicate {
        /// The file with the second definition.
        file: String,
        /// The id.
        id: RequirementId,
        /// The version.
        version: Version,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Page {
    version: Version,
    page: String,
    requirements: Vec<Spanned<Entry>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    id: RequirementId,
    level: Level,
    actor: Actor,
    #[serde(default)]
    evidence: Option<Evidence>,
    section: String,
    #[serde(default)]
    anchor: Option<String>,
    text: String,
    #[serde(default)]
    unobservable: Option<String>,
    #[serde(default)]
    capability: Option<Capability>,
    #[serde(default)]
    note: Option<String>,
}

impl Entry {
    /// The contradiction between what is known of the entry and its evidence.
    fn contradiction(&self) -> Option<&'static str> {
        match (self.evidence, self.level, &self.unobservable) {
            (Some(_), Level::May, _) => Some("is a permission, which nothing judges: leave out its evidence"),
            (Some(_), _, Some(_)) => Some("cannot be observed: leave out its evidence"),
            (None, Level::Shall | Level::Should, None) => {
                Some("can be observed and needs its evidence: message or conversation")
            }
            _ => None,
        }
    }
}

/// All requirements, by version and id.
#[derive(Debug, Clone, Default)]
pub struct Catalogue {
    entries: BTreeMap<Version, BTreeMap<RequirementId, Requirement>>,
}

impl Catalogue {
    /// The catalogue that is embedded in the binary.
    ///
    /// # Errors
    /// When a file is not in the catalogue's format or defines an id a second time.
    pub fn embedded() -> Result<Self, CatalogueError> {
        let mut catalogue = Self::default();
        for (name, text) in Self::pages().into_iter().filter(|(name, _)| name != FILE) {
            catalogue.add_page(&name, &text)?;
        }
        Ok(catalogue)
    }

    /// The pages of the embedded catalogue as they are written: name and text.
    pub fn pages() -> Vec<(String, String)> {
        let pages = Embedded::iter().filter_map(|name| {
            let file = Embedded::get(&name)?;
            Some((
                name.into_owned(),
                String::from_utf8_lossy(&file.data).into_owned(),
            ))
        });
        pages.collect()
    }

    /// Adds one page of requirements, in the format of `scenarios/requirements`.
    ///
    /// # Errors
    /// When the text is not in the catalogue's format or defines an id a second time.
    pub fn add_page(&mut self, file: &str, text: &str) -> Result<(), CatalogueError> {
        let page: Page = serde_saphyr::from_str(text).map_err(|error| CatalogueError::Format {
            file: file.to_owned(),
            message: error.to_string(),
        })?;
        for Spanned {
            value: entry,
            referenced: place,
            ..
        } in page.requirements
        {
            if let Some(problem) = entry.contradiction() {
                return Err(CatalogueError::Evidence {
                    file: file.to_owned(),
                    line: place.line(),
                    id: entry.id,
                    problem,
                });
            }
            let url = match &entry.anchor {
                Some(anchor) => format!("{}#{anchor}", page.page),
                None => page.page.clone(),
            };
            let of_version = self.entries.entry(page.version).or_default();
            if of_version.contains_key(&entry.id) {
                return Err(CatalogueError::Duplicate {
                    file: file.to_owned(),
                    id: entry.id,
                    version: page.version,
                });
            }
            let requirement = Requirement {
                id: entry.id,
                version: page.version,
                level: entry.level,
                actor: entry.actor,
                evidence: entry.evidence,
                section: entry.section,
                url,
                text: entry.text.trim().to_owned(),
                unobservable: entry.unobservable,
                capability: entry.capability,
                note: entry.note,
            };
            of_version.insert(requirement.id.clone(), requirement);
        }
        Ok(())
    }

    /// The requirement with this id in this version.
    pub fn get(&self, version: Version, id: &str) -> Option<&Requirement> {
        self.entries.get(&version)?.get(id)
    }

    /// Whether some version states a requirement with this id.
    pub fn knows(&self, id: &str) -> bool {
        self.entries
            .values()
            .any(|of_version| of_version.contains_key(id))
    }

    /// All requirements, by version and id.
    pub fn iter(&self) -> impl Iterator<Item = &Requirement> {
        self.entries.values().flat_map(BTreeMap::values)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

    use super::*;

    /// A page with one requirement that has these fields beside its id, actor, section and text.
    fn page(fields: &str) -> Result<Catalogue, CatalogueError> {
        let text = format!(
            "# A page.\nversion: STU3\npage: https://example.com/page\nrequirements:\n  \
             - id: area.matter\n    actor: hub\n    section: 2.4 Title\n    text: Words.\n{fields}"
        );
        let mut catalogue = Catalogue::default();
        catalogue.add_page("stu3/page.yaml", &text).map(|()| catalogue)
    }

    fn error(fields: &str) -> String {
        page(fields).unwrap_err().to_string()
    }

    #[test]
    fn evidence_is_a_message_or_the_conversation() {
        for (word, evidence) in [
            ("message", Evidence::Message),
            ("conversation", Evidence::Conversation),
        ] {
            let catalogue = page(&format!("    level: SHALL\n    evidence: {word}\n")).unwrap();
            let requirement = catalogue.get(Version::Stu3, "area.matter").unwrap();
            assert_eq!(requirement.evidence, Some(evidence));
            assert_eq!(evidence.to_string(), word);
        }
    }

    #[test]
    fn unknown_evidence_is_refused_with_file_and_line() {
        let error = error("    level: SHALL\n    evidence: hearsay\n");
        assert!(error.starts_with("stu3/page.yaml: "), "{error}");
        assert!(
            error.contains("hearsay") && error.contains("conversation"),
            "{error}"
        );
        assert!(error.contains("line 10"), "{error}");
    }

    #[test]
    fn an_entry_that_can_be_judged_needs_evidence() {
        assert_eq!(
            error("    level: SHOULD\n"),
            "stu3/page.yaml: line 5: requirement 'area.matter' can be observed and needs its evidence: message or \
             conversation"
        );
    }

    #[test]
    fn an_entry_that_nothing_judges_has_no_evidence() {
        assert_eq!(
            error("    level: MAY\n    evidence: message\n"),
            "stu3/page.yaml: line 5: requirement 'area.matter' is a permission, which nothing judges: leave out its \
             evidence"
        );
        assert_eq!(
            error("    level: SHALL\n    evidence: message\n    unobservable: It happens inside.\n"),
            "stu3/page.yaml: line 5: requirement 'area.matter' cannot be observed: leave out its evidence"
        );
        assert!(page("    level: MAY\n").is_ok());
        assert!(page("    level: SHALL\n    unobservable: It happens inside.\n").is_ok());
    }

    #[test]
    fn an_id_stands_once_in_a_version() {
        let text = "version: STU3\npage: https://example.com/\nrequirements:\n  \
                    - {id: a.b, level: MAY, actor: hub, section: 2.4 Title, text: Words.}\n";
        let mut catalogue = Catalogue::default();
        catalogue.add_page("one.yaml", text).unwrap();
        let error = catalogue.add_page("two.yaml", text).unwrap_err();
        assert_eq!(
            error.to_string(),
            "two.yaml: requirement 'a.b' is already defined for STU3; give it another id"
        );
    }
}
