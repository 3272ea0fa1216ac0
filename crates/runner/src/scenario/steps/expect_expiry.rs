//! `expect_expiry`.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_saphyr::Spanned;

use super::StepKind;
use crate::requirement::RequirementId;
use crate::scenario::bound::Bound;
use crate::scenario::check::Checker;
use crate::scenario::condition::{Condition, When};
use crate::scenario::positions::Node;
use crate::scenario::written::{EventText, RequirementText, SubscriberName};

/// A subscription must end with its lease: an event that is published before the granted lease has run out must come, and one
/// that is published afterwards must not. A lease longer than the target's `longest_lease` is not waited for.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "expect_expiry")]
pub struct ExpectExpiry {
    /// Whose subscription.
    #[schemars(with = "SubscriberName")]
    pub at: Spanned<String>,
    /// Who publishes.
    #[schemars(with = "SubscriberName")]
    pub by: Spanned<String>,
    /// The event that is published, before the end of the lease and from then on.
    #[schemars(with = "EventText")]
    pub event: Spanned<String>,
    /// The requirement that its end is judged as. A hub may take the target's `response` to notice that a lease is over.
    #[schemars(with = "RequirementText")]
    pub requirement: Spanned<RequirementId>,
    /// The requirement that it must not end before the lease is judged as.
    #[schemars(with = "Option<RequirementText>")]
    pub not_before_lease: Option<Spanned<RequirementId>>,
    /// The step is taken only on this condition.
    pub when: When,
}

impl StepKind for ExpectExpiry {
    fn describe(&self) -> String {
        format!(
            "{} must receive {} from {} until its lease is over, and no longer",
            self.at.value, self.event.value, self.by.value
        )
    }

    fn check<'d>(&'d self, checker: &mut Checker<'d>, _node: &Node) {
        checker.subscriber(&self.at);
        checker.subscriber(&self.by);
        checker.event(&self.event.value, self.event.referenced.into());
    }

    fn when(&self) -> Option<&Condition> {
        self.when.as_ref()
    }

    fn requirements(&self) -> Vec<&Spanned<RequirementId>> {
        let requirement = std::iter::once(&self.requirement);
        requirement.chain(&self.not_before_lease).collect()
    }

    fn waits(&self) -> Bound {
        Bound::Lease
    }
}
