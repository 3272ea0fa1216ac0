//! Get Current Context: what is read is what was opened, and the content as the updates left it (2.9, 2.10). Where anything makes
//! it unsure what that is, nothing is judged.

use serde_json::Value;

use super::shared::{Shared, shared_in};
use crate::hub::difference::{Change, Difference, differences, pointer};
use crate::hub::latitude::{Passed, Taken};
use crate::hub::numerals::respelled;
use crate::hub::publication::{event_of, subject_id};
use crate::hub::{Breach, Conversation, Judge, Place, Publication, Subscriber, ids, shortened};
use crate::protocol::{Action, EventKind, EventName, Timestamp};
use crate::schema::Unmet;
use crate::{Answer, sole};

/// A current context that somebody was given.
#[derive(Debug, Clone)]
pub struct ContextRead {
    /// Who asked; `None` where that is not known.
    pub by: Option<String>,
    /// The topic.
    pub topic: String,
    /// The answer of the hub, which is a success.
    pub answer: Answer,
}

/// Judges every current context that was read.
pub(super) fn judge_reads(conversation: &Conversation, judge: &mut Judge) {
    for read in &conversation.contexts_read {
        if let Some(read) = Read::of(conversation, read) {
            read.judge(judge);
        }
    }
}

/// A current context with the publications that were before it.
struct Read<'c> {
    conversation: &'c Conversation,
    read: &'c ContextRead,
    context: &'c [Value],
    /// Type and id of its anchor.
    anchor: (&'c str, &'c str),
    /// What was accepted in its topic before it was asked for.
    before: Vec<(usize, &'c Publication)>,
}

impl<'c> Read<'c> {
    /// What was read, where there is a context and nothing was published while it was asked for.
    fn of(conversation: &'c Conversation, read: &'c ContextRead) -> Option<Self> {
        let body = sole(read.answer.json.as_ref()?);
        let context = body.get("context")?.as_array()?;
        let anchor_type = body.get("context.type")?.as_str()?;
        let resources = context.iter().filter_map(|entry| entry.get("resource"));
        let mut anchors = resources.filter(|resource| text(resource, "resourceType") == Some(anchor_type));
        let anchor = (anchor_type, text(anchors.next()?, "id")?);
        let in_topic = conversation.publications.iter().map(AsRef::as_ref).enumerate();
        let before: Vec<(usize, &Publication)> = in_topic
            .filter(|(_, publication)| {
                publication.topic == read.topic
                    && publication.requested.sequence < read.answer.spot.sequence
                    && publication.accepted
            })
            .collect();
        let answered = |(_, publication): &(usize, &Publication)| {
            publication.answered.sequence < read.answer.request.sequence
        };
        before.iter().all(answered).then_some(Self {
            conversation,
            read,
            context,
            anchor,
            before,
        })
    }

    fn judge(&self, judge: &mut Judge) {
        let opened: Vec<&(usize, &Publication)> = self
            .before
            .iter()
            .filter(|(_, publication)| self.opens_anchor(publication))
            .collect();
        if let Some(latest) = self.latest() {
            let is_latest = opened.last().is_some_and(|(position, _)| *position == latest.0);
            if is_latest || opened.is_empty() {
                judge.held(ids::CURRENT_LATEST);
                self.judge_context(&[latest.1], judge);
            } else {
                judge.broken(ids::CURRENT_LATEST, self.not_the_latest(latest.1));
            }
        } else {
            let candidates: Vec<&Publication> = opened.iter().map(|(_, publication)| *publication).collect();
            self.judge_context(&candidates, judge);
        }
        if let [(position, opening)] = opened.as_slice() {
            self.judge_content(*position, opening, judge);
        }
    }

    fn opens_anchor(&self, publication: &Publication) -> bool {
        is_of(&publication.event, Action::Open, self.anchor.0)
            && subject_id(&publication.event, &publication.context).as_deref() == Some(self.anchor.1)
    }

