//! `castspec validate`: messages in files, judged by the schemas.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use super::validate_conversation::{self, Manner, Side};
use super::{CommandError, print};
use castspec_fhircast::fhir::{self, Finding};
use castspec_fhircast::protocol::Version;
use castspec_fhircast::requirement::{Catalogue, Level};
use castspec_fhircast::schema::{Judgement, MessageKind, Schemas, Unmet};
use castspec_judging::outcome::Grading;
use castspec_runner::recorded::Recording;

/// Validate messages against the schemas of FHIRcast, or recorded conversations as a whole
///
/// A file holds one JSON message, or an array of messages; what kind of message it is shows by its members. Or it is a
/// recorded conversation, a capture of `castspec record` or a HAR file of a browser: then hub and subscribers are judged by
/// everything that passed between them.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  castspec validate notification.json\n  curl -s https://hub.example.com/fhircast/.well-known/fhircast-configuration | castspec validate -\n  castspec validate monday.jsonl --reports reports"
)]
pub struct ValidateCommand {
    /// Files to validate; - is standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// The version of FHIRcast; STU3 unless a conversation shows another one
    #[arg(long)]
    fhircast_version: Option<Version>,
    /// What the messages are, when it does not show by their members
    #[arg(long, value_enum)]
    kind: Option<Kind>,
    /// A broken SHOULD counts as broken
    #[arg(long)]
    strict: bool,
    /// Leave out whether the resources are FHIR R4 at all; it is told as notes, which never count as broken
    #[arg(long)]
    no_fhir: bool,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
    /// Of a conversation, judge this side only
    #[arg(long = "as", value_enum, value_name = "SIDE")]
    side: Option<Side>,
    /// Of a conversation, write junit.xml, report.json and index.html into this folder
    #[arg(long, value_name = "DIR")]
    reports: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Kind {
    SubscriptionRequest,
    UnsubscribeRequest,
    SubscriptionResponse,
    UnsubscribeResponse,
    Confirmation,
    Denial,
    IntentVerification,
    WebhookDenial,
    Notification,
    Publication,
    Acknowledgement,
    Configuration,
    CurrentContext,
}

impl From<Kind> for MessageKind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::SubscriptionRequest => Self::SubscriptionRequest,
            Kind::UnsubscribeRequest => Self::UnsubscribeRequest,
            Kind::SubscriptionResponse => Self::SubscriptionResponse,
            Kind::UnsubscribeResponse => Self::UnsubscribeResponse,
            Kind::Confirmation => Self::Confirmation,
            Kind::Denial => Self::Denial,
            Kind::IntentVerification => Self::IntentVerification,
            Kind::WebhookDenial => Self::WebhookDenial,
            Kind::Notification => Self::Notification,
            Kind::Publication => Self::Publication,
            Kind::Acknowledgement => Self::Acknowledgement,
            Kind::Configuration => Self::Configuration,
            Kind::CurrentContext => Self::CurrentContext,
        }
    }
}

/// How much a violation weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Weight {
    Broken,
    Warned,
    Noted,
}

impl Weight {
    fn name(self) -> &'static str {
        match self {
            Self::Broken => "fail",
            Self::Warned => "warn",
            Self::Noted => "note",
        }
    }
}

impl ValidateCommand {
    /// Validates the files.
    ///
    /// # Errors
    /// When a file cannot be read, is not JSON, or holds something that is no message of FHIRcast.
    pub fn run(&self) -> Result<ExitCode, CommandError> {
        if let [file] = &self.files[..]
            && let Some(recording) = recording(file)?
        {
            return self.judge_recording(file, &recording);
        }
        let version = self.fhircast_version.unwrap_or(Version::Stu3);
        let catalogue = Catalogue::embedded().map_err(|error| CommandError::from_error(&error))?;
        let schemas = Schemas::load(version).map_err(|error| CommandError::from_error(&error))?;
        for (given, option) in [
            (self.side.is_some(), "--as"),
            (self.reports.is_some(), "--reports"),
        ] {
            if given {
                return Err(CommandError::new(format!(
                    "{option} is for a recorded conversation, given alone: a capture or a HAR file"
                )));
            }
        }
        let mut broken = 0;
        let mut text = String::new();
        let mut results = Vec::new();
        for file in &self.files {
            let name = if file.as_os_str() == "-" {
                "standard input".to_owned()
            } else {
                file.display().to_string()
            };
            if recording(file)?.is_some() {
                return Err(CommandError::new(format!(
                    "{name}: is a recorded conversation, which is judged as a whole: give it alone"
                )));
            }
            let content =
                read(file).map_err(|error| CommandError::new(format!("{name}: cannot be read: {error}")))?;
            let document: Value = serde_json::from_str(&content)
                .map_err(|error| CommandError::new(format!("{name}: is not JSON: {error}")))?;
            let messages = match document {
                Value::Array(messages) => messages,
                message => vec![message],
            };
            if messages.is_empty() {
                return Err(CommandError::new(format!("{name}: holds no message")));
            }
            for (position, message) in messages.iter().enumerate() {
                let label = if messages.len() > 1 {
                    format!("{name}[{position}]")
                } else {
                    name.clone()
                };
                let kind = match self.kind {
                    Some(kind) => kind.into(),
                    None => schemas.detect(message).ok_or_else(|| {
                        CommandError::new(format!(
                            "{label}: no message of FHIRcast {version} can be recognized in it; say what it is by --kind"
                        ))
                    })?,
                };
                if !schemas.has(kind) {
                    return Err(CommandError::new(format!(
                        "{label}: FHIRcast {version} has no messages of the kind {kind}"
                    )));
                }
                let judged = judge(&schemas, kind, message);
                let found: Vec<(Weight, String, Value)> = judged
                    .violations
                    .iter()
                    .map(|own| self.weigh(&catalogue, version, own))
                    .collect();
                broken += found
                    .iter()
                    .filter(|(weight, ..)| *weight == Weight::Broken)
                    .count();
                text.push_str(&format!("{label}: {}", kind.name()));
                if let Some(event) = message.pointer("/event/hub.event").and_then(Value::as_str) {
                    text.push_str(&format!(" of {event}"));
                }
                let held = judged.satisfied.len();
                text.push_str(&match found.len() {
                    0 => format!(": valid ({held} requirements held)\n"),
                    1 => ": 1 violation\n".to_owned(),
                    count => format!(": {count} violations\n"),
                });
                for (_, told, _) in &found {
                    text.push_str(told);
                }
                let violations: Vec<Value> = found.into_iter().map(|(_, _, value)| value).collect();
                let mut result = json!({"message": label, "kind": kind.name(), "held": judged.satisfied, "violations": violations});
                if !self.no_fhir {
                    let notes = base_fhir(message)?;
                    text.push_str(&told_apart(&notes));
                    result["base_fhir_r4"] = notes.iter().map(as_json).collect();
                }
                results.push(result);
            }
        }
        if self.json {
            text = format!("{:#}\n", Value::Array(results));
        }
        print(&text)?;
        Ok(if broken == 0 {
            ExitCode::SUCCESS
        } else {
            ExitCode::from(1)
        })
    }

