//! Copies of a published event: the id, the time, the context and the other members are those of the publication.

use serde_json::Value;

use super::events::ReceivedEvent;
use super::members::judge_members_of;
use crate::hub::difference::{Change, Difference, differences, pointer};
use crate::hub::latitude::{Passed, Taken};
use crate::hub::numerals::respelled;
use crate::hub::publication::context_of;
use crate::hub::sameness::{is_same_time, lost};
use crate::hub::{Breach, Conversation, Judge, Place, Publication, ids, shortened};
use crate::protocol::{Action, Timestamp};
use crate::requirement::Capability;
use crate::schema::Unmet;

/// Judges a copy of a publication against the publication.
pub(super) fn judge_copy(
    conversation: &Conversation,
    copy: &ReceivedEvent<'_>,
    publication: &Publication,
    judge: &mut Judge,
) {
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
    let text = conversation.text_of(publication);
    judge_context(conversation, copy, publication, text, judge);
    judge_members_of(copy, publication, text, judge);
}

fn judge_context(
    conversation: &Conversation,
    copy: &ReceivedEvent<'_>,
    publication: &Publication,
    text: Option<&str>,
    judge: &mut Judge,
) {
    // Whether the hub of a recording demands tokens nobody can tell.
    let demands_tokens = judge.claims(Capability::Authorization) || !conversation.everyone_seen;
    let withheld = match demands_tokens {
        true => sent_to_others(conversation, copy, publication),
        false => Vec::new(),
    };
    let passed = Passed {
        version: conversation.version,
        event: &publication.event,
        context: &publication.context,
        withheld: &withheld,
    };
    let mut found = differences(&publication.context, context_of(copy.message()));
    if let Some(text) = text {
        found.extend(respelled(text, &copy.received.text));
    }
    for requirement in [ids::CONTEXT_UNALTERED, ids::REQUIRED_ELEMENTS] {
        let broken = found
            .iter()
            .filter_map(|difference| match passed.takes(difference) {
                Taken::Breaks(broken, unmet) if broken == requirement => Some((difference, unmet)),
                _ => None,
            });
        let broken: Vec<(&Difference, Unmet)> = broken.collect();
        let worst = broken.iter().find(|(_, unmet)| *unmet == Unmet::ByLevel);
        let breach = worst.or(broken.first()).map(|(difference, unmet)| {
            let more = broken.iter().filter(|(_, other)| other == unmet).count() - 1;
            altered(copy, publication, difference, more).softened(*unmet)
        });
        judge.tried(requirement, breach);
    }
    judge_replacement(conversation, copy, publication, (&passed, &found), judge);
}

