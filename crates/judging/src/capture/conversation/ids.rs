//! The places and numbers of what a capture holds.

use std::time::Duration;

/// The place of something in a capture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment {
    /// The number of its line after the header, from 0.
    pub line: usize,
    /// The time since recording began.
    pub at: Duration,
}

impl Moment {
    /// The time since recording began, in milliseconds.
    pub fn at_ms(self) -> f64 {
        self.at.as_secs_f64() * 1_000.0
    }
}

/// The number of an exchange within a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ExchangeId(pub(super) usize);

/// The number of a call within a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct CallId(pub(super) usize);

/// The number of a WebSocket within a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SocketId(pub(super) usize);

/// The number of a subscription within a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SubscriptionId(pub(super) usize);
