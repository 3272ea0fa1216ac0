//! `subscribe`.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_saphyr::Spanned;

use super::StepKind;
use crate::judging::hub::RequestKind;
use crate::scenario::check::Checker;
use crate::scenario::describe::listed;
use crate::scenario::positions::Node;
use crate::scenario::problem::Problem;
use crate::scenario::written::SubscriberName;

/// Subscribers subscribe and get their confirmation, one after the other: over a WebSocket that they open, or, of a webhook, by
/// answering the verification of their intent. The ambient checks judge this; if it does not come about, the rest of the
/// scenario is inconclusive.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(rename = "subscribe")]
pub struct Subscribe(
    /// The subscribers.
    #[schemars(with = "Vec<SubscriberName>", length(min = 1))]
    pub Vec<Spanned<String>>,
);

impl StepKind for Subscribe {
    fn describe(&self) -> String {
        match self.0.as_slice() {
            [name] => format!(
                "{} subscribes, connects and waits for the confirmation",
                name.value
            ),
            names => format!(
                "{} subscribe, connect and wait for their confirmations, one after the other",
                listed(names)
            ),
        }
    }

    fn check<'d>(&'d self, checker: &mut Checker<'d>, node: &Node) {
        if self.0.is_empty() {
            checker.tell(node.place, Problem::Empty("subscribe"));
        }
        for name in &self.0 {
            checker.subscriber(name);
            checker.names.subscribes(&name.value);
        }
    }

    fn must_accept(&self, kind: RequestKind) -> bool {
        kind == RequestKind::Subscribe
    }
}
