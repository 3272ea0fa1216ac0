//! From a published event to its deliveries: broadcast, derived open events, and the replay after a subscription (2.4 to
//! 2.6, 2.10).

use std::sync::Arc;
use std::time::Duration;

use bytestring::ByteString;
use serde_json::value::RawValue;

use super::content::Content;
use super::contexts::{Derived, OpenContext};
use super::publication::{self, Member, Publication};
use super::subscriber::{Channel, Subscriber, Unanswered};
use super::{Session, SubscriberId};
use crate::admission::Admission;
use crate::clock::Now;
use crate::protocol::{Access, Action, CurrentContext, EventKind, EventName, Notification, anchor_key};
use crate::refusal::Refusal;

/// The time that a hub that mixes up the order waits for a second event.
const HELD_BACK: Duration = Duration::from_millis(50);

/// The effect of an event on a subscriber's view of the contexts.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Effect {
    Opens(Arc<str>, Arc<str>),
    Closes(Arc<str>, Arc<str>),
    Nothing,
}

/// An event on its way to its subscribers: serialized once, whatever their number.
#[derive(Debug)]
pub(super) struct Distributed {
    pub(super) id: String,
    pub(super) name: EventName,
    pub(super) text: ByteString,
    /// Whether a subscriber that does not take it is told of in a SyncError.
    pub(super) owes_sync_error: bool,
    /// The event that this one was derived from.
    original: Option<(String, EventName)>,
    effect: Effect,
}

impl Distributed {
    fn new(notification: &Notification, text: String, effect: Effect) -> Self {
        // A SyncError about a SyncError would go in circles; updates and selections are exempt by 3.2.1.
        let owes_sync_error = match notification.event.kind() {
            EventKind::SyncError => false,
            EventKind::Resource { action, .. } => matches!(action, Action::Open | Action::Close),
            _ => true,
        };
        Self {
            id: notification.id.clone(),
            name: notification.event.clone(),
            text: text.into(),
            owes_sync_error,
            original: None,
            effect,
        }
    }

    /// A SyncError of the hub's own.
    pub(super) fn sync_error(notification: &Notification) -> Self {
        Self::new(notification, notification.to_text(), Effect::Nothing)
    }

    /// The same event with the text of this notification.
    pub(super) fn reworded(&self, notification: &Notification) -> Self {
        Self {
            id: notification.id.clone(),
            ..self.told(notification.to_text())
        }
    }

    /// The same event with this text.
    fn told(&self, text: String) -> Self {
        Self {
            id: self.id.clone(),
            name: self.name.clone(),
            text: text.into(),
            owes_sync_error: self.owes_sync_error,
            original: self.original.clone(),
            effect: self.effect.clone(),
        }
    }

    /// Id and name of the event that a SyncError about this one names: the published one.
    pub(super) fn reported_as(&self) -> (&str, &EventName) {
        match &self.original {
            Some((id, name)) => (id, name),
            None => (&self.id, &self.name),
        }
    }
}

impl Session {
    /// A subscriber publishes an event.
    ///
    /// # Errors
    /// When it breaks a rule (400), is about a context that is not open or states another version than its (409), or its
    /// content is too large (413). Then nothing is distributed and nothing has changed.
    pub fn publish(&mut self, notification: Notification, now: Now) -> Result<(), Refusal> {
        self.publish_as(notification, &Admission::default(), now)
    }

