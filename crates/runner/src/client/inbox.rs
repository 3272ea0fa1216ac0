//! What a mock subscriber received, and waiting for more.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use tokio::sync::Notify;

use crate::judging::{Closed, Received};

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
