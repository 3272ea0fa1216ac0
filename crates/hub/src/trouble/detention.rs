//! Deliveries that wait, of one topic: for a moment to come, for others to come, or for somebody to let them go.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{Fate, RuleId};
use crate::session::SubscriberId;

/// How many deliveries of a topic may wait; further ones leave at once.
const MOST: usize = 10_000;

/// What waits; `P` is whatever leaves in the end.
#[derive(Debug)]
pub struct Detention<P> {
    /// By the moment at which they leave and the order in which they came.
    delayed: BTreeMap<(Duration, u64), (Option<SubscriberId>, P)>,
    /// Of each rule and subscriber, in the order in which they came.
    held: BTreeMap<(RuleId, Option<SubscriberId>), Vec<P>>,
    came: u64,
}

impl<P> Default for Detention<P> {
    fn default() -> Self {
        Self {
            delayed: BTreeMap::new(),
            held: BTreeMap::new(),
            came: 0,
        }
    }
}

impl<P: Clone> Detention<P> {
    /// What leaves at once of this delivery and of those that waited for it, in this order.
    ///
    /// A fate that is none of waiting or doubling lets it leave as it is: whoever asks has dealt with that.
    pub fn take(
        &mut self,
        fate: &Fate,
        subscriber: Option<SubscriberId>,
        parcel: P,
        now: Duration,
    ) -> Vec<P> {
        if matches!(fate, Fate::Delay(_) | Fate::Reorder { .. } | Fate::Hold(_)) && self.waiting() >= MOST {
            tracing::warn!("more than {MOST} deliveries of a topic wait; the next ones leave at once");
            return vec![parcel];
        }
        match fate {
            Fate::Delay(delay) => {
                self.came += 1;
                let moment = (now.saturating_add(*delay), self.came);
                self.delayed.insert(moment, (subscriber, parcel));
                Vec::new()
            }
            Fate::Duplicate(copies) => vec![parcel; usize::from(*copies) + 1],
            Fate::Hold(rule) => {
                self.held.entry((*rule, subscriber)).or_default().push(parcel);
                Vec::new()
            }
            Fate::Reorder { rule, of } => {
                let group = self.held.entry((*rule, subscriber)).or_default();
                group.push(parcel);
                if group.len() < usize::from(*of) {
                    return Vec::new();
                }
                let mut group = self.held.remove(&(*rule, subscriber)).unwrap_or_default();
                group.reverse();
                group
            }
            Fate::Drop => Vec::new(),
            Fate::Pass | Fate::Rewrite(_) | Fate::Close { .. } | Fate::Cut => vec![parcel],
        }
    }

    /// What leaves now that this moment has come.
    pub fn due(&mut self, now: Duration) -> Vec<P> {
        let mut due = Vec::new();
        while let Some(first) = self.delayed.first_entry().filter(|first| first.key().0 <= now) {
            due.push(first.remove().1);
        }
        due
    }

    /// When the next one leaves, in time since the hub's start.
    pub fn next_deadline(&self) -> Option<Duration> {
        self.delayed.keys().next().map(|(moment, _)| *moment)
    }

    /// What waited because of a rule, in the order in which it came.
    pub fn release(&mut self, rule: RuleId) -> Vec<P> {
        let released = self.held.extract_if(.., |(own, _), _| *own == rule);
        released.flat_map(|(_, group)| group).collect()
    }

    /// Forgets what waits for a subscriber: its subscription has ended.
    pub fn forget(&mut self, subscriber: SubscriberId) {
        self.delayed.retain(|_, (own, _)| *own != Some(subscriber));
        self.held.retain(|(_, own), _| *own != Some(subscriber));
    }

    /// How many wait.
    pub fn waiting(&self) -> usize {
        self.delayed.len() + self.held.values().map(Vec::len).sum::<usize>()
    }
}
