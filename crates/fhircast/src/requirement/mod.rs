//! The requirement catalogue: every normative statement of a FHIRcast version, as data.
//!
//! The catalogue lives in `scenarios/requirements/<version>/*.yaml`, one file a page of the specification, and is embedded
//! in the binary. This room knows nothing of scenarios and schemas: an entry says only how much evidence its judging
//! takes.

mod catalogue;
mod consequences;
mod id;

pub use catalogue::{Catalogue, CatalogueError};
pub use consequences::consequence_of;
pub use id::RequirementId;

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::protocol::Version;

/// How strongly the specification binds (RFC 2119 words).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Level {
    /// Breaking it fails the target.
    Shall,
    /// Breaking it warns.
    Should,
    /// A permission; never judged, only observed.
    May,
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Shall => "SHALL",
            Self::Should => "SHOULD",
            Self::May => "MAY",
        })
    }
}

/// Whom a requirement binds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Actor {
    /// The hub.
    Hub,
    /// A subscriber, receiving or publishing.
    Subscriber,
    /// The authorization server of a SMART on FHIR launch.
    AuthorizationServer,
    /// Whoever defines events or extensions.
    Author,
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Hub => "hub",
            Self::Subscriber => "subscriber",
            Self::AuthorizationServer => "authorization-server",
            Self::Author => "author",
        })
    }
}

/// What a hub may or may not support.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "capability")]
pub enum Capability {
    /// Webhook channels (STU2; the only channel of STU1).
    Webhook,
    /// The Get Current Context call (STU3, 2.9).
    GetCurrentContext,
    /// Content sharing: versions of the context and `*-update` events (STU3, 2.10).
    ContentSharing,
    /// `*-select` events (STU3, 2.3).
    Selection,
    /// Open events derived by the hub for subscribers of other events (STU3, 2.5).
    DerivedOpenEvents,
    /// Updates outside the current context (STU3, 2.10).
    NonCurrentContextUpdates,
    /// OAuth 2.0 access tokens with FHIRcast scopes.
    Authorization,
}

impl Capability {
    /// The name used in scenarios, target files and reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Webhook => "webhook",
            Self::GetCurrentContext => "get_current_context",
            Self::ContentSharing => "content_sharing",
            Self::Selection => "selection",
            Self::DerivedOpenEvents => "derived_open_events",
            Self::NonCurrentContextUpdates => "non_current_context_updates",
            Self::Authorization => "authorization",
        }
    }
}

impl fmt::Display for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The evidence that shows whether a requirement is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Evidence {
    /// One message alone: a schema or a rule of it judges the requirement.
    Message,
    /// The conversation: several messages beside one another, or what a party does, and when.
    Conversation,
}

impl fmt::Display for Evidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Message => "message",
            Self::Conversation => "conversation",
        })
    }
}

/// One normative statement of one FHIRcast version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Requirement {
    /// Stable and readable, unique within its version; the same id in two versions is the same statement.
    pub id: RequirementId,
    /// The version that states it.
    pub version: Version,
    /// How strongly it binds.
    pub level: Level,
    /// Whom it binds.
    pub actor: Actor,
    /// The evidence that its judging takes; `None` where nothing judges it, as it is a permission or cannot be observed.
    pub evidence: Option<Evidence>,
    /// Number and title of the section, as "2.4 Subscription Response".
    pub section: String,
    /// The published page, with its anchor where it has one.
    pub url: String,
    /// The statement in our own words, one sentence.
    pub text: String,
    /// Why it cannot be observed from outside; `None` where it can.
    pub unobservable: Option<String>,
    /// What the hub must support for it to apply.
    pub capability: Option<Capability>,
    /// Our stance where the specification is ambiguous.
    pub note: Option<String>,
}
