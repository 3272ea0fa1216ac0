//! `answers`.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_saphyr::Spanned;

use super::StepKind;
use crate::scenario::check::Checker;
use crate::scenario::condition::{Condition, When};
use crate::scenario::document::Answer;
use crate::scenario::positions::Node;
use crate::scenario::written::SubscriberName;

/// Change how a subscriber answers from now on.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "answers")]
pub struct ChangeAnswers {
    /// Whose answers.
    #[schemars(with = "SubscriberName")]
    pub of: Spanned<String>,
    /// The rules, in place of all before.
    pub rules: Vec<Answer>,
    /// The step is taken only on this condition.
    pub when: When,
}

impl StepKind for ChangeAnswers {
    fn describe(&self) -> String {
        let rules: Vec<String> = self.rules.iter().map(Answer::describe).collect();
        let rules = match rules.is_empty() {
            true => "everything with 200".to_owned(),
            false => rules.join(", "),
        };
        format!("from now on {} answers: {rules}", self.of.value)
    }

    fn check<'d>(&'d self, checker: &mut Checker<'d>, node: &Node) {
        checker.subscriber(&self.of);
        checker.answers(&self.rules, node.field("rules"));
    }

    fn when(&self) -> Option<&Condition> {
        self.when.as_ref()
    }
}
