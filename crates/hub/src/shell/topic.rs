//! One topic: its session behind a lock, and whatever carries out what the session wants.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

use super::alarm::{Alarm, AlarmClock};
use super::callbacks::Caller;
use super::endpoints::Endpoints;
use super::observation::Observer;
use super::outgoing::Outgoing;
use super::queues::{Frame, Overflow, SocketQueues};
use crate::clock::Now;
use crate::faults::{Action, DelayQueue, Delivery, FaultRules, RuleId};
use crate::session::{Call, CallId, Output, Session, SubscriberId};

/// The things that all topics of a hub share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) rules: FaultRules,
    pub(super) endpoints: Endpoints,
    /// The HTTP client for callbacks, in versions that have them.
    pub(super) caller: Option<Caller>,
    /// Who is told of what is called back, and answered.
    pub(super) observer: Option<Observer>,
    /// Whether the hub stops.
    pub(super) stopping: watch::Receiver<bool>,
    pub(super) start: Instant,
}

struct State {
    session: Session,
    queues: SocketQueues,
    delayed: DelayQueue<Outgoing>,
}

/// One topic of the hub.
pub(super) struct Topic {
    name: String,
    state: Mutex<State>,
    alarm: AlarmClock,
    shared: Arc<Shared>,
    this: Weak<Self>,
}

impl Topic {
    /// A topic whose session begins, with its alarm clock running.
    pub(super) fn start(name: &str, session: Session, shared: &Arc<Shared>) -> Arc<Self> {
        let (clock, alarm) = AlarmClock::new(shared.start);
        let topic = Arc::new_cyclic(|this| Self {
            name: name.to_owned(),
            state: Mutex::new(State {
                session,
                queues: SocketQueues::default(),
                delayed: DelayQueue::default(),
            }),
            alarm: clock,
            shared: Arc::clone(shared),
            this: Weak::clone(this),
        });
        tokio::spawn(keep_time(Arc::downgrade(&topic), alarm));
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
        let receiver = state.queues.open(subscriber, capacity);
        self.carry_out(&mut state, now);
        Ok((subscriber, receiver))
    }

    /// Whether nothing is lost with this topic.
    pub(super) fn is_idle(&self) -> bool {
        let state = self.lock();
        state.session.is_idle() && state.delayed.waiting() == 0
    }

    /// Cuts a connection; `false` where there is none.
    pub(super) fn cut(&self, subscriber: SubscriberId) -> bool {
        let now = self.now();
        let mut state = self.lock();
        let cut = cut(&mut state, subscriber, now);
        self.carry_out(&mut state, now);
        cut
    }

    /// Sends what a rule holds back, and says how many messages that were.
    pub(super) fn release(&self, rule: RuleId) -> usize {
        let now = self.now();
        let mut state = self.lock();
        let released = state.delayed.release(rule);
        let number = released.len();
        for outgoing in released {
            self.send(&mut state, outgoing, now);
        }
        self.carry_out(&mut state, now);
        number
    }

    /// Asks every socket to close.
    pub(super) fn close_all(&self, code: u16, reason: &str) {
        self.lock().queues.close_all(code, reason);
    }

    fn now(&self) -> Now {
        Now {
            elapsed: self.shared.start.elapsed(),
            wall: jiff::Timestamp::now(),
        }
    }

    /// Carries out what the session wants, and sends the delayed messages whose time has come.
    fn carry_out(&self, state: &mut State, now: Now) {
        loop {
            while let Some(output) = state.session.poll_output() {
                self.carry_out_one(state, output, now);
            }
            let due = state.delayed.due(now.elapsed);
            if due.is_empty() {
                break;
            }
            for outgoing in due {
                self.send(state, outgoing, now);
            }
        }
        state.queues.forget_texts();
        let deadlines = [state.session.next_deadline(), state.delayed.next_deadline()];
        if let Some(deadline) = deadlines.into_iter().flatten().min() {
            self.alarm.set(deadline);
        }
    }