    /// [`publish`](Self::publish) by somebody who may not do everything.
    ///
    /// # Errors
    /// As of [`publish`](Self::publish), and when the event may not be requested (403).
    pub fn publish_as(
        &mut self,
        mut notification: Notification,
        admission: &Admission,
        now: Now,
    ) -> Result<(), Refusal> {
        if !admission.allows(&notification.event, Access::Write) {
            if self.behaviour.broadcasts_what_is_unauthorized() {
                self.leak(&notification.id, &notification.event, notification.to_text(), now);
            }
            return Err(Admission::refuse(
                "/event/hub.event",
                &notification.event,
                Access::Write,
            ));
        }
        match self.take(&mut notification) {
            Ok((event, derived)) => {
                self.distribute(event, &derived, now);
                Ok(())
            }
            Err(_) if self.behaviour.refuses_late(&notification) => {
                let event = Distributed::new(&notification, notification.to_text(), Effect::Nothing);
                // Nobody has this number: all are told.
                self.sync_error(SubscriberId(u64::MAX), &event, "was refused by the hub", now);
                Ok(())
            }
            Err(refusal) => {
                if self.behaviour.broadcasts_what_it_refuses() {
                    self.leak(&notification.id, &notification.event, notification.to_text(), now);
                }
                Err(refusal)
            }
        }
    }

    /// Sends this topic's subscribers of an event a text that is none of this topic's events: one of another topic, or one
    /// that was refused. For defective hubs.
    pub fn leak(&mut self, id: &str, name: &EventName, text: String, now: Now) {
        let event = Distributed {
            id: id.to_owned(),
            name: name.clone(),
            text: text.into(),
            owes_sync_error: false,
            original: None,
            effect: Effect::Nothing,
        };
        self.distribute(Arc::new(event), &[], now);
    }

    /// The answer to Get Current Context (2.9).
    pub fn current_context(&self) -> CurrentContext {
        self.contexts.current(&self.behaviour)
    }

    /// [`current_context`](Self::current_context) for somebody who may not do everything: what is current is shown to
    /// whoever may receive its open event.
    ///
    /// # Errors
    /// When that may not be received (403).
    pub fn current_context_as(&self, admission: &Admission) -> Result<CurrentContext, Refusal> {
        let current = self.current_context();
        match format!("{}-open", current.context_type).parse::<EventName>() {
            Ok(event) if !current.context_type.is_empty() && !admission.allows(&event, Access::Read) => {
                Err(Admission::refuse("context.type", &event, Access::Read))
            }
            _ => Ok(current),
        }
    }

