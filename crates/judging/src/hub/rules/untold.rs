//! Subscribers that the hub gives up: others are told by a SyncError first (2.5 Hub Generated SyncError Events).

use std::time::Duration;

use super::ends::ended_by_hub;
use super::events::ReceivedEvent;
use crate::hub::acknowledgements::acknowledgements;
use crate::hub::{Breach, Conversation, Judge, Place, Subscriber, Subscription, ids};
use crate::outcome::Traffic;
use crate::protocol::EventKind;

/// For how long an event is unanswered at least, where that can be the reason of an end.
const SILENCE: Duration = Duration::from_secs(1);

/// Judges the WebSockets of silent subscribers that the hub ended: whoever follows SyncErrors had to hear of one before.
pub(super) fn judge_untold(conversation: &Conversation, events: &[ReceivedEvent<'_>], judge: &mut Judge) {
    if !conversation.everyone_seen {
        return;
    }
    for subscriber in conversation.subscribers.values() {
        let Some((place, witness)) = given_up(conversation, events, subscriber) else {
            continue;
        };
        let is_told = events
            .iter()
            .any(|event| event.topic == subscriber.topic && event.is_sync_error_of_hub());
        let breach = (!is_told).then(|| {
            let message = format!(
                "the hub gave up {}, which did not answer, and told {witness} of no SyncError",
                subscriber.name
            );
            Breach::new(message, vec![place])
                .expecting("a SyncError before the end of an unresponsive subscriber's subscription")
                .observing("none")
        });
        judge.tried(ids::UNRESPONSIVE_TOLD, breach);
    }
}

/// Where the hub ended the subscription of a subscriber for its silence, and who would have heard of it.
fn given_up<'c>(
    conversation: &'c Conversation,
    events: &[ReceivedEvent<'_>],
    subscriber: &'c Subscriber,
) -> Option<(Place, &'c str)> {
    let closed = ended_by_hub(conversation, subscriber)?;
    let mut sent = 0;
    let answers: Vec<_> = acknowledgements(&conversation.transcript)
        .filter(|(entry, _)| entry.actor == subscriber.name)
        .map(|(_, answer)| answer)
        .collect();
    for entry in &conversation.transcript {
        let is_frame = matches!(entry.traffic, Traffic::FrameSent { .. });
        sent += usize::from(is_frame && entry.actor == subscriber.name);
    }
    // Whoever sent anything else may have been ended for that.
    if sent != answers.len() || answers.iter().any(|answer| !answer.status.is_success()) {
        return None;
    }
    let is_unanswered = |event: &&ReceivedEvent<'_>| {
        event.subscriber == subscriber.name
            && event.received.id().is_some()
            && event.received.spot.at.saturating_add(SILENCE) <= closed.spot.at
            && !answers
                .iter()
                .any(|answer| event.received.id() == Some(&answer.id))
    };
    events.iter().find(is_unanswered)?;
    let witness = conversation.in_topic(&subscriber.topic).find(|other| {
        let follows = |subscription: &Subscription| {
            let mut granted = subscription.current.iter();
            granted.any(|event| event.kind() == EventKind::SyncError)
        };
        other.name != subscriber.name
            && other.exact
            && other.is_active()
            && other.subscription().is_some_and(follows)
    })?;
    Some((Place::at(closed.spot.sequence), &witness.name))
}
