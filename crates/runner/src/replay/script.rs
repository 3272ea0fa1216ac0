//! What a capture says of subscribers and hub: what the ones did, and what had come from the other by then.

use std::collections::{BTreeMap, HashSet};

use crate::capture::{Identity, Line, Message, Side};
use crate::client::CallMessage;
use crate::protocol::signature::SIGNATURE_HEADER;

/// Something that a subscriber did.
#[derive(Debug, Clone, PartialEq)]
pub enum Act {
    /// It sent an HTTP request to the hub.
    Request {
        /// Counts the exchanges of the capture.
        exchange: u64,
        /// The method.
        method: String,
        /// What follows `hub.url` in its URL.
        path: String,
        /// Its media type.
        content_type: Option<String>,
        /// The body.
        body: String,
        /// Who sent it, as far as its headers tell.
        identity: Identity,
    },
    /// It opened a WebSocket at an endpoint.
    Open {
        /// Counts the WebSockets of the capture.
        connection: u64,
        /// The endpoint.
        url: String,
    },
    /// It sent a frame.
    Send {
        /// The WebSocket.
        connection: u64,
        /// The text.
        text: String,
    },
    /// It closed its WebSocket.
    Close {
        /// The WebSocket.
        connection: u64,
        /// The close code.
        code: u16,
    },
    /// Its connection ended without a close frame.
    Break {
        /// The WebSocket.
        connection: u64,
    },
}

/// Whom the hub sends messages to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Receiver {
    /// Who has this WebSocket of the capture.
    Socket(u64),
    /// Who has this callback; without its query.
    Callback(String),
}

impl Receiver {
    /// Who has this callback.
    pub fn at(callback: &str) -> Self {
        Self::Callback(callback.split('?').next().unwrap_or(callback).to_owned())
    }
}

/// A request of the hub to a callback.
#[derive(Debug, Clone, PartialEq)]
pub struct HubCall {
    /// Counts the exchanges of the capture.
    pub exchange: u64,
    /// The method.
    pub method: String,
    /// The query, that of the callback included.
    pub query: String,
    /// The body.
    pub body: String,
    /// It was signed.
    pub signed: bool,
    /// Status and body of the answer.
    pub answer: Option<(u16, String)>,
    /// How many calls others had answered by then.
    pub after: BTreeMap<Receiver, usize>,
}

impl HubCall {
    /// What it says: a notification, or the parameters of a question or a denial.
    pub fn message(&self) -> CallMessage {
        CallMessage::of(&self.query, &self.body)
    }
}

impl Act {
    /// It is an event that is published.
    pub(super) fn is_publication(&self) -> bool {
        matches!(self, Self::Request { body, .. } if body.trim_start().starts_with('{'))
    }

    /// It ends a subscription.
    pub(super) fn is_leaving(&self) -> bool {
        match self {
            Self::Request { body, .. } => body.contains("hub.mode=unsubscribe"),
            Self::Close { .. } | Self::Break { .. } => true,
            Self::Open { .. } | Self::Send { .. } => false,
        }
    }
}

/// An act in its place.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// Milliseconds since the capture began.
    pub at_ms: f64,
    /// What had come to each by then: so many messages of the hub.
    pub after: BTreeMap<Receiver, usize>,
    /// The act.
    pub act: Act,
}

/// A capture as a play for its subscribers.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Script {
    /// What subscribers did, in order.
    pub steps: Vec<Step>,
    /// What the hub sent to each.
    pub sent: BTreeMap<Receiver, Vec<String>>,
    /// How it called each callback; as many as are in `sent`.
    pub calls: BTreeMap<Receiver, Vec<HubCall>>,
    /// Status and body of the hub's answers.
    pub answers: BTreeMap<u64, (u16, String)>,
    /// The WebSockets that the hub closed, with the close code.
    pub closed: BTreeMap<u64, Option<u16>>,
    /// How many calls each has answered.
    answered: BTreeMap<Receiver, usize>,
    /// What cannot be played, in words.
    pub left_out: Vec<String>,
}

impl Script {
    /// Reads the lines of a capture of the hub at `upstream`.
    pub fn read(upstream: &str, lines: impl IntoIterator<Item = Line>) -> Self {
        let mut own = Self::default();
        let mut upgrades = HashSet::new();
        let base = upstream.trim_end_matches('/');
        for line in lines {
            own.take(base, line, &mut upgrades);
        }
        own.await_all_before_closes();
        own.left_out.sort();
        own.left_out.dedup();
        own
    }

