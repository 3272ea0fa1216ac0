//! Single notifications: of the topic and the events that were subscribed to, and as they were published.

use serde_json::Value;

use super::copies::{judge_copy, judge_single_patient};
use super::events::ReceivedEvent;
use super::members::{judge_extensions, judge_name};
use super::topics::judge_topic;
use crate::hub::base_fhir::authored_sync_error;
use crate::hub::{Breach, Conversation, Judge, Place, Publication, ids};
use crate::protocol::{Version, join_events};

/// Judges one notification.
pub(super) fn judge_notification(conversation: &Conversation, event: &ReceivedEvent<'_>, judge: &mut Judge) {
    let origin = event
        .publication
        .and_then(|position| conversation.publications.get(position));
    match origin {
        Some(publication) if publication.topic != event.topic => {
            judge.broken(ids::TOPIC_ISOLATED, leak(event, publication));
            return;
        }
        _ => judge_topic(
            ids::TOPIC_ISOLATED,
            event.message(),
            "/event/hub.topic",
            event.topic,
            event.received.spot,
            judge,
        ),
    }
    judge_event(event, judge);
    judge_single_patient(event, origin.map(AsRef::as_ref), judge);
    if conversation.version == Version::Stu3 {
        let text = origin.and_then(|publication| conversation.text_of(publication));
        judge_extensions(event, text, judge);
    }
    match origin {
        Some(publication) => judge_copy(conversation, event, publication, judge),
        None if event.is_sync_error() => {
            // Only of what the hub made itself is the hub the author.
            let content = event.message().get("event").unwrap_or(&Value::Null);
            judge.event_of_hub(event.event.as_str(), content, event.received.spot);
            judge.authored(authored_sync_error(event.message()));
        }
        None => judge_name(conversation, event, judge),
    }
}

fn leak(event: &ReceivedEvent<'_>, publication: &Publication) -> Breach {
    let message = format!(
        "{} received an event that was published in another topic",
        event.subscriber
    );
    let places = vec![
        Place::at(publication.requested.sequence),
        Place::at(event.sequence()),
    ];
    Breach::new(message, places)
        .expecting(format!("only events of topic {}", event.topic))
        .observing(format!("an event of topic {}", publication.topic))
}

/// The event is one that the subscription was granted.
fn judge_event(event: &ReceivedEvent<'_>, judge: &mut Judge) {
    let Some(subscription) = event.subscription else {
        return;
    };
    let Some(confirmed) = subscription.confirmed else {
        return;
    };
    let breach = (!subscription.granted.contains(&event.event)).then(|| {
        let message = format!(
            "{} received {}, to which it is not subscribed",
            event.subscriber, event.event
        );
        let places = vec![
            Place::at(confirmed.sequence),
            Place::within(event.sequence(), "/event/hub.event"),
        ];
        Breach::new(message, places)
            .expecting(format!("only {}", join_events(&subscription.granted)))
            .observing(event.event.to_string())
    });
    judge.tried(ids::ONLY_SUBSCRIBED, breach);
}
