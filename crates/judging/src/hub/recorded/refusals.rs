//! Whether the others were told of subscribers that did not take an event (2.5 Event Notification Response and Errors).

use std::collections::BTreeMap;
use std::time::Duration;

use super::owed::is_granted;
use super::{ACKNOWLEDGEMENT, RESPONSE};
use crate::hub::acknowledgements::acknowledgements;
use crate::hub::publication::causes;
use crate::hub::{Breach, Conversation, Judge, Place, Publication, Subscriber};
use crate::outcome::Traffic;
use crate::protocol::{Action, EventName};
use crate::schema::Unmet;

/// A subscriber did not take an event.
struct Refusal {
    by: String,
    /// Where its answer stands in the log.
    sequence: usize,
    at_ms: f64,
    code: u16,
    /// How the status was written; the status of an HTTP answer leaves no choice.
    spelling: Option<Spelling>,
}

/// The specification writes statuses in two ways, and a hub may understand one of them only (ambiguities).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Spelling {
    Number,
    Text,
}

/// Somebody was owed a SyncError about a publication.
struct Owed {
    to: String,
    publication: usize,
    told: bool,
}

/// Judges what came of every refusal that somebody had to be told of; `last` is when the recording ended.
pub(super) fn judge_refusals(conversation: &Conversation, last: Duration, judge: &mut Judge) {
    let refusals = refusals(conversation);
    let owed = owed_for(conversation, &refusals, last);
    let spellings = |told: bool| {
        let of = |owed: &&Owed| owed.told == told;
        let refused = owed
            .iter()
            .filter(of)
            .flat_map(|owed| &refusals[&owed.publication]);
        refused.filter_map(|refusal| refusal.spelling).collect::<Vec<_>>()
    };
    let (understood, missed) = (spellings(true), spellings(false));
    let both = [Spelling::Number, Spelling::Text]
        .iter()
        .all(|spelling| missed.contains(spelling));
    for owed in &owed {
        let publication = &conversation.publications[owed.publication];
        for refusal in refusals[&owed.publication]
            .iter()
            .filter(|refusal| refusal.by != owed.to)
        {
            let requirement = requirement(refusal.code);
            if owed.told {
                judge.held(requirement);
                continue;
            }
            let may_be_unread = refusal
                .spelling
                .is_some_and(|spelling| !understood.contains(&spelling) && !both);
            let doubt = match refusal.spelling.filter(|_| may_be_unread) {
                Some(Spelling::Number) => "; nothing here shows that the hub reads a status that is a number",
                Some(Spelling::Text) => "; nothing here shows that the hub reads a status that is a string",
                None => "",
            };
            let (event, id, to) = (&publication.event, &publication.id, &owed.to);
            let message = format!(
                "{} answered {event} '{id}' with {}, and {to} was not told of it{doubt}",
                refusal.by, refusal.code
            );
            let places = vec![
                Place::at(publication.requested.sequence),
                Place::at(refusal.sequence),
            ];
            let breach = Breach::new(message, places)
                .expecting(format!("a SyncError about '{id}' at {to}"))
                .observing("none")
                .softened(match may_be_unread {
                    true => Unmet::Warn,
                    false => Unmet::ByLevel,
                });
            judge.broken(requirement, breach);
        }
    }
}

