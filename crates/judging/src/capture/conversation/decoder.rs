//! Reads the lines of a capture, one after the other, into a [`RecordedConversation`].

use std::collections::HashMap;
use std::time::Duration;

use serde_json::Value;

use super::super::headers::Headers;
use super::super::message::{self, Line, Message, Payload, Side};
use super::exchange::{Answer, CallOutcome, CallbackCall, Exchange, Failure, Outcome};
use super::ids::{CallId, ExchangeId, Moment, SocketId, SubscriptionId};
use super::recorded_conversation::{Channel, Happening, RecordedConversation, Subscription};
use super::request::{Request, path_below, without_query};
use super::socket::{End, EndKind, Frame, FrameKind, Opening, Socket};

impl RecordedConversation {
    /// Decodes the lines of a capture of the hub at `hub_url`.
    pub fn decode(hub_url: &str, lines: impl IntoIterator<Item = Line>) -> Self {
        let mut decoder = Decoder {
            conversation: Self {
                hub_url: hub_url.trim_end_matches('/').to_owned(),
                ..Self::default()
            },
            ..Decoder::default()
        };
        for (number, line) in lines.into_iter().enumerate() {
            let at = Duration::try_from_secs_f64(line.at_ms / 1_000.0).unwrap_or_default();
            decoder.conversation.last = at;
            decoder.line(Moment { line: number, at }, line.message);
        }
        decoder.conversation
    }
}

#[derive(Default)]
struct Decoder {
    conversation: RecordedConversation,
    /// Requests to the hub without an answer so far, by their numbers in the capture.
    pending: HashMap<u64, ExchangeId>,
    /// Calls without an answer so far.
    pending_calls: HashMap<u64, CallId>,
    sockets: HashMap<u64, SocketId>,
}

impl Decoder {
    fn line(&mut self, moment: Moment, message: Message) {
        match message {
            Message::Request {
                exchange,
                method,
                url,
                headers,
                body,
                ..
            } => self.requested(moment, exchange, method, url, headers, body),
            Message::Response {
                exchange,
                status,
                headers,
                body,
                ..
            } => {
                let answer = Answer {
                    moment,
                    status,
                    headers,
                    body,
                };
                self.answered(exchange, answer);
            }
            Message::CallbackRequest {
                exchange,
                method,
                url,
                headers,
                body,
            } => self.called(CallbackCall {
                number: exchange,
                requested: moment,
                method,
                url,
                headers,
                body,
                subscription: None,
                outcome: CallOutcome::Pending,
            }),
            Message::CallbackResponse {
                exchange,
                status,
                headers,
                body,
            } => {
                let answer = Answer {
                    moment,
                    status,
                    headers,
                    body,
                };
                self.call_ended(moment, exchange, CallOutcome::Answered(answer));
            }
            Message::NoResponse {
                exchange,
                from,
                problem,
            } => self.failed(
                exchange,
                Failure {
                    moment,
                    by: from,
                    problem,
                },
            ),
            Message::Opened {
                connection,
                exchange,
                url,
            } => self.opened(moment, connection, exchange, url),
            Message::Text(frame) => self.frame(moment, FrameKind::Text, frame),
            Message::Binary(frame) => self.frame(moment, FrameKind::Binary, frame),
            Message::Ping(frame) => self.frame(moment, FrameKind::Ping, frame),
            Message::Pong(frame) => self.frame(moment, FrameKind::Pong, frame),
            Message::Closed {
                connection,
                from,
                code,
                reason,
            } => self.ended(moment, connection, from, EndKind::Closed { code, reason }),
            Message::Broken {
                connection,
                from,
                problem,
            } => self.ended(moment, connection, from, EndKind::Broken { problem }),
            Message::Note { text } => self.push(moment, Happening::Note(text)),
            Message::Gap => self.push(moment, Happening::Gap),
            Message::Stopped => self.push(moment, Happening::Stopped),
        }
    }

