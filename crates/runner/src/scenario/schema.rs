//! The JSON Schema of scenario files, derived from the types that the parser reads.

use schemars::Schema;
use schemars::generate::SchemaSettings;
use schemars::transform::{RecursiveTransform, Transform};
use serde_json::{Map, Value, json};

use super::check::ALWAYS;
use super::document::Document;

/// The JSON Schema (2020-12) of a scenario file: what editors complete and mark. What no schema can see, [`super::Scenario::parse`]
/// finds.
pub fn schema() -> Value {
    let settings = SchemaSettings::draft2020_12();
    let mut schema = settings.into_generator().into_root_schema_for::<Document>();
    RecursiveTransform(without_null).transform(&mut schema);
    name_definitions(&mut schema);
    schema.to_value()
}

/// Takes out the `null` that stands for an absent member, and formats of numbers that JSON Schema does not have.
fn without_null(schema: &mut Schema) {
    let Some(object) = schema.as_object_mut() else {
        return;
    };
    if object.get("format").is_some_and(|format| format != "regex") {
        object.remove("format");
    }
    if object.get("default") == Some(&Value::Null) {
        object.remove("default");
    }
    if let Some(Value::Array(types)) = object.get_mut("type") {
        types.retain(|name| name != "null");
        if let [name] = types.as_slice() {
            let name = name.clone();
            object.insert("type".to_owned(), name);
        }
    }
    let null = json!({"type": "null"});
    if let Some(Value::Array(alternatives)) = object.get_mut("anyOf")
        && alternatives.len() == 2
        && alternatives.contains(&null)
    {
        alternatives.retain(|alternative| *alternative != null);
        let rest = alternatives.pop();
        object.remove("anyOf");
        if let Some(Value::Object(rest)) = rest {
            for (name, value) in rest {
                object.entry(name).or_insert(value);
            }
        }
    }
}

/// Gives every definition a title.
fn name_definitions(schema: &mut Schema) {
    let definitions = schema.get_mut("$defs").and_then(Value::as_object_mut);
    for (name, definition) in definitions.into_iter().flatten() {
        if let Value::Object(definition) = definition {
            let title = Value::String(name.clone());
            definition.entry("title").or_insert(title);
        }
    }
}

/// A choice of objects with one key each, written as one object with one of these keys: editors complete it better.
pub(super) fn one_key(schema: &mut Schema) {
    let Some(Value::Array(choices)) = schema.remove("oneOf") else {
        return;
    };
    let mut properties = Map::new();
    for choice in choices {
        let Value::Object(mut choice) = choice else {
            continue;
        };
        let description = choice.remove("description");
        let Some(Value::Object(members)) = choice.remove("properties") else {
            continue;
        };
        for (name, mut member) in members {
            if let (Value::Object(member), Some(description)) = (&mut member, &description) {
                member.insert("description".to_owned(), description.clone());
            }
            properties.insert(name, member);
        }
    }
    schema.insert("type".to_owned(), json!("object"));
    schema.insert("properties".to_owned(), Value::Object(properties));
    schema.insert("additionalProperties".to_owned(), json!(false));
    schema.insert("minProperties".to_owned(), json!(1));
    schema.insert("maxProperties".to_owned(), json!(1));
}

/// Names that cannot be saved, because they are always there.
pub(super) fn reserved() -> Value {
    json!({"enum": ALWAYS})
}
