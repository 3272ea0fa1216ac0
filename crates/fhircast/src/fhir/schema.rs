//! The pass by HL7's JSON schema: its errors in our own words, without the values that they are about.

use jsonschema::error::{TypeKind, ValidationErrorKind};
use jsonschema::{PatternOptions, ValidationError, Validator};
use serde_json::Value;

use super::{FhirError, Finding};
use crate::json_pointer;

pub(super) fn compile(document: &Value) -> Result<Validator, FhirError> {
    jsonschema::options()
        // Linear in time for any input, unlike an engine that goes back.
        .with_pattern_options(PatternOptions::regex())
        .offline()
        .build(document)
        .map_err(|error| FhirError::Schema(error.to_string()))
}

/// At most `most` errors.
pub(super) fn judge(schema: &Validator, resource: &Value, most: usize) -> Vec<Finding> {
    // Most resources are valid, and to see that takes much less time than to look for errors.
    if schema.is_valid(resource) {
        return Vec::new();
    }
    schema
        .iter_errors(resource)
        .flat_map(|error| findings(&error))
        .take(most)
        .collect()
}

fn findings(error: &ValidationError<'_>) -> Vec<Finding> {
    let pointer = error.instance_path().as_str();
    let one = |message: String, expected: String| {
        vec![Finding {
            pointer: pointer.to_owned(),
            message,
            expected,
        }]
    };
    let definition = definition_of(error);
    match error.kind() {
        ValidationErrorKind::AdditionalProperties { unexpected } => unexpected
            .iter()
            .map(|name| Finding {
                pointer: json_pointer::member(pointer, name),
                message: format!("is no element of {definition}"),
                expected: format!("only elements of {definition}"),
            })
            .collect(),
        ValidationErrorKind::Required { property } => {
            let name = property.as_str().unwrap_or_default();
            one(format!("has no '{name}'"), format!("'{name}' in {definition}"))
        }
        ValidationErrorKind::Type { kind } => one(
            format!("is {}", with_article(type_of(error.instance()))),
            match kind {
                TypeKind::Single(own) => with_article(&own.to_string()),
                TypeKind::Multiple(_) => "another type".to_owned(),
            },
        ),
        ValidationErrorKind::Pattern { .. } => one(
            format!("is no {definition}"),
            format!("the form of {definition} in R4"),
        ),
        ValidationErrorKind::Enum { .. }
            if pointer.ends_with("/resourceType") || pointer == "resourceType" =>
        {
            one(
                "is no resource type of R4".to_owned(),
                "a resource type of R4".to_owned(),
            )
        }
        ValidationErrorKind::Enum { options } => {
            one("is none of the codes that R4 allows".to_owned(), one_of(options))
        }
        ValidationErrorKind::Minimum { limit } | ValidationErrorKind::Maximum { limit } => one(
            format!("is out of the range of {definition}"),
            format!("{definition}, whose limit is {limit}"),
        ),
        _ => one("is not as R4 wants it".to_owned(), error.masked().to_string()),
    }
}

/// The definition that asks what was not kept: `HumanName`, `dateTime`.
fn definition_of(error: &ValidationError<'_>) -> String {
    let path = error.schema_path().as_str();
    let mut steps = path.split('/').skip_while(|step| *step != "definitions");
    match steps.nth(1) {
        Some("ResourceList") | None => "a resource".to_owned(),
        // `ImagingStudy_Series` is the backbone element series of ImagingStudy.
        Some(name) => name.replace('_', "."),
    }
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

fn with_article(kind: &str) -> String {
    match kind {
        "null" => kind.to_owned(),
        "array" | "object" | "integer" => format!("an {kind}"),
        _ => format!("a {kind}"),
    }
}

/// Codes, the first of many.
fn one_of(options: &Value) -> String {
    const SHOWN: usize = 12;
    let codes: Vec<&str> = options
        .as_array()
        .map(|codes| codes.iter().filter_map(Value::as_str).collect())
        .unwrap_or_default();
    let mut text = codes.iter().take(SHOWN).copied().collect::<Vec<_>>().join(" | ");
    if codes.len() > SHOWN {
        text.push_str(" | …");
    }
    text
}
