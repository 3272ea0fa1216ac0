//! A decoded capture as a whole.

use std::time::Duration;

use super::super::identity::Identity;
use super::exchange::{Answer, CallOutcome, CallbackCall, Exchange, Failure, Outcome};
use super::ids::{CallId, ExchangeId, Moment, SocketId, SubscriptionId};
use super::request::{Request, SubscriptionForm};
use super::socket::{End, Frame, Opening, Socket};
use crate::protocol::Version;

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
pub struct RecordedConversation {
    /// `hub.url`.
    pub(super) hub_url: String,
    pub(super) exchanges: Vec<Exchange>,
    pub(super) calls: Vec<CallbackCall>,
    pub(super) sockets: Vec<Socket>,
    pub(super) subscriptions: Vec<Subscription>,
    pub(super) events: Vec<(Moment, Happening)>,
    pub(super) last: Duration,
}

impl RecordedConversation {
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
