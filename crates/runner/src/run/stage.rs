//! Where one scenario plays: its subscribers, its topics, what was published, and what is known of each.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Value, json};

use super::dialect::spelled;
use super::sameness::{is_same_time, lost};
use super::tokens::Credential;
use crate::client::{AnswerRule, Callback, Inbox, Log, Policy, Received, Socket, Spot, Verified};
use crate::protocol::Version;
use crate::protocol::{Action, EventKind, EventName, Status, SyncErrorCause, Timestamp, join_events};
use crate::scenario::{self, Channel, Variables};

/// A mock subscriber on the stage.
#[derive(Debug)]
pub struct Mock {
    /// Its name in the scenario.
    pub name: String,
    /// `subscriber.name` that it gives, if any.
    pub subscriber_name: Option<String>,
    /// The events that it subscribes to.
    pub events: Vec<EventName>,
    /// The topic.
    pub topic: String,
    /// The lease that it asks for, in seconds.
    pub lease: Option<u64>,
    /// How it answers.
    pub policy: Arc<Mutex<Policy>>,
    /// What it received.
    pub inbox: Inbox,
    /// The way that its notifications take.
    pub channel: Channel,
    /// Its callback, where it has a webhook.
    pub callback: Option<Callback>,
    /// What is known of its callback, where somebody else plays it.
    pub called: Option<Called>,
    /// `hub.secret` that it gives; empty for none.
    pub secret: String,
    /// Webhook subscriptions that it has asked for and not yet agreed to at its callback, the last one last.
    pub pending: Vec<Pending>,
    /// How many of the verifications that its callback has answered are accounted for.
    pub accounted: usize,
    /// The endpoint that it was given last.
    pub endpoint: Option<String>,
    /// Its WebSocket, while it has one.
    pub socket: Option<Socket>,
    /// WebSockets left behind by a new subscription; they are still read.
    pub old_sockets: Vec<Socket>,
    /// How many channels it has opened.
    pub opened: usize,
    /// It has answered everything with 200 at once, kept its connection, and sent nothing odd.
    pub exact: bool,
    /// Its subscriptions, the last one last.
    pub memberships: Vec<Membership>,
    /// The token that it shows in place of the target's own.
    pub credential: Option<Credential>,
}

/// The callback of a subscriber that others play.
#[derive(Debug)]
pub struct Called {
    /// `hub.callback`.
    pub url: String,
    /// The intent verifications that it has answered.
    pub verified: Vec<Verified>,
}

/// A request for a webhook subscription of which the intent is still to be verified.
#[derive(Debug, Clone)]
pub struct Pending {
    /// The events asked for.
    pub events: Vec<EventName>,
    /// Which of the secrets that were given it gave.
    pub secret: Option<usize>,
    /// Where the request stands in the log.
    pub requested: usize,
}

/// A subscription of a mock subscriber, from its request to its end.
#[derive(Debug, Clone)]
pub struct Membership {
    /// Counts the channels of the subscriber.
    pub socket: Option<usize>,
    /// Of a webhook, which of the secrets that were given signs its notifications.
    pub secret: Option<usize>,
    /// The events asked for.
    pub asked: Vec<EventName>,
    /// Every event that it was ever granted in this subscription.
    pub granted: Vec<EventName>,
    /// The events that it is granted now.
    pub current: Vec<EventName>,
    /// The granted lease, in seconds.
    pub lease: Option<f64>,
    /// Where the confirmation stands in the log; of a webhook, where the subscriber agreed to the verification.
    pub confirmed: Option<Spot>,
    /// Where a re-subscription over this endpoint was asked for.
    pub replaced: Vec<Spot>,
    /// Where it was ended by the subscriber: the unsubscribe request, or the close.
    pub ended: Option<Spot>,
}

/// An event that was published.
#[derive(Debug, Clone)]
pub struct Publication {
    /// Who published it; `None` where that is not known.
    pub by: Option<String>,
    /// The topic.
    pub topic: String,
    /// Its id.
    pub id: String,
    /// Its timestamp, as sent.
    pub timestamp: String,
    /// Its event.
    pub event: EventName,
    /// Its context.
    pub context: Value,
    /// Where the request stands in the log.
    pub requested: Spot,
    /// Where the answer stands in the log.
    pub answered: Spot,
    /// Whether the hub accepted it.
    pub accepted: bool,
    /// It was to be accepted: the scenario does not leave it open whether the hub takes it.
    pub proper: bool,
}

