//! The script of a replay: the actions of the recorded subscribers, and what each had received from the hub by then.

use std::collections::{BTreeMap, BTreeSet};

use crate::capture::Side;
use crate::capture::conversation::{
    CallbackCall, EndKind, Event, Exchange, ExchangeId, Moment, RecordedConversation, Request, SocketId,
    SubscriptionForm,
};
use crate::protocol::CallMessage;

/// An action of a recorded subscriber.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// It sent an HTTP request to the hub.
    Request(ExchangeId),
    /// It opened a WebSocket at an endpoint.
    Open {
        /// The WebSocket.
        socket: SocketId,
        /// The endpoint.
        url: String,
    },
    /// It sent a message over its WebSocket.
    Send {
        /// The WebSocket.
        socket: SocketId,
        /// The text.
        text: String,
    },
    /// It closed its WebSocket.
    Close {
        /// The WebSocket.
        socket: SocketId,
        /// The close code.
        code: u16,
    },
    /// Its connection ended without a close frame.
    Break {
        /// The WebSocket.
        socket: SocketId,
    },
}

/// A receiver of the hub's messages.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Receiver {
    /// A WebSocket.
    Socket(SocketId),
    /// A callback, without its query.
    Callback(String),
}

impl Receiver {
    /// The callback at this URL.
    pub fn at(callback: &str) -> Self {
        Self::Callback(callback.split('?').next().unwrap_or(callback).to_owned())
    }
}

/// A request of the hub to a callback, in its place.
#[derive(Debug, Clone, PartialEq)]
pub struct HubCall {
    /// The request and its answer.
    pub call: CallbackCall,
    /// The number of calls that each other callback had answered by then.
    pub after: BTreeMap<Receiver, usize>,
}

impl HubCall {
    /// The message: a notification, or the parameters of an intent verification or a denial.
    pub fn message(&self) -> CallMessage {
        self.call.message()
    }

    /// Status and body of the answer.
    pub fn answer(&self) -> Option<(u16, String)> {
        let answer = self.call.answer()?;
        Some((answer.status, answer.body.text()))
    }
}

/// An action in its place.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// The moment of the action.
    pub moment: Moment,
    /// The number of messages that each receiver had got from the hub by then.
    pub after: BTreeMap<Receiver, usize>,
    /// The action.
    pub action: Action,
}

/// A capture as a script for its subscribers.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Script {
    /// The capture.
    pub conversation: RecordedConversation,
    /// The actions of the subscribers, in order.
    pub steps: Vec<Step>,
    /// The messages of the hub to each receiver.
    pub sent: BTreeMap<Receiver, Vec<String>>,
    /// The calls of the hub to each callback; as many as are in `sent`.
    pub calls: BTreeMap<Receiver, Vec<HubCall>>,
    /// The parts of the capture that cannot be played, in words.
    pub left_out: BTreeSet<&'static str>,
}

impl Script {
    /// The script of a conversation.
    pub fn of(conversation: RecordedConversation) -> Self {
        let mut script = Self::default();
        // The number of calls that each callback has answered.
        let mut answered: BTreeMap<Receiver, usize> = BTreeMap::new();
        for (moment, event) in conversation.events() {
            script.take(moment, event, &mut answered);
        }
        script.conversation = conversation;
        script.await_all_before_closes();
        script
    }