    fn push(&mut self, moment: Moment, happening: Happening) {
        self.conversation.events.push((moment, happening));
    }

    fn requested(
        &mut self,
        requested: Moment,
        number: u64,
        method: String,
        url: String,
        headers: Headers,
        body: Payload,
    ) {
        let id = ExchangeId(self.conversation.exchanges.len());
        let path = path_below(&self.conversation.hub_url, &url);
        let request = Request::of(&method, &url, path.as_deref(), &headers, &body.text());
        let mut exchange = Exchange {
            id,
            number,
            requested,
            method,
            url,
            path,
            headers,
            body,
            request,
            subscription: None,
            outcome: Outcome::Pending,
        };
        exchange.subscription = self.meant(&exchange.request).or_else(|| self.begun(&exchange));
        if let Some(subscription) = exchange.subscription {
            self.conversation.subscriptions[subscription.0].requests.push(id);
        }
        self.conversation.exchanges.push(exchange);
        self.pending.insert(number, id);
        self.push(requested, Happening::Requested(id));
    }

    /// The known subscription that a request names, by its endpoint, or by its callback and its topic.
    fn meant(&self, request: &Request) -> Option<SubscriptionId> {
        let form = request.form()?;
        if let Some(endpoint) = form.endpoint() {
            return self.with_endpoint(endpoint);
        }
        let callback = without_query(form.callback()?);
        let known = |subscription: &&Subscription| {
            subscription.topic() == form.topic()
                && is_called_at(subscription, callback)
                && !self.is_refused(subscription)
        };
        let all = self.conversation.subscriptions.iter();
        all.rev().find(known).map(|subscription| subscription.id)
    }

    /// A new subscription, where a request asks for one.
    fn begun(&mut self, exchange: &Exchange) -> Option<SubscriptionId> {
        let Request::Subscribe(form) = &exchange.request else {
            return None;
        };
        let id = SubscriptionId(self.conversation.subscriptions.len());
        let channel = match form.callback() {
            Some(callback) => Channel::Webhook {
                callback: callback.to_owned(),
            },
            None => Channel::WebSocket {
                endpoints: form.endpoint().map(str::to_owned).into_iter().collect(),
            },
        };
        self.conversation.subscriptions.push(Subscription {
            id,
            form: form.clone(),
            identity: exchange.identity(),
            channel,
            requests: Vec::new(),
        });
        Some(id)
    }

    fn with_endpoint(&self, url: &str) -> Option<SubscriptionId> {
        let has = |subscription: &&Subscription| match &subscription.channel {
            Channel::WebSocket { endpoints } => endpoints.iter().any(|endpoint| endpoint == url),
            Channel::Webhook { .. } => false,
        };
        let all = self.conversation.subscriptions.iter();
        all.rev().find(has).map(|subscription| subscription.id)
    }

    /// Whether the hub refused the first request for a subscription.
    fn is_refused(&self, subscription: &Subscription) -> bool {
        let first = self.conversation.first_request(subscription);
        first.is_some_and(|exchange| exchange.answer().is_some_and(|answer| !answer.is_success()))
    }

    fn answered(&mut self, number: u64, answer: Answer) {
        let moment = answer.moment;
        let Some(id) = self.pending.remove(&number) else {
            return self.push(moment, Happening::Unpaired(number));
        };
        let exchange = &mut self.conversation.exchanges[id.0];
        if let (Request::Subscribe(_), Some(subscription), true) =
            (&exchange.request, exchange.subscription, answer.is_success())
            && let Channel::WebSocket { endpoints } =
                &mut self.conversation.subscriptions[subscription.0].channel
            && let Some(endpoint) = answer.endpoint()
        {
            endpoints.retain(|known| *known != endpoint);
            endpoints.push(endpoint);
        }
        exchange.outcome = Outcome::Answered(answer);
        self.push(moment, Happening::Answered(id));
    }

