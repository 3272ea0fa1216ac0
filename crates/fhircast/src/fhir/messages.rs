//! The resources in a message.

use serde_json::Value;

use super::DEPTH;
use crate::json_pointer;

/// Every resource in a message with the JSON pointer at which it lies, in order. What a resource holds itself, as a Bundle its
/// entries, is judged with it and not listed again.
pub fn resources_of(message: &Value) -> Vec<(String, &Value)> {
    let mut found = Vec::new();
    collect(message, "", DEPTH, &mut found);
    found
}

fn collect<'m>(value: &'m Value, pointer: &str, depth: usize, found: &mut Vec<(String, &'m Value)>) {
    if depth == 0 {
        return;
    }
    match value {
        Value::Object(members) if members.contains_key("resourceType") => {
            found.push((pointer.to_owned(), value));
        }
        Value::Object(members) => {
            for (name, member) in members {
                collect(member, &json_pointer::member(pointer, name), depth - 1, found);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                collect(item, &format!("{pointer}/{index}"), depth - 1, found);
            }
        }
        _ => {}
    }
}
