//! The state of a scenario while it runs: its subscribers, its variables, what was published and what was saved.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

use super::begun::Begun;
use super::mock_subscriber::MockSubscriber;
use crate::client::{Log, Received, Spot};
use crate::judging::hub::rules::ContextRead;
use crate::judging::hub::{self, Conversation, Mentioned, Publication};
use crate::protocol::Version;
use crate::scenario::{Templates, Variables};

/// The state of a scenario while it runs.
#[derive(Debug)]
pub struct ScenarioState {
    /// The record.
    pub log: Log,
    /// The subscribers, by name.
    pub mocks: BTreeMap<String, MockSubscriber>,
    /// What goes on at the hub because of it.
    pub begun: Begun,
    /// Everything published, in order.
    pub publications: Vec<Arc<Publication>>,
    /// The current contexts that were read, in order.
    pub contexts_read: Vec<Arc<ContextRead>>,
    /// Saved publications by name: where they stand in `publications`.
    pub saved_publications: BTreeMap<String, usize>,
    /// Saved messages by name: where they stand in the log.
    pub saved_messages: BTreeMap<String, Spot>,
    /// Contexts of events.
    pub templates: Arc<Templates>,
    /// The version under test.
    pub version: Version,
    /// The cases, by name.
    pub cases: BTreeMap<String, Value>,
    /// The time of the last event that was published.
    pub last_moment: Option<jiff::Timestamp>,
    /// The variables.
    pub variables: Variables,
    /// The events that the scenario speaks of.
    pub mentioned: Mentioned,
}

impl ScenarioState {
    /// The present, later than it was before: timestamps of one scenario are all different, in their milliseconds.
    pub fn next_moment(&mut self) -> jiff::Timestamp {
        let now = jiff::Timestamp::now();
        let next = self
            .last_moment
            .and_then(|last| last.checked_add(jiff::SignedDuration::from_millis(1)).ok());
        let moment = next.map_or(now, |next| next.max(now));
        self.last_moment = Some(moment);
        moment
    }

    /// Position of the publication that a received notification is a copy of.
    pub fn origin(&self, received: &Received) -> Option<usize> {
        hub::origin(&self.publications, received)
    }

    /// The name of the event, where this message is one that nobody asked for.
    pub fn unasked<'r>(&self, received: &'r Received) -> Option<&'r str> {
        hub::unasked(received, || self.origin(received).is_some(), &self.mentioned)
    }

    /// All that has passed so far, for judging.
    pub fn conversation(&self, version: Version) -> Conversation {
        let subscribers = self.mocks.iter();
        Conversation {
            version,
            transcript: self.log.entries(),
            subscribers: subscribers
                .map(|(name, mock)| {
                    let mut observed = mock.observed();
                    observed
                        .received
                        .retain(|received| self.unasked(received).is_none());
                    (name.clone(), observed)
                })
                .collect(),
            publications: self.publications.clone(),
            contexts_read: self.contexts_read.clone(),
            everyone_seen: true,
            until: self.log.elapsed(),
            deployment: false,
        }
    }
}
