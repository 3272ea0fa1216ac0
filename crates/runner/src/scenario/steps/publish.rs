//! `publish`.

use std::collections::BTreeMap;
use std::fmt::Write;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;
use serde_saphyr::Spanned;

use super::{SavedKind, StepKind};
use crate::judging::hub::RequestKind;
use crate::requirement::RequirementId;
use crate::scenario::answer::{
    AnswerExpectation, answer_requirements, describe_answer, expectations, must_be_accepted,
};
use crate::scenario::check::Checker;
use crate::scenario::condition::{Condition, When};
use crate::scenario::context::PublishedContext;
use crate::scenario::describe::saved;
use crate::scenario::positions::Node;
use crate::scenario::problem::Problem;
use crate::scenario::written::{AnyValue, EventText, SaveName, SubscriberName, Text};

/// A subscriber publishes an event.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "publish")]
pub struct Publish {
    /// Who publishes.
    #[schemars(with = "SubscriberName")]
    pub by: Spanned<String>,
    /// The event.
    #[schemars(with = "EventText")]
    pub event: Spanned<String>,
    /// The case that the event is about: a patient with an encounter, a study and a report, each with generated ids. Cases
    /// are named freely; `a` where none is named. Templates in `scenarios/templates` make the context from it.
    #[schemars(with = "Option<Text>")]
    pub case: Option<String>,
    /// The context: a template with changes, or a whole one in place of the template's.
    pub context: Option<PublishedContext>,
    /// The id, in place of a generated one.
    #[schemars(with = "Option<Text>")]
    pub id: Option<String>,
    /// The timestamp, in place of the present: any text.
    #[schemars(with = "Option<Text>")]
    pub timestamp: Option<String>,
    /// The version of the context for an update or select, in place of the last that the publisher has seen; both spellings
    /// are sent.
    #[schemars(with = "Option<Text>")]
    pub version: Option<String>,
    /// Further members of `event`, or others in the place of those generated.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, AnyValue>")]
    pub event_members: BTreeMap<String, Value>,
    /// Publish it this many times, each with an id and a case of its own.
    #[schemars(range(min = 1))]
    pub times: Option<u32>,
    /// Save the publication: `id`, `timestamp`, `event`, `context`, `message` (as it was sent), `accepted`, `refused`, and the
    /// answer under `answer`.
    #[schemars(with = "Option<SaveName>")]
    pub save: Option<Spanned<String>>,
    /// What must hold of the answer. Without an expectation of its status the event must be accepted (any 2xx), or the rest
    /// of the scenario is inconclusive.
    #[serde(default, deserialize_with = "expectations")]
    #[schemars(with = "Vec<AnswerExpectation>")]
    pub answer: Vec<AnswerExpectation>,
    /// The step is taken only on this condition.
    pub when: When,
}

impl Publish {
    /// An event about a case, with nothing out of the ordinary.
    pub fn new(by: &Spanned<String>, event: &Spanned<String>, case: &str) -> Self {
        Self {
            by: by.clone(),
            event: event.clone(),
            case: Some(case.to_owned()),
            context: None,
            id: None,
            timestamp: None,
            version: None,
            event_members: BTreeMap::new(),
            times: None,
            save: None,
            answer: Vec::new(),
            when: None,
        }
    }
}

impl StepKind for Publish {
    fn describe(&self) -> String {
        let mut text = format!("{} publishes {}", self.by.value, self.event.value);
        if let Some(times) = self.times {
            let _ = write!(text, " {times} times");
        }
        if let Some(case) = &self.case {
            let _ = write!(text, " about case {case}");
        }
        text.push_str(&saved(self.save.as_ref()));
        text.push_str(&describe_answer(&self.answer));
        text
    }

    fn check<'d>(&'d self, checker: &mut Checker<'d>, node: &Node) {
        checker.subscriber(&self.by);
        checker.event(&self.event.value, self.event.referenced.into());
        if let Some(case) = &self.case {
            checker.names.has_case(case);
        }
        checker.optional_text(self.id.as_deref(), node.field("id"));
        checker.optional_text(self.timestamp.as_deref(), node.field("timestamp"));
        checker.optional_text(self.version.as_deref(), node.field("version"));
        if let Some(context) = &self.context {
            context.check(checker, node.field("context"));
        }
        for (name, value) in &self.event_members {
            checker.value(value, node.field("event_members").field(name));
        }
        if self.times == Some(0) {
            checker.tell(node.field("times").place, Problem::NoTimes);
        }
        checker.saves(self);
        checker.expectations(&self.answer, node.field("answer"));
    }

    fn when(&self) -> Option<&Condition> {
        self.when.as_ref()
    }

    fn saves(&self) -> Vec<(&Spanned<String>, SavedKind)> {
        let name = self.save.iter();
        name.map(|name| (name, SavedKind::Publication)).collect()
    }

    fn requirements(&self) -> Vec<&Spanned<RequirementId>> {
        answer_requirements(&self.answer)
    }

    fn must_accept(&self, kind: RequestKind) -> bool {
        kind == RequestKind::Publish && must_be_accepted(&self.answer)
    }
}
