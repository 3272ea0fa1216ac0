//! Launches whose tokens are no longer good, for as long as one of their tokens might still be used.

use std::collections::BTreeMap;

use jiff::Timestamp;

/// The number of launches that are remembered one by one.
const LIMIT: usize = 10_000;

/// The launches that were revoked, by their numbers.
#[derive(Debug, Default)]
pub(super) struct Revoked {
    launches: BTreeMap<u64, Timestamp>,
    /// This launch and all before it count as revoked: what cannot be remembered is not forgiven.
    through: u64,
}

impl Revoked {
    /// Remembers it until then, when its last access token has ended.
    pub(super) fn add(&mut self, launch: u64, until: Timestamp, now: Timestamp) {
        if self.launches.len() >= LIMIT {
            self.launches.retain(|_, until| now < *until);
        }
        if self.launches.len() >= LIMIT
            && let Some((first, _)) = self.launches.pop_first()
        {
            self.through = self.through.max(first);
        }
        self.launches.insert(launch, until);
    }

    pub(super) fn holds(&self, launch: u64) -> bool {
        launch <= self.through || self.launches.contains_key(&launch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn none_is_forgiven_for_want_of_room() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let most = u64::try_from(LIMIT).unwrap();
        let mut revoked = Revoked::default();
        assert!(!revoked.holds(1));
        for number in 1..=most {
            revoked.add(number * 2, at(100), at(0));
        }
        assert!(revoked.holds(2) && !revoked.holds(1) && !revoked.holds(3));
        revoked.add(most * 2 + 2, at(200), at(0));
        assert!(revoked.holds(most * 2 + 2) && revoked.holds(2) && revoked.holds(1) && !revoked.holds(3));
        assert_eq!(revoked.launches.len(), LIMIT);
        revoked.add(most * 2 + 4, at(300), at(150));
        assert_eq!(revoked.launches.len(), 2, "the tokens of the others have ended");
    }
}
