//! Launches, codes and refresh tokens that wait to be used: each for a time, and no more than a number of each.

use std::collections::HashMap;

use jiff::Timestamp;

use crate::protocol::Scopes;

/// The number of a kind that may wait.
const LIMIT: usize = 4_000;

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
    /// The number of the launch: its tokens end together.
    pub(super) launch: u64,
    /// The scopes, as they were asked for.
    pub(super) asked: String,
}

/// An authorization code.
#[derive(Debug, Clone)]
pub(super) struct Code {
    pub(super) authorized: Authorized,
    /// The redirect_uri as it was written: another spelling is another one (RFC 9700, 2.1).
    pub(super) redirect: String,
    /// BASE64URL(SHA256(verifier)) (RFC 7636, 4.2).
    pub(super) challenge: String,
}

/// The refresh tokens of one authorization, of which the last one alone is good.
#[derive(Debug, Clone)]
pub(super) struct Family {
    pub(super) authorized: Authorized,
    /// What the last token holds beside the name of the family: another one was used before (RFC 9700, 4.14.2).
    pub(super) last: String,
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
        let is_new = !self.0.contains_key(&key);
        if is_new && self.0.len() >= LIMIT {
            self.0.retain(|_, (_, until)| now < *until);
        }
        if is_new && self.0.len() >= LIMIT {
            return false;
        }
        self.0.insert(key, (value, until));
        true
    }

    /// Keeps it until then, in the place of the one whose time is over first where too many wait.
    pub(super) fn keep_instead(&mut self, key: String, value: T, until: Timestamp, now: Timestamp)
    where
        T: Clone,
    {
        if !self.keep(key.clone(), value.clone(), until, now) {
            let first = self.0.iter().min_by_key(|(_, (_, until))| *until);
            if let Some(first) = first.map(|(key, _)| key.clone()) {
                self.0.remove(&first);
            }
            self.0.insert(key, (value, until));
        }
    }

    /// Looks at it, unless its time is over.
    pub(super) fn find(&self, key: &str, now: Timestamp) -> Option<&T> {
        let (value, until) = self.0.get(key)?;
        (now < *until).then_some(value)
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

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn no_more_wait_than_there_is_room_for() {
        let mut waiting = Waiting::default();
        for number in 0..LIMIT {
            let until = at(100 + i64::try_from(number).unwrap());
            assert!(waiting.keep(number.to_string(), number, until, at(0)));
        }
        assert!(!waiting.keep("more".to_owned(), 0, at(9_999), at(0)), "full");
        assert!(
            waiting.keep("7".to_owned(), 8, at(9_999), at(0)),
            "one that is there"
        );
        assert_eq!(waiting.find("7", at(0)), Some(&8));
        waiting.keep_instead("more".to_owned(), 1, at(9_999), at(0));
        assert_eq!(waiting.0.len(), LIMIT);
        assert_eq!(
            (waiting.find("0", at(0)), waiting.find("more", at(0))),
            (None, Some(&1))
        );
        assert!(
            waiting.keep("late".to_owned(), 2, at(9_999), at(102)),
            "room after a time"
        );
        assert_eq!(waiting.take("3", at(200)), None, "its time is over");
        assert_eq!(
            (waiting.take("late", at(200)), waiting.take("late", at(200))),
            (Some(2), None)
        );
    }
}