    /// The open event that is current for certain: the last event of the topic, and of the latest time, which has been
    /// distributed, to who asked too.
    fn latest(&self) -> Option<(usize, &'c Publication)> {
        let changes = |(_, publication): &&(usize, &Publication)| {
            !publication.event.is(Action::Update)
                && !publication.event.is(Action::Select)
                && publication.event.kind() != EventKind::SyncError
        };
        let (position, publication) = *self.before.iter().rev().find(changes)?;
        let time = |publication: &Publication| {
            let parsed = publication.timestamp.parse::<Timestamp>().ok()?;
            Some(parsed.instant())
        };
        // Whether "most recent" is told by arrival or by timestamp is left open (ambiguities, 12).
        let is_latest = time(publication).is_some_and(|latest| {
            let mut opens = self
                .before
                .iter()
                .filter(|(_, earlier)| earlier.event.is(Action::Open));
            opens.all(|(_, earlier)| time(earlier).is_some_and(|earlier| earlier <= latest))
        });
        let subscribers = self.conversation.in_topic(&self.read.topic);
        let asked = |subscriber: &&Subscriber| self.read.by.as_ref().is_none_or(|by| subscriber.name == *by);
        let follows = |subscriber: &Subscriber| {
            let subscription = subscriber.subscription();
            subscription.is_some_and(|subscription| subscription.current.contains(&publication.event))
        };
        let mut askers = subscribers.filter(asked).peekable();
        let is_followed = askers.peek().is_some() && askers.all(follows);
        (publication.event.is(Action::Open)
            && subject_id(&publication.event, &publication.context).is_some()
            && is_latest
            && is_followed
            && self.is_distributed(position)
            && !self.had_others_since(publication))
        .then_some((position, publication))
    }

    /// Somebody got a copy before the context was asked for: the hub is done with the event.
    fn is_distributed(&self, position: usize) -> bool {
        let mut received = self
            .conversation
            .in_topic(&self.read.topic)
            .flat_map(|subscriber| &subscriber.received);
        received.any(|received| {
            received.spot.sequence < self.read.answer.request.sequence
                && self.conversation.origin(received) == Some(position)
        })
    }

    /// Whether events came, since this one was published, of which nobody was seen to publish.
    fn had_others_since(&self, publication: &Publication) -> bool {
        let mut received = self
            .conversation
            .in_topic(&self.read.topic)
            .flat_map(|subscriber| &subscriber.received);
        received.any(|received| {
            let place = received.spot.sequence;
            place > publication.requested.sequence
                && place < self.read.answer.spot.sequence
                && event_of(received).is_some_and(|event| event.kind() != EventKind::SyncError)
                && self.conversation.origin(received).is_none()
        })
    }

    fn not_the_latest(&self, latest: &Publication) -> Breach {
        let (anchor_type, id) = self.anchor;
        let message = format!(
            "the current context is {anchor_type}/{id}, and {} was opened after it",
            latest.event
        );
        let places = vec![
            Place::within(latest.requested.sequence, "/event/context"),
            Place::within(self.read.answer.spot.sequence, "/context"),
        ];
        let subject = subject_id(&latest.event, &latest.context).unwrap_or_default();
        Breach::new(message, places)
            .expecting(format!("the context of {} of {subject}", latest.event))
            .observing(format!("{anchor_type}/{id}"))
    }

    /// The context is that of one of these open events.
    fn judge_context(&self, opened: &[&Publication], judge: &mut Judge) {
        let mut breach = None;
        for publication in opened.iter().rev() {
            let found = self.altered(publication);
            if found.is_none() {
                breach = None;
                break;
            }
            breach = breach.or(found);
        }
        if !opened.is_empty() {
            judge.tried(ids::CURRENT_AS_SUPPLIED, breach);
        }
    }