/// What one scenario plays with.
#[derive(Debug)]
pub struct Stage {
    /// The record.
    pub log: Log,
    /// The subscribers, by name.
    pub mocks: BTreeMap<String, Mock>,
    /// Everything published, in order.
    pub publications: Vec<Arc<Publication>>,
    /// Saved publications by name: where they stand in `publications`.
    pub saved_publications: BTreeMap<String, usize>,
    /// Saved messages by name: where they stand in the log.
    pub saved_messages: BTreeMap<String, Spot>,
    /// The cases, by name.
    pub cases: BTreeMap<String, Value>,
    /// The variables.
    pub variables: Variables,
    /// Nobody takes part in the topics but these subscribers.
    pub everyone_seen: bool,
}

impl Mock {
    /// A subscriber that has done nothing yet.
    pub fn new(name: &str, spec: &scenario::Subscriber, topic: &str, version: Version) -> Self {
        let events = spec.events.iter().filter_map(|event| event.value.parse().ok());
        let events = events.map(|event| spelled(version, &event)).collect();
        Self {
            channel: spec.channel_in(version),
            callback: None,
            called: None,
            secret: spec
                .secret
                .clone()
                .unwrap_or_else(|| uuid::Uuid::new_v4().simple().to_string()),
            pending: Vec::new(),
            accounted: 0,
            name: name.to_owned(),
            subscriber_name: spec.name.clone(),
            events,
            topic: topic.to_owned(),
            lease: spec.lease_seconds,
            policy: Arc::new(Mutex::new(policy_of(&spec.answers))),
            inbox: Inbox::default(),
            endpoint: None,
            socket: None,
            old_sockets: Vec::new(),
            opened: 0,
            exact: spec.answers.is_empty(),
            memberships: Vec::new(),
            credential: None,
        }
    }

    /// Changes how it answers.
    pub fn set_answers(&mut self, rules: &[scenario::Answer]) {
        self.exact &= rules.is_empty();
        *self.policy.lock().unwrap_or_else(PoisonError::into_inner) = policy_of(rules);
    }

    /// `hub.callback`, where it has one.
    pub fn callback_url(&self) -> Option<&str> {
        let own = self.callback.as_ref().map(Callback::url);
        own.or_else(|| self.called.as_ref().map(|called| called.url.as_str()))
    }

    /// The intent verifications that its callback has answered.
    pub fn verified(&self) -> Vec<Verified> {
        let own = self.callback.as_ref().map(Callback::verified);
        own.or_else(|| self.called.as_ref().map(|called| called.verified.clone()))
            .unwrap_or_default()
    }

    /// The subscription that it has now.
    pub fn membership(&self) -> Option<&Membership> {
        self.memberships.last()
    }

    /// The subscription that it has now, to be changed.
    pub fn membership_mut(&mut self) -> Option<&mut Membership> {
        self.memberships.last_mut()
    }

    /// Whether its notifications come to a callback.
    pub fn is_webhook(&self) -> bool {
        self.channel == Channel::Webhook
    }

    /// The subscription that a received message belongs to: the last that was confirmed by then over its channel.
    pub fn membership_of(&self, received: &Received) -> Option<&Membership> {
        let of_channel = || {
            let memberships = self.memberships.iter().rev();
            memberships.filter(|own| own.socket == Some(received.socket))
        };
        let by_then = |own: &&Membership| {
            own.confirmed
                .is_some_and(|spot| spot.sequence < received.spot.sequence)
        };
        of_channel().find(by_then).or_else(|| of_channel().next())
    }

    /// Whether it has an open channel and a confirmed subscription that nobody has ended.
    pub fn is_active(&self) -> bool {
        let Some(membership) = self.membership() else {
            return false;
        };
        let Some(socket) = membership.socket else {
            return false;
        };
        membership.confirmed.is_some()
            && membership.ended.is_none()
            && self.inbox.closed().iter().all(|closed| closed.socket != socket)
    }

