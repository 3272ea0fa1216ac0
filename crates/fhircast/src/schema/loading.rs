//! Reading the embedded schemas of a version, with what they share with another version, and compiling them, once for each
//! sender.

use std::collections::{BTreeSet, HashMap};

use jsonschema::{Registry, Validator};
use rust_embed::RustEmbed;
use serde_json::{Value, json};
use url::Url;

use super::assignment::Assignments;
use super::formats::FORMATS;
use super::kind::Sender;
use crate::protocol::Version;

#[derive(RustEmbed)]
#[folder = "../../schemas/"]
#[include = "*.json"]
#[exclude = "fhir/*"]
struct Embedded;

/// Why the schemas could not be loaded.
#[derive(Debug, thiserror::Error)]
pub enum SchemaError {
    /// There are no schemas for this version.
    #[error("there are no schemas for {0}")]
    NoSchemas(Version),
    /// A schema file is not JSON.
    #[error("schemas/{file}: {source}")]
    Json {
        /// The file, relative to the folder of the schemas.
        file: String,
        /// What is wrong and where.
        source: serde_json::Error,
    },
    /// A schema file says something wrong about requirements.
    #[error("schemas/{file}: at '{pointer}': {message}")]
    Assignment {
        /// The file, relative to the folder of the schemas.
        file: String,
        /// The schema object, as a JSON pointer.
        pointer: String,
        /// What is wrong there.
        message: String,
    },
    /// A schema file is no JSON Schema, or refers to a file that is not there.
    #[error("schemas/{file}: {message}")]
    Invalid {
        /// The file, relative to the folder of the schemas.
        file: String,
        /// What is wrong.
        message: String,
    },
}

const SCHEME: &str = "castspec://";

/// What the schemas of one version hold, compiled.
#[derive(Debug)]
pub(super) struct Loaded {
    /// The folder of the version's own schemas, with its slash.
    folder: String,
    /// By URI.
    documents: HashMap<String, Value>,
    pub(super) assignments: Assignments,
    /// By sender and name: `events/patient-open`.
    validators: HashMap<(Sender, String), Validator>,
}

impl Loaded {
    pub(super) fn embedded(version: Version) -> Result<Self, SchemaError> {
        let folder = format!("{}/", version.name().to_lowercase());
        let mut documents = HashMap::new();
        let mut assignments = Assignments::default();
        let mut waiting: Vec<String> = Embedded::iter()
            .filter(|file| file.starts_with(&folder))
            .map(|file| file.to_string())
            .collect();
        if waiting.is_empty() {
            return Err(SchemaError::NoSchemas(version));
        }
        let mut read = BTreeSet::new();
        while let Some(file) = waiting.pop() {
            if !read.insert(file.clone()) {
                continue;
            }
            // Compiling tells of a reference to a file that is not there.
            let Some(content) = Embedded::get(&file) else {
                continue;
            };
            let text = String::from_utf8_lossy(&content.data);
            for sender in Sender::ALL {
                let text = text.replace("{sender}", sender.name());
                let document: Value = serde_json::from_str(&text).map_err(|source| SchemaError::Json {
                    file: file.clone(),
                    source,
                })?;
                let uri = format!("{SCHEME}{}/{file}", sender.name());
                assignments
                    .add(&uri, &document)
                    .map_err(|(pointer, message)| SchemaError::Assignment {
                        file: file.clone(),
                        pointer,
                        message,
                    })?;
                files_referred_to(&uri, &document, &mut waiting);
                documents.insert(uri, document);
            }
        }
        let validators = compile(&documents, &folder)?;
        Ok(Self {
            folder,
            documents,
            assignments,
            validators,
        })
    }

    pub(super) fn validator(&self, sender: Sender, name: &str) -> Option<&Validator> {
        self.validators.get(&(sender, name.to_owned()))
    }

    pub(super) fn has(&self, sender: Sender, name: &str) -> bool {
        self.validator(sender, name).is_some()
    }

    /// The value at a pointer in the schema of a name, or in the one that stands for it.
    pub(super) fn part(&self, sender: Sender, name: &str, pointer: &str) -> Option<&Value> {
        let uri = format!("{SCHEME}{}/{}{name}.json", sender.name(), self.folder);
        self.documents.get(&uri)?.pointer(pointer)
    }

    /// The value at an absolute location.
    pub(super) fn resolve(&self, location: &str) -> Option<&Value> {
        let (uri, pointer) = location.split_once('#')?;
        self.documents.get(uri)?.pointer(pointer)
    }
}

/// The readable name of an absolute location: `schemas/stu3/event.json#/properties/hub.event`.
pub(super) fn readable(location: &str) -> String {
    let path = location
        .strip_prefix(SCHEME)
        .and_then(|rest| rest.split_once('/'))
        .map_or(location, |(_, path)| path);
    format!("schemas/{path}")
}

/// Adds the files that a schema refers to, which may belong to another version.
fn files_referred_to(uri: &str, schema: &Value, files: &mut Vec<String>) {
    match schema {
        Value::Object(members) => {
            if let Some(reference) = members.get("$ref").and_then(Value::as_str)
                && !reference.starts_with('#')
                && let Ok(target) = Url::parse(uri).and_then(|base| base.join(reference))
            {
                files.push(target.path().trim_start_matches('/').to_owned());
            }
            for member in members.values() {
                files_referred_to(uri, member, files);
            }
        }
        Value::Array(items) => {
            for item in items {
                files_referred_to(uri, item, files);
            }
        }
        _ => {}
    }
}

fn compile(
    documents: &HashMap<String, Value>,
    folder: &str,
) -> Result<HashMap<(Sender, String), Validator>, SchemaError> {
    let invalid = |file: &str, message: String| SchemaError::Invalid {
        file: file.to_owned(),
        message,
    };
    let mut registry = Registry::new();
    for (uri, document) in documents {
        registry = registry
            .add(uri, document)
            .map_err(|error| invalid(uri, error.to_string()))?;
    }
    let registry = registry
        .prepare()
        .map_err(|error| invalid(folder, error.to_string()))?;
    let mut validators = HashMap::new();
    for sender in Sender::ALL {
        let base = format!("{SCHEME}{}/{folder}", sender.name());
        for uri in documents.keys().filter(|uri| uri.starts_with(&base)) {
            let name = uri[base.len()..].trim_end_matches(".json");
            // Parts of other schemas need no validator of their own.
            if name == "context" || name == "event" || name.starts_with("profiles/") {
                continue;
            }
            let mut options = jsonschema::options();
            for &(format, check) in FORMATS {
                options = options.with_format(format, check);
            }
            let validator = options
                .should_validate_formats(true)
                .should_ignore_unknown_formats(false)
                .with_registry(&registry)
                .offline()
                .build(&json!({ "$ref": uri }))
                .map_err(|error| invalid(&format!("{folder}{name}.json"), error.to_string()))?;
            validators.insert((sender, name.to_owned()), validator);
        }
    }
    Ok(validators)
}
