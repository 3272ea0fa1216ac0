//! Judging a message: which requirements held, and which did not.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Mutex, PoisonError};

use jsonschema::error::ValidationErrorKind;
use jsonschema::{Registry, Validator};
use serde_json::Value;

use super::documents::{self, Documents};
use super::kind::MessageKind;
use super::naming::{self, Named};
use super::{SchemaError, agreement};
use crate::protocol::{EventKind, EventName, Version};

/// A softer verdict than the level of a requirement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Softening {
    /// A warning.
    Warn,
    /// An observation.
    Note,
}

/// What a message shows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Judgement {
    /// Requirements that applied to this message and held, without repetition.
    pub satisfied: Vec<String>,
    /// What did not hold.
    pub violations: Vec<Violation>,
}

/// A requirement that a message breaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The requirement's id.
    pub requirement: String,
    /// A softer verdict than the requirement's level.
    pub unmet: Option<Softening>,
    /// JSON pointer into the message.
    pub pointer: String,
    /// What was expected and what came, one sentence.
    pub message: String,
    /// The keyword of the schema that says so.
    pub schema: String,
}

/// The schemas of one version.
pub struct Schemas {
    version: Version,
    documents: Documents,
    compiled: Mutex<BTreeMap<String, std::sync::Arc<Validator>>>,
}

impl fmt::Debug for Schemas {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Schemas({})", self.version)
    }
}

impl Schemas {
    /// The schemas of a version; each is compiled when it is first needed.
    ///
    /// # Errors
    /// When there are none for this version, or a file cannot be read.
    pub fn load(version: Version) -> Result<Self, SchemaError> {
        Ok(Self {
            version,
            documents: documents::read(version)?,
            compiled: Mutex::default(),
        })
    }

    /// Judges a message of this kind; of a notification all but what its event carries.
    pub fn judge(&self, kind: MessageKind, message: &Value) -> Judgement {
        self.apply(kind.name(), message)
    }

    /// Judges the context of an event that a subscriber has published, with the profiles of its resources. `event` is the
    /// `event` object of the notification.
    pub fn judge_context(&self, name: &str, event: &Value) -> Judgement {
        let Some(file) = self.event_file(name) else {
            return Judgement::default();
        };
        let mut judgement = self.apply(&file, event);
        agreement::judge(name, event, &mut judgement);
        judgement
    }

    /// Judges the context of a SyncError that the hub has made itself.
    pub fn judge_sync_error_of_hub(&self, event: &Value) -> Judgement {
        self.apply("events/syncerror", event)
    }

    /// Every requirement that a schema or a rule names, with the files that do.
    pub fn requirements(&self) -> BTreeMap<String, BTreeSet<String>> {
        let mut named: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (uri, document) in &self.documents {
            for requirement in naming::within(document) {
                named
                    .entry(requirement.id)
                    .or_default()
                    .insert(uri.trim_start_matches("castspec:/").to_owned());
            }
        }
        for id in agreement::REQUIREMENTS {
            named
                .entry((*id).to_owned())
                .or_default()
                .insert("agreement within an event".to_owned());
        }
        named
    }

    /// Compiles every schema, so that a mistake in one shows.
    ///
    /// # Errors
    /// When one is no schema.
    pub fn compile_all(&self) -> Result<(), SchemaError> {
        self.documents
            .keys()
            .try_for_each(|uri| self.compile(uri).map(|_| ()))
    }

    fn event_file(&self, name: &str) -> Option<String> {
        let event: EventName = name.parse().ok()?;
        let own = match event.kind() {
            EventKind::SyncError => "syncerror-of-subscriber".to_owned(),
            EventKind::Proprietary => "proprietary".to_owned(),
            EventKind::Unknown => return None,
            _ => event.folded(),
        };
        let exists = |file: &String| self.documents.contains_key(&documents::uri(self.version, file));
        let catalogued = format!("events/{own}");
        if exists(&catalogued) {
            return Some(catalogued);
        }
        let (_, action) = event.resource()?;
        Some(format!("events/resource-{}", action.suffix())).filter(exists)
    }

