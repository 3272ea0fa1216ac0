//! What the hub says of itself: its configuration document (2.7).

use serde_json::Map;

use super::settings::Settings;
use crate::protocol::{Capabilities, Configuration, EventName, Version};

const CATALOGUE: &[&str] = &[
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
];

/// The events that the hub lists. It takes those of any other FHIR resource and organizations' own events too.
pub fn supported_events() -> Vec<EventName> {
    CATALOGUE.iter().filter_map(|name| name.parse().ok()).collect()
}

/// The configuration document.
pub fn configuration(settings: &Settings) -> Configuration {
    let stu3 = settings.version == Version::Stu3;
    Configuration {
        events_supported: supported_events(),
        websocket_support: true,
        fhircast_version: Some(settings.version.number().to_owned()),
        get_current_support: Some(stu3),
        capabilities: stu3.then(|| Capabilities {
            supports_get_current_context: Some(true),
            supports_non_current_context_updates: Some(true),
            other: Map::new(),
        }),
        fhir_version: Some("R4".to_owned()),
        other: Map::new(),
    }
}
