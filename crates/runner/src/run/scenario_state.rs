//! The state of a scenario while it runs: its subscribers, its variables, what was published and what was saved.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

use super::mock_subscriber::MockSubscriber;
use crate::client::{Log, Received, Spot};
use crate::judging::hub::{self, Conversation, Publication};
use crate::protocol::Version;
use crate::scenario::Variables;

/// The state of a scenario while it runs.
#[derive(Debug)]
pub struct ScenarioState {
    /// The record.
    pub log: Log,
    /// The subscribers, by name.
    pub mocks: BTreeMap<String, MockSubscriber>,
    /// Everything published, in order.
    pub publications: Vec<Arc<Publication>>,
    /// Saved publications by name: where they stand in `publications`.
    pub saved_publications: BTreeMap<String, usize>,
    /// Saved messages by name: where they stand in the log.
    pub saved_messages: BTreeMap<String, Spot>,
    /// The cases, by name.
    pub cases: BTreeMap<String, Value>,
    /// The variables.
    pub variables: Variables,
}

impl ScenarioState {
    /// Position of the publication that a received notification is a copy of.
    pub fn origin(&self, received: &Received) -> Option<usize> {
        hub::origin(&self.publications, received)
    }

    /// All that has passed so far, for judging.
    pub fn conversation(&self, version: Version) -> Conversation {
        let subscribers = self.mocks.iter();
        Conversation {
            version,
            transcript: self.log.entries(),
            subscribers: subscribers
                .map(|(name, mock)| (name.clone(), mock.observed()))
                .collect(),
            publications: self.publications.clone(),
            everyone_seen: true,
        }
    }
}