    /// Carries out what the event does to the contexts, and makes of it what is distributed.
    fn take(&mut self, notification: &mut Notification) -> Result<(Arc<Distributed>, Vec<Derived>), Refusal> {
        if !self.limits.know(&notification.event) {
            let reason = self.limits.unknown("/event/hub.event", &notification.event);
            return Err(Refusal::malformed(reason));
        }
        let publication = match publication::examine(notification, self.profile) {
            Ok(publication) => publication,
            Err(refusal) => {
                if self.behaviour.applies_refused_updates()
                    && let Some((anchor, changes)) = publication::salvage(notification)
                {
                    self.contexts.force(&anchor, &changes, &self.behaviour);
                }
                return Err(refusal);
            }
        };
        let raw_context = notification.raw_context().map(ToOwned::to_owned);
        match publication {
            Publication::Open(anchor, others) => {
                if self.behaviour.merges_contexts()
                    && let Some(merged) = raw_context
                        .as_deref()
                        .and_then(|context| self.contexts.merged(context))
                {
                    notification.event_members().set("context", merged);
                }
                let is_open = self.contexts.is_open(&anchor);
                let next = self.identifiers.identifier();
                let version = self.behaviour.opening_version(anchor.name(), is_open, next);
                if self.profile.content_sharing && self.behaviour.versions_opens() {
                    notification.set_version(&version, None);
                }
                let event = self.prepare(
                    notification,
                    Effect::Opens(Arc::clone(&anchor.resource_type), Arc::clone(&anchor.id)),
                );
                let context = raw_context.unwrap_or_default();
                let derived = self.derive(notification, &anchor, &others, &context, &version);
                let opened = OpenContext {
                    anchor,
                    others,
                    version,
                    opens: 1,
                    notification: notification.clone(),
                    event: Arc::clone(&event),
                    derived: derived.clone(),
                    context,
                    content_id: self.identifiers.identifier(),
                    content: Content::default(),
                };
                self.contexts.open(opened, &self.behaviour);
                Ok((event, derived))
            }
            Publication::Close(anchor) => {
                self.contexts.close(&anchor, &self.behaviour);
                let effect = Effect::Closes(anchor.resource_type, anchor.id);
                Ok((self.prepare(notification, effect), Vec::new()))
            }
            Publication::Update(anchor, _)
                if self
                    .behaviour
                    .refuses_what_it_lists(Action::Update, self.contexts.is_current(&anchor)) =>
            {
                Err(Refusal::new(501, "such updates are not taken here"))
            }
            Publication::Select(_) if self.behaviour.refuses_what_it_lists(Action::Select, true) => {
                Err(Refusal::new(501, "select events are not taken here"))
            }
            Publication::Update(anchor, changes) => {
                let stated = self.behaviour.versions_looked_at(notification.version_ids()?);
                let next = self.behaviour.version(self.identifiers.identifier());
                let prior = self.contexts.update(
                    &anchor,
                    &stated,
                    &changes,
                    next.clone(),
                    self.limits.content_limit,
                    &self.behaviour,
                );
                let prior = match prior {
                    Ok(prior) => prior,
                    Err(refusal) => {
                        if self.behaviour.applies_refused_updates() {
                            self.contexts.force(&anchor, &changes, &self.behaviour);
                        }
                        return Err(refusal);
                    }
                };
                let (next, prior) = self.behaviour.update_versions(&next, &prior);
                notification.set_version(next, prior);
                Ok((self.prepare(notification, Effect::Nothing), Vec::new()))
            }
            Publication::Select(anchor) => {
                self.contexts.find(&anchor, "select")?;
                Ok((self.prepare(notification, Effect::Nothing), Vec::new()))
            }
            Publication::Home => {
                self.contexts.home();
                Ok((self.prepare(notification, Effect::Nothing), Vec::new()))
            }
            Publication::Other => Ok((self.prepare(notification, Effect::Nothing), Vec::new())),
        }
    }

    fn prepare(&mut self, notification: &mut Notification, effect: Effect) -> Arc<Distributed> {
        self.behaviour.alter(notification, &mut *self.identifiers);
        let text = self.behaviour.notification_text(notification);
        Arc::new(Distributed::new(notification, text, effect))
    }

    /// The open events that follow from the other resources of an open event's context: one for each resource type, built
    /// from what the event itself brings, with the same timestamp.
    fn derive(
        &mut self,
        notification: &Notification,
        anchor: &Member,
        others: &[Member],
        context: &RawValue,
        version: &str,
    ) -> Vec<Derived> {
        if others.is_empty() || !self.profile.derived_opens || !self.behaviour.derives_opens() {
            return Vec::new();
        }
        let entries: Vec<Box<RawValue>> = serde_json::from_str(context.get()).unwrap_or_default();
        let keys: Vec<Option<String>> = notification
            .context()
            .unwrap_or_default()
            .into_iter()
            .map(|entry| entry.key)
            .collect();
        let has_own_key = |member: &Member| {
            keys.get(member.index).and_then(Option::as_deref) == Some(&*anchor_key(&member.resource_type))
        };
        let mut derived: Vec<Derived> = Vec::new();
        for member in others {
            let known = derived
                .iter()
                .any(|derived| derived.member.resource_type == member.resource_type);
            if known || member.resource_type == anchor.resource_type || !has_own_key(member) {
                continue;
            }
            let Ok(name) = format!("{}-open", member.resource_type).parse::<EventName>() else {
                continue;
            };
            // A Patient stands alone; what else there is in context belongs to a patient.
            let kept: Vec<_> = std::iter::once(member)
                .chain(others.iter().filter(|other| {
                    &*member.resource_type != "Patient"
                        && &*other.resource_type == "Patient"
                        && has_own_key(other)
                }))
                .filter_map(|kept| entries.get(kept.index))
                .collect();
            let Ok(kept) = serde_json::value::to_raw_value(&kept) else {
                continue;
            };
            let id = self.identifiers.identifier();
            let mut opening = Notification::new(&notification.timestamp, &id, &self.topic, &name, kept);
            opening.set_version(version, None);
            let effect = Effect::Opens(Arc::clone(&member.resource_type), Arc::clone(&member.id));
            let mut event = Distributed::new(&opening, opening.to_text(), effect);
            event.original = Some((notification.id.clone(), notification.event.clone()));
            derived.push(Derived {
                member: member.clone(),
                event: Arc::new(event),
            });
        }
        derived
    }

