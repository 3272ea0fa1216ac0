//! The ambient checks: what must hold of every message in every scenario, judged over the whole record when it has ended.

use std::collections::BTreeMap;

use serde_json::Value;

use super::judge::{Breach, Place};
use super::play::Play;
use super::requirements as ids;
use super::sameness::{is_same_time, lost};
use super::stage::{Membership, Publication, causes, event_of, is_foreign, subject_id};
use crate::client::Received;
use crate::protocol::{Action, EventKind, EventName, Timestamp};
use crate::scenario::Unmet;
use crate::schema::Sender;

/// A notification that a subscriber received, with what is known of it.
#[derive(Debug, Clone)]
struct Seen {
    mock: String,
    topic: String,
    received: Received,
    event: EventName,
    membership: Option<Membership>,
    /// Where its publication stands among the publications of the stage.
    publication: Option<usize>,
}

impl Seen {
    fn message(&self) -> &Value {
        self.received.message().unwrap_or(&Value::Null)
    }

    /// The subscription was confirmed before the event was published: this is the broadcast, and not a catch-up.
    fn is_live(&self, publication: &Publication) -> bool {
        let confirmed = self.membership.as_ref().and_then(|own| own.confirmed);
        confirmed.is_some_and(|spot| spot.sequence < publication.requested.sequence)
    }
}

