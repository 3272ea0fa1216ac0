//! A JSON object read member by member, with every value's text as it came.

use std::collections::HashSet;
use std::fmt;

use serde::de::{MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

/// What is wrong with a message, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}: {problem}", if pointer.is_empty() { "the message" } else { pointer })]
pub struct MessageError {
    /// JSON pointer to the offending value; empty for the whole message.
    pub pointer: String,
    /// What was expected there and what came.
    pub problem: String,
}

impl MessageError {
    pub(super) fn new(pointer: impl Into<String>, problem: impl Into<String>) -> Self {
        Self {
            pointer: pointer.into(),
            problem: problem.into(),
        }
    }
}

/// The members of a JSON object in their order, each value as its raw text.
#[derive(Debug, Clone, Default)]
pub struct Members(Vec<(String, Box<RawValue>)>);

impl Members {
    /// Reads an object.
    ///
    /// # Errors
    /// When the text is not JSON, not an object, or names a member twice.
    pub fn parse(text: &str) -> Result<Self, MessageError> {
        serde_json::from_str(text)
            .map_err(|error| MessageError::new("", format!("is not a JSON object ({error})")))
    }

    /// The raw text of a member's value.
    pub fn get(&self, name: &str) -> Option<&RawValue> {
        self.0
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| &**value)
    }

    /// The member as a string, if it is there.
    ///
    /// # Errors
    /// When it is there and not a string.
    pub fn optional_text(&self, within: &str, name: &str) -> Result<Option<String>, MessageError> {
        match self.get(name) {
            None => Ok(None),
            Some(value) => match serde_json::from_str::<String>(value.get()) {
                Ok(text) => Ok(Some(text)),
                Err(_) => Err(MessageError::new(
                    format!("{within}/{name}"),
                    "must be a JSON string",
                )),
            },
        }
    }

    /// The member as a string with something in it.
    ///
    /// # Errors
    /// When it is missing, not a string, or empty.
    pub fn required_text(&self, within: &str, name: &str) -> Result<String, MessageError> {
        match self.optional_text(within, name)? {
            Some(text) if text.is_empty() => {
                Err(MessageError::new(format!("{within}/{name}"), "must not be empty"))
            }
            Some(text) => Ok(text),
            None => Err(MessageError::new(
                format!("{within}/{name}"),
                "is required and is missing",
            )),
        }
    }

    /// Sets a member: in its place if it is there, at the end if not.
    pub fn set(&mut self, name: &str, value: Box<RawValue>) {
        match self.0.iter_mut().find(|(known, _)| known == name) {
            Some((_, old)) => *old = value,
            None => self.0.push((name.to_owned(), value)),
        }
    }

    /// Sets a member to a string.
    pub fn set_text(&mut self, name: &str, text: &str) {
        let quoted = serde_json::Value::from(text).to_string();
        // A string that serde_json has just quoted is JSON; were it not, the member would stay as it was.
        if let Ok(raw) = RawValue::from_string(quoted) {
            self.set(name, raw);
        }
    }

    /// Takes a member away.
    pub fn remove(&mut self, name: &str) {
        self.0.retain(|(known, _)| known != name);
    }

    /// Names and raw values, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &RawValue)> {
        self.0.iter().map(|(name, value)| (name.as_str(), &**value))
    }
}

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;

        impl<'de> Visitor<'de> for Object {
            type Value = Members;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members: Vec<(String, Box<RawValue>)> = Vec::new();
                let mut names = HashSet::new();
                while let Some((name, value)) = map.next_entry::<String, Box<RawValue>>()? {
                    if !names.insert(name.clone()) {
                        return Err(serde::de::Error::custom(format_args!(
                            "the member '{name}' stands twice"
                        )));
                    }
                    members.push((name, value));
                }
                Ok(Members(members))
            }
        }

        deserializer.deserialize_map(Object)
    }
}

impl Serialize for Members {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in &self.0 {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}
