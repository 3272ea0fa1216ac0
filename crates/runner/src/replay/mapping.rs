//! Names that differ between the capture and its replay: topics, endpoints, ids of events, versions of contexts.

use serde_json::Value;

/// Texts shorter than this are replaced where they stand alone, and not within other texts.
const SHORTEST_WITHIN: usize = 8;

/// Pairs of a name in the capture and its name now.
#[derive(Debug, Clone, Default)]
pub struct Mapping {
    pairs: Vec<(String, String)>,
}

impl Mapping {
    /// This is now called that.
    pub fn insert(&mut self, captured: &str, now: &str) {
        if captured.is_empty() || captured == now {
            return;
        }
        match self.pairs.iter_mut().find(|(known, _)| known == captured) {
            Some((_, name)) => now.clone_into(name),
            None => self.pairs.push((captured.to_owned(), now.to_owned())),
        }
        // What is part of something longer must not be replaced first.
        self.pairs
            .sort_by_key(|(captured, _)| std::cmp::Reverse(captured.len()));
    }

    /// Whether it is called something else now.
    pub fn has(&self, captured: &str) -> bool {
        self.pairs.iter().any(|(known, _)| known == captured)
    }

    /// A text of the capture as it is now.
    pub fn forth(&self, text: &str) -> String {
        replaced(
            text,
            self.pairs
                .iter()
                .map(|(captured, now)| (captured.as_str(), now.as_str())),
        )
    }

    /// A text of now as it was in the capture.
    pub fn back(&self, text: &str) -> String {
        replaced(
            text,
            self.pairs
                .iter()
                .map(|(captured, now)| (now.as_str(), captured.as_str())),
        )
    }

    /// A message of the capture as it is now; its `timestamp` becomes the one given.
    pub fn message(&self, message: &Value, timestamp: Option<&str>) -> Value {
        let mut message = map(message, &|text| self.forth(text));
        if let (Some(captured), Some(now)) = (message.get_mut("timestamp"), timestamp) {
            *captured = now.into();
        }
        message
    }

    /// A message of now as it was in the capture.
    pub fn message_back(&self, message: &Value) -> Value {
        map(message, &|text| self.back(text))
    }
}

fn map(value: &Value, text: &dyn Fn(&str) -> String) -> Value {
    match value {
        Value::String(string) => Value::String(text(string)),
        Value::Array(items) => items.iter().map(|item| map(item, text)).collect(),
        Value::Object(members) => Value::Object(
            members
                .iter()
                .map(|(name, member)| (name.clone(), map(member, text)))
                .collect(),
        ),
        other => other.clone(),
    }
}

fn replaced<'p>(text: &str, pairs: impl Iterator<Item = (&'p str, &'p str)>) -> String {
    let mut result = text.to_owned();
    for (from, to) in pairs {
        if result == from {
            return to.to_owned();
        }
        if from.len() >= SHORTEST_WITHIN && result.contains(from) {
            result = result.replace(from, to);
        }
    }
    result
}
