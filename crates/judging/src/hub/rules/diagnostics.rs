//! What the diagnostics of the hub's SyncErrors say: a refusal is told as one, and silence as silence.

use std::time::Duration;

use super::events::ReceivedEvent;
use crate::hub::acknowledgements::acknowledgements;
use crate::hub::publication::causes;
use crate::hub::{Breach, Conversation, Judge, Place, ids};
use crate::protocol::SyncErrorCause;
use crate::schema::Unmet;

/// Words of a message that was not answered, or did not arrive.
const OF_SILENCE: [&str; 17] = [
    "timed out",
    "timeout",
    "time-out",
    "no answer",
    "no response",
    "no acknowledg",
    "not answer",
    "not respond",
    "not acknowledg",
    "n't answer",
    "n't respond",
    "n't acknowledg",
    "unresponsive",
    "undeliverable",
    "unreachable",
    "not deliver",
    "failed to deliver",
];

/// Words of an event that was refused.
const OF_REFUSAL: [&str; 3] = ["refus", "reject", "declin"];

/// How soon an answer comes that no hub takes for silence.
const AT_ONCE: Duration = Duration::from_secs(1);

/// What became of an event at its receivers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Became {
    /// Everybody has answered at once, somebody with a refusal, and nobody with a failure.
    Refused,
    /// Nobody has refused it, and somebody has not answered.
    Unanswered,
}

/// Judges the diagnostics of every SyncError that the hub made about an event of which the outcome is certain (ambiguities, 88).
/// Words that are not known here say nothing.
pub(super) fn judge_diagnostics(
    conversation: &Conversation,
    events: &[ReceivedEvent<'_>],
    judge: &mut Judge,
) {
    if !conversation.everyone_seen {
        return;
    }
    for sync_error in events.iter().filter(|event| event.is_sync_error_of_hub()) {
        for cause in causes(sync_error.message()) {
            let Some(became) = became(conversation, events, sync_error, &cause) else {
                continue;
            };
            let Some(expected) = contradicted(became, &cause.diagnostics) else {
                continue;
            };
            let message = match became {
                Became::Refused => "the SyncError tells of a refusal as if the event had not been answered",
                Became::Unanswered => {
                    "the SyncError tells of a refusal, and nobody has refused the event: it was not answered"
                }
            };
            let pointer = "/event/context/0/resource/issue/0/diagnostics";
            let breach = Breach::new(message, vec![Place::within(sync_error.sequence(), pointer)])
                .expecting(expected)
                .observing(cause.diagnostics)
                .softened(Unmet::Warn);
            judge.broken(ids::DIAGNOSTICS, breach);
        }
    }
}

fn became(
    conversation: &Conversation,
    events: &[ReceivedEvent<'_>],
    sync_error: &ReceivedEvent<'_>,
    cause: &SyncErrorCause,
) -> Option<Became> {
    // Whoever left may be meant.
    let mut present = conversation.in_topic(sync_error.topic);
    if present.any(|subscriber| !subscriber.closed.is_empty()) {
        return None;
    }
    let receivers: Vec<_> = events
        .iter()
        .filter(|event| event.received.id() == Some(&cause.event_id))
        .collect();
    let answers: Vec<_> = acknowledgements(&conversation.transcript)
        .filter(|(_, answer)| answer.id == cause.event_id)
        .collect();
    let answer_of =
        |event: &ReceivedEvent<'_>| answers.iter().find(|(entry, _)| entry.actor == event.subscriber);
    let at_once = |event: &&ReceivedEvent<'_>| {
        let latest = event.received.spot.at.saturating_add(AT_ONCE).as_secs_f64() * 1_000.0;
        answer_of(event).is_some_and(|(entry, _)| entry.at_ms <= latest)
    };
    let is_refused = answers.iter().any(|(_, answer)| answer.status.is_refusal());
    // A failure of a callback may well be told as one to deliver.
    let has_failed = answers
        .iter()
        .any(|(_, answer)| !answer.status.is_success() && !answer.status.is_refusal());
    match (is_refused, has_failed) {
        (true, false) if receivers.iter().all(at_once) => Some(Became::Refused),
        (false, false) if receivers.iter().any(|event| answer_of(event).is_none()) => {
            Some(Became::Unanswered)
        }
        _ => None,
    }
}

/// What these words should have said, where they say the contrary.
fn contradicted(became: Became, diagnostics: &str) -> Option<&'static str> {
    let words = diagnostics.to_lowercase();
    let says = |known: &[&str]| known.iter().any(|known| words.contains(known));
    let of_refusal = says(&OF_REFUSAL) || words.contains("status") || words.contains("conflict");
    match became {
        Became::Refused if says(&OF_SILENCE) && !of_refusal => Some("that the event was refused"),
        // A connection may be refused too.
        Became::Unanswered if says(&OF_REFUSAL) && !says(&OF_SILENCE) && !words.contains("connect") => {
            Some("that the event was not answered")
        }
        _ => None,
    }
}
