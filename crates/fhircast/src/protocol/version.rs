//! The published versions of FHIRcast.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A published version of FHIRcast.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "version")]
pub enum Version {
    /// 1.0.0: webhooks.
    #[serde(rename = "STU1")]
    Stu1,
    /// 2.0.0: WebSockets and webhooks.
    #[serde(rename = "STU2")]
    Stu2,
    /// 3.0.0: WebSockets, content sharing.
    #[serde(rename = "STU3")]
    Stu3,
}

impl Version {
    /// All versions, oldest first.
    pub const ALL: [Self; 3] = [Self::Stu1, Self::Stu2, Self::Stu3];

    /// The name used in reports and on the command line: `STU3`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Stu1 => "STU1",
            Self::Stu2 => "STU2",
            Self::Stu3 => "STU3",
        }
    }

    /// The number of the implementation guide: `3.0.0`.
    pub fn number(self) -> &'static str {
        match self {
            Self::Stu1 => "1.0.0",
            Self::Stu2 => "2.0.0",
            Self::Stu3 => "3.0.0",
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The text names no version of FHIRcast.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is no version of FHIRcast; it is one of STU1, STU2, STU3")]
pub struct UnknownVersion(pub String);

impl FromStr for Version {
    type Err = UnknownVersion;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|version| text.eq_ignore_ascii_case(version.name()) || text == version.number())
            .ok_or_else(|| UnknownVersion(text.to_owned()))
    }
}
