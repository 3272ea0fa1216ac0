//! Parts of the sentences that describe steps to people who do not read the file.

use std::collections::BTreeMap;

use serde_json::Value;
use serde_saphyr::Spanned;

use super::difference;
use super::matcher::Matcher;

/// Places in a value, and what must hold of each.
pub(super) fn describe_places(has: &BTreeMap<String, Matcher>) -> String {
    let places: Vec<String> = has
        .iter()
        .map(|(pointer, matcher)| match pointer.as_str() {
            "" => format!("there is {}", matcher.describe()),
            pointer => format!("{pointer} is {}", matcher.describe()),
        })
        .collect();
    places.join(" and ")
}

/// A value as it is written; a text without quotation marks.
pub(super) fn describe_value(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => difference::shown(other),
    }
}

/// The name that something is saved under, after what it is.
pub(super) fn saved(name: Option<&Spanned<String>>) -> String {
    name.map_or_else(String::new, |name| format!(" ('{}')", name.value))
}

/// Names, the last after "and".
pub(super) fn listed(names: &[Spanned<String>]) -> String {
    let names: Vec<&str> = names.iter().map(|name| name.value.as_str()).collect();
    match names.as_slice() {
        [] => "nobody".to_owned(),
        [name] => (*name).to_owned(),
        [others @ .., last] => format!("{} and {last}", others.join(", ")),
    }
}
