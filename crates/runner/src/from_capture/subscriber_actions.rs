//! The actions of the subscribers of a capture, in order, and their answers to notifications.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use serde_json::Value;

use crate::capture::Side;
use crate::capture::conversation::{
    Answer, CallbackCall, EndKind, Event, Exchange, Frame, Moment, PublishedEvent, RecordedConversation,
    Request, Socket, SubscriptionForm, SubscriptionId,
};
use crate::protocol::{EventName, Version};

/// A subscription of the capture, which becomes a subscriber of the scenario.
#[derive(Debug, Clone)]
pub struct RecordedSubscriber {
    /// `hub.topic`.
    pub topic: String,
    /// `hub.events` of its first request, as written.
    pub events: Vec<String>,
    /// `subscriber.name`.
    pub subscriber_name: Option<String>,
    /// `hub.lease_seconds` of its first request.
    pub lease_seconds: Option<u64>,
    /// Notifications come to a callback.
    pub webhook: bool,
    /// `hub.secret` was given.
    pub has_secret: bool,
}

impl RecordedSubscriber {
    fn of(form: &SubscriptionForm) -> Self {
        Self {
            topic: form.topic().to_owned(),
            events: valid_events(form),
            subscriber_name: form.subscriber_name().map(str::to_owned),
            lease_seconds: form.lease_seconds(),
            webhook: form.callback().is_some(),
            has_secret: form.get("hub.secret").is_some(),
        }
    }
}

/// An event that was published.
#[derive(Debug, Clone)]
pub struct Published {
    /// The publisher, as far as can be told: a position among the subscribers.
    pub by: Option<usize>,
    /// Whether another subscriber could have published it.
    pub guessed: bool,
    /// The topic.
    pub topic: String,
    /// The message.
    pub message: Value,
    /// The hub's status; `None` where it gave none.
    pub status: Option<u16>,
}

/// An action of a subscriber.
#[derive(Debug, Clone)]
pub enum SubscriberAction {
    /// It subscribed; its WebSocket was opened, or its callback verified.
    Subscribed(usize),
    /// It requested a subscription and was refused.
    Refused(usize),
    /// It requested other events for the subscription that it has.
    Resubscribed {
        /// The subscriber.
        subscriber: usize,
        /// `hub.events`, as written.
        events: Vec<String>,
    },
    /// It unsubscribed.
    Unsubscribed(usize),
    /// It published.
    Published(Box<Published>),
    /// It requested the current context of its topic.
    RequestedContext {
        /// The subscriber, as far as can be told.
        subscriber: Option<usize>,
        /// The topic.
        topic: String,
    },
    /// It closed its WebSocket.
    Closed {
        /// The subscriber.
        subscriber: usize,
        /// The close code.
        code: u16,
    },
    /// Its connection ended without a close frame.
    Broke(usize),
}

/// The answer of a subscriber to the notification of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Acknowledged {
    /// The status; `None` where no answer came.
    pub status: Option<u16>,
    /// The status is written as a string.
    pub as_text: bool,
    /// The time between notification and answer, in milliseconds.
    pub after_ms: u64,
}

/// The subscribers of a capture and their actions.
#[derive(Debug)]
pub struct SubscriberActions {
    /// All subscribers.
    pub subscribers: Vec<RecordedSubscriber>,
    /// All actions, in order.
    pub actions: Vec<SubscriberAction>,
    /// The answer of each subscriber to each event, by position and id.
    pub answers: BTreeMap<(usize, String), Acknowledged>,
    /// What the hub refused or did not answer, and how, in words.
    pub refused: Vec<String>,
    /// The parts of the capture that are in no action, in words.
    pub left_out: Vec<String>,
    /// The version that the messages show.
    pub version: Version,
}

/// How long an answer may be out before a capture that goes on shows that there is none.
const PATIENCE: Duration = Duration::from_millis(1_500);

impl SubscriberActions {
    /// The actions in a conversation.
    pub fn of(conversation: &RecordedConversation) -> Self {
        let mut collector = Collector {
            conversation,
            known: HashMap::new(),
            notified: BTreeMap::new(),
            found: Self {
                subscribers: Vec::new(),
                actions: Vec::new(),
                answers: BTreeMap::new(),
                refused: Vec::new(),
                left_out: Vec::new(),
                version: Version::Stu3,
            },
        };
        for (moment, event) in conversation.events() {
            collector.event(moment, event);
        }
        collector.note_silences();
        collector.note_unanswered();
        let mut found = collector.found;
        found.version = conversation
            .version()
            .unwrap_or_else(|| found.version_by_spelling());
        found
    }

    /// Event names of STU3 begin with a capital, those of older versions need not.
    fn version_by_spelling(&self) -> Version {
        let capital = |name: &String| name.starts_with(|first: char| first.is_ascii_uppercase());
        let mut names = self.subscribers.iter().flat_map(|subscriber| &subscriber.events);
        match self.subscribers.is_empty() || names.any(capital) {
            true => Version::Stu3,
            false => Version::Stu2,
        }
    }
}

