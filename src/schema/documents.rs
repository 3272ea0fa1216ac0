//! The schema documents of one version, embedded in the binary.

use std::collections::BTreeMap;

use rust_embed::RustEmbed;
use serde_json::Value;

use super::SchemaError;
use crate::protocol::Version;

#[derive(RustEmbed)]
#[folder = "schemas/"]
#[include = "stu*/**/*.json"]
struct Embedded;

/// Schema documents by their `$id`.
pub type Documents = BTreeMap<String, Value>;

/// Reads the documents of a version.
pub fn read(version: Version) -> Result<Documents, SchemaError> {
    let folder = format!("{}/", version.name().to_ascii_lowercase());
    let mut documents = Documents::new();
    for file in Embedded::iter().filter(|file| file.starts_with(&folder)) {
        let Some(content) = Embedded::get(&file) else {
            continue;
        };
        let format = |problem: String| SchemaError::Format {
            file: file.to_string(),
            problem,
        };
        let document: Value =
            serde_json::from_slice(&content.data).map_err(|error| format(error.to_string()))?;
        let Some(uri) = document.get("$id").and_then(Value::as_str).map(str::to_owned) else {
            return Err(format("it has no $id".to_owned()));
        };
        documents.insert(uri, document);
    }
    if documents.is_empty() {
        return Err(SchemaError::NoVersion(version));
    }
    Ok(documents)
}

/// The `$id` of a document of a version.
pub fn uri(version: Version, name: &str) -> String {
    format!("castspec:/{}/{name}.json", version.name().to_ascii_lowercase())
}
