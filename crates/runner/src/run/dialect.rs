//! How this hub wants to be spoken to, where the specification allows more than one way, or where the hub has one of its own
//! (ambiguities, 3, 4, 13 and 82). It is found out before the first scenario; the target file can say it instead.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use url::Url;

use super::target::Target;
use crate::client::OutgoingRequest;
use crate::protocol::{EventKind, EventName, Version};

/// The media types in which events may be published: that of the examples of STU3, and that of the versions before.
const MEDIA_TYPES: [&str; 2] = ["application/fhir+json", "application/json"];

/// What the target file says of the hub's dialect; what it leaves out is found out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DialectSettings {
    /// Where events are published.
    pub publish_url: Option<Url>,
    /// The media type of published events.
    pub media_type: Option<String>,
    /// Parameters that every subscription request must carry.
    pub subscribe_parameters: BTreeMap<String, String>,
    /// Whether an unsubscribe must name `hub.events`.
    pub unsubscribe_with_events: Option<bool>,
}

/// Where and how events are published to this hub.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PublishingManner {
    /// Which of the two media types.
    media_type: usize,
    /// Append the topic to `hub.url`.
    topic_in_url: bool,
}

/// What is known of the hub's dialect, shared by all scenarios.
#[derive(Debug, Default)]
pub struct Dialect {
    /// `hub.url` exactly as it was given.
    hub_url: String,
    settings: DialectSettings,
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    manner: PublishingManner,
    subscribe_parameters: BTreeMap<String, String>,
    unsubscribe_with_events: bool,
    without_confirmation: bool,
    opens_websockets: bool,
    goes_down_on_unsubscribes: bool,
    frames_of_its_own: bool,
    publications_hang: Option<String>,
    withheld: BTreeSet<EventName>,
}

impl Dialect {
    /// A hub of which nothing is known beside what the target says: events go to `hub.url`, in the media type of the
    /// version's examples.
    pub fn new(target: &Target) -> Self {
        let manner = PublishingManner {
            media_type: usize::from(target.version != Version::Stu3),
            topic_in_url: false,
        };
        let settings = target.dialect.clone();
        let known = Known {
            manner,
            subscribe_parameters: settings.subscribe_parameters.clone(),
            unsubscribe_with_events: settings.unsubscribe_with_events.unwrap_or_default(),
            ..Known::default()
        };
        Self {
            hub_url: target.hub_url_as_given(),
            settings,
            known: Mutex::new(known),
        }
    }

    /// `hub.url` exactly as it was given, a trailing slash included: where subscription requests go.
    pub fn hub_url(&self) -> &str {
        &self.hub_url
    }

    /// The manner in which events are published.
    pub fn manner(&self) -> PublishingManner {
        self.known().manner
    }

    /// The hub takes events in this manner.
    pub fn learn(&self, manner: PublishingManner) {
        self.known().manner = manner;
    }

    /// The manners to try, the one that is known first; one alone where the target says both the URL and the media type.
    pub fn manners(&self) -> Vec<PublishingManner> {
        let first = self.manner();
        let other_type = PublishingManner {
            media_type: 1 - first.media_type,
            ..first
        };
        let with_topic = |manner: PublishingManner| PublishingManner {
            topic_in_url: !manner.topic_in_url,
            ..manner
        };
        let mut manners = vec![first];
        if self.settings.media_type.is_none() {
            manners.push(other_type);
        }
        if self.settings.publish_url.is_none() {
            let more: Vec<_> = manners.iter().copied().map(with_topic).collect();
            manners.extend(more);
        }
        manners
    }

    /// The media type of events that are published in this manner.
    pub fn media_type(&self, manner: PublishingManner) -> &str {
        match &self.settings.media_type {
            Some(media_type) => media_type,
            None => MEDIA_TYPES[manner.media_type],
        }
    }

    /// Where events are published.
    pub fn publish_url(&self, manner: PublishingManner, topic: &str) -> String {
        if let Some(url) = &self.settings.publish_url {
            return url.as_str().to_owned();
        }
        if manner.topic_in_url {
            let topic: String = url::form_urlencoded::byte_serialize(topic.as_bytes()).collect();
            let (base, query) = match self.hub_url.split_once('?') {
                Some((base, query)) => (base, format!("?{query}")),
                None => (self.hub_url.as_str(), String::new()),
            };
            let base = base.trim_end_matches('/');
            format!("{base}/{}{query}", topic.replace('+', "%20"))
        } else {
            self.hub_url.clone()
        }
    }

    /// The request that publishes this notification.
    pub fn request(&self, manner: PublishingManner, topic: &str, body: String) -> OutgoingRequest {
        OutgoingRequest::json(&self.publish_url(manner, topic), self.media_type(manner), body)
    }

    /// Whether the target itself says where events are published.
    pub fn has_publish_url(&self) -> bool {
        self.settings.publish_url.is_some()
    }

    /// Every subscription request must carry this parameter.
    pub fn learn_parameter(&self, name: &str, value: &str) {
        let mut known = self.known();
        known
            .subscribe_parameters
            .insert(name.to_owned(), value.to_owned());
    }

    /// The parameters that every subscription request must carry.
    pub fn subscribe_parameters(&self) -> BTreeMap<String, String> {
        self.known().subscribe_parameters.clone()
    }

    /// An unsubscribe must name `hub.events`.
    pub fn learn_events_of_unsubscribes(&self) {
        self.known().unsubscribe_with_events = true;
    }

    /// Whether an unsubscribe must name `hub.events`.
    pub fn unsubscribes_with_events(&self) -> bool {
        self.known().unsubscribe_with_events
    }