    /// Whether the hub has closed the WebSocket of the subscription that it has now, unasked.
    pub fn was_ended_by_hub(&self) -> bool {
        self.membership().is_some_and(|own| {
            own.ended.is_none()
                && self
                    .inbox
                    .closed()
                    .iter()
                    .any(|closed| Some(closed.socket) == own.socket && closed.by_hub)
        })
    }

    /// What scenarios may know of it.
    pub fn to_variable(&self) -> Value {
        let membership = self.membership();
        json!({
            "endpoint": self.endpoint,
            "topic": self.topic,
            "name": self.subscriber_name,
            "callback": self.callback.as_ref().map(Callback::url),
            "events": membership.map(|own| join_events(&own.current)),
            "lease_seconds": membership.and_then(|own| own.lease),
        })
    }
}

impl Membership {
    /// A subscription that has been asked for.
    pub fn new(asked: Vec<EventName>) -> Self {
        Self {
            socket: None,
            secret: None,
            asked,
            granted: Vec::new(),
            current: Vec::new(),
            lease: None,
            confirmed: None,
            replaced: Vec::new(),
            ended: None,
        }
    }
}

impl Publication {
    /// An open event of another resource, whose context refers to the resource that this open event is about.
    fn implies(&self, event: &EventName, message: &Value) -> bool {
        let context = message.pointer("/event/context").unwrap_or(&Value::Null);
        self.event != *event
            && self.event.is(Action::Open)
            && event.is(Action::Open)
            && subject_id(event, context).is_some_and(|own| subject_id(event, &self.context) == Some(own))
    }

    fn has_time_of(&self, message: &Value) -> bool {
        let stated = message.get("timestamp").and_then(Value::as_str);
        let parsed = stated.and_then(|text| text.parse::<Timestamp>().ok());
        match (parsed, self.timestamp.parse::<Timestamp>()) {
            (Some(stated), Ok(own)) => is_same_time(&stated, &own),
            _ => false,
        }
    }

    /// The same event, about the same resource, or with the same context where it is about none: a copy to which the hub
    /// gave another id.
    fn resembles(&self, message: &Value) -> bool {
        let context = message.pointer("/event/context").unwrap_or(&Value::Null);
        match subject_id(&self.event, &self.context) {
            Some(own) => {
                subject_id(&self.event, context) == Some(own)
                    && bundle_id(&self.context) == bundle_id(context)
            }
            None => {
                subject_id(&self.event, context).is_none()
                    && context.is_array()
                    && lost(&self.context, context, "").is_none()
            }
        }
    }
}

impl Stage {
    /// Where the publication stands that a received notification is a copy of: the one with its id; where none has it, the
    /// last of the same event, resource and time that had been published by then, or of the same event and resource. One that does not name its event is told by its
    /// id alone.
    pub fn origin(&self, received: &Received) -> Option<usize> {
        let message = received.message()?;
        let id = message.get("id").and_then(Value::as_str);
        let Some(event) = event_of(received) else {
            return self
                .publications
                .iter()
                .rposition(|own| Some(own.id.as_str()) == id);
        };
        let same_event = |own: &Publication| own.event == event;
        let by_id = self
            .publications
            .iter()
            .rposition(|own| same_event(own) && Some(own.id.as_str()) == id);
        by_id.or_else(|| {
            let before = |own: &Publication| own.requested.sequence < received.spot.sequence;
            let alike = |own: &Publication| same_event(own) && before(own) && own.resembles(message);
            let publications = &self.publications;
            let position = publications
                .iter()
                .rposition(|own| alike(own) && own.has_time_of(message))
                .or_else(|| publications.iter().rposition(|own| alike(own)))?;
            // A later event about another resource may imply this one once more (2.5), with an id and a time of its own
            // (ambiguities, 28 and 69).
            let implied = self.publications[position + 1..].iter().any(|own| {
                before(own) && own.topic == self.publications[position].topic && own.implies(&event, message)
            });
            (!implied || self.publications[position].has_time_of(message)).then_some(position)
        })
    }
}

/// The id of the resource that an event is about.
pub fn subject_id(event: &EventName, context: &Value) -> Option<String> {
    let (resource_type, _) = event.resource()?;
    let entries = context.as_array()?;
    entries.iter().find_map(|entry| {
        if let Some(resource) = entry.get("resource")
            && resource.get("resourceType").and_then(Value::as_str) == Some(&resource_type)
        {
            return resource.get("id")?.as_str().map(str::to_owned);
        }
        let reference = entry.pointer("/reference/reference")?.as_str()?;
        let (own_type, id) = reference.rsplit_once('/')?;
        (own_type.ends_with(&resource_type)).then(|| id.to_owned())
    })
}

