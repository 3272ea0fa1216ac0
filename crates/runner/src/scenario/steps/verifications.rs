//! `verifications`.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_saphyr::Spanned;

use super::StepKind;
use crate::scenario::check::Checker;
use crate::scenario::condition::{Condition, When};
use crate::scenario::document::Verifying;
use crate::scenario::positions::Node;
use crate::scenario::written::SubscriberName;

/// Change how a subscriber's callback answers intent verifications from now on.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "verifications")]
pub struct ChangeVerifying {
    /// Whose callback.
    #[schemars(with = "SubscriberName")]
    pub of: Spanned<String>,
    /// How it answers, in place of what held before.
    pub rule: Verifying,
    /// The step is taken only on this condition.
    pub when: When,
}

impl StepKind for ChangeVerifying {
    fn describe(&self) -> String {
        format!(
            "from now on the callback of {} answers intent verifications {}",
            self.of.value,
            self.rule.describe()
        )
    }

    fn check<'d>(&'d self, checker: &mut Checker<'d>, node: &Node) {
        checker.webhook(&self.of);
        checker.verifying(&self.rule, node.field("rule"));
    }

    fn when(&self) -> Option<&Condition> {
        self.when.as_ref()
    }
}
