//! `castspec validate` for single messages: judged by the schemas, told as text and as JSON.

use serde_json::{Value, json};

use super::CommandError;
use super::validate_file::PlacedMessage;
use castspec_fhircast::fhir::{self, Finding};
use castspec_fhircast::json_pointer;
use castspec_fhircast::requirement::{Catalogue, Level, Requirement, RequirementId};
use castspec_fhircast::schema::{
    Judgement, MessageKind, MisnamedParameter, Schemas, Violation, misnamed_parameters,
};
use castspec_judging::outcome::Verdict;

/// The gravity of a violation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Gravity {
    Fail,
    Warn,
    Note,
}

impl Gravity {
    fn name(self) -> &'static str {
        match self {
            Self::Fail => "fail",
            Self::Warn => "warn",
            Self::Note => "note",
        }
    }
}

/// The means and the manner of judging messages of one version.
pub(super) struct MessageJudge {
    pub(super) catalogue: Catalogue,
    pub(super) schemas: Schemas,
    /// The kind of all messages; `None` where their members tell it.
    pub(super) kind: Option<MessageKind>,
    /// A broken SHOULD fails.
    pub(super) strict: bool,
    /// Base FHIR is judged too.
    pub(super) base_fhir: bool,
}

/// A violation with the requirement that it breaks, where the catalogue has it.
struct Weighed<'a> {
    gravity: Gravity,
    requirement: Option<&'a Requirement>,
    violation: Violation,
}

/// A message that was judged.
pub(super) struct JudgedMessage<'a> {
    label: String,
    kind: MessageKind,
    event: Option<String>,
    satisfied: Vec<RequirementId>,
    violations: Vec<Weighed<'a>>,
    /// The JSON pointers of members that stand more than once in one object, and how much that weighs.
    repeated: Vec<String>,
    repeated_weigh: Gravity,
    /// Parameters that look like others, with JSON pointers.
    misnamed: Vec<(String, MisnamedParameter)>,
    /// Findings of base FHIR; `None` where it is not judged.
    base_fhir: Option<Vec<Finding>>,
}

impl MessageJudge {
    /// Judges a message, which errors call by its label. Pointers begin at the root of its file.
    ///
    /// # Errors
    /// When it is no message of the version.
    pub(super) fn judge(&self, placed: PlacedMessage) -> Result<JudgedMessage<'_>, CommandError> {
        let PlacedMessage {
            label,
            place,
            message,
            repeated,
        } = placed;
        let message = &message;
        let version = self.schemas.version();
        let kind = match self.kind {
            Some(kind) => kind,
            None => self.schemas.detect(message).ok_or_else(|| {
                CommandError::new(format!(
                    "{label}: no message of FHIRcast {version} can be recognized in it; say what it is by --kind"
                ))
            })?,
        };
        if !self.schemas.has(kind) {
            return Err(CommandError::new(format!(
                "{label}: FHIRcast {version} has no messages of the kind {kind}"
            )));
        }
        let event = message.pointer("/event/hub.event").and_then(Value::as_str);
        let judgement = with_context(&self.schemas, kind, event, message).within(&place);
        let misnamed = misnamed_parameters(kind, message).into_iter();
        Ok(JudgedMessage {
            label,
            kind,
            event: event.map(str::to_owned),
            satisfied: judgement.satisfied,
            violations: judgement
                .violations
                .into_iter()
                .map(|violation| self.weighed(violation))
                .collect(),
            repeated,
            repeated_weigh: match self.strict {
                true => Gravity::Fail,
                false => Gravity::Warn,
            },
            misnamed: misnamed
                .map(|parameter| (json_pointer::member(&place, &parameter.name), parameter))
                .collect(),
            base_fhir: self.base_fhir.then(|| base_fhir(message, &place)).transpose()?,
        })
    }

    fn weighed(&self, violation: Violation) -> Weighed<'_> {
        let requirement = self.catalogue.get(self.schemas.version(), &violation.requirement);
        let level = requirement.map_or(Level::Shall, |requirement| requirement.level);
        let gravity = match Verdict::of_breach(level, violation.unmet) {
            Verdict::Warn if self.strict => Gravity::Fail,
            Verdict::Warn => Gravity::Warn,
            Verdict::Fail => Gravity::Fail,
            Verdict::Pass | Verdict::Skip | Verdict::Inconclusive => Gravity::Note,
        };
        Weighed {
            gravity,
            requirement,
            violation,
        }
    }
}

