//! Differences between the capture and its replay.

use std::collections::BTreeSet;
use std::fmt;

use serde_json::Value;
use similar::{Algorithm, ChangeTag, capture_diff_slices};

/// A difference from the capture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The place: a request, or the messages to a subscriber.
    pub place: String,
    /// In the capture.
    pub captured: String,
    /// Now.
    pub now: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}\n  captured: {}\n  now:      {}",
            self.place, self.captured, self.now
        )
    }
}

/// The messages over a WebSocket, then and now, in the names of the capture.
pub(super) fn of_messages(
    place: &str,
    captured: &[Value],
    now: &[Value],
    known: &BTreeSet<String>,
) -> Vec<Difference> {
    let (old, new): (Vec<String>, Vec<String>) = (
        captured.iter().map(|message| essence(message, known)).collect(),
        now.iter().map(|message| essence(message, known)).collect(),
    );
    let mut differences = Vec::new();
    let mut push = |captured: &str, now: &str| {
        differences.push(Difference {
            place: place.to_owned(),
            captured: captured.to_owned(),
            now: now.to_owned(),
        });
    };
    for operation in capture_diff_slices(Algorithm::Myers, &old, &new) {
        let changes: Vec<_> = operation.iter_changes(&old, &new).collect();
        let of = |tag: ChangeTag| {
            changes
                .iter()
                .filter(move |change| change.tag() == tag)
                .map(|change| change.value())
        };
        let (mut gone, mut come) = (of(ChangeTag::Delete), of(ChangeTag::Insert));
        loop {
            match (gone.next(), come.next()) {
                (None, None) => break,
                (gone, come) => push(
                    gone.as_deref().unwrap_or("nothing here"),
                    come.as_deref().unwrap_or("nothing here"),
                ),
            }
        }
    }
    differences
}

/// The part of a message that must be the same: not its times, nor what the hub makes up each time, as ids that no subscriber has
/// given.
pub(super) fn essence(message: &Value, known: &BTreeSet<String>) -> String {
    let text = |pointer: &str| message.pointer(pointer).and_then(Value::as_str);
    let Some(event) = text("/event/hub.event") else {
        return match text("/hub.mode") {
            Some(mode) => format!("{mode} of {}", text("/hub.events").unwrap_or("nothing")),
            None => message.to_string(),
        };
    };
    let mut about: Vec<String> = Vec::new();
    ids(
        message.pointer("/event/context").unwrap_or(&Value::Null),
        &mut about,
    );
    if event.eq_ignore_ascii_case("SyncError") {
        // The hub gives each an id of its own; which event it is about is in its codes.
        let mut codes = Vec::new();
        codes_of(message, &mut codes);
        return format!("{event} about {}", codes.join(", "));
    }
    let id = match text("/id") {
        Some(id) if known.contains(id) => id,
        Some(_) => "under an id of the hub's own",
        None => "without an id",
    };
    format!("{event} {id} ({})", about.join(", "))
}

fn ids(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| ids(item, found)),
        Value::Object(members) => {
            let text = |name: &str| members.get(name).and_then(Value::as_str);
            if let (Some(kind), Some(id)) = (text("resourceType"), text("id")) {
                found.push(format!("{kind}/{id}"));
            }
            members.values().for_each(|member| ids(member, found));
        }
        _ => {}
    }
}

fn codes_of(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| codes_of(item, found)),
        Value::Object(members) => {
            if let (Some(_), Some(code)) =
                (members.get("system"), members.get("code").and_then(Value::as_str))
            {
                found.push(code.to_owned());
            }
            members.values().for_each(|member| codes_of(member, found));
        }
        _ => {}
    }
}
