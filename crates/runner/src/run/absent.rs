//! The step that has a message not come.

use std::time::Instant;

use super::messages::{is_at_home, words};
use super::scenario_run::{HeldAbsence, ScenarioRun, Stop};
use crate::client::Received;
use crate::judging::hub::{Expected, ids, unwanted};
use crate::protocol::{Action, EventName};
use crate::requirement::RequirementId;
use crate::scenario::{Absent, MessageSelector, Selector};
use crate::schema::Unmet;

impl ScenarioRun<'_> {
    /// `absent`.
    pub async fn absent(&mut self, step: &Absent) -> Result<(), Stop> {
        let name = step.at.value.as_str();
        let requirement = &step.requirement.value;
        self.select(&step.message, &[])?;
        if step.unless_granted
            && let Some(event) = self.event_of_selector(&step.message)
            && self
                .mock(name)?
                .subscription()
                .is_some_and(|subscription| subscription.current.contains(&event))
        {
            let why = format!("the hub granted {event} to {name}, which had not asked for it");
            self.judge.inapplicable(requirement, &why);
            return Ok(());
        }
        if step.quiet || !self.mock(name)?.is_active() {
            let quiet = Instant::now() + self.setting.target.timing.quiet;
            let inbox = self.mock(name)?.inbox.clone();
            let message = &step.message;
            inbox
                .wait(quiet, |received, _| {
                    self.select(message, received)
                        .ok()
                        .and_then(|found| found.first().cloned())
                })
                .await;
        } else {
            let by = step.fence_by.as_ref().map(|by| by.value.as_str());
            let marker = match &step.fence_event {
                Some(event) => match self.granted_marker(step, self.event(&event.value)?) {
                    Some(marker) => Some(marker),
                    None => {
                        let why = format!(
                            "the hub does not grant {} to {name}, nor another event that could mark what it does not receive",
                            event.value
                        );
                        self.judge.inapplicable(requirement, &why);
                        return Ok(());
                    }
                },
                None => None,
            };
            let event = marker.as_ref().map(EventName::as_str);
            if let Err(stop) = self.fence(&[name.to_owned()], by, event).await {
                let Stop::Unreached(why) = &stop else {
                    return Err(stop);
                };
                // What has come already is a breach, fence or no fence.
                if !self.intruded(name, &step.message, requirement, step.unmet.unwrap_or_default())? {
                    self.judge.unreached(requirement, why);
                }
                return Ok(());
            }
        }
        if self.came_in_flight(name, &step.message) && !self.still_comes(step).await? {
            self.judge.reading(
                "when-an-unsubscribe-takes-effect",
                "an unsubscribe takes effect a moment after it is accepted",
            );
            self.held_beside(requirement, step.control.as_ref());
            return Ok(());
        }
        self.let_copies_come(step).await?;
        if !self.intruded(name, &step.message, requirement, step.unmet.unwrap_or_default())? {
            self.absences.push(HeldAbsence {
                at: name.to_owned(),
                message: step.message.clone(),
                requirement: requirement.clone(),
                unmet: step.unmet.unwrap_or_default(),
                control: step.control.clone(),
            });
        }
        Ok(())
    }

    /// Waits for the copies that other subscribers are sent, where a second copy came to this one: whether the hub repeats
    /// the event to all decides what that one says.
    async fn let_copies_come(&self, step: &Absent) -> Result<(), Stop> {
        let at = self.mock(&step.at.value)?;
        let selection = self.selection(&step.message)?;
        let (Some(position), true) = (selection.publication, selection.after.is_some()) else {
            return Ok(());
        };
        if self.select(&step.message, &at.inbox.received())?.is_empty() {
            return Ok(());
        }
        let quiet = Instant::now() + self.setting.target.timing.quiet;
        let is_copy = |received: &Received| self.state.origin(received) == Some(position);
        for other in self.state.mocks.values() {
            if other.name != at.name && other.topic == at.topic {
                let second =
                    |received: &[Received]| received.iter().filter(|one| is_copy(one)).nth(1).map(|_| ());
                other.inbox.wait(quiet, |received, _| second(received)).await;
            }
        }
        Ok(())
    }

    /// The event that marks the end of a silence: the one that the scenario names or, where the hub does not grant that, the
    /// opening of something else, if it cannot be taken for what must not come and nobody answers it otherwise.
    fn granted_marker(&self, step: &Absent, named: EventName) -> Option<EventName> {
        let watched = self.state.mocks.get(&step.at.value)?;
        let granted = match watched.subscription() {
            Some(subscription) if subscription.is_withheld(&named) || !self.setting.grants(&named) => {
                &subscription.current
            }
            _ => return Some(named),
        };
        let mut others = self
            .state
            .mocks
            .values()
            .filter(|mock| mock.topic == watched.topic);
        if !others.all(|mock| mock.exact) {
            return None;
        }
        let unwanted = match step.message.of {
            Some(_) => None,
            None => Some(self.event_of_selector(&step.message)?),
        };
        let mut openings = granted.iter().filter(|event| event.is(Action::Open));
        openings.find(|event| Some(*event) != unwanted.as_ref()).cloned()
    }

    /// Looks once more at what must not have come, now that the scenario has ended.
    pub fn conclude_absences(&mut self) {
        for absence in std::mem::take(&mut self.absences) {
            let in_flight = self.came_in_flight(&absence.at, &absence.message);
            let broken = match in_flight {
                true => Ok(false),
                false => self.intruded(&absence.at, &absence.message, &absence.requirement, absence.unmet),
            };
            if matches!(broken, Ok(false)) {
                self.held_beside(&absence.requirement, absence.control.as_ref());
            }
        }
    }

    fn intruded(
        &mut self,
        name: &str,
        message: &Selector,
        requirement: &RequirementId,
        unmet: Unmet,
    ) -> Result<bool, Stop> {
        let mock = self.mock(name)?;
        let mut received = mock.inbox.received();
        if requirement != ids::TOPIC_ISOLATED {
            received.retain(|message| is_at_home(message, &mock.topic));
        }
        let ended = mock.subscription().and_then(|subscription| subscription.ended);
        if let (Some(ended), MessageSelector::Denial) = (ended, message.kind) {
            // The denial that follows the subscriber's own unsubscribe is its due, whatever was answered to that.
            received.retain(|message| message.spot.sequence < ended.sequence);
        }
        let found = self.select(message, &received)?;
        let Some(first) = found.first() else {
            return Ok(false);
        };
        let expected = Expected {
            at: name,
            selection: &self.selection(message)?,
            words: &words(message),
            requirement: Some(requirement),
            unmet,
        };
        let unheld = unwanted(&self.conversation(), &expected, first, found.len());
        self.judge.unheld(requirement, [] as [RequirementId; 0], unheld);
        Ok(true)
    }
}
