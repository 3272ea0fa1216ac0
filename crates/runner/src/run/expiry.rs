//! The step that watches a subscription end with its lease, where no WebSocket closes to tell.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_saphyr::Spanned;

use super::scenario_run::{ScenarioRun, Stop};
use crate::judging::hub::{Breach, Place, cause};
use crate::scenario::{ExpectExpiry, Publish};

impl ScenarioRun<'_> {
    /// `expect_expiry`.
    pub async fn expect_expiry(&mut self, step: &ExpectExpiry) -> Result<(), Stop> {
        let name = step.at.value.as_str();
        let timing = self.setting.target.timing;
        let Some(subscription) = self.mock(name)?.subscription().cloned() else {
            return Err(Stop::Unreached(format!(
                "{name} has no subscription that could expire"
            )));
        };
        let (Some((lease, earliest)), Some(began)) = (subscription.leased_since(), subscription.confirmed)
        else {
            return Err(Stop::Unreached(format!(
                "the hub did not say how long {name} is subscribed"
            )));
        };
        if lease > timing.longest_lease {
            return Err(Stop::Declined(format!(
                "the hub granted a lease of {lease:?}, which is longer than the target's longest_lease"
            )));
        }
        if let Some(early) = &step.not_before_lease {
            let most = self.state.log.instant(earliest.at + lease.mul_f64(0.6));
            tokio::time::sleep_until(most.into()).await;
            let position = self
                .publish_unjudged(&step.by, &step.event, "before-expiry")
                .await?;
            let taken = self
                .state
                .publications
                .get(position)
                .map(|publication| publication.answered.at);
            let in_time = taken.is_some_and(|at| at < earliest.at + lease.mul_f64(0.8));
            let came = self.came(name, position, self.deadline(Duration::ZERO)).await?;
            match came {
                Some(_) => self.judge.held(&early.value),
                None if !in_time => self.judge.inapplicable(
                    &early.value,
                    "the event that was to come before the end of the lease was taken too late to tell",
                ),
                None if let Some(why) = self.mock(name)?.observed().unreadable_since(began.sequence) => {
                    self.judge.unreached(&early.value, &why);
                }
                None => {
                    let breach = self.expiry_breach(
                        format!("the hub ended the subscription of {name} before its lease had run out"),
                        "the event that was published while the lease lasted",
                        position,
                    );
                    self.judge.broken(&early.value, breach);
                }
            }
        }
        let over = self.state.log.instant(began.at + lease + timing.quiet);
        tokio::time::sleep_until(over.into()).await;
        // A hub may look for leases that have run out now and then only.
        let last = over + timing.response;
        loop {
            let is_last = Instant::now() >= last;
            let position = self
                .publish_unjudged(&step.by, &step.event, "after-expiry")
                .await?;
            let quiet = Instant::now() + timing.quiet;
            let Some(came) = self.came(name, position, quiet).await? else {
                self.judge.held(&step.requirement.value);
                return Ok(());
            };
            // Another try each silence shows as much as one after another would.
            tokio::time::sleep_until(quiet.into()).await;
            if is_last {
                let mut breach = self.expiry_breach(
                    format!("{name} received an event after its lease had run out"),
                    "nothing after the lease",
                    position,
                );
                breach.places.push(came);
                self.judge.broken(&step.requirement.value, breach);
                return Ok(());
            }
        }
    }

    /// Publishes the event about a case of its own; where it stands among the publications. Whether it must be delivered is for
    /// the step to judge.
    pub(super) async fn publish_unjudged(
        &mut self,
        by: &Spanned<String>,
        event: &Spanned<String>,
        case: &str,
    ) -> Result<usize, Stop> {
        let position = self.state.publications.len();
        let publish = Publish::new(by, event, &format!("{case}-{position}"));
        self.publish(&publish).await?;
        if let Some(publication) = self.state.publications.get_mut(position)
            && publication.accepted
        {
            Arc::make_mut(publication).proper = false;
            return Ok(position);
        }
        Err(Stop::Unreached(
            "the event that was to show whether the subscription lasts was not taken".to_owned(),
        ))
    }

    /// Where the copy of a publication stands that comes to a subscriber in time.
    pub(super) async fn came(
        &self,
        name: &str,
        position: usize,
        deadline: Instant,
    ) -> Result<Option<Place>, Stop> {
        let inbox = self.mock(name)?.inbox.clone();
        let found = inbox.wait(deadline, |received, _| {
            let copy = received
                .iter()
                .find(|message| self.state.origin(message) == Some(position))?;
            Some(Place::at(copy.spot.sequence))
        });
        Ok(found.await)
    }

    fn expiry_breach(&self, message: String, expected: &str, position: usize) -> Breach {
        let publication = self.state.publications.get(position);
        let places = publication
            .map(|publication| cause(publication))
            .unwrap_or_default();
        Breach::new(message, places).expecting(expected)
    }
}
