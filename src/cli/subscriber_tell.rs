//! What `castspec subscriber` tells: each message as it comes, for people or as JSON lines, and what is wrong with it.

use serde_json::{Value, json};

use super::{CommandError, print, print_error};
use castspec_fhircast::protocol::{
    EVENT_ID_SYSTEM, EVENT_NAME_SYSTEM, SUBSCRIBER_NAME_SYSTEM, SUBSCRIBER_SYSTEM, Version,
};
use castspec_fhircast::requirement::Catalogue;
use castspec_fhircast::schema::{Judgement, MessageKind, Schemas};
use castspec_judging::outcome::Verdict;
use castspec_judging::redaction::Redactor;

/// Prints and judges.
pub(super) struct Teller {
    json: bool,
    redactor: Redactor,
    judging: Option<(Catalogue, Schemas)>,
    version: Version,
    /// A SHALL was broken.
    pub(super) broken: bool,
}

impl Teller {
    /// A teller that judges, or does not.
    ///
    /// # Errors
    /// When the catalogue or the schemas cannot be loaded.
    pub(super) fn new(
        version: Version,
        json: bool,
        judged: bool,
        redactor: Redactor,
    ) -> Result<Self, CommandError> {
        let judging = match judged {
            false => None,
            true => Some((Catalogue::embedded()?, Schemas::load(version)?)),
        };
        Ok(Self {
            json,
            redactor,
            judging,
            version,
            broken: false,
        })
    }

    /// Something that is no message: for people only.
    ///
    /// # Errors
    /// When standard output cannot be written.
    pub(super) fn remark(&self, text: &str) -> Result<(), CommandError> {
        match self.json {
            true => Ok(()),
            false => print(&format!("{} {}\n", clock(), self.redactor.text(text))),
        }
    }

    /// A message of the hub, or one that was published; judged where it is the hub's.
    ///
    /// # Errors
    /// When standard output cannot be written.
    pub(super) fn message(
        &mut self,
        kind: &str,
        message: &Value,
        judged_as: Option<MessageKind>,
    ) -> Result<(), CommandError> {
        let line = match self.json {
            true => {
                let shown = self.redactor.body(&message.to_string());
                let shown: Value = serde_json::from_str(&shown).unwrap_or(Value::String(shown));
                let at = jiff::Timestamp::now().to_string();
                format!("{}\n", json!({"at": at, "kind": kind, "message": shown}))
            }
            false => format!("{} {}\n", clock(), self.redactor.text(&summary(kind, message))),
        };
        print(&line)?;
        if let Some(judged_as) = judged_as {
            self.judge(judged_as, message);
        }
        Ok(())
    }

    fn judge(&mut self, kind: MessageKind, message: &Value) {
        let Some((catalogue, schemas)) = &self.judging else {
            return;
        };
        let mut judgement: Judgement = schemas.judge(kind, message);
        let name = message.pointer("/event/hub.event").and_then(Value::as_str);
        if let (Some(event), Some(name)) = (message.get("event"), name) {
            judgement = judgement.join(schemas.judge_context(name, event), "/event");
        }
        for violation in judgement.violations {
            let Some(requirement) = catalogue.get(self.version, &violation.requirement) else {
                continue;
            };
            let verdict = Verdict::of_breach(requirement.level, violation.unmet);
            if verdict == Verdict::Pass {
                continue;
            }
            // What a publisher put into an event is no fault of the hub.
            self.broken |=
                verdict == Verdict::Fail && requirement.actor == castspec_fhircast::requirement::Actor::Hub;
            let told = format!(
                "{verdict} {} by the {} ({}, {})\n  {}\n  {} {}\n",
                requirement.id,
                requirement.actor,
                requirement.level,
                requirement.section,
                violation.message,
                requirement.text,
                requirement.url,
            );
            print_error(&self.redactor.text(&told));
        }
    }
}

fn clock() -> String {
    let now = jiff::Zoned::now();
    now.strftime("%H:%M:%S%.3f").to_string()
}

/// What a SyncError says: which event of whom was refused, and why.
fn sync_error(message: &Value) -> Option<String> {
    let contexts = message.pointer("/event/context")?.as_array()?;
    let outcome = contexts.iter().find_map(|entry| {
        let resource = entry.get("resource")?;
        (resource.get("resourceType")?.as_str()? == "OperationOutcome").then_some(resource)
    })?;
    let issues = outcome.get("issue")?.as_array()?;
    let told = issues.iter().map(|issue| {
        let code_of = |wanted: &str| {
            let codings = issue.pointer("/details/coding")?.as_array()?;
            codings.iter().find_map(|coding| {
                let system = coding.get("system")?.as_str()?;
                (system == wanted).then(|| coding.get("code")?.as_str()).flatten()
            })
        };
        let mut words = vec![
            code_of(SUBSCRIBER_NAME_SYSTEM)
                .or_else(|| code_of(SUBSCRIBER_SYSTEM))
                .unwrap_or("a subscriber without a name")
                .to_owned(),
        ];
        words.push(match (code_of(EVENT_NAME_SYSTEM), code_of(EVENT_ID_SYSTEM)) {
            (Some(name), Some(id)) => format!("on {name} {id}"),
            (Some(name), None) => format!("on {name}"),
            (None, Some(id)) => format!("on the event {id}"),
            (None, None) => "on an event that is not named".to_owned(),
        });
        let severity = issue.get("severity").and_then(Value::as_str);
        words.extend(severity.map(|severity| format!("({severity})")));
        let why = issue.get("diagnostics").and_then(Value::as_str);
        format!("{}: {}", words.join(" "), why.unwrap_or("without diagnostics"))
    });
    Some(told.collect::<Vec<_>>().join("; "))
}

/// A message in a line.
fn summary(kind: &str, message: &Value) -> String {
    let text = |pointer: &str| message.pointer(pointer).and_then(Value::as_str);
    if let Some(event) = text("/event/hub.event") {
        let contexts = message.pointer("/event/context").and_then(Value::as_array);
        let contexts = contexts.into_iter().flatten().filter_map(|entry| {
            let key = entry.get("key")?.as_str()?;
            let of = |pointer: &str| entry.pointer(pointer).and_then(Value::as_str);
            Some(
                match (
                    of("/resource/resourceType"),
                    of("/resource/id"),
                    of("/reference/reference"),
                ) {
                    (Some(kind), Some(id), _) => format!("{key} {kind}/{id}"),
                    (_, _, Some(reference)) => format!("{key} {reference}"),
                    _ => key.to_owned(),
                },
            )
        });
        let contexts: Vec<String> = contexts.collect();
        if let Some(told) = sync_error(message) {
            return format!(
                "{kind} {event} {}: {told}",
                text("/id").unwrap_or("without an id")
            );
        }
        return format!(
            "{kind} {event} {} ({})",
            text("/id").unwrap_or("without an id"),
            contexts.join(", ")
        );
    }
    match kind {
        "confirmation" => format!(
            "subscribed to {} for {} s",
            text("/hub.events").unwrap_or("nothing"),
            message.get("hub.lease_seconds").unwrap_or(&Value::Null)
        ),
        "denial" => format!("denied: {}", text("/hub.reason").unwrap_or("without a reason")),
        _ => format!("{kind} {message}"),
    }
}
