//! The record of what passed: one log a scenario, in the order in which things happened.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::judging::Spot;
use crate::outcome::{Entry, Traffic};
use crate::redaction::Redactor;

type Listener = Box<dyn Fn(&Entry) + Send + Sync>;

/// The record of a scenario, shared by its subscribers.
#[derive(Clone)]
pub struct Log(Arc<Inner>);

struct Inner {
    began: Instant,
    entries: Mutex<Vec<Arc<Entry>>>,
    redactor: Redactor,
    listener: Option<Listener>,
}

impl Log {
    /// An empty log that tells every new entry to the listener. What must not be seen is replaced before it is kept.
    pub fn new(redactor: Redactor, listener: Option<Listener>) -> Self {
        Self(Arc::new(Inner {
            began: Instant::now(),
            entries: Mutex::new(Vec::new()),
            redactor,
            listener,
        }))
    }

    /// Adds an entry.
    pub fn add(&self, actor: &str, traffic: Traffic) -> Spot {
        let traffic = self.0.redactor.traffic(traffic);
        let mut entries = self.lock();
        let at = self.elapsed();
        let entry = Entry::new(entries.len(), at, actor, traffic);
        if let Some(listener) = &self.0.listener {
            listener(&entry);
        }
        let sequence = entry.sequence;
        entries.push(Arc::new(entry));
        Spot { sequence, at }
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
        self.lock().len()
    }

    /// Whether nothing has happened yet.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All entries so far.
    pub fn entries(&self) -> Vec<Arc<Entry>> {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Arc<Entry>>> {
        self.0.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Log")
    }
}
