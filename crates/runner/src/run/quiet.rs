//! The step in which nothing passes over a WebSocket for a while: the subscription must outlive that (ambiguities, 91).

use std::time::Duration;

use super::scenario_run::{ScenarioRun, Stop};
use crate::judging::hub::rules::{self, Silence};
use crate::requirement::RequirementId;
use crate::scenario::StayQuiet;

/// How many events are published before the silence, and after it: one may be lost for another reason.
const TRIES: usize = 2;

impl ScenarioRun<'_> {
    /// `stay_quiet`.
    pub async fn stay_quiet(&mut self, step: &StayQuiet) -> Result<(), Stop> {
        let name = step.at.value.as_str();
        let requirement = &step.requirement.value;
        let timing = self.setting.target.timing;
        let Some(idle) = timing.idle else {
            return Err(Stop::Declined(
                "nothing says how long a quiet WebSocket must live".to_owned(),
            ));
        };
        // Where the hub loses events before the silence too, that none comes after it says nothing of it.
        let mut comes = true;
        for _ in 0..TRIES {
            let before = self
                .publish_unjudged(&step.by, &step.event, "before-silence")
                .await?;
            comes = self
                .came(name, before, self.deadline(Duration::ZERO))
                .await?
                .is_some();
            if !comes {
                break;
            }
        }
        let subscription = self.mock(name)?.subscription().cloned();
        let granted = subscription.and_then(|subscription| subscription.leased_since());
        let (true, Some((lease, began))) = (comes, granted) else {
            return Err(match granted {
                // What it owes instead is judged where it says nothing.
                None => Stop::Declined(format!("the hub did not say how long {name} is subscribed")),
                Some(_) => Stop::Unreached(format!(
                    "{name} did not receive {} even before the silence",
                    step.event.value
                )),
            });
        };
        let since = self.state.log.next();
        let lasts_until = began.at.saturating_add(rules::safe_part_of(lease));
        let end = since.at.saturating_add(idle).min(lasts_until);
        self.wait_for_the_end_of(name, end).await?;
        if self.is_judged_by_silence(name, requirement, since)? {
            return Ok(());
        }
        if end.saturating_add(timing.response * 2) > lasts_until {
            // Whatever is published now may come too late for the lease.
            self.judge.held(requirement);
            return Ok(());
        }
        let mut published = 0;
        for _ in 0..TRIES {
            published = self
                .publish_unjudged(&step.by, &step.event, "after-silence")
                .await?;
            let came = self.came(name, published, self.deadline(Duration::ZERO)).await?;
            if came.is_some() {
                self.judge.held(requirement);
                return Ok(());
            }
            if self.is_judged_by_silence(name, requirement, since)? {
                return Ok(());
            }
        }
        let publication = self.state.publications.get(published);
        if let Some(publication) = publication {
            let breach = rules::deaf_after_silence(name, end.saturating_sub(since.at), publication);
            self.judge.broken(requirement, breach);
        }
        Ok(())
    }

    /// Waits until the subscriber's WebSocket ends, or until this time in the record.
    async fn wait_for_the_end_of(&self, name: &str, until: Duration) -> Result<(), Stop> {
        let mock = self.mock(name)?;
        let socket = mock.subscription().and_then(|subscription| subscription.socket);
        let deadline = self.state.log.instant(until);
        let ended = |closed: &[crate::client::Closed]| closed.iter().any(|end| Some(end.socket) == socket);
        mock.inbox
            .wait(deadline, |_, closed| ended(closed).then_some(()))
            .await;
        Ok(())
    }

    /// Whether the silence since then has shown what there is to show: the WebSocket has ended.
    fn is_judged_by_silence(
        &mut self,
        name: &str,
        requirement: &RequirementId,
        since: crate::client::Spot,
    ) -> Result<bool, Stop> {
        let subscriber = self.mock(name)?.observed();
        match rules::after_silence(&subscriber, since) {
            Silence::Borne => return Ok(false),
            Silence::Denied => {
                let why = "the hub denied the subscription, as it may at any time";
                self.judge.inapplicable(requirement, why);
            }
            Silence::Cut(breach) => self.judge.broken(requirement, breach),
        }
        Ok(true)
    }
}
