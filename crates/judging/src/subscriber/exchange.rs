//! What is observed of a conversation, one thing after the other, whoever observed it: a hub, a proxy or a capture.

use std::time::Duration;

use bytes::Bytes;
use bytestring::ByteString;
use serde_json::Value;

use crate::capture::Side;

/// One thing that was observed, in the order in which it happened at the hub.
#[derive(Debug, Clone)]
pub struct Exchange {
    /// When, since any fixed moment before; never less than that of the exchange before.
    pub at: Duration,
    /// Who is at the other end, in any words. Only where it is certain: two exchanges with the same client come from the
    /// same subscriber, as in a record of one browser. Without it, what is requested over HTTP is held against nobody who
    /// merely listens in the topic.
    pub client: Option<String>,
    /// What was observed.
    pub observed: Observed,
}

/// What can be observed.
#[derive(Debug, Clone)]
pub enum Observed {
    /// An HTTP request reached the hub, whole, before the hub acted on it. An attempt to open a WebSocket is one too.
    Request {
        /// Tells which answer belongs to it.
        id: u64,
        /// The method, as sent.
        method: String,
        /// The URL: absolute, or its path and query.
        url: String,
        /// Names and values; credentials may be replaced, but for the scheme of `Authorization`.
        headers: Vec<(String, String)>,
        /// The body, as sent.
        body: Bytes,
        /// The launch whose access token it bears, where that is known.
        launch: Option<u64>,
    },
    /// An application asked the authorization server beside the hub for an authorization. What is secret in it is left out.
    ScopesAsked {
        /// Its `client_id`.
        application: String,
        /// The scopes, as asked for.
        scope: Option<String>,
    },
    /// The authorization server gave an application an access token, for the first time or in the place of one that ends.
    Launched {
        /// Tells which requests bear a token of this launch; the numbers rise.
        launch: u64,
        /// The application's `client_id`.
        application: String,
        /// The scopes, as they were asked for.
        asked: String,
        /// The answer, with what is secret in it replaced.
        answer: Value,
    },
    /// The hub's answer.
    Answer {
        /// The request that it answers.
        id: u64,
        /// The status code.
        status: u16,
        /// Names and values.
        headers: Vec<(String, String)>,
        /// The body.
        body: Bytes,
    },
    /// The hub called a callback: an intent verification, a notification or a denial.
    Called {
        /// Tells which answer belongs to it; no request to the hub has the same.
        id: u64,
        /// The method.
        method: String,
        /// The URL, with all of its query.
        url: String,
        /// Names and values.
        headers: Vec<(String, String)>,
        /// The body.
        body: Bytes,
    },
    /// The callback answered.
    CallAnswered {
        /// The call that it answers.
        id: u64,
        /// The status code.
        status: u16,
        /// Names and values.
        headers: Vec<(String, String)>,
        /// The body.
        body: Bytes,
    },
    /// A call ended without an answer.
    CallFailed {
        /// The call.
        id: u64,
        /// How it ended.
        end: CallEnd,
        /// What was seen of it, in one line.
        problem: String,
    },
    /// A WebSocket is open.
    Opened {
        /// Tells what belongs to it.
        connection: u64,
        /// The URL that it was opened at.
        url: String,
    },
    /// The hub sent a message over a WebSocket.
    FromHub {
        /// The WebSocket.
        connection: u64,
        /// The message.
        frame: Frame,
    },
    /// The subscriber sent a message over a WebSocket.
    FromSubscriber {
        /// The WebSocket.
        connection: u64,
        /// The message.
        frame: Frame,
    },
    /// A WebSocket is closed.
    Closed {
        /// The WebSocket.
        connection: u64,
        /// The sender of the first close frame; `None` where none came: the connection broke.
        by: Option<Side>,
        /// The code in it, where it had one.
        code: Option<u16>,
    },
    /// Something went by unobserved: what is open now stays unjudged.
    Gap,
}

/// The end of a call that no answer came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallEnd {
    /// No connection to the callback came about: it received nothing.
    Unreachable,
    /// The connection broke.
    Cut,
    /// The hub waited no longer.
    GivenUp,
}

/// A message over a WebSocket.
#[derive(Debug, Clone)]
pub enum Frame {
    /// A text frame. Subscribers that are sent the same text share its bytes.
    Text(ByteString),
    /// A binary frame.
    Binary(Bytes),
}

impl Frame {
    /// The text of the message, also where it came in a binary frame; `None` where it is no text.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Binary(bytes) => std::str::from_utf8(bytes).ok(),
        }
    }
}
