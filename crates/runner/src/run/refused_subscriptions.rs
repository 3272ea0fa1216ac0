//! Subscriptions that a hub refuses though nothing is wrong with them: for others that are there, or were a moment ago.

use std::time::{Duration, Instant};

use super::answers::{Asked, refusal};
use super::mock_subscriber::MockSubscriber;
use super::scenario_run::{ScenarioRun, Stop};
use crate::client::{Answer, NoAnswer, OutgoingRequest};
use crate::protocol::{EventName, Version};
use crate::scenario::{AnswerExpectation, StatusExpectation};

impl ScenarioRun<'_> {
    /// Sends a subscription request and judges the answer. A proper one that is refused beside other scenarios is tried again alone.
    pub(super) async fn ask_for_a_place(
        &mut self,
        name: &str,
        outgoing: &OutgoingRequest,
        asked: Asked<'_>,
    ) -> Result<Answer, Stop> {
        let may_be_refused =
            |expectation: &AnswerExpectation| matches!(expectation.status, Some(StatusExpectation::Refused));
        let is_proper =
            self.mock(name)?.credential.is_none() && !asked.expectations.iter().any(may_be_refused);
        let sent = match is_proper {
            true => self.transmit_proper_subscription(name, outgoing).await,
            false => self.transmit(name, outgoing).await,
        };
        match &sent {
            Ok(answer)
                if answer.is_refused() && is_proper && !self.is_alone && !asked.expectations.is_empty() =>
            {
                self.crowded = true;
                Err(Stop::Unreached(refusal(answer)))
            }
            _ => self.judge_exchange(outgoing, sent, asked).await,
        }
    }

    /// Sends a subscription request that nothing is wrong with. In a scenario that is played alone and has nobody subscribed yet, a
    /// refusal counts only where it repeats (ambiguities, 82): the hub may be letting go of who was there before.
    async fn transmit_proper_subscription(
        &mut self,
        name: &str,
        outgoing: &OutgoingRequest,
    ) -> Result<Answer, NoAnswer> {
        let sent = self.transmit(name, outgoing).await;
        let is_first = !self.state.mocks.values().any(MockSubscriber::is_active);
        let is_refused = |sent: &Result<Answer, NoAnswer>| sent.as_ref().is_ok_and(Answer::is_refused);
        // What is wrong with a request is so a moment later too.
        let may_pass = |answer: &Answer| matches!(answer.status, 403 | 409 | 423 | 500..);
        if !(self.is_alone && is_first && is_refused(&sent) && sent.as_ref().is_ok_and(may_pass)) {
            return sent;
        }
        const AWAITED: &str = "a place for a first subscriber";
        let timing = self.setting.target.timing;
        let whole = self.deadline(Duration::ZERO);
        let wait = self
            .setting
            .patience
            .wait(AWAITED, Instant::now(), whole, timing.quiet);
        loop {
            self.let_the_hub_act().await;
            let sent = self.transmit(name, outgoing).await;
            if sent.as_ref().is_ok_and(Answer::is_accepted) {
                let reading = "the hub refused a subscription, and accepted it when it was asked again";
                self.judge.reading("refusals-that-do-not-last", reading);
            }
            if !is_refused(&sent) {
                return sent;
            }
            if Instant::now() >= wait.until {
                self.setting.patience.missed(AWAITED, "");
                return sent;
            }
        }
    }

    /// A proper subscription was refused. A hub may take so many subscribers, or topics, and no more: beside others the scenario is
    /// played again alone; where that does not help, and another of this scenario has just what is refused, what needs another
    /// does not apply.
    pub(super) fn refused_beside_others(&mut self, name: &str, events: &[EventName], why: String) -> Stop {
        if !self.is_alone {
            self.crowded = true;
            return Stop::Unreached(why);
        }
        if self.topics_as_written {
            return Stop::Declined(format!("the hub refuses a topic of this form ({why})"));
        }
        let has_it = |other: &MockSubscriber| {
            let subscription = other.subscription();
            other.name != name
                && other.is_active()
                && other.credential.is_none()
                && subscription.is_some_and(|subscription| {
                    subscription.asked.len() == events.len()
                        && events.iter().all(|event| subscription.asked.contains(event))
                })
        };
        match self.state.mocks.values().any(has_it) {
            true => Stop::Declined(format!(
                "the hub takes no further subscription beside those that are there ({why})"
            )),
            false => Stop::Unreached(why),
        }
    }

    /// Whether others of the topic are subscribed to other events than these: a hub may refuse that (2.4).
    pub(super) fn is_unequal(&self, name: &str, events: &[EventName]) -> bool {
        if self.setting.target.version != Version::Stu3 {
            return false;
        }
        let Some(mock) = self.state.mocks.get(name) else {
            return false;
        };
        let others = self
            .state
            .mocks
            .values()
            .filter(|other| other.topic == mock.topic && other.name != name);
        others.filter(|other| other.is_active()).any(|other| {
            other.subscription().is_some_and(|subscription| {
                subscription.current.len() != events.len()
                    || !events.iter().all(|event| subscription.current.contains(event))
            })
        })
    }
}