    fn judge_recording(&self, file: &Path, recording: &Recording) -> Result<ExitCode, CommandError> {
        for (given, option) in [(self.kind.is_some(), "--kind"), (self.json, "--json")] {
            if given {
                return Err(CommandError::new(format!(
                    "{option} is for messages, and {} is a recorded conversation; --reports writes report.json",
                    file.display()
                )));
            }
        }
        let manner = Manner {
            version: self.fhircast_version,
            side: self.side,
            reports: self.reports.as_deref(),
            grading: Grading::strict_if(self.strict),
        };
        validate_conversation::judge(file, recording, &manner)
    }

    fn weigh(
        &self,
        catalogue: &Catalogue,
        version: Version,
        violation: &castspec_fhircast::schema::Violation,
    ) -> (Weight, String, Value) {
        let requirement = catalogue.get(version, &violation.requirement);
        let level = requirement.map_or(Level::Shall, |own| own.level);
        let weight = match (violation.unmet, level) {
            (Unmet::Note, _) | (Unmet::ByLevel, Level::May) => Weight::Noted,
            (Unmet::Warn, _) | (Unmet::ByLevel, Level::Should) if !self.strict => Weight::Warned,
            _ => Weight::Broken,
        };
        let mut told = format!(
            "  {} {}
",
            weight.name(),
            violation.message
        );
        if let Some(own) = requirement {
            told.push_str(&format!(
                "       {} ({}, {}): {}\n",
                own.id, own.level, own.section, own.text
            ));
        }
        let value = json!({
            "weight": weight.name(),
            "requirement": violation.requirement,
            "level": level,
            "section": requirement.map(|own| own.section.clone()),
            "pointer": violation.pointer,
            "message": violation.message,
        });
        (weight, told, value)
    }
}

/// A message with, for events, its context.
fn judge(schemas: &Schemas, kind: MessageKind, message: &Value) -> Judgement {
    let judged = schemas.judge(kind, message);
    let (Some(event), Some(name)) = (
        message.get("event"),
        message.pointer("/event/hub.event").and_then(Value::as_str),
    ) else {
        return judged;
    };
    match kind {
        MessageKind::Notification | MessageKind::Publication => {
            judged.join(schemas.judge_context(name, event), "/event")
        }
        _ => judged,
    }
}

/// What in the resources of a message is no FHIR R4, with pointers into the message.
fn base_fhir(message: &Value) -> Result<Vec<Finding>, CommandError> {
    let mut notes = Vec::new();
    for (place, resource) in fhir::resources_of(message) {
        let validator = fhir::Validator::shared().map_err(|error| CommandError::from_error(error))?;
        notes.extend(validator.validate(resource).into_iter().map(|own| Finding {
            pointer: format!("{place}{}", own.pointer),
            ..own
        }));
    }
    Ok(notes)
}

fn told_apart(notes: &[Finding]) -> String {
    if notes.is_empty() {
        return String::new();
    }
    let mut text = "  base FHIR R4, which FHIRcast leaves to others:\n".to_owned();
    for own in notes {
        text.push_str(&format!("    note {own}\n"));
    }
    text
}

fn as_json(own: &Finding) -> Value {
    json!({"pointer": own.pointer, "message": own.message, "expected": own.expected})
}

/// The recording in a file; `None` where there is none in it.
fn recording(file: &Path) -> Result<Option<Recording>, CommandError> {
    if file.as_os_str() == "-" {
        return Ok(None);
    }
    Recording::open(file).map_err(|error| CommandError::from_error(&error))
}

fn read(file: &PathBuf) -> std::io::Result<String> {
    if file.as_os_str() != "-" {
        return std::fs::read_to_string(file);
    }
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text)?;
    Ok(text)
}
