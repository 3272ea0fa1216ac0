//! `send`.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};
use serde_saphyr::Spanned;

use super::StepKind;
use crate::scenario::check::Checker;
use crate::scenario::condition::{Condition, When};
use crate::scenario::positions::Node;
use crate::scenario::problem::Problem;
use crate::scenario::written::{AnyValue, SubscriberName, Text};

/// Send any frame over a WebSocket.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(
    rename = "send",
    extend("oneOf" = json!([{"required": ["text"]}, {"required": ["json"]}, {"required": ["bytes"]}]))
)]
pub struct Send {
    /// Who sends.
    #[schemars(with = "SubscriberName")]
    pub by: Spanned<String>,
    /// A text frame.
    #[schemars(with = "Option<Text>")]
    pub text: Option<String>,
    /// A text frame of JSON.
    #[schemars(with = "Option<AnyValue>")]
    pub json: Option<Value>,
    /// A binary frame of these bytes.
    pub bytes: Option<Vec<u8>>,
    /// The step is taken only on this condition.
    pub when: When,
}

impl StepKind for Send {
    fn describe(&self) -> String {
        let content = match (&self.text, &self.json) {
            (Some(_), _) => "a text frame",
            (_, Some(_)) => "a frame of JSON",
            _ => "a binary frame",
        };
        format!("{} sends {content} over its WebSocket", self.by.value)
    }

    fn check<'d>(&'d self, checker: &mut Checker<'d>, node: &Node) {
        checker.websocket(&self.by);
        let given = [self.text.is_some(), self.json.is_some(), self.bytes.is_some()];
        if given.iter().filter(|given| **given).count() != 1 {
            let problem = Problem::Bodies("a frame has one content: text, json or bytes");
            checker.tell(node.place, problem);
        }
        checker.optional_text(self.text.as_deref(), node.field("text"));
        if let Some(value) = &self.json {
            checker.value(value, node.field("json"));
        }
    }

    fn when(&self) -> Option<&Condition> {
        self.when.as_ref()
    }
}
