//! Base FHIR R4: whether a resource keeps to the specification of FHIR itself, apart from what FHIRcast asks of it.
//!
//! Two passes over a resource: HL7's own JSON schema (`schemas/fhir`, rewritten so that its errors name the place), and one
//! over the elements for what a JSON schema of FHIR leaves out: primitives that must be there, two types of one `value[x]`,
//! empty arrays and objects, dates that no calendar has.
//!
//! A [`Finding`] is a fact about a resource; who is to blame for it, if anybody, is decided elsewhere. This room knows nothing of
//! scenarios, hubs, and requirements. It tells no values: messages can stand in reports without naming a patient.

mod calendar;
mod elements;
mod messages;
mod schema;

use std::sync::OnceLock;

use serde_json::Value;

use elements::Definitions;
pub use messages::resources_of;

/// The schema, as `schemas/fhir/README.md` tells.
const SCHEMA: &str = include_str!("../../../../schemas/fhir/r4.json");
/// How many findings are told of one resource at the most.
const MOST: usize = 50;
/// How deep objects and arrays may lie in each other in a resource that is judged: far deeper than real ones, and far from what
/// a thread's stack can bear.
const DEPTH: usize = 100;

/// What one place of a resource does that base FHIR R4 does not allow.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Finding {
    /// The place, as a JSON pointer into what was judged. It exists there: for a member that is missing it is the object.
    pub pointer: String,
    /// What is wrong there, without any value of the resource.
    pub message: String,
    /// What R4 expects there, in a few words.
    pub expected: String,
}

impl std::fmt::Display for Finding {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let place = match self.pointer.as_str() {
            "" => "the resource",
            pointer => pointer,
        };
        write!(formatter, "{place} {}; expected {}", self.message, self.expected)
    }
}

/// Why the schema could not be loaded: a fault of castspec, not of what is judged.
#[derive(Debug, thiserror::Error)]
pub enum FhirError {
    /// The file is not what the rewriting makes.
    #[error("schemas/fhir/r4.json: {0}")]
    Json(#[from] serde_json::Error),
    /// The file is no JSON Schema.
    #[error("schemas/fhir/r4.json: {0}")]
    Schema(String),
}

/// Judges resources by base FHIR R4 (4.0.1).
#[derive(Debug)]
pub struct Validator {
    schema: jsonschema::Validator,
    definitions: Definitions,
}

impl Validator {
    /// Reads and compiles the schema; takes some tens of milliseconds. [`Validator::shared`] does so once.
    ///
    /// # Errors
    /// When the embedded schema is not as it should be.
    pub fn load() -> Result<Self, FhirError> {
        let document: Value = serde_json::from_str(SCHEMA)?;
        Ok(Self {
            schema: schema::compile(&document)?,
            definitions: Definitions::read(&document)?,
        })
    }

    /// The validator of this process, compiled when it is first asked for.
    ///
    /// # Errors
    /// As [`Validator::load`].
    pub fn shared() -> Result<&'static Self, &'static FhirError> {
        static SHARED: OnceLock<Result<Validator, FhirError>> = OnceLock::new();
        SHARED.get_or_init(Self::load).as_ref()
    }

    /// What base FHIR R4 does not allow in this resource, in the order of its members as far as can be; nothing where all is
    /// well. Of very many findings only the first are told.
    pub fn validate(&self, resource: &Value) -> Vec<Finding> {
        if is_deeper(resource, DEPTH) {
            return vec![Finding {
                pointer: String::new(),
                message: "holds objects in objects too deeply to be judged".to_owned(),
                expected: format!("at most {DEPTH} in each other"),
            }];
        }
        let mut findings = schema::judge(&self.schema, resource, MOST);
        self.definitions.judge(resource, MOST, &mut findings);
        findings.truncate(MOST);
        findings
    }
}

/// Whether objects and arrays lie more than `depth` deep in each other; never looks deeper than that.
fn is_deeper(value: &Value, depth: usize) -> bool {
    let inner = |value: &Value| depth == 0 || is_deeper(value, depth - 1);
    match value {
        Value::Array(items) => items.iter().any(inner),
        Value::Object(members) => members.values().any(inner),
        _ => false,
    }
}