    fn take(&mut self, base: &str, line: Line, upgrades: &mut HashSet<u64>) {
        let at_ms = line.at_ms;
        match line.message {
            Message::Request {
                exchange,
                method,
                url,
                headers,
                body,
                ..
            } => {
                let header = |name: &str| {
                    let found = headers.iter().find(|(own, _)| own.eq_ignore_ascii_case(name));
                    found.map(|(_, value)| value.clone())
                };
                if header("upgrade").is_some() {
                    upgrades.insert(exchange);
                    return;
                }
                let body = body.text();
                let Some(path) = url.strip_prefix(base) else {
                    self.left_out
                        .push("requests to other URLs than those below hub.url".to_owned());
                    return;
                };
                let act = Act::Request {
                    exchange,
                    method,
                    path: path.to_owned(),
                    content_type: header("content-type"),
                    body,
                    identity: Identity::of(&headers),
                };
                self.push(at_ms, act);
            }
            Message::Response {
                exchange,
                status,
                body,
                ..
            } if !upgrades.contains(&exchange) => {
                self.answers.insert(exchange, (status, body.text()));
            }
            Message::Opened {
                connection,
                url,
                exchange,
            } => {
                upgrades.insert(exchange);
                self.sent.entry(Receiver::Socket(connection)).or_default();
                self.push(at_ms, Act::Open { connection, url });
            }
            Message::Text(frame) | Message::Binary(frame) => match frame.from {
                Side::Hub => self
                    .sent
                    .entry(Receiver::Socket(frame.connection))
                    .or_default()
                    .push(frame.body.text()),
                Side::Subscriber => {
                    let (connection, text) = (frame.connection, frame.body.text());
                    self.push(at_ms, Act::Send { connection, text });
                }
            },
            Message::Closed {
                connection,
                from: Side::Subscriber,
                code,
                ..
            } if !self.closed.contains_key(&connection) => {
                let code = code.unwrap_or(1000);
                self.push(at_ms, Act::Close { connection, code });
            }
            Message::Closed {
                connection,
                from: Side::Hub,
                code,
                ..
            } if !self.has_closed(connection) => {
                self.closed.insert(connection, code);
            }
            Message::Broken {
                connection,
                from: Side::Subscriber,
                ..
            } if !self.closed.contains_key(&connection) => self.push(at_ms, Act::Break { connection }),
            Message::CallbackRequest {
                exchange,
                method,
                url,
                headers,
                body,
                ..
            } => {
                let call = HubCall {
                    exchange,
                    method,
                    query: url.split_once('?').map_or("", |(_, query)| query).to_owned(),
                    body: body.text(),
                    signed: headers
                        .iter()
                        .any(|(name, _)| name.eq_ignore_ascii_case(SIGNATURE_HEADER)),
                    answer: None,
                    after: self.answered.clone(),
                };
                let text = match call.message().json {
                    Some(message) => message.to_string(),
                    None => call.body.clone(),
                };
                let receiver = Receiver::at(&url);
                self.sent.entry(receiver.clone()).or_default().push(text);
                self.calls.entry(receiver).or_default().push(call);
            }
            Message::CallbackResponse {
                exchange,
                status,
                body,
                ..
            } => {
                for (receiver, calls) in &mut self.calls {
                    if let Some(call) = calls.iter_mut().rfind(|own| own.exchange == exchange) {
                        call.answer = Some((status, body.text()));
                        *self.answered.entry(receiver.clone()).or_default() += 1;
                    }
                }
            }
            Message::Gap => self
                .left_out
                .push("what passed where the recorder could not write".to_owned()),
            _ => {}
        }
    }

    fn push(&mut self, at_ms: f64, act: Act) {
        let after = self
            .sent
            .iter()
            .map(|(receiver, sent)| (receiver.clone(), sent.len()));
        let after = after.collect();
        self.steps.push(Step { at_ms, after, act });
    }

    /// What crossed a close on its way still came; nothing comes any more to who closes before it.
    fn await_all_before_closes(&mut self) {
        for step in &mut self.steps {
            if let Act::Close { connection, .. } | Act::Break { connection } = step.act {
                let receiver = Receiver::Socket(connection);
                let all = self.sent.get(&receiver).map_or(0, Vec::len);
                step.after.insert(receiver, all);
            }
        }
    }

    /// The subscriber made an end of it: it closed its WebSocket, or unsubscribed its callback.
    pub(super) fn has_left(&self, receiver: &Receiver) -> bool {
        match receiver {
            Receiver::Socket(connection) => self.has_closed(*connection),
            Receiver::Callback(_) => self.steps.iter().any(|step| {
                let Act::Request { body, .. } = &step.act else {
                    return false;
                };
                let mut pairs = url::form_urlencoded::parse(body.as_bytes());
                let named = |(name, value): (_, std::borrow::Cow<'_, str>)| {
                    name == "hub.callback" && Receiver::at(&value) == *receiver
                };
                step.act.is_leaving() && pairs.any(named)
            }),
        }
    }

    /// The subscriber has closed this WebSocket, or let it break.
    pub(super) fn has_closed(&self, connection: u64) -> bool {
        let closes = |step: &Step| match &step.act {
            Act::Close { connection: own, .. } | Act::Break { connection: own } => *own == connection,
            _ => false,
        };
        self.steps.iter().any(closes)
    }
}
