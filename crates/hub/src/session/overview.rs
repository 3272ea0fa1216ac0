//! The overview of a session for the control API, and what the hub does to a subscription when it is told to.

use serde::Serialize;

use super::subscriber::{Channel, Subscriber};
use super::{Closing, Session, SubscriberId};
use crate::clock::Now;

/// A session as it is now. It holds nothing by which a subscription could be taken over: no endpoints, callbacks or secrets.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SessionOverview {
    /// `hub.topic`.
    pub topic: String,
    /// The type of the current context; empty where there is none.
    pub current_context: String,
    /// The open contexts as `type/id`, oldest first.
    pub open: Vec<String>,
    /// The subscriptions, oldest first.
    pub subscribers: Vec<SubscriberOverview>,
}

/// A subscription as it is now.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SubscriberOverview {
    /// Its number, never used again within the topic.
    pub id: u64,
    /// `subscriber.name`, where it gave one.
    pub name: Option<String>,
    /// `websocket` or `webhook`.
    pub channel: &'static str,
    /// Its WebSocket is connected, or its callback verified.
    pub connected: bool,
    /// The events that it was granted.
    pub events: Vec<String>,
    /// The lease as it was granted, in seconds.
    pub lease_seconds: u64,
    /// The seconds that it lasts from now; before the connection, those that its endpoint still waits.
    pub ends_in_seconds: Option<f64>,
    /// The number of notifications that it has still to answer.
    pub unanswered: usize,
}

impl SubscriberId {
    /// Its number within the topic.
    pub fn number(self) -> u64 {
        self.0
    }

    /// The subscription of this number, whether there is one or not.
    pub fn from_number(number: u64) -> Self {
        Self(number)
    }
}

impl Session {
    /// The session as it is now.
    pub fn overview(&self, now: Now) -> SessionOverview {
        let overview = |(id, subscriber): (&SubscriberId, &Subscriber)| {
            let (channel, waiting) = match &subscriber.channel {
                Channel::WebSocket { .. } => ("websocket", 0),
                Channel::Webhook(webhook) => ("webhook", webhook.waiting.len() + usize::from(webhook.busy)),
            };
            SubscriberOverview {
                id: id.number(),
                name: subscriber.name.clone(),
                channel,
                connected: subscriber.connected,
                events: subscriber
                    .granted
                    .iter()
                    .map(|event| event.as_str().to_owned())
                    .collect(),
                lease_seconds: subscriber.lease,
                ends_in_seconds: subscriber
                    .until
                    .map(|until| until.saturating_sub(now.elapsed).as_secs_f64()),
                unanswered: subscriber.unanswered.len() + waiting,
            }
        };
        SessionOverview {
            topic: self.topic.clone(),
            current_context: self.current_context().context_type,
            open: self.contexts.names(),
            subscribers: self.subscribers.iter().map(overview).collect(),
        }
    }

    /// `subscriber.name` of a subscription.
    pub fn subscriber_name(&self, subscriber: SubscriberId) -> Option<&str> {
        self.subscribers.get(&subscriber)?.name.as_deref()
    }

    /// Ends a subscription as the hub may at any time: its subscriber is told why (2.4 Subscription Denial). One that never
    /// connected is forgotten. `false` where there is none.
    pub fn deny_subscription(&mut self, id: SubscriberId, reason: &str, now: Now) -> bool {
        let Some(subscriber) = self.subscribers.get(&id) else {
            return false;
        };
        if subscriber.connected {
            self.deny(id, reason, now);
            self.close(id, super::subscribing::NORMAL_CLOSURE, reason);
        } else {
            self.forget(id);
        }
        true
    }

    /// Lets a lease end now. `false` where there is none.
    pub fn expire(&mut self, id: SubscriberId, now: Now) -> bool {
        let Some(subscriber) = self.subscribers.get_mut(&id) else {
            return false;
        };
        subscriber.until = Some(now.elapsed);
        self.end_leases(now);
        true
    }

    /// Closes a WebSocket, and so ends its subscription. `false` where there is none.
    pub fn close_socket(&mut self, subscriber: SubscriberId, code: u16, reason: &str) -> bool {
        let has_socket = self.has_socket(subscriber);
        if has_socket {
            self.close(subscriber, code, reason);
        }
        has_socket
    }

    /// The connection of a WebSocket is cut from this side: the subscriber is lost, and the others are told. `false` where
    /// there is none.
    pub fn cut_socket(&mut self, subscriber: SubscriberId, now: Now) -> bool {
        let has_socket = self.has_socket(subscriber);
        if has_socket {
            self.disconnected(subscriber, Closing::Broken, now);
        }
        has_socket
    }

    /// Sends a text over a WebSocket, whatever it says. `false` where there is none.
    pub fn send_text(&mut self, subscriber: SubscriberId, text: String) -> bool {
        let has_socket = self.has_socket(subscriber);
        if has_socket {
            self.send(subscriber, text.into());
        }
        has_socket
    }

    fn has_socket(&self, subscriber: SubscriberId) -> bool {
        self.subscribers
            .get(&subscriber)
            .is_some_and(|subscriber| subscriber.connected && subscriber.endpoint().is_some())
    }
}
