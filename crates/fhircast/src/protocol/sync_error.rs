//! The `SyncError` event's OperationOutcome (3.2.1 and its profiles).

use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::event_name::EventName;

/// Coding system of the id of the event that the error is about.
pub const EVENT_ID_SYSTEM: &str = "https://fhircast.hl7.org/events/syncerror/eventid";
/// Coding system of the name of the event that the error is about.
pub const EVENT_NAME_SYSTEM: &str = "https://fhircast.hl7.org/events/syncerror/eventname";
/// Coding system of the subscriber's name, as in the profile.
pub const SUBSCRIBER_NAME_SYSTEM: &str = "https://fhircast.hl7.org/events/syncerror/subscribername";
/// Coding system of the subscriber's name, as in the example of 3.2.1 (ambiguities, 8).
pub const SUBSCRIBER_SYSTEM: &str = "https://fhircast.hl7.org/events/syncerror/subscriber";

/// What a `SyncError` is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyncErrorCause {
    /// Id of the event that was refused or not delivered.
    pub event_id: String,
    /// Its name, as written.
    pub event_name: String,
    /// The subscriber that refused it or could not be reached.
    pub subscriber_name: Option<String>,
    /// Source and reason, for people.
    pub diagnostics: String,
}

impl SyncErrorCause {
    /// A cause that names the event.
    pub fn new(event_id: &str, event_name: &EventName, subscriber_name: &str, diagnostics: String) -> Self {
        Self {
            event_id: event_id.to_owned(),
            event_name: event_name.as_str().to_owned(),
            subscriber_name: Some(subscriber_name.to_owned()),
            diagnostics,
        }
    }

    /// The OperationOutcome, with the systems of the profile.
    pub fn to_outcome(&self) -> Value {
        let mut coding = vec![
            json!({"system": EVENT_ID_SYSTEM, "code": self.event_id}),
            json!({"system": EVENT_NAME_SYSTEM, "code": self.event_name}),
        ];
        if let Some(name) = &self.subscriber_name {
            coding.push(json!({"system": SUBSCRIBER_NAME_SYSTEM, "code": name}));
        }
        json!({
            "resourceType": "OperationOutcome",
            "issue": [{
                "severity": "warning",
                "code": "processing",
                "diagnostics": self.diagnostics,
                "details": {"coding": coding},
            }],
        })
    }

    /// The context of the `SyncError` event.
    pub fn to_context(&self) -> Value {
        json!([{"key": "operationoutcome", "resource": self.to_outcome()}])
    }

    /// The context as raw JSON.
    pub fn to_raw_context(&self) -> Box<RawValue> {
        serde_json::value::to_raw_value(&self.to_context()).unwrap_or_else(|_| RawValue::NULL.to_owned())
    }

    /// Reads every issue of a `SyncError`'s context that names an event; several subscribers may be told of in one.
    pub fn from_context(context: &Value) -> Vec<Self> {
        let entries = context.as_array().map(Vec::as_slice).unwrap_or_default();
        let issues = entries
            .iter()
            .filter_map(|entry| entry.pointer("/resource/issue").and_then(Value::as_array))
            .flatten();
        issues.filter_map(Self::from_issue).collect()
    }

    fn from_issue(issue: &Value) -> Option<Self> {
        let codings = issue.pointer("/details/coding")?.as_array()?;
        let code = |system: &str| {
            codings
                .iter()
                .find(|coding| coding["system"].as_str() == Some(system))
                .and_then(|coding| coding["code"].as_str())
                .map(str::to_owned)
        };
        Some(Self {
            event_id: code(EVENT_ID_SYSTEM)?,
            event_name: code(EVENT_NAME_SYSTEM).unwrap_or_default(),
            subscriber_name: code(SUBSCRIBER_NAME_SYSTEM).or_else(|| code(SUBSCRIBER_SYSTEM)),
            diagnostics: issue["diagnostics"].as_str().unwrap_or_default().to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_is_read_as_it_was_written() {
        let cause = SyncErrorCause::new(
            "e1",
            &"Patient-open".parse().unwrap(),
            "Viewer",
            "Viewer refused".to_owned(),
        );
        assert_eq!(SyncErrorCause::from_context(&cause.to_context()), vec![cause]);
    }

    #[test]
    fn the_examples_system_is_read_too_and_garbage_is_not() {
        let context = json!([{"key": "operationoutcome", "resource": {"issue": [
            {"details": {"coding": [{"system": EVENT_ID_SYSTEM, "code": "e"}, {"system": SUBSCRIBER_SYSTEM, "code": "A"}]}},
            {"details": {"coding": "x"}},
            7,
        ]}}]);
        let causes = SyncErrorCause::from_context(&context);
        assert_eq!(causes.len(), 1);
        assert_eq!(causes[0].subscriber_name.as_deref(), Some("A"));
        assert!(SyncErrorCause::from_context(&json!({})).is_empty());
    }
}
