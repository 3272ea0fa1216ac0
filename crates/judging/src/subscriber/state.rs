//! What is known of a conversation while it goes on: topics, their contexts and publications, subscriptions and their
//! WebSockets. It is bounded: what is long past is forgotten.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use super::event::{Anchor, Event};
use super::findings::Subscriber;
use super::message::Message;
use super::record::Place;
use crate::protocol::Action;

/// How many contexts and publications of a topic, and notifications of a WebSocket, are remembered at most.
pub(super) const REMEMBERED: usize = 500;
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
    pub(super) context: Arc<Value>,
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
            context: Arc::clone(&event.context),
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
    /// The hub did not take the request: there never was a subscription.
    Refused,
}

/// What a request for a webhook says of its subscription, in a form that can be compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wanted {
    /// A digest: the secret itself is kept nowhere.
    pub(super) secret: Option<u64>,
    pub(super) events: BTreeSet<String>,
    pub(super) lease: Option<String>,
}

/// What a subscription has beside whose notifications go to a callback.
#[derive(Debug, Clone)]
pub(super) struct Webhook {
    pub(super) callback: String,
    /// `subscriber.name`, where a request gave it.
    pub(super) name: Option<String>,
    /// The number under which its calls are told apart, as if they went over a WebSocket.
    pub(super) connection: u64,
    /// What its requests said, the first one and the last few.
    pub(super) wanted: Vec<Wanted>,
    /// The hub took a request, or asked for its verification.
    pub(super) accepted: bool,
    /// Its end was asked for since it was last asked for, whatever the hub answered.
    pub(super) left: bool,
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
    pub(super) webhook: Option<Webhook>,
}

impl Subscription {
    /// Whether it counts at this moment: it has not ended, or what happens now may have been on its way.
    pub(super) fn is_alive(&self, now: Duration) -> bool {
        const ON_ITS_WAY: Duration = Duration::from_secs(5);
        match self.ended {
            None => true,
            Some((Ended::Refused, _)) => false,
            Some((_, ended)) => now.saturating_sub(ended.at) <= ON_ITS_WAY,
        }
    }
}

/// A version of a context that the hub gave over one WebSocket.
#[derive(Debug, Clone)]
pub(super) struct Given {
    pub(super) message: Arc<Message>,
    pub(super) spot: Spot,
}

impl Given {
    pub(super) fn version(&self) -> &str {
        self.message.version.as_deref().unwrap_or_default()
    }

    pub(super) fn by_open(&self) -> bool {
        self.message.action == Some(Action::Open)
    }
}

/// A notification that went over a WebSocket.
#[derive(Debug, Clone)]
pub(super) struct Notified {
    pub(super) message: Arc<Message>,
    pub(super) spot: Spot,
    /// An open that follows another one which is not closed, and was taken.
    pub(super) follows: Option<Spot>,
    pub(super) acknowledged: Option<(Option<u16>, Spot)>,
    /// It was not answered in time, and that was told.
    pub(super) overdue: bool,
    /// It went to a callback, whose HTTP status is its answer.
    pub(super) by_http: bool,
}

impl Notified {
    /// The status that answers it, at this place.
    pub(super) fn status_at(&self, spot: Spot) -> Place {
        if self.by_http {
            Place::at(spot.sequence)
        } else {
            Place::within(spot.sequence, "/status")
        }
    }
}

/// A notification that a subscriber took.
#[derive(Debug, Clone)]
pub(super) struct Taken {
    pub(super) message: Arc<Message>,
    pub(super) spot: Spot,
}

