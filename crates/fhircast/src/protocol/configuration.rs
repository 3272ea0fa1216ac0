//! The configuration document at `/.well-known/fhircast-configuration` (2.7).

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::event_name::EventName;

/// What is appended to `hub.url`.
pub const WELL_KNOWN_PATH: &str = "/.well-known/fhircast-configuration";

/// The configuration document.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Configuration {
    /// The events that the hub supports.
    pub events_supported: Vec<EventName>,
    /// Always `true`.
    pub websocket_support: bool,
    /// `3.0.0`, `2.0.0`, or in STU2 `STU2`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fhircast_version: Option<String>,
    /// Deprecated form of [`Capabilities::supports_get_current_context`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub get_current_support: Option<bool>,
    /// What else the hub supports.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capabilities: Option<Capabilities>,
    /// The version of FHIR.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fhir_version: Option<String>,
    /// Members that castspec does not know.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// The `capabilities` object.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Capabilities {
    /// The Get Current Context call (2.9).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub supports_get_current_context: Option<bool>,
    /// Updates outside the current context (2.10).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub supports_non_current_context_updates: Option<bool>,
    /// Members that castspec does not know.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_members_survive() {
        let text = r#"{"eventsSupported":["Patient-open"],"websocketSupport":true,"fhircastVersion":"3.0.0","capabilities":{"supportsGetCurrentContext":true,"x":1},"webhookSupport":false}"#;
        let configuration: Configuration = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::to_string(&configuration).unwrap(), text);
    }
}
