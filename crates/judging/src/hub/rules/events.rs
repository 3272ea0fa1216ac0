//! Received notifications with what is known of each: subscriber, subscription and publication.

use serde_json::Value;

use crate::Received;
use crate::hub::publication::{context_of, event_of, subject_id};
use crate::hub::{Conversation, Publication, Subscription};
use crate::protocol::{EventKind, EventName};

/// A notification that a subscriber received.
#[derive(Debug, Clone)]
pub(super) struct ReceivedEvent<'c> {
    /// The name of the subscriber.
    pub(super) subscriber: &'c str,
    /// The topic of the subscriber.
    pub(super) topic: &'c str,
    pub(super) received: &'c Received,
    pub(super) event: EventName,
    /// The subscription that it belongs to.
    pub(super) subscription: Option<&'c Subscription>,
    /// Position of the publication that it is a copy of.
    pub(super) publication: Option<usize>,
}

impl ReceivedEvent<'_> {
    pub(super) fn message(&self) -> &Value {
        self.received.message().unwrap_or(&Value::Null)
    }

    pub(super) fn sequence(&self) -> usize {
        self.received.spot.sequence
    }

    pub(super) fn is_sync_error(&self) -> bool {
        self.event.kind() == EventKind::SyncError
    }

    /// A SyncError that the hub made, and no copy of one that a subscriber published.
    pub(super) fn is_sync_error_of_hub(&self) -> bool {
        self.publication.is_none() && self.is_sync_error()
    }

    /// The id of the resource that the event is about.
    pub(super) fn subject(&self) -> Option<String> {
        subject_id(&self.event, context_of(self.message()))
    }

    /// The subscription was confirmed before the event was published: this is the broadcast, and not a catch-up.
    pub(super) fn is_live(&self, publication: &Publication) -> bool {
        let confirmed = self.subscription.and_then(|subscription| subscription.confirmed);
        confirmed.is_some_and(|spot| spot.sequence < publication.requested.sequence)
    }
}

/// All notifications of a conversation, in the order in which they came.
pub(super) fn received_events(conversation: &Conversation) -> Vec<ReceivedEvent<'_>> {
    let mut events = Vec::new();
    for subscriber in conversation.subscribers.values() {
        for received in &subscriber.received {
            if received.message().is_none() {
                continue;
            }
            let publication = conversation.origin(received);
            let published = publication.and_then(|position| conversation.publications.get(position));
            let stated = event_of(received);
            let Some(event) = stated.or_else(|| published.map(|publication| publication.event.clone()))
            else {
                continue;
            };
            events.push(ReceivedEvent {
                subscriber: &subscriber.name,
                topic: &subscriber.topic,
                event,
                subscription: subscriber.subscriptions.of(received),
                publication,
                received,
            });
        }
    }
    events.sort_by_key(ReceivedEvent::sequence);
    disown_lookalikes(conversation, &mut events);
    events
}

/// A subscriber that got an event under its own id got no copy of it under another: what looks like one was derived from
/// some other event (2.5), and may have an id and a time of its own.
fn disown_lookalikes(conversation: &Conversation, events: &mut [ReceivedEvent<'_>]) {
    let has_id_of_publication = |event: &ReceivedEvent<'_>| {
        let position = event.publication;
        let published = position.and_then(|position| conversation.publications.get(position));
        published.is_some_and(|publication| event.received.id() == Some(publication.id.as_str()))
    };
    let originals: Vec<(&str, Option<usize>)> = events
        .iter()
        .filter(|event| has_id_of_publication(event))
        .map(|event| (event.subscriber, event.publication))
        .collect();
    for event in events {
        let has_original = originals.contains(&(event.subscriber, event.publication));
        if event.publication.is_some() && !has_id_of_publication(event) && has_original {
            event.publication = None;
        }
    }
}

#[cfg(test)]
mod tests;
