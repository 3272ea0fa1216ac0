//! What a call to a callback says, by its query and its body.

use std::sync::Arc;

use serde_json::{Map, Value};

/// A query or a form as an object of strings; a repeated parameter is an array.
pub fn parameters_of(query: &str) -> Map<String, Value> {
    let mut members = Map::new();
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
        let value = Value::String(value.into_owned());
        match members.get_mut(name.as_ref()) {
            None => {
                members.insert(name.into_owned(), value);
            }
            Some(Value::Array(values)) => values.push(value),
            Some(first) => *first = Value::Array(vec![first.take(), value]),
        }
    }
    members
}

/// What a call to a callback says.
#[derive(Debug, Clone)]
pub struct CallMessage {
    /// A question or a denial, which stands in the query, as an object of strings; a notification, which is the body, where it
    /// is JSON.
    pub json: Option<Arc<Value>>,
    /// The challenge of a question.
    pub challenge: Option<String>,
    /// It is a question or a denial.
    pub is_control: bool,
}

impl CallMessage {
    /// What a call with this query and body says.
    pub fn of(query: &str, body: &str) -> Self {
        let parameters = parameters_of(query);
        let challenge = parameters.get("hub.challenge").map(first_text);
        let is_control = challenge.is_some() || parameters.contains_key("hub.mode");
        let json = match is_control {
            true => Some(Value::Object(parameters)),
            false => serde_json::from_str(body).ok(),
        };
        Self {
            json: json.map(Arc::new),
            challenge,
            is_control,
        }
    }

    /// What the answer to a question has to be: its challenge, or nothing where it should have one and has none.
    pub fn asked(&self) -> Option<String> {
        let mode = self
            .json
            .as_ref()
            .and_then(|query| query.get("hub.mode")?.as_str());
        let verifies = matches!(mode, Some("subscribe" | "unsubscribe")) && self.is_control;
        self.challenge.clone().or_else(|| verifies.then(String::new))
    }
}

fn first_text(value: &Value) -> String {
    let text = match value {
        Value::Array(values) => values.first().and_then(Value::as_str),
        other => other.as_str(),
    };
    text.unwrap_or_default().to_owned()
}
