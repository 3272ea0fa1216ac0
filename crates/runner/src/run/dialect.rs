//! How this hub wants to be spoken to, where the specification allows more than one way (ambiguities, 3 and 4).

use std::sync::{Mutex, PoisonError};

use crate::client::OutgoingRequest;
use crate::protocol::{EventKind, EventName, Version};

/// The media types in which events may be published: that of the examples of STU3, and that of the versions before.
const MEDIA_TYPES: [&str; 2] = ["application/fhir+json", "application/json"];

/// Where and how events are published to this hub.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Manner {
    /// Which of the two media types.
    media_type: usize,
    /// Append the topic to `hub.url`.
    topic_in_url: bool,
}

/// The manner that the hub has last accepted, shared by all scenarios.
#[derive(Debug, Default)]
pub struct Dialect {
    hub_url: String,
    accepted: Mutex<Manner>,
}

impl Dialect {
    /// A hub of which nothing is known yet: events go to `hub.url`, in the media type of the version's examples.
    pub fn new(hub_url: &str, version: Version) -> Self {
        let manner = Manner {
            media_type: usize::from(version != Version::Stu3),
            topic_in_url: false,
        };
        Self {
            hub_url: hub_url.to_owned(),
            accepted: Mutex::new(manner),
        }
    }

    /// The manner to begin with.
    pub fn manner(&self) -> Manner {
        *self.accepted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The hub accepted an event in this manner.
    pub fn learn(&self, manner: Manner) {
        *self.accepted.lock().unwrap_or_else(PoisonError::into_inner) = manner;
    }

    /// Where events are published.
    pub fn publish_url(&self, manner: Manner, topic: &str) -> String {
        if manner.topic_in_url {
            let topic: String = url::form_urlencoded::byte_serialize(topic.as_bytes()).collect();
            format!("{}/{}", self.hub_url, topic.replace('+', "%20"))
        } else {
            self.hub_url.clone()
        }
    }

    /// The request that publishes this notification.
    pub fn request(&self, manner: Manner, topic: &str, body: String) -> OutgoingRequest {
        OutgoingRequest::json(&self.publish_url(manner, topic), manner.media_type(), body)
    }
}

impl Manner {
    /// The media type.
    pub fn media_type(self) -> &'static str {
        MEDIA_TYPES[self.media_type]
    }

    /// Whether the topic is appended to `hub.url`.
    pub fn has_topic_in_url(self) -> bool {
        self.topic_in_url
    }

    /// What to try after the hub has refused a proper event with this status; nothing where all has been tried.
    pub fn after_refusal(self, status: u16, tried: &[Self]) -> Option<Self> {
        let other_type = Self {
            media_type: 1 - self.media_type,
            ..self
        };
        let other_url = Self {
            topic_in_url: !self.topic_in_url,
            ..self
        };
        let candidates = match status {
            400 | 406 | 415 | 422 => [other_type, other_url],
            404 | 405 => [other_url, other_type],
            _ => return None,
        };
        let likely = if matches!(status, 404 | 405) {
            &candidates[..]
        } else {
            &candidates[..1]
        };
        likely.iter().copied().find(|manner| !tried.contains(manner))
    }
}

/// An event as the version's own examples spell it: the versions before STU3 in lower case (ambiguities, 11). A name in a
/// spelling of its own stays as it is.
pub fn spelled(version: Version, event: &EventName) -> EventName {
    let canonical = match event.kind() {
        EventKind::Resource {
            resource_type,
            action,
        } => format!("{resource_type}-{}", action.suffix()),
        EventKind::HomeOpen => "Home-open".to_owned(),
        EventKind::SyncError => "SyncError".to_owned(),
        EventKind::UserLogout => "UserLogout".to_owned(),
        EventKind::UserHibernate => "UserHibernate".to_owned(),
        EventKind::Proprietary | EventKind::Unknown => return event.clone(),
    };
    if version == Version::Stu3 || event.as_str() != canonical {
        return event.clone();
    }
    event.folded().parse().unwrap_or_else(|_| event.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_older_versions_write_event_names_in_lower_case() {
        for (name, older) in [
            ("Patient-open", "patient-open"),
            ("ImagingStudy-close", "imagingstudy-close"),
            ("SyncError", "syncerror"),
            ("pATIENT-open", "pATIENT-open"),
            ("org.Example.x", "org.Example.x"),
        ] {
            let event: EventName = name.parse().unwrap();
            assert_eq!(spelled(Version::Stu3, &event).as_str(), name);
            assert_eq!(spelled(Version::Stu2, &event).as_str(), older);
        }
    }

    #[test]
    fn the_other_media_type_is_tried_once_and_the_other_url_where_nothing_is_there() {
        let first = Manner::default();
        let second = first.after_refusal(415, &[first]).unwrap();
        assert_eq!(second.media_type(), "application/json");
        assert_eq!(second.after_refusal(415, &[first, second]), None);
        assert!(first.after_refusal(404, &[first]).unwrap().has_topic_in_url());
        assert_eq!(first.after_refusal(409, &[first]), None);
    }

    #[test]
    fn a_topic_is_encoded_in_the_url() {
        let dialect = Dialect::new("https://h/f", Version::Stu3);
        let manner = Manner {
            media_type: 0,
            topic_in_url: true,
        };
        assert_eq!(dialect.publish_url(manner, "a b/ü"), "https://h/f/a%20b%2F%C3%BC");
        assert_eq!(dialect.publish_url(Manner::default(), "a"), "https://h/f");
    }
}
