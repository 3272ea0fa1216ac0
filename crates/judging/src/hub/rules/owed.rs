//! Who is owed what: copies of what was published, and SyncErrors about what was refused.

use super::leases::has_run_out;
use crate::hub::acknowledgements::acknowledgements;
use crate::hub::{Conversation, Publication, Subscriber};
use crate::protocol::{EventKind, EventName};

/// A subscriber that must be sent a publication.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owed {
    /// Position of the publication.
    pub publication: usize,
    /// The name of the subscriber.
    pub to: String,
}

/// A subscriber that must be sent a SyncError.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwedSyncError {
    /// The id of the event that it is about.
    pub event_id: String,
    /// The name of the subscriber.
    pub to: String,
}

/// All copies that are owed while the subscriptions last.
pub fn owed(conversation: &Conversation) -> Vec<Owed> {
    let mut owed = Vec::new();
    for (position, publication) in conversation.publications.iter().enumerate() {
        if !publication.accepted {
            continue;
        }
        for subscriber in conversation.in_topic(&publication.topic) {
            if is_owed(subscriber, publication) {
                owed.push(Owed {
                    publication: position,
                    to: subscriber.name.clone(),
                });
            }
        }
    }
    owed
}

fn is_owed(subscriber: &Subscriber, publication: &Publication) -> bool {
    let Some(subscription) = subscriber.subscription() else {
        return false;
    };
    // Of SyncErrors only the others are owed a copy (2.5).
    let exempt =
        publication.event.kind() == EventKind::SyncError && publication.by.as_ref() == Some(&subscriber.name);
    subscriber.is_active()
        && !exempt
        && subscription.current.contains(&publication.event)
        && subscription.settled().is_some_and(|spot| {
            spot.sequence < publication.requested.sequence && !has_run_out(subscription, publication)
        })
}

/// All SyncErrors that are owed: to the others of the topic, about what a subscriber has refused.
pub fn owed_sync_errors(conversation: &Conversation) -> Vec<OwedSyncError> {
    let Ok(sync_error) = "SyncError".parse::<EventName>() else {
        return Vec::new();
    };
    let mut owed = Vec::new();
    for (entry, answer) in acknowledgements(&conversation.transcript) {
        let Some(refusing) = conversation.subscribers.get(&entry.actor) else {
            continue;
        };
        if answer.status.is_success() {
            continue;
        }
        for subscriber in conversation.in_topic(&refusing.topic) {
            let follows = subscriber
                .subscription()
                .is_some_and(|subscription| subscription.current.contains(&sync_error));
            if subscriber.name != refusing.name && subscriber.is_active() && follows {
                owed.push(OwedSyncError {
                    event_id: answer.id.clone(),
                    to: subscriber.name.clone(),
                });
            }
        }
    }
    owed
}

#[cfg(test)]
mod tests;
