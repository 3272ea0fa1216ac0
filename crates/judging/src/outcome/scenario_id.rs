//! The identity of a scenario in a run.

use std::fmt;

use crate::protocol::Version;

/// A scenario under one version: a run in several versions runs a scenario once in each of them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ScenarioId {
    /// Folder and file name without ending: `subscribing/accepted`.
    pub name: String,
    /// The version under which it runs.
    pub version: Version,
}

impl ScenarioId {
    /// The scenario of this name under this version.
    pub fn new(name: &str, version: Version) -> Self {
        Self {
            name: name.to_owned(),
            version,
        }
    }
}

impl fmt::Display for ScenarioId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.name, self.version)
    }
}
