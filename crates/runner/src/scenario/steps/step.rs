//! A step of any kind.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_saphyr::Spanned;

use super::{
    Abort, Absent, ChangeAnswers, ChangeVerifying, CheckValues, Connect, Disconnect, Discover, Expect,
    ExpectClose, ExpectExpiry, Fence, GetContext, Observe, Publish, PublishAtOnce, Request,
    RequestSubscription, SavedKind, Send, StayQuiet, StepKind, Subscribe, Unsubscribe,
};
use crate::requirement::RequirementId;
use crate::scenario::condition::Condition;
use crate::scenario::schema::one_key;

/// One thing that happens: one key, which says what.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "step", transform = one_key)]
pub enum Step {
    /// Subscribers subscribe and get their confirmation, one after the other.
    Subscribe(Subscribe),
    /// One subscription request for a subscriber, without connecting: for leases, re-subscribing and what is odd.
    RequestSubscription(RequestSubscription),
    /// Connect a subscriber to the endpoint that it was given.
    Connect(Connect),
    /// Ask for the end of a subscription.
    Unsubscribe(Unsubscribe),
    /// Publish an event.
    Publish(Box<Publish>),
    /// Publish several events at the same time.
    PublishAtOnce(PublishAtOnce),
    /// Send any HTTP request.
    Request(Box<Request>),
    /// Read the current context (STU3, 2.9).
    GetContext(GetContext),
    /// Read the configuration document (STU3, 2.7).
    Discover(Discover),
    /// A message must come.
    Expect(Box<Expect>),
    /// A message must not come; a fence shows when that is certain.
    Absent(Box<Absent>),
    /// The hub must close a WebSocket.
    ExpectClose(ExpectClose),
    /// A subscription must end with its lease, as the events that are delivered show.
    ExpectExpiry(ExpectExpiry),
    /// A WebSocket over which nothing passes must stay open.
    StayQuiet(StayQuiet),
    /// Send any frame.
    Send(Send),
    /// Close a WebSocket with a close code.
    Disconnect(Disconnect),
    /// Let the connection of a WebSocket end without a close frame.
    Abort(Abort),
    /// Change how a subscriber answers from now on.
    Answers(ChangeAnswers),
    /// Change how a subscriber's callback answers intent verifications from now on.
    Verifications(ChangeVerifying),
    /// Publish a marker event and wait until these subscribers have seen it: all that came before has come.
    Fence(Fence),
    /// Compare values that were saved.
    Check(CheckValues),
    /// Record which reading of an ambiguous passage the hub chose.
    Observe(Observe),
}

impl Step {
    /// The step as its kind.
    pub(in crate::scenario) fn kind(&self) -> &dyn StepKind {
        match self {
            Self::Subscribe(step) => step,
            Self::RequestSubscription(step) => step,
            Self::Connect(step) => step,
            Self::Unsubscribe(step) => step,
            Self::Publish(step) => step.as_ref(),
            Self::PublishAtOnce(step) => step,
            Self::Request(step) => step.as_ref(),
            Self::GetContext(step) => step,
            Self::Discover(step) => step,
            Self::Expect(step) => step.as_ref(),
            Self::Absent(step) => step.as_ref(),
            Self::ExpectClose(step) => step,
            Self::ExpectExpiry(step) => step,
            Self::StayQuiet(step) => step,
            Self::Send(step) => step,
            Self::Disconnect(step) => step,
            Self::Abort(step) => step,
            Self::Answers(step) => step,
            Self::Verifications(step) => step,
            Self::Fence(step) => step,
            Self::Check(step) => step,
            Self::Observe(step) => step,
        }
    }

    /// The condition on the step; without one, it is always taken.
    pub fn when(&self) -> Option<&Condition> {
        self.kind().when()
    }

    /// The step as one sentence, without a full stop.
    pub fn describe(&self) -> String {
        let kind = self.kind();
        match kind.when() {
            None => kind.describe(),
            Some(condition) => format!("if {condition}: {}", kind.describe()),
        }
    }

    /// The ids of the requirements that the step judges.
    pub fn requirements(&self) -> Vec<RequirementId> {
        let named = self.kind().requirements().into_iter();
        named.map(|requirement| requirement.value.clone()).collect()
    }

    /// The names under which the step saves true or false.
    pub fn saves_whether(&self) -> impl Iterator<Item = &str> {
        let saves = self.kind().saves().into_iter();
        saves
            .filter(|(_, kind)| *kind == SavedKind::Whether)
            .map(|(name, _): (&Spanned<String>, _)| name.value.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn description(yaml: &str) -> String {
        serde_saphyr::from_str::<Step>(yaml).unwrap().describe()
    }

    #[test]
    fn steps_read_as_sentences() {
        for (yaml, wanted) in [
            (
                "subscribe: [viewer, reporting]",
                "viewer and reporting subscribe, connect and wait for their confirmations, one after the other",
            ),
            (
                "publish: {by: viewer, event: Patient-open, save: opened, when: not seen}",
                "if not seen: viewer publishes Patient-open ('opened')",
            ),
            (
                "publish_at_once: {each: [{by: viewer, event: Patient-open}, {by: reporting, event: Patient-close}]}",
                "at the same time, viewer publishes Patient-open; reporting publishes Patient-close",
            ),
            (
                "expect: {at: viewer, message: {kind: notification, of: opened}, checks: [{requirement: a, has: {/id: {equals: x}}}]}",
                "viewer must receive a notification of 'opened', in which /id is \"x\"",
            ),
            (
                "request: {by: viewer, text: x, answer: [{status: refused, described: true}]}",
                "viewer sends a text by POST to hub.url, which must be refused and have an answer that says why",
            ),
            (
                "answers: {of: viewer, rules: [{event: Patient-open, status: 409, as_text: true, after_ms: 5}]}",
                "from now on viewer answers: Patient-open with 409 as text after 5 ms",
            ),
            (
                "check: {value: \"${seen}\", is: {equals: true}, save_whether: both}",
                "${seen} may be true",
            ),
            (
                "abort: viewer",
                "the connection of viewer ends without a close frame",
            ),
        ] {
            assert_eq!(description(yaml), wanted);
        }
    }
}
