//! The ambient checks: what must hold of every message in every scenario, judged over the whole record when it has ended.

use std::collections::BTreeMap;
use std::time::Instant;

use serde_json::Value;

use super::control::{Control, control_of};
use super::judge::{Breach, Place};
use super::play::Play;
use super::requirements as ids;
use super::stage::{Membership, Mock, Publication, event_of, subject_id};
use crate::outcome::Traffic;
use crate::protocol::{Acknowledgement, Action, EventKind, EventName, SyncErrorCause, Timestamp};
use crate::scenario::{Unmet, equal};
use crate::schema::{MessageKind, Sender};
use crate::subscriber::Received;

/// A notification that a subscriber received, with what is known of it.
#[derive(Debug, Clone)]
struct Seen {
    mock: String,
    topic: String,
    received: Received,
    message: Value,
    event: EventName,
    membership: Option<Membership>,
    /// Where its publication stands among the publications of the stage.
    publication: Option<usize>,
}

impl Seen {
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
        self.conclude_absences();
        let mocks: Vec<String> = self.stage.mocks.keys().cloned().collect();
        for name in &mocks {
            self.judge_frames(name);
        }
        let seen = self.notifications();
        for own in &seen {
            self.judge_notification(own);
        }
        self.judge_ids(&seen);
        self.judge_deliveries(&seen);
        self.judge_order(&seen);
        self.judge_sync_errors(&seen);
    }

    /// A WebSocket ended without a close frame from the hub.
    fn a_socket_broke(&self) -> bool {
        let broke = |mock: &Mock| {
            mock.inbox
                .closed()
                .iter()
                .any(|closed| closed.by_hub && closed.code.is_none())
        };
        self.stage.mocks.values().any(broke)
    }

    /// Who is owed which publication: publication, subscriber.
    fn owed(&self) -> Vec<(usize, String)> {
        let mut owed = Vec::new();
        for (position, publication) in self.stage.publications.iter().enumerate() {
            if !publication.accepted {
                continue;
            }
            for mock in self.stage.mocks.values() {
                if mock.topic == publication.topic && is_owed(mock, publication) {
                    owed.push((position, mock.name.clone()));
                }
            }
        }
        owed
    }

    /// Waits for what the hub owes, so that a run judges the same whenever it is made: copies of what was published, and
    /// SyncErrors about what was refused.
    async fn settle(&self) {
        for (position, name) in self.owed() {
            let publication = &self.stage.publications[position];
            let timing = self.setting.target.timing;
            // What the hub may have refused afterwards need not come at all.
            let patience = if publication.proper {
                timing.response
            } else {
                timing.quiet
            };
            self.wait_for(&name, publication.answered.at + patience, |received| {
                self.stage.origin(received) == Some(position)
            })
            .await;
        }
        let quiet = Instant::now() + self.setting.target.timing.quiet;
        // A subscription that was ended is followed by a denial and a close.
        for mock in self.stage.mocks.values().filter(|mock| mock.socket.is_some()) {
            if mock.membership().is_some_and(|own| own.ended.is_some()) {
                self.wait_for(&mock.name, quiet, |_| false).await;
            }
        }
        for (id, name) in self.owed_sync_errors() {
            self.wait_for(&name, quiet, |received| {
                let message = received.json.as_ref();
                message.is_some_and(|message| causes(message).iter().any(|cause| cause.event_id == id))
            })
            .await;
        }
    }

    async fn wait_for(&self, name: &str, deadline: Instant, is_it: impl Fn(&Received) -> bool) {
        let Some(mock) = self.stage.mocks.get(name) else {
            return;
        };
        let socket = mock.membership().and_then(|own| own.socket);
        mock.inbox
            .wait(deadline.max(Instant::now()), |received, closed| {
                let ended = closed.iter().any(|own| Some(own.socket) == socket);
                (received.iter().any(&is_it) || ended).then_some(())
            })
            .await;
    }

    /// Who is owed a SyncError about which event: the others, of what a subscriber has refused.
    fn owed_sync_errors(&self) -> Vec<(String, String)> {
        let Ok(sync_error) = "SyncError".parse::<EventName>() else {
            return Vec::new();
        };
        let mut owed = Vec::new();
        for entry in self.stage.log.entries() {
            let Traffic::FrameSent { text, .. } = &entry.traffic else {
                continue;
            };
            let Ok(answer) = Acknowledgement::parse(text) else {
                continue;
            };
            let Some(refusing) = self.stage.mocks.get(&entry.actor) else {
                continue;
            };
            if answer.status.is_success() {
                continue;
            }
            for mock in self.stage.mocks.values() {
                let follows = mock
                    .membership()
                    .is_some_and(|own| own.current.contains(&sync_error));
                if mock.topic == refusing.topic && mock.name != refusing.name && mock.is_active() && follows {
                    owed.push((answer.id.clone(), mock.name.clone()));
                }
            }
        }
        owed
    }

    fn judge_frames(&mut self, name: &str) {
        let Some(mock) = self.stage.mocks.get(name) else {
            return;
        };
        let (topic, received) = (mock.topic.clone(), mock.inbox.received());
        let schemas = self.setting.schemas.clone();
        for own in received {
            let Some(message) = &own.json else {
                let breach = Breach {
                    message: "a frame from the hub is not JSON".to_owned(),
                    expected: Some("a JSON object".to_owned()),
                    places: vec![Place::at(own.spot.sequence)],
                    ..Breach::default()
                };
                self.judge.broken(ids::WEBSOCKET_JSON, breach);
                continue;
            };
            self.judge.held(ids::WEBSOCKET_JSON);
            let control = control_of(message).map(|control| match control {
                Control::Denial => (MessageKind::Denial, ids::DENIAL_TOPIC),
                Control::Confirmation => (MessageKind::Confirmation, ids::CONFIRMATION_TOPIC),
            });
            match control {
                Some((kind, topic_requirement)) => {
                    self.judge_schema(&schemas.judge(kind, message), own.spot, "");
                    self.judge_topic(topic_requirement, message, "/hub.topic", &topic, &own);
                }
                None => self.judge_schema(&schemas.judge(MessageKind::Notification, message), own.spot, ""),
            }
        }
    }

    fn judge_topic(
        &mut self,
        requirement: &str,
        message: &Value,
        pointer: &str,
        topic: &str,
        own: &Received,
    ) {
        // A topic that is missing or no string is a matter of the schema.
        let Some(stated) = message.pointer(pointer).and_then(Value::as_str) else {
            return;
        };
        if stated == topic {
            self.judge.held(requirement);
        } else {
            let breach = Breach {
                message: format!("{pointer} names another topic than the one that was subscribed to"),
                expected: Some(topic.to_owned()),
                observed: Some(stated.to_owned()),
                places: vec![Place::within(own.spot.sequence, pointer)],
                unmet: None,
            };
            self.judge.broken(requirement, breach);
        }
    }

    fn notifications(&self) -> Vec<Seen> {
        let mut seen = Vec::new();
        for mock in self.stage.mocks.values() {
            for received in mock.inbox.received() {
                let (Some(event), Some(message)) = (event_of(&received), received.json.clone()) else {
                    continue;
                };
                let membership = mock
                    .memberships
                    .iter()
                    .rev()
                    .find(|own| own.socket == Some(received.socket));
                seen.push(Seen {
                    mock: mock.name.clone(),
                    topic: mock.topic.clone(),
                    event,
                    membership: membership.cloned(),
                    publication: self.stage.origin(&received),
                    message,
                    received,
                });
            }
        }
        seen.sort_by_key(|own| own.received.spot.sequence);
        seen
    }

    fn judge_notification(&mut self, seen: &Seen) {
        let spot = seen.received.spot;
        let own_topic = seen.message.pointer("/event/hub.topic").and_then(Value::as_str);
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
                };
                self.judge.broken(ids::TOPIC_ISOLATED, breach);
                return;
            }
            _ => {
                let (message, topic) = (&seen.message, seen.topic.clone());
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
                };
                self.judge.broken(ids::ONLY_SUBSCRIBED, breach);
            }
        }
        match &origin {
            Some(publication) => self.judge_copy(seen, publication),
            None if seen.event.kind() == EventKind::SyncError => {
                // Only of what the hub made itself is the hub the author.
                let event = seen.message.get("event").cloned().unwrap_or(Value::Null);
                let judgement =
                    self.setting
                        .schemas
                        .clone()
                        .judge_context_of(Sender::Hub, seen.event.as_str(), &event);
                self.judge_schema(&judgement, spot, "/event");
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
        let id = seen.message.get("id").and_then(Value::as_str);
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
                };
                self.judge.broken(ids::ID_REUSED, breach);
            }
        }
        let stated = seen.message.get("timestamp").and_then(Value::as_str);
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
                };
                self.judge.broken(ids::TIMESTAMP, breach);
            }
        }
        let context = seen.message.pointer("/event/context").unwrap_or(&Value::Null);
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
                };
                self.judge.broken(ids::CONTEXT_UNALTERED, breach);
            }
        }
    }

    /// One id, one event.
    fn judge_ids(&mut self, seen: &[Seen]) {
        let mut known: BTreeMap<(&str, &str), &Seen> = BTreeMap::new();
        for own in seen {
            let Some(id) = own.message.get("id").and_then(Value::as_str) else {
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
                    seen.message.pointer("/event/context").unwrap_or(&Value::Null),
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
            if (sync_error(first) && sync_error(own)) && causes(&first.message) == causes(&own.message) {
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
            };
            self.judge.broken(ids::ID_UNIQUE, breach);
        }
    }

    fn judge_deliveries(&mut self, seen: &[Seen]) {
        for (position, name) in self.owed() {
            let publication = self.stage.publications[position].clone();
            if !publication.proper {
                continue;
            }
            let requester = publication.by == name;
            let requirement = if requester {
                ids::BROADCAST_TO_REQUESTER
            } else {
                ids::DELIVERED
            };
            let copies: Vec<&Seen> = seen
                .iter()
                .filter(|own| own.mock == name && own.publication == Some(position))
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
                };
                self.judge.broken(ids::ONCE, breach);
            }
        }
    }

    /// The hub accepted the event and then told the requester by a SyncError that it is not broadcast (2.6).
    fn was_refused_later(&self, publication: &Publication, seen: &[Seen], position: usize) -> bool {
        let nobody = seen.iter().all(|own| own.publication != Some(position));
        let told = seen.iter().any(|own| {
            own.mock == publication.by
                && own.event.kind() == EventKind::SyncError
                && causes(&own.message)
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
        let made_by_hub = |own: &&Seen| own.publication.is_none() && own.event.kind() == EventKind::SyncError;
        for own in seen.iter().filter(made_by_hub) {
            if !self.is_exact(&own.topic) {
                self.judge.held(ids::SYNC_ERROR_CAUSE);
                continue;
            }
            let broadcast = causes(&own.message).iter().any(|cause| {
                seen.iter().any(|other| {
                    other.event.kind() != EventKind::SyncError
                        && other.message.get("id").and_then(Value::as_str) == Some(&cause.event_id)
                })
            });
            if broadcast {
                let breach = Breach {
                    message:
                        "the hub sent a SyncError about an event that every subscriber acknowledged with 200"
                            .to_owned(),
                    expected: Some("no SyncError".to_owned()),
                    observed: Some(
                        causes(&own.message)
                            .first()
                            .map(|cause| cause.diagnostics.clone())
                            .unwrap_or_default(),
                    ),
                    places: vec![Place::at(own.received.spot.sequence)],
                    unmet: None,
                };
                self.judge.broken(ids::SYNC_ERROR_CAUSE, breach);
            }
        }
    }
}

fn is_owed(mock: &Mock, publication: &Publication) -> bool {
    let Some(membership) = mock.membership() else {
        return false;
    };
    let settled = membership
        .confirmed
        .into_iter()
        .chain(membership.replaced.iter().copied());
    let before = settled.max_by_key(|spot| spot.sequence);
    // Of SyncErrors only the others are owed a copy (2.5).
    let exempt = publication.event.kind() == EventKind::SyncError && publication.by == mock.name;
    mock.is_active()
        && !exempt
        && membership.current.contains(&publication.event)
        && before.is_some_and(|spot| spot.sequence < publication.requested.sequence)
}

fn causes(message: &Value) -> Vec<SyncErrorCause> {
    SyncErrorCause::from_context(message.pointer("/event/context").unwrap_or(&Value::Null))
}

/// The same instant, to the precision that the less precise of the two is written in.
fn is_same_time(one: &Timestamp, other: &Timestamp) -> bool {
    let difference = (one.instant().as_nanosecond() - other.instant().as_nanosecond()).unsigned_abs();
    let precision = |timestamp: &Timestamp| {
        let fraction = timestamp
            .as_str()
            .split_once(['.', ','])
            .map_or(0, |(_, rest)| rest.bytes().take_while(u8::is_ascii_digit).count());
        10_u128.pow(9_u32.saturating_sub(u32::try_from(fraction).unwrap_or(9)))
    };
    difference < precision(one).max(precision(other)).max(2)
}

/// What of the original is missing or other in the copy: where, and what. Entries may come in another order and members may
/// be added; nothing that was published may be lost.
fn lost(original: &Value, copy: &Value, pointer: &str) -> Option<(String, String)> {
    match (original, copy) {
        (Value::Object(own), Value::Object(other)) => own.iter().find_map(|(name, value)| {
            let place = format!("{pointer}/{}", name.replace('~', "~0").replace('/', "~1"));
            match other.get(name) {
                None => Some((place, "is missing".to_owned())),
                Some(found) => lost(value, found, &place),
            }
        }),
        (Value::Array(own), Value::Array(other)) if own.len() == other.len() => {
            let mut left: Vec<&Value> = other.iter().collect();
            for (position, value) in own.iter().enumerate() {
                let place = format!("{pointer}/{position}");
                let Some(at) = left.iter().position(|found| lost(value, found, &place).is_none()) else {
                    let found = other.get(position)?;
                    return lost(value, found, &place).or(Some((place, "is missing".to_owned())));
                };
                left.remove(at);
            }
            None
        }
        (Value::Array(own), Value::Array(other)) => Some((
            pointer.to_owned(),
            format!("has {} elements in place of {}", other.len(), own.len()),
        )),
        (own, other) if equal(own, other) => None,
        _ => Some((pointer.to_owned(), "has another value".to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn nothing_may_be_lost_but_order_and_additions_are_free() {
        let original =
            json!([{"key": "patient", "resource": {"id": "p", "active": true}}, {"key": "encounter"}]);
        let other_order = json!([{"key": "encounter"}, {"resource": {"active": true, "id": "p"}, "key": "patient", "x": 1}]);
        assert_eq!(lost(&original, &other_order, ""), None);
        let dropped = json!([{"key": "patient", "resource": {"id": "p"}}, {"key": "encounter"}]);
        assert_eq!(
            lost(&original, &dropped, ""),
            Some(("/0/resource/active".to_owned(), "is missing".to_owned()))
        );
        let shorter = json!([{"key": "encounter"}]);
        assert!(lost(&original, &shorter, "").is_some());
        let changed =
            json!([{"key": "patient", "resource": {"id": "q", "active": true}}, {"key": "encounter"}]);
        assert_eq!(
            lost(&original, &changed, "").map(|found| found.0),
            Some("/0/resource/id".to_owned())
        );
    }

    #[test]
    fn times_are_the_same_within_the_precision_that_they_are_written_in() {
        let time = |text: &str| text.parse::<Timestamp>().unwrap();
        assert!(is_same_time(
            &time("2026-03-01T09:30:00.123Z"),
            &time("2026-03-01T09:30:00.123000+00:00")
        ));
        assert!(is_same_time(
            &time("2026-03-01T09:30:00.123Z"),
            &time("2026-03-01T09:30:00Z")
        ));
        assert!(!is_same_time(
            &time("2026-03-01T09:30:00.123Z"),
            &time("2026-03-01T09:30:00.125Z")
        ));
        assert!(!is_same_time(
            &time("2026-03-01T09:30:00Z"),
            &time("2026-03-01T09:30:01Z")
        ));
    }
}
