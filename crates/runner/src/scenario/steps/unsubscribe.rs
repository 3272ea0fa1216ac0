//! `unsubscribe`.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_saphyr::Spanned;

use super::{SavedKind, StepKind};
use crate::judging::hub::RequestKind;
use crate::requirement::RequirementId;
use crate::scenario::answer::{
    AnswerExpectation, answer_requirements, describe_answer, expectations, must_be_accepted,
};
use crate::scenario::check::Checker;
use crate::scenario::condition::{Condition, When};
use crate::scenario::positions::Node;
use crate::scenario::written::{SaveName, SubscriberName};

/// A subscriber asks for the end of its subscription.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "unsubscribe")]
pub struct Unsubscribe {
    /// Who asks.
    #[schemars(with = "SubscriberName")]
    pub by: Spanned<String>,
    /// Save the answer: `status`, `accepted`, `refused`, `headers`, `body` (JSON) and `text`.
    #[schemars(with = "Option<SaveName>")]
    pub save: Option<Spanned<String>>,
    /// What must hold of the answer. Without an expectation of its status it must be accepted, or the rest of the scenario is
    /// inconclusive.
    #[serde(default, deserialize_with = "expectations")]
    #[schemars(with = "Vec<AnswerExpectation>")]
    pub answer: Vec<AnswerExpectation>,
    /// The step is taken only on this condition.
    pub when: When,
}

impl StepKind for Unsubscribe {
    fn describe(&self) -> String {
        format!(
            "{} asks for the end of its subscription{}",
            self.by.value,
            describe_answer(&self.answer)
        )
    }

    fn check<'d>(&'d self, checker: &mut Checker<'d>, node: &Node) {
        checker.subscriber(&self.by);
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

    fn must_accept(&self, kind: RequestKind) -> bool {
        kind == RequestKind::Unsubscribe && must_be_accepted(&self.answer)
    }
}
