//! Whether the resources in a requested change are FHIR R4 (2.3), as far as FHIRcast leaves it to FHIR.
//!
//! It is held against who publishes, and never against a hub, which need not validate.

use serde_json::Value;

use super::event::text;
use super::findings::{Breach, Subscriber};
use super::ids;
use super::judge::Judge;
use super::record::Place;
use super::state::Spot;
use crate::fhir::{Finding, Validator, resources_of};
use crate::protocol::Version;
use crate::schema::Unmet;

/// How many findings of one change are told; the others are counted.
const TOLD: usize = 5;
/// How many findings of one change are looked for.
const MOST: usize = 50;

/// What it weighs that a published resource is not FHIR R4.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum BaseFhir {
    /// It breaks the requirement of the publisher.
    #[default]
    Fail,
    /// It is noted, and breaks nothing.
    Note,
    /// It is not looked at.
    Off,
}

/// Whether a finding can be held against a publisher of R4.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    Counts,
    /// FHIRcast has a rule of its own on it, with its own leniency.
    RuleOfItsOwn,
    /// FHIRcast names it as how it is done in R5.
    OfR5,
}

impl Judge {
    pub(super) fn judge_base_fhir(&mut self, who: &Subscriber, message: &Value, spot: Spot) {
        if self.settings.base_fhir == BaseFhir::Off {
            return;
        }
        // Without its schema nothing can be said; that is castspec's fault and nobody else's.
        let Ok(validator) = Validator::shared() else {
            return;
        };
        let mut any = false;
        let mut counted = Vec::new();
        let mut of_r5 = Vec::new();
        for (place, resource) in published(message) {
            any = true;
            for finding in validator.validate(resource) {
                let found = match standing(resource, &finding) {
                    Standing::Counts => &mut counted,
                    Standing::OfR5 => &mut of_r5,
                    Standing::RuleOfItsOwn => continue,
                };
                if found.len() < MOST {
                    let pointer = format!("{place}{}", finding.pointer);
                    found.push(Finding { pointer, ..finding });
                }
            }
        }
        if !any {
            return;
        }
        let agreed = self.fhir_version.as_deref().filter(|name| !is_r4(name));
        let (found, unmet) = match (&counted[..], &of_r5[..]) {
            ([], []) => return self.held(who, ids::VALID_FHIR),
            ([], _) => (of_r5, Unmet::Note),
            _ if agreed.is_some() || self.settings.base_fhir == BaseFhir::Note => (counted, Unmet::Note),
            _ => (counted, Unmet::ByLevel),
        };
        let mut sentence = told(&found);
        if let Some(agreed) = agreed {
            sentence.push_str(&format!("; the hub says that FHIR {} is used", shown(agreed)));
        }
        let place = found.first().map(|finding| finding.pointer.as_str());
        let place = Place::within(spot.sequence, place.unwrap_or_default());
        let breach = Breach::new(sentence, vec![place]);
        // STU1 and STU2 fix no version of FHIR and have contexts hold subsets of resources: it is recorded there.
        let (requirement, unmet) = match self.settings.version {
            Version::Stu3 => (ids::VALID_FHIR, unmet),
            Version::Stu1 | Version::Stu2 => (ids::CONTEXT_RESOURCE, Unmet::Note),
        };
        self.broken(who, requirement, breach.softened(unmet));
    }
}

/// The resources of a published context. An extension holds what its author pleases (2.8).
fn published(message: &Value) -> impl Iterator<Item = (String, &Value)> {
    let context = message.pointer("/event/context").and_then(Value::as_array);
    let elements = context.into_iter().flatten().enumerate();
    elements
        .filter(|(_, element)| text(element, "key") != "extension")
        .flat_map(|(index, element)| {
            let resources = resources_of(element).into_iter();
            resources.map(move |(place, resource)| (format!("/event/context/{index}{place}"), resource))
        })
}

fn standing(resource: &Value, finding: &Finding) -> Standing {
    let pointer = finding.pointer.as_str();
    if text(resource, "resourceType") == "Bundle" {
        let steps: Vec<&str> = pointer.split('/').skip(1).collect();
        // The method and the url that a request lacks are those of the profile of update Bundles.
        if let ["entry", _, "request"] = steps[..] {
            return Standing::RuleOfItsOwn;
        }
    }
    if let Some((parent, "study" | "supportingInfo")) = pointer.rsplit_once('/')
        && resource
            .pointer(parent)
            .is_some_and(|parent| text(parent, "resourceType") == "DiagnosticReport")
    {
        return Standing::OfR5;
    }
    Standing::Counts
}

/// Whether the `fhirVersion` of a hub means R4.
fn is_r4(name: &str) -> bool {
    let name = name.trim();
    name.eq_ignore_ascii_case("R4") || name == "4" || name == "4.0" || name.starts_with("4.0.")
}

/// A name of a version as it can stand in a sentence.
fn shown(name: &str) -> String {
    const LONGEST: usize = 20;
    name.chars()
        .filter(|letter| !letter.is_control())
        .take(LONGEST)
        .collect()
}

fn told(findings: &[Finding]) -> String {
    let sentences: Vec<String> = findings.iter().take(TOLD).map(Finding::to_string).collect();
    let sentences = sentences.join("; ");
    match findings.len() {
        0 | 1 => format!("by base FHIR R4, {sentences}"),
        count @ 2..=TOLD => format!("by base FHIR R4, {count} faults: {sentences}"),
        MOST.. => format!("by base FHIR R4, {MOST} faults or more: {sentences}; and others"),
        count => format!(
            "by base FHIR R4, {count} faults: {sentences}; and {} more",
            count - TOLD
        ),
    }
}
