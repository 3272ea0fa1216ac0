//! Ends of subscriptions: one that nobody asked to end lasts its lease, or is denied.

use crate::Closed;
use crate::hub::rules::lasted_its_lease;
use crate::hub::{Breach, Conversation, Judge, Place, Subscriber, ids};
use crate::outcome::Traffic;
use crate::protocol::EventKind;

/// Close codes of a server that goes down or starts anew (RFC 6455, 7.4.1 and its registry): nothing is said of the subscription.
const GOING_AWAY: [u16; 3] = [1001, 1012, 1013];

/// Judges the WebSockets that the hub closed of its own accord (ambiguities, 91). One that ended without a close frame may
/// have been lost by the network, and is not judged here.
pub(super) fn judge_ends(conversation: &Conversation, judge: &mut Judge) {
    for subscriber in conversation.subscribers.values() {
        if let Some(breach) = ended_unasked(conversation, subscriber) {
            judge.broken(ids::LEASE_HONOURED, breach);
        }
    }
}

/// The end of a subscriber's last WebSocket by the hub, where nothing but the subscriber's answers can have been its reason: nobody
/// asked for it, no lease has run out, and neither the server nor the session has ended.
pub(super) fn ended_by_hub<'s>(
    conversation: &Conversation,
    subscriber: &'s Subscriber,
) -> Option<&'s Closed> {
    let subscription = subscriber.subscription()?;
    let mut closed = subscriber.closed.iter();
    let closed = closed.find(|closed| Some(closed.socket) == subscription.socket && closed.by_hub)?;
    let confirmed = subscription.confirmed?;
    let (lease, began) = subscription.leased_since()?;
    let since = confirmed.sequence.max(began.sequence);
    let may_end = !closed.by_frame
        || closed.code.is_some_and(|code| GOING_AWAY.contains(&code))
        || subscription.ended.is_some()
        || lasted_its_lease(lease, began, closed.spot)
        || has_dealt_with_it_since(conversation, subscriber, since)
        || session_has_ended(conversation, subscriber);
    (!may_end).then_some(closed)
}

fn ended_unasked(conversation: &Conversation, subscriber: &Subscriber) -> Option<Breach> {
    let closed = ended_by_hub(conversation, subscriber)?;
    if !subscriber.exact || subscriber.is_denied() {
        return None;
    }
    let subscription = subscriber.subscription()?;
    let confirmed = subscription.confirmed?;
    let (lease, began) = subscription.leased_since()?;
    let name = &subscriber.name;
    let code = closed
        .code
        .map_or_else(|| "no code".to_owned(), |code| format!("code {code}"));
    let lasted = closed.spot.at.saturating_sub(began.at).as_secs_f64();
    let message = format!(
        "the hub ended the subscription of {name}, which had not asked for it, without a denial and before its lease had run out"
    );
    let places = vec![Place::at(confirmed.sequence), Place::at(closed.spot.sequence)];
    Some(
        Breach::new(message, places)
            .expecting(format!(
                "an open WebSocket for the lease of {lease:?}, or a denial"
            ))
            .observing(format!("closed with {code} after {lasted:.1} s")),
    )
}

/// Since then the subscriber itself sent a request about a subscription, or connected anew: what that does is judged where
/// it was asked.
fn has_dealt_with_it_since(conversation: &Conversation, subscriber: &Subscriber, since: usize) -> bool {
    conversation.transcript.iter().any(|entry| {
        entry.sequence > since
            && entry.actor == subscriber.name
            && match &entry.traffic {
                Traffic::Connect { .. } => true,
                Traffic::Request { method, body, .. } => method != "GET" && body.contains("hub.mode"),
                _ => false,
            }
    })
}

/// The user has left: whether that ends subscriptions is left open.
fn session_has_ended(conversation: &Conversation, subscriber: &Subscriber) -> bool {
    let mut publications = conversation.publications.iter();
    publications.any(|publication| {
        publication.topic == subscriber.topic
            && matches!(
                publication.event.kind(),
                EventKind::UserLogout | EventKind::UserHibernate
            )
    })
}
