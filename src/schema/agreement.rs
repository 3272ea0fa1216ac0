//! The rules about one message that no JSON schema can express: its parts have to agree with each other.

use std::collections::BTreeSet;

use serde_json::Value;

use super::formats::resource_event;
use super::judgement::{Findings, Unmet, Violation, shown};
use super::kind::MessageKind;

/// The requirements that the rules of this module judge.
pub(super) const REQUIREMENTS: &[&str] = &[
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
pub(super) fn of_message(kind: MessageKind, message: &Value, findings: &mut Findings) {
    match kind {
        MessageKind::SubscriptionRequest => distinct_events(message, findings),
        MessageKind::Configuration => agreeing_flags(message, findings),
        MessageKind::CurrentContext => current_anchor(message, findings),
        _ => {}
    }
}

/// Judges what must agree within the context of an event.
pub(super) fn of_context(event_name: &str, context: &Value, findings: &mut Findings) {
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
    requirement: &str,
    unmet: Unmet,
    held: bool,
    pointer: &str,
    message: impl FnOnce() -> String,
) {
    if held {
        findings.held(requirement);
    } else {
        findings.violated(Violation {
            requirement: requirement.to_owned(),
            unmet,
            pointer: pointer.to_owned(),
            message: message(),
            schema: "agreement".to_owned(),
        });
    }
}

/// The elements of a context that can be read, with their JSON pointers.
struct Context<'a> {
    elements: Vec<Element<'a>>,
}

struct Element<'a> {
    pointer: String,
    key: &'a str,
    value: &'a Value,
}

impl<'a> Element<'a> {
    fn resource(&self) -> Option<&'a Value> {
        self.value.get("resource").filter(|resource| resource.is_object())
    }

    fn resource_of_type(&self, resource_type: &str) -> Option<&'a Value> {
        self.resource()
            .filter(|resource| text(resource, "resourceType").eq_ignore_ascii_case(resource_type))
    }
}

impl<'a> Context<'a> {
    fn read(context: &'a Value) -> Self {
        let elements = context
            .as_array()
            .into_iter()
            .flatten()
            .enumerate()
            .filter_map(|(index, value)| {
                let key = value.get("key")?.as_str()?;
                Some(Element {
                    pointer: format!("/context/{index}"),
                    key,
                    value,
                })
            });
        Self {
            elements: elements.collect(),
        }
    }

    fn resources(&self, resource_type: &str) -> impl Iterator<Item = (&Element<'a>, &'a Value)> {
        self.elements
            .iter()
            .filter_map(move |element| Some((element, element.resource_of_type(resource_type)?)))
    }
}

fn text<'a>(value: &'a Value, member: &str) -> &'a str {
    value.get(member).and_then(Value::as_str).unwrap_or_default()
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

/// The keys under which a resource type may stand: lower case, and what the catalogue uses for historical reasons.
fn is_key_of(key: &str, resource: &str) -> bool {
    key == resource
        || matches!(
            (key, resource),
            ("study", "imagingstudy") | ("report", "diagnosticreport")
        )
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
                "the context has no resource of the type that the event is about; expected one under '{resource}'"
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
                    "{}/key is \"{}\"; expected \"{resource}\"",
                    first.pointer, first.key
                )
            },
        );
    }
}

