//! The parts of a decoded capture.

use std::time::Duration;

use serde_json::Value;

use super::super::headers::Headers;
use super::super::identity::Identity;
use super::super::message::{Payload, Side};
use super::request::{Request, SubscriptionForm, without_query};
use crate::protocol::{CallMessage, Version};

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

/// A request to the hub, with what became of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Exchange {
    /// Its place among the exchanges of the conversation.
    pub id: ExchangeId,
    /// Its number in the capture.
    pub number: u64,
    /// The moment of the request.
    pub requested: Moment,
    /// The method.
    pub method: String,
    /// The URL.
    pub url: String,
    /// The part of the URL that follows `hub.url`, with the query; `None` where it is no URL below `hub.url`.
    pub path: Option<String>,
    /// The headers of the request.
    pub headers: Headers,
    /// The body of the request.
    pub body: Payload,
    /// The purpose of the request.
    pub request: Request,
    /// The subscription that the request asks for, changes or ends; `None` where it began before the recording.
    pub subscription: Option<SubscriptionId>,
    /// The end of the exchange.
    pub outcome: Outcome,
}

impl Exchange {
    /// The hub's answer, where it gave one.
    pub fn answer(&self) -> Option<&Answer> {
        match &self.outcome {
            Outcome::Answered(answer) => Some(answer),
            Outcome::Pending | Outcome::Opened(_) | Outcome::Failed(_) => None,
        }
    }

    /// Whether the hub answered with success.
    pub fn is_accepted(&self) -> bool {
        self.answer().is_some_and(Answer::is_success)
    }

    /// The sender of the request, as far as its headers tell.
    pub fn identity(&self) -> Identity {
        Identity::of(&self.headers)
    }
}

/// The end of a request to the hub.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// The capture has no answer.
    Pending,
    /// The hub answered.
    Answered(Answer),
    /// A WebSocket was opened.
    Opened(SocketId),
    /// One side failed.
    Failed(Failure),
}

/// The end of a call of the hub to a callback.
#[derive(Debug, Clone, PartialEq)]
pub enum CallOutcome {
    /// The capture has no answer.
    Pending,
    /// The subscriber answered.
    Answered(Answer),
    /// One side failed.
    Failed(Failure),
}

/// An HTTP response.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// The moment of the response.
    pub moment: Moment,
    /// The status code.
    pub status: u16,
    /// The headers.
    pub headers: Headers,
    /// The body.
    pub body: Payload,
}

impl Answer {
    /// Whether the status is one of success.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The body, where it is JSON.
    pub fn json(&self) -> Option<Value> {
        serde_json::from_str(&self.body.text()).ok()
    }

    /// `hub.channel.endpoint` in the body.
    pub fn endpoint(&self) -> Option<String> {
        Some(self.json()?.get("hub.channel.endpoint")?.as_str()?.to_owned())
    }
}

/// The end of an exchange without an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The moment.
    pub moment: Moment,
    /// The side that failed.
    pub by: Side,
    /// The cause.
    pub problem: String,
}

/// A request of the hub to a callback, with what became of it.
#[derive(Debug, Clone, PartialEq)]
pub struct CallbackCall {
    /// Its number in the capture.
    pub number: u64,
    /// The moment of the request.
    pub requested: Moment,
    /// The method.
    pub method: String,
    /// The URL.
    pub url: String,
    /// The headers of the request.
    pub headers: Headers,
    /// The body of the request.
    pub body: Payload,
    /// The subscription whose callback it is; `None` where it began before the recording.
    pub subscription: Option<SubscriptionId>,
    /// The end of the call.
    pub outcome: CallOutcome,
}

impl CallbackCall {
    /// The query of the URL, that of the callback included.
    pub fn query(&self) -> &str {
        self.url.split_once('?').map_or("", |(_, query)| query)
    }

    /// The URL of the callback, without a query.
    pub fn callback(&self) -> &str {
        without_query(&self.url)
    }

    /// The message: a notification, or the parameters of an intent verification or a denial.
    pub fn message(&self) -> CallMessage {
        CallMessage::of(self.query(), &self.body.text())
    }

    /// The subscriber's answer, where it gave one.
    pub fn answer(&self) -> Option<&Answer> {
        match &self.outcome {
            CallOutcome::Answered(answer) => Some(answer),
            CallOutcome::Pending | CallOutcome::Failed(_) => None,
        }
    }

