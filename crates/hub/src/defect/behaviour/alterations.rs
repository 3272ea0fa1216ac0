//! What the hub makes of the resources and members that it passes on: nothing, but for its defects.

use serde_json::{Value, json};

use super::notifications::{alter_entries, alter_resources};
use super::{Behaviour, raw};
use crate::defect::Defect;
use crate::protocol::Notification;

impl Behaviour {
    /// Tells something else than was published.
    pub(super) fn alter_what_is_told(&self, notification: &mut Notification) {
        if self.has(Defect::PatientRenamed) {
            alter_resources(notification, rename_patient);
        }
        if self.has(Defect::IdentifierFalsified) {
            alter_resources(notification, |resource| {
                for identifier in resource["identifier"].as_array_mut().into_iter().flatten() {
                    identifier["value"] = Value::from("castspec");
                }
            });
        }
        if self.has(Defect::ResourcesSwapped) {
            alter_entries(notification, |entries| {
                if let [one, other, ..] = entries.as_mut_slice()
                    && let (Some(one), Some(other)) = (one.get_mut("resource"), other.get_mut("resource"))
                {
                    std::mem::swap(one, other);
                }
            });
        }
        if self.has(Defect::PatientAdded) {
            alter_entries(notification, |entries| {
                let is_patient = |entry: &&Value| {
                    entry["key"] == "patient" && entry["resource"]["resourceType"] == "Patient"
                };
                if let Some(mut patient) = entries.iter().find(is_patient).cloned() {
                    patient["resource"]["id"] = Value::from("castspec");
                    entries.push(patient);
                }
            });
        }
        if self.has(Defect::EntriesByKey) {
            alter_entries(notification, |entries| {
                let mut kept: Vec<Value> = Vec::new();
                for entry in entries.drain(..).rev() {
                    if kept.iter().all(|later| later["key"] != entry["key"]) {
                        kept.push(entry);
                    }
                }
                kept.reverse();
                *entries = kept;
            });
        }
        if self.has(Defect::DecimalsRewritten) {
            alter_entries(notification, |entries| {
                for entry in entries {
                    *entry = without_precision(entry.take());
                }
            });
        }
        if self.has(Defect::MembersFalsified) {
            for name in ["extension", "org.example.castspec"] {
                if notification.event_members().get(name).is_some() {
                    notification
                        .event_members()
                        .set(name, raw(&json!({"castspec": true})));
                }
            }
        }
    }

    /// The text of a notification for the subscriber at this place, where it is told otherwise than the others.
    pub(crate) fn told_otherwise(&self, text: &str, place: usize) -> Option<String> {
        if !self.has(Defect::ToldOtherwise) {
            return None;
        }
        let mut message: Value = serde_json::from_str(text).ok()?;
        let entries = message.pointer_mut("/event/context")?.as_array_mut()?;
        let resource = entries.first_mut()?.get_mut("resource")?.as_object_mut()?;
        resource.insert("language".to_owned(), Value::from(format!("x-castspec-{place}")));
        Some(message.to_string())
    }

    /// Returns other resources as current than were opened.
    pub(crate) fn alter_current(&self, context: &mut Value) {
        let Some(entries) = context.as_array_mut() else {
            return;
        };
        if self.has(Defect::CurrentPatientRenamed) {
            let resources = entries.iter_mut().filter_map(|entry| entry.get_mut("resource"));
            resources.for_each(rename_patient);
        }
        if self.has(Defect::CurrentEntryAdded) && !entries.is_empty() {
            let encounter = json!({"resourceType": "Encounter", "id": "castspec", "status": "planned"});
            entries.push(json!({"key": "encounter", "resource": encounter}));
        }
        let content = entries.iter_mut().find(|entry| entry["key"] == "content");
        let Some(bundle) = content.and_then(|content| content.get_mut("resource")) else {
            return;
        };
        if self.has(Defect::ContentEntryAdded)
            && let Some(bundle) = bundle.as_object_mut()
            && let Some(shared) = bundle.entry("entry").or_insert_with(|| json!([])).as_array_mut()
        {
            shared.push(json!({"resource": {"resourceType": "Basic", "id": "castspec"}}));
        }
        let shared = bundle.get_mut("entry").and_then(Value::as_array_mut);
        if self.has(Defect::ContentAltered) {
            for entry in shared.into_iter().flatten() {
                let (resource_type, id) = (
                    entry["resource"]["resourceType"].take(),
                    entry["resource"]["id"].take(),
                );
                entry["resource"] = json!({"resourceType": resource_type, "id": id});
            }
        }
    }
}

fn rename_patient(resource: &mut Value) {
    if resource["resourceType"] == "Patient"
        && let Some(id) = resource["id"].as_str()
    {
        resource["id"] = Value::from(format!("not-{id}"));
    }
}

/// Whole numbers without a fraction, as a language writes them that has one kind of numbers.
fn without_precision(value: Value) -> Value {
    match value {
        Value::Number(number) => match number.as_f64() {
            // Beyond this, a whole number of this kind is not exact.
            Some(float) if number.is_f64() && float.fract() == 0.0 && float.abs() < 1e15 => {
                format!("{float:.0}")
                    .parse::<i64>()
                    .map_or(Value::Number(number), Value::from)
            }
            _ => Value::Number(number),
        },
        Value::Array(elements) => elements.into_iter().map(without_precision).collect(),
        Value::Object(members) => {
            let members = members.into_iter();
            Value::Object(
                members
                    .map(|(name, value)| (name, without_precision(value)))
                    .collect(),
            )
        }
        other => other,
    }
}
