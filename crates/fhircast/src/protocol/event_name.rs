//! Names of events (2.3 Event name).

use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::resource_type::canonical_resource_type;

/// What an event does to the resource that it names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    /// The resource becomes the current context.
    Open,
    /// The resource is no longer in context.
    Close,
    /// Content is shared in the resource's context.
    Update,
    /// Content is selected in the resource's context.
    Select,
}

impl Action {
    /// The suffix of the event name.
    pub fn suffix(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Close => "close",
            Self::Update => "update",
            Self::Select => "select",
        }
    }

    fn from_suffix(text: &str) -> Option<Self> {
        [Self::Open, Self::Close, Self::Update, Self::Select]
            .into_iter()
            .find(|action| text.eq_ignore_ascii_case(action.suffix()))
    }
}

/// The family that an event belongs to (2.3 Event types).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum EventKind {
    /// `[FHIR resource]-open|close|update|select`.
    Resource {
        /// The resource's type in FHIR's own casing where it is one of R4's, else as written.
        resource_type: String,
        /// What happens to it.
        action: Action,
    },
    /// `Home-open`: no context at all (3.2.4).
    HomeOpen,
    /// `SyncError` (3.2.1).
    SyncError,
    /// `UserLogout` (3.2.2).
    UserLogout,
    /// `UserHibernate` (3.2.3).
    UserHibernate,
    /// An organization's own event in reverse domain notation.
    Proprietary,
    /// Nothing that the grammar knows.
    Unknown,
}

/// The name of an event: kept as it was written, compared without regard to case.
#[derive(Clone)]
pub struct EventName(String);

/// Why a text cannot be an event name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EventNameError {
    /// Nothing there.
    #[error("an event name is empty")]
    Empty,
    /// Wildcards are notation of the specification only.
    #[error(
        "'{0}' has a wildcard; name each event (the asterisk is not supported when interacting with a hub)"
    )]
    Wildcard(String),
    /// White space, commas and control characters.
    #[error("'{0}' has a character that no event name can have")]
    Character(String),
}

impl EventName {
    /// The name as it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The family that the event belongs to.
    pub fn kind(&self) -> EventKind {
        match self.0.to_ascii_lowercase().as_str() {
            "syncerror" => return EventKind::SyncError,
            "userlogout" => return EventKind::UserLogout,
            "userhibernate" => return EventKind::UserHibernate,
            "home-open" => return EventKind::HomeOpen,
            _ => {}
        }
        if self.0.contains('.') {
            return EventKind::Proprietary;
        }
        if let Some((resource, suffix)) = self.0.split_once('-')
            && let Some(action) = Action::from_suffix(suffix)
            && !resource.is_empty()
            && resource.bytes().all(|byte| byte.is_ascii_alphanumeric())
        {
            let resource_type =
                canonical_resource_type(resource).map_or_else(|| resource.to_owned(), str::to_owned);
            return EventKind::Resource {
                resource_type,
                action,
            };
        }
        EventKind::Unknown
    }

    /// The resource type and the action, for events that have both.
    pub fn resource(&self) -> Option<(String, Action)> {
        match self.kind() {
            EventKind::Resource {
                resource_type,
                action,
            } => Some((resource_type, action)),
            _ => None,
        }
    }

    /// Whether this is an event with that action on a resource.
    pub fn is(&self, action: Action) -> bool {
        matches!(self.kind(), EventKind::Resource { action: own, .. } if own == action)
    }

    /// The name in lower case: equal for equal events.
    pub fn folded(&self) -> String {
        self.0.to_ascii_lowercase()
    }
}

impl FromStr for EventName {
    type Err = EventNameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.is_empty() {
            return Err(EventNameError::Empty);
        }
        if text.contains('*') {
            return Err(EventNameError::Wildcard(text.to_owned()));
        }
        if text
            .chars()
            .any(|c| c.is_whitespace() || c.is_control() || c == ',' || c == '"')
        {
            return Err(EventNameError::Character(text.to_owned()));
        }
        Ok(Self(text.to_owned()))
    }
}

impl PartialEq for EventName {
    fn eq(&self, other: &Self) -> bool {
        self.0.eq_ignore_ascii_case(&other.0)
    }
}

impl Eq for EventName {}

impl PartialEq<str> for EventName {
    fn eq(&self, other: &str) -> bool {
        self.0.eq_ignore_ascii_case(other)
    }
}

impl Hash for EventName {
    fn hash<H: Hasher>(&self, state: &mut H) {
        for byte in self.0.bytes() {
            state.write_u8(byte.to_ascii_lowercase());
        }
    }
}

impl PartialOrd for EventName {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for EventName {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.folded().cmp(&other.folded())
    }
}

impl fmt::Display for EventName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for EventName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl Serialize for EventName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for EventName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> EventName {
        text.parse().unwrap()
    }

    #[test]
    fn names_are_compared_without_regard_to_case_and_kept_as_written() {
        assert_eq!(name("Patient-open"), name("PATIENT-OPEN"));
        assert_eq!(name("patient-Open").as_str(), "patient-Open");
        assert_ne!(name("Patient-open"), name("Patient-close"));
    }

    #[test]
    fn families_are_told_apart() {
        assert_eq!(
            name("imagingstudy-OPEN").resource(),
            Some(("ImagingStudy".to_owned(), Action::Open))
        );
        assert_eq!(
            name("Basic-select").resource(),
            Some(("Basic".to_owned(), Action::Select))
        );
        assert_eq!(name("syncError").kind(), EventKind::SyncError);
        assert_eq!(name("home-open").kind(), EventKind::HomeOpen);
        assert_eq!(name("userLogout").kind(), EventKind::UserLogout);
        assert_eq!(
            name("org.example.patient_transmogrify").kind(),
            EventKind::Proprietary
        );
        assert_eq!(name("Patient-merge").kind(), EventKind::Unknown);
        assert_eq!(name("-open").kind(), EventKind::Unknown);
    }

    #[test]
    fn what_cannot_be_a_name_is_refused() {
        assert_eq!("".parse::<EventName>(), Err(EventNameError::Empty));
        assert!(matches!(
            "Patient-*".parse::<EventName>(),
            Err(EventNameError::Wildcard(_))
        ));
        assert!(matches!(
            "Patient open".parse::<EventName>(),
            Err(EventNameError::Character(_))
        ));
    }
}
