//! Launches, codes and refresh tokens that wait to be used: each for a time, and no more than a number of each.

use std::collections::HashMap;

use jiff::Timestamp;
use url::Url;

use crate::protocol::Scopes;

/// The number of a kind that may wait.
const LIMIT: usize = 10_000;

/// An EHR launch that an application has been told of.
#[derive(Debug, Clone)]
pub(super) struct Launch {
    pub(super) topic: String,
}

/// The authorization that a user has given an application.
#[derive(Debug, Clone)]
pub(super) struct Authorized {
    pub(super) client: String,
    pub(super) scopes: Scopes,
    pub(super) topic: String,
    pub(super) nonce: Option<String>,
    /// Tokens of one authorization: what ends together.
    pub(super) family: String,
    /// The number of the launch.
    pub(super) launch: u64,
    /// The scopes, as they were asked for.
    pub(super) asked: String,
}

/// An authorization code.
#[derive(Debug, Clone)]
pub(super) struct Code {
    pub(super) authorized: Authorized,
    pub(super) redirect: Url,
    /// BASE64URL(SHA256(verifier)) (RFC 7636, 4.2).
    pub(super) challenge: String,
}

/// Things that are used once and wait for a time only.
#[derive(Debug)]
pub(super) struct Waiting<T>(HashMap<String, (T, Timestamp)>);

impl<T> Default for Waiting<T> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<T> Waiting<T> {
    /// Keeps it until then; false where too many wait.
    pub(super) fn keep(&mut self, key: String, value: T, until: Timestamp, now: Timestamp) -> bool {
        if self.0.len() >= LIMIT {
            self.0.retain(|_, (_, until)| now < *until);
        }
        if self.0.len() >= LIMIT {
            return false;
        }
        self.0.insert(key, (value, until));
        true
    }

    /// Takes it out, unless its time is over.
    pub(super) fn take(&mut self, key: &str, now: Timestamp) -> Option<T> {
        let (value, until) = self.0.remove(key)?;
        (now < until).then_some(value)
    }

    pub(super) fn retain(&mut self, keeps: impl Fn(&T) -> bool) {
        self.0.retain(|_, (value, _)| keeps(value));
    }
}