fn bundle_id(context: &Value) -> Option<&str> {
    let entries = context.as_array()?;
    let updates = entries
        .iter()
        .find(|entry| entry.get("key").and_then(Value::as_str) == Some("updates"))?;
    updates.pointer("/resource/id")?.as_str()
}

/// A notification that names another topic than its subscriber's: it came by a leak.
pub fn is_foreign(message: &Value, topic: &str) -> bool {
    let own = message.pointer("/event/hub.topic").and_then(Value::as_str);
    own.is_some_and(|own| own != topic)
}

/// The version of the context that a notification states, in either spelling.
pub fn version_of(message: &Value) -> Option<&str> {
    let event = message.get("event")?;
    event
        .get("context.versionId")
        .or_else(|| event.get("versionId"))?
        .as_str()
}

/// The event's name in a received notification; `None` where it names none that there could be.
pub fn event_of(received: &Received) -> Option<EventName> {
    let name = received.message()?.pointer("/event/hub.event")?.as_str()?;
    let event: Option<EventName> = name.parse().ok();
    event.filter(|event| event.kind() != EventKind::Unknown)
}

fn policy_of(answers: &[scenario::Answer]) -> Policy {
    let rules = answers
        .iter()
        .map(|answer| AnswerRule {
            event: answer.event.as_ref().and_then(|event| event.parse().ok()),
            status: (!answer.never).then(|| Status {
                code: answer.status.unwrap_or(200),
                as_text: answer.as_text,
            }),
            after: std::time::Duration::from_millis(answer.after_ms.unwrap_or(0)),
        })
        .collect();
    Policy { rules }
}

/// What a received SyncError is about.
pub fn causes(message: &Value) -> Vec<SyncErrorCause> {
    SyncErrorCause::from_context(message.pointer("/event/context").unwrap_or(&Value::Null))
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    fn spot(sequence: usize) -> Spot {
        let at = Instant::now();
        Spot { sequence, at }
    }

    fn publication(event: &str, second: usize) -> Publication {
        let patient = json!({"key": "patient", "resource": {"resourceType": "Patient", "id": "p"}});
        Publication {
            by: Some("viewer".to_owned()),
            topic: "t".to_owned(),
            id: format!("{event}-{second}"),
            timestamp: format!("2026-03-01T09:30:0{second}.000Z"),
            event: event.parse().unwrap(),
            context: json!([patient]),
            requested: spot(second),
            answered: spot(second),
            accepted: true,
            proper: true,
        }
    }

    fn origin(publications: Vec<Publication>, timestamp: &str) -> Option<usize> {
        let stage = Stage {
            log: Log::new(crate::redaction::Redactor::default(), None),
            mocks: BTreeMap::new(),
            publications: publications.into_iter().map(Arc::new).collect(),
            saved_publications: BTreeMap::new(),
            saved_messages: BTreeMap::new(),
            cases: BTreeMap::new(),
            variables: Variables::default(),
            everyone_seen: true,
        };
        let event = json!({"hub.event": "Patient-open", "context": stage.publications[0].context});
        stage.origin(&Received {
            spot: spot(9),
            socket: 0,
            call: None,
            text: "".into(),
            json: Some(Arc::new(
                json!({"id": "another", "timestamp": timestamp, "event": event}),
            )),
        })
    }

    #[test]
    fn an_event_under_another_id_is_a_copy_unless_a_later_one_may_imply_it() {
        let (patient, encounter) = (publication("Patient-open", 1), publication("Encounter-open", 2));
        let later = "2026-03-01T09:30:02.000Z";
        assert_eq!(origin(vec![patient.clone()], later), Some(0));
        assert_eq!(origin(vec![encounter.clone(), patient.clone()], later), Some(1));
        assert_eq!(origin(vec![patient.clone(), encounter.clone()], later), None);
        let own_time = patient.timestamp.clone();
        assert_eq!(origin(vec![patient, encounter], &own_time), Some(0));
    }
}
