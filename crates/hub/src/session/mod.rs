//! The heart of the hub: a session (topic) as a state machine.
//!
//! Requests, frames, closes, answers of callbacks and the passing of time go in; deliveries, closes, calls and answers come out. Time is always a
//! parameter and ids come from a source given at the start, so nothing here waits, reads a clock or opens a socket, and
//! the same inputs give the same outputs. One session knows nothing of another.

mod acknowledging;
mod calling;
mod content;
mod contexts;
mod distribution;
mod limits;
mod others;
mod overview;
mod publication;
mod subscriber;
mod subscribing;
mod webhooks;

pub use self::calling::{Call, CallAnswer, CallId, CallMethod, Purpose, Query};
pub use self::limits::{Limits, OtherEvents};
pub use self::overview::{SessionOverview, SubscriberOverview};
pub use self::subscribing::dead_endpoint;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use bytestring::ByteString;

use self::calling::UnderWay;
use self::contexts::Contexts;
use self::distribution::Distributed;
use self::subscriber::Subscriber;
use super::clock::Now;
use super::defect::Behaviour;
use super::identifiers::Identifiers;
use super::version_profile::VersionProfile;
use crate::protocol::{EventName, Version};

/// A subscription within its session; never used again after its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SubscriberId(u64);

/// The way in which a subscriber's socket ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Closing {
    /// By a close frame with this code.
    Code(u16),
    /// By a close frame without a code.
    NoCode,
    /// Without a close frame: the connection broke.
    Broken,
}

/// A thing that the session wants done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// Send this text over the subscriber's socket. Texts for one subscriber are to be sent in this order.
    Deliver {
        /// The receiver.
        subscriber: SubscriberId,
        /// The message; shared by all its receivers.
        text: ByteString,
    },
    /// Close the subscriber's socket after what was to be delivered before.
    Close {
        /// Whose socket.
        subscriber: SubscriberId,
        /// The close code.
        code: u16,
        /// The close reason, at most 123 bytes.
        reason: String,
    },
    /// Make this request to a callback, within this time, and tell [`Session::called_back`] what came of it. Redirects are
    /// answers, and not followed.
    Call {
        /// The call.
        call: CallId,
        /// Whose callback it is, where that is subscribed already and is sent a notification.
        subscriber: Option<SubscriberId>,
        /// The request.
        request: Call,
        /// After this long the session gives up on it.
        timeout: Duration,
    },
    /// The subscription has ended: its endpoint leads nowhere any more.
    Ended {
        /// The subscription.
        subscriber: SubscriberId,
        /// Its endpoint's last path segment; a webhook has none.
        endpoint: Option<Arc<str>>,
    },
}

/// One session: its subscribers, its contexts and what they still owe each other.
pub struct Session {
    topic: String,
    limits: Arc<Limits>,
    profile: &'static VersionProfile,
    behaviour: Behaviour,
    identifiers: Box<dyn Identifiers>,
    subscribers: BTreeMap<SubscriberId, Subscriber>,
    subscribed: u64,
    calls: BTreeMap<CallId, UnderWay>,
    called: u64,
    contexts: Contexts,
    last: Option<Arc<Distributed>>,
    held_back: Option<(Duration, Arc<Distributed>, Vec<contexts::Derived>)>,
    /// Endpoints and events of ended subscriptions, where endpoints outlive them.
    departed: Vec<(Arc<str>, Vec<EventName>)>,
    outputs: VecDeque<Output>,
    wake: Option<Duration>,
}

impl Session {
    /// A session that nobody has subscribed to, of a hub that conforms.
    pub fn new(
        topic: &str,
        version: Version,
        limits: Arc<Limits>,
        identifiers: Box<dyn Identifiers>,
    ) -> Self {
        Self {
            topic: topic.to_owned(),
            profile: VersionProfile::of(version),
            behaviour: Behaviour::new(&[]),
            contexts: Contexts::new(limits.open_contexts_limit),
            limits,
            identifiers,
            subscribers: BTreeMap::new(),
            subscribed: 0,
            calls: BTreeMap::new(),
            called: 0,
            last: None,
            held_back: None,
            departed: Vec::new(),
            outputs: VecDeque::new(),
            wake: None,
        }
    }

    /// The same session with this behaviour, whose defects can be switched on and off from outside.
    #[must_use]
    pub fn behaving(self, behaviour: Behaviour) -> Self {
        Self { behaviour, ..self }
    }

    /// The next thing to do. To be called after every input, until there is nothing more.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// The time at which [`tick`](Self::tick) is to be called at the latest, since the hub's start. It may be earlier than
    /// anything happens, never later.
    pub fn next_deadline(&self) -> Option<Duration> {
        self.wake
    }

    /// Nobody is subscribed or about to be, and nothing is open: nothing is lost with this session.
    pub fn is_idle(&self) -> bool {
        self.subscribers.is_empty()
            && self.calls.is_empty()
            && self.contexts.is_empty()
            && self.outputs.is_empty()
    }

    /// The number of subscriptions, connected or not; a webhook counts from its verification.
    pub fn subscriptions(&self) -> usize {
        self.subscribers.len()
    }

    /// Lets time pass: leases end, endpoints that nobody connected to die, and unanswered notifications
    /// and calls have consequences.
    pub fn tick(&mut self, now: Now) {
        if self.wake.is_none_or(|wake| now.elapsed < wake) {
            return;
        }
        self.wake = None;
        self.release_held_back(now, false);
        self.end_leases(now);
        self.give_up_on_the_unresponsive(now);
        self.give_up_on_calls(now);
        let deadlines = self.subscribers.values().filter_map(Subscriber::next_deadline);
        let held_back = self.held_back.iter().map(|(until, ..)| *until);
        self.wake = deadlines.chain(held_back).chain(self.next_call_deadline()).min();
    }

    fn wake_at(&mut self, deadline: Duration) {
        self.wake = Some(self.wake.map_or(deadline, |wake| wake.min(deadline)));
    }

    fn send(&mut self, subscriber: SubscriberId, text: ByteString) {
        self.outputs.push_back(Output::Deliver { subscriber, text });
    }

    /// Closes the socket, where there is one, and ends the subscription.
    fn close(&mut self, subscriber: SubscriberId, code: u16, reason: &str) {
        let reason = self.profile.cite(reason);
        let reason = reason
            .get(..reason.floor_char_boundary(123))
            .unwrap_or_default()
            .to_owned();
        let receiver = self.subscribers.get(&subscriber);
        if receiver.is_some_and(|receiver| receiver.endpoint().is_some()) {
            self.outputs.push_back(Output::Close {
                subscriber,
                code,
                reason,
            });
        }
        self.forget(subscriber);
    }

    /// Ends the subscription without telling the subscriber.
    fn forget(&mut self, subscriber: SubscriberId) -> Option<Subscriber> {
        let gone = self.subscribers.remove(&subscriber)?;
        self.outputs.push_back(Output::Ended {
            subscriber,
            endpoint: gone.endpoint().cloned(),
        });
        if let Some(endpoint) = gone.endpoint()
            && self.behaviour.revives_endpoints()
        {
            self.departed.push((Arc::clone(endpoint), gone.granted.clone()));
        }
        Some(gone)
    }
}
