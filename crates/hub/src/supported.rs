//! The configuration document, in which the hub says what it supports (2.7; in STU2, Conformance).

use serde_json::{Map, Value};

use super::session::Limits;
use super::version_profile::{Document, VersionProfile};
use crate::protocol::{Capabilities, Configuration, Version};

/// The configuration document of a hub with these limits; `None` where the version has none.
pub fn configuration(version: Version, limits: &Limits) -> Option<Configuration> {
    let profile = VersionProfile::of(version);
    let mut events_supported = profile.supported_events();
    events_supported.retain(|event| limits.know(event));
    let mut document = Configuration {
        events_supported,
        websocket_support: profile.websocket,
        fhircast_version: Some(version.name().to_owned()),
        get_current_support: None,
        capabilities: None,
        fhir_version: None,
        other: Map::new(),
    };
    match profile.document {
        Document::Absent => return None,
        Document::Channels => {
            let webhook = Value::from(limits.webhooks);
            document.other.insert("webhookSupport".to_owned(), webhook);
        }
        Document::Capabilities => {
            document.fhircast_version = Some(version.number().to_owned());
            document.get_current_support = Some(profile.current_context);
            document.capabilities = Some(Capabilities {
                supports_get_current_context: Some(profile.current_context),
                supports_non_current_context_updates: Some(profile.content_sharing),
                other: Map::new(),
            });
            document.fhir_version = Some("R4".to_owned());
        }
    }
    Some(document)
}
