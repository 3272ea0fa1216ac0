//! Steps about messages: what must come, what must not, and the end of a WebSocket.

use std::time::{Duration, Instant};

use serde_json::Value;

use super::patience::Wait;
use super::scenario_run::{HeldAbsence, ScenarioRun, Stop, breach_of};
use super::webhooks::call_variable;
use crate::client::Received;
use crate::judging::hub::{
    Breach, Expected, MessageClass, Place, Publication, Selection, Subscription, Unheld, cause, ids,
    is_foreign, nameless_sync_error, not_closed, rules, unwanted, why_missing,
};
use crate::protocol::{Action, EventName};
use crate::requirement::RequirementId;
use crate::scenario::{Absent, Bound, Expect, ExpectClose, MessageSelector, Selector, mismatches};
use crate::schema::Unmet;

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

    /// The event of the messages that a selector picks, where it says so.
    fn event_of_selector(&self, selector: &Selector) -> Option<EventName> {
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
    fn bound(&self, name: &str, bound: Bound) -> Result<Instant, Stop> {
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
    fn selection(&self, selector: &Selector) -> Result<Selection, Stop> {
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
fn is_at_home(received: &Received, topic: &str) -> bool {
    received
        .message()
        .is_none_or(|message| !is_foreign(message, topic))
}

/// What a selector picks, in words.
fn words(selector: &Selector) -> String {
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
