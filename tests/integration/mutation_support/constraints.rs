//! The constraints of the schemas: every keyword that a message can break, by its place in the files.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use serde_json::Value;

use super::pattern::{children, escaped};

/// Keywords that demand something of a value. What lies in `if`, `not`, `anyOf`, `contains` and the like only asks.
const DEMANDS: &[&str] = &[
    "type",
    "const",
    "enum",
    "not",
    "anyOf",
    "contains",
    "propertyNames",
    "minProperties",
    "maxProperties",
    "minItems",
    "maxItems",
    "pattern",
    "format",
    "minLength",
    "maxLength",
    "minimum",
    "maximum",
    "required",
];

/// The places of all constraints that belong to a requirement, as violations name them:
/// `schemas/stu3/event.json#/properties/hub.event/type`.
pub fn of_folder(folder: &str) -> BTreeSet<String> {
    let mut walk = Walk::default();
    // What lies deeper, or is no message, is a part of these.
    for part in ["", "/events"] {
        let files = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("{folder}{part}"));
        for entry in fs::read_dir(files).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            if name.ends_with(".json") && !["context.json", "event.json"].contains(&name.as_str()) {
                walk.schema(&format!("{folder}{part}/{name}"), "", false);
            }
        }
    }
    walk.found
}

#[derive(Default)]
struct Walk {
    /// What was read so far; a version may refer to the files of another.
    files: BTreeMap<String, Value>,
    seen: BTreeSet<(String, String, bool)>,
    found: BTreeSet<String>,
}

impl Walk {
    /// `ruled` tells whether an outer schema has a requirement for what is in this one.
    fn schema(&mut self, file: &str, pointer: &str, ruled: bool) {
        if !self.seen.insert((file.to_owned(), pointer.to_owned(), ruled)) {
            return;
        }
        let document = self.files.entry(file.to_owned()).or_insert_with(|| read(file));
        let schema = document.pointer(pointer).unwrap().clone();
        let requirement = schema.get("x-requirement");
        let is_ruled = |keyword: &str| match requirement {
            Some(Value::Object(map)) if !map.contains_key("id") => ruled || map.contains_key(keyword),
            Some(_) => true,
            None => ruled,
        };
        for (keyword, value) in schema.as_object().into_iter().flatten() {
            let ruled = is_ruled(keyword);
            let place = format!("{pointer}/{keyword}");
            if ruled && DEMANDS.contains(&keyword.as_str()) {
                self.found.insert(format!("{file}#{place}"));
            }
            match keyword.as_str() {
                "allOf" | "properties" => {
                    for (name, _) in children(value) {
                        self.schema(file, &format!("{place}/{}", escaped(&name)), ruled);
                    }
                }
                "items" | "additionalProperties" | "then" | "else" => self.schema(file, &place, ruled),
                "$ref" => {
                    let (target, pointer) = resolved(file, value.as_str().unwrap());
                    self.schema(&target, &pointer, ruled);
                }
                _ => {}
            }
        }
    }
}

/// A schema by its path, which may lie in the folder of another version.
fn read(file: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

/// The file and the pointer that a `$ref` in a file names.
fn resolved(file: &str, reference: &str) -> (String, String) {
    let (target, pointer) = reference.split_once('#').unwrap_or((reference, ""));
    let mut folder: Vec<&str> = file.split('/').collect();
    if !target.is_empty() {
        folder.pop();
    }
    for step in target.split('/').filter(|step| !step.is_empty()) {
        if step == ".." {
            folder.pop();
        } else {
            folder.push(step);
        }
    }
    (folder.join("/"), pointer.to_owned())
}