/// A WebSocket.
#[derive(Debug, Default)]
pub(super) struct Connection {
    pub(super) subscription: Option<usize>,
    pub(super) topic: Option<String>,
    pub(super) who: Option<Arc<Subscriber>>,
    /// The events that were granted, as the last confirmation writes them.
    pub(super) granted: Vec<String>,
    pub(super) confirmed: Option<Spot>,
    /// The confirmation writes an event in another case than the request.
    pub(super) other_case: bool,
    pub(super) denied: Option<Spot>,
    pub(super) notified: HashMap<Arc<str>, Notified>,
    order: VecDeque<Arc<str>>,
    /// Ids of notifications that were not answered when they were last looked at, in their order.
    pub(super) unanswered: VecDeque<Arc<str>>,
    /// Whether it is to be asked about the first of these.
    pub(super) is_asked_about: bool,
    /// Notifications were forgotten, so that an unknown id proves nothing.
    pub(super) forgetful: bool,
    pub(super) versions: HashMap<Arc<Anchor>, Vec<Given>>,
    pub(super) last_open: Option<Arc<Message>>,
    pub(super) last_taken_open: Option<(Arc<Message>, Spot)>,
    /// What was taken, by event and what it is about.
    pub(super) taken: HashMap<Arc<(String, String)>, Vec<Taken>>,
    pub(super) closed: bool,
    /// The last rejection of a request of this subscriber, until it answers a notification with success.
    pub(super) rejected: Option<Spot>,
    /// The callback has answered a call before.
    pub(super) reached: bool,
    /// The callback's last answer did not come, as the connection broke.
    pub(super) cut: bool,
}

impl Connection {
    /// One whose opening was not seen, so that much may have come before.
    pub(super) fn unseen() -> Self {
        Self {
            forgetful: true,
            ..Self::default()
        }
    }

    /// The callback of a subscription, as if it were a WebSocket.
    pub(super) fn of_callback(subscription: usize, who: &Subscriber) -> Self {
        Self {
            subscription: Some(subscription),
            topic: Some(who.topic.clone()),
            who: Some(Arc::new(who.clone())),
            ..Self::default()
        }
    }

    /// A notification was sent; of those before that are answered, at most `most` are remembered.
    pub(super) fn notify(&mut self, id: &Arc<str>, notified: Notified, most: usize) {
        if self.notified.insert(Arc::clone(id), notified).is_none() {
            self.order.push_back(Arc::clone(id));
            while self.order.len() > most
                && let Some(oldest) = self.order.front()
            {
                let waits = self
                    .notified
                    .get(oldest)
                    .is_some_and(|oldest| oldest.acknowledged.is_none() && !oldest.overdue);
                if waits && self.order.len() <= REMEMBERED {
                    break;
                }
                self.notified.remove(oldest);
                self.order.pop_front();
                self.forgetful = true;
            }
        }
    }

    /// Passes over what was answered at the front of the notifications that wait for an answer.
    pub(super) fn look_at_answers(&mut self) {
        while let Some(first) = self.unanswered.front()
            && self
                .notified
                .get(first)
                .is_none_or(|notified| notified.acknowledged.is_some() || notified.overdue)
        {
            self.unanswered.pop_front();
        }
    }

    /// Forgets what no answer can come to any more. What was answered is kept: a SyncError may still be about it.
    pub(super) fn release(&mut self) {
        self.unanswered = VecDeque::new();
        self.taken = HashMap::new();
    }

    /// A version was given; of each context only the last few count, and of contexts as many as notifications.
    pub(super) fn give(&mut self, anchor: Arc<Anchor>, given: Given, most: usize) {
        const KEPT: usize = 8;
        if self.versions.len() > most {
            self.versions.clear();
        }
        let versions = self
            .versions
            .entry(anchor)
            .or_insert_with(|| Vec::with_capacity(1));
        versions.push(given);
        if versions.len() > KEPT {
            versions.remove(0);
        }
    }

    /// A notification was taken.
    pub(super) fn take(&mut self, subject: Arc<(String, String)>, taken: Taken, most: usize) {
        const KEPT: usize = 4;
        if self.taken.len() > most {
            self.taken.clear();
        }
        let earlier = self.taken.entry(subject).or_insert_with(|| Vec::with_capacity(1));
        if earlier.len() < KEPT {
            earlier.push(taken);
        }
    }
}
