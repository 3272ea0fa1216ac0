//! The endpoints of a hub: which topic each belongs to.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

use crate::defect::Behaviour;

/// The topic of each endpoint, by the last segment of the endpoint's path.
#[derive(Debug)]
pub(super) struct Endpoints {
    behaviour: Behaviour,
    topics: RwLock<HashMap<String, String>>,
}

impl Endpoints {
    pub(super) fn new(behaviour: Behaviour) -> Self {
        Self {
            behaviour,
            topics: RwLock::default(),
        }
    }

    pub(super) fn remember(&self, endpoint: &str, topic: &str) {
        let mut topics = self.topics.write().unwrap_or_else(PoisonError::into_inner);
        topics.insert(endpoint.to_owned(), topic.to_owned());
    }

    pub(super) fn forget(&self, endpoint: &str) {
        if !self.behaviour.revives_endpoints() && !self.behaviour.repeats_endpoints() {
            let mut topics = self.topics.write().unwrap_or_else(PoisonError::into_inner);
            topics.remove(endpoint);
        }
    }

    /// The name of the topic that an endpoint belongs to.
    pub(super) fn topic_of(&self, endpoint: &str) -> Option<String> {
        let topics = self.topics.read().unwrap_or_else(PoisonError::into_inner);
        topics.get(endpoint).cloned()
    }
}
