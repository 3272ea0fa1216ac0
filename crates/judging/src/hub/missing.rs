//! Messages that did not come though they had to, and messages that came though they must not: what that says of the hub.

use serde_json::Value;

use super::acknowledgements::{acknowledgement_in, acknowledgements};
use super::control::mode_of;
use super::publication::{causes, event_of, is_foreign};
use super::{Breach, Conversation, MessageClass, Place, Publication, Selection, Subscriber, ids, shortened};
use crate::Received;
use crate::protocol::EventKind;
use crate::requirement::RequirementId;
use crate::schema::Unmet;

/// How many messages at the most are shown of what came instead.
const SHOWN: usize = 4;

/// Why a requirement was not seen to hold.
#[derive(Debug, Clone)]
pub enum Unheld {
    /// It could not be tried.
    Unreached(String),
    /// It has nothing to say here.
    Inapplicable(String),
    /// The hub broke it.
    Broken(Breach),
}

/// Messages that must come to a subscriber, or must not.
#[derive(Debug, Clone, Copy)]
pub struct Expected<'a> {
    /// The name of the subscriber.
    pub at: &'a str,
    /// The messages.
    pub selection: &'a Selection,
    /// The same in words.
    pub words: &'a str,
    /// The requirement that is judged by it, where one is.
    pub requirement: Option<&'a RequirementId>,
    /// What it means that it is unmet.
    pub unmet: Unmet,
}

impl Expected<'_> {
    /// That it did not come, in a sentence.
    pub fn did_not_come(&self) -> String {
        format!("{} did not receive the {} that it had to", self.at, self.words)
    }

    fn publication<'c>(&self, conversation: &'c Conversation) -> Option<&'c Publication> {
        let position = self.selection.publication?;
        conversation.publications.get(position).map(AsRef::as_ref)
    }

    /// Places where it began: the publication and the hub's answer to it.
    fn cause(&self, conversation: &Conversation) -> Vec<Place> {
        let publication = self.publication(conversation);
        publication.map(cause).unwrap_or_default()
    }

    /// It is to be a SyncError about another event.
    fn is_about(&self, publication: &Publication) -> bool {
        self.selection.class == MessageClass::SyncError && publication.event.kind() != EventKind::SyncError
    }
}

/// Places of a publication and of the hub's answer to it.
pub fn cause(publication: &Publication) -> Vec<Place> {
    vec![
        Place::at(publication.requested.sequence),
        Place::at(publication.answered.sequence),
    ]
}

/// Why no such message came.
pub fn why_missing(conversation: &Conversation, expected: &Expected<'_>) -> Unheld {
    let told = expected.did_not_come();
    let subscriber = conversation.subscribers.get(expected.at);
    let was_ended =
        subscriber.is_some_and(|subscriber| subscriber.subscriptions.was_ended_by_hub(&subscriber.closed));
    if was_ended {
        // A hub may end a subscription at any time (2.4), and owes nothing from then on.
        return Unheld::Unreached(format!("{told}: the hub had ended its subscription"));
    }
    if let Some(why) = subscriber.and_then(|subscriber| could_not_come(conversation, subscriber, expected)) {
        return Unheld::Unreached(format!("{told}: {why}"));
    }
    let publication = expected.publication(conversation);
    // Whether the hub may refuse the event is judged where it was published.
    if let Some(publication) = publication.filter(|publication| !publication.accepted) {
        return Unheld::Inapplicable(format!("{told}: the hub did not accept {}", publication.event));
    }
    if let Some(why) = nothing_went_out(conversation, expected) {
        return Unheld::Unreached(format!("{told}: {why}"));
    }
    let since = publication.map_or(0, |publication| publication.requested.sequence);
    let (observed, came) = match subscriber {
        Some(subscriber) => came_since(subscriber, since),
        None => ("nothing".to_owned(), Vec::new()),
    };
    let mut places = expected.cause(conversation);
    if let Some(publication) = publication {
        places.extend(refusals(conversation, publication));
    }
    places.extend(came);
    let breach = Breach::new(told, places)
        .expecting(format!("a {} at {}", expected.words, expected.at))
        .observing(observed);
    Unheld::Broken(breach.softened(expected.unmet))
}