    fn distribute(&mut self, event: Arc<Distributed>, derived: &[Derived], now: Now) {
        let behaviour = &self.behaviour;
        if !behaviour.distributes(&event.name, self.last.is_none()) || behaviour.swallows(event.text.len()) {
            return;
        }
        let Some(event) = self.hold_back(event, derived, now) else {
            return;
        };
        self.broadcast(&event, derived, now);
        self.release_held_back(now, true);
    }

    fn broadcast(&mut self, event: &Arc<Distributed>, derived: &[Derived], now: Now) {
        let until = now.elapsed.saturating_add(self.limits.ack_timeout);
        let mut reached = 0;
        let mut called = Vec::new();
        let left_out = self.behaviour.leaves_requester_out();
        let has_failed = |subscriber: &Subscriber| subscriber.webhook().is_some_and(|webhook| webhook.failed);
        let cut_off =
            self.behaviour.stops_at_failing_callbacks() && self.subscribers.values().any(has_failed);
        for (at, (id, subscriber)) in self.subscribers.iter_mut().enumerate() {
            let is_cut_off = cut_off && subscriber.webhook().is_some_and(|webhook| !webhook.failed);
            if !subscriber.connected || (left_out && at == 0) || is_cut_off {
                continue;
            }
            let granted = self.behaviour.delivers(&subscriber.granted, &event.name)
                && !(reached > 0 && self.behaviour.broadcasts_to_one());
            if granted {
                let otherwise = self.behaviour.told_otherwise(&event.text, at);
                let otherwise = otherwise.map(|text| Arc::new(event.told(text)));
                let event = otherwise.as_ref().unwrap_or(event);
                reached += 1;
                let resubscriptions = subscriber.resubscriptions;
                let copies = self
                    .behaviour
                    .copies_for(resubscriptions, &subscriber.granted, &event.name);
                for _ in 0..copies {
                    match note_delivery(subscriber, event, until) {
                        Path::Socket => self.outputs.push_back(super::Output::Deliver {
                            subscriber: *id,
                            text: event.text.clone(),
                        }),
                        Path::Callback => called.push(*id),
                    }
                }
            }
            if granted && !self.behaviour.derives_for_all() {
                continue;
            }
            for derived in derived {
                let member = &derived.member;
                let known = subscriber.has_in_context(&member.resource_type, &member.id)
                    && !self.behaviour.derives_for_all();
                if !known && subscriber.granted.contains(&derived.event.name) {
                    match note_delivery(subscriber, &derived.event, until) {
                        Path::Socket => self.outputs.push_back(super::Output::Deliver {
                            subscriber: *id,
                            text: derived.event.text.clone(),
                        }),
                        Path::Callback => called.push(*id),
                    }
                    reached += 1;
                }
            }
        }
        if reached > 0 {
            self.wake_at(until);
        }
        self.last = Some(Arc::clone(event));
        if called.is_empty() {
            return;
        }
        for id in called {
            self.post_next(id, now);
        }
        self.drop_overflowing_callbacks(now);
    }

    /// Sends one event to one subscriber, and expects its answer.
    pub(super) fn deliver(&mut self, id: SubscriberId, event: &Arc<Distributed>, now: Now) {
        let until = now.elapsed.saturating_add(self.limits.ack_timeout);
        if let Some(subscriber) = self.subscribers.get_mut(&id) {
            match note_delivery(subscriber, event, until) {
                Path::Socket => self.send(id, event.text.clone()),
                Path::Callback => self.post_next(id, now),
            }
            self.wake_at(until);
        }
    }

