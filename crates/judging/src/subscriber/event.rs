//! An event as the rules read it, published or notified: whatever is malformed in it is passed over, for the schemas judge
//! that.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use serde_json::Value;

use crate::protocol::{Action, EventName, SyncErrorCause, anchor_key};

/// What an event is about: a resource type in FHIR's own casing, and an id.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Anchor {
    pub(super) resource_type: String,
    pub(super) id: String,
}

impl std::fmt::Display for Anchor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.resource_type, self.id)
    }
}

/// An event.
#[derive(Debug, Clone)]
pub(super) struct Event {
    pub(super) id: Option<String>,
    pub(super) timestamp: Option<String>,
    pub(super) topic: Option<String>,
    pub(super) name: Option<EventName>,
    /// The versions that it states, in either spelling.
    pub(super) versions: Vec<String>,
    pub(super) context: Arc<Value>,
}

impl Event {
    /// The event in a message; `None` where there is none.
    pub(super) fn read(message: &Value) -> Option<Self> {
        let event = message.get("event")?;
        let text = |value: &Value, name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
        let versions = ["context.versionId", "versionId"];
        Some(Self {
            id: text(message, "id"),
            timestamp: text(message, "timestamp"),
            topic: text(event, "hub.topic"),
            name: text(event, "hub.event").and_then(|name| name.parse().ok()),
            versions: versions.iter().filter_map(|name| text(event, name)).collect(),
            context: Arc::new(event.get("context").cloned().unwrap_or(Value::Null)),
        })
    }

    /// What the event does, where it does something to a resource.
    pub(super) fn action(&self) -> Option<Action> {
        self.name.as_ref()?.resource().map(|(_, action)| action)
    }

    /// The resource that the event is about.
    pub(super) fn anchor(&self) -> Option<Anchor> {
        let (resource_type, _) = self.name.as_ref()?.resource()?;
        anchor_in(&self.context, &resource_type)
    }

    /// The event's name in lower case; empty where it has none.
    pub(super) fn folded(&self) -> String {
        self.name.as_ref().map(EventName::folded).unwrap_or_default()
    }

    /// What tells this change from another one: its event and its context, in any order of members.
    pub(super) fn digest(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.folded().hash(&mut hasher);
        digest(&self.context, &mut hasher);
        hasher.finish()
    }

    /// What a SyncError is about; nothing for other events.
    pub(super) fn causes(&self) -> Vec<SyncErrorCause> {
        if self.folded() == "syncerror" {
            SyncErrorCause::from_context(&self.context)
        } else {
            Vec::new()
        }
    }
}

/// The resource of this type that a context is about.
pub(super) fn anchor_in(context: &Value, resource_type: &str) -> Option<Anchor> {
    let elements = || context.as_array().into_iter().flatten();
    let key_of = |element: &Value| element.get("key").and_then(Value::as_str).map(str::to_owned);
    let keys = [anchor_key(resource_type), resource_type.to_ascii_lowercase()];
    let by_key = elements().find(|element| key_of(element).is_some_and(|key| keys.contains(&key)));
    let element = by_key.or_else(|| {
        elements().find(|element| {
            element
                .pointer("/resource/resourceType")
                .and_then(Value::as_str)
                .is_some_and(|kind| kind.eq_ignore_ascii_case(resource_type))
        })
    })?;
    let id = match element.pointer("/resource/id").and_then(Value::as_str) {
        Some(id) => id.to_owned(),
        None => reference_id(element.get("reference")?)?,
    };
    Some(Anchor {
        resource_type: resource_type.to_owned(),
        id,
    })
}

/// The id at the end of a reference.
fn reference_id(reference: &Value) -> Option<String> {
    let text = reference.get("reference")?.as_str()?;
    named(text).map(|(_, id)| id.to_owned())
}

/// Type and id that a literal reference names; the type is empty where it does not tell.
pub(super) fn named(literal: &str) -> Option<(&str, &str)> {
    let literal = literal
        .split_once("/_history/")
        .map_or(literal, |(unversioned, _)| unversioned);
    if let Some(bare) = literal
        .strip_prefix("urn:uuid:")
        .or_else(|| literal.strip_prefix("urn:oid:"))
    {
        return Some(("", bare));
    }
    let mut parts = literal.rsplit('/');
    let id = parts.next().filter(|id| !id.is_empty())?;
    Some((parts.next().unwrap_or(""), id))
}

/// The resources of a context with where they stand in the message.
pub(super) fn resources(context: &Value) -> Vec<(String, &Value)> {
    let elements = context.as_array().into_iter().flatten().enumerate();
    elements
        .filter_map(|(index, element)| {
            let resource = element.get("resource").filter(|resource| resource.is_object())?;
            Some((format!("/event/context/{index}/resource"), resource))
        })
        .collect()
}

/// A member as text; empty where it is none.
pub(super) fn text<'a>(value: &'a Value, member: &str) -> &'a str {
    value.get(member).and_then(Value::as_str).unwrap_or_default()
}

/// What tells a value from another one, in any order of members.
pub(super) fn digest_of(value: &Value) -> u64 {
    let mut hasher = DefaultHasher::new();
    digest(value, &mut hasher);
    hasher.finish()
}

fn digest(value: &Value, hasher: &mut DefaultHasher) {
    match value {
        Value::Object(members) => {
            let mut names: Vec<&String> = members.keys().collect();
            names.sort();
            '{'.hash(hasher);
            for name in names {
                name.hash(hasher);
                digest(&members[name.as_str()], hasher);
            }
        }
        Value::Array(values) => {
            '['.hash(hasher);
            values.len().hash(hasher);
            values.iter().for_each(|value| digest(value, hasher));
        }
        scalar => scalar.to_string().hash(hasher),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_an_event_is_about_is_found_by_key_type_or_reference() {
        let event = |name: &str, context: Value| {
            Event::read(
                &json!({"id": "e", "event": {"hub.topic": "t", "hub.event": name, "context": context}}),
            )
            .unwrap()
        };
        let report =
            json!([{"key": "report", "reference": {"reference": "https://h/DiagnosticReport/r/_history/2"}}]);
        assert_eq!(
            event("diagnosticreport-UPDATE", report)
                .anchor()
                .unwrap()
                .to_string(),
            "DiagnosticReport/r"
        );
        let odd = json!([{"key": "x", "resource": {"resourceType": "Patient", "id": "p"}}]);
        assert_eq!(event("Patient-open", odd).anchor().unwrap().id, "p");
        assert_eq!(event("Patient-open", json!([])).anchor(), None);
        assert_eq!(event("Patient-open", json!({"key": 7})).anchor(), None);
        assert!(Event::read(&json!([7])).is_none());
    }

    #[test]
    fn a_change_is_the_same_in_any_order_of_members() {
        let event = |context: Value| {
            let message = json!({"event": {"hub.event": "Patient-open", "context": context}});
            Event::read(&message).unwrap().digest()
        };
        assert_eq!(
            event(json!([{"key": "a", "b": [1, 2]}])),
            event(json!([{"b": [1, 2], "key": "a"}]))
        );
        assert_ne!(
            event(json!([{"key": "a", "b": [1, 2]}])),
            event(json!([{"b": [2, 1], "key": "a"}]))
        );
    }
}
