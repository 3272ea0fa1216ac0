//! From a keyword in a schema to the requirement that it enforces.

use serde_json::Value;

use super::judging::Softening;

/// The keyword that names requirements.
pub const KEYWORD: &str = "x-requirement";

/// A requirement that a keyword enforces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// Its id.
    pub id: String,
    /// A softer verdict than its level.
    pub unmet: Option<Softening>,
}

/// The requirement of the keyword at a JSON pointer of a schema document: named in its own schema object, or in the nearest
/// one around it. `member` is the member that `required` misses.
pub fn of_keyword(document: &Value, pointer: &str, member: Option<&str>) -> Option<Named> {
    let mut steps: Vec<&str> = pointer.split('/').skip(1).collect();
    let mut keyword = steps.pop();
    loop {
        let place: String = steps.iter().map(|step| format!("/{step}")).collect();
        let object = document.pointer(&place)?;
        if let Some(name) = object.get(KEYWORD) {
            let found = match (name, keyword) {
                (Value::Object(map), _) if map.contains_key("id") => read(name),
                (Value::Object(map), Some(keyword)) => map.get(keyword).and_then(|own| match (own, member) {
                    (Value::Object(members), Some(member)) if !members.contains_key("id") => {
                        members.get(member).and_then(read)
                    }
                    (own, _) => read(own),
                }),
                (name, _) => read(name),
            };
            if found.is_some() {
                return found;
            }
        }
        keyword = Some(steps.pop()?);
    }
}

/// All requirements that one `x-requirement` names.
pub fn all(name: &Value) -> Vec<Named> {
    match read(name) {
        Some(named) => vec![named],
        None => name
            .as_object()
            .map(|map| map.values().flat_map(all).collect())
            .unwrap_or_default(),
    }
}

/// All requirements named anywhere in a schema document.
pub fn within(schema: &Value) -> Vec<Named> {
    match schema {
        Value::Object(map) => map
            .iter()
            .flat_map(|(name, value)| {
                if name == KEYWORD {
                    all(value)
                } else {
                    within(value)
                }
            })
            .collect(),
        Value::Array(values) => values.iter().flat_map(within).collect(),
        _ => Vec::new(),
    }
}

fn read(name: &Value) -> Option<Named> {
    match name {
        Value::String(id) => Some(Named {
            id: id.clone(),
            unmet: None,
        }),
        Value::Object(map) => {
            let id = map.get("id")?.as_str()?.to_owned();
            let unmet = match map.get("unmet").and_then(Value::as_str) {
                Some("warn") => Some(Softening::Warn),
                Some("note") => Some(Softening::Note),
                _ => None,
            };
            Some(Named { id, unmet })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_nearest_name_counts() {
        let schema = json!({
            "x-requirement": {"type": "a", "required": {"m": "b"}},
            "properties": {"m": {"type": "string", "items": {"minLength": 1}, "x-requirement": {"id": "c", "unmet": "warn"}}},
            "allOf": [{"minProperties": 1}],
        });
        let id = |pointer, member| of_keyword(&schema, pointer, member).map(|named| named.id);
        assert_eq!(id("/type", None).as_deref(), Some("a"));
        assert_eq!(id("/required", Some("m")).as_deref(), Some("b"));
        assert_eq!(id("/properties/m/type", None).as_deref(), Some("c"));
        assert_eq!(id("/properties/m/items/minLength", None).as_deref(), Some("c"));
        assert_eq!(id("/allOf/0/minProperties", None), None);
        assert_eq!(within(&schema).len(), 3);
    }
}