    /// Sends the beginning of a new subscription (2.4 Current context notification upon successful subscription): for each
    /// resource type the most recent open event with no close, as far as it was granted, as it was sent to the others; a
    /// derived one where the original was not granted. Events in `before` were granted already.
    pub(super) fn replay(&mut self, id: SubscriberId, before: &[EventName], now: Now) {
        let Some(subscriber) = self.subscribers.get(&id).filter(|_| self.profile.replay) else {
            return;
        };
        let mut replayed: Vec<(&Member, &OpenContext, &Arc<Distributed>)> = Vec::new();
        for open in self.contexts.replayed(&self.behaviour) {
            if self.behaviour.replays_to(&subscriber.granted, &open.event.name) {
                replayed.retain(|(anchor, ..)| anchor.resource_type != open.anchor.resource_type);
                replayed.push((&open.anchor, open, &open.event));
                continue;
            }
            for derived in &open.derived {
                let member = &derived.member;
                let known = replayed.iter().any(|(anchor, ..)| anchor.is_same_as(member));
                if !known && subscriber.granted.contains(&derived.event.name) {
                    replayed.retain(|(anchor, ..)| anchor.resource_type != member.resource_type);
                    replayed.push((member, open, &derived.event));
                }
            }
        }
        let events: Vec<_> = replayed
            .into_iter()
            .filter(|(member, _, event)| {
                !before.contains(&event.name) && !subscriber.has_in_context(&member.resource_type, &member.id)
            })
            .map(|(_, open, event)| {
                let is_open = self.contexts.is_open(&open.anchor);
                self.behaviour
                    .reworded_replay(&open.notification, is_open, now.wall)
                    .filter(|_| Arc::ptr_eq(event, &open.event))
                    .map_or_else(
                        || Arc::clone(event),
                        |reworded| Arc::new(event.reworded(&reworded)),
                    )
            })
            .collect();
        for event in events {
            self.deliver(id, &event, now);
        }
    }

    /// A hub that mixes up the order keeps every second event back until the next one has gone out.
    fn hold_back(
        &mut self,
        event: Arc<Distributed>,
        derived: &[Derived],
        now: Now,
    ) -> Option<Arc<Distributed>> {
        if self.held_back.is_some() || !self.behaviour.reorders() {
            return Some(event);
        }
        let until = now.elapsed.saturating_add(HELD_BACK);
        self.held_back = Some((until, event, derived.to_vec()));
        self.wake_at(until);
        None
    }

    pub(super) fn release_held_back(&mut self, now: Now, at_once: bool) {
        if let Some((_, event, derived)) = self
            .held_back
            .take_if(|(until, ..)| at_once || *until <= now.elapsed)
        {
            self.broadcast(&event, &derived, now);
        }
    }
}

/// The path that a delivery takes.
enum Path {
    /// The text is to be sent over the socket.
    Socket,
    /// The event waits for its turn at the callback.
    Callback,
}

fn note_delivery(subscriber: &mut Subscriber, event: &Arc<Distributed>, until: Duration) -> Path {
    match &event.effect {
        Effect::Opens(resource_type, id) => subscriber.opened(resource_type, id),
        Effect::Closes(resource_type, id) => subscriber.closed(resource_type, id),
        Effect::Nothing => {}
    }
    subscriber.last = Some(Arc::clone(event));
    match &mut subscriber.channel {
        Channel::WebSocket { .. } => {
            subscriber.unanswered.push_back(Unanswered {
                until,
                event: Arc::clone(event),
            });
            Path::Socket
        }
        Channel::Webhook(webhook) => {
            webhook.waiting.push_back(Arc::clone(event));
            Path::Callback
        }
    }
}
