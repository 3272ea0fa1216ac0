//! `fence`.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_saphyr::Spanned;

use super::StepKind;
use crate::judging::hub::RequestKind;
use crate::scenario::check::Checker;
use crate::scenario::condition::{Condition, When};
use crate::scenario::describe::listed;
use crate::scenario::positions::Node;
use crate::scenario::problem::Problem;
use crate::scenario::written::{EventText, SubscriberName};

/// Publish a marker event and wait until these subscribers have seen it: all that came before has come.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "fence")]
pub struct Fence {
    /// Who must see the marker.
    #[schemars(with = "Vec<SubscriberName>", length(min = 1))]
    pub at: Vec<Spanned<String>>,
    /// Who publishes it.
    #[schemars(with = "Option<SubscriberName>")]
    pub by: Option<Spanned<String>>,
    /// The marker event.
    #[schemars(with = "Option<EventText>")]
    pub event: Option<Spanned<String>>,
    /// The step is taken only on this condition.
    pub when: When,
}

impl StepKind for Fence {
    fn describe(&self) -> String {
        let publisher = self
            .by
            .as_ref()
            .map_or_else(String::new, |name| format!(" from {}", name.value));
        format!(
            "a marker event{publisher} must reach {}: all that came before it has come",
            listed(&self.at)
        )
    }

    fn check<'d>(&'d self, checker: &mut Checker<'d>, node: &Node) {
        if self.at.is_empty() {
            checker.tell(node.field("at").place, Problem::Empty("at"));
        }
        for name in self.at.iter().chain(&self.by) {
            checker.subscriber(name);
        }
        if let Some(event) = &self.event {
            checker.event(&event.value, event.referenced.into());
        }
    }

    fn when(&self) -> Option<&Condition> {
        self.when.as_ref()
    }

    fn must_accept(&self, kind: RequestKind) -> bool {
        kind == RequestKind::Publish
    }
}
