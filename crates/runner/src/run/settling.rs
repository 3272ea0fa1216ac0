//! Waiting, when a scenario has ended, for what the hub still owes: a run judges the same whenever it is made.

use std::time::Instant;

use super::mock_subscriber::MockSubscriber;
use super::scenario_run::ScenarioRun;
use crate::client::Received;
use crate::judging::hub::rules::{self, Owed, OwedSyncError};
use crate::judging::hub::{causes, ids};

impl ScenarioRun<'_> {
    /// A WebSocket ended without a close frame from the hub.
    pub(super) fn a_socket_broke(&self) -> bool {
        let broke = |mock: &MockSubscriber| {
            mock.inbox
                .closed()
                .iter()
                .any(|closed| closed.by_hub && closed.code.is_none())
        };
        self.state.mocks.values().any(broke)
    }

    /// Waits for what the hub owes, so that a run judges the same whenever it is made: copies of what was published, and
    /// SyncErrors about what was refused.
    ///
    /// Returns the scenario that waited in vain before, where this one did not wait in full.
    pub(super) async fn settle(&self) -> Option<String> {
        let mut in_vain_before = None;
        for Owed {
            publication: position,
            to,
        } in rules::owed(&self.conversation())
        {
            let publication = &self.state.publications[position];
            let timing = self.setting.target.timing;
            // What the hub may have refused afterwards need not come at all.
            let patience = if publication.proper {
                timing.response
            } else {
                timing.quiet
            };
            let whole = self.state.log.instant(publication.answered.at + patience);
            let wait = self
                .setting
                .patience
                .wait(ids::DELIVERED, Instant::now(), whole, timing.quiet);
            let came = self
                .wait_for(&to, wait.until, |received| {
                    self.state.origin(received) == Some(position)
                })
                .await;
            match (came, wait.in_vain_before) {
                (true, _) => {}
                (false, Some(before)) => in_vain_before = Some(before),
                (false, None) if publication.proper => {
                    self.setting.patience.missed(ids::DELIVERED, &self.title);
                }
                (false, None) => {}
            }
        }
        let quiet = Instant::now() + self.setting.target.timing.quiet;
        // A subscription that was ended is followed by a denial and a close.
        for mock in self.state.mocks.values().filter(|mock| mock.socket().is_some()) {
            if mock
                .subscription()
                .is_some_and(|subscription| subscription.ended.is_some())
            {
                self.wait_for(&mock.name, quiet, |_| false).await;
            }
        }
        // Calls to callbacks may overtake one another: a fence alone does not show what comes after it.
        if self.state.mocks.values().any(MockSubscriber::is_webhook) {
            tokio::time::sleep_until(quiet.into()).await;
        }
        for OwedSyncError { event_id, to } in rules::owed_sync_errors(&self.conversation()) {
            self.wait_for(&to, quiet, |received| {
                let message = received.json.as_ref();
                message.is_some_and(|message| causes(message).iter().any(|cause| cause.event_id == event_id))
            })
            .await;
        }
        in_vain_before
    }

    /// Waits for a message, or for the end of the subscriber's WebSocket; whether either came.
    async fn wait_for(&self, name: &str, deadline: Instant, is_it: impl Fn(&Received) -> bool) -> bool {
        let Some(mock) = self.state.mocks.get(name) else {
            return true;
        };
        let socket = mock.subscription().and_then(|subscription| subscription.socket);
        mock.inbox
            .wait(deadline.max(Instant::now()), |received, closed| {
                let ended = closed.iter().any(|closed| Some(closed.socket) == socket);
                (received.iter().any(&is_it) || ended).then_some(())
            })
            .await
            .is_some()
    }
}
