//! The times and limits that a session keeps to.

use std::time::Duration;

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
        }
    }
}
