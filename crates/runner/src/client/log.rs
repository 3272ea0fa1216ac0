//! The record of what passed: one log a scenario, in the order in which things happened.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::budget::Budget;
use crate::judging::Spot;
use crate::outcome::{Entry, Traffic};
use crate::redaction::Redactor;

/// The record of a scenario, shared by its subscribers.
#[derive(Clone)]
pub struct Log(Arc<Inner>);

struct Inner {
    began: Instant,
    kept: Mutex<Kept>,
    redactor: Redactor,
    /// What the hub does, once it floods.
    flood: watch::Sender<Option<String>>,
}

struct Kept {
    entries: Vec<Arc<Entry>>,
    /// What the hub may send; without one, whatever it sends is taken.
    budget: Option<Budget>,
}

/// The bytes of a message or a body where there is no budget.
const LONGEST_MESSAGE: usize = 16 * 1024 * 1024;

impl Log {
    /// An empty log of a scenario, in which a hub that sends far more than it was asked for floods. What must not be seen is
    /// replaced before it is kept.
    pub fn new(redactor: Redactor) -> Self {
        Self::with_budget(redactor, Some(Budget::default()))
    }

    /// An empty log of a conversation that may go on for ever: the hub may send what it will.
    pub fn without_budget(redactor: Redactor) -> Self {
        Self::with_budget(redactor, None)
    }

    fn with_budget(redactor: Redactor, budget: Option<Budget>) -> Self {
        Self(Arc::new(Inner {
            began: Instant::now(),
            kept: Mutex::new(Kept {
                entries: Vec::new(),
                budget,
            }),
            redactor,
            flood: watch::Sender::new(None),
        }))
    }

    /// Adds an entry.
    pub fn add(&self, actor: &str, traffic: Traffic) -> Spot {
        let asked = match &traffic {
            Traffic::Request { body, .. } => Some(body.len()),
            _ => None,
        };
        let traffic = self.0.redactor.traffic(traffic);
        let mut kept = self.lock();
        if let (Some(bytes), Some(budget)) = (asked, &mut kept.budget) {
            budget.ask(bytes);
        }
        let at = self.elapsed();
        let entry = Entry::new(kept.entries.len(), at, actor, traffic);
        let sequence = entry.sequence;
        kept.entries.push(Arc::new(entry));
        Spot { sequence, at }
    }

    /// The hub sends this subscriber a message of so many bytes. Whether it is taken: where it is not, the hub floods, and
    /// whoever receives it lets the channel go.
    pub(super) fn takes(&self, actor: &str, bytes: usize) -> bool {
        let elapsed = self.elapsed();
        let taken = self
            .lock()
            .budget
            .as_mut()
            .map(|budget| budget.take(bytes, elapsed));
        match taken {
            None | Some(Ok(())) => true,
            Some(Err(problem)) => {
                self.tell_flood(actor, problem);
                false
            }
        }
    }

    /// The bytes that the body of an answer or of a call, or a frame, may have now.
    pub(super) fn longest_message(&self) -> usize {
        let kept = self.lock();
        kept.budget
            .as_ref()
            .map_or(LONGEST_MESSAGE, Budget::longest_message)
    }

    /// A body or a frame is longer than [`Log::longest_message`].
    pub(super) fn tell_endless(&self, actor: &str, what: &str, limit: usize) {
        self.tell_flood(
            actor,
            format!("the hub floods: {what} of more than {limit} bytes"),
        );
    }

    fn tell_flood(&self, actor: &str, problem: String) {
        let is_first = self.0.flood.send_if_modified(|flood| {
            let is_first = flood.is_none();
            if is_first {
                *flood = Some(problem.clone());
            }
            is_first
        });
        if is_first {
            self.add(actor, Traffic::Note { text: problem });
        }
    }

    /// What the hub does, where it floods.
    pub fn flood(&self) -> Option<String> {
        self.0.flood.borrow().clone()
    }

    /// Comes back once the hub floods.
    pub async fn flooded(&self) -> String {
        let mut flood = self.0.flood.subscribe();
        loop {
            if let Some(problem) = flood.borrow_and_update().clone() {
                return problem;
            }
            if flood.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }

    /// The time since the record began.
    pub fn elapsed(&self) -> Duration {
        self.0.began.elapsed()
    }

    /// The instant that is so long after the beginning of the record.
    pub fn instant(&self, at: Duration) -> Instant {
        self.0.began + at
    }

    /// The place and time of an entry that is added now.
    pub fn next(&self) -> Spot {
        Spot {
            sequence: self.len(),
            at: self.elapsed(),
        }
    }

    /// How many entries there are so far.
    pub fn len(&self) -> usize {
        self.lock().entries.len()
    }

    /// Whether nothing has happened yet.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All entries so far.
    pub fn entries(&self) -> Vec<Arc<Entry>> {
        self.lock().entries.clone()
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.0.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Log")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_flood_is_told_once_and_to_whoever_waits_for_it() {
        let log = Log::new(Redactor::default());
        let waiting = tokio::spawn({
            let log = log.clone();
            async move { log.flooded().await }
        });
        while log.takes("viewer", 1_000) {}
        assert!(!log.takes("viewer", 1_000));
        let told = waiting.await.unwrap();
        assert!(told.starts_with("the hub floods: "), "{told}");
        assert_eq!(log.flood(), Some(told));
        assert_eq!(log.len(), 1, "it is noted once");
    }

    #[test]
    fn a_conversation_without_budget_may_go_on_for_ever() {
        let log = Log::without_budget(Redactor::default());
        assert!((0..100_000).all(|_| log.takes("viewer", 100_000)));
        assert_eq!(log.flood(), None);
        assert_eq!(log.longest_message(), LONGEST_MESSAGE);
    }
}
