//! Subscribing, re-subscribing, unsubscribing, connecting, and the end of leases (2.4).

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use super::subscriber::{Channel, Subscriber};
use super::{OtherEvents, Session, SubscriberId};
use crate::admission::{Admission, seconds_left};
use crate::clock::Now;
use crate::protocol::{Access, Confirmation, Denial, EventName, Mode, SubscriptionRequest, WEBSOCKET};
use crate::refusal::Refusal;

const REQUEST: &str = "FHIRcast STU3, 2.4 Subscription Request";
const UNSUBSCRIBE: &str = "FHIRcast STU3, 2.4 Unsubscribe Request";

/// The normal close of a subscription that has ended.
pub(super) const NORMAL_CLOSURE: u16 = 1000;

impl Session {
    /// Takes a subscription or unsubscribe request. `endpoint` is the last path segment of the request's
    /// `hub.channel.endpoint`, where that is one of this hub's; the answer is the last path segment of the subscription's.
    ///
    /// # Errors
    /// When the request breaks a rule that its form alone does not show, or names a subscription that is not there.
    pub fn request(
        &mut self,
        request: &SubscriptionRequest,
        endpoint: Option<&str>,
        now: Now,
    ) -> Result<Arc<str>, Refusal> {
        self.request_as(request, endpoint, &Admission::default(), now)
    }

    /// [`request`](Self::request) by somebody who may not do everything: of the events those are granted whose
    /// notifications may be received, and the lease ends no later than the token (2.3, 2.4).
    ///
    /// # Errors
    /// As of [`request`](Self::request), and when none of the events may be received.
    pub fn request_as(
        &mut self,
        request: &SubscriptionRequest,
        endpoint: Option<&str>,
        admission: &Admission,
        now: Now,
    ) -> Result<Arc<str>, Refusal> {
        let ignored = match request.mode {
            Mode::Subscribe => self.behaviour.ignores_channel_type(),
            Mode::Unsubscribe => {
                self.behaviour.ignores_channel_type() || self.behaviour.unsubscribes_any_channel()
            }
        };
        if !ignored {
            self.check_channel_type(request)?;
        }
        if self.behaviour.refuses_websockets() {
            return Err(Refusal::new(
                403,
                "hub.channel.type: this hub takes no WebSockets",
            ));
        }
        match request.mode {
            Mode::Subscribe => self.subscribe(request, endpoint, admission, now),
            Mode::Unsubscribe => self.unsubscribe(request, endpoint, now),
        }
    }

    fn subscribe(
        &mut self,
        request: &SubscriptionRequest,
        endpoint: Option<&str>,
        admission: &Admission,
        now: Now,
    ) -> Result<Arc<str>, Refusal> {
        let events = request.events.as_deref().ok_or_else(|| {
            Refusal::malformed(format!(
                "hub.events is required and is missing: name the events to subscribe to, separated by commas ({REQUEST})"
            ))
        })?;
        for event in events {
            if !self.profile.knows(event) {
                return Err(Refusal::malformed(
                    self.profile.unknown_event("hub.events", event),
                ));
            }
        }
        let granted = self.readable(events, admission)?;
        let (granted, denied) = self.known(granted)?;
        let token_until = self.token_until(admission, now);
        let lease = self.grant_lease(request.lease_seconds, token_until, now);
        if request.endpoint.is_some() {
            if let Some(reason) = denied {
                return Err(Refusal::new(403, reason));
            }
            return self.resubscribe(request, &granted, endpoint, (lease, token_until), now);
        }
        self.check_room()?;
        let first = self.subscribers.values().find_map(Subscriber::endpoint);
        let endpoint: Arc<str> = match first {
            Some(first) if self.behaviour.repeats_endpoints() => Arc::clone(first),
            _ => self.identifiers.endpoint().into(),
        };
        self.add(
            Arc::clone(&endpoint),
            request.subscriber_name.clone(),
            granted,
            (lease, token_until),
            now,
        );
        if let Some(subscriber) = self.subscribers.get_mut(&SubscriberId(self.subscribed)) {
            subscriber.denied = denied;
        }
        Ok(endpoint)
    }

