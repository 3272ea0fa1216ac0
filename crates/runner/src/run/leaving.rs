//! Events in flight while a subscriber leaves: until the denial or the close, and for a few seconds at most, they may still come
//! (ambiguities, 83).

use std::time::{Duration, Instant};

use super::answers::Asked;
use super::scenario_run::{ScenarioRun, Stop};
use crate::client::Received;
use crate::judging::hub::{Control, control_received};
use crate::scenario::{Absent, RequestKind, Selector};

/// How long events may still come after an unsubscribe was accepted.
const IN_FLIGHT: Duration = Duration::from_secs(3);

impl ScenarioRun<'_> {
    /// Whether all that came of a message, which must not come, came while the subscription was about to end.
    pub(super) fn came_in_flight(&self, name: &str, message: &Selector) -> bool {
        let Some(mock) = self.state.mocks.get(name) else {
            return false;
        };
        let (Some((asked, left)), true) = (mock.left, message.of.is_some()) else {
            return false;
        };
        let received = mock.inbox.received();
        let closed = mock.inbox.closed();
        let found = self.select(message, &received).unwrap_or_default();
        let has_ended = |before: &Received| {
            let denied = received.iter().any(|message| {
                let follows = asked.sequence < message.spot.sequence;
                let precedes = message.spot.sequence < before.spot.sequence;
                follows && precedes && control_received(message) == Some(Control::Denial)
            });
            let mut ends = closed.iter().filter(|end| end.socket == before.socket);
            denied || ends.any(|end| end.spot.sequence < before.spot.sequence)
        };
        !found.is_empty()
            && found
                .iter()
                .all(|message| message.spot.at.saturating_sub(left.at) < IN_FLIGHT && !has_ended(message))
    }

    /// Whether the event still comes once nothing can be in flight any more.
    pub(super) async fn still_comes(&mut self, step: &Absent) -> Result<bool, Stop> {
        let name = step.at.value.as_str();
        let published = self.publication(&step.message)?;
        let published = published.map(|publication| (publication.by.clone(), publication.event.clone()));
        let (Some((Some(by), event)), Some((_, left))) = (published, self.mock(name)?.left) else {
            return Ok(true);
        };
        let over = self.state.log.instant(left.at + IN_FLIGHT);
        tokio::time::sleep_until(over.into()).await;
        let number = self.state.publications.len();
        let asked = Asked {
            kind: Some(RequestKind::Publish),
            save: None,
            expectations: &[],
            must_be_accepted: true,
            spoiled: false,
        };
        let draft = self.draft(&by, event, &format!("after-leaving-{number}"))?;
        self.post(draft, asked, true, None).await?;
        let quiet = Instant::now() + self.setting.target.timing.quiet;
        let inbox = self.mock(name)?.inbox.clone();
        let came = inbox.wait(quiet, |received, _| {
            let mut received = received.iter();
            received
                .any(|message| self.state.origin(message) == Some(number))
                .then_some(())
        });
        Ok(came.await.is_some())
    }
}
