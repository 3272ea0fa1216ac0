//! Subscribing and unsubscribing with a callback (STU2, Subscribing and Unsubscribing; STU1 likewise): nothing is subscribed
//! before the callback has shown that its subscriber wants it.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use super::calling::{CallAnswer, CallId};
use super::subscriber::{Channel, Subscriber, Webhook};
use super::{Session, SubscriberId};
use crate::admission::Admission;
use crate::clock::Now;
use crate::protocol::{Denial, EventName, Mode, join_events};
use crate::refusal::Refusal;
use crate::webhook_request::WebhookRequest;

const REQUEST: &str = "FHIRcast STU3, 2.4 Subscription Request";
const UNSUBSCRIBE: &str = "FHIRcast STU3, 2.4 Unsubscribe";

/// A request whose intent is being verified.
#[derive(Debug, Clone)]
pub(super) struct Verification {
    pub(super) mode: Mode,
    pub(super) callback: Arc<str>,
    pub(super) challenge: String,
    secret: Option<Arc<str>>,
    events: Vec<EventName>,
    /// Seconds.
    lease: u64,
    token_until: Option<Duration>,
    name: Option<String>,
    /// The time at which the callback was asked; the lease is counted from there.
    asked: Duration,
}

impl Verification {
    /// The parameters of the question to the callback.
    pub(super) fn parameters(&self, topic: &str) -> Vec<(&'static str, String)> {
        vec![
            ("hub.mode", self.mode.as_str().to_owned()),
            ("hub.topic", topic.to_owned()),
            ("hub.events", join_events(&self.events)),
            ("hub.challenge", self.challenge.clone()),
            ("hub.lease_seconds", self.lease.to_string()),
        ]
    }
}

impl Session {
    /// Takes a subscription or unsubscribe request for a callback. A subscription, and where the version wants it an
    /// unsubscribe, is carried out when the callback has confirmed it.
    ///
    /// # Errors
    /// When the hub takes no webhooks, or the request breaks a rule that its form alone does not show, or names a
    /// subscription that is not there.
    pub fn request_webhook(&mut self, request: &WebhookRequest, now: Now) -> Result<(), Refusal> {
        self.request_webhook_as(request, &Admission::default(), now)
    }

    /// [`request_webhook`](Self::request_webhook) by somebody who may not do everything, as in
    /// [`request_as`](Self::request_as).
    ///
    /// # Errors
    /// As of [`request_webhook`](Self::request_webhook), and when none of the events may be received.
    pub fn request_webhook_as(
        &mut self,
        request: &WebhookRequest,
        admission: &Admission,
        now: Now,
    ) -> Result<(), Refusal> {
        // A version without WebSockets leaves no choice.
        let declined = self.profile.websocket && !self.limits.webhooks;
        if !self.profile.webhook || declined || self.behaviour.refuses_webhooks() {
            return Err(Refusal::new(
                403,
                format!(
                    "hub.channel.type: this hub takes no webhooks; subscribe with the type 'websocket' ({REQUEST})"
                ),
            ));
        }
        if self.behaviour.forgets_webhooks() {
            return Ok(());
        }
        match request.mode {
            Mode::Subscribe => self.subscribe_webhook(request, admission, now),
            Mode::Unsubscribe => self.unsubscribe_webhook(request, now),
        }
    }

    fn subscribe_webhook(
        &mut self,
        request: &WebhookRequest,
        admission: &Admission,
        now: Now,
    ) -> Result<(), Refusal> {
        let events = request.events.clone().unwrap_or_default();
        if let Some(unknown) = events.iter().find(|event| !self.profile.knows(event)) {
            return Err(Refusal::malformed(
                self.profile.unknown_event("hub.events", unknown),
            ));
        }
        let events = self.readable(&events, admission)?;
        let (events, denied) = self.known(events)?;
        let token_until = self.token_until(admission, now);
        let found = self.find_callback(&request.callback);
        if found.is_some() && self.behaviour.refuses_resubscriptions() {
            return Err(Refusal::new(
                403,
                "hub.callback: this hub takes no re-subscriptions",
            ));
        }
        if found.is_none() {
            self.check_room()?;
        }
        self.check_verifications()?;
        if let Some(reason) = denied {
            let denial = Denial::new(&self.topic, &events, self.profile.cite(&reason));
            self.deny_callback(&request.callback, &denial, now);
            return Ok(());
        }
        let verification = Verification {
            mode: Mode::Subscribe,
            callback: request.callback.as_str().into(),
            challenge: self.behaviour.challenge(self.identifiers.challenge()),
            secret: request.secret.as_deref().map(Arc::from),
            events,
            lease: self.grant_lease(request.lease_seconds, token_until, now),
            token_until,
            name: request.subscriber_name.clone(),
            asked: now.elapsed,
        };
        if self.behaviour.activates_at_once() {
            self.activate(verification.clone(), now);
        }
        if self.behaviour.verifies_subscriptions() {
            self.verify(verification, now);
        }
        Ok(())
    }