    fn altered(&self, publication: &Publication) -> Option<Breach> {
        let is_supplied = |entry: &&Value| text(entry, "key") != Some("content");
        let supplied: Vec<Value> = self.context.iter().filter(is_supplied).cloned().collect();
        let mut found = differences(&publication.context, &Value::from(supplied));
        if let Some(text) = self.conversation.text_of(publication) {
            found.extend(respelled(text, &self.read.answer.text));
        }
        let passed = Passed {
            version: self.conversation.version,
            event: &publication.event,
            context: &publication.context,
            withheld: &[],
        };
        let broken = found
            .iter()
            .filter_map(|difference| match passed.takes(difference) {
                Taken::Breaks(_, unmet) => Some((difference, unmet)),
                Taken::Lawful => None,
            });
        let broken: Vec<(&Difference, Unmet)> = broken.collect();
        let worst = broken.iter().find(|(_, unmet)| *unmet == Unmet::ByLevel);
        let (difference, unmet) = worst.or(broken.first())?;
        let published = format!("/event/context{}", pointer(&difference.path));
        // What stands behind the content has a later place in the answer; its own is told by the difference.
        let message = format!(
            "the current context is not as {} supplied it: /context{} {}",
            publication.event,
            pointer(&difference.in_copy),
            difference.change.told()
        );
        let at = match difference.change {
            Change::ElementAdded if difference.path.len() == 1 => "/context".to_owned(),
            _ => format!("/context{}", pointer(&difference.in_copy)),
        };
        let told = |value: &Option<Value>| value.as_ref().map(|value| shortened(&value.to_string()));
        let places = vec![
            Place::within(publication.requested.sequence, &published),
            Place::within(self.read.answer.spot.sequence, &at),
        ];
        let breach = Breach::new(message, places)
            .expecting(
                told(&difference.published).unwrap_or_else(|| "nothing that was not supplied".to_owned()),
            )
            .observing(told(&difference.copied).unwrap_or_else(|| difference.change.told().to_owned()))
            .softened(*unmet);
        Some(breach)
    }

    /// The content is what the updates of its context made of it, where all of them are known.
    fn judge_content(&self, opened: usize, opening: &Publication, judge: &mut Judge) {
        let mut contents = self
            .context
            .iter()
            .filter(|entry| text(entry, "key") == Some("content"));
        let (Some(content), None) = (contents.next(), contents.next()) else {
            return;
        };
        let about_anchor = |publication: &Publication, action: Action| {
            is_of(&publication.event, action, self.anchor.0)
                && subject_id(&publication.event, &publication.context).as_deref() == Some(self.anchor.1)
        };
        let since = self.before.iter().filter(|(position, _)| *position > opened);
        let mut shared = Shared::default();
        let mut last = opening;
        for (position, publication) in since {
            let ends = matches!(
                publication.event.kind(),
                EventKind::UserLogout | EventKind::UserHibernate
            );
            if ends || about_anchor(publication, Action::Close) {
                return;
            }
            if !about_anchor(publication, Action::Update) {
                continue;
            }
            let in_turn = publication.requested.sequence > last.answered.sequence;
            if !in_turn || !self.is_distributed(*position) || !shared.take(*position, publication) {
                return;
            }
            last = publication;
        }
        if self.had_others_since(opening) {
            return;
        }
        let Some(found) = shared_in(content) else { return };
        let breach = shared
            .compare(&found, &opening.context)
            .map(|(what, place, unmet)| {
                let mut places: Vec<Place> = place
                    .and_then(|position| self.conversation.publications.get(position))
                    .map(|publication| Place::within(publication.requested.sequence, "/event/context"))
                    .into_iter()
                    .collect();
                places.push(Place::within(self.read.answer.spot.sequence, "/context"));
                Breach::new(
                    format!("the content of the current context is not what was shared: {what}"),
                    places,
                )
                .expecting("what the updates put and did not delete since, and nothing else")
                .observing(what)
                .softened(unmet)
            });
        judge.tried(ids::CONTENT_MAINTAINED, breach);
    }
}

fn is_of(event: &EventName, action: Action, resource_type: &str) -> bool {
    event.resource() == Some((resource_type.to_owned(), action))
}

fn text<'v>(value: &'v Value, member: &str) -> Option<&'v str> {
    value.get(member)?.as_str()
}
