//! `disconnect`.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;
use serde_saphyr::Spanned;

use super::StepKind;
use crate::scenario::check::Checker;
use crate::scenario::condition::{Condition, When};
use crate::scenario::positions::Node;
use crate::scenario::problem::Problem;
use crate::scenario::written::SubscriberName;

/// Close a WebSocket with a close code.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "disconnect")]
pub struct Disconnect {
    /// Who closes.
    #[schemars(with = "SubscriberName")]
    pub subscriber: Spanned<String>,
    /// The close code: 1000 (normal), 1001 (going away), or others that may be sent.
    #[schemars(extend("anyOf" = json!([
        {"minimum": 1000, "maximum": 1003},
        {"minimum": 1007, "maximum": 1014},
        {"minimum": 3000, "maximum": 4999},
    ])))]
    pub code: u16,
    /// The step is taken only on this condition.
    pub when: When,
}

impl StepKind for Disconnect {
    fn describe(&self) -> String {
        let name = &self.subscriber.value;
        format!("{name} closes its WebSocket with code {}", self.code)
    }

    fn check<'d>(&'d self, checker: &mut Checker<'d>, node: &Node) {
        checker.websocket(&self.subscriber);
        // 1005, 1006 and 1015 stand for what no close frame says (RFC 6455, 7.4.1).
        if !matches!(self.code, 1000..=1003 | 1007..=1014 | 3000..=4999) {
            checker.tell(node.field("code").place, Problem::CloseCode(self.code));
        }
    }

    fn when(&self) -> Option<&Condition> {
        self.when.as_ref()
    }
}
