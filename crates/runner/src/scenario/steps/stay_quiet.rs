//! `stay_quiet`.

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

/// Nothing passes over a WebSocket for as long as the target's `idle` says: it must stay open, and an event that is published
/// afterwards must come over it. A scenario with this step is skipped where the target says nothing of that.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "stay_quiet")]
pub struct StayQuiet {
    /// Whose WebSocket.
    #[schemars(with = "SubscriberName")]
    pub at: Spanned<String>,
    /// Who publishes.
    #[schemars(with = "SubscriberName")]
    pub by: Spanned<String>,
    /// The event that is published, before the silence and after it.
    #[schemars(with = "EventText")]
    pub event: Spanned<String>,
    /// The requirement that a WebSocket which is cut breaks.
    #[schemars(with = "RequirementText")]
    pub requirement: Spanned<RequirementId>,
    /// The step is taken only on this condition.
    pub when: When,
}

impl StepKind for StayQuiet {
    fn describe(&self) -> String {
        format!(
            "nothing passes over the WebSocket of {} for as long as the target says; it must stay open, and {} from {} must come",
            self.at.value, self.event.value, self.by.value
        )
    }

    fn check<'d>(&'d self, checker: &mut Checker<'d>, _node: &Node) {
        checker.websocket(&self.at);
        checker.subscriber(&self.by);
        checker.event(&self.event.value, self.event.referenced.into());
    }

    fn when(&self) -> Option<&Condition> {
        self.when.as_ref()
    }

    fn requirements(&self) -> Vec<&Spanned<RequirementId>> {
        vec![&self.requirement]
    }

    fn waits(&self) -> Bound {
        Bound::Lease
    }
}
