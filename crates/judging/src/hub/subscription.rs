//! The subscriptions of one subscriber: what was asked for, granted, replaced and ended.

use std::time::Duration;

use serde_json::Value;

use crate::protocol::{EventName, parse_events};
use crate::{Closed, Received, Spot, Verified};

/// A subscription, from its request to its end.
#[derive(Debug, Clone, Default)]
pub struct Subscription {
    /// Number of the channel that it goes over, as in [`Received::socket`]; `None` before it is opened.
    pub socket: Option<usize>,
    /// Of a webhook, the position of its `hub.secret` among the secrets that were given.
    pub secret: Option<usize>,
    /// The events asked for.
    pub asked: Vec<EventName>,
    /// Every event that it was ever granted.
    pub granted: Vec<EventName>,
    /// The events that it is granted now.
    pub current: Vec<EventName>,
    /// The granted lease, in seconds.
    pub lease: Option<f64>,
    /// Place of the request that the lease was granted to; of a webhook, place of its verification. No lease of it can have begun before.
    pub requested: Option<Spot>,
    /// Place of the confirmation; of a webhook, place where the subscriber agreed to the verification.
    pub confirmed: Option<Spot>,
    /// Places where a re-subscription over this endpoint was asked for.
    pub replaced: Vec<Spot>,
    /// Place of its end by the subscriber: the unsubscribe request, or the close.
    pub ended: Option<Spot>,
}

impl Subscription {
    /// A subscription that was asked for by this request.
    pub fn new(asked: Vec<EventName>, requested: Spot) -> Self {
        Self {
            asked,
            requested: Some(requested),
            ..Self::default()
        }
    }

    /// The hub confirms it with these events.
    pub fn confirm(&mut self, granted: Vec<EventName>, lease: Option<f64>, at: Spot) {
        self.granted.extend(granted.iter().cloned());
        self.current = granted;
        self.lease = lease;
        self.confirmed = Some(at);
    }

    /// It is asked for anew, with these events.
    pub fn replace(&mut self, asked: Vec<EventName>, requested: Spot) {
        self.replaced.push(requested);
        self.granted.extend(asked.iter().cloned());
        self.asked = asked;
    }

    /// The hub states a lease anew, after the last request for it.
    pub fn renew(&mut self, lease: f64) {
        self.lease = Some(lease);
        self.requested = self.replaced.last().copied().or(self.requested);
    }

    /// The lease, and the earliest place where it may have begun: a confirmation can be on its way for long. `None` where the hub
    /// granted none that could be measured.
    pub fn leased_since(&self) -> Option<(Duration, Spot)> {
        let lease = Duration::try_from_secs_f64(self.lease?).unwrap_or(Duration::MAX);
        let confirmed = self.confirmed?;
        Some((lease, self.requested.unwrap_or(confirmed)))
    }

    /// The subscriber asked for this event, and the hub's confirmation does not grant it.
    pub fn is_withheld(&self, event: &EventName) -> bool {
        self.confirmed.is_some() && self.asked.contains(event) && !self.current.contains(event)
    }

    /// Place of the last time that it was confirmed or replaced: what it is since.
    pub fn settled(&self) -> Option<Spot> {
        let settled = self.confirmed.into_iter().chain(self.replaced.iter().copied());
        settled.max_by_key(|spot| spot.sequence)
    }
}

/// A request for a webhook subscription of which the intent is still to be verified.
#[derive(Debug, Clone)]
pub struct Intent {
    /// The events asked for.
    pub events: Vec<EventName>,
    /// The position of `hub.secret` among the secrets that were given.
    pub secret: Option<usize>,
    /// Position of the request in the transcript.
    pub requested: usize,
}

/// The subscriptions of one subscriber, the last one last.
#[derive(Debug, Clone, Default)]
pub struct Subscriptions {
    all: Vec<Subscription>,
    intents: Vec<Intent>,
}

impl Subscriptions {
    /// The last subscription.
    pub fn last(&self) -> Option<&Subscription> {
        self.all.last()
    }

    /// The last subscription, to be changed.
    pub fn last_mut(&mut self) -> Option<&mut Subscription> {
        self.all.last_mut()
    }

    /// Adds a subscription; it is the last one from now on.
    pub fn push(&mut self, subscription: Subscription) {
        self.all.push(subscription);
    }