    fn unsubscribe_webhook(&mut self, request: &WebhookRequest, now: Now) -> Result<(), Refusal> {
        let found = self.find_callback(&request.callback);
        let awaited = self.awaits_verification(&request.callback);
        if found.is_none() && !awaited {
            if self.behaviour.accepts_unknown_unsubscribes() {
                return Ok(());
            }
            self.end_another(now);
            return Err(Refusal::new(
                404,
                format!(
                    "hub.callback must be that of a live subscription of hub.topic '{}', and is '{}'; it was never \
                     subscribed, or has been unsubscribed or has expired ({UNSUBSCRIBE})",
                    request.topic, request.callback
                ),
            ));
        }
        if !self.profile.verifies_unsubscribes || !self.behaviour.verifies_unsubscribes() {
            self.override_verifications(&request.callback, None);
            if let Some(id) = found {
                self.unsubscribe_callback(id, request.events.as_deref(), now);
            }
            return Ok(());
        }
        self.check_verifications()?;
        let subscriber = found.and_then(|id| self.subscribers.get(&id));
        let verification = Verification {
            mode: Mode::Unsubscribe,
            callback: request.callback.as_str().into(),
            challenge: self.behaviour.challenge(self.identifiers.challenge()),
            secret: None,
            // The events of the request, as the verification has those "corresponding to" it; what ends is all of it.
            events: match (&request.events, subscriber) {
                (Some(events), _) => events.clone(),
                (None, Some(subscriber)) => subscriber.granted.clone(),
                (None, None) => Vec::new(),
            },
            lease: subscriber.map_or(self.limits.default_lease, |subscriber| subscriber.lease),
            token_until: None,
            name: None,
            asked: now.elapsed,
        };
        self.verify(verification, now);
        Ok(())
    }

    fn unsubscribe_callback(&mut self, id: SubscriberId, events: Option<&[EventName]>, now: Now) {
        if self.behaviour.unsubscribes_in_part()
            && let Some(events) = events
            && let Some(subscriber) = self.subscribers.get_mut(&id)
        {
            subscriber.granted.retain(|granted| !events.contains(granted));
        } else if !self.behaviour.ignores_unsubscribes() {
            self.leave_with_namesakes(id, now);
        }
    }

    /// Replaces the events of a callback's subscription though the request was refused: what a defective hub does.
    pub fn regrant_callback(&mut self, callback: &str, events: Vec<EventName>) {
        let found = self.find_callback(callback);
        if let Some(subscriber) = found.and_then(|id| self.subscribers.get_mut(&id)) {
            subscriber.granted = events;
        }
    }

    /// The callback was asked, and this came of it.
    pub(super) fn verified(
        &mut self,
        call: CallId,
        verification: Verification,
        answer: &CallAnswer,
        now: Now,
    ) {
        let success = self.behaviour.confirms(&verification.challenge, answer);
        tracing::debug!(topic = %self.topic, callback = %verification.callback, success, "verified the intent");
        match verification.mode {
            Mode::Subscribe if success => {
                self.override_verifications(&verification.callback, Some(call));
                self.activate(verification, now);
            }
            Mode::Unsubscribe if success || self.behaviour.unsubscribes_despite_refusal() => {
                self.override_verifications(&verification.callback, Some(call));
                if let Some(id) = self.find_callback(&verification.callback) {
                    self.unsubscribe_callback(id, Some(&verification.events), now);
                }
            }
            Mode::Subscribe if self.behaviour.unsubscribes_on_failure() => {
                if let Some(id) = self.find_callback(&verification.callback) {
                    self.leave(id, now);
                }
            }
            Mode::Subscribe | Mode::Unsubscribe => {}
        }
    }

    /// The subscription begins, or takes the place of what the callback had before.
    fn activate(&mut self, verification: Verification, now: Now) {
        let lease =
            Duration::try_from_secs_f64(self.behaviour.lease(verification.lease)).unwrap_or(Duration::MAX);
        let until = verification.asked.saturating_add(lease);
        let until = self.behaviour.keeps_leases().then_some(until);
        let found = self.find_callback(&verification.callback);
        match found.and_then(|id| self.subscribers.get_mut(&id)) {
            Some(subscriber) => {
                subscriber.granted = self.behaviour.regrant(&subscriber.granted, &verification.events);
                subscriber.resubscriptions += 1;
                subscriber.lease = verification.lease;
                subscriber.token_until = verification.token_until;
                if self.behaviour.renews_leases() {
                    subscriber.until = until;
                }
                if verification.name.is_some() {
                    subscriber.name = verification.name;
                }
                if let Channel::Webhook(webhook) = &mut subscriber.channel
                    && !self.behaviour.keeps_earlier_secrets()
                {
                    webhook.secret = verification.secret;
                }
                if let Some(id) = found {
                    self.regrant_others(id, &verification.events);
                }
            }
            None => {
                self.subscribed += 1;
                let subscriber = Subscriber {
                    channel: Channel::Webhook(Webhook {
                        callback: verification.callback,
                        secret: verification.secret,
                        failed: false,
                        busy: false,
                        waiting: VecDeque::new(),
                    }),
                    name: verification.name,
                    granted: verification.events,
                    resubscriptions: 0,
                    denied: None,
                    lease: verification.lease,
                    token_until: verification.token_until,
                    connected: true,
                    until,
                    unanswered: VecDeque::new(),
                    last: None,
                    in_context: Vec::new(),
                };
                self.subscribers.insert(SubscriberId(self.subscribed), subscriber);
            }
        }
        if let Some(until) = until {
            self.wake_at(until);
        }
        tracing::debug!(topic = %self.topic, elapsed = ?now.elapsed, "a webhook subscription is active");
    }

    /// Whether there may be one more verification: a client may ask for many, and each waits for its callback.
    fn check_verifications(&self) -> Result<(), Refusal> {
        let verifications = self.verifications(|_| true);
        if verifications < self.limits.max_subscriptions {
            return Ok(());
        }
        Err(Refusal::new(
            503,
            format!(
                "hub.topic has {verifications} requests already whose callbacks have not answered; try again later"
            ),
        ))
    }

    fn find_callback(&self, callback: &str) -> Option<SubscriberId> {
        let found = self.subscribers.iter().find(
            |(_, subscriber)| matches!(&subscriber.channel, Channel::Webhook(webhook) if &*webhook.callback == callback),
        );
        found.map(|(id, _)| *id)
    }
}