    fn take(&mut self, moment: Moment, event: Event<'_>, answered: &mut BTreeMap<Receiver, usize>) {
        match event {
            Event::Requested(exchange) => match (&exchange.request, &exchange.path) {
                (Request::Upgrade, _) => {}
                (_, Some(_)) => self.push(moment, Action::Request(exchange.id)),
                (_, None) => {
                    self.left_out
                        .insert("requests to other URLs than those below hub.url");
                }
            },
            Event::Opened(socket, opening) => {
                self.sent.entry(Receiver::Socket(socket.id)).or_default();
                let url = opening.url.clone();
                self.push(
                    moment,
                    Action::Open {
                        socket: socket.id,
                        url,
                    },
                );
            }
            Event::Frame(socket, _) | Event::Ended(socket, _) if socket.opening.is_none() => {
                self.left_out
                    .insert("what passed over WebSockets that were open before the recording");
            }
            Event::Frame(socket, frame) if frame.is_message() => {
                let text = frame.body.text();
                match frame.from {
                    Side::Hub => self
                        .sent
                        .entry(Receiver::Socket(socket.id))
                        .or_default()
                        .push(text),
                    Side::Subscriber => self.push(
                        moment,
                        Action::Send {
                            socket: socket.id,
                            text,
                        },
                    ),
                }
            }
            Event::Ended(socket, end) if end.by == Side::Subscriber => {
                let socket = socket.id;
                self.push(
                    moment,
                    match end.kind {
                        EndKind::Closed { code, .. } => Action::Close {
                            socket,
                            code: code.unwrap_or(1000),
                        },
                        EndKind::Broken { .. } => Action::Break { socket },
                    },
                );
            }
            Event::Called(call) => {
                let message = call.message().json;
                let text = message.map_or_else(|| call.body.text(), |message| message.to_string());
                let receiver = Receiver::at(&call.url);
                self.sent.entry(receiver.clone()).or_default().push(text);
                self.calls.entry(receiver).or_default().push(HubCall {
                    call: call.clone(),
                    after: answered.clone(),
                });
            }
            Event::CallAnswered(call, _) => *answered.entry(Receiver::at(&call.url)).or_default() += 1,
            Event::Gap => {
                self.left_out
                    .insert("what passed where the recorder could not write");
            }
            Event::Answered(..)
            | Event::Failed(..)
            | Event::CallFailed(..)
            | Event::Frame(..)
            | Event::Ended(..)
            | Event::Unpaired(_)
            | Event::Note(_)
            | Event::Stopped => {}
        }
    }

    fn push(&mut self, moment: Moment, action: Action) {
        let sent = self.sent.iter();
        let after = sent
            .map(|(receiver, sent)| (receiver.clone(), sent.len()))
            .collect();
        self.steps.push(Step {
            moment,
            after,
            action,
        });
    }

    /// What crossed a close on its way still came; nothing comes any more to who closes before it.
    fn await_all_before_closes(&mut self) {
        for step in &mut self.steps {
            if let Action::Close { socket, .. } | Action::Break { socket } = step.action {
                let receiver = Receiver::Socket(socket);
                let all = self.sent.get(&receiver).map_or(0, Vec::len);
                step.after.insert(receiver, all);
            }
        }
    }

    /// The request of an action, if it is one.
    pub(super) fn request(&self, action: &Action) -> Option<&Exchange> {
        match action {
            Action::Request(id) => Some(self.conversation.exchange(*id)),
            _ => None,
        }
    }

    /// Whether an action publishes an event.
    pub(super) fn is_publication(&self, action: &Action) -> bool {
        let request = self.request(action).map(|exchange| &exchange.request);
        matches!(request, Some(Request::Publish(_)))
    }

    /// Whether an action ends a subscription.
    pub(super) fn is_leaving(&self, action: &Action) -> bool {
        match action {
            Action::Request(id) => {
                matches!(self.conversation.exchange(*id).request, Request::Unsubscribe(_))
            }
            Action::Close { .. } | Action::Break { .. } => true,
            Action::Open { .. } | Action::Send { .. } => false,
        }
    }

    /// Whether the subscriber ended the subscription itself: it closed its WebSocket, or unsubscribed its callback.
    pub(super) fn has_left(&self, receiver: &Receiver) -> bool {
        match receiver {
            Receiver::Socket(socket) => self.has_closed(*socket),
            Receiver::Callback(_) => self.conversation.exchanges().iter().any(|exchange| {
                let callback = exchange.request.form().and_then(SubscriptionForm::callback);
                matches!(exchange.request, Request::Unsubscribe(_))
                    && callback.map(Receiver::at).as_ref() == Some(receiver)
            }),
        }
    }

    /// Whether the subscriber closed this WebSocket, or let it break.
    pub(super) fn has_closed(&self, socket: SocketId) -> bool {
        let end = self.conversation.socket(socket).end.as_ref();
        end.is_some_and(|end| end.by == Side::Subscriber)
    }

    /// The code with which the hub closed this WebSocket, if it did.
    pub(super) fn closed_by_hub(&self, socket: SocketId) -> Option<Option<u16>> {
        let end = self.conversation.socket(socket).end.as_ref()?;
        match (end.by, &end.kind) {
            (Side::Hub, EndKind::Closed { code, .. }) => Some(*code),
            _ => None,
        }
    }
}
