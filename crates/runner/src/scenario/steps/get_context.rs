//! `get_context`.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_saphyr::Spanned;

use super::{SavedKind, StepKind};
use crate::requirement::RequirementId;
use crate::scenario::answer::{AnswerExpectation, answer_requirements, describe_answer, expectations};
use crate::scenario::check::Checker;
use crate::scenario::condition::{Condition, When};
use crate::scenario::positions::Node;
use crate::scenario::written::{SaveName, SubscriberName, Text};

/// Read the current context (STU3, 2.9).
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "get_context")]
pub struct GetContext {
    /// Who asks.
    #[schemars(with = "SubscriberName")]
    pub by: Spanned<String>,
    /// The topic; the subscriber's own where none is named.
    #[schemars(with = "Option<Text>")]
    pub topic: Option<String>,
    /// Save the answer: `status`, `accepted`, `refused`, `headers`, `body` (JSON) and `text`.
    #[schemars(with = "Option<SaveName>")]
    pub save: Option<Spanned<String>>,
    /// What must hold of the answer.
    #[serde(default, deserialize_with = "expectations")]
    #[schemars(with = "Vec<AnswerExpectation>")]
    pub answer: Vec<AnswerExpectation>,
    /// The step is taken only on this condition.
    pub when: When,
}

impl StepKind for GetContext {
    fn describe(&self) -> String {
        format!(
            "{} reads the current context{}",
            self.by.value,
            describe_answer(&self.answer)
        )
    }

    fn check<'d>(&'d self, checker: &mut Checker<'d>, node: &Node) {
        checker.subscriber(&self.by);
        checker.optional_text(self.topic.as_deref(), node.field("topic"));
        checker.saves(self);
        checker.expectations(&self.answer, node.field("answer"));
    }

    fn when(&self) -> Option<&Condition> {
        self.when.as_ref()
    }

    fn saves(&self) -> Vec<(&Spanned<String>, SavedKind)> {
        self.save.iter().map(|name| (name, SavedKind::Answer)).collect()
    }

    fn requirements(&self) -> Vec<&Spanned<RequirementId>> {
        answer_requirements(&self.answer)
    }
}
