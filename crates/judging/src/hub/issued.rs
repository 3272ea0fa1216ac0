//! Endpoints and challenges that a hub has issued so far, over all conversations: each is to be new.

use std::collections::{BTreeMap, BTreeSet};

/// The endpoints and challenges of one hub.
#[derive(Debug, Default)]
pub struct Issued {
    endpoints: BTreeSet<String>,
    /// Challenges, each with the callback that it came to.
    challenges: BTreeMap<String, String>,
}

impl Issued {
    /// Notes an endpoint that was given to a new subscription; whether no other subscription had it.
    pub fn is_new_endpoint(&mut self, endpoint: &str) -> bool {
        self.endpoints.insert(endpoint.to_owned())
    }

    /// Notes a challenge that came to a callback; whether no other callback had it. A hub may ask one callback again.
    pub fn is_new_challenge(&mut self, challenge: &str, callback: &str) -> bool {
        let first = self
            .challenges
            .entry(challenge.to_owned())
            .or_insert_with(|| callback.to_owned());
        first == callback
    }
}
