//! What a request of one subscriber does to others: nothing, but for defects.

use super::subscriber::Subscriber;
use super::subscribing::NORMAL_CLOSURE;
use super::{Session, SubscriberId};
use crate::clock::Now;
use crate::protocol::EventName;

impl Session {
    /// Replaces the events of others too, as defects do.
    pub(super) fn regrant_others(&mut self, id: SubscriberId, events: &[EventName]) {
        let namesakes = self.namesakes(id);
        let everyone = self.behaviour.resubscribes_everyone();
        for (other, subscriber) in &mut self.subscribers {
            if everyone || namesakes.contains(other) {
                subscriber.granted = events.to_vec();
            }
        }
    }

    /// The others who are meant too, where a defect knows subscribers by their names.
    fn namesakes(&self, id: SubscriberId) -> Vec<SubscriberId> {
        let name = self
            .subscribers
            .get(&id)
            .and_then(|subscriber| subscriber.name.as_ref());
        let has_its_name = |(other, subscriber): &(&SubscriberId, &Subscriber)| {
            **other != id && name.is_some() && subscriber.name.as_ref() == name
        };
        let others = self.subscribers.iter().filter(has_its_name);
        let others = others.filter(|_| self.behaviour.knows_subscribers_by_name());
        others.map(|(other, _)| *other).collect()
    }

    /// Defects: the earliest subscription ends in the place of one that is not there, or is left without its events.
    pub(super) fn end_another(&mut self, now: Now) {
        let Some(mut first) = self.subscribers.first_entry() else {
            return;
        };
        if self.behaviour.silences_another() {
            first.get_mut().granted.clear();
        }
        let first = *first.key();
        if self.behaviour.ends_another() {
            self.leave(first, now);
        }
    }

    pub(super) fn end_everybody(&mut self) {
        if !self.behaviour.unsubscribes_everyone() {
            return;
        }
        let others: Vec<SubscriberId> = self.subscribers.keys().copied().collect();
        for id in others {
            self.close(id, NORMAL_CLOSURE, "unsubscribed");
        }
    }

    pub(super) fn leave_with_namesakes(&mut self, id: SubscriberId, now: Now) {
        for namesake in self.namesakes(id) {
            self.leave(namesake, now);
        }
        self.leave(id, now);
    }
}
