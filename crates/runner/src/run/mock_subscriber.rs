//! The mock subscribers of a scenario: what each was told to do, and what is known of it.

use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Value, json};

use super::dialect::spelled;
use super::tokens::Credential;
use crate::client::{AnswerRule, Callback, Inbox, Policy, Socket, Spot};
use crate::judging::hub::{self, Subscriber, Subscription, Subscriptions};
use crate::protocol::{EventName, Status, Version, join_events};
use crate::redaction::OWN_SECRET;
use crate::scenario::{self, Channel};

/// The way that notifications take to a mock subscriber.
#[derive(Debug)]
pub enum Transport {
    /// A WebSocket, which the subscriber opens.
    WebSocket(WebSocketTransport),
    /// Calls by the hub.
    Webhook(WebhookTransport),
}

/// What a subscriber has that is notified over WebSockets.
#[derive(Debug, Default)]
pub struct WebSocketTransport {
    /// The endpoint that it was given last.
    pub endpoint: Option<String>,
    /// Its WebSocket, while it has one.
    pub socket: Option<Socket>,
    /// WebSockets left behind by a new subscription; they are still read.
    pub old_sockets: Vec<Socket>,
}

/// What a subscriber has that is notified by calls.
#[derive(Debug)]
pub struct WebhookTransport {
    /// Its callback, where the run serves callbacks.
    pub callback: Option<Callback>,
    /// `hub.secret` that it gives; empty for none.
    pub secret: String,
    /// How many of the verifications that its callback has answered are accounted for.
    pub accounted: usize,
}

/// A mock subscriber of a scenario.
#[derive(Debug)]
pub struct MockSubscriber {
    /// Its name in the scenario.
    pub name: String,
    /// `subscriber.name` that it gives, if any.
    pub subscriber_name: Option<String>,
    /// The events that it subscribes to.
    pub events: Vec<EventName>,
    /// The topic.
    pub topic: String,
    /// The lease that it asks for, in seconds.
    pub lease: Option<u64>,
    /// How it answers.
    pub policy: Arc<Mutex<Policy>>,
    /// What it received.
    pub inbox: Inbox,
    /// The way that its notifications take.
    pub transport: Transport,
    /// How many channels it has opened.
    pub opened: usize,
    /// It has answered everything with 200 at once, kept its connection, and sent nothing odd.
    pub exact: bool,
    /// Its subscriptions.
    pub subscriptions: Subscriptions,
    /// Its last unsubscribe that was accepted: the request, and the answer.
    pub left: Option<(Spot, Spot)>,
    /// The token that it shows in place of the target's own.
    pub credential: Option<Credential>,
}

impl MockSubscriber {
    /// A subscriber that has done nothing yet.
    pub fn new(name: &str, spec: &scenario::Subscriber, topic: &str, version: Version) -> Self {
        let events = spec.events.iter().filter_map(|event| event.value.parse().ok());
        let events = events.map(|event| spelled(version, &event)).collect();
        let transport = match spec.channel_in(version) {
            Channel::WebSocket => Transport::WebSocket(WebSocketTransport::default()),
            Channel::Webhook => Transport::Webhook(WebhookTransport {
                callback: None,
                secret: spec
                    .secret
                    .clone()
                    .unwrap_or_else(|| format!("{OWN_SECRET}{}", uuid::Uuid::new_v4().simple())),
                accounted: 0,
            }),
        };
        Self {
            transport,
            name: name.to_owned(),
            subscriber_name: spec.name.clone(),
            events,
            topic: topic.to_owned(),
            lease: spec.lease_seconds,
            policy: Arc::new(Mutex::new(policy_of(&spec.answers))),
            inbox: Inbox::default(),
            opened: 0,
            exact: spec.answers.is_empty(),
            subscriptions: Subscriptions::default(),
            left: None,
            credential: None,
        }
    }

    /// Changes how it answers.
    pub fn set_answers(&mut self, rules: &[scenario::Answer]) {
        self.exact &= rules.is_empty();
        *self.policy.lock().unwrap_or_else(PoisonError::into_inner) = policy_of(rules);
    }

