//! Whether the references between the resources of one event agree.

use serde_json::Value;

use super::super::judgement::{Findings, Unmet, shown};
use super::context::{Context, text};
use super::judge;

/// How many references of reports are compared with imaging studies. No event has as many in earnest; without a bound the product
/// of both would decide how long a message takes.
const MOST_PAIRS: usize = 1_000_000;

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

/// Judges whether the resources of an open or close event name its patient and its imaging studies.
pub(super) fn subjects(resource: &str, is_open: bool, context: &Context<'_>, findings: &mut Findings) {
    let patient = context.elements.iter().find(|element| element.key == "patient");
    let patient = patient.and_then(|element| element.resource_of_type("Patient"));
    let mut own: Vec<&'static str> = Vec::new();
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
        let mut requirements: Vec<&'static str> = Vec::new();
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

fn patient_of_study(requirement: &'static str, context: &Context<'_>, findings: &mut Findings) {
    let held = context.elements.iter().any(|element| element.key == "patient");
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
        judge(findings, requirement, Unmet::ByLevel, held, "/context", || {
            format!(
                "{}'s subject is a Patient, but the context has no patient",
                element.pointer
            )
        });
    }
}

fn reports_refer_to_studies(
    requirement: &'static str,
    unmet: Unmet,
    context: &Context<'_>,
    findings: &mut Findings,
) {
    let studies: Vec<&Value> = context
        .resources("ImagingStudy")
        .map(|(_, study)| study)
        .collect();
    // What would take too long stays unjudged.
    let mut left = MOST_PAIRS;
    for (element, report) in context.resources("DiagnosticReport") {
        let references: Vec<&Value> = ["imagingStudy", "study"]
            .into_iter()
            .filter_map(|member| report.get(member)?.as_array())
            .flatten()
            .collect();
        let Some(rest) = left.checked_sub(studies.len().saturating_mul(references.len().max(1))) else {
            return;
        };
        left = rest;
        for study in &studies {
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