    /// Whether it is an intent verification, to which the subscriber agreed by its challenge.
    pub fn is_agreed(&self) -> bool {
        let challenge = self.message().asked();
        let answer = self.answer().filter(|answer| answer.is_success());
        matches!((challenge, answer), (Some(challenge), Some(answer)) if answer.body.text() == challenge)
    }
}

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

/// A subscription that was asked for in the recording. Later requests that name its endpoint or its callback belong to it.
#[derive(Debug, Clone, PartialEq)]
pub struct Subscription {
    /// Its place among the subscriptions of the conversation.
    pub id: SubscriptionId,
    /// The form of its first request.
    pub form: SubscriptionForm,
    /// The sender of its first request.
    pub identity: Identity,
    /// The channel of its notifications.
    pub channel: Channel,
    /// All requests for it: the first one, those that change it, those that end it.
    pub requests: Vec<ExchangeId>,
}

impl Subscription {
    /// `hub.topic`.
    pub fn topic(&self) -> &str {
        self.form.topic()
    }

    /// Whether it is a subscription by webhooks.
    pub fn is_webhook(&self) -> bool {
        matches!(self.channel, Channel::Webhook { .. })
    }
}

/// The channel of a subscription's notifications.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Channel {
    /// A WebSocket.
    WebSocket {
        /// The endpoints that the hub gave, the latest last.
        endpoints: Vec<String>,
    },
    /// Requests to a callback.
    Webhook {
        /// `hub.callback`, as written.
        callback: String,
    },
}

/// One thing that happened, with the state of the whole conversation at its end: a request already has its answer.
#[derive(Debug, Clone, Copy)]
pub enum Event<'c> {
    /// A request reached the hub.
    Requested(&'c Exchange),
    /// The hub answered.
    Answered(&'c Exchange, &'c Answer),
    /// A request was not answered.
    Failed(&'c Exchange, &'c Failure),
    /// The hub called a callback.
    Called(&'c CallbackCall),
    /// A callback answered.
    CallAnswered(&'c CallbackCall, &'c Answer),
    /// A call was not answered.
    CallFailed(&'c CallbackCall, &'c Failure),
    /// A WebSocket was opened.
    Opened(&'c Socket, &'c Opening),
    /// A message passed over a WebSocket.
    Frame(&'c Socket, &'c Frame),
    /// A WebSocket ended.
    Ended(&'c Socket, &'c End),
    /// An answer, or no answer, to a request of this number, which came before the recording or in a gap.
    Unpaired(u64),
    /// The recorder remarked something.
    Note(&'c str),
    /// Messages are missing here.
    Gap,
    /// The recorder was stopped.
    Stopped,
}

/// One thing that happened, by its place in the conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Happening {
    Requested(ExchangeId),
    Answered(ExchangeId),
    Called(CallId),
    CallAnswered(CallId),
    Opened(SocketId),
    Frame(SocketId, usize),
    Ended(SocketId),
    Unpaired(u64),
    Note(String),
    Gap,
    Stopped,
}

/// A decoded capture.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Conversation {
    /// `hub.url`.
    pub(super) hub_url: String,
    pub(super) exchanges: Vec<Exchange>,
    pub(super) calls: Vec<CallbackCall>,
    pub(super) sockets: Vec<Socket>,
    pub(super) subscriptions: Vec<Subscription>,
    pub(super) events: Vec<(Moment, Happening)>,
    pub(super) last: Duration,
}

impl Conversation {
    /// `hub.url`, without a slash at its end.
    pub fn hub_url(&self) -> &str {
        &self.hub_url
    }

    /// All requests to the hub, in order.
    pub fn exchanges(&self) -> &[Exchange] {
        &self.exchanges
    }

    /// All requests to callbacks, in order.
    pub fn calls(&self) -> &[CallbackCall] {
        &self.calls
    }

    /// All WebSockets, in order.
    pub fn sockets(&self) -> &[Socket] {
        &self.sockets
    }

    /// All subscriptions that were asked for, in order.
    pub fn subscriptions(&self) -> &[Subscription] {
        &self.subscriptions
    }

    /// An exchange of this conversation.
    pub fn exchange(&self, id: ExchangeId) -> &Exchange {
        &self.exchanges[id.0]
    }

    /// A WebSocket of this conversation.
    pub fn socket(&self, id: SocketId) -> &Socket {
        &self.sockets[id.0]
    }

    /// A subscription of this conversation.
    pub fn subscription(&self, id: SubscriptionId) -> &Subscription {
        &self.subscriptions[id.0]
    }

