//! `abort`.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_saphyr::Spanned;

use super::StepKind;
use crate::scenario::check::Checker;
use crate::scenario::positions::Node;
use crate::scenario::written::SubscriberName;

/// The connection of a subscriber's WebSocket ends without a close frame.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(rename = "abort")]
pub struct Abort(
    /// The subscriber.
    #[schemars(with = "SubscriberName")]
    pub Spanned<String>,
);

impl StepKind for Abort {
    fn describe(&self) -> String {
        format!("the connection of {} ends without a close frame", self.0.value)
    }

    fn check<'d>(&'d self, checker: &mut Checker<'d>, _node: &Node) {
        checker.websocket(&self.0);
    }
}
