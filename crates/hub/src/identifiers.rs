//! The sources of the hub's own ids. The heart is given one, so that its tests are repeatable.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// A source of ids that are never repeated.
pub trait Identifiers: Send {
    /// An id for an event, a version of the context or a Bundle.
    fn identifier(&mut self) -> String;

    /// The last path segment of a subscription's endpoint (2.4 Subscription Response: random, unique, unguessable).
    fn endpoint(&mut self) -> String {
        self.identifier()
    }

    /// The challenge of an intent verification: random, so that only who has seen it can echo it.
    fn challenge(&mut self) -> String {
        self.identifier()
    }
}

/// Random ids: UUIDs of version 4, 122 bits from the operating system each.
#[derive(Debug, Default, Clone, Copy)]
pub struct RandomIdentifiers;

impl Identifiers for RandomIdentifiers {
    fn identifier(&mut self) -> String {
        uuid::Uuid::new_v4().to_string()
    }
}

/// Random ids, and endpoints that anybody can guess: for a defective hub.
#[derive(Debug)]
pub(super) struct NumberedEndpoints(pub(super) Arc<AtomicU64>);

impl Identifiers for NumberedEndpoints {
    fn identifier(&mut self) -> String {
        RandomIdentifiers.identifier()
    }

    fn endpoint(&mut self) -> String {
        self.0.fetch_add(1, Ordering::Relaxed).to_string()
    }
}

/// Ids `id-1`, `id-2`, ... and endpoints `endpoint-1`, ... and challenges `challenge-1`, ...: for tests.
#[derive(Debug, Default, Clone, Copy)]
pub struct CountedIdentifiers {
    identifiers: u64,
    endpoints: u64,
    challenges: u64,
}

impl Identifiers for CountedIdentifiers {
    fn identifier(&mut self) -> String {
        self.identifiers += 1;
        format!("id-{}", self.identifiers)
    }

    fn endpoint(&mut self) -> String {
        self.endpoints += 1;
        format!("endpoint-{}", self.endpoints)
    }

    fn challenge(&mut self) -> String {
        self.challenges += 1;
        format!("challenge-{}", self.challenges)
    }
}