/// An open or close event replaces what was told before: what an earlier event of the topic had is neither added nor left out.
fn judge_replacement(
    conversation: &Conversation,
    copy: &ReceivedEvent<'_>,
    publication: &Publication,
    (passed, found): (&Passed<'_>, &[Difference]),
    judge: &mut Judge,
) {
    let earlier: Vec<&Publication> = conversation
        .publications
        .iter()
        .map(AsRef::as_ref)
        .filter(|earlier| {
            earlier.topic == publication.topic && earlier.requested.sequence < publication.requested.sequence
        })
        .collect();
    let replaces = publication.event.is(Action::Open) || publication.event.is(Action::Close);
    if earlier.is_empty() || !replaces {
        return;
    }
    let stood_in = |entry: &Value, publication: &Publication| {
        let mut entries = publication.context.as_array().into_iter().flatten();
        entries.any(|known| lost(known, entry, "").is_none())
    };
    let of_earlier = found.iter().find_map(|difference| {
        let entry = match difference.change {
            Change::ElementAdded => difference.copied.as_ref(),
            Change::ElementMissing => difference.published.as_ref(),
            _ => None,
        };
        if difference.path.len() > 1 || passed.takes(difference) == Taken::Lawful {
            return None;
        }
        let source = earlier
            .iter()
            .rev()
            .find(|earlier| entry.is_some_and(|entry| stood_in(entry, earlier)))?;
        Some((difference, source))
    });
    let breach = of_earlier.map(|(difference, source)| {
        let mut breach = altered(copy, publication, difference, 0);
        breach.message = format!(
            "{}; it stood in {}, which came before",
            breach.message, source.event
        );
        breach.places.insert(0, Place::at(source.requested.sequence));
        breach
    });
    judge.tried(ids::COMPLETE_REPLACEMENT, breach);
}

/// Positions of the published entries that other subscribers were sent.
fn sent_to_others(
    conversation: &Conversation,
    copy: &ReceivedEvent<'_>,
    publication: &Publication,
) -> Vec<usize> {
    let others = conversation
        .in_topic(copy.topic)
        .filter(|subscriber| subscriber.name != copy.subscriber);
    let copies: Vec<&Value> = others
        .flat_map(|subscriber| &subscriber.received)
        .filter(|received| received.id() == copy.received.id())
        .filter_map(|received| received.message())
        .collect();
    let was_sent = |entry: &Value| {
        let mut contexts = copies.iter().filter_map(|message| context_of(message).as_array());
        contexts.any(|context| context.iter().any(|sent| lost(entry, sent, "").is_none()))
    };
    let entries = publication.context.as_array().into_iter().flatten().enumerate();
    entries
        .filter(|(_, entry)| was_sent(entry))
        .map(|(at, _)| at)
        .collect()
}

/// An alteration, and the number of those beside it that weigh as much.
fn altered(
    copy: &ReceivedEvent<'_>,
    publication: &Publication,
    difference: &Difference,
    more: usize,
) -> Breach {
    let here = format!("/event/context{}", pointer(&difference.path));
    let there = format!("/event/context{}", pointer(&difference.in_copy));
    let what = difference.change.told();
    let beside = match more {
        0 => String::new(),
        more => format!(", and {more} more"),
    };
    let message = format!("the hub passed on the event with its context altered: {here} {what}{beside}");
    let places = vec![
        Place::within(publication.requested.sequence, &here),
        Place::within(copy.sequence(), &there),
    ];
    let told = |value: &Option<Value>| value.as_ref().map(|value| shortened(&value.to_string()));
    let expected = told(&difference.published).unwrap_or_else(|| "nothing that was not published".to_owned());
    let observed = told(&difference.copied).unwrap_or_else(|| what.to_owned());
    Breach::new(message, places)
        .expecting(format!("as published, {here}: {expected}"))
        .observing(observed)
}

/// Of a `Patient-open` there is one patient in context; what a publisher gives, a hub may pass on.
pub(super) fn judge_single_patient(
    event: &ReceivedEvent<'_>,
    publication: Option<&Publication>,
    judge: &mut Judge,
) {
    let opens_patient =
        |(resource_type, action): (String, Action)| resource_type == "Patient" && action == Action::Open;
    if !event.event.resource().is_some_and(opens_patient) {
        return;
    }
    let patients = patients(context_of(event.message()));
    if patients.is_empty()
        || publication.is_some_and(|publication| self::patients(&publication.context).len() > 1)
    {
        return;
    }
    let breach = (patients.len() > 1).then(|| {
        let places = patients
            .iter()
            .map(|at| Place::within(event.sequence(), &format!("/event/context/{at}")));
        let message = format!(
            "{} received a {} with several patients in its context",
            event.subscriber, event.event
        );
        Breach::new(message, places.collect())
            .expecting("one Patient")
            .observing(format!("{} of them", patients.len()))
    });
    judge.tried(ids::SINGLE_PATIENT, breach);
}

/// Positions of the patients in a context.
fn patients(context: &Value) -> Vec<usize> {
    let entries = context.as_array().into_iter().flatten().enumerate();
    let is_patient =
        |entry: &Value| entry.pointer("/resource/resourceType").and_then(Value::as_str) == Some("Patient");
    entries
        .filter(|(_, entry)| is_patient(entry))
        .map(|(at, _)| at)
        .collect()
}
