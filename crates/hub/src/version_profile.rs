//! The features of each version of FHIRcast, as the hub has them: the one table that heart and shell ask.
//!
//! Where a version leaves a choice, the table holds the hub's; nothing elsewhere in the hub compares versions.

use super::refusal::Refusal;
use crate::protocol::{Action, EventKind, EventName, EventNameError, Version, parse_events};

/// The asterisks that `hub.events` may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wildcards {
    /// None: the asterisk is notation of the specification only.
    None,
    /// In the place of the action: `patient-*`.
    Action,
    /// In the place of the resource, of the action, or of both: `*-open`.
    ResourceAndAction,
}

/// The content of the hub's configuration document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Document {
    /// There is none.
    Absent,
    /// Events, `websocketSupport`, `webhookSupport` and the version by its name.
    Channels,
    /// Events, `websocketSupport`, the version by its number, and the capabilities.
    Capabilities,
}

/// The features that a hub has under one version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VersionProfile {
    /// The version.
    pub version: Version,
    /// Subscribers may have a WebSocket.
    pub websocket: bool,
    /// Subscribers may have a callback.
    pub webhook: bool,
    /// Requests say which of the two they mean, in `hub.channel.type`.
    pub channel_type: bool,
    /// A webhook subscription must bring a `hub.secret`.
    pub secret_required: bool,
    /// The intent of an unsubscribe is verified at the callback.
    pub verifies_unsubscribes: bool,
    /// An unsubscribe is followed by a denial.
    pub denies_on_unsubscribe: bool,
    /// The asterisks that `hub.events` may have.
    pub wildcards: Wildcards,
    /// The hub writes event names of its own in lower case.
    pub lower_case: bool,
    /// A new subscription begins with what is open.
    pub replay: bool,
    /// Contexts have versions and content, there are update and select events, and Home-open.
    pub content_sharing: bool,
    /// The Get Current Context call.
    pub current_context: bool,
    /// Open events are derived from the context of others.
    pub derived_opens: bool,
    /// A subscriber that leaves an event unanswered loses its subscription.
    pub drops_the_unresponsive: bool,
    /// SyncErrors name the event that they are about.
    pub sync_error_event: bool,
    /// SyncErrors name the subscriber that they are about.
    pub sync_error_subscriber: bool,
    /// A SyncError must bring an OperationOutcome.
    pub sync_error_outcome: bool,
    /// The configuration document.
    pub document: Document,
    /// The events that the hub lists.
    pub events: &'static [&'static str],
}

const STU3: VersionProfile = VersionProfile {
    version: Version::Stu3,
    websocket: true,
    webhook: false,
    channel_type: true,
    secret_required: false,
    verifies_unsubscribes: false,
    denies_on_unsubscribe: true,
    wildcards: Wildcards::None,
    lower_case: false,
    replay: true,
    content_sharing: true,
    current_context: true,
    derived_opens: true,
    drops_the_unresponsive: true,
    sync_error_event: true,
    sync_error_subscriber: true,
    sync_error_outcome: true,
    document: Document::Capabilities,
    events: &[
        "Patient-open",
        "Patient-close",
        "Patient-update",
        "Patient-select",
        "Encounter-open",
        "Encounter-close",
        "Encounter-update",
        "Encounter-select",
        "ImagingStudy-open",
        "ImagingStudy-close",
        "ImagingStudy-update",
        "ImagingStudy-select",
        "DiagnosticReport-open",
        "DiagnosticReport-close",
        "DiagnosticReport-update",
        "DiagnosticReport-select",
        "SyncError",
        "UserLogout",
        "UserHibernate",
        "Home-open",
    ],
};