    /// The events among these that this hub knows, and why the subscription is denied, where it is.
    ///
    /// # Errors
    /// When it refuses those that name others.
    pub(super) fn known(&self, events: Vec<EventName>) -> Result<(Vec<EventName>, Option<String>), Refusal> {
        let Some(unknown) = events.iter().find(|event| !self.limits.know(event)) else {
            return Ok((events, None));
        };
        let reason = self.limits.unknown("hub.events", unknown);
        let known: Vec<_> = events
            .iter()
            .filter(|event| self.limits.know(event))
            .cloned()
            .collect();
        match self.limits.other_events {
            OtherEvents::Refuse => Err(Refusal::malformed(reason)),
            OtherEvents::Trim if !known.is_empty() => Ok((known, None)),
            OtherEvents::Trim | OtherEvents::Deny => Ok((events, Some(reason))),
        }
    }

    /// The events whose notifications may be received; what is granted may be a part of what was asked for (2.4
    /// Subscription Confirmation).
    pub(super) fn readable(
        &self,
        events: &[EventName],
        admission: &Admission,
    ) -> Result<Vec<EventName>, Refusal> {
        let may = |event: &&EventName| admission.allows(event, Access::Read);
        let readable: Vec<_> = events.iter().filter(may).cloned().collect();
        match events.first() {
            Some(first) if readable.is_empty() => Err(Admission::refuse("hub.events", first, Access::Read)),
            _ => Ok(readable),
        }
    }

    /// The end of the token that bounds the lease.
    pub(super) fn token_until(&self, admission: &Admission, now: Now) -> Option<Duration> {
        self.behaviour.bound_of_lease(admission.until(now))
    }

    /// Whether there may be one more subscription.
    pub(super) fn check_room(&self) -> Result<(), Refusal> {
        let subscriptions = self.subscribers.len() + self.verifications(|mode| mode == Mode::Subscribe);
        if subscriptions < self.limits.max_subscriptions {
            return Ok(());
        }
        Err(Refusal::new(
            503,
            format!(
                "hub.topic has {subscriptions} subscriptions already, which is this hub's limit; unsubscribe some"
            ),
        ))
    }

    fn add(
        &mut self,
        endpoint: Arc<str>,
        name: Option<String>,
        granted: Vec<EventName>,
        (lease, token_until): (u64, Option<Duration>),
        now: Now,
    ) {
        self.subscribed += 1;
        let patience = now.elapsed.saturating_add(self.limits.connect_timeout);
        let until = token_until.map_or(patience, |until| until.min(patience));
        self.wake_at(until);
        let subscriber = Subscriber {
            channel: Channel::WebSocket { endpoint },
            name,
            granted,
            resubscriptions: 0,
            denied: None,
            lease,
            token_until,
            connected: false,
            until: Some(until),
            unanswered: VecDeque::new(),
            last: None,
            in_context: Vec::new(),
        };
        self.subscribers.insert(SubscriberId(self.subscribed), subscriber);
    }

    /// A request over an existing endpoint replaces what was granted before; over an open socket it is confirmed at once.
    fn resubscribe(
        &mut self,
        request: &SubscriptionRequest,
        events: &[EventName],
        endpoint: Option<&str>,
        (lease, token_until): (u64, Option<Duration>),
        now: Now,
    ) -> Result<Arc<str>, Refusal> {
        if self.behaviour.refuses_resubscriptions() {
            return Err(Refusal::new(
                403,
                "hub.channel.endpoint: this hub takes no re-subscriptions",
            ));
        }
        let id = self
            .find(endpoint)
            .ok_or_else(|| no_such_endpoint(request, REQUEST))?;
        let Some(subscriber) = self.subscribers.get_mut(&id) else {
            return Err(no_such_endpoint(request, REQUEST));
        };
        let before = std::mem::take(&mut subscriber.granted);
        subscriber.granted = self.behaviour.regrant(&before, events);
        subscriber.resubscriptions += 1;
        subscriber.lease = lease;
        subscriber.token_until = token_until;
        if request.subscriber_name.is_some() {
            subscriber.name.clone_from(&request.subscriber_name);
        }
        let endpoint = subscriber.endpoint().cloned().unwrap_or_else(|| "".into());
        let connected = subscriber.connected;
        let first_end = subscriber.until.filter(|_| !self.behaviour.renews_leases());
        self.regrant_others(id, events);
        if connected {
            self.confirm(id, now);
            if let (Some(end), Some(subscriber)) = (first_end, self.subscribers.get_mut(&id)) {
                subscriber.until = Some(end);
            }
            self.replay(id, &before, now);
        }
        Ok(endpoint)
    }

