//! A wrong key in a context is one mistake, however many requirements it breaks: it is told once, with the key that was meant.

use std::collections::HashMap;

use serde_json::Value;

use super::Schemas;
use super::agreement::catalogue_key;
use super::formats::resource_event;
use super::judgement::{Judgement, Violation};
use super::kind::Sender;
use crate::likeness::nearest;
use crate::requirement::RequirementId;

impl Schemas {
    /// The judgement of a message with an event, with all that follows from one wrong key told as one violation: of the element that
    /// the event demands and that stands under the wrong key, or else of the key. A key is wrong where the event does not define it,
    /// and one that it defines was meant.
    ///
    /// The judgement is that of the whole message, with the context's pointers below `/event`.
    #[must_use]
    pub fn with_wrong_keys_told_once(&self, message: &Value, judgement: Judgement) -> Judgement {
        let name = message.pointer("/event/hub.event").and_then(Value::as_str);
        let context = message.pointer("/event/context").and_then(Value::as_array);
        let (Some(name), Some(context)) = (name, context) else {
            return judgement;
        };
        let name = name.to_lowercase();
        let keys = self.context_keys(&name);
        let mut told = TellingOnce::new(&name, judgement);
        for (index, element) in context.iter().enumerate() {
            let Some(key) = element.get("key").and_then(Value::as_str) else {
                continue;
            };
            if !keys.iter().any(|known| known == key)
                && let Some(meant) = meant(key, element, &keys)
            {
                let place = format!("/event/context/{index}/key");
                told.tell(&place, key, meant);
            }
        }
        told.into_judgement()
    }

    /// The keys that the definition of an event names, as far as it names them.
    fn context_keys(&self, event_name: &str) -> Vec<String> {
        let Some(schema) = self.event_schema(event_name) else {
            return Vec::new();
        };
        let parts = self.loaded.part(Sender::Subscriber, &schema, "/items/allOf");
        let parts = parts.and_then(Value::as_array).into_iter().flatten();
        let defined: Vec<String> = parts
            .filter_map(|part| part.pointer("/properties/key/enum")?.as_array())
            .flatten()
            .filter_map(|key| key.as_str().map(str::to_owned))
            .collect();
        if !defined.is_empty() {
            return defined;
        }
        let Some((resource, suffix)) = resource_event(event_name) else {
            return Vec::new();
        };
        let content = match suffix {
            "update" => Some("updates"),
            "select" => Some("select"),
            _ => None,
        };
        [resource, catalogue_key(resource)]
            .into_iter()
            .chain(content)
            .map(str::to_owned)
            .collect()
    }
}

/// The key of the event that is meant by a wrong one: the nearest, else the one for what stands there.
fn meant<'a>(key: &str, element: &Value, keys: &'a [String]) -> Option<&'a str> {
    let defined = |wanted: &str| keys.iter().map(String::as_str).find(|known| *known == wanted);
    if let Some(near) = nearest(key, keys.iter().map(String::as_str)) {
        return defined(catalogue_key(near)).or(Some(near));
    }
    let of_resource = element.pointer("/resource/resourceType").and_then(Value::as_str);
    let of_reference = || {
        let reference = element.pointer("/reference/reference")?.as_str()?;
        reference.rsplit('/').nth(1)
    };
    match of_resource.or_else(of_reference)? {
        "Bundle" => defined("updates"),
        resource => defined(catalogue_key(&resource.to_lowercase())),
    }
}

/// Whether a requirement says something about the key of an element.
fn is_about_key(requirement: &str) -> bool {
    requirement.starts_with("event.context-key-case.")
        || requirement.starts_with("event.context-additional.")
        || requirement == "event.change-key"
}

/// A judgement whose violations are told once a wrong key. What is looked up stands in indices: there can be as many wrong keys as
/// violations.
struct TellingOnce<'n> {
    event_name: &'n str,
    satisfied: Vec<RequirementId>,
    /// `None` for one that has become part of another.
    violations: Vec<Option<Violation>>,
    /// The violations that are about a key, by its place.
    of_keys: HashMap<String, Vec<usize>>,
    /// The violations of the context as a whole, among which are those of missing elements.
    of_context: Vec<usize>,
}

impl<'n> TellingOnce<'n> {
    fn new(event_name: &'n str, judgement: Judgement) -> Self {
        let mut of_keys: HashMap<String, Vec<usize>> = HashMap::new();
        let mut of_context = Vec::new();
        for (index, violation) in judgement.violations.iter().enumerate() {
            if is_about_key(&violation.requirement) {
                of_keys.entry(violation.pointer.clone()).or_default().push(index);
            }
            if violation.pointer == "/event/context" {
                of_context.push(index);
            }
        }
        Self {
            event_name,
            satisfied: judgement.satisfied,
            violations: judgement.violations.into_iter().map(Some).collect(),
            of_keys,
            of_context,
        }
    }

