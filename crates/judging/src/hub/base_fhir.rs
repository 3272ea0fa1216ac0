//! Whether the resources that the hub itself made are FHIR R4: told as a reading, never judged, since a hub need not validate.

use serde_json::Value;

use crate::fhir::{FhirError, Validator};

/// The name of these observations.
pub const FHIR_READINGS: &str = "fhir-r4";

/// A resource that the hub made.
#[derive(Debug, Clone)]
pub struct Authored {
    /// What it belongs to, in words.
    whose: &'static str,
    resource: Value,
}

/// The resources of a SyncError that no publication accounts for.
pub fn authored_sync_error(message: &Value) -> Vec<Authored> {
    authored("a SyncError", resources(message.pointer("/event/context"), None))
}

/// The content of a current context: its Bundle is the hub's. The other resources were published by subscribers.
pub fn authored_content(current_context: &Value) -> Vec<Authored> {
    let content = resources(current_context.get("context"), Some("content"));
    authored("the current content", content)
}

fn authored(whose: &'static str, resources: Vec<Value>) -> Vec<Authored> {
    let all = resources.into_iter();
    all.map(|resource| Authored { whose, resource }).collect()
}

/// The resources in a context, under one key or any.
fn resources(context: Option<&Value>, key: Option<&str>) -> Vec<Value> {
    let entries = context.and_then(Value::as_array).into_iter().flatten();
    entries
        .filter(|entry| key.is_none_or(|key| entry.get("key").and_then(Value::as_str) == Some(key)))
        .filter_map(|entry| entry.get("resource").cloned())
        .collect()
}

/// Every way in which these are not FHIR R4, in words. It takes a while the first time.
///
/// # Errors
/// When the definitions of FHIR R4 cannot be loaded.
pub fn readings(authored: &[Authored]) -> Result<Vec<String>, &'static FhirError> {
    let validator = Validator::shared()?;
    let mut readings = Vec::new();
    for Authored { whose, resource } in authored {
        let findings = validator.validate(resource).into_iter();
        for finding in findings.filter(|finding| !is_shared_by_subscriber(&finding.pointer)) {
            readings.push(format!("in {whose}, {finding}"));
        }
    }
    Ok(readings)
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
        assert_eq!(
            readings(&authored_content(&current)).unwrap(),
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