fn anchor(resource: &str, requirement: &str, context: &Context<'_>, findings: &mut Findings) {
    let held = context
        .elements
        .iter()
        .any(|element| is_key_of(element.key, resource));
    judge(findings, requirement, Unmet::ByLevel, held, "/context", || {
        format!("the context has no element with the key '{resource}'; expected the anchor context there")
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

/// What a reference names: type and id where it tells them.
#[derive(Debug, PartialEq, Eq)]
enum Named<'a> {
    Typed(&'a str, &'a str),
    Bare(&'a str),
    Type(&'a str),
    Nothing,
}

fn named(reference: &Value) -> Named<'_> {
    let literal = text(reference, "reference");
    let literal = literal
        .split_once("/_history/")
        .map_or(literal, |(version_free, _)| version_free);
    if let Some(bare) = literal
        .strip_prefix("urn:uuid:")
        .or_else(|| literal.strip_prefix("urn:oid:"))
    {
        return Named::Bare(bare);
    }
    let mut parts = literal.rsplit('/');
    match (parts.next(), parts.next()) {
        (Some(id), Some(kind)) if !id.is_empty() => Named::Typed(kind, id),
        _ if !text(reference, "type").is_empty() => Named::Type(text(reference, "type")),
        _ => Named::Nothing,
    }
}

fn shares_identifier(reference: &Value, resource: &Value) -> bool {
    let Some(wanted) = reference.get("identifier") else {
        return false;
    };
    let same = |other: &Value| {
        !text(wanted, "value").is_empty()
            && text(wanted, "value") == text(other, "value")
            && text(wanted, "system") == text(other, "system")
    };
    resource
        .get("identifier")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .any(same)
}

/// Whether the reference names the resource; `None` where it names something of another type or does not tell.
fn refers_to(reference: &Value, resource: &Value) -> Option<bool> {
    let (kind, id) = (text(resource, "resourceType"), text(resource, "id"));
    match named(reference) {
        Named::Typed(other, _) if other != kind => None,
        Named::Typed(_, named) => Some(named == id),
        Named::Bare(named) => Some(named == id),
        Named::Type(other) if other != kind => None,
        Named::Type(_) | Named::Nothing => reference
            .get("identifier")
            .is_some()
            .then(|| shares_identifier(reference, resource)),
    }
}

fn subjects(resource: &str, is_open: bool, context: &Context<'_>, findings: &mut Findings) {
    let patient = context.elements.iter().find(|element| element.key == "patient");
    let patient = patient.and_then(|element| element.resource_of_type("Patient"));
    let mut own: Vec<&str> = Vec::new();
    match (resource, is_open) {
        ("diagnosticreport", true) => {
            own.push("diagnosticreport-open.patient-is-subject");
            reports_refer_to_studies(
                "diagnosticreport-open.imaging-study",
                Unmet::Warn,
                context,
                findings,
            );
        }
        ("diagnosticreport", false) => {
            own.push("diagnosticreport-close.subject-in-event");
            reports_refer_to_studies(
                "diagnosticreport-close.imaging-study",
                Unmet::Note,
                context,
                findings,
            );
        }
        ("imagingstudy", true) => patient_of_study("imagingstudy-open.patient-of-study", context, findings),
        ("imagingstudy", false) => patient_of_study("imagingstudy-close.patient-of-study", context, findings),
        _ => {}
    }
    let Some(patient) = patient else { return };
    for element in &context.elements {
        let Some(subject) = element.resource().and_then(|resource| resource.get("subject")) else {
            continue;
        };
        let kind = element
            .resource()
            .map_or("", |resource| text(resource, "resourceType"));
        let mut requirements: Vec<&str> = Vec::new();
        match (kind, is_open) {
            ("Encounter", true) => requirements.push("encounter-open.subject-in-event"),
            ("Encounter", false) => requirements.push("encounter-close.subject-in-event"),
            ("DiagnosticReport", _) => requirements.extend(&own),
            ("ImagingStudy", true) => requirements.extend(&own),
            _ => {}
        }
        if is_open {
            requirements.push("patient-open.subject-id");
        }
        let Some(held) = refers_to(subject, patient) else {
            continue;
        };
        let pointer = format!("{}/resource/subject", element.pointer);
        for requirement in requirements {
            judge(findings, requirement, Unmet::ByLevel, held, &pointer, || {
                let came = subject
                    .get("reference")
                    .map_or_else(|| "another identifier".to_owned(), shown);
                format!("{pointer} names {came}; expected the Patient that is present in the same event")
            });
        }
    }
}

fn patient_of_study(requirement: &str, context: &Context<'_>, findings: &mut Findings) {
    for (element, study) in context.resources("ImagingStudy") {
        let Some(subject) = study.get("subject") else {
            continue;
        };
        if !matches!(
            named(subject),
            Named::Typed("Patient", _) | Named::Type("Patient")
        ) {
            continue;
        }
        let held = context.elements.iter().any(|element| element.key == "patient");
        judge(findings, requirement, Unmet::ByLevel, held, "/context", || {
            format!(
                "{}'s subject is a Patient, but the context has no patient",
                element.pointer
            )
        });
    }
}

fn reports_refer_to_studies(requirement: &str, unmet: Unmet, context: &Context<'_>, findings: &mut Findings) {
    for (element, report) in context.resources("DiagnosticReport") {
        let references: Vec<&Value> = ["imagingStudy", "study"]
            .into_iter()
            .filter_map(|member| report.get(member)?.as_array())
            .flatten()
            .collect();
        for (_, study) in context.resources("ImagingStudy") {
            let held = references
                .iter()
                .any(|reference| refers_to(reference, study) == Some(true));
            let pointer = format!("{}/resource", element.pointer);
            judge(findings, requirement, unmet, held, &pointer, || {
                format!("{pointer} refers to no imaging study in the context; expected one in imagingStudy")
            });
        }
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