    /// Whether a requirement demands the element that stands under the wrong key.
    fn demands(&self, requirement: &str, meant: &str) -> bool {
        let resource = resource_event(self.event_name).map_or("", |(resource, _)| resource);
        match requirement {
            "event.update-updates" => meant == "updates",
            "imagingstudy-open.patient-of-study" | "imagingstudy-close.patient-of-study" => {
                meant == "patient"
            }
            "event.change-anchor" | "event.update-anchor" | "event.select-anchor" => {
                meant == catalogue_key(resource) || meant == resource
            }
            own => own
                .strip_prefix(self.event_name)
                .and_then(|rest| rest.strip_prefix('.'))
                .is_some_and(|demanded| demanded == meant),
        }
    }

    fn tell(&mut self, place: &str, key: &str, meant: &str) {
        let Some(of_key) = self.of_keys.remove(place) else {
            return;
        };
        let (missing, others): (Vec<usize>, Vec<usize>) =
            self.of_context.iter().copied().partition(|index| {
                let violation = self.violations.get(*index).and_then(Option::as_ref);
                violation.is_some_and(|violation| self.demands(&violation.requirement, meant))
            });
        self.of_context = others;
        let kept = missing.first().or(of_key.first()).copied();
        for index in missing.into_iter().chain(of_key) {
            let Some(violation) = self.violations.get_mut(index) else {
                continue;
            };
            if Some(index) != kept {
                *violation = None;
            } else if let Some(violation) = violation {
                violation.message = format!("{place} is \"{key}\"; did you mean \"{meant}\"?");
                place.clone_into(&mut violation.pointer);
            }
        }
    }

    fn into_judgement(self) -> Judgement {
        Judgement {
            satisfied: self.satisfied,
            violations: self.violations.into_iter().flatten().collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::MessageKind;
    use super::*;
    use crate::protocol::Version;
    use crate::requirement::RequirementId;

    /// What is told of keys and missing elements, as requirement and message.
    fn told(event: &str, context: Value) -> Vec<(RequirementId, String)> {
        let schemas = Schemas::load(Version::Stu3).unwrap();
        let message = json!({"timestamp": "2026-01-01T00:00:00Z", "id": "e", "event": {
            "hub.topic": "t", "hub.event": event, "context.versionId": "1", "context": context}});
        let judgement = schemas
            .judge(MessageKind::Publication, &message)
            .join(schemas.judge_context(event, &message["event"]), "/event");
        let judgement = schemas.with_wrong_keys_told_once(&message, judgement);
        let of_keys = judgement
            .violations
            .into_iter()
            .filter(|violation| violation.pointer == "/event/context" || violation.pointer.ends_with("/key"));
        of_keys
            .map(|violation| (violation.requirement, violation.message))
            .collect()
    }

    fn patient(key: &str) -> Value {
        json!({"key": key, "resource": {"resourceType": "Patient", "id": "p", "identifier": [{"value": "1"}]}})
    }

    #[test]
    fn a_wrong_key_is_one_finding_with_the_key_that_was_meant() {
        for (key, requirement) in [
            ("Patient", "patient-open.patient"),
            ("patients", "patient-open.patient"),
            ("subject", "patient-open.patient"),
        ] {
            let told = told("Patient-open", json!([patient(key)]));
            let expected = format!("/event/context/0/key is \"{key}\"; did you mean \"patient\"?");
            assert_eq!(told, [(requirement.into(), expected)]);
        }
    }

    #[test]
    fn the_key_of_the_catalogue_is_advised() {
        for (event, resource, key, meant) in [
            ("ImagingStudy-close", "ImagingStudy", "imagingStudy", "study"),
            ("DiagnosticReport-close", "DiagnosticReport", "Report", "report"),
            (
                "DiagnosticReport-close",
                "DiagnosticReport",
                "diagnostic-report",
                "report",
            ),
        ] {
            let context =
                json!([{"key": key, "resource": {"resourceType": resource, "id": "r"}}, patient("patient")]);
            let told = told(event, context);
            assert_eq!(told.len(), 1, "{told:?}");
            assert!(
                told[0].1.ends_with(&format!("did you mean \"{meant}\"?")),
                "{told:?}"
            );
        }
    }

    #[test]
    fn what_misses_the_element_under_the_wrong_key_is_no_finding_of_its_own() {
        let study = json!({"resourceType": "ImagingStudy", "id": "s", "status": "available",
            "subject": {"reference": "Patient/p"}, "identifier": [{"value": "1"}]});
        let told = told(
            "ImagingStudy-open",
            json!([{"key": "study", "resource": study}, patient("Patient")]),
        );
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(told[0].1.ends_with("did you mean \"patient\"?"), "{told:?}");
    }

    #[test]
    fn right_keys_and_missing_elements_are_told_as_before() {
        assert_eq!(told("Patient-open", json!([patient("patient")])), []);
        let told_missing = told("DiagnosticReport-close", json!([patient("patient")]));
        assert!(
            told_missing.iter().any(|(requirement, message)| {
                requirement == "diagnosticreport-close.report" && !message.contains("did you mean")
            }),
            "{told_missing:?}"
        );
        let strange = told(
            "Patient-open",
            json!([patient("patient"), {"key": "zzz", "string": "x"}]),
        );
        assert_eq!(strange.len(), 1, "{strange:?}");
        assert_eq!(strange[0].0, "event.context-additional.subscriber");
        assert!(!strange[0].1.contains("did you mean"), "{strange:?}");
    }
}
