//! The record of what passed: one log a scenario, in the order in which things happened.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use crate::outcome::{Entry, Traffic};
use crate::redaction::Redactor;

type Listener = Box<dyn Fn(&Entry) + Send + Sync>;

/// The record of a scenario, shared by its subscribers.
#[derive(Clone)]
pub struct Log(Arc<Inner>);

struct Inner {
    began: Instant,
    entries: Mutex<Vec<Entry>>,
    redactor: Redactor,
    listener: Option<Listener>,
}

/// Where in the log something stands, and when it happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spot {
    /// Position in the log.
    pub sequence: usize,
    /// When.
    pub at: Instant,
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
        self.add_at(actor, traffic, Instant::now())
    }

    /// When the record began.
    pub fn began(&self) -> Instant {
        self.0.began
    }

    /// Adds an entry that passed at another time than now.
    pub fn add_at(&self, actor: &str, traffic: Traffic, at: Instant) -> Spot {
        let traffic = self.0.redactor.traffic(traffic);
        let mut entries = self.0.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let sequence = entries.len();
        let at_ms = at.duration_since(self.0.began).as_secs_f64() * 1000.0;
        let entry = Entry {
            sequence,
            at_ms: (at_ms * 1000.0).round() / 1000.0,
            actor: actor.to_owned(),
            traffic,
        };
        if let Some(listener) = &self.0.listener {
            listener(&entry);
        }
        entries.push(entry);
        Spot { sequence, at }
    }

    /// How many entries there are so far.
    pub fn len(&self) -> usize {
        self.scan(<[Entry]>::len)
    }

    /// Whether nothing has happened yet.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Looks through the entries so far, without a copy of them.
    pub fn scan<T>(&self, look: impl FnOnce(&[Entry]) -> T) -> T {
        look(&self.0.entries.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// All entries so far.
    pub fn entries(&self) -> Vec<Entry> {
        self.0
            .entries
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

impl fmt::Debug for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Log")
    }
}