    /// The time of the last line.
    pub fn duration(&self) -> Duration {
        self.last
    }

    /// Whether messages are missing.
    pub fn has_gaps(&self) -> bool {
        self.events
            .iter()
            .any(|(_, happening)| *happening == Happening::Gap)
    }

    /// Everything that happened, in order.
    pub fn events(&self) -> impl Iterator<Item = (Moment, Event<'_>)> {
        let events = self.events.iter();
        events.filter_map(|(moment, happening)| Some((*moment, self.event(happening)?)))
    }

    fn event<'c>(&'c self, happening: &'c Happening) -> Option<Event<'c>> {
        Some(match happening {
            Happening::Requested(id) => Event::Requested(self.exchange(*id)),
            Happening::Answered(id) => {
                let exchange = self.exchange(*id);
                match &exchange.outcome {
                    Outcome::Answered(answer) => Event::Answered(exchange, answer),
                    Outcome::Failed(failure) => Event::Failed(exchange, failure),
                    Outcome::Pending | Outcome::Opened(_) => return None,
                }
            }
            Happening::Called(id) => Event::Called(&self.calls[id.0]),
            Happening::CallAnswered(id) => {
                let call = &self.calls[id.0];
                match &call.outcome {
                    CallOutcome::Answered(answer) => Event::CallAnswered(call, answer),
                    CallOutcome::Failed(failure) => Event::CallFailed(call, failure),
                    CallOutcome::Pending => return None,
                }
            }
            Happening::Opened(id) => {
                let socket = self.socket(*id);
                Event::Opened(socket, socket.opening.as_ref()?)
            }
            Happening::Frame(id, position) => {
                let socket = self.socket(*id);
                Event::Frame(socket, socket.frames.get(*position)?)
            }
            Happening::Ended(id) => {
                let socket = self.socket(*id);
                Event::Ended(socket, socket.end.as_ref()?)
            }
            Happening::Unpaired(number) => Event::Unpaired(*number),
            Happening::Note(text) => Event::Note(text),
            Happening::Gap => Event::Gap,
            Happening::Stopped => Event::Stopped,
        })
    }

    /// The first request for a subscription.
    pub fn first_request(&self, subscription: &Subscription) -> Option<&Exchange> {
        subscription.requests.first().map(|id| self.exchange(*id))
    }

    /// The subscriptions of those who may have sent a request about a topic: HTTP requests do not say who sends them, but those
    /// of one application resemble one another. Only subscriptions that had been accepted by then count, and of these the ones
    /// that are most alike.
    pub fn likely_senders(&self, exchange: &Exchange, topic: &str) -> Vec<SubscriptionId> {
        let identity = exchange.identity();
        let known = self.subscriptions.iter().filter(|subscription| {
            let accepted = self
                .first_request(subscription)
                .and_then(Exchange::answer)
                .filter(|answer| answer.is_success());
            let before = accepted.is_some_and(|answer| answer.moment < exchange.requested);
            before && subscription.topic() == topic
        });
        let alike: Vec<(usize, SubscriptionId)> = known
            .map(|subscription| (identity.likeness(&subscription.identity), subscription.id))
            .collect();
        let most = alike.iter().map(|(likeness, _)| *likeness).max();
        let likeliest = alike.into_iter().filter(|(likeness, _)| Some(*likeness) == most);
        likeliest.map(|(_, id)| id).collect()
    }

    /// The version that is spoken, by the hub's configuration document, else by the parameters of subscriptions for webhooks;
    /// `None` where neither is in the capture.
    pub fn version(&self) -> Option<Version> {
        self.configured_version().or_else(|| self.webhook_version())
    }

    fn configured_version(&self) -> Option<Version> {
        let asked = self
            .exchanges
            .iter()
            .filter(|exchange| exchange.request == Request::Configuration);
        let mut documents = asked.filter_map(|exchange| exchange.answer()?.json());
        documents.find_map(|document| {
            let stated = document.get("fhircastVersion")?.as_str()?;
            Version::ALL
                .into_iter()
                .find(|version| version.number() == stated || version.name().eq_ignore_ascii_case(stated))
        })
    }

    fn webhook_version(&self) -> Option<Version> {
        let mut forms = self
            .exchanges
            .iter()
            .filter_map(|exchange| exchange.request.form());
        forms.find_map(|form| {
            form.callback()?;
            Some(match form.get("hub.channel.type") {
                Some(_) => Version::Stu2,
                None => Version::Stu1,
            })
        })
    }
}
