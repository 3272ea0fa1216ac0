//! Waiting, when a scenario has ended, for what the hub still owes: a run judges the same whenever it is made.

use std::time::{Duration, Instant};

use super::acknowledgements::acknowledgements;
use super::play::Play;
use super::stage::{Membership, Mock, Publication, causes};
use crate::client::{Received, Spot};
use crate::protocol::{EventKind, EventName};

impl Play<'_> {
    /// A WebSocket ended without a close frame from the hub.
    pub(super) fn a_socket_broke(&self) -> bool {
        let broke = |mock: &Mock| {
            mock.inbox
                .closed()
                .iter()
                .any(|closed| closed.by_hub && closed.code.is_none())
        };
        self.stage.mocks.values().any(broke)
    }

    /// Who is owed which publication: publication, subscriber.
    pub(super) fn owed(&self) -> Vec<(usize, String)> {
        let mut owed = Vec::new();
        for (position, publication) in self.stage.publications.iter().enumerate() {
            if !publication.accepted {
                continue;
            }
            for mock in self.stage.mocks.values() {
                if mock.topic == publication.topic && is_owed(mock, publication) {
                    owed.push((position, mock.name.clone()));
                }
            }
        }
        owed
    }

    /// Waits for what the hub owes, so that a run judges the same whenever it is made: copies of what was published, and
    /// SyncErrors about what was refused.
    pub(super) async fn settle(&self) {
        for (position, name) in self.owed() {
            let publication = &self.stage.publications[position];
            let timing = self.setting.target.timing;
            // What the hub may have refused afterwards need not come at all.
            let patience = if publication.proper {
                timing.response
            } else {
                timing.quiet
            };
            self.wait_for(&name, publication.answered.at + patience, |received| {
                self.stage.origin(received) == Some(position)
            })
            .await;
        }
        let quiet = Instant::now() + self.setting.target.timing.quiet;
        // A subscription that was ended is followed by a denial and a close.
        for mock in self.stage.mocks.values().filter(|mock| mock.socket.is_some()) {
            if mock.membership().is_some_and(|own| own.ended.is_some()) {
                self.wait_for(&mock.name, quiet, |_| false).await;
            }
        }
        // Calls to callbacks may overtake one another: a fence alone does not show what comes after it.
        if self.stage.mocks.values().any(Mock::is_webhook) {
            tokio::time::sleep_until(quiet.into()).await;
        }
        for (id, name) in self.owed_sync_errors() {
            self.wait_for(&name, quiet, |received| {
                let message = received.json.as_ref();
                message.is_some_and(|message| causes(message).iter().any(|cause| cause.event_id == id))
            })
            .await;
        }
    }

    async fn wait_for(&self, name: &str, deadline: Instant, is_it: impl Fn(&Received) -> bool) {
        let Some(mock) = self.stage.mocks.get(name) else {
            return;
        };
        let socket = mock.membership().and_then(|own| own.socket);
        mock.inbox
            .wait(deadline.max(Instant::now()), |received, closed| {
                let ended = closed.iter().any(|own| Some(own.socket) == socket);
                (received.iter().any(&is_it) || ended).then_some(())
            })
            .await;
    }

    /// Who is owed a SyncError about which event: the others, of what a subscriber has refused.
    fn owed_sync_errors(&self) -> Vec<(String, String)> {
        let Ok(sync_error) = "SyncError".parse::<EventName>() else {
            return Vec::new();
        };
        let mut owed = Vec::new();
        let entries = self.stage.log.entries();
        for (entry, answer) in acknowledgements(&entries) {
            let Some(refusing) = self.stage.mocks.get(&entry.actor) else {
                continue;
            };
            if answer.status.is_success() {
                continue;
            }
            for mock in self.stage.mocks.values() {
                let follows = mock
                    .membership()
                    .is_some_and(|own| own.current.contains(&sync_error));
                if mock.topic == refusing.topic && mock.name != refusing.name && mock.is_active() && follows {
                    owed.push((answer.id.clone(), mock.name.clone()));
                }
            }
        }
        owed
    }
}

fn is_owed(mock: &Mock, publication: &Publication) -> bool {
    let Some(membership) = mock.membership() else {
        return false;
    };
    let settled = membership
        .confirmed
        .into_iter()
        .chain(membership.replaced.iter().copied());
    let before = settled.max_by_key(|spot| spot.sequence);
    // Of SyncErrors only the others are owed a copy (2.5).
    let exempt =
        publication.event.kind() == EventKind::SyncError && publication.by.as_ref() == Some(&mock.name);
    mock.is_active()
        && !exempt
        && membership.current.contains(&publication.event)
        && before.is_some_and(|spot| {
            spot.sequence < publication.requested.sequence && !has_run_out(membership, spot, publication)
        })
}

/// The lease that was granted at `since` had run out, or was about to, when the event was taken: what the hub does with the
/// subscription then is judged for itself.
pub(super) fn has_run_out(membership: &Membership, since: Spot, publication: &Publication) -> bool {
    let lease = membership
        .lease
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    // Near its end, nobody can tell what came first.
    let safe = |lease: Duration| lease.saturating_sub(Duration::from_secs(1).min(lease.mul_f64(0.2)));
    lease.is_some_and(|lease| publication.answered.at.saturating_duration_since(since.at) > safe(lease))
}
