//! Loading the catalogue and looking things up in it.

use std::collections::BTreeMap;

use rust_embed::RustEmbed;
use serde::Deserialize;

use super::{Actor, Capability, Level, Requirement};
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
    /// One id stands twice for one version.
    #[error("{file}: requirement '{id}' is already defined for {version}; give it another id")]
    Duplicate {
        /// The file with the second definition.
        file: String,
        /// The id.
        id: String,
        /// The version.
        version: Version,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Page {
    version: Version,
    page: String,
    requirements: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    id: String,
    level: Level,
    actor: Actor,
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

/// All requirements, by version and id.
#[derive(Debug, Clone, Default)]
pub struct Catalogue {
    entries: BTreeMap<(Version, String), Requirement>,
}

impl Catalogue {
    /// The catalogue that is embedded in the binary.
    ///
    /// # Errors
    /// When a file is not in the catalogue's format or defines an id a second time.
    pub fn embedded() -> Result<Self, CatalogueError> {
        let mut catalogue = Self::default();
        for name in Embedded::iter() {
            if let Some(file) = Embedded::get(&name) {
                catalogue.add_page(&name, &String::from_utf8_lossy(&file.data))?;
            }
        }
        Ok(catalogue)
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
        for entry in page.requirements {
            let url = match &entry.anchor {
                Some(anchor) => format!("{}#{anchor}", page.page),
                None => page.page.clone(),
            };
            let key = (page.version, entry.id.clone());
            if self.entries.contains_key(&key) {
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
                section: entry.section,
                url,
                text: entry.text.trim().to_owned(),
                unobservable: entry.unobservable,
                capability: entry.capability,
                note: entry.note,
            };
            self.entries.insert(key, requirement);
        }
        Ok(())
    }

    /// The requirement with this id in this version.
    pub fn get(&self, version: Version, id: &str) -> Option<&Requirement> {
        self.entries.get(&(version, id.to_owned()))
    }

    /// All requirements, by version and id.
    pub fn iter(&self) -> impl Iterator<Item = &Requirement> {
        self.entries.values()
    }
}