    fn carry_out_one(&self, state: &mut State, output: Output, now: Now) {
        match output {
            Output::Deliver { subscriber, text } => {
                let outgoing = Outgoing::Text { subscriber, text };
                self.dispatch(state, Some(subscriber), outgoing, now);
            }
            Output::Close {
                subscriber,
                code,
                reason,
            } => state.queues.close(subscriber, code, reason),
            Output::Call {
                call,
                subscriber,
                request,
                timeout,
            } => {
                let outgoing = Outgoing::Call {
                    call,
                    request,
                    timeout,
                };
                self.dispatch(state, subscriber, outgoing, now);
            }
            Output::Ended { subscriber, endpoint } => {
                state.queues.remove(subscriber);
                state.delayed.forget(subscriber);
                if let Some(endpoint) = endpoint {
                    self.shared.endpoints.forget(&endpoint);
                }
            }
        }
    }

    /// Sends a message, or does what the fault rules in force want done with it.
    fn dispatch(&self, state: &mut State, subscriber: Option<SubscriberId>, outgoing: Outgoing, now: Now) {
        if self.shared.rules.is_empty() {
            return self.send(state, outgoing, now);
        }
        let action = self.shared.rules.decide(&Delivery {
            topic: &self.name,
            subscriber,
            name: subscriber.and_then(|id| state.session.subscriber_name(id)),
            kind: outgoing.kind(),
            text: outgoing.text(),
        });
        if action != Action::Send {
            tracing::debug!(topic = %self.name, ?subscriber, ?action, "a fault is injected");
        }
        match (action, &outgoing) {
            (Action::Rewrite(text), _) => self.send(state, outgoing.with_text(text), now),
            (Action::Close { code, reason }, Outgoing::Text { subscriber, .. }) => {
                state.session.close_socket(*subscriber, code, &reason);
            }
            (Action::Cut, Outgoing::Text { subscriber, .. }) => {
                cut(state, *subscriber, now);
            }
            (Action::Close { .. } | Action::Cut, Outgoing::Call { .. }) => {}
            (action, _) => {
                for outgoing in state.delayed.take(&action, subscriber, outgoing, now.elapsed) {
                    self.send(state, outgoing, now);
                }
            }
        }
    }

    fn send(&self, state: &mut State, outgoing: Outgoing, now: Now) {
        match outgoing {
            Outgoing::Text { subscriber, text } => {
                if let Err(Overflow) = state.queues.send(subscriber, &text) {
                    state.session.overflowed(subscriber, now);
                }
            }
            Outgoing::Call {
                call,
                request,
                timeout,
            } => self.call_back(call, request, timeout),
        }
    }

    /// Calls a callback, and tells the session what came of it; not after the hub has stopped.
    fn call_back(&self, id: CallId, call: Call, timeout: Duration) {
        let (Some(caller), Some(topic)) = (self.shared.caller.clone(), self.this.upgrade()) else {
            return;
        };
        let observer = self.shared.observer.clone();
        let mut stopping = self.shared.stopping.clone();
        tokio::spawn(async move {
            tokio::select! {
                answer = caller.call(call, timeout, observer.as_ref()) => {
                    topic.with(|session, now| session.called_back(id, answer, now));
                }
                // It ends with an error where the hub is gone, which is as good.
                _ = stopping.wait_for(|stopping| *stopping) => {}
            }
        });
    }
}

/// Cuts a connection: its socket is told first, then its session.
fn cut(state: &mut State, subscriber: SubscriberId, now: Now) -> bool {
    state.queues.cut(subscriber);
    state.session.cut_socket(subscriber, now)
}

/// Wakes the session whenever one of its deadlines has come, until the topic is no more.
async fn keep_time(topic: Weak<Topic>, mut alarm: Alarm) {
    while alarm.goes_off().await
        && let Some(topic) = topic.upgrade()
    {
        topic.alarm.reset();
        topic.with(Session::tick);
    }
}

impl std::fmt::Debug for Topic {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Topic").finish_non_exhaustive()
    }
}
