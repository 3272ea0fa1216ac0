//! SyncErrors of the hub: one about an event that everybody took has no cause.

use std::collections::BTreeMap;

use super::events::ReceivedEvent;
use crate::hub::publication::{causes, is_foreign};
use crate::hub::{Breach, Conversation, Judge, Place, ids};
use crate::schema::Unmet;

/// Judges that no SyncError of the hub comes twice to one receiver over one channel.
pub(super) fn judge_repeated(events: &[ReceivedEvent<'_>], judge: &mut Judge) {
    let mut known: BTreeMap<(&str, usize, &str), &ReceivedEvent<'_>> = BTreeMap::new();
    for event in events.iter().filter(|event| event.is_sync_error_of_hub()) {
        let Some(id) = event.received.id() else { continue };
        let key = (event.subscriber, event.received.socket, id);
        let Some(first) = known.insert(key, event) else {
            continue;
        };
        if first.message() != event.message() {
            continue;
        }
        let places = [first, event].map(|event| Place::at(event.sequence()));
        let breach = Breach::new(
            format!("{} was told the same SyncError twice", event.subscriber),
            places.to_vec(),
        );
        let breach = breach
            .expecting("it once")
            .observing(format!("two with the id {id}"));
        judge.broken(ids::SYNC_ERROR_CAUSE, breach.softened(Unmet::Warn));
    }
}

/// Judges the cause of every SyncError that the hub made.
pub(super) fn judge_sync_errors(
    conversation: &Conversation,
    events: &[ReceivedEvent<'_>],
    judge: &mut Judge,
) {
    // Who was not seen may have given cause for it.
    if !conversation.everyone_seen {
        return;
    }
    for sync_error in events.iter().filter(|event| event.is_sync_error_of_hub()) {
        if is_foreign(sync_error.message(), sync_error.topic) {
            continue;
        }
        if !conversation.is_exact(sync_error.topic) {
            judge.held(ids::SYNC_ERROR_CAUSE);
            continue;
        }
        let causes = causes(sync_error.message());
        let was_broadcast = causes.iter().any(|cause| {
            events
                .iter()
                .any(|event| !event.is_sync_error() && event.received.id() == Some(&cause.event_id))
        });
        if was_broadcast {
            let message =
                "the hub sent a SyncError about an event that every subscriber acknowledged with 200";
            let told = causes.first().map(|cause| cause.diagnostics.clone());
            let breach = Breach::new(message, vec![Place::at(sync_error.sequence())])
                .expecting("no SyncError")
                .observing(told.unwrap_or_default());
            judge.broken(ids::SYNC_ERROR_CAUSE, breach);
        }
    }
}
