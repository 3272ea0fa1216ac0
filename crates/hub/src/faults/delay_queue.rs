//! Deliveries of one topic that wait: for a time, for other deliveries, or for somebody to release them.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{Action, RuleId};
use crate::session::SubscriberId;

/// The number of deliveries of a topic that may wait; further ones leave at once.
const MAX_WAITING: usize = 10_000;

/// The deliveries that wait; `P` is whatever leaves in the end.
#[derive(Debug)]
pub struct DelayQueue<P> {
    /// By the moment at which they leave and the order in which they came.
    delayed: BTreeMap<(Duration, u64), (Option<SubscriberId>, P)>,
    /// Of each rule and subscriber, in the order in which they came.
    held: BTreeMap<(RuleId, Option<SubscriberId>), Vec<P>>,
    came: u64,
}

impl<P> Default for DelayQueue<P> {
    fn default() -> Self {
        Self {
            delayed: BTreeMap::new(),
            held: BTreeMap::new(),
            came: 0,
        }
    }
}

impl<P: Clone> DelayQueue<P> {
    /// The deliveries that leave at once: this one and those that waited for it, as far as the action lets them, in this order.
    ///
    /// An action that neither delays nor doubles lets it leave as it is: the caller has dealt with that.
    pub fn take(
        &mut self,
        action: &Action,
        subscriber: Option<SubscriberId>,
        delivery: P,
        now: Duration,
    ) -> Vec<P> {
        if matches!(
            action,
            Action::Delay(_) | Action::Reorder { .. } | Action::Hold(_)
        ) && self.waiting() >= MAX_WAITING
        {
            tracing::warn!("more than {MAX_WAITING} deliveries of a topic wait; the next ones leave at once");
            return vec![delivery];
        }
        match action {
            Action::Delay(delay) => {
                self.came += 1;
                let moment = (now.saturating_add(*delay), self.came);
                self.delayed.insert(moment, (subscriber, delivery));
                Vec::new()
            }
            Action::Duplicate(copies) => vec![delivery; usize::from(*copies) + 1],
            Action::Hold(rule) => {
                self.held.entry((*rule, subscriber)).or_default().push(delivery);
                Vec::new()
            }
            Action::Reorder { rule, of } => {
                let group = self.held.entry((*rule, subscriber)).or_default();
                group.push(delivery);
                if group.len() < usize::from(*of) {
                    return Vec::new();
                }
                let mut group = self.held.remove(&(*rule, subscriber)).unwrap_or_default();
                group.reverse();
                group
            }
            Action::Drop => Vec::new(),
            Action::Send | Action::Rewrite(_) | Action::Close { .. } | Action::Cut => vec![delivery],
        }
    }

    /// The deliveries whose time has come.
    pub fn due(&mut self, now: Duration) -> Vec<P> {
        let mut due = Vec::new();
        while let Some(first) = self.delayed.first_entry().filter(|first| first.key().0 <= now) {
            due.push(first.remove().1);
        }
        due
    }

    /// The time at which the next one leaves, in time since the hub's start.
    pub fn next_deadline(&self) -> Option<Duration> {
        self.delayed.keys().next().map(|(moment, _)| *moment)
    }

    /// The deliveries that a rule held back, in the order in which they came.
    pub fn release(&mut self, rule: RuleId) -> Vec<P> {
        let released = self.held.extract_if(.., |(holding, _), _| *holding == rule);
        released.flat_map(|(_, group)| group).collect()
    }

    /// Forgets what waits for a subscriber: its subscription has ended.
    pub fn forget(&mut self, subscriber: SubscriberId) {
        self.delayed
            .retain(|_, (receiver, _)| *receiver != Some(subscriber));
        self.held.retain(|(_, receiver), _| *receiver != Some(subscriber));
    }

    /// The number of deliveries that wait.
    pub fn waiting(&self) -> usize {
        self.delayed.len() + self.held.values().map(Vec::len).sum::<usize>()
    }
}
