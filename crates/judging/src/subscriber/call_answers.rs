//! What callbacks answer to the hub's calls, and what their silence means (STU1 and STU2).

use std::time::Duration;

use super::callbacks::{About, Call};
use super::exchange::CallEnd;
use super::findings::{Breach, Subscriber};
use super::ids;
use super::judge::Judge;
use super::record::Place;
use super::requests::header;
use super::state::Spot;
use super::verifications::Answered;
use crate::protocol::Version;
use crate::schema::Unmet;

/// How long a callback must have been waited for before its silence counts, where nobody says how long that is.
const SILENT: Duration = Duration::from_secs(5);
/// By how much the hub may be ahead when it gives up on a callback.
const AHEAD: Duration = Duration::from_millis(200);
/// A callback that is gone so soon after a rejection is gone because of it.
const AT_ONCE: Duration = Duration::from_secs(2);

impl Judge {
    /// A callback answered.
    pub(super) fn call_answered(
        &mut self,
        id: u64,
        status: u16,
        headers: &[(String, String)],
        body: &[u8],
        spot: Spot,
    ) {
        let Some(call) = self.callbacks.calls.remove(&id) else {
            return;
        };
        if let Some(connection) = self.connections.get_mut(&call.connection) {
            connection.reached = true;
            connection.cut = false;
        }
        match call.about {
            About::Verification(verification) => {
                let answered = Answered {
                    status,
                    content_type: header(headers, "content-type"),
                    body,
                };
                self.verified(&call.who, &verification, &answered, [call.spot, spot]);
            }
            // Whose subscription it was not may say so.
            About::Denial { subscription: None } => {}
            About::Denial { .. } => {
                let breach = (!(200..300).contains(&status)).then(|| {
                    Breach::new(
                        format!("a denial was answered with {status}; answer it with 200"),
                        places(call.spot, spot),
                    )
                    .expecting("2xx")
                    .observing(status.to_string())
                });
                self.judge(&call.who, ids::DENIAL_ANSWERED, breach);
            }
            About::Notification { id } => {
                self.held(&call.who, ids::ACKNOWLEDGED);
                if let Some(id) = id {
                    self.callback_acknowledged(&call.who, call.connection, &id, status, spot);
                }
            }
        }
    }

    fn callback_acknowledged(
        &mut self,
        who: &Subscriber,
        connection: u64,
        id: &str,
        status: u16,
        spot: Spot,
    ) {
        let known = self
            .connections
            .get_mut(&connection)
            .and_then(|connection| connection.notified.get_mut(id))
            .filter(|notified| notified.acknowledged.is_none());
        let Some(notified) = known else { return };
        notified.acknowledged = Some((Some(status), spot));
        let known = notified.clone();
        if (300..400).contains(&status) {
            let breach = Breach::new(
                format!(
                    "a notification was answered with {status}, which tells neither success nor an error; answer with \
                     2xx, or with 4xx or 5xx"
                ),
                places(known.spot, spot),
            )
            .observing(status.to_string());
            // STU2 has a WebSocket's answer only say so, and takes any other code for a failure.
            let unmet = match self.settings.version {
                Version::Stu1 => Unmet::ByLevel,
                _ => Unmet::Note,
            };
            self.broken(who, ids::ACKNOWLEDGED_SUCCESS, breach.softened(unmet));
        }
        self.answered_with(connection, who, &known, status, spot);
    }

    /// No answer came to a call.
    pub(super) fn call_failed(&mut self, id: u64, end: CallEnd, spot: Spot) {
        let Some(call) = self.callbacks.calls.remove(&id) else {
            return;
        };
        let unmet = self.unanswered(&call, end, spot);
        if let Some(connection) = self.connections.get_mut(&call.connection) {
            connection.cut = end == CallEnd::Cut;
        }
        let Some(unmet) = unmet else { return };
        let breach = |what: &str| {
            let why = match end {
                CallEnd::Unreachable => "did not come to its callback, which cannot be reached",
                CallEnd::Cut => "was not answered: the connection was closed in place of an answer",
                CallEnd::GivenUp => "was not answered in time",
            };
            Breach::new(format!("{what} {why}"), places(call.spot, spot)).softened(unmet)
        };
        match &call.about {
            About::Verification(verification) => {
                let requirement = verification.wish.requirement();
                if let Some(requirement) = requirement {
                    self.broken(&call.who, requirement, breach("an intent verification"));
                }
            }
            About::Denial { subscription } => {
                // Whoever has unsubscribed may be gone.
                let left = subscription
                    .and_then(|at| self.subscriptions.get(&at))
                    .is_none_or(|subscription| subscription.unsubscribe.is_some());
                if !left {
                    self.broken(&call.who, ids::DENIAL_ANSWERED, breach("a denial"));
                }
            }
            About::Notification { .. } => {
                let subscription = self
                    .connections
                    .get(&call.connection)
                    .and_then(|connection| self.subscriptions.get(&connection.subscription?));
                if subscription.is_some_and(|known| known.unsubscribe.is_some() || known.ended.is_some()) {
                    return;
                }
                self.broken(&call.who, ids::ACKNOWLEDGED, breach("a notification"));
                self.gone_after_rejection(&call, end, spot);
            }
        }
    }

    /// How much a call without an answer weighs; `None` where it says nothing.
    fn unanswered(&self, call: &Call, end: CallEnd, spot: Spot) -> Option<Unmet> {
        let connection = self.connections.get(&call.connection);
        let asked_for = matches!(call.about, About::Verification(_));
        match end {
            // What it never received it owes no answer to; but whoever has just asked for a call should be there.
            CallEnd::Unreachable if asked_for => Some(Unmet::Warn),
            CallEnd::Unreachable => Some(Unmet::Note),
            // A connection that was kept may have been closed just as it was used again, but not twice in a row.
            CallEnd::Cut if connection.is_some_and(|connection| connection.cut) => Some(Unmet::ByLevel),
            CallEnd::Cut => Some(Unmet::Warn),
            CallEnd::GivenUp => {
                let patience = match call.about {
                    About::Notification { .. } => self.settings.ack_timeout,
                    _ => SILENT,
                };
                let waited = spot.at.saturating_sub(call.spot.at);
                (waited + (patience / 10).min(AHEAD) >= patience).then_some(Unmet::ByLevel)
            }
        }
    }

    /// A callback that is gone as soon as its subscriber's change was rejected.
    fn gone_after_rejection(&mut self, call: &Call, end: CallEnd, spot: Spot) {
        let Some(connection) = self.connections.get_mut(&call.connection) else {
            return;
        };
        let rejected = connection.rejected.take().filter(|_| connection.reached);
        let at_once = rejected.filter(|rejected| call.spot.at.saturating_sub(rejected.at) <= AT_ONCE);
        if let Some(rejected) = at_once.filter(|_| end == CallEnd::Unreachable) {
            let mut shown = vec![Place::at(rejected.sequence)];
            shown.extend(places(call.spot, spot));
            let breach = Breach::new(
                "the callback was gone as soon as the hub had rejected a requested change; stay subscribed and go on",
                shown,
            );
            self.broken(&call.who, ids::PUBLISH_REJECTION_HANDLED, breach);
        }
    }
}

fn places(call: Spot, answer: Spot) -> Vec<Place> {
    vec![Place::at(call.sequence), Place::at(answer.sequence)]
}
