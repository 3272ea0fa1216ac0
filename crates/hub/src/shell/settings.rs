//! The settings of a hub: those of its sessions, and those of the server around them.

use std::time::Duration;

use super::callback_hosts::CallbackHosts;
use super::observation::Observer;
use crate::authorization::Options;
use crate::browsers::Origins;
use crate::defect::Defect;
use crate::protocol::Version;
use crate::session::Limits;

/// The protocol by which a hub is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// HTTPS and WSS, as the specification demands, with a certificate authority made at the start.
    Tls,
    /// HTTP and WS: for debugging and measuring.
    Plaintext,
}

/// The settings of a hub; [`Default`] is a hub that conforms.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The version of FHIRcast that it speaks.
    pub version: Version,
    /// The times and limits that its sessions keep to.
    pub limits: Limits,
    /// The largest answer of a callback that is read, in bytes.
    pub callback_answer_limit: usize,
    /// A certificate authority (PEM) that callbacks may have their certificates from, beside the system's.
    pub callback_authority: Option<String>,
    /// The hosts whose callbacks are called; intents for others are refused.
    pub callbacks_to: CallbackHosts,
    /// The pages that may use the hub and the authorization server from a browser.
    pub origins: Origins,
    /// The largest body of a request, in bytes; larger ones are answered with 413.
    pub body_limit: usize,
    /// The largest message that a subscriber may send over its socket, in bytes.
    pub message_limit: usize,
    /// The number of connections that may be open at once; further ones are dropped at once.
    pub max_connections: usize,
    /// The number of topics; further ones are refused with 503 while none is idle.
    pub max_topics: usize,
    /// The time that a client may take for its TLS handshake, for its first request's head and for each body.
    pub request_timeout: Duration,
    /// The time that a connection may be silent between two requests.
    pub idle_timeout: Duration,
    /// The time that a write to one socket may be stuck before its subscriber is dropped.
    pub write_timeout: Duration,
    /// The authorization server beside the hub, whose tokens it demands then; none, and no tokens, where it is left out.
    pub authorization: Option<Options>,
    /// The deliberate deviations.
    pub defects: Vec<Defect>,
    /// The observers, each of every exchange of one version; where there is none for a version, nothing is copied.
    pub observers: Vec<Observer>,
}

impl Settings {
    /// Who is told of what this hub's version exchanges.
    pub(super) fn observer(&self) -> Option<&Observer> {
        self.observers
            .iter()
            .find(|observer| observer.version() == self.version)
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            version: Version::Stu3,
            limits: Limits::default(),
            callback_answer_limit: 64 << 10,
            callback_authority: None,
            callbacks_to: CallbackHosts::default(),
            origins: Origins::default(),
            body_limit: 1 << 20,
            message_limit: 64 << 10,
            max_connections: 20_000,
            max_topics: 10_000,
            request_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(120),
            write_timeout: Duration::from_secs(5),
            authorization: None,
            defects: Vec::new(),
            observers: Vec::new(),
        }
    }
}