/// The refusals of each publication that was to be broadcast.
fn refusals(conversation: &Conversation) -> BTreeMap<usize, Vec<Refusal>> {
    let patience = (ACKNOWLEDGEMENT / 2).as_secs_f64() * 1_000.0;
    let transcript = &conversation.transcript;
    let mut refusals: BTreeMap<usize, Vec<Refusal>> = BTreeMap::new();
    for (entry, answer) in acknowledgements(transcript) {
        if answer.status.code < 400 {
            continue;
        }
        let Some(subscriber) = conversation.subscribers.get(&entry.actor) else {
            continue;
        };
        let is_it = |publication: &Publication| {
            publication.accepted
                && publication.id == answer.id
                && publication.topic == subscriber.topic
                && owes_sync_error(&publication.event)
        };
        let publications = &conversation.publications;
        let Some(position) = publications.iter().position(|publication| is_it(publication)) else {
            continue;
        };
        // An answer that comes too late is none, and one to what never came means nothing.
        let in_time = subscriber.received.iter().any(|received| {
            let sent = transcript
                .get(received.spot.sequence)
                .map_or(f64::MAX, |entry| entry.at_ms);
            received.id() == Some(answer.id.as_str()) && (0.0..=patience).contains(&(entry.at_ms - sent))
        });
        if in_time {
            refusals.entry(position).or_default().push(Refusal {
                by: entry.actor.clone(),
                sequence: entry.sequence,
                at_ms: entry.at_ms,
                code: answer.status.code,
                spelling: match (&entry.traffic, answer.status.as_text) {
                    (Traffic::CallbackResponse { .. }, _) => None,
                    (_, true) => Some(Spelling::Text),
                    (_, false) => Some(Spelling::Number),
                },
            });
        }
    }
    refusals
}

/// Who had to be told: other subscribers to SyncErrors, whose subscriptions were there before the event and went on for as
/// long as a hub may take.
fn owed_for(
    conversation: &Conversation,
    refusals: &BTreeMap<usize, Vec<Refusal>>,
    last: Duration,
) -> Vec<Owed> {
    let Ok(sync_error) = "SyncError".parse::<EventName>() else {
        return Vec::new();
    };
    let at_ms = |sequence: usize| Some(conversation.transcript.get(sequence)?.at_ms);
    let last = last.as_secs_f64() * 1_000.0;
    let patience = RESPONSE.as_secs_f64() * 1_000.0;
    let mut owed = Vec::new();
    for (position, refused) in refusals {
        let publication = &conversation.publications[*position];
        for subscriber in conversation.in_topic(&publication.topic) {
            let others = refused.iter().filter(|refusal| refusal.by != subscriber.name);
            let Some(latest) = others.map(|refusal| refusal.at_ms).reduce(f64::max) else {
                continue;
            };
            let Some(subscription) = subscriber.subscription() else {
                continue;
            };
            let ended = subscription
                .ended
                .into_iter()
                .chain(subscriber.closed.iter().map(|closed| closed.spot));
            let ended = ended.filter_map(|spot| at_ms(spot.sequence));
            let leased = subscription
                .confirmed
                .and_then(|spot| Some(at_ms(spot.sequence)? + subscription.lease? * 1_000.0));
            let end = ended.chain(leased).fold(last, f64::min);
            let told = is_told(subscriber, publication);
            if is_granted(subscription, publication, &sync_error) && (told || end >= latest + patience) {
                owed.push(Owed {
                    to: subscriber.name.clone(),
                    publication: *position,
                    told,
                });
            }
        }
    }
    owed
}

/// Updates and selections are exempt (3.2.1), and a SyncError about a SyncError would go in circles.
fn owes_sync_error(event: &EventName) -> bool {
    matches!(event.resource(), Some((_, Action::Open | Action::Close)))
}

/// A SyncError about it came, or one of which nobody can tell what it is about.
fn is_told(subscriber: &Subscriber, publication: &Publication) -> bool {
    subscriber.received.iter().any(|received| {
        let Some(message) = received.message() else {
            return false;
        };
        let event = message
            .pointer("/event/hub.event")
            .and_then(|event| event.as_str());
        if !event.is_some_and(|event| event.eq_ignore_ascii_case("SyncError")) {
            return false;
        }
        let causes = causes(message);
        causes.is_empty() || causes.iter().any(|cause| cause.event_id == publication.id)
    })
}

fn requirement(code: u16) -> &'static str {
    match code {
        409 => "syncerror.on-conflict",
        500 => "syncerror.on-server-error",
        501.. => "syncerror.on-other-server-error",
        _ => "syncerror.on-client-error",
    }
}
