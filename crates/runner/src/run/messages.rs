//! The step that has a message come, and what messages a selector picks.

use std::time::{Duration, Instant};

use serde_json::Value;

use super::patience::Wait;
use super::scenario_run::{ScenarioRun, Stop, breach_of};
use super::webhooks::call_variable;
use crate::client::Received;
use crate::judging::hub::{
    Expected, MessageClass, Place, Publication, Selection, Unheld, cause, ids, is_foreign,
    nameless_sync_error, why_missing,
};
use crate::protocol::EventName;
use crate::scenario::{Bound, Expect, MessageSelector, Selector, mismatches};

impl ScenarioRun<'_> {
    /// `expect`.
    pub async fn expect(&mut self, step: &Expect) -> Result<(), Stop> {
        let name = step.at.value.as_str();
        let wait = self.shortened(&awaited(step), name, step.within)?;
        let began = self.state.log.next().at;
        let deadline = wait.until;
        let inbox = self.mock(name)?.inbox.clone();
        let message = &step.message;
        // A selector that cannot be evaluated would make an endless wait of a mistake.
        self.select(message, &[])?;
        if !step.despite_grant
            && let Some(event) = self.event_of_selector(message)
            && self.is_withheld(name, &event)
        {
            let why = format!("the hub did not grant {event} to {name}");
            let Some(requirement) = &step.requirement else {
                return Err(Stop::Declined(why));
            };
            self.judge.inapplicable(&requirement.value, &why);
            return Ok(());
        }
        let topic = self.mock(name)?.topic.clone();
        let mut found = inbox
            .wait(deadline, |received, _| {
                let found = self.select(message, received).ok()?;
                found.into_iter().find(|message| is_at_home(message, &topic))
            })
            .await;
        if found.is_none() {
            // One that names another topic is judged for that; it came for all that.
            found = self.select(message, &inbox.received())?.into_iter().next();
        }
        if let Some(whether) = &step.save_whether {
            self.state
                .variables
                .set(&whether.value, Value::Bool(found.is_some()));
        }
        let found = match found {
            Some(found) => found,
            None => match self.nameless_sync_error(step)? {
                Some(found) => found,
                None => {
                    return match wait.in_vain_before {
                        Some(before) => self.did_not_come_again(step, &before),
                        None => self.did_not_come(step).await,
                    };
                }
            },
        };
        self.setting
            .patience
            .answered_after(found.spot.at.saturating_sub(began));
        if let Some(requirement) = &step.requirement {
            self.held_beside(&requirement.value, step.control.as_ref());
        }
        let body = found.json.as_deref().cloned().unwrap_or(Value::Null);
        let call = found.call.as_deref().map(|call| call_variable(call, &found.text));
        if let Some(save) = &step.save {
            self.state.saved_messages.insert(save.value.clone(), found.spot);
            self.state.variables.set(&save.value, body.clone());
            if let Some(call) = &call {
                self.state
                    .variables
                    .set(&format!("{}.request", save.value), call.clone());
            }
        }
        if message.kind == MessageSelector::Confirmation {
            self.take_confirmation(name, &found)?;
        }
        if message.kind == MessageSelector::Verification {
            self.let_it_take_effect(name, found.spot).await;
        }
        for check in &step.checks {
            if !self.holds(check.when.as_ref())? {
                continue;
            }
            let mut found_mismatches = mismatches(&check.has, Some(&body), &self.state.variables)?;
            found_mismatches.extend(mismatches(&check.request, call.as_ref(), &self.state.variables)?);
            if found_mismatches.is_empty() {
                self.judge.held(&check.requirement.value);
            } else {
                let mut places = self.cause(message);
                let pointer = found_mismatches
                    .first()
                    .map(|mismatch| mismatch.pointer.clone())
                    .unwrap_or_default();
                places.push(Place::within(found.spot.sequence, &pointer));
                let subject = format!("the {} that {name} received", words(message));
                let breach = breach_of(
                    &found_mismatches,
                    &subject,
                    places,
                    check.unmet.unwrap_or_default(),
                );
                self.judge.broken(&check.requirement.value, breach);
            }
        }
        Ok(())
    }

    /// A SyncError that names no event which was published, where one is expected about the last event before it.
    fn nameless_sync_error(&mut self, step: &Expect) -> Result<Option<Received>, Stop> {
        let name = step.at.value.as_str();
        let loose = Selector {
            of: None,
            ..step.message.clone()
        };
        let candidates = self.select(&loose, &self.mock(name)?.inbox.received())?;
        let selection = self.selection(&step.message)?;
        let expected = expected(step, &selection, "");
        let found = nameless_sync_error(&self.conversation(), &expected, &candidates);
        Ok(found.map(|(found, breach)| {
            self.judge.broken(ids::SYNC_ERROR_EVENT_ID, breach);
            found.clone()
        }))
    }

    /// What a step waits for did not come in a shortened wait: nobody is blamed for it a second time.
    fn did_not_come_again(&mut self, step: &Expect, before: &str) -> Result<(), Stop> {
        let selection = self.selection(&step.message)?;
        let words = words(&step.message);
        let why = format!(
            "{}; it was not waited for in full, as it did not come in the scenario '{before}' either",
            expected(step, &selection, &words).did_not_come()
        );
        match (&step.requirement, &step.save_whether) {
            (Some(requirement), _) => {
                self.judge.unreached(&requirement.value, &why);
                for check in &step.checks {
                    self.judge.unreached(&check.requirement.value, &why);
                }
                Ok(())
            }
            (None, Some(_)) => Ok(()),
            (None, None) => Err(Stop::Unreached(why)),
        }
    }

    /// The wait for what a step waits for: a shorter one where it was waited for in vain before, and what ends the wait is an
    /// answer and no lease or time-out.
    fn shortened(&self, awaited: &str, name: &str, bound: Bound) -> Result<Wait, Stop> {
        let whole = self.bound(name, bound)?;
        if bound != Bound::Response {
            return Ok(Wait {
                until: whole,
                in_vain_before: None,
            });
        }
        let quiet = self.setting.target.timing.quiet;
        Ok(self.setting.patience.wait(awaited, Instant::now(), whole, quiet))
    }

    async fn did_not_come(&mut self, step: &Expect) -> Result<(), Stop> {
        let name = step.at.value.as_str();
        let selection = self.selection(&step.message)?;
        if self.mock(name)?.was_ended_by_hub()
            && let Some(stop) = self.hub_lost("an open WebSocket", "its connections broke").await
        {
            return Err(stop);
        }
        let words = words(&step.message);
        let expected = expected(step, &selection, &words);
        match (&step.requirement, &step.save_whether) {
            (Some(requirement), _)
                if step.message.kind == MessageSelector::Confirmation && !self.setting.dialect.confirms() =>
            {
                let why = "the hub confirms no subscription, as the first contact tells";
                self.judge.unreached(&requirement.value, why);
                for check in &step.checks {
                    self.judge.unreached(&check.requirement.value, why);
                }
                Ok(())
            }
            (Some(requirement), _) => {
                let unheld = why_missing(&self.conversation(), &expected);
                // What need not have come after all says nothing of what must come elsewhere.
                if step.within == Bound::Response && matches!(unheld, Unheld::Broken(_)) {
                    self.setting.patience.missed(&awaited(step), &self.title);
                }
                let checks = step.checks.iter().map(|check| &check.requirement.value);
                self.judge.unheld(&requirement.value, checks, unheld);
                Ok(())
            }
            (None, Some(_)) => Ok(()),
            (None, None) => {
                if step.within == Bound::Response {
                    self.setting.patience.missed(&awaited(step), &self.title);
                }
                Err(Stop::Unreached(expected.did_not_come()))
            }
        }
    }

    /// The event of the messages that a selector picks, where it says so.
    pub(super) fn event_of_selector(&self, selector: &Selector) -> Option<EventName> {
        match selector.kind {
            MessageSelector::Confirmation | MessageSelector::Denial | MessageSelector::Verification => None,
            MessageSelector::SyncError => "SyncError".parse().ok(),
            MessageSelector::Notification => match &selector.event {
                Some(event) => event.parse().ok(),
                None => self
                    .publication(selector)
                    .ok()
                    .flatten()
                    .map(|publication| publication.event.clone()),
            },
        }
    }

    /// The subscriber asked for this event, and the hub's confirmation does not grant it; or it did not even ask, as the hub
    /// grants it to nobody.
    fn is_withheld(&self, name: &str, event: &EventName) -> bool {
        if !self.setting.grants(event) {
            return true;
        }
        let mock = self.state.mocks.get(name);
        let subscription = mock.and_then(|mock| mock.subscription());
        subscription.is_some_and(|subscription| subscription.is_withheld(event))
    }

    /// When a wait must have ended.
    pub(super) fn bound(&self, name: &str, bound: Bound) -> Result<Instant, Stop> {
        let timing = self.setting.target.timing;
        Ok(match bound {
            Bound::Past => Instant::now(),
            Bound::Quiet => Instant::now() + timing.quiet,
            Bound::Response => self.deadline(Duration::ZERO),
            Bound::AckTimeout => self.deadline(timing.ack_timeout),
            Bound::Lease => {
                let subscription = self.mock(name)?.subscription();
                let lease = subscription
                    .and_then(|subscription| subscription.lease)
                    .unwrap_or(0.0);
                let lease = Duration::try_from_secs_f64(lease)
                    .unwrap_or(timing.longest_lease)
                    .min(timing.longest_lease);
                let began = subscription
                    .and_then(|subscription| subscription.confirmed)
                    .map_or_else(Instant::now, |spot| self.state.log.instant(spot.at));
                (began + lease + timing.response).max(self.deadline(Duration::ZERO))
            }
        })
    }

    /// The messages among these that a selector picks.
    pub fn select(&self, selector: &Selector, received: &[Received]) -> Result<Vec<Received>, Stop> {
        let selection = self.selection(selector)?;
        let conversation = self.conversation();
        let mut found = Vec::new();
        for received in received {
            if self.state.unasked(received).is_some() {
                continue;
            }
            let unlike = match received.message() {
                Some(message) if selection.picks(&conversation, received) => {
                    mismatches(&selector.has, Some(message), &self.state.variables)?
                }
                _ => continue,
            };
            if unlike.is_empty() {
                found.push(received.clone());
            }
        }
        Ok(found)
    }

    /// The selection that a selector means, by what has been published and saved so far.
    pub(super) fn selection(&self, selector: &Selector) -> Result<Selection, Stop> {
        let publication = self.publication_position(selector)?;
        let after = match &selector.after {
            None => None,
            Some(name) => {
                let publication = self.state.saved_publications.get(&name.value);
                let spot = match publication.and_then(|at| self.state.publications.get(*at)) {
                    Some(publication) => Some(publication.requested),
                    None => self.state.saved_messages.get(&name.value).copied(),
                };
                Some(
                    spot.ok_or_else(|| Stop::Unreached(format!("'{}' did not come about", name.value)))?
                        .sequence,
                )
            }
        };
        let class = match selector.kind {
            MessageSelector::Confirmation => MessageClass::Confirmation,
            MessageSelector::Denial => MessageClass::Denial,
            MessageSelector::Notification => MessageClass::Notification,
            MessageSelector::SyncError => MessageClass::SyncError,
            MessageSelector::Verification => MessageClass::Verification,
        };
        Ok(Selection {
            class,
            event: selector.event.clone(),
            publication,
            after,
        })
    }

    pub(super) fn publication(&self, selector: &Selector) -> Result<Option<&Publication>, Stop> {
        Ok(self
            .publication_position(selector)?
            .and_then(|position| self.state.publications.get(position))
            .map(AsRef::as_ref))
    }

    fn publication_position(&self, selector: &Selector) -> Result<Option<usize>, Stop> {
        let Some(name) = &selector.of else { return Ok(None) };
        match self.state.saved_publications.get(&name.value) {
            Some(position) => Ok(Some(*position)),
            None => Err(Stop::Unreached(format!("'{}' was not published", name.value))),
        }
    }

    /// Where what a selector is about began: the publication and the hub's answer to it.
    fn cause(&self, selector: &Selector) -> Vec<Place> {
        match self.publication(selector) {
            Ok(Some(publication)) => cause(publication),
            _ => Vec::new(),
        }
    }
}

