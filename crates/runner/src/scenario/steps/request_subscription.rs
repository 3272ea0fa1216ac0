//! `request_subscription`.

use std::fmt::Write;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_saphyr::Spanned;

use super::{SavedKind, StepKind};
use crate::judging::hub::RequestKind;
use crate::requirement::RequirementId;
use crate::scenario::answer::{
    AnswerExpectation, answer_requirements, describe_answer, expectations, must_be_accepted,
};
use crate::scenario::check::Checker;
use crate::scenario::condition::{Condition, When};
use crate::scenario::describe::listed;
use crate::scenario::positions::Node;
use crate::scenario::written::{EventText, SaveName, SubscriberName, Text};

/// One subscription request, without connecting and without waiting for a verification: for leases, re-subscribing and what is
/// odd. A webhook's callback stays the same, so a further request replaces its subscription.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "request_subscription")]
pub struct RequestSubscription {
    /// Who asks.
    #[schemars(with = "SubscriberName")]
    pub by: Spanned<String>,
    /// `hub.events`, where they differ from the subscriber's own.
    #[schemars(with = "Option<Vec<EventText>>")]
    pub events: Option<Vec<Spanned<String>>>,
    /// `hub.channel.endpoint`: changes that subscription in place of asking for a new one.
    #[schemars(with = "Option<Text>")]
    pub endpoint: Option<String>,
    /// `hub.lease_seconds`.
    pub lease_seconds: Option<u64>,
    /// `hub.secret` of a webhook, where it differs from the subscriber's own.
    #[schemars(with = "Option<Text>")]
    pub secret: Option<String>,
    /// Save the answer: `status`, `accepted`, `refused`, `headers`, `body` (JSON) and `text`.
    #[schemars(with = "Option<SaveName>")]
    pub save: Option<Spanned<String>>,
    /// What must hold of the answer. Without an expectation of its status it must be accepted, or the rest of the scenario is
    /// inconclusive.
    #[serde(default, deserialize_with = "expectations")]
    #[schemars(with = "Vec<AnswerExpectation>")]
    pub answer: Vec<AnswerExpectation>,
    /// The step is taken only on this condition.
    pub when: When,
}

impl StepKind for RequestSubscription {
    fn describe(&self) -> String {
        let mut text = match &self.endpoint {
            Some(_) => format!("{} asks to change its subscription", self.by.value),
            None => format!("{} asks for a subscription", self.by.value),
        };
        if let Some(events) = &self.events {
            let _ = write!(text, " to {}", listed(events));
        }
        if let Some(seconds) = self.lease_seconds {
            let _ = write!(text, " for {seconds} s");
        }
        text.push_str(&describe_answer(&self.answer));
        text
    }

    fn check<'d>(&'d self, checker: &mut Checker<'d>, node: &Node) {
        checker.subscriber(&self.by);
        for event in self.events.iter().flatten() {
            checker.event(&event.value, event.referenced.into());
        }
        checker.optional_text(self.endpoint.as_deref(), node.field("endpoint"));
        checker.names.subscribes(&self.by.value);
        checker.saves(self);
        checker.expectations(&self.answer, node.field("answer"));
    }

    fn when(&self) -> Option<&Condition> {
        self.when.as_ref()
    }

    fn saves(&self) -> Vec<(&Spanned<String>, SavedKind)> {
        self.save.iter().map(|name| (name, SavedKind::Answer)).collect()
    }

    fn requirements(&self) -> Vec<&Spanned<RequirementId>> {
        answer_requirements(&self.answer)
    }

    fn must_accept(&self, kind: RequestKind) -> bool {
        kind == RequestKind::Subscribe && must_be_accepted(&self.answer)
    }
}
