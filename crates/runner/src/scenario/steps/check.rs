//! `check`.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};
use serde_saphyr::Spanned;

use super::{SavedKind, StepKind};
use crate::requirement::RequirementId;
use crate::scenario::check::Checker;
use crate::scenario::condition::{Condition, When};
use crate::scenario::describe::describe_value;
use crate::scenario::matcher::Matcher;
use crate::scenario::positions::Node;
use crate::scenario::written::{AnyValue, RequirementText, SaveName, UnmetText};
use crate::schema::Unmet;

/// Compare values that were saved.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "check", extend("dependentRequired" = json!({"unmet": ["requirement"]})))]
pub struct CheckValues {
    /// The requirement that this is judged as; without one, the rest of the scenario builds on it.
    #[schemars(with = "Option<RequirementText>")]
    pub requirement: Option<Spanned<RequirementId>>,
    /// A softer verdict than the requirement's level.
    #[schemars(with = "Option<UnmetText>")]
    pub unmet: Option<Unmet>,
    /// The value.
    #[schemars(with = "AnyValue")]
    pub value: Value,
    /// What must hold of it.
    pub is: Matcher,
    /// Save whether it held (true or false), and build nothing on it. False where the step is not taken.
    #[schemars(with = "Option<SaveName>")]
    pub save_whether: Option<Spanned<String>>,
    /// The step is taken only on this condition.
    pub when: When,
}

impl StepKind for CheckValues {
    fn describe(&self) -> String {
        let verb = match (&self.requirement, &self.save_whether) {
            (None, Some(_)) => "may be",
            _ => "must be",
        };
        format!("{} {verb} {}", describe_value(&self.value), self.is.describe())
    }

    fn check<'d>(&'d self, checker: &mut Checker<'d>, node: &Node) {
        checker.value(&self.value, node.field("value"));
        checker.matcher(&self.is, node.field("is"));
        checker.unmet(self.unmet, self.requirement.as_ref(), node);
        checker.saves(self);
    }

    fn when(&self) -> Option<&Condition> {
        self.when.as_ref()
    }

    fn saves(&self) -> Vec<(&Spanned<String>, SavedKind)> {
        let whether = self.save_whether.iter();
        whether.map(|name| (name, SavedKind::Whether)).collect()
    }

    fn requirements(&self) -> Vec<&Spanned<RequirementId>> {
        self.requirement.iter().collect()
    }
}