impl JudgedMessage<'_> {
    /// Whether a violation fails the message.
    pub(super) fn fails(&self) -> bool {
        let of_members = !self.repeated.is_empty() && self.repeated_weigh == Gravity::Fail;
        of_members
            || self
                .violations
                .iter()
                .any(|weighed| weighed.gravity == Gravity::Fail)
    }

    /// The lines for the console.
    pub(super) fn as_text(&self) -> String {
        let mut text = format!("{}: {}", self.label, self.kind);
        if let Some(event) = &self.event {
            text.push_str(&format!(" of {event}"));
        }
        text.push_str(&match self.violations.len() + self.repeated.len() {
            0 => format!(": valid ({} requirements held)\n", self.satisfied.len()),
            1 => ": 1 violation\n".to_owned(),
            count => format!(": {count} violations\n"),
        });
        for weighed in &self.violations {
            text.push_str(&weighed.as_text());
        }
        for pointer in &self.repeated {
            text.push_str(&format!(
                "  {} {}\n",
                self.repeated_weigh.name(),
                repeated_sentence(pointer)
            ));
        }
        for (pointer, parameter) in &self.misnamed {
            text.push_str(&format!("  note {}\n", misnamed_sentence(pointer, parameter)));
        }
        let findings = self.base_fhir.as_deref().unwrap_or_default();
        if !findings.is_empty() {
            text.push_str("  base FHIR R4, which FHIRcast leaves to others:\n");
        }
        for finding in findings {
            text.push_str(&format!("    note {finding}\n"));
        }
        text
    }

    /// The object of `--json`.
    pub(super) fn as_json(&self) -> Value {
        let of_members = self.repeated.iter().map(|pointer| {
            json!({
                "weight": self.repeated_weigh.name(),
                "requirement": null,
                "level": Level::Should,
                "section": "RFC 8259, 4",
                "pointer": pointer,
                "message": repeated_sentence(pointer),
            })
        });
        let violations: Vec<Value> = self
            .violations
            .iter()
            .map(Weighed::as_json)
            .chain(of_members)
            .collect();
        let notes = self.misnamed.iter().map(|(pointer, parameter)| {
            json!({"pointer": pointer, "message": misnamed_sentence(pointer, parameter)})
        });
        let notes: Vec<Value> = notes.collect();
        let mut value = json!({
            "message": self.label,
            "kind": self.kind.name(),
            "held": self.satisfied,
            "violations": violations,
            "notes": notes,
        });
        if let Some(findings) = &self.base_fhir {
            value["base_fhir_r4"] = findings
                .iter()
                .map(|finding| {
                    json!({"pointer": finding.pointer, "message": finding.message, "expected": finding.expected})
                })
                .collect();
        }
        value
    }
}

fn repeated_sentence(pointer: &str) -> String {
    format!("{pointer} stands more than once in one object; RFC 8259 has each name once")
}

fn misnamed_sentence(pointer: &str, parameter: &MisnamedParameter) -> String {
    format!(
        "{pointer} is no parameter of FHIRcast; did you mean {}?",
        parameter.meant
    )
}

impl Weighed<'_> {
    fn as_text(&self) -> String {
        let mut text = format!("  {} {}\n", self.gravity.name(), self.violation.message);
        if let Some(requirement) = self.requirement {
            text.push_str(&format!(
                "       {} ({}, {}): {}\n",
                requirement.id, requirement.level, requirement.section, requirement.text
            ));
        }
        text
    }

    fn as_json(&self) -> Value {
        json!({
            "weight": self.gravity.name(),
            "requirement": self.violation.requirement,
            "level": self.requirement.map_or(Level::Shall, |requirement| requirement.level),
            "section": self.requirement.map(|requirement| &requirement.section),
            "pointer": self.violation.pointer,
            "message": self.violation.message,
        })
    }
}

