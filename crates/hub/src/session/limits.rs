//! The times and limits that a session keeps to.

use std::time::Duration;

use crate::protocol::{EventKind, EventName, join_events};

/// The times and limits that a session keeps to; [`Default`] has those that the specification asks for or allows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// The time that a subscriber may take to answer a notification (2.5: 10 seconds).
    pub ack_timeout: Duration,
    /// The lease where the subscriber asks for none, in seconds.
    pub default_lease: u64,
    /// The longest lease that is granted, in seconds.
    pub max_lease: u64,
    /// The time that an endpoint waits for its first connection.
    pub connect_timeout: Duration,
    /// Whether callbacks may subscribe, in a version that leaves that to the hub (STU2).
    pub webhooks: bool,
    /// The time that a callback may take to answer an intent verification or a denial; notifications have `ack_timeout`.
    pub callback_timeout: Duration,
    /// The most content that one context may hold, in bytes; an update beyond it is answered with 413.
    pub content_limit: usize,
    /// The number of contexts of a topic that are kept open; beyond it the oldest is forgotten.
    pub open_contexts_limit: usize,
    /// The number of messages that may wait for one subscriber before it is dropped as too slow.
    pub queue_limit: usize,
    /// The number of subscriptions that a topic may have; further ones are refused with 503.
    pub max_subscriptions: usize,
    /// The events that it knows beside organizations' own; `None` for all of the version.
    pub events: Option<Vec<EventName>>,
    /// The answer to a subscription to other events.
    pub other_events: OtherEvents,
}

/// The answer to a subscription to events that the hub does not know. 2.4 leaves the choice to the hub.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OtherEvents {
    /// The request is refused.
    #[default]
    Refuse,
    /// The request is accepted, and the subscription denied.
    Deny,
    /// The known ones are granted without the others; where none is known, the subscription is denied.
    Trim,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            ack_timeout: Duration::from_secs(10),
            default_lease: 7_200,
            max_lease: 86_400,
            connect_timeout: Duration::from_secs(60),
            webhooks: true,
            callback_timeout: Duration::from_secs(10),
            content_limit: 16 << 20,
            open_contexts_limit: 1_000,
            queue_limit: 1_024,
            max_subscriptions: 10_000,
            events: None,
            other_events: OtherEvents::default(),
        }
    }
}

impl Limits {
    /// Whether the hub knows this event, as far as these limits go.
    pub fn know(&self, event: &EventName) -> bool {
        let is_own = matches!(event.kind(), EventKind::Proprietary);
        is_own || self.events.as_ref().is_none_or(|events| events.contains(event))
    }

    /// The reason why this event is not taken.
    pub(super) fn unknown(&self, place: &str, event: &EventName) -> String {
        let events = self.events.as_deref().unwrap_or_default();
        format!(
            "{place}: this hub does not know '{event}'; it knows {}",
            join_events(events)
        )
    }
}
