//! Contexts for the events that scenarios publish: templates in `scenarios/templates/<version>`, filled with the ids of a case.
//!
//! A *case* is a patient with an encounter, an imaging study, a report and an observation. Its ids are generated, so that no
//! two scenarios, and no two runs against one hub, speak of the same patient.

use std::collections::BTreeMap;

use rust_embed::RustEmbed;
use serde_json::{Map, Value, json};

use super::anchor::Anchor;
use super::variables::{Piece, VariableError, Variables, pieces};
use crate::protocol::{Action, EventKind, EventName, Version, anchor_key};

#[derive(RustEmbed)]
#[folder = "../../scenarios/templates/"]
#[include = "*.yaml"]
struct Embedded;

/// The names of templates for what the event catalogue does not list.
const ANY: &str = "[FHIR resource]";
const PROPRIETARY: &str = "[organization's event]";
/// The file of the contexts, and the one of the resources that have no file of their own.
const EVENTS: &str = "events.yaml";
const OTHER: &str = "other";
/// How deep resources may hold resources.
const DEPTH: usize = 4;

/// Why there is no context for an event.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// No template fits.
    #[error(
        "there is no template for the context of '{event}' in {version}; write the context beside the event"
    )]
    Missing {
        /// The event.
        event: String,
        /// The version.
        version: Version,
    },
    /// The case lacks something that the template needs.
    #[error("the template for the context of '{event}' cannot be filled: {source}")]
    Case {
        /// The event.
        event: String,
        /// The missing part.
        source: VariableError,
    },
    /// A file of the templates cannot be read.
    #[error("{file}: {message}")]
    File {
        /// The file, in the folder of the templates.
        file: String,
        /// The mistake in it.
        message: String,
    },
}

/// The templates of one version.
#[derive(Debug, Clone, Default)]
struct Folder {
    /// Contexts by the name of the event in lower case.
    events: BTreeMap<String, Value>,
    /// Resources by the name of their file.
    resources: BTreeMap<String, Value>,
}

/// All templates.
#[derive(Debug, Clone, Default)]
pub struct Templates {
    folders: BTreeMap<Version, Folder>,
}

impl Templates {
    /// The templates that are embedded in the binary.
    ///
    /// # Errors
    /// When a file is no YAML, or not in its place.
    pub fn embedded() -> Result<Self, TemplateError> {
        let mut templates = Self::default();
        for name in Embedded::iter() {
            if let Some(file) = Embedded::get(&name) {
                templates.add(&name, &String::from_utf8_lossy(&file.data))?;
            }
        }
        templates.share_resources();
        Ok(templates)
    }

    /// The versions before STU3 use its resources where they have none of their own: all are of FHIR R4.
    fn share_resources(&mut self) {
        let shared = self
            .folders
            .get(&Version::Stu3)
            .map(|folder| folder.resources.clone());
        for folder in self.folders.values_mut() {
            for (name, resource) in shared.iter().flatten() {
                folder
                    .resources
                    .entry(name.clone())
                    .or_insert_with(|| resource.clone());
            }
        }
    }

    fn add(&mut self, file: &str, text: &str) -> Result<(), TemplateError> {
        let problem = |message: String| TemplateError::File {
            file: file.to_owned(),
            message,
        };
        let (version, path) = file
            .split_once('/')
            .and_then(|(folder, path)| Some((folder.parse::<Version>().ok()?, path)))
            .ok_or_else(|| problem("templates lie in a folder named after a version".to_owned()))?;
        let value: Value = serde_saphyr::from_str(text).map_err(|error| problem(error.to_string()))?;
        let folder = self.folders.entry(version).or_default();
        match path.strip_prefix("resources/") {
            Some(name) => {
                folder
                    .resources
                    .insert(name.trim_end_matches(".yaml").to_owned(), value);
            }
            None if path == EVENTS => {
                let Value::Object(events) = value else {
                    return Err(problem("must hold a context for each event".to_owned()));
                };
                folder.events.extend(
                    events
                        .into_iter()
                        .map(|(name, context)| (name.to_lowercase(), context)),
                );
            }
            None => {
                return Err(problem(format!(
                    "is neither {EVENTS} nor one of the folder resources"
                )));
            }
        }
        Ok(())
    }

