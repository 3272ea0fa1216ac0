//! A session with its sockets' queues, its lock and its alarm clock.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::{Notify, mpsc};
use tokio::time::Instant;

use super::registry::Registry;
use crate::hub::session::{Call, CallId, Now, Output, Session, SubscriberId, Utf8Bytes};

/// What a socket is to send.
#[derive(Debug)]
pub(super) enum Frame {
    Text(Utf8Bytes),
    Close { code: u16, reason: String },
}

struct State {
    session: Session,
    queues: HashMap<SubscriberId, mpsc::Sender<Frame>>,
    /// When the alarm clock is set to go off.
    alarm: Option<Duration>,
}

/// One topic of the hub.
pub(super) struct Topic {
    state: Mutex<State>,
    changed: Arc<Notify>,
    own: Weak<Self>,
    registry: Weak<Registry>,
    start: Instant,
}

impl Topic {
    /// A topic whose session begins, with its alarm clock running.
    pub(super) fn start(session: Session, registry: &Arc<Registry>, start: Instant) -> Arc<Self> {
        let topic = Arc::new_cyclic(|own| Self {
            own: Weak::clone(own),
            state: Mutex::new(State {
                session,
                queues: HashMap::new(),
                alarm: None,
            }),
            changed: Arc::new(Notify::new()),
            registry: Arc::downgrade(registry),
            start,
        });
        tokio::spawn(keep_time(
            Arc::downgrade(&topic),
            Arc::clone(&topic.changed),
            start,
        ));
        topic
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives the session an input and carries out what it wants.
    pub(super) fn with<T>(&self, input: impl FnOnce(&mut Session, Now) -> T) -> T {
        let now = self.now();
        let mut state = self.lock();
        let answer = input(&mut state.session, now);
        self.carry_out(&mut state, now);
        answer
    }

    /// Connects a subscriber: the session's input, and the queue that its socket is to empty.
    pub(super) fn connect<E>(
        &self,
        capacity: usize,
        input: impl FnOnce(&mut Session, Now) -> Result<SubscriberId, E>,
    ) -> Result<(SubscriberId, mpsc::Receiver<Frame>), E> {
        let now = self.now();
        let mut state = self.lock();
        let subscriber = input(&mut state.session, now)?;
        let (sender, receiver) = mpsc::channel(capacity.max(1));
        state.queues.insert(subscriber, sender);
        self.carry_out(&mut state, now);
        Ok((subscriber, receiver))
    }

    /// Whether nothing is lost with this topic.
    pub(super) fn is_idle(&self) -> bool {
        self.lock().session.is_idle()
    }

    /// Asks every socket to close.
    pub(super) fn close_all(&self, code: u16, reason: &str) {
        for (_, queue) in self.lock().queues.drain() {
            // A full queue needs no close frame: its socket ends when the queue is emptied.
            let _ = queue.try_send(Frame::Close {
                code,
                reason: reason.to_owned(),
            });
        }
    }

    fn now(&self) -> Now {
        Now {
            elapsed: self.start.elapsed(),
            wall: jiff::Timestamp::now(),
        }
    }

    /// Calls a callback, and tells the session what came of it; not after the hub has stopped.
    fn make_call(&self, id: CallId, call: Call, timeout: Duration) {
        let (Some(registry), Some(topic)) = (self.registry.upgrade(), self.own.upgrade()) else {
            return;
        };
        tokio::spawn(async move {
            let Some(caller) = registry.caller.as_ref() else {
                return;
            };
            tokio::select! {
                answer = caller.call(call, timeout) => {
                    topic.with(|session, now| session.called_back(id, answer, now));
                }
                () = registry.stopped() => {}
            }
        });
    }

    fn carry_out(&self, state: &mut State, now: Now) {
        while let Some(output) = state.session.poll_output() {
            match output {
                Output::Deliver { subscriber, text } => {
                    let full = state
                        .queues
                        .get(&subscriber)
                        .is_some_and(|queue| queue.try_send(Frame::Text(text)).is_err());
                    if full {
                        state.queues.remove(&subscriber);
                        state.session.overflowed(subscriber, now);
                    }
                }
                Output::Close {
                    subscriber,
                    code,
                    reason,
                } => {
                    if let Some(queue) = state.queues.remove(&subscriber) {
                        // A full queue needs no close frame: its socket ends when the queue is emptied.
                        let _ = queue.try_send(Frame::Close { code, reason });
                    }
                }
                Output::Call {
                    call,
                    request,
                    timeout,
                } => self.make_call(call, request, timeout),
                Output::Ended { subscriber, endpoint } => {
                    state.queues.remove(&subscriber);
                    if let (Some(registry), Some(endpoint)) = (self.registry.upgrade(), endpoint) {
                        registry.forget_endpoint(&endpoint);
                    }
                }
            }
        }
        let deadline = state.session.next_deadline();
        if let Some(deadline) = deadline
            && state.alarm.is_none_or(|alarm| deadline < alarm)
        {
            state.alarm = Some(deadline);
            self.changed.notify_one();
        }
    }
}

/// Wakes the session whenever one of its deadlines has come, until the topic is no more.
async fn keep_time(topic: Weak<Topic>, changed: Arc<Notify>, start: Instant) {
    loop {
        let Some(alarm) = topic.upgrade().map(|topic| topic.lock().alarm) else {
            return;
        };
        let Some(alarm) = alarm else {
            changed.notified().await;
            continue;
        };
        tokio::select! {
            () = tokio::time::sleep_until(start + alarm) => {}
            () = changed.notified() => continue,
        }
        let Some(topic) = topic.upgrade() else {
            return;
        };
        topic.lock().alarm = None;
        topic.with(Session::tick);
    }
}

impl Drop for Topic {
    fn drop(&mut self) {
        self.changed.notify_one();
    }
}

impl std::fmt::Debug for Topic {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Topic").finish_non_exhaustive()
    }
}