impl Play<'_> {
    /// Waits for what the hub still owes, then judges all that passed.
    pub async fn conclude(&mut self) {
        self.settle().await;
        if self.a_socket_broke()
            && self
                .hub_lost("an open WebSocket", "its connections broke")
                .await
                .is_some()
        {
            // What a dead hub still owes says nothing of a living one.
            return;
        }
        self.account_for_verifications();
        self.conclude_absences();
        let owed = self.owed();
        self.judge_all(&owed);
    }

    /// Judges all that passed; `owed` is who had to be sent which publication.
    pub(super) fn judge_all(&mut self, owed: &[(usize, String)]) {
        let mocks: Vec<String> = self.stage.mocks.keys().cloned().collect();
        for name in &mocks {
            self.judge_frames(name);
            self.judge_calls(name);
        }
        let seen = self.notifications();
        for own in &seen {
            self.judge_notification(own);
        }
        self.judge_ids(&seen);
        self.judge_deliveries(&seen, owed);
        self.judge_order(&seen);
        self.judge_sync_errors(&seen);
    }

    fn notifications(&self) -> Vec<Seen> {
        let mut seen = Vec::new();
        for mock in self.stage.mocks.values() {
            for received in mock.inbox.received() {
                if received.message().is_none() {
                    continue;
                }
                let publication = self.stage.origin(&received);
                let published = publication.and_then(|at| self.stage.publications.get(at));
                let Some(event) = event_of(&received).or_else(|| published.map(|own| own.event.clone()))
                else {
                    continue;
                };
                let membership = mock.membership_of(&received);
                seen.push(Seen {
                    mock: mock.name.clone(),
                    topic: mock.topic.clone(),
                    event,
                    membership: membership.cloned(),
                    publication,
                    received,
                });
            }
        }
        seen.sort_by_key(|own| own.received.spot.sequence);
        self.disown_lookalikes(&mut seen);
        seen
    }

    /// A subscriber that got an event under its own id got no copy of it under another: what looks like one was derived from
    /// some other event (2.5), and may have an id and a time of its own.
    fn disown_lookalikes(&self, seen: &mut [Seen]) {
        let is_under_own_id = |own: &Seen| {
            let published = own.publication.and_then(|at| self.stage.publications.get(at));
            published.is_some_and(|published| {
                own.message().get("id").and_then(Value::as_str) == Some(published.id.as_str())
            })
        };
        let originals: Vec<(String, Option<usize>)> = seen
            .iter()
            .filter(|own| is_under_own_id(own))
            .map(|own| (own.mock.clone(), own.publication))
            .collect();
        for own in seen {
            let has_original = || {
                originals
                    .iter()
                    .any(|(mock, publication)| *mock == own.mock && *publication == own.publication)
            };
            if own.publication.is_some() && !is_under_own_id(own) && has_original() {
                own.publication = None;
            }
        }
    }

    fn judge_notification(&mut self, seen: &Seen) {
        let spot = seen.received.spot;
        let own_topic = seen.message().pointer("/event/hub.topic").and_then(Value::as_str);
        let origin = seen
            .publication
            .and_then(|at| self.stage.publications.get(at))
            .cloned();
        match (&origin, own_topic) {
            (Some(publication), _) if publication.topic != seen.topic => {
                let breach = Breach {
                    message: format!(
                        "{} received an event that was published in another topic",
                        seen.mock
                    ),
                    expected: Some(format!("only events of topic {}", seen.topic)),
                    observed: Some(format!("an event of topic {}", publication.topic)),
                    places: vec![
                        Place::at(publication.requested.sequence),
                        Place::at(spot.sequence),
                    ],
                    unmet: None,
                    ..Breach::default()
                };
                self.judge.broken(ids::TOPIC_ISOLATED, breach);
                return;
            }
            _ => {
                let (message, topic) = (seen.message(), seen.topic.clone());
                self.judge_topic(
                    ids::TOPIC_ISOLATED,
                    message,
                    "/event/hub.topic",
                    &topic,
                    &seen.received,
                );
            }
        }
        if let Some(membership) = &seen.membership
            && membership.confirmed.is_some()
        {
            if membership.granted.contains(&seen.event) {
                self.judge.held(ids::ONLY_SUBSCRIBED);
            } else {
                let granted = crate::protocol::join_events(&membership.granted);
                let confirmed = membership.confirmed.iter().map(|spot| Place::at(spot.sequence));
                let breach = Breach {
                    message: format!(
                        "{} received {}, to which it is not subscribed",
                        seen.mock, seen.event
                    ),
                    expected: Some(format!("only {granted}")),
                    observed: Some(seen.event.to_string()),
                    places: confirmed
                        .chain([Place::within(spot.sequence, "/event/hub.event")])
                        .collect(),
                    unmet: None,
                    ..Breach::default()
                };
                self.judge.broken(ids::ONLY_SUBSCRIBED, breach);
            }
        }
        match &origin {
            Some(publication) => self.judge_copy(seen, publication),
            None if seen.event.kind() == EventKind::SyncError => {
                // Only of what the hub made itself is the hub the author.
                let event = seen.message().get("event").cloned().unwrap_or(Value::Null);
                let judgement =
                    self.setting
                        .schemas
                        .clone()
                        .judge_context_of(Sender::Hub, seen.event.as_str(), &event);
                self.judge_schema(&judgement, &event, spot, "/event");
                self.authored_sync_error(seen.message());
            }
            None => {}
        }
    }

    /// Judges a copy of a publication against the publication.
    fn judge_copy(&mut self, seen: &Seen, publication: &Publication) {
        let places = |pointer: &str| {
            vec![
                Place::within(publication.requested.sequence, pointer),
                Place::within(seen.received.spot.sequence, pointer),
            ]
        };
        let id = seen.message().get("id").and_then(Value::as_str);
        if seen.is_live(publication) {
            if id == Some(publication.id.as_str()) {
                self.judge.held(ids::ID_REUSED);
            } else {
                let breach = Breach {
                    message: "the hub broadcast the event under another id than that of the request"
                        .to_owned(),
                    expected: Some(publication.id.clone()),
                    observed: id.map(str::to_owned),
                    places: places("/id"),
                    unmet: None,
                    ..Breach::default()
                };
                self.judge.broken(ids::ID_REUSED, breach);
            }
        }
        let stated = seen.message().get("timestamp").and_then(Value::as_str);
        let stated_instant = stated.and_then(|text| text.parse::<Timestamp>().ok());
        if let (Some(own), Ok(original)) = (stated_instant, publication.timestamp.parse::<Timestamp>()) {
            if is_same_time(&own, &original) {
                self.judge.held(ids::TIMESTAMP);
            } else {
                let breach = Breach {
                    message: "the notification's timestamp is not the time at which the event occurred"
                        .to_owned(),
                    expected: Some(publication.timestamp.clone()),
                    observed: stated.map(str::to_owned),
                    places: places("/timestamp"),
                    unmet: None,
                    ..Breach::default()
                };
                self.judge.broken(ids::TIMESTAMP, breach);
            }
        }
        let context = seen.message().pointer("/event/context").unwrap_or(&Value::Null);
        match lost(&publication.context, context, "/event/context") {
            None => self.judge.held(ids::CONTEXT_UNALTERED),
            Some((pointer, what)) => {
                let breach = Breach {
                    message: format!(
                        "the hub passed on the event with its context altered: {pointer} {what}"
                    ),
                    expected: Some(format!("the context that was published, {pointer} included")),
                    observed: Some(what),
                    places: places(&pointer),
                    unmet: None,
                    ..Breach::default()
                };
                self.judge.broken(ids::CONTEXT_UNALTERED, breach);
            }
        }
    }

    /// One id, one event.
    fn judge_ids(&mut self, seen: &[Seen]) {
        let mut known: BTreeMap<(&str, &str), &Seen> = BTreeMap::new();
        for own in seen {
            let Some(id) = own.message().get("id").and_then(Value::as_str) else {
                continue;
            };
            let Some(first) = known.get(&(own.topic.as_str(), id)).copied() else {
                known.insert((&own.topic, id), own);
                self.judge.held(ids::ID_UNIQUE);
                continue;
            };
            let subject = |seen: &Seen| {
                subject_id(
                    &seen.event,
                    seen.message().pointer("/event/context").unwrap_or(&Value::Null),
                )
            };
            let sync_error = |seen: &Seen| seen.event.kind() == EventKind::SyncError;
            // Events derived from one may share its id (ambiguities, 28); a SyncError with the id of the event that it is
            // about warns (34).
            let unmet = match (sync_error(first), sync_error(own)) {
                (true, true) => None,
                (false, false) if first.event != own.event || subject(first) == subject(own) => continue,
                (false, false) => None,
                _ => Some(Unmet::Warn),
            };
            if (sync_error(first) && sync_error(own)) && causes(first.message()) == causes(own.message()) {
                continue;
            }
            let breach = Breach {
                message: format!("two different events have the id {id}"),
                expected: Some("an id of its own for each event".to_owned()),
                observed: Some(format!("{} and {} with one id", first.event, own.event)),
                places: vec![
                    Place::within(first.received.spot.sequence, "/id"),
                    Place::within(own.received.spot.sequence, "/id"),
                ],
                unmet,
                ..Breach::default()
            };
            self.judge.broken(ids::ID_UNIQUE, breach);
        }
    }

    fn judge_deliveries(&mut self, seen: &[Seen], owed: &[(usize, String)]) {
        for (position, name) in owed {
            let position = *position;
            let publication = self.stage.publications[position].clone();
            if !publication.proper {
                continue;
            }
            let requester = publication.by.as_ref() == Some(name);
            let requirement = if requester {
                ids::BROADCAST_TO_REQUESTER
            } else {
                ids::DELIVERED
            };
            let copies: Vec<&Seen> = seen
                .iter()
                .filter(|own| own.mock == *name && own.publication == Some(position))
                .collect();
            if copies.is_empty() {
                if self.was_refused_later(&publication, seen, position) {
                    let reading = "the hub accepts an event first and refuses it later by a SyncError";
                    self.judge.reading("late-refusal", reading);
                    continue;
                }
                let who = if requester {
                    format!("{name}, which published it,")
                } else {
                    name.clone()
                };
                let breach = Breach {
                    message: format!(
                        "{who} did not receive {}, to which it is subscribed",
                        publication.event
                    ),
                    expected: Some(format!(
                        "a notification of {} with id {}",
                        publication.event, publication.id
                    )),
                    observed: Some("none".to_owned()),
                    places: vec![
                        Place::at(publication.requested.sequence),
                        Place::at(publication.answered.sequence),
                    ],
                    // Whether a select must be passed on is left open (ambiguities, 67).
                    unmet: publication.event.is(Action::Select).then_some(Unmet::Warn),
                    ..Breach::default()
                };
                self.judge.broken(requirement, breach);
                continue;
            }
            self.judge.held(requirement);
            let anew = copies[0]
                .membership
                .as_ref()
                .is_some_and(|own| !own.replaced.is_empty());
            let live: Vec<&&Seen> = copies.iter().filter(|own| own.is_live(&publication)).collect();
            // A hub may send an event again after a SyncError (4.2.1).
            let resent = !self.is_exact(&publication.topic);
            if anew || resent || live.is_empty() {
                continue;
            }
            if live.len() == 1 {
                self.judge.held(ids::ONCE);
            } else {
                let breach = Breach {
                    message: format!("{name} received one event {} times", live.len()),
                    expected: Some("one notification".to_owned()),
                    observed: Some(format!("{} notifications", live.len())),
                    places: live
                        .iter()
                        .map(|own| Place::at(own.received.spot.sequence))
                        .collect(),
                    unmet: None,
                    ..Breach::default()
                };
                self.judge.broken(ids::ONCE, breach);
            }
        }
    }

    /// The hub accepted the event and then told the requester by a SyncError that it is not broadcast (2.6).
    fn was_refused_later(&self, publication: &Publication, seen: &[Seen], position: usize) -> bool {
        let nobody = seen.iter().all(|own| own.publication != Some(position));
        let told = seen.iter().any(|own| {
            publication.by.as_ref().is_none_or(|by| own.mock == *by)
                && own.event.kind() == EventKind::SyncError
                && causes(own.message())
                    .iter()
                    .any(|cause| cause.event_id == publication.id)
        });
        nobody && told
    }

    fn judge_order(&mut self, seen: &[Seen]) {
        let mut first: BTreeMap<&str, Vec<(usize, &Seen)>> = BTreeMap::new();
        for own in seen {
            let Some(position) = own.publication else { continue };
            if !own.is_live(&self.stage.publications[position]) {
                continue;
            }
            let arrivals = first.entry(own.mock.as_str()).or_default();
            if arrivals.iter().all(|(known, _)| *known != position) {
                arrivals.push((position, own));
            }
        }
        let mut findings = Vec::new();
        for arrivals in first.values().filter(|arrivals| arrivals.len() > 1) {
            let crossed = arrivals.windows(2).find(|pair| {
                let (earlier, later) = (
                    &self.stage.publications[pair[0].0],
                    &self.stage.publications[pair[1].0],
                );
                later.answered.sequence < earlier.requested.sequence
            });
            findings.push(crossed.map(|pair| {
                Breach {
                    message: format!(
                        "{} received two events in another order than that in which they were published",
                        pair[0].1.mock
                    ),
                    expected: Some(format!(
                        "id {} before id {}",
                        self.stage.publications[pair[1].0].id, self.stage.publications[pair[0].0].id
                    )),
                    observed: Some("the other way round".to_owned()),
                    places: [
                        self.stage.publications[pair[1].0].requested,
                        self.stage.publications[pair[0].0].requested,
                        pair[0].1.received.spot,
                        pair[1].1.received.spot,
                    ]
                    .map(|spot| Place::at(spot.sequence))
                    .to_vec(),
                    unmet: None,
                    ..Breach::default()
                }
            }));
        }
        for finding in findings {
            match finding {
                None => self.judge.held(ids::ORDER),
                Some(breach) => self.judge.broken(ids::ORDER, breach),
            }
        }
    }

    /// Every subscriber of the topic took every event at once and kept its connection.
    fn is_exact(&self, topic: &str) -> bool {
        self.stage
            .mocks
            .values()
            .filter(|mock| mock.topic == topic)
            .all(|mock| mock.exact)
    }

    /// A SyncError about an event that everybody took has no cause.
    fn judge_sync_errors(&mut self, seen: &[Seen]) {
        // Who was not seen may have given cause for it.
        if !self.stage.everyone_seen {
            return;
        }
        let made_by_hub = |own: &&Seen| own.publication.is_none() && own.event.kind() == EventKind::SyncError;
        for own in seen.iter().filter(made_by_hub) {
            if is_foreign(own.message(), &own.topic) {
                continue;
            }
            if !self.is_exact(&own.topic) {
                self.judge.held(ids::SYNC_ERROR_CAUSE);
                continue;
            }
            let broadcast = causes(own.message()).iter().any(|cause| {
                seen.iter().any(|other| {
                    other.event.kind() != EventKind::SyncError
                        && other.message().get("id").and_then(Value::as_str) == Some(&cause.event_id)
                })
            });
            if broadcast {
                let breach = Breach {
                    message:
                        "the hub sent a SyncError about an event that every subscriber acknowledged with 200"
                            .to_owned(),
                    expected: Some("no SyncError".to_owned()),
                    observed: Some(
                        causes(own.message())
                            .first()
                            .map(|cause| cause.diagnostics.clone())
                            .unwrap_or_default(),
                    ),
                    places: vec![Place::at(own.received.spot.sequence)],
                    unmet: None,
                    ..Breach::default()
                };
                self.judge.broken(ids::SYNC_ERROR_CAUSE, breach);
            }
        }
    }
}
