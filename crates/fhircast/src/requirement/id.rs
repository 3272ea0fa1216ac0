//! The id of a requirement.

use std::borrow::{Borrow, Cow};
use std::fmt;
use std::ops::Deref;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The id of a requirement, as `subscribe.accepted-202`: the matter, a dot, and what is demanded.
///
/// It comes from the code, as a literal, or from a file or an argument, by [`RequirementId::new`] or serde. No other text becomes
/// one unasked: what a scenario, a topic or an event is called is never taken for an id.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct RequirementId(Cow<'static, str>);

impl RequirementId {
    /// The id that a file or an argument names.
    pub fn new(id: impl Into<String>) -> Self {
        Self(Cow::Owned(id.into()))
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&'static str> for RequirementId {
    fn from(id: &'static str) -> Self {
        Self(Cow::Borrowed(id))
    }
}

impl From<&Self> for RequirementId {
    fn from(id: &Self) -> Self {
        id.clone()
    }
}

impl Deref for RequirementId {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for RequirementId {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl AsRef<str> for RequirementId {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl PartialEq<str> for RequirementId {
    fn eq(&self, other: &str) -> bool {
        self.as_str() == other
    }
}

impl PartialEq<&str> for RequirementId {
    fn eq(&self, other: &&str) -> bool {
        self.as_str() == *other
    }
}

impl fmt::Display for RequirementId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}
