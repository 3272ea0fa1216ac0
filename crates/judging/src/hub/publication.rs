//! Published events, and which of them a received notification is a copy of.

use std::sync::Arc;

use serde_json::Value;

use super::sameness::{is_same_time, lost};
use crate::protocol::{Action, EventKind, EventName, SyncErrorCause, Timestamp};
use crate::{Received, Spot};

/// An event that was published.
#[derive(Debug, Clone)]
pub struct Publication {
    /// The name of its publisher; `None` where that is not known.
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
    /// Place of the request in the transcript.
    pub requested: Spot,
    /// Place of the answer in the transcript.
    pub answered: Spot,
    /// Whether the hub accepted it.
    pub accepted: bool,
    /// Whether it had to be accepted: nothing leaves it open whether the hub takes it.
    pub proper: bool,
}

impl Publication {
    /// An open event of another resource, whose context refers to the resource that this open event is about.
    fn implies(&self, event: &EventName, message: &Value) -> bool {
        self.event != *event
            && self.event.is(Action::Open)
            && event.is(Action::Open)
            && subject_id(event, context_of(message))
                .is_some_and(|subject| subject_id(event, &self.context) == Some(subject))
    }

    fn has_time_of(&self, message: &Value) -> bool {
        let stated = message.get("timestamp").and_then(Value::as_str);
        let parsed = stated.and_then(|text| text.parse::<Timestamp>().ok());
        match (parsed, self.timestamp.parse::<Timestamp>()) {
            (Some(stated), Ok(published)) => is_same_time(&stated, &published),
            _ => false,
        }
    }

    /// The same event, about the same resource, or with the same context where it is about none: a copy to which the hub
    /// gave another id.
    fn resembles(&self, message: &Value) -> bool {
        let context = context_of(message);
        match subject_id(&self.event, &self.context) {
            Some(subject) => {
                subject_id(&self.event, context) == Some(subject)
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

/// Position of the publication that a received notification is a copy of: the one with its id; where none has it, the last of
/// the same event, resource and time that had been published by then, or of the same event and resource. A notification that
/// does not name its event is told by its id alone.
pub fn origin(publications: &[Arc<Publication>], received: &Received) -> Option<usize> {
    let message = received.message()?;
    let id = received.id();
    let has_id = |publication: &Publication| Some(publication.id.as_str()) == id;
    let Some(event) = event_of(received) else {
        return publications.iter().rposition(|publication| has_id(publication));
    };
    let same_event = |publication: &Publication| publication.event == event;
    let by_id = publications
        .iter()
        .rposition(|publication| same_event(publication) && has_id(publication));
    by_id.or_else(|| {
        let before = |publication: &Publication| publication.requested.sequence < received.spot.sequence;
        let alike = |publication: &Publication| {
            same_event(publication) && before(publication) && publication.resembles(message)
        };
        let position = publications
            .iter()
            .rposition(|publication| alike(publication) && publication.has_time_of(message))
            .or_else(|| publications.iter().rposition(|publication| alike(publication)))?;
        let found = &publications[position];
        // A later event about another resource may imply this one once more (2.5), with an id and a time of its own
        // (ambiguities, 28 and 69).
        let implied = publications[position + 1..]
            .iter()
            .any(|later| before(later) && later.topic == found.topic && later.implies(&event, message));
        (!implied || found.has_time_of(message)).then_some(position)
    })
}

/// The context of a notification; null where there is none.
pub fn context_of(message: &Value) -> &Value {
    message.pointer("/event/context").unwrap_or(&Value::Null)
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
        // A reference may name a version of the resource, and the server that holds it.
        let unversioned = reference
            .split_once("/_history/")
            .map_or(reference, |(before, _)| before);
        let (path, id) = unversioned.rsplit_once('/')?;
        let referred_type = path.rsplit('/').next()?;
        (referred_type == resource_type).then(|| id.to_owned())
    })
}

fn bundle_id(context: &Value) -> Option<&str> {
    let entries = context.as_array()?;
    let updates = entries
        .iter()
        .find(|entry| entry.get("key").and_then(Value::as_str) == Some("updates"))?;
    updates.pointer("/resource/id")?.as_str()
}

/// Whether a notification names another topic than its subscriber's: it came by a leak.
pub fn is_foreign(message: &Value, topic: &str) -> bool {
    let named = message.pointer("/event/hub.topic").and_then(Value::as_str);
    named.is_some_and(|named| named != topic)
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

/// The events that a received SyncError is about.
pub fn causes(message: &Value) -> Vec<SyncErrorCause> {
    SyncErrorCause::from_context(context_of(message))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;

    use super::*;

    fn spot(sequence: usize) -> Spot {
        let at = Duration::ZERO;
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

    fn origin_of_patient_open(publications: Vec<Publication>, timestamp: &str) -> Option<usize> {
        let publications: Vec<Arc<Publication>> = publications.into_iter().map(Arc::new).collect();
        let event = json!({"hub.event": "Patient-open", "context": publications[0].context});
        let received = Received {
            spot: spot(9),
            socket: 0,
            call: None,
            text: "".into(),
            json: Some(Arc::new(
                json!({"id": "another", "timestamp": timestamp, "event": event}),
            )),
        };
        origin(&publications, &received)
    }

    #[test]
    fn an_event_under_another_id_is_a_copy_unless_a_later_one_may_imply_it() {
        let (patient, encounter) = (publication("Patient-open", 1), publication("Encounter-open", 2));
        let later = "2026-03-01T09:30:02.000Z";
        let origin = origin_of_patient_open;
        assert_eq!(origin(vec![patient.clone()], later), Some(0));
        assert_eq!(origin(vec![encounter.clone(), patient.clone()], later), Some(1));
        assert_eq!(origin(vec![patient.clone(), encounter.clone()], later), None);
        let time_of_patient = patient.timestamp.clone();
        assert_eq!(origin(vec![patient, encounter], &time_of_patient), Some(0));
    }
}
