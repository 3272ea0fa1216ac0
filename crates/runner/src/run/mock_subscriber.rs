//! The mock subscribers of a scenario: what each was told to do, and what is known of it.

use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Value, json};

use super::dialect::spelled;
use super::tokens::Credential;
use crate::client::{AnswerRule, Callback, Inbox, Policy, Socket, Spot};
use crate::judging::hub::{self, Subscriber, Subscription, Subscriptions};
use crate::protocol::{EventName, Status, Version, join_events};
use crate::scenario::{self, Channel};

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
    pub channel: Channel,
    /// Its callback, where it has a webhook.
    pub callback: Option<Callback>,
    /// `hub.secret` that it gives; empty for none.
    pub secret: String,
    /// How many of the verifications that its callback has answered are accounted for.
    pub accounted: usize,
    /// The endpoint that it was given last.
    pub endpoint: Option<String>,
    /// Its WebSocket, while it has one.
    pub socket: Option<Socket>,
    /// WebSockets left behind by a new subscription; they are still read.
    pub old_sockets: Vec<Socket>,
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
        Self {
            channel: spec.channel_in(version),
            callback: None,
            secret: spec
                .secret
                .clone()
                .unwrap_or_else(|| uuid::Uuid::new_v4().simple().to_string()),
            accounted: 0,
            name: name.to_owned(),
            subscriber_name: spec.name.clone(),
            events,
            topic: topic.to_owned(),
            lease: spec.lease_seconds,
            policy: Arc::new(Mutex::new(policy_of(&spec.answers))),
            inbox: Inbox::default(),
            endpoint: None,
            socket: None,
            old_sockets: Vec::new(),
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
        let channel = match (&self.callback, self.is_webhook()) {
            (Some(callback), true) => hub::Channel::Webhook {
                callback: callback.url().to_owned(),
                verified: callback.verified(),
            },
            (None, true) => hub::Channel::Webhook {
                callback: String::new(),
                verified: Vec::new(),
            },
            (_, false) => hub::Channel::WebSocket,
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
        self.channel == Channel::Webhook
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
            "endpoint": self.endpoint,
            "topic": self.topic,
            "name": self.subscriber_name,
            "callback": self.callback.as_ref().map(Callback::url),
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
