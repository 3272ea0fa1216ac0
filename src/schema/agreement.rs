//! Rules on how the parts of one event agree, which a JSON schema cannot state.

use serde_json::Value;

use super::judging::{Judgement, Violation};
use crate::protocol::{Action, EventName};

const SUBJECT: &str = "agreement.subject-is-patient";
const STUDY_PATIENT: &str = "agreement.study-patient-present";
const TWICE: &str = "agreement.update-no-resource-twice";

/// The requirements that this module judges.
pub const REQUIREMENTS: &[&str] = &[SUBJECT, STUDY_PATIENT, TWICE];

/// Judges an event by all rules that apply to it.
pub fn judge(name: &str, event: &Value, judgement: &mut Judgement) {
    let Ok(event_name) = name.parse::<EventName>() else {
        return;
    };
    let Some((resource_type, action)) = event_name.resource() else {
        return;
    };
    let Some(context) = event.get("context").and_then(Value::as_array) else {
        return;
    };
    match action {
        Action::Open | Action::Close => {
            subjects(context, judgement);
            if resource_type == "ImagingStudy" {
                study_patient(context, judgement);
            }
        }
        Action::Update => no_resource_twice(context, judgement),
        Action::Select => {}
    }
}

fn keyed<'c>(context: &'c [Value], key: &str) -> Option<&'c Value> {
    context
        .iter()
        .find(|entry| entry.get("key").and_then(Value::as_str) == Some(key))?
        .get("resource")
}

/// The id of the Patient that a reference names; `None` where it names none, or not by type and id.
fn patient_of(reference: &Value) -> Option<&str> {
    let text = reference.get("reference")?.as_str()?;
    let (before, id) = text
        .split_once("/_history/")
        .map_or(text, |(own, _)| own)
        .rsplit_once('/')?;
    (before == "Patient" || before.ends_with("/Patient")).then_some(id)
}

fn subjects(context: &[Value], judgement: &mut Judgement) {
    let Some(patient) = keyed(context, "patient")
        .and_then(|own| own.get("id"))
        .and_then(Value::as_str)
    else {
        return;
    };
    let mut applied = false;
    let mut broken = false;
    for (position, entry) in context.iter().enumerate() {
        let Some(subject) = entry.pointer("/resource/subject").and_then(patient_of) else {
            continue;
        };
        applied = true;
        if subject != patient {
            broken = true;
            judgement.violations.push(Violation {
                requirement: SUBJECT.to_owned(),
                unmet: None,
                pointer: format!("/context/{position}/resource/subject/reference"),
                message: format!("refers to Patient/{subject}, and the patient of the event is {patient}"),
                schema: "agreement within an event".to_owned(),
            });
        }
    }
    if applied && !broken {
        judgement.satisfied.push(SUBJECT.to_owned());
    }
}

fn study_patient(context: &[Value], judgement: &mut Judgement) {
    let Some(subject) = keyed(context, "study")
        .and_then(|study| study.get("subject"))
        .and_then(patient_of)
    else {
        return;
    };
    if keyed(context, "patient").is_some() {
        judgement.satisfied.push(STUDY_PATIENT.to_owned());
    } else {
        judgement.violations.push(Violation {
            requirement: STUDY_PATIENT.to_owned(),
            unmet: None,
            pointer: "/context".to_owned(),
            message: format!("the study's subject is Patient/{subject}, and the event carries no patient"),
            schema: "agreement within an event".to_owned(),
        });
    }
}

fn no_resource_twice(context: &[Value], judgement: &mut Judgement) {
    let Some(entries) = keyed(context, "updates")
        .and_then(|own| own.get("entry"))
        .and_then(Value::as_array)
    else {
        return;
    };
    let name = |entry: &Value| match entry.get("resource") {
        Some(resource) => {
            let text = |member: &str| resource.get(member)?.as_str().map(str::to_owned);
            Some(format!("{}/{}", text("resourceType")?, text("id")?))
        }
        None => {
            let url = entry
                .get("fullUrl")
                .or_else(|| entry.pointer("/request/url"))?
                .as_str()?;
            let mut parts = url.rsplitn(3, '/');
            let (id, resource_type) = (parts.next()?, parts.next()?);
            Some(format!("{resource_type}/{id}"))
        }
    };
    let names: Vec<Option<String>> = entries.iter().map(name).collect();
    let twice = names
        .iter()
        .enumerate()
        .find(|(position, own)| own.is_some() && names[..*position].contains(own));
    match twice {
        None if entries.is_empty() => {}
        None => judgement.satisfied.push(TWICE.to_owned()),
        Some((position, own)) => judgement.violations.push(Violation {
            requirement: TWICE.to_owned(),
            unmet: None,
            pointer: format!("/context/updates/entry/{position}"),
            message: format!(
                "{} stands twice in the Bundle",
                own.as_deref().unwrap_or_default()
            ),
            schema: "agreement within an event".to_owned(),
        }),
    }
}
