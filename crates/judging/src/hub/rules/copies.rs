//! Copies of a published event: the id, the time and the context are those of the publication.

use serde_json::Value;

use super::events::ReceivedEvent;
use crate::hub::publication::context_of;
use crate::hub::sameness::{is_same_time, lost};
use crate::hub::{Breach, Judge, Place, Publication, ids};
use crate::protocol::Timestamp;

/// Judges a copy of a publication against the publication.
pub(super) fn judge_copy(copy: &ReceivedEvent<'_>, publication: &Publication, judge: &mut Judge) {
    let places = |pointer: &str| {
        vec![
            Place::within(publication.requested.sequence, pointer),
            Place::within(copy.sequence(), pointer),
        ]
    };
    if copy.is_live(publication) {
        let id = copy.received.id();
        let breach = (id != Some(publication.id.as_str())).then(|| {
            let message = "the hub broadcast the event under another id than that of the request";
            Breach {
                observed: id.map(str::to_owned),
                ..Breach::new(message, places("/id")).expecting(&publication.id)
            }
        });
        judge.tried(ids::ID_REUSED, breach);
    }
    let stated = copy.message().get("timestamp").and_then(Value::as_str);
    let parsed = stated.and_then(|text| text.parse::<Timestamp>().ok());
    if let (Some(time), Ok(published)) = (parsed, publication.timestamp.parse::<Timestamp>()) {
        let breach = (!is_same_time(&time, &published)).then(|| {
            let message = "the notification's timestamp is not the time at which the event occurred";
            Breach::new(message, places("/timestamp"))
                .expecting(&publication.timestamp)
                .observing(stated.unwrap_or_default())
        });
        judge.tried(ids::TIMESTAMP, breach);
    }
    let loss = lost(&publication.context, context_of(copy.message()), "/event/context");
    let breach = loss.map(|(pointer, what)| {
        let message = format!("the hub passed on the event with its context altered: {pointer} {what}");
        Breach::new(message, places(&pointer))
            .expecting(format!("the context that was published, {pointer} included"))
            .observing(what)
    });
    judge.tried(ids::CONTEXT_UNALTERED, breach);
}
