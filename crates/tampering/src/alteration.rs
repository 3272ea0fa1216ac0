//! The alterations: what is done to which messages, and which requirements that breaks.

use std::collections::BTreeMap;

use castspec_fhircast::protocol::Version;
use serde::Deserialize;
use serde_json::Value;

use crate::message::MessageKind;

const ALTERATIONS: &str = include_str!("../alterations.yaml");

/// One rule by which messages are altered.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Alteration {
    /// Its name.
    pub name: String,
    /// The messages that it alters.
    pub alters: MessageKind,
    /// Only notifications of these events; of all events, where there are none.
    #[serde(default)]
    pub events: Vec<String>,
    /// Only for every second connection: the others are told the truth.
    #[serde(default)]
    pub half: bool,
    /// What is done.
    pub deed: Deed,
    /// The requirements of which one at least must be seen broken. A version that does not state an id is not asked for it.
    #[serde(default)]
    pub breaks: Vec<String>,
    /// The same for single versions, in place of `breaks`.
    #[serde(default)]
    pub breaks_in: BTreeMap<Version, Vec<String>>,
    /// Why it breaks nothing: no check may fail because of it.
    pub lawful: Option<String>,
    /// Why no check sees it in these versions.
    #[serde(default)]
    pub unseen: BTreeMap<Version, String>,
    /// The versions that it is tried in; all, where none is named.
    #[serde(default)]
    pub versions: Vec<Version>,
}

/// What is done to a message.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Deed {
    /// It does not arrive.
    Drop,
    /// It arrives twice.
    Duplicate,
    /// It arrives after the one that follows it, where one follows at once.
    Reorder,
    /// It arrives so many milliseconds later.
    Delay(u64),
    /// It arrives at the subscribers of other topics too.
    Leak,
    /// The members at this JSON pointer are left out; `*` stands for every element or member.
    Remove(String),
    /// They have another name.
    Rename(String),
    /// They have another value.
    Falsify(String),
    /// They have this value.
    Set {
        /// The JSON pointer.
        at: String,
        /// The value.
        to: Value,
    },
    /// The values at these two pointers change places.
    Swap(String, String),
}

impl Alteration {
    /// The requirements of a version of which one must be seen broken.
    pub fn breaks_in(&self, version: Version) -> &[String] {
        self.breaks_in.get(&version).unwrap_or(&self.breaks)
    }

    /// Whether it is tried in a version.
    pub fn is_of(&self, version: Version) -> bool {
        (self.versions.is_empty() || self.versions.contains(&version)) && self.alters.is_of(version)
    }
}

/// All alterations, in their order.
///
/// # Errors
/// When the list that is built in cannot be read.
pub fn all() -> Result<Vec<Alteration>, AlterationsError> {
    serde_saphyr::from_str(ALTERATIONS).map_err(|error| AlterationsError(error.to_string()))
}

/// The list of alterations cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("the list of alterations cannot be read: {0}")]
pub struct AlterationsError(String);

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_alteration_has_a_name_of_its_own_and_says_what_it_breaks_or_why_nothing() {
        let all = all().unwrap();
        let names: BTreeSet<&str> = all.iter().map(|alteration| alteration.name.as_str()).collect();
        assert_eq!(names.len(), all.len());
        for alteration in &all {
            let breaks = !alteration.breaks.is_empty() || !alteration.breaks_in.is_empty();
            assert_ne!(breaks, alteration.lawful.is_some(), "{}", alteration.name);
        }
    }
}
