//! A subscriber that refuses an event later: acknowledged with 202 first, and told in time (2.5).

use std::time::Duration;

use super::findings::{Breach, Subscriber};
use super::ids;
use super::judge::{Judge, Question};
use super::publishing::Requested;
use super::record::Place;
use super::state::{Notified, Spot};
use crate::schema::Unmet;

/// Within what time a subscriber refuses that has acknowledged with 202.
const IN_TIME: Duration = Duration::from_secs(10);
/// What the way takes.
const TOLERANCE: Duration = Duration::from_secs(1);

impl Judge {
    /// The notifications of an event to whoever may have requested this SyncError.
    fn notifications_of(
        &self,
        who: &Subscriber,
        topic: &str,
        client: Option<&str>,
        id: &str,
    ) -> Vec<Notified> {
        let candidates = self.candidates(topic, client);
        let all = candidates
            .iter()
            .filter_map(|connection| self.connections.get(connection));
        let to_requester: Vec<Notified> = all
            .clone()
            .filter(|connection| connection.who.as_deref() == Some(who))
            .filter_map(|connection| connection.notified.get(id).cloned())
            .collect();
        if to_requester.is_empty() {
            all.filter_map(|connection| connection.notified.get(id).cloned())
                .collect()
        } else {
            to_requester
        }
    }

    pub(super) fn judge_sync_error(&mut self, change: &Requested<'_>) {
        let Requested {
            who,
            topic,
            client,
            event,
            spot,
            ..
        } = *change;
        for cause in event.causes() {
            let notified = self.notifications_of(who, topic, client, &cause.event_id);
            if notified.is_empty() {
                // About an event that nobody here was notified of.
                continue;
            }
            let accepted: Vec<&Notified> = notified
                .iter()
                .filter(|notification| matches!(notification.acknowledged, Some((Some(202), _))))
                .collect();
            if accepted.is_empty() {
                self.refused_without_accepting(who, topic, &cause.event_id, &notified, spot);
                continue;
            }
            self.held(who, ids::SYNC_ERROR_AFTER_ACCEPTED);
            let late = accepted
                .iter()
                .all(|notification| spot.at.saturating_sub(notification.spot.at) > IN_TIME + TOLERANCE);
            let breach = late.then(|| {
                Breach::new(
                    "the event was acknowledged with 202 and refused by a SyncError more than 10 s after it had come",
                    accepted
                        .iter()
                        .map(|notification| Place::at(notification.spot.sequence))
                        .chain([Place::at(spot.sequence)])
                        .collect(),
                )
            });
            self.judge(who, ids::SYNC_ERROR_IN_TIME, breach);
        }
    }

    fn refused_without_accepting(
        &mut self,
        who: &Subscriber,
        topic: &str,
        event: &str,
        notified: &[Notified],
        spot: Spot,
    ) {
        if notified
            .iter()
            .any(|notification| notification.acknowledged.is_none() && !notification.overdue)
        {
            // The acknowledgement may be on its way over the WebSocket.
            let question = Question::Accepts {
                who: who.clone(),
                topic: topic.to_owned(),
                event: event.to_owned(),
                refused: spot,
            };
            let patience = self.settings.ack_timeout;
            self.ask_in(patience, question);
            return;
        }
        self.tell_not_accepted(who, notified, spot);
    }

    fn tell_not_accepted(&mut self, who: &Subscriber, notified: &[Notified], spot: Spot) {
        let status = |notification: &Notified| notification.acknowledged.and_then(|(status, _)| status);
        let refused = notified
            .iter()
            .find(|notification| status(notification).is_some_and(|code| code >= 400));
        let taken = notified
            .iter()
            .find(|notification| status(notification).is_some_and(|code| code < 400));
        let (unmet, what) = match (refused, taken) {
            // The same thing twice.
            (Some(_), _) => (Unmet::Note, "answered with an error already"),
            // An error may show itself later.
            (None, Some(_)) => (Unmet::Warn, "acknowledged with another status than 202"),
            (None, None) => (Unmet::ByLevel, "not acknowledged at all"),
        };
        let answers = notified.iter().filter_map(|notification| {
            notification
                .acknowledged
                .map(|(_, spot)| notification.status_at(spot))
        });
        let breach = Breach::new(
            format!(
                "a SyncError refuses an event that was {what}; acknowledge with 202 first, or answer with the error \
                 itself"
            ),
            notified
                .iter()
                .map(|notification| Place::at(notification.spot.sequence))
                .chain(answers)
                .chain([Place::at(spot.sequence)])
                .collect(),
        );
        self.broken(who, ids::SYNC_ERROR_AFTER_ACCEPTED, breach.softened(unmet));
    }

    pub(super) fn was_not_accepted(&mut self, who: &Subscriber, topic: &str, event: &str, refused: Spot) {
        let notified = self.notifications_of(who, topic, None, event);
        if notified.is_empty() {
            return;
        }
        if notified
            .iter()
            .any(|notification| matches!(notification.acknowledged, Some((Some(202), _))))
        {
            self.held(who, ids::SYNC_ERROR_AFTER_ACCEPTED);
        } else {
            self.tell_not_accepted(who, &notified, refused);
        }
    }
}
