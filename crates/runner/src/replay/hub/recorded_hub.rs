//! The hub of a capture: what it did for each subscriber, and what it had received by then.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::Value;

use super::super::script::{HubCall, Receiver, Script};
use crate::capture::Side;
use crate::capture::conversation::{
    Answer, Channel, Exchange, Moment, Opening, PublishedEvent, RecordedConversation, Request, Socket,
    Subscription, SubscriptionForm, SubscriptionId,
};

/// A message of the hub, and what the subscriber had sent by then.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Cue {
    /// The message, as it was sent.
    pub(super) text: String,
    /// The number of messages that had come over this WebSocket.
    pub(super) after_frames: usize,
    /// The publication that this is a copy of, where this subscriber published it, or may have.
    pub(super) after_publication: Option<usize>,
}

/// A call of the hub to a callback, and what had preceded it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct CallCue {
    /// The call.
    pub(super) call: HubCall,
    /// The number of requests that had come and name this callback.
    pub(super) after_requests: usize,
    /// The number of calls that the callbacks of other subscribers had answered.
    pub(super) after_calls: Vec<(usize, usize)>,
    /// As in [`Cue`].
    pub(super) after_publication: Option<usize>,
}

/// An answer of the hub to a request that names a callback.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct CallbackRequest {
    /// The moment of the request.
    pub(super) requested: Moment,
    /// The status of the answer.
    pub(super) status: u16,
    /// The body of the answer.
    pub(super) body: String,
}

/// The callback of a recorded subscriber.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct RecordedCallback {
    receiver: Receiver,
    /// Its own query string.
    pub(super) query: String,
    /// The requests that name it.
    pub(super) requests: Vec<CallbackRequest>,
    /// The calls that followed.
    pub(super) cues: Vec<CallCue>,
}

/// A subscriber of the capture, by its subscription.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct RecordedSubscriber {
    /// `subscriber.name`.
    pub(super) name: Option<String>,
    /// `hub.events`, in lower case.
    pub(super) events: BTreeSet<String>,
    /// `hub.topic`.
    pub(super) topic: String,
    /// The status of the hub's answer.
    pub(super) status: u16,
    /// The body of the hub's answer.
    pub(super) body: String,
    /// The endpoint that the hub gave; none where it refused.
    pub(super) endpoint: Option<String>,
    /// The messages that the hub then sent.
    pub(super) cues: Vec<Cue>,
    /// The callback for notifications, where it has one.
    pub(super) callback: Option<RecordedCallback>,
    /// The code with which the hub closed the WebSocket, if it did.
    pub(super) closed: Option<Option<u16>>,
    /// The status of the subscriber's answer to each event, by id.
    pub(super) answers: BTreeMap<String, String>,
}

impl RecordedSubscriber {
    /// Whether the hub took the subscription.
    pub(super) fn is_active(&self) -> bool {
        self.endpoint.is_some() || (self.callback.is_some() && (200..300).contains(&self.status))
    }
}

/// An event that a recorded subscriber published.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Publication {
    pub(super) event: String,
    pub(super) id: String,
    pub(super) topic: String,
    /// The status of the hub's answer.
    pub(super) status: u16,
    /// The body of the hub's answer.
    pub(super) body: String,
    /// The publisher, where only one subscriber can have published it.
    pub(super) by: Option<usize>,
}

/// A request that names the endpoint of a subscription.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct EndpointRequest {
    /// `hub.mode`.
    pub(super) mode: String,
    /// The subscriber, where it is known.
    pub(super) subscriber: Option<usize>,
    /// Status and body of the hub's answer, where it refused.
    pub(super) refused: Option<(u16, String)>,
}

/// The hub's side of a capture.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct RecordedHub {
    pub(super) subscribers: Vec<RecordedSubscriber>,
    pub(super) publications: Vec<Publication>,
    /// Status and body of the last answer to each GET, by what followed `hub.url`.
    pub(super) documents: BTreeMap<String, (u16, String)>,
    /// The requests that name an endpoint, in order.
    pub(super) at_endpoints: Vec<EndpointRequest>,
    /// What the hub did that cannot be played, in words.
    pub(super) left_out: BTreeSet<&'static str>,
}