    fn unsubscribe(
        &mut self,
        request: &SubscriptionRequest,
        endpoint: Option<&str>,
        now: Now,
    ) -> Result<Arc<str>, Refusal> {
        let found = self.find(endpoint);
        let Some(subscriber) = found.and_then(|id| self.subscribers.get(&id)) else {
            if self.behaviour.accepts_unknown_unsubscribes() {
                return Ok(endpoint.unwrap_or("unknown").into());
            }
            self.end_another(now);
            return Err(no_such_endpoint(request, UNSUBSCRIBE));
        };
        let endpoint = subscriber.endpoint().cloned().unwrap_or_else(|| "".into());
        if self.behaviour.unsubscribes_in_part()
            && let Some(named) = &request.events
            && let Some(subscriber) = found.and_then(|id| self.subscribers.get_mut(&id))
        {
            subscriber.granted.retain(|granted| !named.contains(granted));
            return Ok(endpoint);
        }
        if let Some(seconds) = request.lease_seconds
            && self.behaviour.honours_leases_of_unsubscribes()
            && let Some(subscriber) = found.and_then(|id| self.subscribers.get_mut(&id))
        {
            let until = now.elapsed.saturating_add(Duration::from_secs(seconds));
            subscriber.until = Some(until);
            self.wake_at(until);
            return Ok(endpoint);
        }
        if let Some(id) = found
            && !self.behaviour.ignores_unsubscribes()
        {
            self.leave_with_namesakes(id, now);
            self.end_everybody();
        }
        Ok(endpoint)
    }

    pub(super) fn leave(&mut self, id: SubscriberId, now: Now) {
        let Some(subscriber) = self.subscribers.get(&id) else {
            return;
        };
        if !subscriber.connected {
            self.forget(id);
            return;
        }
        if self.profile.denies_on_unsubscribe && self.behaviour.denies_on_unsubscribe() {
            self.deny(id, "the subscriber has unsubscribed", now);
        }
        if self.behaviour.closes_on_unsubscribe() {
            self.close(id, NORMAL_CLOSURE, "unsubscribed");
        } else if let Some(subscriber) = self
            .subscribers
            .get_mut(&id)
            .filter(|_| !self.behaviour.delivers_after_unsubscribe())
        {
            // The subscription ends and its socket stays.
            subscriber.granted.clear();
            subscriber.until = None;
        }
    }

    /// A client wants to connect to the endpoint.
    ///
    /// # Errors
    /// When no subscription waits for a connection there.
    pub fn connect(&mut self, endpoint: &str, now: Now) -> Result<SubscriberId, Refusal> {
        if let Some(at) = self
            .departed
            .iter()
            .position(|(departed, _)| &**departed == endpoint)
        {
            let (endpoint, granted) = self.departed.swap_remove(at);
            self.add(endpoint, None, granted, (self.limits.default_lease, None), now);
        }
        let waiting = |connected| {
            self.subscribers
                .iter()
                .find(|(_, subscriber)| {
                    subscriber
                        .endpoint()
                        .is_some_and(|granted| &**granted == endpoint)
                        && subscriber.connected == connected
                })
                .map(|(id, _)| *id)
        };
        let Some(id) = waiting(false) else {
            return Err(match waiting(true) {
                Some(_) => Refusal::new(
                    409,
                    "a WebSocket is connected to this endpoint already; subscribe again for another one \
                     (FHIRcast STU3, 2.4 Subscription Confirmation)",
                ),
                None => Refusal::new(404, dead_endpoint()),
            });
        };
        let mut denied = None;
        if let Some(subscriber) = self.subscribers.get_mut(&id) {
            subscriber.connected = true;
            denied = subscriber.denied.take();
        }
        if let Some(reason) = denied {
            self.deny(id, &reason, now);
            self.close(id, NORMAL_CLOSURE, "the subscription is denied");
            return Ok(id);
        }
        self.confirm(id, now);
        self.replay(id, &[], now);
        Ok(id)
    }

    /// Confirms what is granted, and starts the lease.
    fn confirm(&mut self, id: SubscriberId, now: Now) {
        let Some(subscriber) = self.subscribers.get_mut(&id) else {
            return;
        };
        // The lease counts from here; the token's life has gone on since the request.
        subscriber.lease = subscriber.lease.min(seconds_left(subscriber.token_until, now));
        let confirmation = Confirmation::new(&self.topic, &subscriber.granted, subscriber.lease);
        let lease =
            Duration::try_from_secs_f64(self.behaviour.lease(subscriber.lease)).unwrap_or(Duration::MAX);
        let until = now.elapsed.saturating_add(lease);
        subscriber.until = self.behaviour.keeps_leases().then_some(until);
        if let Some(text) = self.behaviour.confirmation(&confirmation) {
            self.send(id, text.into());
        }
        self.wake_at(until);
    }