    /// The context of an event about a case, as [`new_case`] makes them.
    ///
    /// # Errors
    /// When no template fits, or the case lacks what the template needs.
    pub fn context(&self, version: Version, event: &EventName, case: &Value) -> Result<Value, TemplateError> {
        let missing = || TemplateError::Missing {
            event: event.to_string(),
            version,
        };
        let folder = self.folders.get(&version).ok_or_else(missing)?;
        let mut variables = Variables::default();
        variables.set("case", case.clone());
        let template = match folder.events.get(&event.folded()) {
            Some(template) => template,
            None => folder
                .general(event, &mut variables)
                .map_err(|source| failed(event, source))?
                .ok_or_else(missing)?,
        };
        folder
            .fill(template, &mut variables, DEPTH)
            .map_err(|source| failed(event, source))
    }
}

impl Templates {
    /// Puts the context of its open event beside the ids of each anchor of a case.
    pub fn openings(&self, version: Version, case: &mut Value) {
        for anchor in Anchor::ALL {
            let context = anchor.open().map(|event| self.context(version, &event, case));
            let place = case.get_mut(anchor.key()).and_then(|ids| ids.get_mut("opening"));
            if let (Some(Ok(context)), Some(place)) = (context, place) {
                *place = context;
            }
        }
    }
}

fn failed(event: &EventName, source: VariableError) -> TemplateError {
    TemplateError::Case {
        event: event.to_string(),
        source,
    }
}

impl Folder {
    /// The template for an event that the catalogue does not list; sets what it is about.
    fn general(&self, event: &EventName, variables: &mut Variables) -> Result<Option<&Value>, VariableError> {
        match event.kind() {
            EventKind::Resource {
                resource_type,
                action,
            } => self.about(&resource_type, action, variables),
            EventKind::Proprietary => Ok(self.events.get(PROPRIETARY)),
            _ => Ok(None),
        }
    }

    fn about(
        &self,
        resource_type: &str,
        action: Action,
        variables: &mut Variables,
    ) -> Result<Option<&Value>, VariableError> {
        let resource = match self.anchor(resource_type, variables)? {
            Some(resource) => resource,
            // References do not need the resource itself.
            None if matches!(action, Action::Update | Action::Select) => Value::Null,
            None => return Ok(None),
        };
        let id = match resource.get("id") {
            Some(id) => id.clone(),
            None => variables.expand(&json!("${case.other.id}"))?,
        };
        let reference = format!("{resource_type}/{}", id.as_str().unwrap_or_default());
        variables.set(
            "anchor",
            json!({
                "key": anchor_key(resource_type),
                "resource": resource,
                "reference": reference,
            }),
        );
        let name = format!("{ANY}-{}", action.suffix());
        Ok(self.events.get(&name.to_lowercase()))
    }

    /// The resource of this type: one with a file of its own, or one of the others.
    fn anchor(&self, resource_type: &str, variables: &mut Variables) -> Result<Option<Value>, VariableError> {
        let template = self
            .resources
            .values()
            .find(|resource| resource.get("resourceType").and_then(Value::as_str) == Some(resource_type));
        if let Some(resource) = template {
            return self.fill(resource, variables, DEPTH).map(Some);
        }
        let Some(Value::Object(least)) = self
            .resources
            .get(OTHER)
            .and_then(|others| others.get(resource_type))
        else {
            return Ok(None);
        };
        let mut resource = Map::new();
        resource.insert("resourceType".to_owned(), json!(resource_type));
        resource.insert("id".to_owned(), json!("${case.other.id}"));
        resource.extend(least.clone());
        variables.expand(&Value::Object(resource)).map(Some)
    }

    /// Replaces the references in a template, those to resources by the resources filled.
    fn fill(
        &self,
        template: &Value,
        variables: &mut Variables,
        depth: usize,
    ) -> Result<Value, VariableError> {
        if depth > 0 {
            for name in resources_in(template)? {
                if let Some(resource) = self.resources.get(&name) {
                    let filled = self.fill(resource, variables, depth - 1)?;
                    variables.set(&format!("resource.{name}"), filled);
                }
            }
        }
        variables.expand(template)
    }
}