const STU2: VersionProfile = VersionProfile {
    version: Version::Stu2,
    websocket: true,
    webhook: true,
    channel_type: true,
    secret_required: false,
    verifies_unsubscribes: false,
    denies_on_unsubscribe: false,
    wildcards: Wildcards::ResourceAndAction,
    lower_case: true,
    replay: false,
    content_sharing: false,
    current_context: false,
    derived_opens: false,
    drops_the_unresponsive: false,
    sync_error_event: true,
    sync_error_subscriber: false,
    sync_error_outcome: false,
    document: Document::Channels,
    events: &[
        "patient-open",
        "patient-close",
        "imagingstudy-open",
        "imagingstudy-close",
        "syncerror",
        "userlogout",
        "userhibernate",
    ],
};

const STU1: VersionProfile = VersionProfile {
    version: Version::Stu1,
    websocket: false,
    channel_type: false,
    secret_required: true,
    verifies_unsubscribes: true,
    wildcards: Wildcards::Action,
    sync_error_event: false,
    document: Document::Absent,
    ..STU2
};

impl VersionProfile {
    /// The features of a version.
    pub fn of(version: Version) -> &'static Self {
        match version {
            Version::Stu1 => &STU1,
            Version::Stu2 => &STU2,
            Version::Stu3 => &STU3,
        }
    }

    /// The events that the hub lists. It takes those of any other FHIR resource and organizations' own events too.
    pub fn supported_events(&self) -> Vec<EventName> {
        self.events.iter().filter_map(|name| name.parse().ok()).collect()
    }

    /// Whether this can be the name of an event of the version.
    pub fn knows(&self, event: &EventName) -> bool {
        match event.kind() {
            EventKind::Resource { action, .. } => {
                self.content_sharing || matches!(action, Action::Open | Action::Close)
            }
            EventKind::HomeOpen => self.content_sharing,
            EventKind::Unknown => false,
            EventKind::SyncError
            | EventKind::UserLogout
            | EventKind::UserHibernate
            | EventKind::Proprietary => true,
        }
    }

    /// The reason why an event of this name is not taken.
    pub fn unknown_event(&self, place: &str, event: &EventName) -> String {
        let (actions, others) = if self.content_sharing {
            (
                "-open, -close, -update or -select",
                "SyncError, UserLogout, UserHibernate and Home-open",
            )
        } else {
            ("-open or -close", "syncerror, userlogout and userhibernate")
        };
        format!(
            "{place}: '{event}' is no event name: it must be a FHIR resource type followed by {actions}, one of {others}, \
             or an organization's own in reverse domain notation such as org.example.patient_transmogrify \
             (FHIRcast STU3, 2.3 Event name)"
        )
    }

    /// An event of the hub's own, in the version's case.
    pub fn own_name(&self, name: &str) -> String {
        if self.lower_case {
            name.to_ascii_lowercase()
        } else {
            name.to_owned()
        }
    }

    /// Reads `hub.events`. Where the version has wildcards, each stands for the listed events that it fits, and `patient-*`
    /// for the open and close events of that resource, listed or not.
    ///
    /// # Errors
    /// When the list or one of its names is empty, a name cannot be one, or it has an asterisk where none may be.
    pub fn read_events(&self, text: &str) -> Result<Vec<EventName>, EventNameError> {
        let expanded: Vec<String> = text
            .split(',')
            .flat_map(|name| self.expand(name.trim()))
            .collect();
        parse_events(&expanded.join(","))
    }

    fn expand(&self, name: &str) -> Vec<String> {
        match (self.wildcards, name.split_once('-')) {
            (Wildcards::Action | Wildcards::ResourceAndAction, Some((resource, "*")))
                if !resource.contains('*') =>
            {
                vec![format!("{resource}-open"), format!("{resource}-close")]
            }
            (Wildcards::ResourceAndAction, Some(("*", action))) => {
                let fitting = self.events.iter().filter(|event| {
                    event
                        .split_once('-')
                        .is_some_and(|(_, listed)| action == "*" || listed.eq_ignore_ascii_case(action))
                });
                let fitting: Vec<_> = fitting.map(|event| (*event).to_owned()).collect();
                if fitting.is_empty() {
                    vec![name.to_owned()]
                } else {
                    fitting
                }
            }
            _ => vec![name.to_owned()],
        }
    }

    /// The text with its references to the specification in the version's terms: the heart and the shell name the sections
    /// of STU3, whose titles the older versions have without numbers.
    pub fn cite(&self, text: &str) -> String {
        const OURS: &str = "FHIRcast STU3, ";
        if self.version == Version::Stu3 {
            return text.to_owned();
        }
        let mut parts = text.split(OURS);
        let mut cited = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let end = part.find([')', ';']).unwrap_or(part.len());
            let (section, rest) = part.split_at(end);
            let words: Vec<_> = section
                .split(' ')
                .filter(|word| !word.chars().all(|c| c.is_ascii_digit() || c == '.'))
                .collect();
            cited.push_str("FHIRcast ");
            cited.push_str(self.version.name());
            if !words.is_empty() {
                cited.push_str(", ");
            }
            cited.push_str(&words.join(" "));
            cited.push_str(rest);
        }
        cited
    }

    /// The refusal with its references in the version's terms.
    pub fn cite_refusal(&self, refusal: &Refusal) -> Refusal {
        Refusal {
            reason: self.cite(&refusal.reason),
            ..refusal.clone()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::join_events;

    #[test]
    fn every_version_has_its_own_row() {
        for version in Version::ALL {
            let profile = VersionProfile::of(version);
            assert_eq!(profile.version, version);
            assert!(profile.websocket || profile.webhook);
            assert_eq!(profile.supported_events().len(), profile.events.len());
            for event in profile.supported_events() {
                assert!(profile.knows(&event), "{event} in {version}");
                assert_eq!(profile.own_name(event.as_str()), event.as_str(), "its case");
            }
        }
    }

    #[test]
    fn events_are_those_of_the_version() {
        for (name, stu3, older) in [
            ("Patient-open", true, true),
            ("Patient-update", true, false),
            ("ImagingStudy-select", true, false),
            ("Home-open", true, false),
            ("org.example.x_y", true, true),
            ("syncerror", true, true),
            ("Patient-merge", false, false),
        ] {
            let event = name.parse().unwrap();
            for (version, known) in [
                (Version::Stu3, stu3),
                (Version::Stu2, older),
                (Version::Stu1, older),
            ] {
                assert_eq!(
                    VersionProfile::of(version).knows(&event),
                    known,
                    "{name} in {version}"
                );
            }
        }
    }

    #[test]
    fn wildcards_stand_for_what_they_fit() {
        let read = |version, text: &str| {
            VersionProfile::of(version)
                .read_events(text)
                .map(|events| join_events(&events))
        };
        let opens = "patient-open,imagingstudy-open";
        assert_eq!(read(Version::Stu2, "*-open").unwrap(), opens);
        assert_eq!(
            read(Version::Stu2, "*-*").unwrap(),
            "patient-open,patient-close,imagingstudy-open,imagingstudy-close"
        );
        for version in [Version::Stu1, Version::Stu2] {
            let some = read(version, "List-*,syncerror,list-open").unwrap();
            assert_eq!(some, "List-open,List-close,syncerror");
        }
        assert!(read(Version::Stu1, "*-open").is_err());
        assert!(read(Version::Stu2, "*-merge").is_err());
        assert!(read(Version::Stu3, "Patient-*").is_err());
        assert!(read(Version::Stu2, "").is_err());
    }

    #[test]
    fn sections_are_named_in_the_version_s_terms() {
        let said =
            "hub.topic is missing (FHIRcast STU3, 2.4 Subscription Request); see (FHIRcast STU3, 2.9) or 2.5";
        assert_eq!(VersionProfile::of(Version::Stu3).cite(said), said);
        assert_eq!(
            VersionProfile::of(Version::Stu1).cite(said),
            "hub.topic is missing (FHIRcast STU1, Subscription Request); see (FHIRcast STU1) or 2.5"
        );
    }
}
