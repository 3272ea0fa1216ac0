//! Steps about messages: what must come, what must not, and the end of a WebSocket.

use std::time::{Duration, Instant};

use serde_json::Value;
use serde_saphyr::Spanned;

use super::acknowledgements::{acknowledgement_in, acknowledgements};
use super::control::{Control, control_received, mode_of};
use super::judge::{Breach, Place};
use super::play::{HeldAbsence, Play, Stop, breach_of, shortened};
use super::requirements as ids;
use super::stage::{Membership, Mock, Publication, causes, event_of, is_foreign};
use super::webhooks::call_variable;
use crate::protocol::{EventKind, EventName, SyncErrorCause, Version};
use crate::scenario::{Absent, Bound, Expect, ExpectClose, MessageSelector, Selector, mismatches};
use crate::subscriber::{Received, Spot};

/// How many messages at the most are shown of what came instead.
const SHOWN: usize = 4;

impl Play<'_> {
    /// `expect`.
    pub async fn expect(&mut self, step: &Expect) -> Result<(), Stop> {
        let name = step.at.value.as_str();
        let deadline = self.bound(name, step.within)?;
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
                found.into_iter().find(|own| is_at_home(own, &topic))
            })
            .await;
        if found.is_none() {
            // One that names another topic is judged for that; it came for all that.
            found = self.select(message, &inbox.received())?.into_iter().next();
        }
        if let Some(whether) = &step.save_whether {
            self.stage
                .variables
                .set(&whether.value, Value::Bool(found.is_some()));
        }
        let found = match found {
            Some(found) => found,
            None => match self.nameless_sync_error(name, message) {
                Some(found) => {
                    self.judge_nameless(message, &found);
                    found
                }
                None => return self.did_not_come(step).await,
            },
        };
        if let Some(requirement) = &step.requirement {
            self.judge.held(&requirement.value);
        }
        let body = found.json.as_deref().cloned().unwrap_or(Value::Null);
        let call = found.call.as_deref().map(|call| call_variable(call, &found.text));
        if let Some(save) = &step.save {
            self.stage.saved_messages.insert(save.value.clone(), found.spot);
            self.stage.variables.set(&save.value, body.clone());
            if let Some(call) = &call {
                self.stage
                    .variables
                    .set(&format!("{}.request", save.value), call.clone());
            }
        }
        if message.kind == MessageSelector::Verification {
            self.let_it_take_effect(name, found.spot).await;
        }
        for check in &step.checks {
            if !self.holds(check.when.as_ref())? {
                continue;
            }
            let mut found_mismatches = mismatches(&check.has, Some(&body), &self.stage.variables)?;
            found_mismatches.extend(mismatches(&check.request, call.as_ref(), &self.stage.variables)?);
            if found_mismatches.is_empty() {
                self.judge.held(&check.requirement.value);
            } else {
                let mut places = self.cause(message);
                let pointer = found_mismatches
                    .first()
                    .map(|own| own.pointer.clone())
                    .unwrap_or_default();
                places.push(Place::within(found.spot.sequence, &pointer));
                let subject = format!("the {} that {name} received", words(message));
                let breach = breach_of(&found_mismatches, &subject, places, check.unmet);
                self.judge.broken(&check.requirement.value, breach);
            }
        }
        Ok(())
    }

    /// Judges a SyncError that names another event than the one that it comes of.
    fn judge_nameless(&mut self, selector: &Selector, found: &Received) {
        let mut places = self.cause(selector);
        places.push(Place::at(found.spot.sequence));
        let message = found.json.as_deref().unwrap_or(&Value::Null);
        let named: Vec<String> = causes(message).into_iter().map(|cause| cause.event_id).collect();
        let breach = Breach {
            message: "the SyncError names no event that was published".to_owned(),
            expected: self
                .publication(selector)
                .ok()
                .flatten()
                .map(|own| own.id.clone()),
            observed: Some(named.join(", ")),
            places,
            ..Breach::default()
        };
        self.judge.broken(ids::SYNC_ERROR_EVENT_ID, breach);
    }

    async fn did_not_come(&mut self, step: &Expect) -> Result<(), Stop> {
        let name = step.at.value.as_str();
        let told = format!(
            "{name} did not receive the {} that it had to",
            words(&step.message)
        );
        let (observed, came) = self.what_came(name, &step.message)?;
        let ended = self.mock(name)?.was_ended_by_hub();
        if ended && let Some(stop) = self.hub_lost("an open WebSocket", "its connections broke").await {
            return Err(stop);
        }
        match (&step.requirement, &step.save_whether) {
            (Some(requirement), _) if ended => {
                // A hub may end a subscription at any time (2.4), and owes nothing from then on.
                let why = format!("{told}: the hub had ended its subscription");
                self.judge.unreached(&requirement.value, &why);
                for check in &step.checks {
                    self.judge.unreached(&check.requirement.value, &why);
                }
                Ok(())
            }
            (Some(requirement), _) if let Some(why) = self.could_not_come(name, &step.message) => {
                let why = format!("{told}: {why}");
                self.judge.unreached(&requirement.value, &why);
                for check in &step.checks {
                    self.judge.unreached(&check.requirement.value, &why);
                }
                Ok(())
            }
            (Some(requirement), _) if let Some(why) = self.was_not_accepted(&step.message) => {
                let why = format!("{told}: {why}");
                self.judge.inapplicable(&requirement.value, &why);
                for check in &step.checks {
                    self.judge.inapplicable(&check.requirement.value, &why);
                }
                Ok(())
            }
            (Some(requirement), _)
                if let Some(why) = self.nothing_went_out(name, &step.message, &requirement.value) =>
            {
                let why = format!("{told}: {why}");
                self.judge.unreached(&requirement.value, &why);
                for check in &step.checks {
                    self.judge.unreached(&check.requirement.value, &why);
                }
                Ok(())
            }
            (Some(requirement), _) => {
                let mut places = self.cause(&step.message);
                places.extend(self.refusals(&step.message));
                places.extend(came);
                let breach = Breach {
                    message: told.clone(),
                    expected: Some(format!("a {} at {name}", words(&step.message))),
                    observed: Some(observed),
                    places,
                    unmet: step.unmet,
                    ..Breach::default()
                };
                self.judge.broken(&requirement.value, breach);
                for check in &step.checks {
                    self.judge.unreached(&check.requirement.value, &told);
                }
                Ok(())
            }
            (None, Some(_)) => Ok(()),
            (None, None) => Err(Stop::Unreached(told)),
        }
    }

    /// `absent`.
    pub async fn absent(&mut self, step: &Absent) -> Result<(), Stop> {
        let name = step.at.value.as_str();
        let requirement = step.requirement.value.as_str();
        self.select(&step.message, &[])?;
        if step.unless_granted
            && let Some(event) = self.event_of_selector(&step.message)
            && self
                .mock(name)?
                .membership()
                .is_some_and(|own| own.current.contains(&event))
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
            let event = step.fence_event.as_ref().map(|event| event.value.as_str());
            if let Err(stop) = self.fence(&[name.to_owned()], by, event).await {
                let Stop::Unreached(why) = &stop else {
                    return Err(stop);
                };
                // What has come already is a breach, fence or no fence.
                if !self.intruded(name, &step.message, requirement, step.unmet)? {
                    self.judge.unreached(requirement, why);
                }
                return Ok(());
            }
        }
        if !self.intruded(name, &step.message, requirement, step.unmet)? {
            self.absences.push(HeldAbsence {
                at: name.to_owned(),
                message: step.message.clone(),
                requirement: requirement.to_owned(),
                unmet: step.unmet,
            });
        }
        Ok(())
    }

    /// Looks once more at what must not have come, now that the scenario has ended.
    pub fn conclude_absences(&mut self) {
        for absence in std::mem::take(&mut self.absences) {
            let broken = self.intruded(&absence.at, &absence.message, &absence.requirement, absence.unmet);
            if matches!(broken, Ok(false)) {
                self.judge.held(&absence.requirement);
            }
        }
    }

    fn intruded(
        &mut self,
        name: &str,
        message: &Selector,
        requirement: &str,
        unmet: Option<crate::scenario::Unmet>,
    ) -> Result<bool, Stop> {
        let mock = self.mock(name)?;
        let mut received = mock.inbox.received();
        if requirement != ids::TOPIC_ISOLATED {
            received.retain(|own| is_at_home(own, &mock.topic));
        }
        let found = self.select(message, &received)?;
        let Some(first) = found.first() else {
            return Ok(false);
        };
        if let Some(why) = self.repeats_to_all(name, message) {
            self.judge.inapplicable(requirement, &why);
            return Ok(true);
        }
        let mut places = self.cause(message);
        places.push(Place::at(first.spot.sequence));
        let breach = Breach {
            message: format!("{name} received a {} that it must not receive", words(message)),
            expected: Some(format!("no {} at {name}", words(message))),
            observed: Some(format!("{} of them", found.len())),
            places,
            unmet,
            ..Breach::default()
        };
        self.judge.broken(requirement, breach);
        Ok(true)
    }

    /// Every other subscriber was sent this event more than once too: that it comes again says nothing of what was done to
    /// this subscription.
    fn repeats_to_all(&self, name: &str, selector: &Selector) -> Option<String> {
        selector.after.as_ref()?;
        let position = self.publication_position(selector).ok().flatten()?;
        let copies = |mock: &Mock| {
            let received = mock.inbox.received();
            received
                .iter()
                .filter(|own| self.stage.origin(own) == Some(position))
                .count()
        };
        let publication = self.stage.publications.get(position)?;
        let others = self
            .stage
            .mocks
            .values()
            .filter(|mock| mock.name != name && mock.topic == publication.topic);
        let counts: Vec<usize> = others.map(copies).filter(|count| *count > 0).collect();
        (!counts.is_empty() && counts.iter().all(|count| *count > 1))
            .then(|| "the hub delivers this event more than once to the other subscribers as well".to_owned())
    }

    /// Why an event could not be seen to come, which is judged for itself: the subscription was never confirmed, or what
    /// came is no JSON.
    fn could_not_come(&self, name: &str, selector: &Selector) -> Option<String> {
        let is_event = matches!(
            selector.kind,
            MessageSelector::Notification | MessageSelector::SyncError
        );
        let mock = self.stage.mocks.get(name).filter(|_| is_event)?;
        if mock.is_webhook() && mock.membership().is_none() {
            return Some(format!("the subscription of {name} never came about"));
        }
        let since = self
            .publication(selector)
            .ok()
            .flatten()
            .map_or(0, |own| own.requested.sequence);
        self.unreadable_since(name, since)
    }

    /// A message that came to a subscriber after this place in the log and is no JSON.
    pub(super) fn unreadable_since(&self, name: &str, sequence: usize) -> Option<String> {
        let received = self.stage.mocks.get(name)?.inbox.received();
        let mut later = received.iter().filter(|own| own.spot.sequence > sequence);
        later
            .find(|own| own.json.is_none())
            .map(|own| format!("message {} is not JSON", own.spot.sequence))
    }

    /// The hub did not accept the event that a message would come of: whether it may is judged where it was published.
    fn was_not_accepted(&self, selector: &Selector) -> Option<String> {
        let publication = self.publication(selector).ok().flatten()?;
        (!publication.accepted).then(|| format!("the hub did not accept {}", publication.event))
    }

    /// Why nothing can be said of a message that did not come: the event that it comes of reached nobody, which is judged
    /// for itself.
    fn nothing_went_out(&self, name: &str, selector: &Selector, requirement: &str) -> Option<String> {
        let position = self.publication_position(selector).ok().flatten()?;
        let publication = self.stage.publications.get(position)?;
        let reached = |mock: &Mock| {
            let received = mock.inbox.received();
            received
                .iter()
                .any(|own| self.stage.origin(own) == Some(position))
        };
        let about_it =
            selector.kind == MessageSelector::SyncError && publication.event.kind() != EventKind::SyncError;
        if !about_it && ids::DELIVERY.contains(&requirement) {
            return None;
        }
        if about_it && !self.lacks_a_success(name, position) {
            return Some(format!(
                "every subscriber that {} reached took it",
                publication.event
            ));
        }
        let mut others = self
            .stage
            .mocks
            .values()
            .filter(|mock| mock.topic == publication.topic && (mock.name != name || !about_it));
        // Where the hub distributes other events, that this one came to nobody is telling.
        let distributes = || {
            let mocks = self.stage.mocks.values();
            mocks
                .flat_map(|mock| mock.inbox.received())
                .any(|own| self.stage.origin(&own).is_some())
        };
        if others.any(reached) || (!about_it && distributes()) {
            return None;
        }
        Some({
            let event = &publication.event;
            if about_it {
                format!("{event} reached no other subscriber, so none could refuse it")
            } else {
                format!("{event} reached nobody at all")
            }
        })
    }

    /// Among the others that the event reached is one that did not answer it with success: that refused it, answered with
    /// an error, or stayed silent.
    fn lacks_a_success(&self, name: &str, position: usize) -> bool {
        let ids = self.ids_of(position);
        let took = |mock: &Mock| {
            self.stage.log.scan(|entries| {
                let own = entries.iter().filter(|entry| entry.actor == mock.name);
                let mut own = own.filter_map(|entry| acknowledgement_in(entry, entries));
                own.any(|own| ids.contains(&own.id) && own.status.is_success())
            })
        };
        let reached = |mock: &Mock| {
            let received = mock.inbox.received();
            received
                .iter()
                .any(|own| self.stage.origin(own) == Some(position))
        };
        let mut others = self.stage.mocks.values().filter(|mock| mock.name != name);
        others.any(|mock| reached(mock) && !took(mock)) || !self.stage.mocks.values().any(reached)
    }

    /// A SyncError that names no event which was published, where one is expected about the last event before it.
    fn nameless_sync_error(&self, name: &str, selector: &Selector) -> Option<Received> {
        let position = self.publication_position(selector).ok().flatten()?;
        if selector.kind != MessageSelector::SyncError
            || self.stage.publications.get(position)?.event.kind() == EventKind::SyncError
        {
            return None;
        }
        let known: Vec<String> = (0..self.stage.publications.len())
            .flat_map(|position| self.ids_of(position))
            .collect();
        let mock = self.stage.mocks.get(name)?;
        let loose = Selector {
            of: None,
            ..selector.clone()
        };
        let candidates = self.select(&loose, &mock.inbox.received()).ok()?;
        candidates.into_iter().find(|own| {
            let message = own.json.as_deref().unwrap_or(&Value::Null);
            self.last_event_before(own) == Some(position)
                && self.stage.origin(own).is_none()
                && !is_foreign(message, &mock.topic)
                && causes(message)
                    .iter()
                    .all(|cause| !known.contains(&cause.event_id))
        })
    }

    /// `expect_close`.
    pub async fn expect_close(&mut self, step: &ExpectClose) -> Result<(), Stop> {
        let name = step.at.value.as_str();
        let requirement = step.requirement.value.as_str();
        let Some(membership) = self.mock(name)?.membership().cloned() else {
            return Err(Stop::Fault(format!(
                "{name} has no subscription whose WebSocket could be closed"
            )));
        };
        let lease = Duration::try_from_secs_f64(membership.lease.unwrap_or(0.0)).unwrap_or(Duration::MAX);
        if step.within == Bound::Lease && lease > self.setting.target.timing.longest_lease {
            self.ends_as_asked(step, &membership, lease).await?;
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
                    .find(|own| Some(own.socket) == membership.socket && own.by_hub)
                    .cloned()
            })
            .await;
        let Some(closed) = closed else {
            let (observed, places) = self.last_messages(name);
            let breach = Breach {
                message: format!("the hub did not close the WebSocket of {name}"),
                expected: Some("a closed WebSocket".to_owned()),
                observed: Some(format!("an open WebSocket; last: {observed}")),
                places,
                unmet: step.unmet,
                ..Breach::default()
            };
            self.judge.broken(requirement, breach);
            if let Some(early) = &step.not_before_lease {
                self.judge
                    .inapplicable(&early.value, "the WebSocket was not closed at all");
            }
            return Ok(());
        };
        self.judge.held(requirement);
        if let (Some(early), Some(confirmed)) = (&step.not_before_lease, membership.confirmed) {
            let lasted = closed.spot.at.saturating_duration_since(confirmed.at);
            let tolerance = Duration::from_secs(1).min(lease.mul_f64(0.4));
            if lasted + tolerance >= lease {
                self.judge.held(&early.value);
            } else {
                self.ended_early(early, name, lease, confirmed, closed.spot);
            }
        }
        Ok(())
    }

    /// Judges whether a lease that is too long to be waited for ends when the one that was asked for does.
    async fn ends_as_asked(
        &mut self,
        step: &ExpectClose,
        membership: &Membership,
        lease: Duration,
    ) -> Result<(), Stop> {
        let name = step.at.value.as_str();
        let timing = self.setting.target.timing;
        let (Some(early), Some(confirmed)) = (&step.not_before_lease, membership.confirmed) else {
            return Ok(());
        };
        let Some(asked) = self.mock(name)?.lease.map(Duration::from_secs) else {
            return Ok(());
        };
        let deadline = confirmed.at + asked.min(timing.longest_lease) + timing.quiet;
        let inbox = self.mock(name)?.inbox.clone();
        let closed = inbox
            .wait(deadline, |_, closed| {
                let own = closed.iter().find(|own| Some(own.socket) == membership.socket);
                own.filter(|own| own.by_hub).cloned()
            })
            .await;
        match closed {
            Some(closed) => self.ended_early(early, name, lease, confirmed, closed.spot),
            None => self.judge.held(&early.value),
        }
        Ok(())
    }

    fn ended_early(
        &mut self,
        early: &Spanned<String>,
        name: &str,
        lease: Duration,
        confirmed: Spot,
        closed: Spot,
    ) {
        let lasted = closed.at.saturating_duration_since(confirmed.at);
        let breach = Breach {
            message: format!("the hub ended the subscription of {name} before its lease had run out"),
            expected: Some(format!("at least {lease:?} after the confirmation")),
            observed: Some(format!("closed after {lasted:?}")),
            places: vec![Place::at(confirmed.sequence), Place::at(closed.sequence)],
            unmet: None,
            ..Breach::default()
        };
        self.judge.broken(&early.value, breach);
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
                    .map(|own| own.event.clone()),
            },
        }
    }

    /// The subscriber asked for this event, and the hub's confirmation does not grant it.
    fn is_withheld(&self, name: &str, event: &EventName) -> bool {
        let membership = self.stage.mocks.get(name).and_then(Mock::membership);
        membership.is_some_and(|own| {
            own.confirmed.is_some() && own.asked.contains(event) && !own.current.contains(event)
        })
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
                let membership = self.mock(name)?.membership();
                let lease = membership.and_then(|own| own.lease).unwrap_or(0.0);
                let lease = Duration::try_from_secs_f64(lease)
                    .unwrap_or(timing.longest_lease)
                    .min(timing.longest_lease);
                let began = membership
                    .and_then(|own| own.confirmed)
                    .map_or_else(Instant::now, |spot| spot.at);
                (began + lease + timing.response).max(self.deadline(Duration::ZERO))
            }
        })
    }

    /// The messages among these that a selector picks.
    pub fn select(&self, selector: &Selector, received: &[Received]) -> Result<Vec<Received>, Stop> {
        let position = self.publication_position(selector)?;
        let after = match &selector.after {
            None => None,
            Some(name) => {
                let publication = self.stage.saved_publications.get(&name.value);
                let spot = match publication.and_then(|at| self.stage.publications.get(*at)) {
                    Some(publication) => Some(publication.requested),
                    None => self.stage.saved_messages.get(&name.value).copied(),
                };
                Some(
                    spot.ok_or_else(|| Stop::Unreached(format!("'{}' did not come about", name.value)))?
                        .sequence,
                )
            }
        };
        let mut found = Vec::new();
        for own in received {
            if after.is_some_and(|after| own.spot.sequence <= after) {
                continue;
            }
            let Some(message) = own.message() else { continue };
            if !self.is_kind(selector, own)
                || !position.is_none_or(|position| self.comes_from(selector.kind, own, position))
            {
                continue;
            }
            let unlike = mismatches(&selector.has, Some(message), &self.stage.variables)?;
            if unlike.is_empty() {
                found.push(own.clone());
            }
        }
        Ok(found)
    }

    fn is_kind(&self, selector: &Selector, received: &Received) -> bool {
        let control = control_received(received);
        // A notification that lacks its name is told by the id of what was published.
        let published = || {
            let origin = self.stage.origin(received).filter(|_| control.is_none())?;
            Some(self.stage.publications.get(origin)?.event.clone())
        };
        let event = event_of(received).or_else(published);
        let kind = match selector.kind {
            MessageSelector::Confirmation => control == Some(Control::Confirmation),
            MessageSelector::Denial => control == Some(Control::Denial),
            MessageSelector::Verification => {
                // A callback does not take any other method for one.
                let by_get = received.call.as_ref().is_some_and(|call| call.method == "GET");
                control == Some(Control::Verification) && by_get
            }
            MessageSelector::Notification => event
                .as_ref()
                .is_some_and(|event| event.kind() != EventKind::SyncError),
            MessageSelector::SyncError => event
                .as_ref()
                .is_some_and(|event| event.kind() == EventKind::SyncError),
        };
        kind && selector
            .event
            .as_ref()
            .is_none_or(|wanted| event.is_some_and(|event| event == **wanted))
    }

    fn comes_from(&self, kind: MessageSelector, received: &Received, position: usize) -> bool {
        let Some(publication) = self.stage.publications.get(position) else {
            return false;
        };
        if kind != MessageSelector::SyncError || publication.event.kind() == EventKind::SyncError {
            return self.stage.origin(received) == Some(position);
        }
        let context = received
            .message()
            .and_then(|message| message.pointer("/event/context"));
        let context = context.unwrap_or(&Value::Null);
        let causes = SyncErrorCause::from_context(context);
        if causes.is_empty() && self.setting.target.version == Version::Stu1 {
            // There a SyncError need not name its event: it is about the last one before it, or, where nobody gave cause for
            // one, about any.
            let before = publication.requested.sequence < received.spot.sequence;
            let last = self.last_event_before(received) == Some(position);
            let is_about_it = last || (before && !self.somebody_refused(&publication.topic));
            return is_about_it && self.stage.origin(received).is_none();
        }
        let ids = self.ids_of(position);
        causes.iter().any(|cause| ids.contains(&cause.event_id))
    }

    /// Some subscriber of the topic has answered with another status than a success.
    fn somebody_refused(&self, topic: &str) -> bool {
        self.stage.log.scan(|entries| {
            let mut refusals = acknowledgements(entries).filter(|(_, own)| !own.status.is_success());
            refusals.any(|(entry, _)| {
                let mock = self.stage.mocks.get(&entry.actor);
                mock.is_some_and(|mock| mock.topic == topic)
            })
        })
    }

    /// The last publication before a received message that is no SyncError itself.
    fn last_event_before(&self, received: &Received) -> Option<usize> {
        self.stage.publications.iter().rposition(|own| {
            own.event.kind() != EventKind::SyncError && own.requested.sequence < received.spot.sequence
        })
    }

    /// The ids under which a publication went around: its own, and what the hub may have made of it.
    fn ids_of(&self, position: usize) -> Vec<String> {
        let Some(publication) = self.stage.publications.get(position) else {
            return Vec::new();
        };
        let mut ids = vec![publication.id.clone()];
        for mock in self
            .stage
            .mocks
            .values()
            .filter(|mock| mock.topic == publication.topic)
        {
            for received in mock.inbox.received() {
                if self.stage.origin(&received) == Some(position)
                    && let Some(id) = received.message().and_then(|message| message.get("id")?.as_str())
                    && !ids.iter().any(|own| own == id)
                {
                    ids.push(id.to_owned());
                }
            }
        }
        ids
    }

    fn publication(&self, selector: &Selector) -> Result<Option<&Publication>, Stop> {
        Ok(self
            .publication_position(selector)?
            .and_then(|position| self.stage.publications.get(position))
            .map(AsRef::as_ref))
    }

    fn publication_position(&self, selector: &Selector) -> Result<Option<usize>, Stop> {
        let Some(name) = &selector.of else { return Ok(None) };
        match self.stage.saved_publications.get(&name.value) {
            Some(position) => Ok(Some(*position)),
            None => Err(Stop::Unreached(format!("'{}' was not published", name.value))),
        }
    }

    /// Where what a selector is about began: the publication and the hub's answer to it.
    fn cause(&self, selector: &Selector) -> Vec<Place> {
        match self.publication(selector) {
            Ok(Some(publication)) => {
                vec![
                    Place::at(publication.requested.sequence),
                    Place::at(publication.answered.sequence),
                ]
            }
            _ => Vec::new(),
        }
    }

    /// The acknowledgements by which subscribers refused the event that a SyncError must be about.
    fn refusals(&self, selector: &Selector) -> Vec<Place> {
        let Ok(Some(publication)) = self.publication(selector) else {
            return Vec::new();
        };
        self.stage.log.scan(|entries| {
            let refusals = acknowledgements(entries)
                .filter(|(_, own)| own.id == publication.id && !own.status.is_success());
            refusals.map(|(entry, _)| Place::at(entry.sequence)).collect()
        })
    }

    /// What a subscriber received in place of what it had to.
    fn what_came(&self, name: &str, selector: &Selector) -> Result<(String, Vec<Place>), Stop> {
        let mock = self.mock(name)?;
        let since = self
            .publication(selector)?
            .map_or(0, |publication| publication.requested.sequence);
        let came: Vec<Received> = mock
            .inbox
            .received()
            .into_iter()
            .filter(|own| own.spot.sequence > since)
            .collect();
        Ok(summary(mock, &came))
    }

    fn last_messages(&self, name: &str) -> (String, Vec<Place>) {
        match self.stage.mocks.get(name) {
            Some(mock) => summary(mock, &mock.inbox.received()),
            None => (String::new(), Vec::new()),
        }
    }
}

