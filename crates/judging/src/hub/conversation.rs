//! The conversation between a hub and its subscribers, as far as it was observed: plain data.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::acknowledgements::acknowledgements;
use super::control::{Control, control_received};
use super::publication::{Publication, origin};
use super::rules::ContextRead;
use super::subscription::{Subscription, Subscriptions};
use crate::outcome::{Entry, Traffic};
use crate::protocol::{EventKind, Version};
use crate::{Closed, Received, Verified};

/// The whole conversation.
#[derive(Debug, Clone)]
pub struct Conversation {
    /// The version that the hub speaks.
    pub version: Version,
    /// Everything that passed, in order.
    pub transcript: Vec<Arc<Entry>>,
    /// The subscribers, by name.
    pub subscribers: BTreeMap<String, Subscriber>,
    /// Everything published, in order.
    pub publications: Vec<Arc<Publication>>,
    /// The current contexts that were read, in order.
    pub contexts_read: Vec<Arc<ContextRead>>,
    /// Nobody takes part in the topics but these subscribers.
    pub everyone_seen: bool,
    /// When it was last looked at.
    pub until: Duration,
    /// The hub is in use, or about to be: what a test bed may leave out is a failure.
    pub deployment: bool,
}

/// A subscriber, and all that it received.
#[derive(Debug, Clone)]
pub struct Subscriber {
    /// Its name: the actor of its entries in the transcript.
    pub name: String,
    /// The topic.
    pub topic: String,
    /// The channel of its notifications.
    pub channel: Channel,
    /// Its subscriptions.
    pub subscriptions: Subscriptions,
    /// Whether it has answered everything with 200 at once, kept its connection, and sent nothing odd.
    pub exact: bool,
    /// The messages that it received.
    pub received: Vec<Received>,
    /// The ends of its WebSockets.
    pub closed: Vec<Closed>,
}

/// The channel that notifications come over.
#[derive(Debug, Clone)]
pub enum Channel {
    /// A WebSocket that the subscriber opens (STU2, STU3).
    WebSocket,
    /// HTTP requests to the subscriber's callback (STU1, STU2).
    Webhook {
        /// `hub.callback`.
        callback: String,
        /// The intent verifications that it has answered.
        verified: Vec<Verified>,
    },
}

impl Subscriber {
    /// A subscriber that has done nothing yet.
    pub fn new(name: &str, topic: &str, channel: Channel) -> Self {
        Self {
            name: name.to_owned(),
            topic: topic.to_owned(),
            channel,
            subscriptions: Subscriptions::default(),
            exact: true,
            received: Vec::new(),
            closed: Vec::new(),
        }
    }

    /// Whether its notifications come to a callback.
    pub fn is_webhook(&self) -> bool {
        matches!(self.channel, Channel::Webhook { .. })
    }

    /// Whether the hub has sent a denial over the channel of its last subscription.
    pub fn is_denied(&self) -> bool {
        let Some(socket) = self.subscription().and_then(|subscription| subscription.socket) else {
            return false;
        };
        self.received
            .iter()
            .any(|received| received.socket == socket && control_received(received) == Some(Control::Denial))
    }

    /// The last of its subscriptions.
    pub fn subscription(&self) -> Option<&Subscription> {
        self.subscriptions.last()
    }

    /// Whether it has an open channel and a confirmed subscription that nobody has ended.
    pub fn is_active(&self) -> bool {
        self.subscriptions.is_active(&self.closed)
    }

    /// A message that came after this place in the transcript and is no JSON, in words.
    pub fn unreadable_since(&self, sequence: usize) -> Option<String> {
        let mut later = self
            .received
            .iter()
            .filter(|received| received.spot.sequence > sequence);
        later
            .find(|received| received.json.is_none())
            .map(|received| format!("message {} is not JSON", received.spot.sequence))
    }
}

impl Conversation {
    /// A conversation in which nothing has passed yet.
    pub fn new(version: Version, everyone_seen: bool) -> Self {
        Self {
            version,
            transcript: Vec::new(),
            subscribers: BTreeMap::new(),
            publications: Vec::new(),
            contexts_read: Vec::new(),
            everyone_seen,
            until: Duration::ZERO,
            deployment: false,
        }
    }

    /// Position of the publication that a received notification is a copy of.
    pub fn origin(&self, received: &Received) -> Option<usize> {
        origin(&self.publications, received)
    }

    /// The text of the request by which an event was published.
    pub(super) fn text_of(&self, publication: &Publication) -> Option<&str> {
        match &self.transcript.get(publication.requested.sequence)?.traffic {
            Traffic::Request { body, .. } => Some(body),
            _ => None,
        }
    }

    /// Whether a copy of this publication came to the subscriber.
    pub fn has_reached(&self, subscriber: &Subscriber, position: usize) -> bool {
        let mut received = subscriber.received.iter();
        received.any(|received| self.origin(received) == Some(position))
    }

    /// Every subscriber of the topic took every event at once and kept its connection.
    pub fn is_exact(&self, topic: &str) -> bool {
        self.in_topic(topic).all(|subscriber| subscriber.exact)
    }

    /// The subscribers of a topic.
    pub fn in_topic<'a>(&'a self, topic: &'a str) -> impl Iterator<Item = &'a Subscriber> {
        let all = self.subscribers.values();
        all.filter(move |subscriber| subscriber.topic == topic)
    }

    /// Some subscriber of the topic has answered with another status than a success.
    pub fn has_refusals(&self, topic: &str) -> bool {
        let mut refusals =
            acknowledgements(&self.transcript).filter(|(_, answer)| !answer.status.is_success());
        refusals.any(|(entry, _)| {
            let subscriber = self.subscribers.get(&entry.actor);
            subscriber.is_some_and(|subscriber| subscriber.topic == topic)
        })
    }

    /// Position of the last publication before a received message that is no SyncError itself.
    pub fn last_event_before(&self, received: &Received) -> Option<usize> {
        self.publications.iter().rposition(|publication| {
            publication.event.kind() != EventKind::SyncError
                && publication.requested.sequence < received.spot.sequence
        })
    }

    /// The ids under which a publication went around: its own, and what the hub may have made of it.
    pub fn ids_of(&self, position: usize) -> Vec<String> {
        let Some(publication) = self.publications.get(position) else {
            return Vec::new();
        };
        let mut ids = vec![publication.id.clone()];
        for subscriber in self.in_topic(&publication.topic) {
            for received in &subscriber.received {
                if self.origin(received) == Some(position)
                    && let Some(id) = received.id()
                    && !ids.iter().any(|known| known == id)
                {
                    ids.push(id.to_owned());
                }
            }
        }
        ids
    }
}
