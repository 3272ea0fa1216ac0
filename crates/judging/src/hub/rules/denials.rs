//! Denials: they name events of the subscription that they end.

use crate::hub::control::control_received;
use crate::hub::subscription::events_in;
use crate::hub::{Breach, Control, Conversation, Judge, Place, Subscriber, ids};
use crate::outcome::Traffic;
use crate::protocol::{EventName, join_events, parse_events};

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
