//! What `castspec subscriber` publishes: messages from files, or events made from templates and resources.

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::{Value, json};

use super::CommandError;
use castspec_fhircast::protocol::{EventName, Timestamp, Version};
use castspec_runner::scenario::{Templates, new_case};

/// What to publish once subscribed, in this order: messages, then events.
#[derive(Debug, Args)]
pub struct EventArguments {
    /// Publish a message from a file (JSON), as it is; repeatable
    #[arg(long, value_name = "FILE")]
    publish: Vec<PathBuf>,
    /// Publish this event, made from a template; repeatable
    #[arg(long, value_name = "EVENT")]
    event: Vec<EventName>,
    /// The Patient of the events (a FHIR resource as JSON)
    #[arg(long, value_name = "FILE", requires = "event")]
    patient: Option<PathBuf>,
    /// The Encounter of the events
    #[arg(long, value_name = "FILE", requires = "event")]
    encounter: Option<PathBuf>,
    /// The ImagingStudy of the events
    #[arg(long, value_name = "FILE", requires = "event")]
    study: Option<PathBuf>,
    /// The DiagnosticReport of the events
    #[arg(long, value_name = "FILE", requires = "event")]
    report: Option<PathBuf>,
}

impl EventArguments {
    /// The messages, ready to be sent.
    ///
    /// # Errors
    /// When a file cannot be read or is not what it should be, or there is no template for an event.
    pub(super) fn messages(&self, version: Version, topic: &str) -> Result<Vec<Value>, CommandError> {
        let mut messages = Vec::new();
        for path in &self.publish {
            messages.push(read(path)?);
        }
        if self.event.is_empty() {
            return Ok(messages);
        }
        let mut case = new_case(|| uuid::Uuid::new_v4().to_string());
        let mut resources = Vec::new();
        for (member, kind, path) in [
            ("patient", "Patient", &self.patient),
            ("encounter", "Encounter", &self.encounter),
            ("study", "ImagingStudy", &self.study),
            ("report", "DiagnosticReport", &self.report),
        ] {
            let Some(path) = path else { continue };
            let resource = read(path)?;
            if resource.get("resourceType").and_then(Value::as_str) != Some(kind) {
                return Err(CommandError::new(format!("{}: is no {kind}", path.display())));
            }
            // What refers to it is made from the case.
            if let Some(id) = resource.get("id") {
                case[member]["id"] = id.clone();
            }
            resources.push(resource);
        }
        let templates = Templates::embedded()?;
        for event in &self.event {
            let mut context = templates.context(version, event, &case)?;
            for resource in &resources {
                put(&mut context, resource);
            }
            messages.push(json!({
                "timestamp": Timestamp::from_instant(jiff::Timestamp::now()).as_str(),
                "id": uuid::Uuid::new_v4().to_string(),
                "event": {"hub.topic": topic, "hub.event": event.as_str(), "context": context},
            }));
        }
        Ok(messages)
    }
}

/// Puts a resource in the place of the one of its type.
fn put(context: &mut Value, resource: &Value) {
    for entry in context.as_array_mut().into_iter().flatten() {
        if let Some(current) = entry.get_mut("resource")
            && current.get("resourceType") == resource.get("resourceType")
        {
            *current = resource.clone();
        }
    }
}

fn read(path: &Path) -> Result<Value, CommandError> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| CommandError::new(format!("{}: cannot be read: {error}", path.display())))?;
    serde_json::from_str(&text)
        .map_err(|error| CommandError::new(format!("{}: is not JSON: {error}", path.display())))
}
