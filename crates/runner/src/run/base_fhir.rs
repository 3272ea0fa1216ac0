//! Whether the resources that the hub itself made are FHIR R4: told as a reading, never judged, since a hub need not validate.

use serde_json::Value;

use super::play::Play;
use crate::fhir::Validator;

/// The name of these observations.
const SUBJECT: &str = "fhir-r4";

/// A resource that the hub made.
#[derive(Debug)]
pub struct Authored {
    /// What it belongs to, in words.
    whose: &'static str,
    resource: Value,
}

impl Play<'_> {
    /// Remembers the resources of a SyncError that no publication accounts for.
    pub fn authored_sync_error(&mut self, message: &Value) {
        let resources = resources(message.pointer("/event/context"), None);
        self.remember("a SyncError", resources);
    }

    /// Remembers the content of a current context: its Bundle is the hub's. The other resources were published by subscribers.
    pub fn authored_content(&mut self, current_context: &Value) {
        let resources = resources(current_context.get("context"), Some("content"));
        self.remember("the current content", resources);
    }

    fn remember(&mut self, whose: &'static str, resources: Vec<Value>) {
        let authored = resources.into_iter().map(|resource| Authored { whose, resource });
        self.authored.extend(authored);
    }

    /// Judges what was remembered. It takes a while the first time, on a thread where that holds nobody up.
    pub async fn observe_base_fhir(&mut self) {
        let authored = std::mem::take(&mut self.authored);
        if authored.is_empty() {
            return;
        }
        // A thread that fails leaves nothing to tell.
        let readings = tokio::task::spawn_blocking(move || readings(&authored)).await;
        for reading in readings.unwrap_or_default() {
            self.judge.reading(SUBJECT, &reading);
        }
    }
}

/// The resources in a context, under one key or any.
fn resources(context: Option<&Value>, key: Option<&str>) -> Vec<Value> {
    let entries = context.and_then(Value::as_array).into_iter().flatten();
    entries
        .filter(|entry| key.is_none_or(|key| entry.get("key").and_then(Value::as_str) == Some(key)))
        .filter_map(|entry| entry.get("resource").cloned())
        .collect()
}

fn readings(authored: &[Authored]) -> Vec<String> {
    let validator = match Validator::shared() {
        Ok(validator) => validator,
        Err(error) => {
            tracing::error!("{error}");
            return Vec::new();
        }
    };
    let mut readings = Vec::new();
    for own in authored {
        let findings = validator.validate(&own.resource).into_iter();
        for finding in findings.filter(|finding| !is_shared_by_subscriber(&finding.pointer)) {
            readings.push(format!("in {}, {finding}", own.whose));
        }
    }
    readings
}

/// What lies in the entries of a Bundle was published, and is as its author made it.
fn is_shared_by_subscriber(pointer: &str) -> bool {
    let mut steps = pointer.split('/').skip(1);
    steps.next() == Some("entry") && steps.nth(1) == Some("resource")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_the_hub_made_is_told() {
        let current = json!({"context": [
            {"key": "patient", "resource": {"resourceType": "Patient", "gender": "F"}},
            {"key": "content", "resource": {"resourceType": "Bundle", "entry": [
                {"fullUrl": "", "resource": {"resourceType": "Observation"}}]}},
        ]});
        let authored: Vec<Authored> = resources(current.get("context"), Some("content"))
            .into_iter()
            .map(|resource| Authored {
                whose: "the current content",
                resource,
            })
            .collect();
        assert_eq!(
            readings(&authored),
            [
                "in the current content, the resource has no 'type'; expected 'type' in Bundle",
                "in the current content, /entry/0/fullUrl is empty; expected a uri, or no such member",
            ]
        );
    }

    #[test]
    fn contexts_of_any_form_are_borne() {
        for context in [json!(null), json!(7), json!([1, {}, {"key": 1, "resource": 3}])] {
            let found = resources(Some(&context), None);
            assert!(found.len() <= 1, "{found:?}");
        }
        assert!(resources(None, Some("content")).is_empty());
    }
}
