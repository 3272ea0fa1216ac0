//! What a mock subscriber received, and waiting for more.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use serde_json::Value;
use tokio::sync::Notify;

use super::log::Spot;
use super::signature::Signature;

/// A message from the hub: a frame over a WebSocket, or a call to a callback.
#[derive(Debug, Clone)]
pub struct Received {
    /// Where it stands in the log.
    pub spot: Spot,
    /// Counts the channels of this subscriber, its WebSockets and its callback, from 0.
    pub socket: usize,
    /// Its text; of a call, that of its body.
    pub text: Arc<str>,
    /// Its text as JSON, where it is; of an intent verification or a denial at a callback, its query as an object of strings.
    pub json: Option<Arc<Value>>,
    /// The call that brought it, where it came to a callback.
    pub call: Option<Arc<Call>>,
}

/// An HTTP request from the hub to a callback.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// The method.
    pub method: String,
    /// The path.
    pub path: String,
    /// The query string, as it was written.
    pub query: String,
    /// Header names in lower case, and values.
    pub headers: Vec<(String, String)>,
    /// What the signature is worth.
    pub signature: Signature,
}

impl Call {
    /// The value of a header, named in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(own, _)| own == name);
        found.map(|(_, value)| value.as_str())
    }
}

impl Received {
    /// The message: what came as JSON, or what stands in an array of its own, as a subscriber would make sense of it.
    pub fn message(&self) -> Option<&Value> {
        self.json.as_deref().map(sole)
    }
}

/// What stands alone in an array, or the value itself.
pub fn sole(value: &Value) -> &Value {
    match value.as_array().map(Vec::as_slice) {
        Some([only]) => only,
        _ => value,
    }
}

/// The end of a WebSocket.
#[derive(Debug, Clone)]
pub struct Closed {
    /// Where it stands in the log.
    pub spot: Spot,
    /// Counts the WebSockets of this subscriber, from 0.
    pub socket: usize,
    /// Whether the hub ended it.
    pub by_hub: bool,
    /// The close code.
    pub code: Option<u16>,
}

#[derive(Debug, Default)]
struct Seen {
    received: Vec<Received>,
    closed: Vec<Closed>,
}

/// Everything that one subscriber received, over all its channels.
#[derive(Debug, Clone, Default)]
pub struct Inbox(Arc<(Mutex<Seen>, Notify)>);

impl Inbox {
    /// Adds a message.
    pub fn add(&self, received: Received) {
        self.lock().received.push(received);
        self.0.1.notify_waiters();
    }

    /// Notes the end of a WebSocket.
    pub fn close(&self, closed: Closed) {
        self.lock().closed.push(closed);
        self.0.1.notify_waiters();
    }

    /// Something that is waited for has happened elsewhere.
    pub(super) fn stir(&self) {
        self.0.1.notify_waiters();
    }

    /// All messages so far.
    pub fn received(&self) -> Vec<Received> {
        self.lock().received.clone()
    }

    /// All ends of WebSockets so far.
    pub fn closed(&self) -> Vec<Closed> {
        self.lock().closed.clone()
    }

    /// Waits until something among what was received, or will be until the deadline, satisfies `find`.
    pub async fn wait<T>(
        &self,
        deadline: Instant,
        mut find: impl FnMut(&[Received], &[Closed]) -> Option<T>,
    ) -> Option<T> {
        loop {
            let changed = self.0.1.notified();
            tokio::pin!(changed);
            // Registered before looking, so that nothing that comes in between is missed.
            changed.as_mut().enable();
            // What looks may look into this inbox again: it is given a copy, and no lock is held.
            if let Some(found) = find(&self.received(), &self.closed()) {
                return Some(found);
            }
            if tokio::time::timeout_at(deadline.into(), changed).await.is_err() {
                return find(&self.received(), &self.closed());
            }
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Seen> {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