    fn apply(&self, file: &str, message: &Value) -> Judgement {
        let uri = documents::uri(self.version, file);
        let Ok(validator) = self.compile(&uri) else {
            return Judgement::default();
        };
        let mut violations: Vec<Violation> = Vec::new();
        for error in validator.iter_errors(message) {
            let keyword = error
                .absolute_keyword_location()
                .map(ToString::to_string)
                .unwrap_or_default();
            let member = match error.kind() {
                ValidationErrorKind::Required { property } => property.as_str(),
                _ => None,
            };
            let Some(named) = self.name(&keyword, &uri, member) else {
                continue;
            };
            let violation = Violation {
                requirement: named.id,
                unmet: named.unmet,
                pointer: error.instance_path().to_string(),
                message: told(&error),
                schema: keyword,
            };
            // Two keywords of one requirement at one place tell the same thing; the first says it.
            let same = |own: &&mut Violation| {
                own.requirement == violation.requirement && own.pointer == violation.pointer
            };
            match violations.iter_mut().find(same) {
                Some(first) if first.unmet.is_some() && violation.unmet.is_none() => *first = violation,
                Some(_) => {}
                None => violations.push(violation),
            }
        }
        let broken: BTreeSet<&str> = violations.iter().map(|own| own.requirement.as_str()).collect();
        let mut satisfied = Vec::new();
        let evaluation = validator.evaluate(message);
        collect(&evaluation.root(), &mut |name| {
            for named in naming::all(name) {
                if !broken.contains(named.id.as_str()) && !satisfied.contains(&named.id) {
                    satisfied.push(named.id);
                }
            }
        });
        Judgement {
            satisfied,
            violations,
        }
    }

    fn name(&self, keyword: &str, root: &str, member: Option<&str>) -> Option<Named> {
        let (uri, pointer) = keyword.split_once('#')?;
        let document = self.documents.get(uri).or_else(|| self.documents.get(root))?;
        naming::of_keyword(document, pointer, member)
    }

    fn compile(&self, uri: &str) -> Result<std::sync::Arc<Validator>, SchemaError> {
        let mut compiled = self.compiled.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(validator) = compiled.get(uri) {
            return Ok(validator.clone());
        }
        let error = |problem: String| SchemaError::Compile {
            uri: uri.to_owned(),
            problem,
        };
        let document = self
            .documents
            .get(uri)
            .ok_or_else(|| error("there is no such schema".to_owned()))?;
        let mut registry = Registry::new();
        for (own, other) in &self.documents {
            registry = registry
                .add(own.as_str(), other)
                .map_err(|problem| error(problem.to_string()))?;
        }
        let registry = registry.prepare().map_err(|problem| error(problem.to_string()))?;
        let validator = jsonschema::options()
            .with_registry(&registry)
            .offline()
            .build(document)
            .map_err(|problem| error(problem.to_string()))?;
        let validator = std::sync::Arc::new(validator);
        compiled.insert(uri.to_owned(), validator.clone());
        Ok(validator)
    }
}

/// Every `x-requirement` of a schema object that was applied and held; where an object around it did not, the evaluation has
/// dropped the annotation, but the object itself held all the same.
fn collect(unit: &jsonschema::OutputUnit<'_>, found: &mut impl FnMut(&Value)) {
    if unit.valid() {
        for annotations in unit.annotations().into_iter().chain(unit.dropped_annotations()) {
            if let Some(name) = annotations.value().get(naming::KEYWORD) {
                found(name);
            }
        }
    }
    for child in unit.children() {
        collect(&child, found);
    }
}

/// A violation in one sentence, with values cut short: a message may hold a patient's data.
fn told(error: &jsonschema::ValidationError<'_>) -> String {
    const MOST: usize = 160;
    let text = match error.kind() {
        ValidationErrorKind::Required { property } => {
            format!(
                "{} is required and is missing",
                property.as_str().unwrap_or_default()
            )
        }
        ValidationErrorKind::FalseSchema | ValidationErrorKind::Not { .. } => {
            "is not allowed here".to_owned()
        }
        _ => match error.instance().as_ref() {
            Value::Object(_) | Value::Array(_) => error.masked().to_string(),
            _ => error.to_string(),
        },
    };
    if text.chars().count() <= MOST {
        return text;
    }
    let mut short: String = text.chars().take(MOST).collect();
    short.push('…');
    short
}
