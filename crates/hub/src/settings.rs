//! What can be set on a hub.

use std::time::Duration;

use super::defect::Defect;
use super::shell::Observer;
use crate::authorization::Options;
use crate::protocol::Version;

/// The settings of a hub; [`Default`] is a hub that conforms.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The version of FHIRcast that it speaks.
    pub version: Version,
    /// How long a subscriber may take to answer a notification (2.5: 10 seconds).
    pub ack_timeout: Duration,
    /// The lease where the subscriber asks for none, in seconds.
    pub default_lease: u64,
    /// The longest lease that is granted, in seconds.
    pub max_lease: u64,
    /// How long an endpoint waits for its first connection.
    pub connect_timeout: Duration,
    /// Whether it takes webhooks, in a version that leaves that to the hub (STU2).
    pub webhooks: bool,
    /// How long a callback may take to answer an intent verification or a denial; notifications have `ack_timeout`.
    pub callback_timeout: Duration,
    /// The largest answer of a callback that is read, in bytes.
    pub callback_answer_limit: usize,
    /// A certificate authority (PEM) that callbacks may have their certificates from, beside the system's.
    pub callback_authority: Option<String>,
    /// The largest body of a request, in bytes; larger ones are answered with 413.
    pub body_limit: usize,
    /// The most content that one context may hold, in bytes; an update beyond it is answered with 413.
    pub content_limit: usize,
    /// How many contexts of a topic are kept open; beyond it the oldest is forgotten.
    pub open_contexts_limit: usize,
    /// How many messages may wait for one socket before its subscriber is dropped as too slow.
    pub queue_limit: usize,
    /// The largest message that a subscriber may send over its socket, in bytes.
    pub message_limit: usize,
    /// How many connections may be open at once; further ones are dropped at once.
    pub max_connections: usize,
    /// How many topics there may be; further ones are refused with 503 while none is idle.
    pub max_topics: usize,
    /// How many subscriptions a topic may have; further ones are refused with 503.
    pub max_subscriptions: usize,
    /// How long a client may take for its TLS handshake, for its first request's head and for each body.
    pub request_timeout: Duration,
    /// How long a connection may be silent between two requests.
    pub idle_timeout: Duration,
    /// How long a write to one socket may be stuck before its subscriber is dropped.
    pub write_timeout: Duration,
    /// The authorization server beside the hub, whose tokens it demands then; none, and no tokens, where it is left out.
    pub authorization: Option<Options>,
    /// The deliberate deviations.
    pub defects: Vec<Defect>,
    /// Who is told of every exchange of one version; nobody, at no cost, where there is none.
    pub observer: Option<Observer>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            version: Version::Stu3,
            ack_timeout: Duration::from_secs(10),
            default_lease: 7_200,
            max_lease: 86_400,
            connect_timeout: Duration::from_secs(60),
            webhooks: true,
            callback_timeout: Duration::from_secs(10),
            callback_answer_limit: 64 << 10,
            callback_authority: None,
            body_limit: 1 << 20,
            content_limit: 16 << 20,
            open_contexts_limit: 1_000,
            queue_limit: 1_024,
            message_limit: 64 << 10,
            max_connections: 20_000,
            max_topics: 10_000,
            max_subscriptions: 10_000,
            request_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(120),
            write_timeout: Duration::from_secs(5),
            authorization: None,
            defects: Vec::new(),
            observer: None,
        }
    }
}