impl RecordedHub {
    pub(super) fn of(script: &Script) -> Self {
        let conversation = &script.conversation;
        let mut hub = Self::default();
        let mut positions: HashMap<SubscriptionId, usize> = HashMap::new();
        for subscription in conversation.subscriptions() {
            if let Some(position) = hub.subscription(conversation, subscription) {
                positions.insert(subscription.id, position);
            }
        }
        for socket in conversation.sockets() {
            let position = socket.subscription.and_then(|id| positions.get(&id));
            if let (Some(position), Some(Opening { .. })) = (position, &socket.opening) {
                hub.subscribers[*position].take_socket(socket, script);
            }
        }
        for exchange in conversation.exchanges() {
            if let (Some(path), Some(answer)) = (&exchange.path, exchange.answer()) {
                hub.exchange(conversation, &positions, exchange, path, answer);
            }
            if exchange.path.is_some() && exchange.answer().is_none() && exchange.request != Request::Upgrade
            {
                hub.left_out
                    .insert("requests that the hub of the capture did not answer");
            }
        }
        hub.take_calls(script);
        hub.await_own_publications();
        hub
    }

    /// Takes in a subscription: the position of the subscriber that it makes, or belongs to.
    fn subscription(
        &mut self,
        conversation: &RecordedConversation,
        subscription: &Subscription,
    ) -> Option<usize> {
        let request = conversation.first_request(subscription)?;
        let answer = request.answer()?;
        request.path.as_ref()?;
        let form = &subscription.form;
        if form.endpoint().is_some() {
            // It began before the recording.
            return None;
        }
        let callback = match &subscription.channel {
            Channel::WebSocket { .. } => None,
            Channel::Webhook { callback } => Some(callback),
        };
        let receiver = callback.map(|callback| Receiver::at(callback));
        if let Some(receiver) = &receiver
            && let Some(position) = self.called_at(receiver)
        {
            let known = &mut self.subscribers[position];
            if !known.is_active() {
                known.status = answer.status;
                known.body = answer.body.text();
            }
            return Some(position);
        }
        let callback = callback
            .zip(receiver)
            .map(|(callback, receiver)| RecordedCallback {
                requests: requests_naming(conversation, &receiver, request.requested),
                receiver,
                query: callback.split_once('?').map_or("", |(_, query)| query).to_owned(),
                cues: Vec::new(),
            });
        self.subscribers.push(RecordedSubscriber {
            name: form.subscriber_name().map(str::to_owned),
            events: form.events().map(str::to_lowercase).collect(),
            topic: form.topic().to_owned(),
            status: answer.status,
            body: answer.body.text(),
            endpoint: answer.endpoint().filter(|_| answer.is_success()),
            callback,
            ..RecordedSubscriber::default()
        });
        Some(self.subscribers.len() - 1)
    }

    fn called_at(&self, receiver: &Receiver) -> Option<usize> {
        self.subscribers.iter().position(|subscriber| {
            let callback = subscriber.callback.as_ref();
            callback.is_some_and(|callback| callback.receiver == *receiver)
        })
    }

    fn exchange(
        &mut self,
        conversation: &RecordedConversation,
        positions: &HashMap<SubscriptionId, usize>,
        exchange: &Exchange,
        path: &str,
        answer: &Answer,
    ) {
        match &exchange.request {
            Request::Publish(event) => {
                let Some(name) = event.name() else { return };
                self.publications.push(Publication {
                    by: publisher(conversation, positions, exchange, event),
                    event: name.to_lowercase(),
                    id: event.id().unwrap_or_default().to_owned(),
                    topic: event.topic().unwrap_or_default().to_owned(),
                    status: answer.status,
                    body: answer.body.text(),
                });
            }
            Request::Subscribe(form) | Request::Unsubscribe(form) if form.endpoint().is_some() => {
                self.at_endpoints.push(EndpointRequest {
                    mode: form.get("hub.mode").unwrap_or_default().to_owned(),
                    subscriber: exchange.subscription.and_then(|id| positions.get(&id).copied()),
                    refused: (!answer.is_success()).then(|| (answer.status, answer.body.text())),
                });
            }
            Request::Upgrade => {}
            _ if exchange.method == "GET" => {
                let document = (answer.status, answer.body.text());
                self.documents.insert(path.to_owned(), document);
            }
            _ => {}
        }
    }

