//! What is known of a conversation while it goes on: topics, their contexts and publications, subscriptions and their
//! WebSockets. It is bounded: what is long past is forgotten.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use serde_json::Value;

use super::event::{Anchor, Event};
use super::findings::Subscriber;

/// How many contexts and publications of a topic, and notifications of a WebSocket, are remembered.
const REMEMBERED: usize = 500;
/// How many contexts of a topic are remembered; they may be large.
const CONTEXTS: usize = 100;

/// A moment and a place in the record.
#[derive(Debug, Clone, Copy)]
pub(super) struct Spot {
    pub(super) sequence: usize,
    pub(super) at: Duration,
}

/// A context that was opened in a topic.
#[derive(Debug, Clone)]
pub(super) struct OpenContext {
    pub(super) anchor: Anchor,
    pub(super) context: Value,
    /// The events that opened it: the first time, and again.
    pub(super) events: Vec<String>,
    pub(super) opened: Spot,
    pub(super) closed: Option<Spot>,
}

/// A change that was requested.
#[derive(Debug, Clone)]
pub(super) struct Published {
    pub(super) id: String,
    pub(super) digest: u64,
    pub(super) event: String,
    pub(super) timestamp: Option<String>,
    pub(super) spot: Spot,
    pub(super) client: Option<String>,
    pub(super) status: Option<u16>,
    /// Where a SyncError about it was sent.
    pub(super) sync_error: Option<Spot>,
}

/// A session.
#[derive(Debug, Default)]
pub(super) struct Topic {
    pub(super) subscribers: usize,
    pub(super) contexts: VecDeque<OpenContext>,
    pub(super) published: VecDeque<Published>,
    /// The context that the last accepted request opened, with the one before it.
    pub(super) current: Option<Anchor>,
    pub(super) former: Option<(Anchor, Duration)>,
    /// A context was closed since the last open, so that what is current may be read in two ways.
    pub(super) closed_since: bool,
    /// Versions that were told by Get Current Context.
    pub(super) fetched: HashMap<Anchor, String>,
    pub(super) last_seen: Duration,
}

impl Topic {
    pub(super) fn open_context(&self, anchor: &Anchor) -> Option<&OpenContext> {
        self.contexts
            .iter()
            .rev()
            .find(|context| context.anchor == *anchor && context.closed.is_none())
    }

    /// Takes in an open event, requested and accepted or notified.
    pub(super) fn open(&mut self, event: &Event, spot: Spot, requested: bool) {
        let (Some(anchor), Some(id)) = (event.anchor(), event.id.clone()) else {
            return;
        };
        if requested && self.current.as_ref() != Some(&anchor) {
            self.former = self.current.take().map(|former| (former, spot.at));
            self.current = Some(anchor.clone());
        }
        if self.contexts.iter().any(|context| context.events.contains(&id)) {
            return;
        }
        self.closed_since = false;
        if let Some(context) = self
            .contexts
            .iter_mut()
            .find(|context| context.anchor == anchor && context.closed.is_none())
        {
            if context.events.len() < REMEMBERED {
                context.events.push(id);
            }
            return;
        }
        self.contexts.push_back(OpenContext {
            anchor,
            context: event.context.clone(),
            events: vec![id],
            opened: spot,
            closed: None,
        });
        if self.contexts.len() > CONTEXTS {
            self.contexts.pop_front();
        }
    }

    /// Takes in a close event, accepted or notified.
    pub(super) fn close(&mut self, event: &Event, spot: Spot) {
        let Some(anchor) = event.anchor() else { return };
        for context in self
            .contexts
            .iter_mut()
            .filter(|context| context.anchor == anchor)
        {
            context.closed.get_or_insert(spot);
        }
        self.closed_since = true;
    }

    pub(super) fn publish(&mut self, published: Published) {
        self.published.push_back(published);
        if self.published.len() > REMEMBERED {
            self.published.pop_front();
        }
    }
}

/// How a subscription ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ended {
    Unsubscribed,
    Denied,
}

