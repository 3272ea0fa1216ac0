//! One subscription: how it is reached, what it was granted, how long it lasts and what it has not answered yet.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use super::distribution::Distributed;
use crate::protocol::EventName;

/// A notification that awaits its answer.
#[derive(Debug)]
pub(super) struct Unanswered {
    pub(super) until: Duration,
    pub(super) event: Arc<Distributed>,
}

/// The channel by which notifications reach a subscriber.
#[derive(Debug)]
pub(super) enum Channel {
    WebSocket {
        /// The last path segment of its endpoint.
        endpoint: Arc<str>,
    },
    Webhook(Webhook),
}

#[derive(Debug)]
pub(super) struct Webhook {
    /// The URL as it was written in the request.
    pub(super) callback: Arc<str>,
    /// The key of the signatures.
    pub(super) secret: Option<Arc<str>>,
    /// It did not take the last notification that it was sent.
    pub(super) failed: bool,
    /// A notification is under way.
    pub(super) busy: bool,
    /// The notifications to send after that.
    pub(super) waiting: VecDeque<Arc<Distributed>>,
}

#[derive(Debug)]
pub(super) struct Subscriber {
    pub(super) channel: Channel,
    /// `subscriber.name`, where it gave one.
    pub(super) name: Option<String>,
    pub(super) granted: Vec<EventName>,
    /// The number of its re-subscriptions.
    pub(super) resubscriptions: usize,
    /// The reason why it is denied as soon as it can be told.
    pub(super) denied: Option<String>,
    /// Seconds.
    pub(super) lease: u64,
    /// The end of the access token that it was subscribed with.
    pub(super) token_until: Option<Duration>,
    /// Its WebSocket is connected, or its callback verified.
    pub(super) connected: bool,
    /// The end of the lease or, before the connection, of the wait for it.
    pub(super) until: Option<Duration>,
    /// Over a WebSocket, in the order of their deadlines.
    pub(super) unanswered: VecDeque<Unanswered>,
    /// The last notification that was sent to it.
    pub(super) last: Option<Arc<Distributed>>,
    /// For each resource type, the resource of the last open event that it was sent and that was not closed to it.
    pub(super) in_context: Vec<(Arc<str>, Arc<str>)>,
}

impl Subscriber {
    /// The last path segment of its endpoint, where it has one.
    pub(super) fn endpoint(&self) -> Option<&Arc<str>> {
        match &self.channel {
            Channel::WebSocket { endpoint } => Some(endpoint),
            Channel::Webhook(_) => None,
        }
    }

    pub(super) fn webhook(&self) -> Option<&Webhook> {
        match &self.channel {
            Channel::WebSocket { .. } => None,
            Channel::Webhook(webhook) => Some(webhook),
        }
    }

    /// The name that SyncErrors give it: its own, the beginning of its endpoint's id, or the host of its callback.
    pub(super) fn display_name(&self) -> String {
        match &self.name {
            Some(name) if !name.is_empty() => name.clone(),
            _ => match &self.channel {
                Channel::WebSocket { endpoint } => {
                    let short: String = endpoint.chars().take(8).collect();
                    format!("subscriber {short}")
                }
                // The path of a callback is a secret that the others are not told.
                Channel::Webhook(webhook) => {
                    let host = url::Url::parse(&webhook.callback).ok();
                    let host = host.as_ref().and_then(url::Url::host_str).unwrap_or_default();
                    format!("subscriber at {host}")
                }
            },
        }
    }

    pub(super) fn next_deadline(&self) -> Option<Duration> {
        let answer = self.unanswered.front().map(|unanswered| unanswered.until);
        self.until.into_iter().chain(answer).min()
    }

    pub(super) fn has_in_context(&self, resource_type: &str, id: &str) -> bool {
        self.in_context
            .iter()
            .any(|(own_type, own_id)| &**own_type == resource_type && &**own_id == id)
    }

    pub(super) fn opened(&mut self, resource_type: &Arc<str>, id: &Arc<str>) {
        match self
            .in_context
            .iter_mut()
            .find(|(known, _)| known == resource_type)
        {
            Some((_, current)) => *current = Arc::clone(id),
            None => self.in_context.push((Arc::clone(resource_type), Arc::clone(id))),
        }
    }

    pub(super) fn closed(&mut self, resource_type: &str, id: &str) {
        self.in_context
            .retain(|(own_type, own_id)| &**own_type != resource_type || &**own_id != id);
    }
}