    /// What judging knows of it.
    pub fn observed(&self) -> Subscriber {
        let channel = match &self.transport {
            Transport::WebSocket(_) => hub::Channel::WebSocket,
            Transport::Webhook(webhook) => hub::Channel::Webhook {
                callback: webhook
                    .callback
                    .as_ref()
                    .map(|callback| callback.url().to_owned())
                    .unwrap_or_default(),
                verified: webhook
                    .callback
                    .as_ref()
                    .map(Callback::verified)
                    .unwrap_or_default(),
            },
        };
        Subscriber {
            subscriptions: self.subscriptions.clone(),
            exact: self.exact,
            received: self.inbox.received(),
            closed: self.inbox.closed(),
            ..Subscriber::new(&self.name, &self.topic, channel)
        }
    }

    /// The subscription that it has now.
    pub fn subscription(&self) -> Option<&Subscription> {
        self.subscriptions.last()
    }

    /// The subscription that it has now, to be changed.
    pub fn subscription_mut(&mut self) -> Option<&mut Subscription> {
        self.subscriptions.last_mut()
    }

    /// Whether its notifications come to a callback.
    pub fn is_webhook(&self) -> bool {
        matches!(self.transport, Transport::Webhook(_))
    }

    /// What it has for WebSockets, where it is notified over them.
    pub fn web_socket(&self) -> Option<&WebSocketTransport> {
        match &self.transport {
            Transport::WebSocket(transport) => Some(transport),
            Transport::Webhook(_) => None,
        }
    }

    /// What it has for WebSockets, to be changed.
    pub fn web_socket_mut(&mut self) -> Option<&mut WebSocketTransport> {
        match &mut self.transport {
            Transport::WebSocket(transport) => Some(transport),
            Transport::Webhook(_) => None,
        }
    }

    /// What it has for calls, where it is notified by them.
    pub fn webhook(&self) -> Option<&WebhookTransport> {
        match &self.transport {
            Transport::WebSocket(_) => None,
            Transport::Webhook(transport) => Some(transport),
        }
    }

    /// What it has for calls, to be changed.
    pub fn webhook_mut(&mut self) -> Option<&mut WebhookTransport> {
        match &mut self.transport {
            Transport::WebSocket(_) => None,
            Transport::Webhook(transport) => Some(transport),
        }
    }

    /// The endpoint that it was given last.
    pub fn endpoint(&self) -> Option<&str> {
        self.web_socket()?.endpoint.as_deref()
    }

    /// It was given this endpoint.
    pub fn set_endpoint(&mut self, endpoint: String) {
        if let Some(web_socket) = self.web_socket_mut() {
            web_socket.endpoint = Some(endpoint);
        }
    }

    /// Its WebSocket, while it has one.
    pub fn socket(&self) -> Option<&Socket> {
        self.web_socket()?.socket.as_ref()
    }

    /// Whether its WebSocket is open.
    pub fn has_open_socket(&self) -> bool {
        self.socket().is_some_and(|socket| !socket.is_finished())
    }

    /// Its callback, where it has a webhook.
    pub fn callback(&self) -> Option<&Callback> {
        self.webhook()?.callback.as_ref()
    }

    /// Whether it has an open channel and a confirmed subscription that nobody has ended.
    pub fn is_active(&self) -> bool {
        self.subscriptions.is_active(&self.inbox.closed())
    }

    /// Whether the hub has closed the WebSocket of the subscription that it has now, unasked.
    pub fn was_ended_by_hub(&self) -> bool {
        self.subscriptions.was_ended_by_hub(&self.inbox.closed())
    }

    /// What scenarios may know of it.
    pub fn to_variable(&self) -> Value {
        let subscription = self.subscription();
        json!({
            "endpoint": self.endpoint(),
            "topic": self.topic,
            "name": self.subscriber_name,
            "callback": self.callback().map(Callback::url),
            "events": subscription.map(|subscription| join_events(&subscription.current)),
            "lease_seconds": subscription.and_then(|subscription| subscription.lease),
        })
    }
}

fn policy_of(answers: &[scenario::Answer]) -> Policy {
    let rules = answers
        .iter()
        .map(|answer| AnswerRule {
            event: answer.event.as_ref().and_then(|event| event.parse().ok()),
            status: (!answer.never).then(|| Status {
                code: answer.status.unwrap_or(200),
                as_text: answer.as_text,
            }),
            after: std::time::Duration::from_millis(answer.after_ms.unwrap_or(0)),
        })
        .collect();
    Policy { rules }
}