/// The judgement of a message and, for events, of its context.
fn with_context(schemas: &Schemas, kind: MessageKind, event: Option<&str>, message: &Value) -> Judgement {
    let judgement = schemas.judge(kind, message);
    match (kind, message.get("event"), event) {
        (MessageKind::Notification | MessageKind::Publication, Some(body), Some(name)) => {
            let judgement = judgement.join(schemas.judge_context(name, body), "/event");
            schemas.with_wrong_keys_told_once(message, judgement)
        }
        _ => judgement,
    }
}

/// The findings of base FHIR R4 in the resources of a message, with pointers from where the message lies.
fn base_fhir(message: &Value, root: &str) -> Result<Vec<Finding>, CommandError> {
    let mut findings = Vec::new();
    for (place, resource) in fhir::resources_of(message) {
        let validator = fhir::Validator::shared()?;
        findings.extend(validator.validate(resource).into_iter().map(|finding| Finding {
            pointer: format!("{root}{place}{}", finding.pointer),
            ..finding
        }));
    }
    Ok(findings)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

    use castspec_fhircast::protocol::Version;

    use super::*;

    fn placed(label: &str, message: Value) -> PlacedMessage {
        PlacedMessage {
            label: label.to_owned(),
            place: String::new(),
            message,
            repeated: Vec::new(),
        }
    }

    fn judge(strict: bool) -> MessageJudge {
        MessageJudge {
            catalogue: Catalogue::embedded().unwrap(),
            schemas: Schemas::load(Version::Stu3).unwrap(),
            kind: None,
            strict,
            base_fhir: true,
        }
    }

    #[test]
    fn a_valid_message_is_told_by_its_kind_and_event() {
        let message = json!({"timestamp": "2026-01-01T00:00:00Z", "id": "e1", "event": {
            "hub.topic": "t", "hub.event": "Home-open", "context": []}});
        let judge = judge(false);
        let judged = judge.judge(placed("one.json", message)).unwrap();
        assert_eq!(judged.event.as_deref(), Some("Home-open"));
        assert_eq!(judged.kind, MessageKind::Notification);
        assert!(
            judged
                .as_text()
                .starts_with("one.json: notification of Home-open: ")
        );
        assert_eq!(judged.as_json()["kind"], "notification");
    }

    #[test]
    fn text_and_json_tell_the_same_violation() {
        let message = json!({"hub.mode": "subscribe", "hub.topic": "t", "hub.lease_seconds": 7200});
        let judge = judge(false);
        let judged = judge.judge(placed("two.json", message)).unwrap();
        assert!(judged.fails());
        let (text, value) = (judged.as_text(), judged.as_json());
        let violation = &value["violations"][0];
        assert_eq!(violation["requirement"], "confirmation.events");
        assert_eq!(violation["weight"], "fail");
        assert!(
            text.contains("  fail ") && text.contains("confirmation.events (SHALL"),
            "{text}"
        );
    }

    #[test]
    fn pointers_begin_at_the_root_of_the_file() {
        let message = json!({"timestamp": "2026-01-01T00:00:00Z", "id": "e1", "event": {
            "hub.topic": "t", "hub.event": "Patient-open", "context": [{"key": "patient", "resource": {
                "resourceType": "Patient", "gender": "x"}}]}});
        let judge = judge(false);
        let judged = judge
            .judge(PlacedMessage {
                place: "/3".to_owned(),
                repeated: vec!["/3/id".to_owned()],
                ..placed("four.json[3]", message)
            })
            .unwrap();
        let text = judged.as_text();
        assert!(text.contains("fail /3/event/context/0/resource"), "{text}");
        assert!(text.contains("note /3/event/context/0/resource/gender"), "{text}");
        assert!(text.contains("  warn /3/id stands more than once"), "{text}");
        let value = judged.as_json();
        for violation in value["violations"].as_array().unwrap() {
            assert!(
                violation["pointer"].as_str().unwrap().starts_with("/3"),
                "{violation}"
            );
        }
    }

    #[test]
    fn what_is_no_message_is_refused_with_its_label() {
        let judge = judge(false);
        let error = judge.judge(placed("three.json[1]", json!([1]))).err().unwrap();
        assert!(error.to_string().starts_with("three.json[1]: "), "{error}");
    }
}