/// The message of an `expect`, for judging.
fn expected<'s>(step: &'s Expect, selection: &'s Selection, words: &'s str) -> Expected<'s> {
    Expected {
        at: &step.at.value,
        selection,
        words,
        requirement: step.requirement.as_ref().map(|id| &id.value),
        unmet: step.unmet.unwrap_or_default(),
    }
}

/// It names no other topic than that of its subscriber.
pub(super) fn is_at_home(received: &Received, topic: &str) -> bool {
    received
        .message()
        .is_none_or(|message| !is_foreign(message, topic))
}

/// What a selector picks, in words.
pub(super) fn words(selector: &Selector) -> String {
    let kind = match selector.kind {
        MessageSelector::Confirmation => "confirmation",
        MessageSelector::Denial => "denial",
        MessageSelector::Notification => "notification",
        MessageSelector::SyncError => "SyncError",
        MessageSelector::Verification => "verification",
    };
    let event = selector
        .event
        .as_ref()
        .map(|event| format!(" of {event}"))
        .unwrap_or_default();
    let of = match (&selector.of, selector.kind) {
        (Some(name), MessageSelector::SyncError) => format!(" about '{}'", name.value),
        (Some(name), _) => format!(" from '{}'", name.value),
        (None, _) => String::new(),
    };
    format!("{kind}{event}{of}")
}

/// What a step waits for, in words that are the same in all scenarios that wait for the same.
fn awaited(step: &Expect) -> String {
    match &step.requirement {
        Some(requirement) => requirement.value.to_string(),
        None => {
            let event = step.message.event.as_deref().unwrap_or_default();
            format!("{:?} {event}", step.message.kind)
        }
    }
}