/// An accepted subscription.
#[derive(Debug, Clone)]
pub(super) struct Subscription {
    pub(super) who: Subscriber,
    pub(super) client: Option<String>,
    pub(super) endpoint: String,
    /// The names of the events that were asked for, as written.
    pub(super) asked: Vec<String>,
    pub(super) requested: Spot,
    pub(super) answered: Spot,
    pub(super) connected: bool,
    /// An unsubscribe request for it.
    pub(super) unsubscribe: Option<Spot>,
    pub(super) ended: Option<(Ended, Spot)>,
    /// A later request of the subscriber took its place.
    pub(super) replaced: bool,
}

/// A version of a context that the hub gave over one WebSocket.
#[derive(Debug, Clone)]
pub(super) struct Given {
    pub(super) version: String,
    pub(super) notification: String,
    pub(super) spot: Spot,
    pub(super) by_open: bool,
}

/// A notification that went over a WebSocket.
#[derive(Debug, Clone)]
pub(super) struct Notified {
    pub(super) spot: Spot,
    pub(super) name: String,
    pub(super) anchor: Option<Anchor>,
    pub(super) size: usize,
    /// The resource that it is about, where it is small enough to compare.
    pub(super) resource: Option<Value>,
    /// An update outside of the current context.
    pub(super) non_current: bool,
    /// An open that follows another one which is not closed, and was taken.
    pub(super) follows: Option<Spot>,
    pub(super) acknowledged: Option<(Option<u16>, Spot)>,
    /// It was not answered in time, and that was told.
    pub(super) overdue: bool,
}

/// A notification that a subscriber took, by what it is about.
#[derive(Debug, Clone)]
pub(super) struct Taken {
    pub(super) name: String,
    pub(super) size: usize,
    pub(super) resource: Option<Value>,
    pub(super) spot: Spot,
}

/// A WebSocket.
#[derive(Debug, Default)]
pub(super) struct Connection {
    pub(super) subscription: Option<usize>,
    pub(super) topic: Option<String>,
    pub(super) who: Option<Subscriber>,
    /// The events that were granted, as the last confirmation writes them.
    pub(super) granted: Vec<String>,
    pub(super) confirmed: Option<Spot>,
    /// The confirmation writes an event in another case than the request.
    pub(super) other_case: bool,
    pub(super) denied: Option<Spot>,
    pub(super) notified: HashMap<String, Notified>,
    order: VecDeque<String>,
    /// Notifications were forgotten, so that an unknown id proves nothing.
    pub(super) forgetful: bool,
    pub(super) versions: HashMap<Anchor, Vec<Given>>,
    pub(super) last_open: Option<(Anchor, String)>,
    pub(super) last_taken_open: Option<(Anchor, Spot)>,
    pub(super) taken: HashMap<(String, String), Vec<Taken>>,
    pub(super) closed: bool,
    /// The last rejection of a request of this subscriber, until it answers a notification with success.
    pub(super) rejected: Option<Spot>,
}

impl Connection {
    /// One whose opening was not seen, so that much may have come before.
    pub(super) fn unseen() -> Self {
        Self {
            forgetful: true,
            ..Self::default()
        }
    }

    pub(super) fn notify(&mut self, id: &str, notified: Notified) {
        if self.notified.insert(id.to_owned(), notified).is_none() {
            self.order.push_back(id.to_owned());
            if self.order.len() > REMEMBERED
                && let Some(oldest) = self.order.pop_front()
            {
                self.notified.remove(&oldest);
                self.forgetful = true;
            }
        }
    }

    /// A version was given; of each context only the last few count.
    pub(super) fn give(&mut self, anchor: Anchor, given: Given) {
        const KEPT: usize = 8;
        if self.versions.len() > REMEMBERED {
            self.versions.clear();
        }
        let versions = self.versions.entry(anchor).or_default();
        versions.push(given);
        if versions.len() > KEPT {
            versions.remove(0);
        }
    }

    /// A notification was taken.
    pub(super) fn take(&mut self, key: (String, String), taken: Taken) {
        const KEPT: usize = 4;
        if self.taken.len() > REMEMBERED {
            self.taken.clear();
        }
        let earlier = self.taken.entry(key).or_default();
        if earlier.len() < KEPT {
            earlier.push(taken);
        }
    }
}
