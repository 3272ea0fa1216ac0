//! The rules about one message that no JSON schema can express: its parts have to agree with each other.

mod context;
mod subjects;

use std::collections::BTreeSet;

use serde_json::Value;

use super::formats::resource_event;
use super::judgement::{Findings, Unmet, Violation};
use super::kind::MessageKind;
use crate::protocol::Version;
use context::{Context, text};
use subjects::subjects;

/// The requirements of a version that the rules of this module judge. Earlier versions state none of the kind: they say
/// which resources an event has, and nothing of what these say about each other.
pub(super) fn requirements(version: Version) -> &'static [&'static str] {
    match version {
        Version::Stu1 | Version::Stu2 => &[],
        Version::Stu3 => OF_STU3,
    }
}

const OF_STU3: &[&str] = &[
    "content.update-no-repeats",
    "current.context-anchor",
    "diagnosticreport-close.imaging-study",
    "diagnosticreport-close.subject-in-event",
    "diagnosticreport-open.imaging-study",
    "diagnosticreport-open.patient-is-subject",
    "encounter-close.subject-in-event",
    "encounter-open.subject-in-event",
    "event.change-anchor",
    "event.change-key",
    "event.select-anchor",
    "event.update-anchor",
    "imagingstudy-close.patient-of-study",
    "imagingstudy-open.patient-of-study",
    "patient-open.subject-id",
    "subscribe.request.events-distinct",
    "syncerror.not-for-content",
    "wellknown.support-flags-agree",
];

const EVENT_NAME_SYSTEM: &str = "https://fhircast.hl7.org/events/syncerror/eventname";

/// Judges what must agree within a message of this kind.
pub(super) fn of_message(version: Version, kind: MessageKind, message: &Value, findings: &mut Findings) {
    if requirements(version).is_empty() {
        return;
    }
    match kind {
        MessageKind::SubscriptionRequest => distinct_events(message, findings),
        MessageKind::Configuration => agreeing_flags(message, findings),
        MessageKind::CurrentContext => current_anchor(message, findings),
        _ => {}
    }
}

/// Judges what must agree within the context of an event.
pub(super) fn of_context(version: Version, event_name: &str, context: &Value, findings: &mut Findings) {
    if requirements(version).is_empty() {
        return;
    }
    let context = Context::read(context);
    let name = event_name.to_lowercase();
    if let Some((resource, suffix)) = resource_event(&name) {
        match suffix {
            "open" | "close" => change(resource, &context, findings),
            "update" => {
                anchor(resource, "event.update-anchor", &context, findings);
                no_repeats(&context, findings);
            }
            _ => anchor(resource, "event.select-anchor", &context, findings),
        }
        if suffix == "open" || suffix == "close" {
            subjects(resource, suffix == "open", &context, findings);
        }
    } else if name == "syncerror" {
        sync_error_about_content(&context, findings);
    }
}

fn judge(
    findings: &mut Findings,
    requirement: &'static str,
    unmet: Unmet,
    held: bool,
    pointer: &str,
    message: impl FnOnce() -> String,
) {
    if held {
        findings.held(requirement);
    } else {
        findings.violated(Violation {
            requirement: requirement.into(),
            unmet,
            pointer: pointer.to_owned(),
            member: None,
            message: message(),
            schema: "agreement".to_owned(),
        });
    }
}

fn distinct_events(request: &Value, findings: &mut Findings) {
    let Some(events) = request.get("hub.events").and_then(Value::as_str) else {
        return;
    };
    let mut seen = BTreeSet::new();
    let mut names = events.split(',').map(str::trim).filter(|name| !name.is_empty());
    let repeated = names.find(|name| !seen.insert(name.to_lowercase()));
    judge(
        findings,
        "subscribe.request.events-distinct",
        Unmet::ByLevel,
        repeated.is_none(),
        "/hub.events",
        || {
            format!(
                "/hub.events names \"{}\" twice; expected each event once",
                repeated.unwrap_or_default()
            )
        },
    );
}

fn agreeing_flags(document: &Value, findings: &mut Findings) {
    let old = document.get("getCurrentSupport").and_then(Value::as_bool);
    let new = document
        .pointer("/capabilities/supportsGetCurrentContext")
        .and_then(Value::as_bool);
    if let (Some(old), Some(new)) = (old, new) {
        let pointer = "/getCurrentSupport";
        judge(
            findings,
            "wellknown.support-flags-agree",
            Unmet::ByLevel,
            old == new,
            pointer,
            || {
                format!(
                    "getCurrentSupport is {old} and supportsGetCurrentContext is {new}; expected the same value"
                )
            },
        );
    }
}

