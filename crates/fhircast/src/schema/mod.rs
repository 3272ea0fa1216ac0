//! The JSON schemas of FHIRcast's messages, and the rules that no schema can express: judges one message at a time and
//! answers in requirements.
//!
//! The schemas lie in `schemas/<version>/` and are embedded in the binary; a version refers to the files of another where
//! its messages are the same. Each names beside its keywords the requirement that they enforce (see `assignment`). This
//! room knows nothing of scenarios, of what was sent before, or of how severe a violation is: that is the catalogue's
//! level, which a schema can only soften.

mod agreement;
mod assignment;
mod evaluation;
mod formats;
mod judgement;
mod kind;
mod loading;
mod parameters;
mod resource_types;
mod wrong_keys;

pub use judgement::{Judgement, Unmet, Violation};
pub use kind::{MessageKind, Sender, UnknownKind};
pub use loading::SchemaError;
pub use parameters::{MisnamedParameter, misnamed_parameters};

use std::collections::BTreeMap;

use serde_json::Value;

use crate::protocol::Version;
use crate::requirement::RequirementId;
use evaluation::Reader;
use judgement::Findings;
use loading::Loaded;

/// The schemas of one version.
#[derive(Debug)]
pub struct Schemas {
    version: Version,
    loaded: Loaded,
}

impl Schemas {
    /// Loads and compiles the schemas of a version.
    ///
    /// # Errors
    /// When there are none for the version, or when one of them is broken.
    pub fn load(version: Version) -> Result<Self, SchemaError> {
        Ok(Self {
            version,
            loaded: Loaded::embedded(version)?,
        })
    }

    /// The version whose messages these schemas judge.
    pub fn version(&self) -> Version {
        self.version
    }

    /// The kinds of messages that the version has.
    pub fn kinds(&self) -> impl Iterator<Item = MessageKind> {
        MessageKind::ALL.into_iter().filter(|kind| self.has(*kind))
    }

    /// Whether the version has messages of this kind; [`Schemas::judge`] finds nothing to say of those that it has not.
    pub fn has(&self, kind: MessageKind) -> bool {
        self.loaded.has(kind.sender(), kind.name())
    }

    /// The kind of a bare message among those that the version has, as far as its members tell: see
    /// [`MessageKind::detect`].
    pub fn detect(&self, message: &Value) -> Option<MessageKind> {
        let kind = match MessageKind::detect(message)? {
            MessageKind::Denial if !self.has(MessageKind::Denial) => MessageKind::WebhookDenial,
            MessageKind::Confirmation if !self.has(MessageKind::Confirmation) => {
                MessageKind::IntentVerification
            }
            kind => kind,
        };
        self.has(kind).then_some(kind)
    }

    /// Judges a message by its kind: the envelope, and of an event what holds for events of any name.
    ///
    /// What the particular event demands of its context is judged by [`Schemas::judge_context`].
    pub fn judge(&self, kind: MessageKind, message: &Value) -> Judgement {
        let mut findings = Findings::default();
        self.apply(kind.sender(), kind.name(), message, "", &mut findings);
        agreement::of_message(self.version, kind, message, &mut findings);
        findings.into_judgement()
    }

    /// Judges the context of an `event` object (a notification's or publication's member `event`) that a subscriber made:
    /// [`Schemas::judge_context_of`] with [`Sender::Subscriber`].
    pub fn judge_context(&self, event_name: &str, event: &Value) -> Judgement {
        self.judge_context_of(Sender::Subscriber, event_name, event)
    }

    /// Judges the context of an `event` object by the definition of the event: keys, cardinalities, profiles, and what
    /// the resources in it say about each other. Pointers are relative to `event`.
    ///
    /// `author` is who made the context, not who passed it on: the hub for a SyncError or an open event that it generated.
    /// The event's name is compared without regard to case; a name in no known form is judged by nothing here.
    pub fn judge_context_of(&self, author: Sender, event_name: &str, event: &Value) -> Judgement {
        let mut findings = Findings::default();
        // A context that is no array is the envelope's concern.
        let Some(context) = event.get("context").filter(|context| context.is_array()) else {
            return findings.into_judgement();
        };
        if let Some(schema) = self.event_schema(event_name) {
            self.apply(author, &schema, context, "/context", &mut findings);
            agreement::of_context(self.version, event_name, context, &mut findings);
        }
        findings.into_judgement()
    }

    /// Every requirement id that a schema or a rule names, with where.
    pub fn requirements(&self) -> BTreeMap<RequirementId, Vec<String>> {
        let mut requirements = self.loaded.assignments.ids(loading::readable);
        for id in agreement::requirements(self.version) {
            requirements
                .entry((*id).into())
                .or_default()
                .push("agreement".to_owned());
        }
        requirements
    }

    fn event_schema(&self, event_name: &str) -> Option<String> {
        let name = event_name.to_lowercase();
        let own = format!("events/{name}");
        if self.loaded.has(Sender::Subscriber, &own) {
            return Some(own);
        }
        if let Some((_, suffix)) = formats::resource_event(&name) {
            return Some(format!("events/any-{suffix}"));
        }
        formats::is_proprietary(&name).then(|| "events/proprietary".to_owned())
    }

    fn apply(&self, sender: Sender, schema: &str, value: &Value, prefix: &str, findings: &mut Findings) {
        let reader = Reader {
            assignments: &self.loaded.assignments,
            resolve: &|location| self.loaded.resolve(location),
            name: &loading::readable,
        };
        if let Some(validator) = self.loaded.validator(sender, schema) {
            reader.judge(validator, value, prefix, findings);
        }
    }
}