/// It names no other topic than that of its subscriber.
fn is_at_home(received: &Received, topic: &str) -> bool {
    received
        .message()
        .is_none_or(|message| !is_foreign(message, topic))
}

fn summary(mock: &Mock, came: &[Received]) -> (String, Vec<Place>) {
    let last = &came[came.len().saturating_sub(SHOWN)..];
    let mut told: Vec<String> = last.iter().map(told).collect();
    if let Some(closed) = mock.inbox.closed().last().filter(|closed| closed.by_hub) {
        let code = closed
            .code
            .map_or("no code".to_owned(), |code| format!("code {code}"));
        told.push(format!("the WebSocket was closed ({code})"));
    }
    let observed = if told.is_empty() {
        "nothing".to_owned()
    } else {
        told.join("; ")
    };
    (
        shortened(&observed),
        last.iter().map(|own| Place::at(own.spot.sequence)).collect(),
    )
}

/// A message in a few words.
fn told(received: &Received) -> String {
    let Some(message) = received.json.as_deref() else {
        return "a frame that is not JSON".to_owned();
    };
    if let Some(mode) = mode_of(message) {
        return format!("a control message with hub.mode '{mode}'");
    }
    match event_of(received) {
        Some(event) => format!("{event} with id {}", message.get("id").unwrap_or(&Value::Null)),
        None => "a message of no known kind".to_owned(),
    }
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