/// Why an event could not be seen to come, which is judged for itself: the subscription was never confirmed, or what came is
/// no JSON.
fn could_not_come(
    conversation: &Conversation,
    subscriber: &Subscriber,
    expected: &Expected<'_>,
) -> Option<String> {
    if !expected.selection.is_of_events() {
        return None;
    }
    if subscriber.is_webhook() && subscriber.subscription().is_none() {
        return Some(format!(
            "the subscription of {} never came about",
            subscriber.name
        ));
    }
    let publication = expected.publication(conversation);
    let since = publication.map_or(0, |publication| publication.requested.sequence);
    subscriber.unreadable_since(since)
}

/// Why nothing can be said of a message that did not come: the event that it comes of reached nobody, which is judged for
/// itself.
fn nothing_went_out(conversation: &Conversation, expected: &Expected<'_>) -> Option<String> {
    let position = expected.selection.publication?;
    let publication = expected.publication(conversation)?;
    let event = &publication.event;
    let is_about_it = expected.is_about(publication);
    let requirement = expected.requirement.map(RequirementId::as_str);
    if !is_about_it && requirement.is_some_and(|id| ids::DELIVERY.contains(&id)) {
        return None;
    }
    if is_about_it && !lacks_a_success(conversation, expected.at, position) {
        return Some(format!("every subscriber that {event} reached took it"));
    }
    let mut others = conversation
        .in_topic(&publication.topic)
        .filter(|subscriber| subscriber.name != expected.at || !is_about_it);
    // Where the hub distributes other events, that this one came to nobody is telling.
    let distributes = || {
        let mut received = conversation
            .subscribers
            .values()
            .flat_map(|subscriber| &subscriber.received);
        received.any(|received| conversation.origin(received).is_some())
    };
    let went_out = others.any(|subscriber| conversation.has_reached(subscriber, position));
    if went_out || (!is_about_it && distributes()) {
        return None;
    }
    Some(match is_about_it {
        true => format!("{event} reached no other subscriber, so none could refuse it"),
        false => format!("{event} reached nobody at all"),
    })
}

/// Among the others that the event reached is one that did not answer it with success: that refused it, answered with an
/// error, or stayed silent.
fn lacks_a_success(conversation: &Conversation, name: &str, position: usize) -> bool {
    let ids = conversation.ids_of(position);
    let took = |subscriber: &Subscriber| {
        let transcript = &conversation.transcript;
        let mut answers = transcript
            .iter()
            .filter(|entry| entry.actor == subscriber.name)
            .filter_map(|entry| acknowledgement_in(entry, transcript));
        answers.any(|answer| ids.contains(&answer.id) && answer.status.is_success())
    };
    let mut reached = conversation
        .subscribers
        .values()
        .filter(|subscriber| conversation.has_reached(subscriber, position))
        .peekable();
    reached.peek().is_none() || reached.any(|subscriber| subscriber.name != name && !took(subscriber))
}

/// Places of the acknowledgements by which subscribers refused an event.
fn refusals(conversation: &Conversation, publication: &Publication) -> Vec<Place> {
    let all = acknowledgements(&conversation.transcript);
    let refusals = all.filter(|(_, answer)| answer.id == publication.id && !answer.status.is_success());
    refusals.map(|(entry, _)| Place::at(entry.sequence)).collect()
}

/// What it says that such messages came though they must not: `found` of them, the first one at `first`.
pub fn unwanted(
    conversation: &Conversation,
    expected: &Expected<'_>,
    first: &Received,
    found: usize,
) -> Unheld {
    let Expected { at, words, .. } = expected;
    if repeats_to_all(conversation, expected) {
        return Unheld::Inapplicable(
            "the hub delivers this event more than once to the other subscribers as well".to_owned(),
        );
    }
    let mut places = expected.cause(conversation);
    places.push(Place::at(first.spot.sequence));
    let breach = Breach::new(
        format!("{at} received a {words} that it must not receive"),
        places,
    )
    .expecting(format!("no {words} at {at}"))
    .observing(format!("{found} of them"));
    Unheld::Broken(breach.softened(expected.unmet))
}