    /// The hub goes down when somebody unsubscribes.
    pub fn learn_that_it_goes_down_on_unsubscribes(&self) {
        self.known().goes_down_on_unsubscribes = true;
    }

    /// Whether the hub goes down when somebody unsubscribes: scenarios leave it by closing their WebSockets.
    pub fn goes_down_on_unsubscribes(&self) -> bool {
        self.known().goes_down_on_unsubscribes
    }

    /// A WebSocket has opened.
    pub fn learn_that_websockets_open(&self) {
        self.known().opens_websockets = true;
    }

    /// Whether any WebSocket has opened.
    pub fn opens_websockets(&self) -> bool {
        self.known().opens_websockets
    }

    /// The hub confirms no subscription.
    pub fn learn_no_confirmation(&self) {
        self.known().without_confirmation = true;
    }

    /// Whether the hub confirms subscriptions at all.
    pub fn confirms(&self) -> bool {
        !self.known().without_confirmation
    }

    /// The hub begins a WebSocket with a frame of its own.
    pub fn learn_frames_of_its_own(&self) {
        self.known().frames_of_its_own = true;
    }

    /// Whether the hub begins a WebSocket with a frame of its own.
    pub fn has_frames_of_its_own(&self) -> bool {
        self.known().frames_of_its_own
    }

    /// The hub answers no published event, however it is published: why nothing that publishes is played any further.
    pub fn learn_that_publications_hang(&self, why: &str) {
        self.known().publications_hang = Some(why.to_owned());
    }

    /// Why nothing is published, where the hub answers no published event.
    pub fn publications_hang(&self) -> Option<String> {
        self.known().publications_hang.clone()
    }

    /// The hub grants nobody these events.
    pub fn learn_withheld(&self, events: BTreeSet<EventName>) {
        self.known().withheld = events;
    }

    /// Whether the hub is known to grant nobody this event.
    pub fn withholds(&self, event: &EventName) -> bool {
        self.known().withheld.contains(event)
    }

    /// A form of `hub.url` with what every request of its mode must carry here; what it has already stays.
    pub fn completed(&self, mut pairs: Vec<(String, String)>) -> Vec<(String, String)> {
        let has = |pairs: &[(String, String)], name: &str| pairs.iter().any(|(known, _)| known == name);
        let mode = pairs.iter().find(|(name, _)| name == "hub.mode");
        if mode.is_some_and(|(_, mode)| mode == "subscribe") {
            for (name, value) in &self.known().subscribe_parameters {
                if !has(&pairs, name) {
                    pairs.push((name.clone(), value.clone()));
                }
            }
        }
        pairs
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl PublishingManner {
    /// Whether the topic is appended to `hub.url`.
    pub fn has_topic_in_url(self) -> bool {
        self.topic_in_url
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

    fn dialect(hub_url: &str, settings: DialectSettings) -> Dialect {
        let mut target = Target::new(hub_url, Version::Stu3).unwrap();
        target.dialect = settings;
        Dialect::new(&target)
    }

    #[test]
    fn both_media_types_and_both_places_are_tried() {
        let dialect = dialect("https://h/f", DialectSettings::default());
        let tried: Vec<_> = dialect.manners().into_iter().collect();
        let told: Vec<_> = tried
            .iter()
            .map(|manner| (dialect.media_type(*manner), dialect.publish_url(*manner, "a b/ü")))
            .collect();
        let (at_hub, at_topic) = ("https://h/f".to_owned(), "https://h/f/a%20b%2F%C3%BC".to_owned());
        assert_eq!(
            told,
            [
                ("application/fhir+json", at_hub.clone()),
                ("application/json", at_hub),
                ("application/fhir+json", at_topic.clone()),
                ("application/json", at_topic),
            ]
        );
    }

    #[test]
    fn what_the_target_says_is_not_tried_otherwise() {
        let dialect = dialect(
            "https://h/f",
            DialectSettings {
                publish_url: Some("https://h/events".parse().unwrap()),
                media_type: Some("application/json".to_owned()),
                ..DialectSettings::default()
            },
        );
        assert_eq!(dialect.manners().len(), 1);
        assert_eq!(dialect.publish_url(dialect.manner(), "t"), "https://h/events");
        assert_eq!(dialect.media_type(dialect.manner()), "application/json");
    }

    #[test]
    fn hub_url_keeps_its_trailing_slash() {
        for (given, posted, with_topic) in [
            ("https://h/f/", "https://h/f/", "https://h/f/t"),
            ("https://h/f", "https://h/f", "https://h/f/t"),
            ("https://h", "https://h", "https://h/t"),
            ("https://h/f?ward=7", "https://h/f?ward=7", "https://h/f/t?ward=7"),
        ] {
            let dialect = dialect(given, DialectSettings::default());
            let manners = dialect.manners();
            assert_eq!(dialect.publish_url(manners[0], "t"), posted);
            assert_eq!(dialect.publish_url(manners[2], "t"), with_topic);
        }
    }

    #[test]
    fn a_subscription_carries_what_every_subscription_must_carry() {
        let dialect = dialect("https://h/f", DialectSettings::default());
        dialect.learn_parameter("subscriber.name", "castspec");
        let form = |mode: &str| vec![("hub.mode".to_owned(), mode.to_owned())];
        assert_eq!(dialect.completed(form("subscribe")).len(), 2);
        assert_eq!(dialect.completed(form("unsubscribe")).len(), 1);
        let mut named = form("subscribe");
        named.push(("subscriber.name".to_owned(), "own".to_owned()));
        assert_eq!(dialect.completed(named.clone()), named);
    }
}