fn resources_in(template: &Value) -> Result<Vec<String>, VariableError> {
    let mut names = Vec::new();
    match template {
        Value::String(text) => {
            for piece in pieces(text)? {
                if let Piece::Reference(reference) = piece
                    && let Some(name) = reference.name.strip_prefix("resource.")
                {
                    names.push(name.to_owned());
                }
            }
        }
        Value::Array(items) => {
            for item in items {
                names.extend(resources_in(item)?);
            }
        }
        Value::Object(members) => {
            for member in members.values() {
                names.extend(resources_in(member)?);
            }
        }
        _ => {}
    }
    Ok(names)
}

/// The ids of a new case. `unique` gives another text at each call, never one that it gave in another run: UUIDs. It serves
/// as logical id as it is, so it has up to 64 letters, digits, dashes and dots.
///
/// The members `opening` are for the contexts of the open events, which are made by [`Templates::openings`].
///
/// Members: `patient.id`, `patient.mrn`, `encounter.id`, `encounter.visit`, `study.id`, `study.uid` (`urn:oid:…`),
/// `study.accession`, `report.id`, `report.number`, `observation.id`, `bundle.id`, `other.id` and `other.number` for any other
/// resource; and for SyncErrors `event.id`, `event.name` and `subscriber.name`, to be replaced by those of the event meant.
pub fn new_case(mut unique: impl FnMut() -> String) -> Value {
    let mut number = |letter: char| format!("{letter}{}", digits(fold(&unique()), 14));
    let (mrn, visit, accession, report, other) =
        (number('M'), number('V'), number('A'), number('R'), number('N'));
    let uid = format!("urn:oid:2.999.{}", fold(&unique()));
    json!({
        "patient": {"id": unique(), "mrn": mrn, "opening": []},
        "encounter": {"id": unique(), "visit": visit, "opening": []},
        "study": {"id": unique(), "uid": uid, "accession": accession, "opening": []},
        "report": {"id": unique(), "number": report, "opening": []},
        "observation": {"id": unique()},
        "bundle": {"id": unique()},
        "other": {"id": unique(), "number": other},
        "event": {"id": unique(), "name": "Patient-open"},
        "subscriber": {"name": "castspec"},
    })
}

/// FNV-1a in 128 bits: a number for a text, the same in every build.
fn fold(text: &str) -> u128 {
    const OFFSET: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;
    text.bytes()
        .fold(OFFSET, |hash, byte| (hash ^ u128::from(byte)).wrapping_mul(PRIME))
}

