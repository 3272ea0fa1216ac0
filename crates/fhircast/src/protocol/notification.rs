//! The event notification, from hub to subscriber and from a publishing subscriber to the hub (2.3, 2.5, 2.6).

use serde::Deserialize;
use serde_json::value::RawValue;

use super::event_name::EventName;
use super::members::{Members, MessageError};
use super::timestamp::Timestamp;

const VERSION_ID: &str = "context.versionId";
const BARE_VERSION_ID: &str = "versionId";
const PRIOR_VERSION_ID: &str = "context.priorVersionId";

/// One named entry of an event's context.
#[derive(Debug, Clone, Deserialize)]
pub struct ContextEntry {
    /// The key: lower case, case-sensitive.
    #[serde(default)]
    pub key: Option<String>,
    /// A FHIR resource, as its raw text.
    #[serde(default)]
    pub resource: Option<Box<RawValue>>,
    /// A FHIR reference, as its raw text.
    #[serde(default)]
    pub reference: Option<Box<RawValue>>,
}

/// An event notification. Members that castspec does not know, and the text of the context, stay as they came.
#[derive(Debug, Clone)]
pub struct Notification {
    /// When the event occurred.
    pub timestamp: Timestamp,
    /// Identifies the event.
    pub id: String,
    /// The session.
    pub topic: String,
    /// The event's name.
    pub event: EventName,
    members: Members,
    event_members: Members,
}

impl Notification {
    /// A notification with this context.
    pub fn new(
        timestamp: &Timestamp,
        id: &str,
        topic: &str,
        event: &EventName,
        context: Box<RawValue>,
    ) -> Self {
        let mut event_members = Members::default();
        event_members.set_text("hub.topic", topic);
        event_members.set_text("hub.event", event.as_str());
        event_members.set("context", context);
        let mut members = Members::default();
        members.set_text("timestamp", timestamp.as_str());
        members.set_text("id", id);
        Self {
            timestamp: timestamp.clone(),
            id: id.to_owned(),
            topic: topic.to_owned(),
            event: event.clone(),
            members,
            event_members,
        }
    }

    /// Reads a notification.
    ///
    /// # Errors
    /// When it is no JSON object, a required member is missing or of the wrong type, the timestamp or the event's name
    /// cannot be read, or the context is no array of objects.
    pub fn parse(text: &str) -> Result<Self, MessageError> {
        let members = Members::parse(text)?;
        let timestamp = members
            .required_text("", "timestamp")?
            .parse::<Timestamp>()
            .map_err(|error| MessageError::new("/timestamp", error.to_string()))?;
        let id = members.required_text("", "id")?;
        let event = members
            .get("event")
            .ok_or_else(|| MessageError::new("/event", "is required and is missing"))?;
        let event_members: Members = serde_json::from_str(event.get())
            .map_err(|error| MessageError::new("/event", format!("must be a JSON object ({error})")))?;
        let topic = event_members.required_text("/event", "hub.topic")?;
        let event = event_members
            .required_text("/event", "hub.event")?
            .parse::<EventName>()
            .map_err(|error| MessageError::new("/event/hub.event", error.to_string()))?;
        let notification = Self {
            timestamp,
            id,
            topic,
            event,
            members,
            event_members,
        };
        notification.context()?;
        Ok(notification)
    }

    /// The entries of the context.
    ///
    /// # Errors
    /// When there is no context or it is no array of objects.
    pub fn context(&self) -> Result<Vec<ContextEntry>, MessageError> {
        let raw = self
            .event_members
            .get("context")
            .ok_or_else(|| MessageError::new("/event/context", "is required and is missing"))?;
        serde_json::from_str(raw.get())
            .map_err(|_| MessageError::new("/event/context", "must be an array of objects with a key each"))
    }

    /// The raw text of the context.
    pub fn raw_context(&self) -> Option<&RawValue> {
        self.event_members.get("context")
    }

