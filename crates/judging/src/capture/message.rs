//! The lines of a capture.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::headers::Headers;
use crate::outcome::Tool;
use crate::protocol::Version;
use crate::redaction::Redactor;

/// The version of the format that is written, and the highest one that is read.
pub const FORMAT: u32 = 1;
/// Of longer bodies and messages, in bytes, only the beginning is kept.
const LONGEST_PAYLOAD: usize = 16 << 20;

/// The first line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// The version of the format.
    pub castspec_capture: u32,
    /// The program that recorded it.
    pub tool: Tool,
    /// When recording began, as RFC 3339.
    pub started: String,
    /// `hub.url`, as the recorder reached it.
    pub upstream: String,
    /// The versions of FHIRcast that the hub is known to speak; none where that is not known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fhircast_versions: Vec<Version>,
}

impl Header {
    /// The header of what this program records from now on.
    pub fn now(upstream: &str, fhircast_versions: Vec<Version>) -> Self {
        Self {
            castspec_capture: FORMAT,
            tool: Tool {
                name: "castspec".to_owned(),
                version: env!("CARGO_PKG_VERSION").to_owned(),
            },
            started: jiff::Timestamp::now().to_string(),
            upstream: upstream.to_owned(),
            fhircast_versions,
        }
    }
}

/// A line after the first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Line {
    /// Milliseconds since recording began; never less than in the line before.
    pub at_ms: f64,
    /// The message that passed.
    #[serde(flatten)]
    pub message: Message,
}

/// A side of the conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Side {
    /// The hub.
    Hub,
    /// A subscriber, or another client of the hub.
    Subscriber,
}

/// A message that passed. URLs are those of hub and subscriber, as if nobody stood between them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Message {
    /// An HTTP request to the hub, a request for a WebSocket included.
    Request {
        /// Counts the HTTP exchanges, callbacks included.
        exchange: u64,
        /// The method.
        method: String,
        /// The URL.
        url: String,
        /// Names and values.
        headers: Headers,
        /// The body, as its sender would have written it to the hub itself.
        body: Payload,
        /// The members that the recorder replaced, so that what follows runs through the recorder.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        replaced: Vec<String>,
    },
    /// The hub's answer.
    Response {
        /// The request that it answers.
        exchange: u64,
        /// The status code.
        status: u16,
        /// Names and values.
        headers: Headers,
        /// The body, as its sender wrote it.
        body: Payload,
        /// The members that the recorder replaced.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        replaced: Vec<String>,
    },
    /// An HTTP request of the hub to a subscriber's callback.
    CallbackRequest {
        /// Counts the HTTP exchanges.
        exchange: u64,
        /// The method.
        method: String,
        /// The URL.
        url: String,
        /// Names and values.
        headers: Headers,
        /// The body.
        body: Payload,
    },
    /// The subscriber's answer to a request to its callback.
    CallbackResponse {
        /// The request that it answers.
        exchange: u64,
        /// The status code.
        status: u16,
        /// Names and values.
        headers: Headers,
        /// The body.
        body: Payload,
    },
    /// No answer came to an HTTP request.
    NoResponse {
        /// The request.
        exchange: u64,
        /// The side that failed: the one that was asked, or the one that went away before it was answered.
        from: Side,
        /// Why: refused, reset, gone.
        problem: String,
    },
    /// A WebSocket is open.
    Opened {
        /// Counts the WebSockets.
        connection: u64,
        /// The request that it was asked for by.
        exchange: u64,
        /// Its URL.
        url: String,
    },
    /// A text message over a WebSocket.
    Text(Frame),
    /// A binary message over a WebSocket.
    Binary(Frame),
    /// A ping.
    Ping(Frame),
    /// A pong.
    Pong(Frame),
    /// A close frame; the first one of a connection closes it, the second one answers.
    Closed {
        /// The WebSocket.
        connection: u64,
        /// The sender of the frame.
        from: Side,
        /// The code, where it had one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        code: Option<u16>,
        /// The reason.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        reason: String,
    },
    /// A WebSocket ended without a close frame from this side, or what came over it is no WebSocket protocol.
    Broken {
        /// The WebSocket.
        connection: u64,
        /// The side that broke.
        from: Side,
        /// The cause.
        problem: String,
    },
    /// A remark of the recorder, as where something cannot be made to run through it.
    Note {
        /// The remark.
        text: String,
    },
    /// Messages are missing here, as when the file could not be written for a while.
    Gap,
    /// The recorder was stopped; without it the capture just ends.
    Stopped,
}

