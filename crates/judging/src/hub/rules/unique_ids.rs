//! Ids of notifications: one id, one event.

use std::collections::BTreeMap;

use super::events::ReceivedEvent;
use crate::hub::publication::causes;
use crate::hub::{Breach, Judge, Place, ids};
use crate::schema::Unmet;

/// Judges the ids of all notifications of each topic.
pub(super) fn judge_ids(events: &[ReceivedEvent<'_>], judge: &mut Judge) {
    let mut known: BTreeMap<(&str, &str), &ReceivedEvent<'_>> = BTreeMap::new();
    for event in events {
        let Some(id) = event.received.id() else { continue };
        let Some(first) = known.get(&(event.topic, id)).copied() else {
            known.insert((event.topic, id), event);
            judge.held(ids::ID_UNIQUE);
            continue;
        };
        let Some(unmet) = differ(first, event) else {
            continue;
        };
        let places = [first, event].map(|event| Place::within(event.sequence(), "/id"));
        let breach = Breach::new(format!("two different events have the id {id}"), places.to_vec());
        let breach = breach
            .expecting("an id of its own for each event")
            .observing(format!("{} and {} with one id", first.event, event.event));
        judge.broken(ids::ID_UNIQUE, breach.softened(unmet));
    }
}

/// What it means that these have one id; nothing where they may be one event.
fn differ(first: &ReceivedEvent<'_>, second: &ReceivedEvent<'_>) -> Option<Unmet> {
    match (first.is_sync_error(), second.is_sync_error()) {
        (true, true) => (causes(first.message()) != causes(second.message())).then_some(Unmet::ByLevel),
        // Events derived from one may share its id (ambiguities, 28).
        (false, false) => {
            let same_event = first.event == second.event;
            (same_event && first.subject() != second.subject()).then_some(Unmet::ByLevel)
        }
        // A SyncError with the id of the event that it is about (ambiguities, 34).
        _ => Some(Unmet::Warn),
    }
}