/// The last decimal digits of a number: short enough for an accession number (DICOM SH, 16 characters).
fn digits(number: u128, count: u32) -> String {
    format!("{:0width$}", number % 10u128.pow(count), width = count as usize)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn case() -> Value {
        let mut count = 0;
        new_case(|| {
            count += 1;
            format!("00000000-0000-4000-8000-{count:012}")
        })
    }

    fn context(event: &str) -> Value {
        Templates::embedded()
            .unwrap()
            .context(Version::Stu3, &event.parse().unwrap(), &case())
            .unwrap()
    }

    fn keys(context: &Value) -> Vec<&str> {
        context
            .as_array()
            .unwrap()
            .iter()
            .map(|entry| entry["key"].as_str().unwrap())
            .collect()
    }

    #[test]
    fn every_event_of_the_catalogue_has_its_keys() {
        for (event, wanted) in [
            ("Patient-open", vec!["patient"]),
            ("patient-CLOSE", vec!["patient"]),
            ("Encounter-open", vec!["encounter", "patient"]),
            ("Encounter-close", vec!["encounter", "patient"]),
            ("ImagingStudy-open", vec!["study", "patient"]),
            ("ImagingStudy-close", vec!["study", "patient"]),
            ("DiagnosticReport-open", vec!["report", "study", "patient"]),
            ("DiagnosticReport-close", vec!["report", "study", "patient"]),
            ("DiagnosticReport-update", vec!["report", "patient", "updates"]),
            ("DiagnosticReport-select", vec!["report", "patient", "select"]),
            ("SyncError", vec!["operationoutcome"]),
            ("UserLogout", vec!["parameters"]),
            ("UserHibernate", vec!["parameters"]),
            ("Home-open", vec![]),
            ("Practitioner-open", vec!["practitioner"]),
            ("Practitioner-close", vec!["practitioner"]),
            ("ImagingStudy-update", vec!["study", "updates"]),
            ("Patient-select", vec!["patient", "select"]),
            ("org.example.patient_transmogrify", vec!["patient"]),
        ] {
            assert_eq!(keys(&context(event)), wanted, "{event}");
        }
    }

    #[test]
    fn references_within_an_event_agree() {
        let report = context("DiagnosticReport-open");
        let (anchor, study, patient) = (
            &report[0]["resource"],
            &report[1]["resource"],
            &report[2]["resource"],
        );
        let subject = format!("Patient/{}", patient["id"].as_str().unwrap());
        assert_eq!(anchor["subject"]["reference"], subject.as_str());
        assert_eq!(study["subject"]["reference"], subject.as_str());
        assert_eq!(
            anchor["imagingStudy"][0]["reference"],
            format!("ImagingStudy/{}", study["id"].as_str().unwrap()).as_str()
        );
        let update = context("DiagnosticReport-update");
        let bundle = &update[2]["resource"];
        assert_eq!(bundle["id"], case()["bundle"]["id"]);
        let observation = &bundle["entry"][0]["resource"];
        assert_eq!(observation["resourceType"], "Observation");
        assert_eq!(
            bundle["entry"][0]["request"]["url"],
            format!("Observation/{}", observation["id"].as_str().unwrap()).as_str()
        );
    }

    #[test]
    fn a_close_carries_what_was_opened() {
        for resource in [
            "Patient",
            "Encounter",
            "ImagingStudy",
            "DiagnosticReport",
            "Location",
        ] {
            assert_eq!(
                context(&format!("{resource}-open")),
                context(&format!("{resource}-close"))
            );
        }
    }

    #[test]
    fn the_other_resources_have_a_type_an_id_and_no_reference_left() {
        let templates = Templates::embedded().unwrap();
        let others = templates.folders[&Version::Stu3].resources[OTHER]
            .as_object()
            .unwrap();
        assert!(others.len() > 20);
        for name in others.keys() {
            let opened = context(&format!("{name}-open"));
            assert_eq!(opened[0]["resource"]["resourceType"], name.as_str());
            assert!(opened[0]["resource"]["id"].is_string());
            assert!(!opened.to_string().contains("${"), "{opened}");
        }
    }

    #[test]
    fn no_two_ids_of_a_case_are_alike_and_they_keep_to_their_forms() {
        let case = case();
        let ids: Vec<&str> = case
            .as_object()
            .unwrap()
            .iter()
            .filter(|(name, _)| *name != "subscriber" && *name != "event")
            .flat_map(|(_, members)| members.as_object().unwrap().values())
            .filter_map(Value::as_str)
            .collect();
        assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len());
        let uid = case["study"]["uid"]
            .as_str()
            .unwrap()
            .trim_start_matches("urn:oid:");
        assert!(uid.len() <= 64, "{uid}");
        assert!(uid.split('.').all(|arc| arc == "0" || !arc.starts_with('0')));
        assert!(case["study"]["accession"].as_str().unwrap().len() <= 16);
    }

    #[test]
    fn what_has_no_template_is_told() {
        let templates = Templates::embedded().unwrap();
        for event in ["Claim-open", "Nonsense"] {
            let error = templates
                .context(Version::Stu3, &event.parse().unwrap(), &case())
                .unwrap_err();
            assert!(matches!(error, TemplateError::Missing { .. }), "{error}");
        }
        let error = templates
            .context(Version::Stu3, &"Patient-open".parse().unwrap(), &json!({}))
            .unwrap_err();
        assert!(matches!(error, TemplateError::Case { .. }), "{error}");
    }

    #[test]
    fn the_contexts_of_every_version_are_as_its_schemas_ask() {
        let templates = Templates::embedded().unwrap();
        for version in Version::ALL {
            let schemas = crate::schema::Schemas::load(version).unwrap();
            for name in templates.folders[&version].events.keys() {
                let Ok(event) = name.parse::<EventName>() else {
                    continue;
                };
                if event.kind() == EventKind::Unknown {
                    continue;
                }
                let context = templates.context(version, &event, &case()).unwrap();
                let mut message = json!({"context": context});
                if event.is(Action::Update) || event.is(Action::Select) {
                    message["context.versionId"] = json!("1");
                }
                let judgement = schemas.judge_context(event.as_str(), &message);
                assert!(
                    judgement.is_clean(),
                    "{event} in {version}: {:#?}",
                    judgement.violations
                );
            }
        }
    }
}
