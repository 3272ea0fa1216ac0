//! The rewritten schema of FHIR R4 has the properties that `schemas/fhir/README.md` promises.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::{Map, Value};

fn schema() -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas/fhir/r4.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn definitions(schema: &Value) -> &Map<String, Value> {
    schema["definitions"].as_object().unwrap()
}

/// Every object of a schema.
fn objects<'s>(value: &'s Value, found: &mut Vec<&'s Map<String, Value>>) {
    match value {
        Value::Object(members) => {
            found.push(members);
            members.values().for_each(|member| objects(member, found));
        }
        Value::Array(items) => items.iter().for_each(|item| objects(item, found)),
        _ => {}
    }
}

#[test]
fn it_is_the_whole_of_r4() {
    let schema = schema();
    let definitions = definitions(&schema);
    assert_eq!(definitions.len(), 680);
    let versions = &definitions["StructureDefinition"]["properties"]["fhirVersion"]["enum"];
    assert_eq!(versions.as_array().unwrap().last().unwrap(), "4.0.1");
    let resources: BTreeSet<&str> = definitions
        .iter()
        .filter(|(_, definition)| definition.pointer("/properties/resourceType/const").is_some())
        .map(|(name, _)| name.as_str())
        .collect();
    assert_eq!(resources.len(), 146);
    // One `if` for each, which asks that the member is there: else it would hold of anything without it.
    let list = &definitions["ResourceList"];
    let dispatched: BTreeSet<&str> = list["allOf"]
        .as_array()
        .unwrap()
        .iter()
        .map(|branch| {
            let name = branch["if"]["properties"]["resourceType"]["const"]
                .as_str()
                .unwrap();
            assert_eq!(branch["if"]["type"], "object");
            assert_eq!(branch["if"]["required"][0], "resourceType");
            assert_eq!(branch["then"]["$ref"], format!("#/definitions/{name}").as_str());
            name
        })
        .collect();
    assert_eq!(dispatched, resources);
}

#[test]
fn nothing_in_it_is_superfluous_or_missing() {
    let schema = schema();
    let definitions = definitions(&schema);
    let mut all = Vec::new();
    objects(&schema, &mut all);
    assert!(all.len() > 10_000);
    for object in all {
        assert!(!object.contains_key("oneOf"), "{object:?}");
        // An element may be named `description`, but then it has a schema.
        assert!(
            !object.get("description").is_some_and(Value::is_string),
            "{object:?}"
        );
        if let Some(reference) = object.get("$ref").and_then(Value::as_str) {
            let name = reference.strip_prefix("#/definitions/").unwrap();
            assert!(definitions.contains_key(name), "{reference}");
        }
        // A pattern says nothing of numbers.
        assert!(
            !object.get("pattern").is_some_and(Value::is_string) || object["type"] == "string",
            "{object:?}"
        );
    }
}

#[test]
fn what_is_added_names_elements() {
    let schema = schema();
    let (mut primitives, mut choices) = (0, 0);
    for (name, definition) in definitions(&schema) {
        let Some(properties) = definition["properties"].as_object() else {
            continue;
        };
        assert_eq!(definition["type"], "object", "{name}");
        let list = |keyword: &str| definition[keyword].as_array().cloned().unwrap_or_default();
        for required in list("x-required") {
            let element = required.as_str().unwrap();
            assert!(properties.contains_key(element), "{name}.{element}");
            assert!(
                properties.contains_key(&format!("_{element}")),
                "{name}.{element} is no primitive"
            );
            assert!(
                !list("required").contains(&required),
                "{name}.{element} is required anyway"
            );
            primitives += 1;
        }
        for choice in list("x-required-choices") {
            let stem = choice.as_str().unwrap();
            let kinds = definition["x-choices"][stem].as_array().unwrap();
            assert!(!kinds.is_empty());
            choices += 1;
        }
        for (stem, kinds) in definition["x-choices"].as_object().unwrap_or(&Map::new()) {
            for kind in kinds.as_array().unwrap() {
                let kind = kind.as_str().unwrap();
                assert!(
                    kind.starts_with(stem.as_str()) && properties.contains_key(kind),
                    "{name}.{kind}"
                );
            }
        }
    }
    assert!(primitives > 350, "{primitives}");
    assert!(choices > 40, "{choices}");
}