/// A message over a WebSocket.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Frame {
    /// The WebSocket.
    pub connection: u64,
    /// The sender.
    pub from: Side,
    /// The content.
    pub body: Payload,
}

/// Bytes: a string where they are UTF-8.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Payload {
    /// UTF-8.
    Text(String),
    /// Something else, or only the beginning of something too long.
    Other(Other),
}

/// Bytes that are no UTF-8, or the beginning of bytes that are too many.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Other {
    /// The bytes in base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    base64: Option<String>,
    /// The beginning, as text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    beginning: Option<String>,
    /// How many bytes there were; where it is missing, all are here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    bytes: Option<usize>,
}

impl Payload {
    /// These bytes, the beginning of so many, without the secrets in them. Where a secret stands in something that is no text,
    /// nothing of it is kept.
    pub fn redacted(bytes: &[u8], length: usize, redactor: &Redactor) -> Self {
        let kept = bytes.get(..LONGEST_PAYLOAD).unwrap_or(bytes);
        let count = (kept.len() < length).then_some(length);
        // A cut may go through a character.
        let text = match std::str::from_utf8(kept) {
            Ok(text) => Some(text),
            Err(error) if count.is_some() && error.error_len().is_none() => {
                std::str::from_utf8(&kept[..error.valid_up_to()]).ok()
            }
            Err(_) => None,
        };
        match (text, count) {
            (Some(text), None) => Self::Text(redactor.body(text)),
            (Some(text), Some(_)) => Self::Other(Other {
                beginning: Some(redactor.body(text)),
                bytes: count,
                ..Other::default()
            }),
            (None, _) => {
                let lossy = String::from_utf8_lossy(kept);
                if redactor.body(&lossy) == lossy {
                    return Self::Other(Other {
                        base64: Some(STANDARD.encode(kept)),
                        bytes: count,
                        ..Other::default()
                    });
                }
                Self::Other(Other {
                    beginning: Some(redactor.marker(&lossy)),
                    bytes: Some(length),
                    ..Other::default()
                })
            }
        }
    }

    /// The bytes, as far as they were kept.
    pub fn bytes(&self) -> Bytes {
        match self {
            Self::Text(text) => Bytes::copy_from_slice(text.as_bytes()),
            Self::Other(other) => match (&other.base64, &other.beginning) {
                // What is no base64 has no bytes; the reader has refused it before.
                (Some(text), _) => STANDARD.decode(text).unwrap_or_default().into(),
                (None, Some(text)) => Bytes::copy_from_slice(text.as_bytes()),
                (None, None) => Bytes::new(),
            },
        }
    }

    /// The bytes as text, with replacement characters where they are none.
    pub fn text(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Other(_) => String::from_utf8_lossy(&self.bytes()).into_owned(),
        }
    }

    /// Whether every byte is here.
    pub fn is_whole(&self) -> bool {
        !matches!(self, Self::Other(Other { bytes: Some(_), .. }))
    }

    /// Whether it was written by the rules.
    pub(super) fn is_sound(&self) -> bool {
        match self {
            Self::Text(_) => true,
            Self::Other(other) => match (&other.base64, &other.beginning) {
                (Some(text), None) => STANDARD.decode(text).is_ok(),
                (None, Some(_)) => other.bytes.is_some(),
                _ => false,
            },
        }
    }
}

impl Message {
    /// The content, where it has any.
    pub(super) fn payload(&self) -> Option<&Payload> {
        match self {
            Self::Request { body, .. }
            | Self::Response { body, .. }
            | Self::CallbackRequest { body, .. }
            | Self::CallbackResponse { body, .. } => Some(body),
            Self::Text(frame) | Self::Binary(frame) | Self::Ping(frame) | Self::Pong(frame) => {
                Some(&frame.body)
            }
            _ => None,
        }
    }

    /// Hides secrets in what is not a payload: URLs, headers, reasons and remarks.
    pub fn redact(&mut self, redactor: &Redactor) {
        match self {
            Self::Request { url, headers, .. } | Self::CallbackRequest { url, headers, .. } => {
                *url = redactor.text(url);
                redactor.headers(headers);
            }
            Self::Response { headers, .. } | Self::CallbackResponse { headers, .. } => {
                redactor.headers(headers);
            }
            Self::Opened { url: text, .. }
            | Self::NoResponse { problem: text, .. }
            | Self::Closed { reason: text, .. }
            | Self::Broken { problem: text, .. }
            | Self::Note { text } => *text = redactor.text(text),
            Self::Text(_) | Self::Binary(_) | Self::Ping(_) | Self::Pong(_) | Self::Gap | Self::Stopped => {}
        }
    }
}

#[cfg(test)]
mod tests;