fn current_anchor(message: &Value, findings: &mut Findings) {
    let anchor = text(message, "context.type");
    let Some(context) = message.get("context").filter(|context| context.is_array()) else {
        return;
    };
    if anchor.is_empty() || anchor == "Home" {
        return;
    }
    let held = Context::read(context).resources(anchor).next().is_some();
    judge(
        findings,
        "current.context-anchor",
        Unmet::ByLevel,
        held,
        "/context",
        || format!("context.type is \"{anchor}\", but no element of the context holds such a resource"),
    );
}

/// The key under which the catalogue has a resource type: lower case, but for two that have others for historical reasons.
pub(super) fn catalogue_key(resource: &str) -> &str {
    match resource {
        "imagingstudy" => "study",
        "diagnosticreport" => "report",
        other => other,
    }
}

/// Whether a resource type may stand under the key: the catalogue's, or the type itself in lower case.
fn is_key_of(key: &str, resource: &str) -> bool {
    key == resource || key == catalogue_key(resource)
}

fn change(resource: &str, context: &Context<'_>, findings: &mut Findings) {
    if resource == "home" {
        return;
    }
    let mut found = context.resources(resource).peekable();
    let held = found.peek().is_some();
    judge(
        findings,
        "event.change-anchor",
        Unmet::ByLevel,
        held,
        "/context",
        || {
            format!(
                "the context has no resource of the type that the event is about; expected one under '{}'",
                catalogue_key(resource)
            )
        },
    );
    let found: Vec<_> = found.collect();
    if let Some((first, _)) = found.first() {
        let held = found.iter().any(|(element, _)| is_key_of(element.key, resource));
        judge(
            findings,
            "event.change-key",
            Unmet::ByLevel,
            held,
            &format!("{}/key", first.pointer),
            || {
                format!(
                    "{}/key is \"{}\"; expected \"{}\"",
                    first.pointer,
                    first.key,
                    catalogue_key(resource)
                )
            },
        );
    }
}

fn anchor(resource: &str, requirement: &'static str, context: &Context<'_>, findings: &mut Findings) {
    let held = context
        .elements
        .iter()
        .any(|element| is_key_of(element.key, resource));
    judge(findings, requirement, Unmet::ByLevel, held, "/context", || {
        let key = catalogue_key(resource);
        format!("the context has no element with the key '{key}'; expected the anchor context there")
    });
}

/// What identifies an entry of an update: `Observation/1`.
fn identity(entry: &Value) -> Option<String> {
    if let Some(resource) = entry.get("resource") {
        let (kind, id) = (text(resource, "resourceType"), text(resource, "id"));
        return (!kind.is_empty() && !id.is_empty()).then(|| format!("{kind}/{id}"));
    }
    let url = text(entry, "fullUrl");
    let mut parts = url.rsplit('/');
    match (parts.next(), parts.next()) {
        (Some(id), Some(kind)) if !id.is_empty() && !kind.is_empty() => Some(format!("{kind}/{id}")),
        (Some(url), _) if !url.is_empty() => Some(url.to_owned()),
        _ => None,
    }
}

fn no_repeats(context: &Context<'_>, findings: &mut Findings) {
    for element in context.elements.iter().filter(|element| element.key == "updates") {
        let Some(bundle) = element.resource_of_type("Bundle") else {
            continue;
        };
        let mut seen = BTreeSet::new();
        let entries = bundle
            .get("entry")
            .and_then(Value::as_array)
            .into_iter()
            .flatten();
        let repeated = entries
            .enumerate()
            .find(|(_, entry)| identity(entry).is_some_and(|identity| !seen.insert(identity)));
        let pointer = match repeated {
            Some((index, _)) => format!("{}/resource/entry/{index}", element.pointer),
            None => element.pointer.clone(),
        };
        judge(
            findings,
            "content.update-no-repeats",
            Unmet::ByLevel,
            repeated.is_none(),
            &pointer,
            || {
                format!(
                    "{pointer} is about a resource that an earlier entry is about; expected each resource once"
                )
            },
        );
    }
}

fn sync_error_about_content(context: &Context<'_>, findings: &mut Findings) {
    for (element, outcome) in context.resources("OperationOutcome") {
        let issues = outcome
            .get("issue")
            .and_then(Value::as_array)
            .into_iter()
            .flatten();
        let codings = issues
            .filter_map(|issue| issue.pointer("/details/coding")?.as_array())
            .flatten();
        for coding in codings.filter(|coding| text(coding, "system") == EVENT_NAME_SYSTEM) {
            let name = text(coding, "code").to_lowercase();
            let held =
                !resource_event(&name).is_some_and(|(_, suffix)| matches!(suffix, "update" | "select"));
            let pointer = format!("{}/resource", element.pointer);
            judge(
                findings,
                "syncerror.not-for-content",
                Unmet::Note,
                held,
                &pointer,
                || format!("{pointer} is about {name}; expected none about an update or a select event"),
            );
        }
    }
}
