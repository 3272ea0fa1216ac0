//! The answer to Get Current Context (2.9).

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// The current context of a topic.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CurrentContext {
    /// The anchor's resource type; empty where there is no context.
    #[serde(rename = "context.type")]
    pub context_type: String,
    /// The version of the context.
    #[serde(
        rename = "context.versionId",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub version_id: Option<String>,
    /// The context of the open event, and the content where the hub shares it.
    pub context: Vec<Box<RawValue>>,
}
