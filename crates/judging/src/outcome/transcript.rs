//! Every HTTP exchange and WebSocket frame of a scenario, in order: the evidence.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// One line of a transcript.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// Position in the transcript, from 0.
    pub sequence: usize,
    /// Milliseconds since the scenario began.
    pub at_ms: f64,
    /// The mock subscriber that sent or received it.
    pub actor: String,
    /// The message, or what else happened.
    #[serde(flatten)]
    pub traffic: Traffic,
}

impl Entry {
    /// An entry at this position, so long after the beginning; the time is kept to the microsecond.
    pub fn new(sequence: usize, at: Duration, actor: &str, traffic: Traffic) -> Self {
        Self {
            sequence,
            at_ms: (at.as_secs_f64() * 1_000_000.0).round() / 1_000.0,
            actor: actor.to_owned(),
            traffic,
        }
    }
}

impl Traffic {
    /// The body or the text of the message.
    fn content_mut(&mut self) -> Option<&mut String> {
        match self {
            Self::Request { body, .. }
            | Self::Response { body, .. }
            | Self::CallbackRequest { body, .. }
            | Self::CallbackResponse { body, .. } => Some(body),
            Self::FrameSent { text, .. } | Self::FrameReceived { text, .. } | Self::Note { text } => {
                Some(text)
            }
            Self::NoResponse { .. }
            | Self::Connect { .. }
            | Self::Connected
            | Self::ConnectFailed { .. }
            | Self::Closed { .. } => None,
        }
    }

    /// The bytes of the message.
    pub fn length(&self) -> usize {
        match self {
            Self::Request {
                url, headers, body, ..
            }
            | Self::CallbackRequest {
                url, headers, body, ..
            } => url.len() + length_of(headers) + body.len(),
            Self::Response { headers, body, .. } | Self::CallbackResponse { headers, body, .. } => {
                length_of(headers) + body.len()
            }
            Self::FrameSent { text, .. } | Self::FrameReceived { text, .. } => text.len(),
            _ => 0,
        }
    }

    /// Cuts what is longer than so many bytes, and tells how long it was. Returns how long it is now.
    pub fn shorten(&mut self, limit: usize) -> usize {
        match self {
            Self::Request { url, headers, .. } | Self::CallbackRequest { url, headers, .. } => {
                shorten(url, limit);
                shorten_all(headers, limit);
            }
            Self::Response { headers, .. } | Self::CallbackResponse { headers, .. } => {
                shorten_all(headers, limit);
            }
            _ => {}
        }
        if let Some(content) = self.content_mut() {
            shorten(content, limit);
        }
        self.length()
    }
}

/// How many headers of a message are kept where they are many.
const HEADERS: usize = 100;

fn length_of(headers: &[(String, String)]) -> usize {
    headers.iter().map(|(name, value)| name.len() + value.len()).sum()
}

fn shorten(text: &mut String, limit: usize) {
    if text.len() > limit {
        let whole = text.len();
        text.truncate(text.floor_char_boundary(limit));
        text.push_str(&format!("… (the first {limit} of {whole} bytes)"));
    }
}

fn shorten_all(headers: &mut Vec<(String, String)>, limit: usize) {
    headers.truncate(HEADERS);
    for (name, value) in headers {
        shorten(name, limit);
        shorten(value, limit);
    }
}

/// A message between a mock subscriber and the hub, or an event of their connection.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Traffic {
    /// An HTTP request to the hub.
    Request {
        /// The method.
        method: String,
        /// The URL.
        url: String,
        /// Names and values; credentials are replaced before they get here.
        headers: Vec<(String, String)>,
        /// The body.
        body: String,
    },
    /// The hub's answer.
    Response {
        /// The status code.
        status: u16,
        /// Names and values.
        headers: Vec<(String, String)>,
        /// The body.
        body: String,
    },
    /// No answer came to an HTTP request.
    NoResponse {
        /// Why: refused, reset, timed out.
        problem: String,
    },
    /// An HTTP request from the hub to the subscriber's callback.
    CallbackRequest {
        /// The method.
        method: String,
        /// The URL.
        url: String,
        /// Names and values.
        headers: Vec<(String, String)>,
        /// The body.
        body: String,
    },
    /// The subscriber's answer to a request to its callback.
    CallbackResponse {
        /// Position in the transcript of the request that it answers.
        to: usize,
        /// The status code.
        status: u16,
        /// Names and values.
        headers: Vec<(String, String)>,
        /// The body.
        body: String,
    },
    /// A WebSocket was asked for.
    Connect {
        /// Its URL.
        url: String,
    },
    /// The WebSocket is open.
    Connected,
    /// The WebSocket did not open.
    ConnectFailed {
        /// The HTTP status, where the hub answered at all.
        status: Option<u16>,
        /// Why.
        problem: String,
    },
    /// A frame to the hub.
    FrameSent {
        /// Its text; binary frames as far as they are text.
        text: String,
        /// Whether it was a binary frame.
        binary: bool,
    },
    /// A frame from the hub.
    FrameReceived {
        /// Its text; binary frames as far as they are text.
        text: String,
        /// Whether it was a binary frame.
        binary: bool,
    },
    /// The WebSocket is closed.
    Closed {
        /// Whether the hub closed it.
        by_hub: bool,
        /// The close code; none where the connection just ended.
        code: Option<u16>,
        /// The close reason.
        reason: String,
    },
    /// A remark of the runner.
    Note {
        /// The remark.
        text: String,
    },
}

/// One message that shows why a check has its verdict.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// The message, as in the transcript.
    #[serde(flatten)]
    pub entry: Entry,
    /// JSON pointer to the offending place in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pointer: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(text: &str) -> Traffic {
        Traffic::FrameReceived {
            text: text.to_owned(),
            binary: false,
        }
    }

    #[test]
    fn a_long_message_is_cut_with_its_length_told() {
        let mut long = frame("Grüße aus dem Lesesaal");
        assert_eq!(long.shorten(3), "Gr… (the first 3 of 24 bytes)".len());
        assert_eq!(long, frame("Gr… (the first 3 of 24 bytes)"));
    }

    #[test]
    fn a_short_message_stays_as_it_is() {
        let mut short = frame("Grüße");
        assert_eq!(short.shorten(7), 7);
        assert_eq!(short, frame("Grüße"));
        assert_eq!(Traffic::Connected.shorten(0), 0);
    }
}
