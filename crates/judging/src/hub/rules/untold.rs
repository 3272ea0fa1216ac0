//! Subscribers that the hub gives up: others are told by a SyncError first (2.5 Hub Generated SyncError Events).

use super::events::ReceivedEvent;
use super::lasted_its_lease;
use crate::hub::acknowledgements::acknowledgements;
use crate::hub::{Breach, Conversation, Judge, Place, Subscriber, Subscription, ids};
use crate::protocol::EventKind;

/// The close code of a server that goes down (RFC 6455, 7.4.1).
const GOING_AWAY: u16 = 1001;

/// Judges the WebSockets of silent subscribers that the hub ended: whoever follows SyncErrors had to hear of one before.
pub(super) fn judge_untold(conversation: &Conversation, events: &[ReceivedEvent<'_>], judge: &mut Judge) {
    if !conversation.everyone_seen {
        return;
    }
    for subscriber in conversation.subscribers.values() {
        let Some((place, witness)) = given_up(conversation, events, subscriber) else {
            continue;
        };
        let is_told = events.iter().any(|event| {
            event.topic == subscriber.topic && event.is_sync_error() && event.publication.is_none()
        });
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
    let subscription = subscriber.subscription()?;
    let mut closed = subscriber.closed.iter();
    let closed = closed.find(|closed| Some(closed.socket) == subscription.socket)?;
    let (lease, began) = subscription.leased_since()?;
    let may_be_for_something_else = !(closed.by_hub && closed.by_frame)
        || closed.code == Some(GOING_AWAY)
        || subscription.ended.is_some()
        || !subscription.replaced.is_empty()
        || lasted_its_lease(lease, began, closed.spot);
    if may_be_for_something_else {
        return None;
    }
    let answers: Vec<_> = acknowledgements(&conversation.transcript)
        .filter(|(entry, _)| entry.actor == subscriber.name)
        .map(|(_, answer)| answer)
        .collect();
    let is_unanswered = |event: &&ReceivedEvent<'_>| {
        event.subscriber == subscriber.name
            && event.received.id().is_some()
            && !answers
                .iter()
                .any(|answer| event.received.id() == Some(&answer.id))
    };
    events.iter().find(is_unanswered)?;
    if answers.iter().any(|answer| !answer.status.is_success()) {
        return None;
    }
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
