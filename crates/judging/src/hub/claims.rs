//! What the hub supports, and how that is known.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::protocol::{Action, EventKind, EventName, Version};
use crate::requirement::Capability;

/// All capabilities that there are.
pub const CAPABILITIES: [Capability; 7] = [
    Capability::Webhook,
    Capability::GetCurrentContext,
    Capability::ContentSharing,
    Capability::Selection,
    Capability::DerivedOpenEvents,
    Capability::NonCurrentContextUpdates,
    Capability::Authorization,
];

/// What the hub supports, from the operator's word or its configuration document.
#[derive(Debug, Clone, Default)]
pub struct Claims {
    claimed: BTreeMap<Capability, (bool, String)>,
    events: Option<Vec<EventName>>,
}

impl Claims {
    /// What a configuration document says of what the version has; a hub without one claims nothing. STU1 has no document, and
    /// webhooks alone.
    pub fn from_configuration(version: Version, document: Option<&Value>) -> Self {
        let mut claims = Self::default();
        if version == Version::Stu1 {
            claims.set(Capability::Webhook, true, "the version, which has nothing else");
            return claims;
        }
        let Some(document) = document else { return claims };
        let from = "its configuration document";
        if let Some(listed) = document.get("eventsSupported").and_then(Value::as_array) {
            let events: Vec<EventName> = listed
                .iter()
                .filter_map(Value::as_str)
                .filter_map(|name| name.parse().ok())
                .collect();
            let lists = |action| events.iter().any(|event| event.is(action));
            if version == Version::Stu3 {
                claims.set(
                    Capability::ContentSharing,
                    lists(Action::Update),
                    "the update events that it lists",
                );
                claims.set(
                    Capability::Selection,
                    lists(Action::Select),
                    "the select events that it lists",
                );
            }
            claims.events = Some(events).filter(|events| !events.is_empty());
        }
        let flag = |pointer: &str| document.pointer(pointer).and_then(Value::as_bool);
        let current = flag("/capabilities/supportsGetCurrentContext");
        // Either flag is a claim (ambiguities, 56).
        if current == Some(true) || flag("/getCurrentSupport") == Some(true) {
            claims.set(Capability::GetCurrentContext, true, from);
        } else if current.or(flag("/getCurrentSupport")) == Some(false) {
            claims.set(Capability::GetCurrentContext, false, from);
        }
        // STU3 says of this one that it is to be ignored (ambiguities, 73).
        if let (Some(webhooks), true) = (flag("/webhookSupport"), version == Version::Stu2) {
            claims.set(Capability::Webhook, webhooks, from);
        }
        if let Some(updates) = flag("/capabilities/supportsNonCurrentContextUpdates") {
            claims.set(Capability::NonCurrentContextUpdates, updates, from);
        }
        claims
    }

    /// Sets a claim: the operator's word goes before the hub's.
    pub fn set(&mut self, capability: Capability, claimed: bool, from: &str) {
        self.claimed.insert(capability, (claimed, from.to_owned()));
    }

    /// Whether the hub claims this.
    pub fn has(&self, capability: Capability) -> bool {
        self.claimed.get(&capability).is_some_and(|(claimed, _)| *claimed)
    }

    /// The events that the hub lists, where it lists any.
    pub fn events(&self) -> Option<&[EventName]> {
        self.events.as_deref()
    }

    /// Whether a scenario may use this event: the hub lists it, or lists none. The events of the infrastructure are every
    /// hub's business, and an organization's own name need not be listed to be refused or passed on.
    pub fn lists(&self, event: &EventName) -> bool {
        match (&self.events, event.kind()) {
            (None, _) | (_, EventKind::SyncError | EventKind::Proprietary) => true,
            (Some(events), _) => events.contains(event),
        }
    }

    /// Every capability: its name, whether it is claimed, and by what; nothing where nobody says.
    pub fn with_origins(&self) -> Vec<(String, bool, String)> {
        let all = CAPABILITIES.iter().map(|capability| {
            let (claimed, from) = self.claimed.get(capability).cloned().unwrap_or_default();
            (capability.name().to_owned(), claimed, from)
        });
        all.collect()
    }

    /// For reports and for scenarios' conditions: name and yes or no.
    pub fn to_json(&self) -> Map<String, Value> {
        CAPABILITIES
            .iter()
            .map(|capability| (capability.name().to_owned(), json!(self.has(*capability))))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_is_read_with_its_deprecated_members() {
        let claims = Claims::from_configuration(
            Version::Stu3,
            Some(&json!({
                "eventsSupported": ["Patient-open", "diagnosticreport-UPDATE"],
                "getCurrentSupport": true,
                "capabilities": {"supportsGetCurrentContext": false},
            })),
        );
        assert!(claims.has(Capability::GetCurrentContext));
        assert!(claims.has(Capability::ContentSharing));
        assert!(!claims.has(Capability::Selection));
        assert!(claims.lists(&"PATIENT-open".parse().unwrap()));
        assert!(claims.lists(&"SyncError".parse().unwrap()));
        assert!(!claims.lists(&"Encounter-open".parse().unwrap()));
    }

    #[test]
    fn without_a_document_nothing_is_claimed_and_every_event_may_be_tried() {
        let claims = Claims::from_configuration(Version::Stu3, None);
        assert!(CAPABILITIES.iter().all(|capability| !claims.has(*capability)));
        assert!(claims.lists(&"Encounter-open".parse().unwrap()));
    }
}
