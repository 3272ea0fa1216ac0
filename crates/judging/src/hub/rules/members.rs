//! The members of an event outside its context: its name, and what its publisher added of its own.

use serde_json::Value;

use super::events::ReceivedEvent;
use crate::hub::sameness::equal;
use crate::hub::{Breach, Conversation, Judge, Place, Publication, ids, shortened};
use crate::protocol::{Action, EventName, Version};
use crate::schema::Unmet;

/// The members of a message that rules of their own judge.
const OF_MESSAGE: [&str; 3] = ["timestamp", "id", "event"];

/// The members of an event that rules of their own judge, and the versions of the context, which the hub assigns (2.10).
const OF_EVENT: [&str; 7] = [
    "hub.topic",
    "hub.event",
    "context",
    "versionId",
    "priorVersionId",
    "context.versionId",
    "context.priorVersionId",
];

/// The members of a message that are the publisher's own, with their pointers.
pub(super) fn own_members(message: &Value) -> Vec<(String, &Value)> {
    let event = message.get("event");
    let of_message = own(Some(message), "", &OF_MESSAGE);
    of_message.chain(own(event, "/event", &OF_EVENT)).collect()
}

fn own<'m>(
    object: Option<&'m Value>,
    prefix: &'m str,
    judged: &'m [&str],
) -> impl Iterator<Item = (String, &'m Value)> {
    let members = object.and_then(Value::as_object).into_iter().flatten();
    members
        .filter(move |(name, _)| !judged.contains(&name.as_str()))
        .map(move |(name, value)| (format!("{prefix}/{}", escaped(name)), value))
}

fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

/// Judges the members outside the context of a copy; `text` is the request that it was published by. Whatever a hub adds is
/// lawful; what it does not know it need not keep, but must not change.
pub(super) fn judge_members_of(
    copy: &ReceivedEvent<'_>,
    publication: &Publication,
    text: Option<&str>,
    judge: &mut Judge,
) {
    let published: Value = text
        .and_then(|text| serde_json::from_str(text).ok())
        .unwrap_or_default();
    let copied = copy.message();
    let mut breach: Option<Breach> = None;
    for (pointer, value) in own_members(&published) {
        let (what, unmet) = match copied.pointer(&pointer) {
            Some(copied) if equal(value, copied) => continue,
            Some(_) => ("has another value", Unmet::ByLevel),
            None => ("is missing", Unmet::Warn),
        };
        if breach
            .as_ref()
            .is_some_and(|breach| breach.unmet == Unmet::ByLevel || unmet == Unmet::Warn)
        {
            continue;
        }
        let places = vec![
            Place::within(publication.requested.sequence, &pointer),
            Place::within(copy.sequence(), &pointer),
        ];
        let observed = copied.pointer(&pointer);
        let told = Breach::new(
            format!("the hub passed on the event altered: {pointer} {what}"),
            places,
        )
        .expecting(shortened(&value.to_string()))
        .observing(observed.map_or_else(|| what.to_owned(), |value| shortened(&value.to_string())))
        .softened(unmet);
        breach = Some(told);
    }
    judge.tried(ids::MEMBERS_UNALTERED, breach);
}

/// What the hub adds as an extension is an object: a member of the message or the event, or the value of an entry (2.8). In STU2
/// the schema of notifications says so.
pub(super) fn judge_extensions(event: &ReceivedEvent<'_>, publication: Option<&str>, judge: &mut Judge) {
    let published: Value = publication
        .and_then(|text| serde_json::from_str(text).ok())
        .unwrap_or_default();
    let message = event.message();
    let mut places = vec!["/extension".to_owned(), "/event/extension".to_owned()];
    let entries = message.pointer("/event/context").and_then(Value::as_array);
    for (at, entry) in entries.into_iter().flatten().enumerate() {
        let values = entry.as_object().into_iter().flatten();
        let values = values.filter(|(name, _)| *name != "key");
        if entry.get("key").and_then(Value::as_str) == Some("extension") {
            places.extend(values.map(|(name, _)| format!("/event/context/{at}/{}", escaped(name))));
        }
    }
    for place in places {
        let Some(value) = message.pointer(&place) else {
            continue;
        };
        // What was published so is its publisher's fault.
        if published
            .pointer(&place)
            .is_some_and(|published| equal(published, value))
        {
            continue;
        }
        let breach = (!value.is_object()).then(|| {
            let at = vec![Place::within(event.sequence(), &place)];
            Breach::new(
                format!("the hub added an extension that is no object: {place}"),
                at,
            )
            .expecting("a JSON object")
            .observing(shortened(&value.to_string()))
        });
        judge.tried(ids::EXTENSION_OBJECT, breach);
    }
}

/// A notification that has the id of a publication and names another event than that did. Derived events may share the id of
/// their original (ambiguities, 28).
pub(super) fn judge_name(conversation: &Conversation, event: &ReceivedEvent<'_>, judge: &mut Judge) {
    let (Some(id), false) = (event.received.id(), event.is_sync_error()) else {
        return;
    };
    let before = |publication: &Publication| {
        publication.topic == event.topic && publication.requested.sequence < event.sequence()
    };
    let mut named = conversation.publications.iter();
    let Some(publication) = named.rfind(|publication| publication.id == id && before(publication)) else {
        return;
    };
    if publication.event == event.event || may_derive(conversation.version, &publication.event, &event.event)
    {
        return;
    }
    let message = format!(
        "the hub passed on {} as {}, which is another event",
        publication.event, event.event
    );
    let places = vec![
        Place::within(publication.requested.sequence, "/event/hub.event"),
        Place::within(event.sequence(), "/event/hub.event"),
    ];
    let breach = Breach::new(message, places)
        .expecting(publication.event.as_str())
        .observing(event.event.as_str());
    judge.broken(ids::MEMBERS_UNALTERED, breach);
}

fn may_derive(version: Version, from: &EventName, derived: &EventName) -> bool {
    version == Version::Stu3 && from.is(Action::Open) && derived.is(Action::Open)
}