struct Collector<'c> {
    conversation: &'c RecordedConversation,
    /// The position of the subscriber that each accepted subscription became.
    known: HashMap<SubscriptionId, usize>,
    /// The time at which each subscriber was notified of each event.
    notified: BTreeMap<(usize, String), Duration>,
    found: SubscriberActions,
}

impl Collector<'_> {
    fn event(&mut self, moment: Moment, event: Event<'_>) {
        match event {
            Event::Requested(exchange) => self.requested(exchange),
            Event::Answered(exchange, answer) => self.answered(exchange, answer),
            Event::CallAnswered(call, answer) => self.call_answered(call, answer, moment),
            Event::Opened(socket, _) => match self.subscriber(socket.subscription) {
                Some(subscriber) => self.subscribed(subscriber),
                None => self.leave_out("a WebSocket at an endpoint that no subscription was given"),
            },
            Event::Frame(socket, frame) if frame.is_message() => self.frame(moment, socket, frame),
            Event::Ended(socket, end) if end.by == Side::Subscriber => {
                if let Some(subscriber) = self.subscriber(socket.subscription) {
                    self.found.actions.push(match end.kind {
                        EndKind::Closed { code, .. } => SubscriberAction::Closed {
                            subscriber,
                            code: code.unwrap_or(1000),
                        },
                        EndKind::Broken { .. } => SubscriberAction::Broke(subscriber),
                    });
                }
            }
            Event::Gap => self.leave_out("what passed where the recorder could not write"),
            Event::Failed(..)
            | Event::Called(_)
            | Event::CallFailed(..)
            | Event::Frame(..)
            | Event::Ended(..)
            | Event::Unpaired(_)
            | Event::Note(_)
            | Event::Stopped => {}
        }
    }

    fn subscriber(&self, subscription: Option<SubscriptionId>) -> Option<usize> {
        self.known.get(&subscription?).copied()
    }

    fn leave_out(&mut self, what: &str) {
        self.found.left_out.push(what.to_owned());
    }

    /// The subscriber that may have sent a request about a topic, and whether another could have.
    fn sender(&self, exchange: &Exchange, topic: &str) -> (Option<usize>, bool) {
        let senders = self.conversation.likely_senders(exchange, topic);
        (self.subscriber(senders.first().copied()), senders.len() > 1)
    }

    fn requested(&mut self, exchange: &Exchange) {
        match &exchange.request {
            Request::Publish(event) => self.published(exchange, event),
            Request::GetContext { topic } => {
                let mut subscribers = self.found.subscribers.iter();
                if subscribers.any(|subscriber| subscriber.topic == *topic) {
                    let (subscriber, _) = self.sender(exchange, topic);
                    self.found.actions.push(SubscriberAction::RequestedContext {
                        subscriber,
                        topic: topic.clone(),
                    });
                }
            }
            Request::Other if exchange.method == "POST" => {
                self.leave_out(&format!("a POST to {} that is no event", exchange.url));
            }
            Request::Subscribe(_)
            | Request::Unsubscribe(_)
            | Request::Configuration
            | Request::Upgrade
            | Request::Other => {}
        }
    }

    fn published(&mut self, exchange: &Exchange, event: &PublishedEvent) {
        let topic = event.topic().unwrap_or_default();
        let (by, guessed) = self.sender(exchange, topic);
        let published = Published {
            by,
            guessed,
            topic: topic.to_owned(),
            message: event.message.clone(),
            status: exchange.answer().map(|answer| answer.status),
        };
        let name = event.name().unwrap_or("an event without a name");
        match published.status {
            Some(status) if (200..300).contains(&status) => {}
            Some(status) => self.found.refused.push(format!("{name} with {status}")),
            None => self.found.refused.push(format!("{name} without an answer")),
        }
        self.found
            .actions
            .push(SubscriberAction::Published(Box::new(published)));
    }

    fn answered(&mut self, exchange: &Exchange, answer: &Answer) {
        match &exchange.request {
            Request::Subscribe(form) => self.subscription_answered(exchange, form, answer),
            Request::Unsubscribe(_) if answer.is_success() => {
                if let Some(subscriber) = self.subscriber(exchange.subscription) {
                    self.found
                        .actions
                        .push(SubscriberAction::Unsubscribed(subscriber));
                }
            }
            Request::Unsubscribe(_) => {
                self.leave_out(&format!(
                    "an unsubscribe request that the hub refused with {}",
                    answer.status
                ));
            }
            _ => {}
        }
    }

    fn subscription_answered(&mut self, exchange: &Exchange, form: &SubscriptionForm, answer: &Answer) {
        if let (Some(subscriber), true) = (self.subscriber(exchange.subscription), answer.is_success()) {
            let events = valid_events(form);
            let action = SubscriberAction::Resubscribed { subscriber, events };
            return self.found.actions.push(action);
        }
        let subscriber = self.found.subscribers.len();
        self.found.subscribers.push(RecordedSubscriber::of(form));
        let accepted = exchange.subscription.filter(|_| answer.is_success());
        let Some(subscription) = accepted else {
            self.found.refused.push(format!(
                "a subscription to {} with {}",
                form.topic(),
                answer.status
            ));
            return self.found.actions.push(SubscriberAction::Refused(subscriber));
        };
        self.known.insert(subscription, subscriber);
        // A hub may verify a callback before it answers the request.
        let verified = self.conversation.calls().iter().any(|call| {
            let before = call
                .answer()
                .is_some_and(|verified| verified.moment < answer.moment);
            call.subscription == Some(subscription) && before && verifies_subscription(call)
        });
        if verified {
            self.subscribed(subscriber);
        }
    }

    fn subscribed(&mut self, subscriber: usize) {
        let is_it = |action: &SubscriberAction| matches!(action, SubscriberAction::Subscribed(known) if *known == subscriber);
        if !self.found.actions.iter().any(is_it) {
            self.found.actions.push(SubscriberAction::Subscribed(subscriber));
        }
    }

    fn call_answered(&mut self, call: &CallbackCall, answer: &Answer, moment: Moment) {
        let Some(subscriber) = self.subscriber(call.subscription) else {
            return;
        };
        if verifies_subscription(call) {
            return self.subscribed(subscriber);
        }
        let message = call.message().json.filter(|_| call.method == "POST");
        let id = message.as_ref().and_then(|message| message.get("id")?.as_str());
        if let Some(id) = id {
            let acknowledged = Acknowledged {
                status: Some(answer.status),
                as_text: false,
                after_ms: milliseconds(moment.at.saturating_sub(call.requested.at)),
            };
            self.acknowledged(subscriber, id, acknowledged);
        }
    }

    fn frame(&mut self, moment: Moment, socket: &Socket, frame: &Frame) {
        let Some(subscriber) = self.subscriber(socket.subscription) else {
            return;
        };
        let Some(message) = frame.json() else {
            if frame.from == Side::Subscriber {
                self.leave_out("a frame of a subscriber that is no JSON");
            }
            return;
        };
        let Some(id) = message.get("id").and_then(Value::as_str) else {
            return;
        };
        match (frame.from, message.get("event")) {
            (Side::Hub, Some(_)) => {
                self.notified.insert((subscriber, id.to_owned()), moment.at);
            }
            (Side::Subscriber, None) => {
                let status = message.get("status");
                let text = status.and_then(Value::as_str);
                let code = status
                    .and_then(Value::as_u64)
                    .or_else(|| text?.parse().ok())
                    .and_then(|code| u16::try_from(code).ok());
                let notified = self.notified.get(&(subscriber, id.to_owned()));
                let after = notified.map_or(Duration::ZERO, |notified| moment.at.saturating_sub(*notified));
                if code.is_none() {
                    self.leave_out(
                        "an answer to an event without a status that can be read, in whose place stands 200",
                    );
                }
                let acknowledged = Acknowledged {
                    // It did answer: nothing at all would be another thing.
                    status: code.or(Some(200)),
                    as_text: code.is_some() && text.is_some(),
                    after_ms: milliseconds(after),
                };
                self.acknowledged(subscriber, id, acknowledged);
            }
            _ => {}
        }
    }

    fn acknowledged(&mut self, subscriber: usize, id: &str, acknowledged: Acknowledged) {
        let key = (subscriber, id.to_owned());
        self.found.answers.entry(key).or_insert(acknowledged);
    }

    /// Requests about subscriptions that the hub never answered.
    fn note_unanswered(&mut self) {
        let conversation = self.conversation;
        for exchange in conversation.exchanges() {
            let what = match &exchange.request {
                Request::Subscribe(_) => "a subscription request that the hub did not answer",
                Request::Unsubscribe(_) => "an unsubscribe request that the hub did not answer",
                _ => continue,
            };
            if exchange.answer().is_none() {
                self.leave_out(what);
            }
        }
    }

    /// Notifications without an answer, though there was time for one.
    fn note_silences(&mut self) {
        let last = self.conversation.duration();
        for (key, notified) in std::mem::take(&mut self.notified) {
            if last.saturating_sub(notified) > PATIENCE {
                self.found.answers.entry(key).or_insert(Acknowledged {
                    status: None,
                    as_text: false,
                    after_ms: 0,
                });
            }
        }
    }
}

fn valid_events(form: &SubscriptionForm) -> Vec<String> {
    let names = form.events().filter(|name| name.parse::<EventName>().is_ok());
    names.map(str::to_owned).collect()
}

/// Whether a subscriber agreed to an intent verification of its subscription.
fn verifies_subscription(call: &CallbackCall) -> bool {
    let message = call.message().json;
    let mode = message
        .as_ref()
        .and_then(|message| message.get("hub.mode")?.as_str());
    mode == Some("subscribe") && call.is_agreed()
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