    /// The subscription that a received message belongs to: the last that was confirmed by then over its channel.
    pub fn of(&self, received: &Received) -> Option<&Subscription> {
        let of_channel = || {
            let latest_first = self.all.iter().rev();
            latest_first.filter(|subscription| subscription.socket == Some(received.socket))
        };
        let by_then = |subscription: &&Subscription| {
            let confirmed = subscription.confirmed;
            confirmed.is_some_and(|spot| spot.sequence < received.spot.sequence)
        };
        of_channel().find(by_then).or_else(|| of_channel().next())
    }

    /// Whether there is a confirmed subscription that nobody has ended, over a channel that is open; `closed` are the ends of
    /// the subscriber's WebSockets.
    pub fn is_active(&self, closed: &[Closed]) -> bool {
        let Some(subscription) = self.last() else {
            return false;
        };
        let Some(socket) = subscription.socket else {
            return false;
        };
        subscription.confirmed.is_some()
            && subscription.ended.is_none()
            && closed.iter().all(|closed| closed.socket != socket)
    }

    /// Whether the hub has closed the WebSocket of the last subscription, unasked.
    pub fn was_ended_by_hub(&self, closed: &[Closed]) -> bool {
        self.last().is_some_and(|subscription| {
            let of_subscription = |closed: &Closed| Some(closed.socket) == subscription.socket;
            subscription.ended.is_none()
                && closed
                    .iter()
                    .any(|closed| of_subscription(closed) && closed.by_hub)
        })
    }

    /// Whether a webhook was asked for whose intent is still to be verified.
    pub fn has_intents(&self) -> bool {
        !self.intents.is_empty()
    }

    /// A webhook subscription is asked for.
    pub fn ask(&mut self, intent: Intent) {
        self.intents.push(intent);
    }

    /// The request at this position was refused, so its intent is void.
    pub fn refuse(&mut self, requested: usize) {
        self.intents.retain(|intent| intent.requested != requested);
    }

    /// All intents that are not yet verified are void.
    pub fn forget_intents(&mut self) {
        self.intents.clear();
    }

    /// The callback has agreed: a subscription begins, is replaced or ends. `may_receive` tells the events that the hub may
    /// send this subscriber, whatever it has granted.
    pub fn agree(&mut self, verified: &Verified, may_receive: impl Fn(&EventName) -> bool) {
        let asked_before = |intent: &Intent| intent.requested < verified.asked.sequence;
        let Some(position) = self.intents.iter().rposition(asked_before) else {
            if verified.query.get("hub.mode").and_then(Value::as_str) == Some("unsubscribe")
                && let Some(subscription) = self.last_mut()
            {
                subscription.ended.get_or_insert(verified.answered);
            }
            return;
        };
        let intent = self.intents.remove(position);
        // What was asked for before this is overridden.
        self.intents.retain(|other| other.requested > intent.requested);
        // A hub may grant less; that it states something else is judged where it does.
        let stated = events_in(&verified.query)
            .filter(|stated| stated.iter().all(|event| intent.events.contains(event)));
        let mut granted = stated.unwrap_or_else(|| intent.events.clone());
        granted.retain(may_receive);
        let lease = lease_in(&verified.query);
        match self.last_mut() {
            Some(subscription) if subscription.ended.is_none() => {
                subscription.replaced.push(verified.answered);
                subscription.requested = Some(verified.asked);
                let all = granted.iter().chain(&intent.events).cloned();
                subscription.granted.extend(all);
                subscription.current = granted;
                subscription.asked = intent.events;
                subscription.lease = lease;
                subscription.secret = intent.secret;
            }
            _ => {
                let mut subscription = Subscription::new(intent.events.clone(), verified.asked);
                // A subscriber has one callback, its first channel.
                subscription.socket = Some(0);
                subscription.secret = intent.secret;
                subscription.confirm(granted, lease, verified.answered);
                // Whatever the verification states, what was asked for is what the subscriber subscribed to.
                subscription.granted.extend(intent.events);
                self.push(subscription);
            }
        }
    }
}

/// The events that a control message states in `hub.events`.
pub fn events_in(message: &Value) -> Option<Vec<EventName>> {
    parse_events(message.get("hub.events")?.as_str()?).ok()
}

/// The lease that a control message states in `hub.lease_seconds`, in seconds.
pub fn lease_in(message: &Value) -> Option<f64> {
    let lease = message.get("hub.lease_seconds")?;
    lease
        .as_f64()
        .or_else(|| lease.as_str()?.parse().ok())
        .filter(|seconds| seconds.is_finite() && *seconds >= 0.0)
}
