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
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut walk = Walk::default();
    for part in ["", "/events", "/profiles"] {
        for entry in fs::read_dir(root.join(folder).join(&part[usize::from(!part.is_empty())..])).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "json") {
                let name = path.file_name().unwrap().to_str().unwrap();
                let schema = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
                walk.files.insert(format!("{folder}{part}/{name}"), schema);
            }
        }
    }
    let messages: Vec<String> = walk.files.keys().cloned().collect();
    for file in messages {
        // The others are parts of these.
        let is_part =
            file.contains("/profiles/") || file.ends_with("/context.json") || file.ends_with("/event.json");
        if !is_part {
            walk.schema(&file, "", false);
        }
    }
    walk.found
}

#[derive(Default)]
struct Walk {
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
        let schema = self.files[file].pointer(pointer).unwrap().clone();
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
                "items" | "then" | "else" => self.schema(file, &place, ruled),
                "$ref" => {
                    let (target, pointer) = resolved(file, value.as_str().unwrap());
                    self.schema(&target, &pointer, ruled);
                }
                _ => {}
            }
        }
    }
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
