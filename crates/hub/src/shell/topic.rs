//! A session with its sockets' queues, its lock and its alarm clock.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::{Notify, mpsc};
use tokio::time::Instant;

use super::registry::Registry;
use crate::session::{Call, CallId, Now, Output, Purpose, Session, SubscriberId, Utf8Bytes};
use crate::trouble::{Detention, Fate, Kind, Passing, RuleId, Troubles};

/// What a socket is to send.
#[derive(Debug)]
pub(super) enum Frame {
    Text(Utf8Bytes),
    Close {
        code: u16,
        reason: String,
    },
    /// Nothing: the connection is to end without a close frame.
    Cut,
}

/// What is about to leave.
#[derive(Debug, Clone)]
enum Parcel {
    Text {
        subscriber: SubscriberId,
        text: Utf8Bytes,
    },
    Call {
        call: CallId,
        request: Call,
        timeout: Duration,
    },
}

impl Parcel {
    fn kind(&self) -> Kind {
        match self {
            Self::Text { .. } => Kind::Notification,
            Self::Call { request, .. } => match request.purpose {
                Purpose::Verification => Kind::Verification,
                Purpose::Notification => Kind::Notification,
                Purpose::Denial => Kind::Denial,
            },
        }
    }

    fn text(&self) -> &str {
        match self {
            Self::Text { text, .. } => text.as_str(),
            Self::Call { request, .. } => request.body.as_ref().map_or("", Utf8Bytes::as_str),
        }
    }

    /// The same with another text, where it has one.
    fn reworded(mut self, new: String) -> Self {
        match &mut self {
            Self::Text { text, .. } => *text = new.into(),
            Self::Call { request, .. } => {
                if let Some(body) = &mut request.body {
                    *body = new.into();
                }
            }
        }
        self
    }
}

struct State {
    session: Session,
    queues: HashMap<SubscriberId, mpsc::Sender<Frame>>,
    detained: Detention<Parcel>,
    /// When the alarm clock is set to go off.
    alarm: Option<Duration>,
}

/// One topic of the hub.
pub(super) struct Topic {
    name: String,
    troubles: Troubles,
    state: Mutex<State>,
    changed: Arc<Notify>,
    own: Weak<Self>,
    registry: Weak<Registry>,
    start: Instant,
}

impl Topic {
    /// A topic whose session begins, with its alarm clock running.
    pub(super) fn start(name: &str, session: Session, registry: &Arc<Registry>, start: Instant) -> Arc<Self> {
        let topic = Arc::new_cyclic(|own| Self {
            name: name.to_owned(),
            troubles: registry.staging.troubles.clone(),
            own: Weak::clone(own),
            state: Mutex::new(State {
                session,
                queues: HashMap::new(),
                detained: Detention::default(),
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
        let state = self.lock();
        state.session.is_idle() && state.detained.waiting() == 0
    }

    /// Cuts a connection; `false` where there is none.
    pub(super) fn cut(&self, subscriber: SubscriberId) -> bool {
        let now = self.now();
        let mut state = self.lock();
        let cut = cut(&mut state, subscriber, now);
        self.carry_out(&mut state, now);
        cut
    }

    /// Lets go of what a rule holds back, and says how much that was.
    pub(super) fn release(&self, rule: RuleId) -> usize {
        let now = self.now();
        let mut state = self.lock();
        let released = state.detained.release(rule);
        let number = released.len();
        for parcel in released {
            self.send(&mut state, parcel, now);
        }
        self.carry_out(&mut state, now);
        number
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

    /// Does what the session wants, and what those deliveries want whose time has come.
    fn carry_out(&self, state: &mut State, now: Now) {
        loop {
            while let Some(output) = state.session.poll_output() {
                self.carry_out_one(state, output, now);
            }
            let due = state.detained.due(now.elapsed);
            if due.is_empty() {
                break;
            }
            for parcel in due {
                self.send(state, parcel, now);
            }
        }
        self.set_alarm(state);
    }

    fn carry_out_one(&self, state: &mut State, output: Output, now: Now) {
        match output {
            Output::Deliver { subscriber, text } => {
                let parcel = Parcel::Text { subscriber, text };
                self.let_leave(state, Some(subscriber), parcel, now);
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
                subscriber,
                request,
                timeout,
            } => {
                let parcel = Parcel::Call {
                    call,
                    request,
                    timeout,
                };
                self.let_leave(state, subscriber, parcel, now);
            }
            Output::Ended { subscriber, endpoint } => {
                state.queues.remove(&subscriber);
                state.detained.forget(subscriber);
                if let (Some(registry), Some(endpoint)) = (self.registry.upgrade(), endpoint) {
                    registry.forget_endpoint(&endpoint);
                }
            }
        }
    }

    /// What becomes of a delivery, by the rules in force.
    fn let_leave(&self, state: &mut State, subscriber: Option<SubscriberId>, parcel: Parcel, now: Now) {
        if self.troubles.is_empty() {
            return self.send(state, parcel, now);
        }
        let fate = self.troubles.meet(&Passing {
            topic: &self.name,
            subscriber,
            name: subscriber.and_then(|id| state.session.subscriber_name(id)),
            kind: parcel.kind(),
            text: parcel.text(),
        });
        if fate != Fate::Pass {
            tracing::debug!(topic = %self.name, ?subscriber, ?fate, "staged trouble");
        }
        match (fate, &parcel) {
            (Fate::Rewrite(text), _) => self.send(state, parcel.reworded(text), now),
            (Fate::Close { code, reason }, Parcel::Text { subscriber, .. }) => {
                state.session.close_socket(*subscriber, code, &reason);
            }
            (Fate::Cut, Parcel::Text { subscriber, .. }) => {
                cut(state, *subscriber, now);
            }
            (Fate::Close { .. } | Fate::Cut, Parcel::Call { .. }) => {}
            (fate, _) => {
                for parcel in state.detained.take(&fate, subscriber, parcel, now.elapsed) {
                    self.send(state, parcel, now);
                }
            }
        }
    }

    fn send(&self, state: &mut State, parcel: Parcel, now: Now) {
        match parcel {
            Parcel::Text { subscriber, text } => {
                let full = state
                    .queues
                    .get(&subscriber)
                    .is_some_and(|queue| queue.try_send(Frame::Text(text)).is_err());
                if full {
                    state.queues.remove(&subscriber);
                    state.session.overflowed(subscriber, now);
                }
            }
            Parcel::Call {
                call,
                request,
                timeout,
            } => self.make_call(call, request, timeout),
        }
    }

    fn set_alarm(&self, state: &mut State) {
        let deadlines = [state.session.next_deadline(), state.detained.next_deadline()];
        let deadline = deadlines.into_iter().flatten().min();
        if let Some(deadline) = deadline
            && state.alarm.is_none_or(|alarm| deadline < alarm)
        {
            state.alarm = Some(deadline);
            self.changed.notify_one();
        }
    }
}

/// Cuts a connection: its socket is told first, then its session.
fn cut(state: &mut State, subscriber: SubscriberId, now: Now) -> bool {
    if let Some(queue) = state.queues.remove(&subscriber) {
        // A full queue ends its socket too, with a close frame after what waits in it.
        let _ = queue.try_send(Frame::Cut);
    }
    state.session.cut_socket(subscriber, now)
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
