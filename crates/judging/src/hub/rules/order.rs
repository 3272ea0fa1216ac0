//! The order of notifications: events come as they were published.

use std::collections::BTreeMap;

use super::events::ReceivedEvent;
use crate::hub::{Breach, Conversation, Judge, Place, ids};

/// The first arrivals of publications at one subscriber: position of the publication, and the copy.
type Arrivals<'c, 'e> = Vec<(usize, &'e ReceivedEvent<'c>)>;

/// Judges the order in which events came to each subscriber.
pub(super) fn judge_order(conversation: &Conversation, events: &[ReceivedEvent<'_>], judge: &mut Judge) {
    let mut by_subscriber: BTreeMap<&str, Arrivals<'_, '_>> = BTreeMap::new();
    for event in events {
        let Some(position) = event.publication else {
            continue;
        };
        if !event.is_live(&conversation.publications[position]) {
            continue;
        }
        let arrivals = by_subscriber.entry(event.subscriber).or_default();
        if arrivals.iter().all(|(known, _)| *known != position) {
            arrivals.push((position, event));
        }
    }
    for arrivals in by_subscriber.values().filter(|arrivals| arrivals.len() > 1) {
        judge.tried(ids::ORDER, crossing(conversation, arrivals));
    }
}

/// The first two events that came the other way round: the second had been answered before the first was published.
fn crossing(conversation: &Conversation, arrivals: &Arrivals<'_, '_>) -> Option<Breach> {
    let publication = |arrival: &(usize, &ReceivedEvent<'_>)| &conversation.publications[arrival.0];
    let pair = arrivals
        .windows(2)
        .find(|pair| publication(&pair[1]).answered.sequence < publication(&pair[0]).requested.sequence)?;
    let (first, second) = (publication(&pair[0]), publication(&pair[1]));
    let message = format!(
        "{} received two events in another order than that in which they were published",
        pair[0].1.subscriber
    );
    let places = [
        second.requested.sequence,
        first.requested.sequence,
        pair[0].1.sequence(),
        pair[1].1.sequence(),
    ];
    Some(
        Breach::new(message, places.map(Place::at).to_vec())
            .expecting(format!("id {} before id {}", second.id, first.id))
            .observing("the other way round"),
    )
}
