//! WebSockets, from their opening to their end.

use serde_json::Value;

use super::super::message::{Payload, Side};
use super::ids::{ExchangeId, Moment, SocketId, SubscriptionId};

/// A WebSocket.
#[derive(Debug, Clone, PartialEq)]
pub struct Socket {
    /// Its place among the WebSockets of the conversation.
    pub id: SocketId,
    /// Its number in the capture.
    pub number: u64,
    /// Its opening; `None` where that came before the recording, or in a gap.
    pub opening: Option<Opening>,
    /// The subscription whose endpoint it was opened at; `None` where that began before the recording.
    pub subscription: Option<SubscriptionId>,
    /// The messages over it, in order.
    pub frames: Vec<Frame>,
    /// Its end. Where both sides close it, the first close frame counts.
    pub end: Option<End>,
}

/// The opening of a WebSocket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opening {
    /// The moment.
    pub moment: Moment,
    /// The URL that it was opened at.
    pub url: String,
    /// The request for it, where the capture has it.
    pub exchange: Option<ExchangeId>,
}

/// A message over a WebSocket.
#[derive(Debug, Clone, PartialEq)]
pub struct Frame {
    /// The moment.
    pub moment: Moment,
    /// The sender.
    pub from: Side,
    /// Text, binary, ping or pong.
    pub kind: FrameKind,
    /// The content.
    pub body: Payload,
}

impl Frame {
    /// Whether it carries a message, and not a ping or a pong.
    pub fn is_message(&self) -> bool {
        matches!(self.kind, FrameKind::Text | FrameKind::Binary)
    }

    /// The message, where it is JSON.
    pub fn json(&self) -> Option<Value> {
        serde_json::from_str(&self.body.text()).ok()
    }
}

/// The kind of a WebSocket message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FrameKind {
    /// A text message.
    Text,
    /// A binary message.
    Binary,
    /// A ping.
    Ping,
    /// A pong.
    Pong,
}

/// The end of a WebSocket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct End {
    /// The moment.
    pub moment: Moment,
    /// The side that ended it.
    pub by: Side,
    /// By a close frame, or without one.
    pub kind: EndKind,
}

impl End {
    /// The code of the close frame, where there was one.
    pub fn code(&self) -> Option<u16> {
        match self.kind {
            EndKind::Closed { code, .. } => code,
            EndKind::Broken { .. } => None,
        }
    }
}

/// The way in which a WebSocket ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EndKind {
    /// A close frame.
    Closed {
        /// The code, where it had one.
        code: Option<u16>,
        /// The reason.
        reason: String,
    },
    /// No close frame: the connection broke.
    Broken {
        /// The cause.
        problem: String,
    },
}
