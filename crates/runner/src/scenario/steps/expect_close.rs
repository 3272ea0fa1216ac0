//! `expect_close`.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_saphyr::Spanned;

use super::StepKind;
use crate::requirement::RequirementId;
use crate::scenario::bound::Bound;
use crate::scenario::check::Checker;
use crate::scenario::condition::{Condition, When};
use crate::scenario::positions::Node;
use crate::scenario::written::{RequirementText, SubscriberName, UnmetText};
use crate::schema::Unmet;

/// The hub must close a WebSocket.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "expect_close")]
pub struct ExpectClose {
    /// Whose WebSocket.
    #[schemars(with = "SubscriberName")]
    pub at: Spanned<String>,
    /// The requirement that this is judged as.
    #[schemars(with = "RequirementText")]
    pub requirement: Spanned<RequirementId>,
    /// A softer verdict than the requirement's level.
    #[schemars(with = "Option<UnmetText>")]
    pub unmet: Option<Unmet>,
    /// How long to wait.
    #[serde(default)]
    pub within: Bound,
    /// It must not close before the granted lease has run out (with a second's tolerance): the requirement for that.
    #[schemars(with = "Option<RequirementText>")]
    pub not_before_lease: Option<Spanned<RequirementId>>,
    /// The step is taken only on this condition.
    pub when: When,
}

impl StepKind for ExpectClose {
    fn describe(&self) -> String {
        let not_before = match self.not_before_lease {
            Some(_) => ", but not before the lease is over",
            None => "",
        };
        format!(
            "the hub must close the WebSocket of {}{not_before}",
            self.at.value
        )
    }

    fn check<'d>(&'d self, checker: &mut Checker<'d>, _node: &Node) {
        checker.websocket(&self.at);
    }

    fn when(&self) -> Option<&Condition> {
        self.when.as_ref()
    }

    fn requirements(&self) -> Vec<&Spanned<RequirementId>> {
        let requirement = std::iter::once(&self.requirement);
        requirement.chain(&self.not_before_lease).collect()
    }

    fn waits(&self) -> Bound {
        self.within
    }
}
