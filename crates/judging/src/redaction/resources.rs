//! What FHIR resources say of people, hidden: structure, codes and the equality of ids stay.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use regex::{Captures, Regex};
use serde_json::{Map, Value};

/// Values that say nothing of a person: which kind of thing something is, by whose list, in which state.
const KEPT: [&str; 20] = [
    "resourceType",
    "system",
    "url",
    "profile",
    "use",
    "status",
    "severity",
    "code",
    "type",
    "versionId",
    "mode",
    "method",
    "mimeType",
    "contentType",
    "unit",
    "valueUri",
    "valueCode",
    "valueCanonical",
    "instantiatesUri",
    "rank",
];
/// Resources that are FHIRcast's own words: what is wrong with an event, and what is selected.
const OWN_WORDS: [&str; 2] = ["OperationOutcome", "CapabilityStatement"];
/// Values shorter than this are not looked for again in texts.
const SHORTEST: usize = 3;

/// Hides the resources within a message; what was hidden is added to `hidden`.
pub(super) fn hide(message: &mut Value, hidden: &mut BTreeSet<String>, mark: &dyn Fn(&str) -> String) {
    match message {
        Value::Object(members) if members.get("resourceType").is_some_and(Value::is_string) => {
            resource(members, hidden, mark);
        }
        Value::Object(members) => {
            for (name, value) in members {
                match (name.as_str(), value) {
                    // Beside resources, an event refers to them.
                    ("reference", Value::String(text)) => *text = reference(text, hidden, mark),
                    ("reference", Value::Object(members)) => element(members, false, hidden, mark),
                    ("display", value) => scalar(value, hidden, mark),
                    (_, value) => hide(value, hidden, mark),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| hide(item, hidden, mark)),
        _ => {}
    }
}

fn resource(members: &mut Map<String, Value>, hidden: &mut BTreeSet<String>, mark: &dyn Fn(&str) -> String) {
    let kind = members
        .get("resourceType")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let own_words = OWN_WORDS.contains(&kind);
    element(members, own_words, hidden, mark);
}

fn element(
    members: &mut Map<String, Value>,
    own_words: bool,
    hidden: &mut BTreeSet<String>,
    mark: &dyn Fn(&str) -> String,
) {
    for (name, value) in members {
        within(name, value, own_words, hidden, mark);
    }
}

fn within(
    name: &str,
    value: &mut Value,
    own_words: bool,
    hidden: &mut BTreeSet<String>,
    mark: &dyn Fn(&str) -> String,
) {
    match value {
        Value::Object(members) if members.get("resourceType").is_some_and(Value::is_string) => {
            resource(members, hidden, mark);
        }
        Value::Object(members) => element(members, own_words, hidden, mark),
        Value::Array(items) => items
            .iter_mut()
            .for_each(|item| within(name, item, own_words, hidden, mark)),
        Value::String(text) if matches!(name, "reference" | "fullUrl") => {
            *text = reference(text, hidden, mark)
        }
        // `url` is a code of an extension, and in a Bundle's request it names a resource.
        Value::String(text) if name == "url" && !text.contains("://") => {
            *text = reference(text, hidden, mark)
        }
        _ if KEPT.contains(&name) => {}
        _ if own_words && !matches!(name, "diagnostics" | "div" | "text") => {}
        other => scalar(other, hidden, mark),
    }
}

/// `Patient/4711` keeps its type: the id has the marker that it has elsewhere.
fn reference(text: &str, hidden: &mut BTreeSet<String>, mark: &dyn Fn(&str) -> String) -> String {
    let (before, id) = match text.rsplit_once(['/', ':']) {
        Some((before, id)) => (&text[..=before.len()], id),
        None => ("", text),
    };
    remember(id, hidden);
    format!("{before}{}", mark(id))
}

fn scalar(value: &mut Value, hidden: &mut BTreeSet<String>, mark: &dyn Fn(&str) -> String) {
    match value {
        Value::String(text) if !text.is_empty() => {
            remember(text, hidden);
            *text = mark(text);
        }
        Value::Number(number) => *value = Value::String(mark(&number.to_string())),
        _ => {}
    }
}

fn remember(text: &str, hidden: &mut BTreeSet<String>) {
    if text.chars().count() >= SHORTEST && !super::forms::is_marker(text) {
        hidden.insert(text.to_owned());
    }
}

/// A text in which values that were hidden before are hidden again, where they stand as words of their own or between quotation
/// marks.
pub(super) fn hide_again(text: &str, hidden: &BTreeSet<String>, mark: &dyn Fn(&str) -> String) -> String {
    let Some(words) = &*WORDS else {
        return mark(text);
    };
    let found = words.replace_all(text, |found: &Captures<'_>| {
        if let Some(quoted) = found.get(1).map(|group| group.as_str()) {
            return match hidden.contains(quoted) {
                true => format!("\"{}\"", mark(quoted)),
                false => format!("\"{}\"", single_words(quoted, hidden, mark)),
            };
        }
        single_words(&found[0], hidden, mark)
    });
    found.into_owned()
}

/// Quoted texts, or what stands between them.
static WORDS: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r#""([^"]*)"|[^"]+"#).ok());

fn single_words(text: &str, hidden: &BTreeSet<String>, mark: &dyn Fn(&str) -> String) -> String {
    let is_part = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | ':');
    let mut replaced = String::with_capacity(text.len());
    let mut word = String::new();
    let end = |word: &mut String, replaced: &mut String| {
        let bare = word.trim_end_matches(['.', ':']);
        if hidden.contains(bare) {
            replaced.push_str(&mark(bare));
            replaced.push_str(&word[bare.len()..]);
        } else {
            replaced.push_str(word);
        }
        word.clear();
    };
    for c in text.chars() {
        if is_part(c) {
            word.push(c);
        } else {
            end(&mut word, &mut replaced);
            replaced.push(c);
        }
    }
    end(&mut word, &mut replaced);
    replaced
}
