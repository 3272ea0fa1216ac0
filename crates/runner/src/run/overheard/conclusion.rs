//! What is judged when everything has passed: who took events at once, what the hub owed, and all that several messages show.

use std::collections::HashMap;

use super::Overheard;
use super::listener::Listener;
use crate::client::Received;
use crate::outcome::Traffic;
use crate::protocol::EventName;
use crate::run::acknowledgements::acknowledgement_in;
use crate::run::control::control_received;
use crate::run::settling::has_run_out;
use crate::run::stage::{Membership, Publication};

impl Listener<'_> {
    /// Judges what was heard; the checks are those of a scenario of this name.
    pub(super) fn conclude(mut self, scenario: &str) -> Overheard {
        self.judge_exactness();
        let owed = self.owed();
        self.play.judge_all(&owed);
        self.judge_refusals();
        let transcript = self.play.stage.log.entries();
        let none = Default::default();
        let (checks, observations) = self.play.judge.conclude(scenario, &none, &none, "", &transcript);
        Overheard {
            checks,
            observations,
            transcript,
        }
    }

    /// Finds out who took every event at once.
    fn judge_exactness(&mut self) {
        let patience = self.play.setting.target.timing.ack_timeout / 2;
        let entries = self.play.stage.log.entries();
        let mut taken: HashMap<(&str, String), (bool, f64)> = HashMap::new();
        let mut odd: Vec<&str> = Vec::new();
        for entry in &entries {
            match acknowledgement_in(entry, &entries) {
                Some(own) => {
                    let fine = own.status.code == 200;
                    taken.insert((&entry.actor, own.id), (fine, entry.at_ms));
                }
                None if matches!(entry.traffic, Traffic::FrameSent { .. }) => odd.push(&entry.actor),
                None => {}
            }
        }
        for mock in self.play.stage.mocks.values_mut() {
            let received = mock.inbox.received();
            let events = received.iter().filter(|own| control_received(own).is_none());
            let took = |own: &Received| {
                let id = own.message().and_then(|message| message.get("id")?.as_str());
                let key = id.map(|id| (mock.name.as_str(), id.to_owned()));
                let sent = entries.get(own.spot.sequence).map_or(0.0, |entry| entry.at_ms);
                key.and_then(|key| taken.get(&key))
                    .is_some_and(|(fine, at)| *fine && at - sent <= patience.as_secs_f64() * 1_000.0)
            };
            mock.exact &= !odd.contains(&mock.name.as_str()) && events.into_iter().all(took);
        }
    }

    /// Who was owed which publication, for certain: a later event of the topic came to a subscriber, or its subscription went
    /// on for as long as a hub may take.
    fn owed(&self) -> Vec<(usize, String)> {
        let patience = self.play.setting.target.timing.response;
        let stage = &self.play.stage;
        let mut owed = Vec::new();
        for mock in stage.mocks.values() {
            let received = mock.inbox.received();
            let origins: Vec<usize> = received.iter().filter_map(|own| stage.origin(own)).collect();
            let closed = mock.inbox.closed();
            for (position, publication) in stage.publications.iter().enumerate() {
                if !publication.accepted || publication.topic != mock.topic {
                    continue;
                }
                let Some(membership) = mock.membership() else {
                    continue;
                };
                let came_later = origins.iter().any(|later| {
                    stage.publications[*later].requested.sequence > publication.answered.sequence
                });
                let ended = membership
                    .ended
                    .into_iter()
                    .chain(closed.iter().map(|own| own.spot));
                let end = ended.map(|spot| spot.at).min().unwrap_or(self.last);
                let lasted = end >= publication.answered.at + patience;
                let alive = end > publication.answered.at;
                if (lasted || (came_later && alive))
                    && is_granted(membership, publication, &publication.event)
                {
                    owed.push((position, mock.name.clone()));
                }
            }
        }
        owed
    }
}

/// The subscription was there for this event before something was published, and did not change after that.
pub(super) fn is_granted(membership: &Membership, publication: &Publication, event: &EventName) -> bool {
    let settled = membership
        .confirmed
        .into_iter()
        .chain(membership.replaced.iter().copied());
    let settled = settled.max_by_key(|spot| spot.sequence);
    membership.confirmed.is_some()
        && membership.current.contains(event)
        && settled.is_some_and(|spot| {
            spot.sequence < publication.requested.sequence && !has_run_out(membership, spot, publication)
        })
}
