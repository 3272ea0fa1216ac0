//! `connect`.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_saphyr::Spanned;

use super::{SavedKind, StepKind};
use crate::requirement::RequirementId;
use crate::scenario::check::Checker;
use crate::scenario::condition::{Condition, When};
use crate::scenario::positions::Node;
use crate::scenario::written::{RequirementText, SaveName, SubscriberName, Text};

/// A subscriber connects to the endpoint that it was given.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "connect")]
pub struct Connect {
    /// Who connects.
    #[schemars(with = "SubscriberName")]
    pub subscriber: Spanned<String>,
    /// Where, when not to the endpoint that it was given.
    #[schemars(with = "Option<Text>")]
    pub endpoint: Option<String>,
    /// The hub must refuse the WebSocket, or close it at once: the requirement that this is judged as.
    #[schemars(with = "Option<RequirementText>")]
    pub refused: Option<Spanned<RequirementId>>,
    /// Save whether the hub confirmed the subscription (true or false); where it denies it, or closes the WebSocket, the
    /// scenario goes on.
    #[schemars(with = "Option<SaveName>")]
    pub save_whether: Option<Spanned<String>>,
    /// The step is taken only on this condition.
    pub when: When,
}

impl StepKind for Connect {
    fn describe(&self) -> String {
        let place = self.endpoint.as_deref().unwrap_or("its endpoint");
        let refused = match self.refused {
            Some(_) => ", which must be refused",
            None => "",
        };
        format!("{} connects to {place}{refused}", self.subscriber.value)
    }

    fn check<'d>(&'d self, checker: &mut Checker<'d>, node: &Node) {
        checker.websocket(&self.subscriber);
        checker.optional_text(self.endpoint.as_deref(), node.field("endpoint"));
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
        self.refused.iter().collect()
    }
}