/// Every other subscriber was sent this event more than once too: that it comes again says nothing of what was done to this
/// subscription.
fn repeats_to_all(conversation: &Conversation, expected: &Expected<'_>) -> bool {
    let (Some(_), Some(position)) = (expected.selection.after, expected.selection.publication) else {
        return false;
    };
    let Some(publication) = conversation.publications.get(position) else {
        return false;
    };
    let copies = |subscriber: &Subscriber| {
        let received = subscriber.received.iter();
        received
            .filter(|received| conversation.origin(received) == Some(position))
            .count()
    };
    let counts: Vec<usize> = conversation
        .in_topic(&publication.topic)
        .filter(|subscriber| subscriber.name != expected.at)
        .map(copies)
        .filter(|count| *count > 0)
        .collect();
    !counts.is_empty() && counts.iter().all(|count| *count > 1)
}

/// The first of these SyncErrors that names no event which was published, where one is expected about the last event before
/// it: it is meant to be the one, with a wrong id. The breach says so.
pub fn nameless_sync_error<'r>(
    conversation: &Conversation,
    expected: &Expected<'_>,
    candidates: &'r [Received],
) -> Option<(&'r Received, Breach)> {
    let position = expected.selection.publication?;
    let publication = expected.publication(conversation)?;
    if !expected.is_about(publication) {
        return None;
    }
    let known: Vec<String> = (0..conversation.publications.len())
        .flat_map(|position| conversation.ids_of(position))
        .collect();
    let subscriber = conversation.subscribers.get(expected.at)?;
    let found = candidates.iter().find(|received| {
        let message = received.json.as_deref().unwrap_or(&Value::Null);
        conversation.last_event_before(received) == Some(position)
            && conversation.origin(received).is_none()
            && !is_foreign(message, &subscriber.topic)
            && causes(message)
                .iter()
                .all(|cause| !known.contains(&cause.event_id))
    })?;
    let mut places = cause(publication);
    places.push(Place::at(found.spot.sequence));
    let named = causes(found.json.as_deref().unwrap_or(&Value::Null)).into_iter();
    let named: Vec<String> = named.map(|cause| cause.event_id).collect();
    let breach = Breach::new("the SyncError names no event that was published", places)
        .expecting(&publication.id)
        .observing(named.join(", "));
    Some((found, breach))
}

/// The breach of a hub that did not close the WebSocket of a subscriber.
pub fn not_closed(subscriber: &Subscriber) -> Breach {
    let (observed, places) = summary(subscriber, &subscriber.received.iter().collect::<Vec<_>>());
    let message = format!("the hub did not close the WebSocket of {}", subscriber.name);
    Breach::new(message, places)
        .expecting("a closed WebSocket")
        .observing(format!("an open WebSocket; last: {observed}"))
}

/// What a subscriber received after this position, in words, and where.
fn came_since(subscriber: &Subscriber, sequence: usize) -> (String, Vec<Place>) {
    let came: Vec<&Received> = subscriber
        .received
        .iter()
        .filter(|received| received.spot.sequence > sequence)
        .collect();
    summary(subscriber, &came)
}

fn summary(subscriber: &Subscriber, came: &[&Received]) -> (String, Vec<Place>) {
    let last = &came[came.len().saturating_sub(SHOWN)..];
    let mut parts: Vec<String> = last.iter().map(|received| in_words(received)).collect();
    if let Some(closed) = subscriber.closed.last().filter(|closed| closed.by_hub) {
        let code = closed
            .code
            .map_or("no code".to_owned(), |code| format!("code {code}"));
        parts.push(format!("the WebSocket was closed ({code})"));
    }
    let observed = if parts.is_empty() {
        "nothing".to_owned()
    } else {
        parts.join("; ")
    };
    let places = last.iter().map(|received| Place::at(received.spot.sequence));
    (shortened(&observed), places.collect())
}

/// A message in a few words.
fn in_words(received: &Received) -> String {
    let Some(message) = received.json.as_deref() else {
        return "a frame that is not JSON".to_owned();
    };
    if let Some(mode) = mode_of(message) {
        return format!("a control message with hub.mode '{mode}'");
    }
    match event_of(received) {
        Some(event) => format!("{event} with id {}", message.get("id").unwrap_or(&Value::Null)),
        None => "a message of no known kind".to_owned(),
    }
}
