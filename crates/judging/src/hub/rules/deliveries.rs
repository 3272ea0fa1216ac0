//! Deliveries: whoever is owed an event gets it, and gets it once.

use super::events::ReceivedEvent;
use super::owed::Owed;
use crate::hub::publication::causes;
use crate::hub::{Breach, Conversation, Judge, Place, Publication, ids};
use crate::protocol::Action;
use crate::schema::Unmet;

/// Judges whom the hub tells of what it accepted and did not broadcast: the requester alone (2.6).
pub(super) fn judge_late_refusals(
    conversation: &Conversation,
    events: &[ReceivedEvent<'_>],
    judge: &mut Judge,
) {
    for (position, publication) in conversation.publications.iter().enumerate() {
        let Some(by) = publication.by.as_ref().filter(|_| publication.accepted) else {
            continue;
        };
        if events.iter().any(|event| event.publication == Some(position)) {
            continue;
        }
        let is_about_it = |event: &&ReceivedEvent<'_>| {
            event.is_sync_error()
                && event.topic == publication.topic
                && event.publication.is_none()
                && causes(event.message())
                    .iter()
                    .any(|cause| cause.event_id == publication.id)
        };
        let told: Vec<_> = events.iter().filter(is_about_it).collect();
        let breach = told.iter().find(|event| event.subscriber != by).map(|event| {
            let message = format!(
                "{} was told that the hub does not broadcast an event of {by}, which is nobody else's business",
                event.subscriber
            );
            let places = vec![
                Place::at(publication.requested.sequence),
                Place::at(publication.answered.sequence),
                Place::at(event.sequence()),
            ];
            Breach::new(message, places)
                .expecting(format!("a SyncError to {by} alone"))
                .observing(format!("one to {}", event.subscriber))
        });
        if !told.is_empty() {
            judge.tried(ids::LATE_REJECTION, breach);
        }
    }
}

/// Judges what became of everything that was owed.
pub(super) fn judge_deliveries(
    conversation: &Conversation,
    events: &[ReceivedEvent<'_>],
    owed: &[Owed],
    judge: &mut Judge,
) {
    for Owed {
        publication: position,
        to,
    } in owed
    {
        let Some(publication) = conversation.publications.get(*position) else {
            continue;
        };
        if !publication.proper {
            continue;
        }
        let is_publisher = publication.by.as_ref() == Some(to);
        let requirement = match is_publisher {
            true => ids::BROADCAST_TO_REQUESTER,
            false => ids::DELIVERED,
        };
        let copies: Vec<&ReceivedEvent<'_>> = events
            .iter()
            .filter(|event| event.subscriber == to && event.publication == Some(*position))
            .collect();
        let Some(first) = copies.first() else {
            if was_refused_later(publication, events, *position) {
                let reading = "the hub accepts an event first and refuses it later by a SyncError";
                judge.reading("late-refusal", reading);
            } else {
                judge.broken(requirement, not_delivered(publication, to, is_publisher));
            }
            continue;
        };
        judge.held(requirement);
        let anew = first
            .subscription
            .is_some_and(|subscription| !subscription.replaced.is_empty());
        // A hub may send an event again after a SyncError (4.2.1).
        let may_repeat = !conversation.is_exact(&publication.topic);
        let live: Vec<&ReceivedEvent<'_>> = copies
            .into_iter()
            .filter(|copy| copy.is_live(publication))
            .collect();
        if !anew && !may_repeat && !live.is_empty() {
            judge.tried(ids::ONCE, (live.len() > 1).then(|| repeated(to, &live)));
        }
    }
}

fn not_delivered(publication: &Publication, to: &str, is_publisher: bool) -> Breach {
    let who = match is_publisher {
        true => format!("{to}, which published it,"),
        false => to.to_owned(),
    };
    let event = &publication.event;
    let places = vec![
        Place::at(publication.requested.sequence),
        Place::at(publication.answered.sequence),
    ];
    Breach::new(
        format!("{who} did not receive {event}, to which it is subscribed"),
        places,
    )
    .expecting(format!("a notification of {event} with id {}", publication.id))
    .observing("none")
    // Whether a select must be passed on is left open (ambiguities, 67).
    .softened(match event.is(Action::Select) {
        true => Unmet::Warn,
        false => Unmet::ByLevel,
    })
}

fn repeated(to: &str, live: &[&ReceivedEvent<'_>]) -> Breach {
    let places = live.iter().map(|copy| Place::at(copy.sequence())).collect();
    Breach::new(format!("{to} received one event {} times", live.len()), places)
        .expecting("one notification")
        .observing(format!("{} notifications", live.len()))
}

/// The hub accepted the event and then told the requester by a SyncError that it is not broadcast (2.6).
fn was_refused_later(publication: &Publication, events: &[ReceivedEvent<'_>], position: usize) -> bool {
    let nobody = events.iter().all(|event| event.publication != Some(position));
    let told = events.iter().any(|event| {
        let to_publisher = publication.by.as_ref().is_none_or(|by| event.subscriber == by);
        let about_it = || {
            let causes = causes(event.message());
            causes.iter().any(|cause| cause.event_id == publication.id)
        };
        to_publisher && event.is_sync_error() && about_it()
    });
    nobody && told
}
