//! One notification for all: what the subscribers of a topic are told of one event is the same.

use std::collections::BTreeMap;

use serde_json::Value;

use super::events::ReceivedEvent;
use super::members::own_members;
use crate::hub::difference::{Change, differences, pointer};
use crate::hub::publication::{context_of, version_of};
use crate::hub::sameness::equal;
use crate::hub::{Breach, Conversation, Judge, Place, Publication, ids, shortened};
use crate::schema::Unmet;

/// Judges the first copies that the subscribers of a topic got of each event against one another. Ids and timestamps are
/// judged for themselves, and the letter case of the event's name is free.
pub(super) fn judge_alike(conversation: &Conversation, events: &[ReceivedEvent<'_>], judge: &mut Judge) {
    let mut by_publication: BTreeMap<usize, Vec<&ReceivedEvent<'_>>> = BTreeMap::new();
    for event in events {
        let Some(position) = event.publication else {
            continue;
        };
        let publication = &conversation.publications[position];
        if !is_of_broadcast(conversation, event, publication) {
            continue;
        }
        let copies = by_publication.entry(position).or_default();
        if copies.iter().all(|known| known.subscriber != event.subscriber) {
            copies.push(event);
        }
    }
    for copies in by_publication.values() {
        if let [first, others @ ..] = copies.as_slice() {
            // Events that are alike can be taken for one another where their copies do not have its id.
            let same_id = |other: &&&ReceivedEvent<'_>| {
                first.received.id().is_some() && first.received.id() == other.received.id()
            };
            for other in others.iter().filter(same_id) {
                judge.tried(ids::SAME_FOR_ALL, told_otherwise(first, other));
            }
        }
    }
}

/// The copy is that of the broadcast: what a hub sends again, or to who subscribed anew, may have what was updated since.
fn is_of_broadcast(
    conversation: &Conversation,
    event: &ReceivedEvent<'_>,
    publication: &Publication,
) -> bool {
    let anew = event.subscription.is_some_and(|subscription| {
        let mut replaced = subscription.replaced.iter();
        replaced.any(|spot| spot.sequence > publication.requested.sequence)
    });
    publication.topic == event.topic
        && event.is_live(publication)
        && !anew
        && conversation.is_exact(&publication.topic)
}

/// What one subscriber was told otherwise than another: first what contradicts, then what one of them was not told.
fn told_otherwise(one: &ReceivedEvent<'_>, other: &ReceivedEvent<'_>) -> Option<Breach> {
    let mut found: Vec<(String, String, Unmet)> = Vec::new();
    let mut note = |here: String, there: String, contradicts: bool| {
        found.push((
            here,
            there,
            if contradicts { Unmet::ByLevel } else { Unmet::Warn },
        ));
    };
    let (one_message, other_message) = (one.message(), other.message());
    for difference in differences(context_of(one_message), context_of(other_message)) {
        let entry = difference
            .path
            .first()
            .and_then(|entry| entry.parse::<usize>().ok());
        let entry = entry.and_then(|entry| context_of(one_message).get(entry));
        let is_extension = entry.is_some_and(|entry| entry.get("key") == Some(&Value::from("extension")));
        note(
            format!("/event/context{}", pointer(&difference.path)),
            format!("/event/context{}", pointer(&difference.in_copy)),
            difference.change == Change::Other && !is_extension,
        );
    }
    if let (Some(version), Some(differing)) = (version_of(one_message), version_of(other_message))
        && version != differing
    {
        let at = |message: &Value| match message.pointer("/event/context.versionId") {
            Some(_) => "/event/context.versionId".to_owned(),
            None => "/event/versionId".to_owned(),
        };
        note(at(one_message), at(other_message), true);
    }
    let copied: BTreeMap<String, &Value> = own_members(other_message).into_iter().collect();
    for (pointer, value) in own_members(one_message) {
        match copied.get(&pointer) {
            Some(copied) if equal(value, copied) => {}
            told => note(
                pointer.clone(),
                pointer.clone(),
                told.is_some() && !pointer.ends_with("/extension"),
            ),
        }
    }
    let worst = found.iter().find(|(_, _, unmet)| *unmet == Unmet::ByLevel);
    let (here, there, unmet) = worst.or(found.first())?;
    let told = |message: &Value, pointer: &str| {
        message
            .pointer(pointer)
            .map_or_else(|| "nothing".to_owned(), |value| shortened(&value.to_string()))
    };
    let message = format!(
        "{} was told otherwise of one event than {}: {here}",
        other.subscriber, one.subscriber
    );
    let places = vec![
        Place::within(one.sequence(), here),
        Place::within(other.sequence(), there),
    ];
    let breach = Breach::new(message, places)
        .expecting(format!(
            "what {} was told: {}",
            one.subscriber,
            told(one_message, here)
        ))
        .observing(told(other_message, there))
        .softened(*unmet);
    Some(breach)
}
