//! Denials: they name events of the subscription that they end, and end it.

use std::time::Duration;

use crate::Received;
use crate::hub::control::control_received;
use crate::hub::subscription::events_in;
use crate::hub::{Breach, Control, Conversation, Judge, Place, Subscriber, ids};
use crate::outcome::Traffic;
use crate::protocol::{EventName, join_events, parse_events};

/// How long a hub may take to close a WebSocket, and to stop sending, once it has denied the subscription (ambiguities, 18 and 83).
const IN_HAND: Duration = Duration::from_secs(3);

/// Judges whether the last subscription of a subscriber has ended with the denial of all of its events. What follows an
/// unsubscribe is judged by itself; a denial after a re-subscription may be about that alone.
pub(super) fn judge_denied(conversation: &Conversation, subscriber: &Subscriber, judge: &mut Judge) {
    let Some((subscription, socket)) = subscriber
        .subscription()
        .and_then(|subscription| Some((subscription, subscription.socket?)))
        .filter(|(subscription, _)| subscription.ended.is_none() && subscription.replaced.is_empty())
        .filter(|_| !subscriber.is_webhook())
    else {
        return;
    };
    let since = subscription.settled().map_or(0, |spot| spot.sequence);
    let of_it = |received: &&Received| received.socket == socket && received.spot.sequence > since;
    let denies_all = |received: &&Received| {
        let denied = (control_received(received) == Some(Control::Denial))
            .then(|| received.message().and_then(events_in))
            .flatten();
        denied.is_some_and(|denied| subscription.current.iter().all(|event| denied.contains(event)))
    };
    let mut all = subscriber.received.iter().filter(of_it);
    let Some(denial) = all.find(denies_all).filter(|_| !subscription.current.is_empty()) else {
        return;
    };
    if may_be_meant_for_another(conversation, subscriber, denial.spot.sequence) {
        return;
    }
    let over = denial.spot.at.saturating_add(IN_HAND);
    let place = Place::at(denial.spot.sequence);
    let name = &subscriber.name;
    let published_since = |received: &&Received| {
        let origin = conversation.origin(received);
        let publication = origin.and_then(|position| conversation.publications.get(position));
        publication.is_some_and(|publication| publication.requested.at > over)
    };
    if let Some(late) = all.find(published_since) {
        let message = format!("the hub denied the subscription of {name}, and goes on notifying it");
        let breach = Breach::new(message, vec![place.clone(), Place::at(late.spot.sequence)])
            .expecting("no notification of what is published after the denial");
        judge.broken(ids::ONLY_SUBSCRIBED, breach);
    }
    if subscriber.closed.iter().any(|closed| closed.socket == socket) {
        judge.held(ids::DENIAL_CLOSES);
    } else if conversation.until >= over {
        let message = format!("the hub denied the subscription of {name}, and left its WebSocket open");
        let breach = Breach::new(message, vec![place])
            .expecting("the end of the WebSocket")
            .observing(format!("an open WebSocket {} s later", IN_HAND.as_secs()));
        judge.broken(ids::DENIAL_CLOSES, breach);
    }
}

/// Another has unsubscribed before: a hub that sends that denial to everybody breaks another requirement.
fn may_be_meant_for_another(conversation: &Conversation, subscriber: &Subscriber, denial: usize) -> bool {
    conversation.transcript.iter().take(denial).any(|entry| {
        entry.actor != subscriber.name
            && matches!(&entry.traffic, Traffic::Request { body, .. } if body.contains("hub.mode=unsubscribe"))
    })
}

/// Judges the events of all denials that a subscriber received.
pub(super) fn judge_denials(conversation: &Conversation, subscriber: &Subscriber, judge: &mut Judge) {
    let denials = subscriber
        .received
        .iter()
        .filter(|received| control_received(received) == Some(Control::Denial));
    for denial in denials {
        // Events that are missing, or no list, are a matter of the schema.
        let Some(stated) = denial.message().and_then(events_in) else {
            continue;
        };
        let known = known_until(conversation, subscriber, denial.spot.sequence);
        if known.is_empty() {
            continue;
        }
        let odd = stated.iter().find(|event| !known.contains(event));
        let breach = odd.map(|event| {
            let name = &subscriber.name;
            let message = format!("the denial names {event}, which {name} neither asked for nor was granted");
            Breach::new(message, vec![Place::within(denial.spot.sequence, "/hub.events")])
                .expecting(format!("events among {}", join_events(&known)))
                .observing(join_events(&stated))
        });
        judge.tried(ids::DENIAL_EVENTS, breach);
    }
}

/// The events that the subscriber had asked for, in any request, or been granted.
fn known_until(conversation: &Conversation, subscriber: &Subscriber, sequence: usize) -> Vec<EventName> {
    let own = |entry: &&std::sync::Arc<crate::outcome::Entry>| {
        entry.sequence < sequence && entry.actor == subscriber.name
    };
    let mut known: Vec<EventName> = Vec::new();
    for entry in conversation.transcript.iter().filter(own) {
        let asked = match &entry.traffic {
            Traffic::Request { body, .. } => in_form(body),
            Traffic::FrameReceived { text, .. } => serde_json::from_str(text)
                .ok()
                .filter(|message| crate::hub::control_of(message) == Some(Control::Confirmation))
                .and_then(|message| events_in(&message)),
            _ => None,
        };
        known.extend(asked.into_iter().flatten());
    }
    if let Some(subscription) = subscriber.subscription() {
        known.extend(subscription.asked.iter().chain(&subscription.granted).cloned());
    }
    known
}

fn in_form(body: &str) -> Option<Vec<EventName>> {
    let mut pairs = url::form_urlencoded::parse(body.as_bytes());
    let (_, events) = pairs.find(|(name, _)| name == "hub.events")?;
    parse_events(&events).ok()
}