    /// The versions that an event states, in the spelling of `context.versionId` and in that of `versionId`: those that are
    /// there (2.3, 2.10).
    ///
    /// # Errors
    /// When one of them is no text.
    pub fn version_ids(&self) -> Result<Vec<String>, MessageError> {
        let dotted = self.event_members.optional_text("/event", VERSION_ID)?;
        let bare = self.event_members.optional_text("/event", BARE_VERSION_ID)?;
        Ok(dotted.into_iter().chain(bare).collect())
    }

    /// States the version of the context, and the version before it, in the spelling of `context.versionId`; a bare
    /// `versionId` that came is set too, so that the two never disagree.
    pub fn set_version(&mut self, version: &str, prior: Option<&str>) {
        self.event_members.set_text(VERSION_ID, version);
        if self.event_members.get(BARE_VERSION_ID).is_some() {
            self.event_members.set_text(BARE_VERSION_ID, version);
        }
        self.event_members.remove("priorVersionId");
        match prior {
            Some(prior) => self.event_members.set_text(PRIOR_VERSION_ID, prior),
            None => self.event_members.remove(PRIOR_VERSION_ID),
        }
    }

    /// The members of `event`, to be read or changed.
    pub fn event_members(&mut self) -> &mut Members {
        &mut self.event_members
    }

    /// The members of the notification but for `event`, to be read or changed.
    pub fn members(&mut self) -> &mut Members {
        &mut self.members
    }

    /// The notification as JSON: members in the order in which they came, raw values as they came.
    pub fn to_text(&self) -> String {
        let mut members = self.members.clone();
        if let Ok(event) = serde_json::value::to_raw_value(&self.event_members) {
            members.set("event", event);
        }
        serde_json::to_string(&members).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPEN: &str = r#"{"id":"1","timestamp":"2026-03-01T09:30:00Z","event":{"context":[ {"key":"patient","resource":{"resourceType":"Patient","id":"p","x":1.50}} ],"hub.event":"Patient-open","hub.topic":"t","extension":{"a":[1]}},"extension":{}}"#;

    #[test]
    fn what_castspec_does_not_know_survives() {
        let notification = Notification::parse(OPEN).unwrap();
        assert_eq!(notification.to_text(), OPEN);
        assert_eq!(notification.topic, "t");
        assert_eq!(notification.context().unwrap().len(), 1);
    }

    #[test]
    fn a_version_replaces_the_one_before() {
        let mut notification = Notification::parse(OPEN).unwrap();
        notification.set_version("v1", None);
        notification.set_version("v2", Some("v1"));
        assert_eq!(
            notification.version_ids().unwrap().first().map(String::as_str),
            Some("v2")
        );
        assert!(
            notification
                .to_text()
                .contains(r#""context.versionId":"v2","context.priorVersionId":"v1""#)
        );
        assert!(notification.to_text().contains("1.50"));
    }

    #[test]
    fn what_is_wrong_is_named() {
        let cases = [
            (r#"{"id":"1","event":{}}"#, "/timestamp"),
            (r#"{"timestamp":"2026-03-01T09:30:00Z","event":{}}"#, "/id"),
            (
                r#"{"timestamp":"2026-03-01T09:30:00Z","id":"","event":{}}"#,
                "/id",
            ),
            (r#"{"timestamp":"yesterday","id":"1","event":{}}"#, "/timestamp"),
            (r#"{"timestamp":"2026-03-01T09:30:00Z","id":"1"}"#, "/event"),
            (
                r#"{"timestamp":"2026-03-01T09:30:00Z","id":"1","event":[]}"#,
                "/event",
            ),
            (
                r#"{"timestamp":"2026-03-01T09:30:00Z","id":"1","event":{"hub.topic":"t"}}"#,
                "/event/hub.event",
            ),
            (
                r#"{"timestamp":"2026-03-01T09:30:00Z","id":"1","event":{"hub.topic":"t","hub.event":"Patient-*","context":[]}}"#,
                "/event/hub.event",
            ),
            (
                r#"{"timestamp":"2026-03-01T09:30:00Z","id":"1","event":{"hub.topic":"t","hub.event":"Patient-open","context":{}}}"#,
                "/event/context",
            ),
        ];
        for (text, pointer) in cases {
            assert_eq!(Notification::parse(text).unwrap_err().pointer, pointer, "{text}");
        }
    }
}