    /// Tells the subscriber that its subscription has ended.
    pub(super) fn deny(&mut self, id: SubscriberId, reason: &str, now: Now) {
        if let Some(subscriber) = self.subscribers.get(&id) {
            let reason = self.profile.cite(reason);
            let denial = Denial::new(&self.topic, &subscriber.granted, reason);
            let text = self.behaviour.denial(&denial);
            let others = self
                .subscribers
                .iter()
                .filter(|(_, subscriber)| subscriber.connected);
            let receivers: Vec<_> = if self.behaviour.denies_everyone() {
                others.map(|(id, _)| *id).collect()
            } else {
                vec![id]
            };
            for receiver in receivers {
                let callback = match self
                    .subscribers
                    .get(&receiver)
                    .map(|subscriber| &subscriber.channel)
                {
                    Some(Channel::Webhook(webhook)) => Some(Arc::clone(&webhook.callback)),
                    _ => None,
                };
                match callback {
                    Some(callback) => self.deny_callback(&callback, &denial, now),
                    None => self.send(receiver, text.clone().into()),
                }
            }
        }
    }

    pub(super) fn end_leases(&mut self, now: Now) {
        let ended: Vec<_> = self
            .subscribers
            .iter()
            .filter(|(_, subscriber)| subscriber.until.is_some_and(|until| until <= now.elapsed))
            .map(|(id, subscriber)| (*id, subscriber.connected, subscriber.lease))
            .collect();
        for (id, connected, lease) in ended {
            if !connected {
                self.forget(id);
                continue;
            }
            if self.behaviour.denies_at_expiry() {
                self.deny(id, &format!("the lease of {lease} seconds has ended"), now);
            }
            if self.behaviour.closes_at_expiry() {
                self.close(id, NORMAL_CLOSURE, "the lease has ended");
            } else if let Some(subscriber) = self.subscribers.get_mut(&id) {
                subscriber.granted.clear();
                subscriber.until = None;
            }
        }
    }

    fn find(&self, endpoint: Option<&str>) -> Option<SubscriberId> {
        let endpoint = endpoint?;
        self.subscribers
            .iter()
            .find(|(_, subscriber)| {
                subscriber
                    .endpoint()
                    .is_some_and(|granted| &**granted == endpoint)
            })
            .map(|(id, _)| *id)
    }

    pub(super) fn grant_lease(&self, asked: Option<u64>, token_until: Option<Duration>, now: Now) -> u64 {
        asked
            .unwrap_or(self.limits.default_lease)
            .min(self.limits.max_lease)
            .min(seconds_left(token_until, now))
            .max(1)
    }
}

impl Session {
    fn check_channel_type(&self, request: &SubscriptionRequest) -> Result<(), Refusal> {
        let section = match request.mode {
            Mode::Subscribe => REQUEST,
            Mode::Unsubscribe => UNSUBSCRIBE,
        };
        let types = if self.profile.webhook {
            "'websocket' or 'webhook'"
        } else {
            "'websocket'"
        };
        match request.channel_type.as_deref() {
            Some(WEBSOCKET) => Ok(()),
            Some(other) => Err(Refusal::malformed(format!(
                "hub.channel.type must be {types}, and is '{other}' ({section})"
            ))),
            None => Err(Refusal::malformed(format!(
                "hub.channel.type is required and is missing; it must be {types} ({section})"
            ))),
        }
    }
}

fn no_such_endpoint(request: &SubscriptionRequest, section: &str) -> Refusal {
    Refusal::new(
        404,
        format!(
            "hub.channel.endpoint must be the endpoint of a live subscription of hub.topic '{}', and is '{}'; it was \
             never given out, or has been unsubscribed, has expired or its WebSocket has closed ({section})",
            request.topic,
            request.endpoint.as_deref().unwrap_or_default(),
        ),
    )
}

/// The reason why there is nothing to connect to.
pub fn dead_endpoint() -> String {
    "no subscription has this endpoint: it was never given out, or has been unsubscribed, has expired or its WebSocket \
     has closed; subscribe again for a new one (FHIRcast STU3, 2.4 Unsubscribe)"
        .to_owned()
}
