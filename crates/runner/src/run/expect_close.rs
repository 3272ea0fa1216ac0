//! The step that has the hub close a WebSocket.

use std::time::Duration;

use super::scenario_run::{ScenarioRun, Stop};
use crate::judging::hub::{Breach, Subscription, not_closed, rules};
use crate::scenario::{Bound, ExpectClose};
use crate::schema::Unmet;

impl ScenarioRun<'_> {
    /// `expect_close`.
    pub async fn expect_close(&mut self, step: &ExpectClose) -> Result<(), Stop> {
        let name = step.at.value.as_str();
        let requirement = &step.requirement.value;
        let Some(subscription) = self.mock(name)?.subscription().cloned() else {
            return Err(Stop::Fault(format!(
                "{name} has no subscription whose WebSocket could be closed"
            )));
        };
        let lease = Duration::try_from_secs_f64(subscription.lease.unwrap_or(0.0)).unwrap_or(Duration::MAX);
        if step.within == Bound::Lease && lease > self.setting.target.timing.longest_lease {
            self.ends_as_asked(step, &subscription, lease).await?;
            return Err(Stop::Declined(format!(
                "the hub granted a lease of {lease:?}, which is longer than the target's longest_lease"
            )));
        }
        let deadline = self.bound(name, step.within)?;
        let inbox = self.mock(name)?.inbox.clone();
        let closed = inbox
            .wait(deadline, |_, closed| {
                closed
                    .iter()
                    .find(|end| Some(end.socket) == subscription.socket && end.by_hub)
                    .cloned()
            })
            .await;
        let Some(closed) = closed else {
            let breach = not_closed(&self.mock(name)?.observed());
            let breach = breach.softened(step.unmet.unwrap_or_default());
            self.judge.broken(requirement, breach);
            if let Some(early) = &step.not_before_lease {
                self.judge
                    .inapplicable(&early.value, "the WebSocket was not closed at all");
            }
            return Ok(());
        };
        self.judge.held(requirement);
        if let (Some(early), Some((lease, since))) = (&step.not_before_lease, subscription.leased_since()) {
            let lasted = rules::lasted_its_lease(lease, since, closed.spot);
            let breach = (!lasted).then(|| rules::ended_early(name, lease, since, closed.spot));
            self.judge.tried(
                &early.value,
                breach.map(|breach| self.unless_denied(name, breach)),
            );
        }
        Ok(())
    }

    /// The breach of a subscription that ended early: a hub may deny one at any time (2.4 Subscription Denial), and is warned only.
    fn unless_denied(&self, name: &str, breach: Breach) -> Breach {
        let is_denied = self.mock(name).is_ok_and(|mock| mock.observed().is_denied());
        match is_denied {
            true => breach.softened(Unmet::Warn),
            false => breach,
        }
    }

    /// Judges whether a lease that is too long to be waited for ends when the one that was asked for does.
    async fn ends_as_asked(
        &mut self,
        step: &ExpectClose,
        subscription: &Subscription,
        lease: Duration,
    ) -> Result<(), Stop> {
        let name = step.at.value.as_str();
        let timing = self.setting.target.timing;
        let (Some(early), Some(confirmed)) = (&step.not_before_lease, subscription.confirmed) else {
            return Ok(());
        };
        let Some(asked) = self.mock(name)?.lease.map(Duration::from_secs) else {
            return Ok(());
        };
        let deadline = confirmed.at + asked.min(timing.longest_lease) + timing.quiet;
        let deadline = self.state.log.instant(deadline);
        let inbox = self.mock(name)?.inbox.clone();
        let closed = inbox
            .wait(deadline, |_, closed| {
                let end = closed
                    .iter()
                    .find(|closed| Some(closed.socket) == subscription.socket);
                end.filter(|end| end.by_hub).cloned()
            })
            .await;
        let breach = closed.map(|closed| rules::ended_early(name, lease, confirmed, closed.spot));
        self.judge.tried(
            &early.value,
            breach.map(|breach| self.unless_denied(name, breach)),
        );
        Ok(())
    }
}
