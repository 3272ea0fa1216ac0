//! The same change requested again, and different changes under one id (2.6).

use std::time::Duration;

use super::findings::{Breach, Subscriber};
use super::ids;
use super::judge::{Judge, Question};
use super::publishing::Requested;
use super::record::Place;
use super::state::{Published, Spot};
use crate::protocol::Timestamp;
use crate::schema::Unmet;

/// How long to wait before a change is sent again.
const WAIT: Duration = Duration::from_secs(10);
/// After how long a change that was not sent again is taken for given up.
const GIVEN_UP: Duration = Duration::from_secs(60);
/// From how many characters on an id is no accident.
const NO_ACCIDENT: usize = 16;

impl Judge {
    pub(super) fn judge_repetition(&mut self, change: &Requested<'_>) {
        let Requested {
            who,
            topic,
            client,
            event,
            spot,
            ..
        } = *change;
        let Some(id) = event.id.as_deref().filter(|id| !id.is_empty()) else {
            return;
        };
        let earlier = self.topics.get(topic).and_then(|topic| {
            let same = |published: &&Published| {
                published.id == id && (client.is_none() || published.client.as_deref() == client)
            };
            topic.published.iter().rev().find(same)
        });
        let Some(earlier) = earlier.cloned() else {
            self.held(who, ids::PUBLISH_ID_UNIQUE);
            return;
        };
        let places = |pointer: &str| {
            vec![
                Place::within(earlier.spot.sequence, pointer),
                Place::within(spot.sequence, pointer),
            ]
        };
        let refused = earlier.status.is_some_and(|status| status >= 400);
        if earlier.digest != event.digest() {
            let shown: String = id.chars().take(60).collect();
            let breach = Breach::new(
                format!("two different changes were requested with the id \"{shown}\"; give each its own"),
                places("/id"),
            );
            // One that was refused never became an event; and two publishers may hit on one short id.
            let unmet = if refused || (client.is_none() && id.len() < NO_ACCIDENT) {
                Unmet::Warn
            } else {
                Unmet::ByLevel
            };
            self.broken(who, ids::PUBLISH_ID_UNIQUE, breach.softened(unmet));
            return;
        }
        self.held(who, ids::PUBLISH_ID_UNIQUE);
        if let (Some(first), Some(again)) = (&earlier.timestamp, &event.timestamp) {
            let instant = |text: &str| {
                text.parse::<Timestamp>()
                    .ok()
                    .map(|timestamp| timestamp.instant())
            };
            let same = first == again || (instant(first).is_some() && instant(first) == instant(again));
            let breach = (!same).then(|| {
                Breach::new(
                    "the change was sent again with another timestamp; keep that of the original",
                    places("/timestamp"),
                )
                .expecting(first.clone())
                .observing(again.clone())
                // What was refused never became an event with a time of its own.
                .softened(if refused { Unmet::Note } else { Unmet::ByLevel })
            });
            self.judge(who, ids::PUBLISH_RESEND_TIMESTAMP, breach);
        }
        if earlier.sync_error.is_some() {
            self.held(who, ids::PUBLISH_RESEND);
            let waited = spot.at.saturating_sub(earlier.spot.at);
            let breach = (waited < WAIT).then(|| {
                Breach::new(
                    format!(
                        "the change was sent again {:.1} s after the last time; wait for 10 s at least",
                        waited.as_secs_f64()
                    ),
                    places(""),
                )
            });
            self.judge(who, ids::PUBLISH_RESEND_WAIT, breach);
        }
    }

    /// A SyncError was sent about this change: it should be sent again.
    pub(super) fn expect_repetition(&mut self, topic: &str, published: &Published, told: Spot) {
        // Who asked for the change is known by the client only, and it may not be the one that hears of the error.
        let Some(client) = published.client.as_deref() else {
            return;
        };
        if published
            .sync_error
            .is_some_and(|first| first.sequence != told.sequence)
            || published.event == "syncerror"
        {
            return;
        }
        let question = Question::SendsAgain {
            who: self.publisher(topic, Some(client), None),
            topic: topic.to_owned(),
            id: published.id.clone(),
            told,
        };
        self.ask_in(GIVEN_UP, question);
    }

    pub(super) fn was_not_sent_again(&mut self, who: &Subscriber, topic: &str, id: &str, told: Spot) {
        let Some(topic) = self.topics.get(topic) else {
            return;
        };
        let later = |published: &&Published| {
            published.spot.sequence > told.sequence && published.event != "syncerror"
        };
        // Sent again, or a newer event: sync is established by it.
        if topic.published.iter().any(|published| later(&published)) {
            return;
        }
        let Some(published) = topic.published.iter().rev().find(|published| published.id == id) else {
            return;
        };
        let breach = Breach::new(
            format!(
                "a SyncError came about the change, and it was not sent again within {} s",
                GIVEN_UP.as_secs()
            ),
            vec![Place::at(published.spot.sequence), Place::at(told.sequence)],
        );
        self.broken(who, ids::PUBLISH_RESEND, breach);
    }
}