    fn take_calls(&mut self, script: &Script) {
        let receivers: Vec<Option<Receiver>> = self
            .subscribers
            .iter()
            .map(|subscriber| Some(subscriber.callback.as_ref()?.receiver.clone()))
            .collect();
        let position = |wanted: &Receiver| {
            receivers
                .iter()
                .position(|receiver| receiver.as_ref() == Some(wanted))
        };
        for callback in self
            .subscribers
            .iter_mut()
            .filter_map(|subscriber| subscriber.callback.as_mut())
        {
            let calls = script.calls.get(&callback.receiver).into_iter().flatten();
            let cues = calls.map(|call| CallCue {
                call: call.clone(),
                after_calls: call
                    .after
                    .iter()
                    .filter(|(receiver, _)| **receiver != callback.receiver)
                    .filter_map(|(receiver, count)| Some((position(receiver)?, *count)))
                    .collect(),
                after_requests: callback
                    .requests
                    .iter()
                    .filter(|request| request.requested < call.call.requested)
                    .count(),
                after_publication: None,
            });
            callback.cues = cues.collect();
        }
    }

    /// Nobody is sent a copy of what it has, or may have, still to publish.
    fn await_own_publications(&mut self) {
        for (position, subscriber) in self.subscribers.iter_mut().enumerate() {
            let publication = |text: &str| {
                let message: Value = serde_json::from_str(text).ok()?;
                let id = message.get("id")?.as_str()?;
                let is_it = |publication: &Publication| {
                    publication.by.is_none_or(|by| by == position) && publication.id == id
                };
                self.publications.iter().position(is_it)
            };
            for cue in &mut subscriber.cues {
                cue.after_publication = publication(&cue.text);
            }
            for cue in subscriber
                .callback
                .iter_mut()
                .flat_map(|callback| &mut callback.cues)
            {
                cue.after_publication = publication(&cue.call.call.body.text());
            }
        }
    }
}

impl RecordedSubscriber {
    fn take_socket(&mut self, socket: &Socket, script: &Script) {
        let mut after_frames = 0;
        self.cues.clear();
        for frame in socket.frames.iter().filter(|frame| frame.is_message()) {
            let text = frame.body.text();
            match frame.from {
                Side::Hub => self.cues.push(Cue {
                    text,
                    after_frames,
                    after_publication: None,
                }),
                Side::Subscriber => {
                    after_frames += 1;
                    self.answers.extend(acknowledgement(&text));
                }
            }
        }
        self.closed = script.closed_by_hub(socket.id);
    }
}

/// The answered requests that name a callback, from its first subscription on.
fn requests_naming(
    conversation: &RecordedConversation,
    receiver: &Receiver,
    since: Moment,
) -> Vec<CallbackRequest> {
    let named = conversation.exchanges().iter().filter(|exchange| {
        let callback = exchange.request.form().and_then(SubscriptionForm::callback);
        exchange.requested >= since && callback.map(Receiver::at).as_ref() == Some(receiver)
    });
    let answered = named.filter_map(|exchange| {
        let answer = exchange.answer()?;
        Some(CallbackRequest {
            requested: exchange.requested,
            status: answer.status,
            body: answer.body.text(),
        })
    });
    answered.collect()
}

/// The publisher of an event, where only one subscriber is the likeliest.
fn publisher(
    conversation: &RecordedConversation,
    positions: &HashMap<SubscriptionId, usize>,
    exchange: &Exchange,
    event: &PublishedEvent,
) -> Option<usize> {
    let senders = conversation.likely_senders(exchange, event.topic().unwrap_or_default());
    match senders[..] {
        [sender] => positions.get(&sender).copied(),
        _ => None,
    }
}

/// The names of events in a list, in lower case.
pub(super) fn events(list: &str) -> BTreeSet<String> {
    list.split(',')
        .map(|name| name.trim().to_lowercase())
        .filter(|name| !name.is_empty())
        .collect()
}

/// The id and the status of an answer to a notification; an answer without a status is one all the same.
pub(super) fn acknowledgement(text: &str) -> Option<(String, String)> {
    let message: Value = serde_json::from_str(text).ok()?;
    if message.get("event").is_some() {
        return None;
    }
    let id = message.get("id")?.as_str()?.to_owned();
    let status = match message.get("status") {
        None => "without a status".to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    };
    Some((id, status))
}