    fn failed(&mut self, number: u64, failure: Failure) {
        let moment = failure.moment;
        match self.pending.remove(&number) {
            Some(id) => {
                self.conversation.exchanges[id.0].outcome = Outcome::Failed(failure);
                self.push(moment, Happening::Answered(id));
            }
            None => self.call_ended(moment, number, CallOutcome::Failed(failure)),
        }
    }

    fn called(&mut self, mut call: CallbackCall) {
        let id = CallId(self.conversation.calls.len());
        call.subscription = self.owner(&call);
        let (moment, number) = (call.requested, call.number);
        self.conversation.calls.push(call);
        self.pending_calls.insert(number, id);
        self.push(moment, Happening::Called(id));
    }

    /// The subscription that a call belongs to; where several topics share a callback, the one of the message's topic.
    fn owner(&self, call: &CallbackCall) -> Option<SubscriptionId> {
        let message = call.message().json;
        let topic = message.as_ref().and_then(|message| {
            let topic = message
                .get("hub.topic")
                .or_else(|| message.pointer("/event/hub.topic"));
            topic.and_then(Value::as_str)
        });
        let all = self.conversation.subscriptions.iter().rev();
        let of_callback = all.filter(|subscription| is_called_at(subscription, call.callback()));
        let mut of_callback = of_callback.peekable();
        let latest = of_callback.peek().map(|subscription| subscription.id);
        let of_topic = of_callback.find(|subscription| Some(subscription.topic()) == topic);
        of_topic.map(|subscription| subscription.id).or(latest)
    }

    fn call_ended(&mut self, moment: Moment, number: u64, outcome: CallOutcome) {
        match self.pending_calls.remove(&number) {
            Some(id) => {
                self.conversation.calls[id.0].outcome = outcome;
                self.push(moment, Happening::CallAnswered(id));
            }
            None => self.push(moment, Happening::Unpaired(number)),
        }
    }

    fn opened(&mut self, moment: Moment, connection: u64, number: u64, url: String) {
        let subscription = self.with_endpoint(&url);
        let exchange = self.pending.remove(&number);
        let id = self.add_socket(connection);
        if let Some(exchange) = exchange {
            self.conversation.exchanges[exchange.0].outcome = Outcome::Opened(id);
        }
        let socket = &mut self.conversation.sockets[id.0];
        socket.subscription = subscription;
        socket.opening = Some(Opening {
            moment,
            url,
            exchange,
        });
        self.push(moment, Happening::Opened(id));
    }

    fn add_socket(&mut self, connection: u64) -> SocketId {
        let id = SocketId(self.conversation.sockets.len());
        self.conversation.sockets.push(Socket {
            id,
            number: connection,
            opening: None,
            subscription: None,
            frames: Vec::new(),
            end: None,
        });
        self.sockets.insert(connection, id);
        id
    }

    /// The WebSocket of this number; where it was opened before the recording, this is the first that is known of it.
    fn socket(&mut self, connection: u64) -> SocketId {
        let known = self.sockets.get(&connection).copied();
        known.unwrap_or_else(|| self.add_socket(connection))
    }

    fn frame(&mut self, moment: Moment, kind: FrameKind, frame: message::Frame) {
        let id = self.socket(frame.connection);
        let frames = &mut self.conversation.sockets[id.0].frames;
        let position = frames.len();
        frames.push(Frame {
            moment,
            from: frame.from,
            kind,
            body: frame.body,
        });
        self.push(moment, Happening::Frame(id, position));
    }

    fn ended(&mut self, moment: Moment, connection: u64, by: Side, kind: EndKind) {
        let id = self.socket(connection);
        let socket = &mut self.conversation.sockets[id.0];
        if socket.end.is_none() {
            socket.end = Some(End { moment, by, kind });
            self.push(moment, Happening::Ended(id));
        }
    }
}

fn is_called_at(subscription: &Subscription, callback: &str) -> bool {
    match &subscription.channel {
        Channel::Webhook { callback: known } => without_query(known) == callback,
        Channel::WebSocket { .. } => false,
    }
}
