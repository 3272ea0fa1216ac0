//! Acknowledgements: that they come, for what they come, and what they say of the notification (2.5).

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use super::findings::{Breach, Subscriber};
use super::ids;
use super::judge::{Judge, Question};
use super::message::{Message, ResourceDigest};
use super::record::Place;
use super::state::{Notified, Spot, Taken};
use crate::schema::Unmet;

/// From what size on, in bytes, a notification is large enough to be refused for it.
const LARGE: usize = 32 << 10;
/// How much smaller one has to be that shows that only the size was too much.
const MUCH_SMALLER: usize = 8;
/// By how much the hub may be ahead when it gives up on a subscriber.
const AHEAD: Duration = Duration::from_millis(200);
/// The status that an acknowledgement tells.
pub(super) fn status_of(message: &Value) -> Option<u16> {
    match message.get("status")? {
        Value::Number(number) => u16::try_from(number.as_u64()?).ok(),
        Value::String(text) => text.parse().ok(),
        _ => None,
    }
}

impl Judge {
    /// The subscriber answers the notification of this id.
    pub(super) fn acknowledged(
        &mut self,
        connection: u64,
        who: &Subscriber,
        id: &str,
        status: Option<u16>,
        spot: Spot,
    ) {
        let Some(websocket) = self.connections.get_mut(&connection) else {
            return;
        };
        let Some(notified) = websocket.notified.get_mut(id) else {
            if !websocket.forgetful {
                let shown: String = id.chars().take(60).collect();
                let breach = Breach::new(
                    format!(
                        "/id is \"{shown}\"; expected the id of a notification that came over this WebSocket"
                    ),
                    vec![Place::within(spot.sequence, "/id")],
                );
                self.broken(who, ids::ACKNOWLEDGED_ID, breach);
            }
            return;
        };
        let first = notified.acknowledged.is_none();
        if first {
            notified.acknowledged = Some((status, spot));
        }
        let known = notified.clone();
        websocket.look_at_answers();
        self.held(who, ids::ACKNOWLEDGED_ID);
        if !first {
            return;
        }
        if !known.overdue {
            self.held(who, ids::ACKNOWLEDGED);
            if known.message.non_current {
                self.held(who, ids::NON_CURRENT_ANSWERED);
            }
        }
        if let Some(status) = status {
            self.answered_with(connection, who, &known, status, spot);
        }
    }

    /// The first answer to a notification.
    pub(super) fn answered_with(
        &mut self,
        connection: u64,
        who: &Subscriber,
        known: &Notified,
        status: u16,
        spot: Spot,
    ) {
        if (200..300).contains(&status) {
            self.taken(connection, who, known, status, spot);
        } else if status >= 400 {
            self.refused(connection, who, known, status, spot);
        }
    }

    fn taken(&mut self, connection: u64, who: &Subscriber, known: &Notified, status: u16, spot: Spot) {
        // The status of an HTTP answer says success by any code of 200 to 299.
        let breach = (!known.by_http && !matches!(status, 200 | 202)).then(|| {
            Breach::new(
                format!("/status is {status}; 200 and 202 are what tells success"),
                vec![Place::within(spot.sequence, "/status")],
            )
            .softened(Unmet::Note)
        });
        self.judge(who, ids::ACKNOWLEDGED_SUCCESS, breach);
        if known.follows.is_some() {
            self.held(who, ids::SEQUENTIAL_OPENS);
        }
        if known
            .message
            .resource
            .as_ref()
            .is_some_and(ResourceDigest::is_full)
        {
            self.held(who, ids::FULL_RESOURCE_ACCEPTED);
        }
        let most = self.remembered();
        let Some(connection) = self.connections.get_mut(&connection) else {
            return;
        };
        let other_case = connection.other_case;
        let subscription = connection.subscription.and_then(|at| self.subscriptions.get(&at));
        let asked_otherwise = subscription.is_some_and(|subscription| {
            !subscription.asked.is_empty() && !subscription.asked.contains(&known.message.name)
        });
        if let Some(subject) = &known.message.subject {
            let taken = Taken {
                message: Arc::clone(&known.message),
                spot: known.spot,
            };
            connection.take(Arc::clone(subject), taken, most);
            if known.message.opens {
                connection.last_taken_open = Some((Arc::clone(&known.message), known.spot));
            }
        }
        let rejected = connection.rejected.take();
        if other_case {
            self.held(who, ids::SUBSCRIBE_EVENTS_CASE);
        }
        if asked_otherwise {
            self.held(who, ids::NOTIFIED_EVENTS_CASE);
        }
        if rejected.is_some() {
            self.held(who, ids::PUBLISH_REJECTION_HANDLED);
        }
    }

    /// What was taken over this WebSocket of the same event about the same thing.
    fn taken_before(&self, connection: u64, message: &Message) -> Vec<Taken> {
        let subject = message.subject.as_ref();
        let taken = subject.zip(self.connections.get(&connection));
        let taken = taken.and_then(|(subject, connection)| connection.taken.get(subject));
        taken.cloned().unwrap_or_default()
    }

    fn refused(&mut self, connection: u64, who: &Subscriber, known: &Notified, status: u16, spot: Spot) {
        if let Some(before) = known.follows {
            let breach = Breach::new(
                format!(
                    "a second open was answered with {status}, though the first one was taken; several opens in \
                         succession are no error"
                ),
                vec![
                    Place::at(before.sequence),
                    Place::at(known.spot.sequence),
                    known.status_at(spot),
                ],
            );
            // A conflict is how a subscriber says that it does not want to follow.
            let unmet = if status == 409 { Unmet::Note } else { Unmet::Warn };
            self.broken(who, ids::SEQUENTIAL_OPENS, breach.softened(unmet));
        }
        let taken = self.taken_before(connection, &known.message);
        let places = |before: &Taken| {
            vec![
                Place::at(before.spot.sequence),
                Place::at(known.spot.sequence),
                known.status_at(spot),
            ]
        };
        if status == 413 {
            self.held(who, ids::TOO_LARGE_STATUS);
        } else if known.message.size >= LARGE && status != 409 {
            let small = taken
                .iter()
                .find(|earlier| earlier.message.size.saturating_mul(MUCH_SMALLER) <= known.message.size);
            let unmet = if small.is_some() {
                Unmet::ByLevel
            } else {
                Unmet::Note
            };
            let places = small.map_or_else(|| vec![known.status_at(spot)], &places);
            let breach = Breach::new(
                format!(
                    "a notification of {} bytes was answered with {status}; expected 413 where its size is the reason",
                    known.message.size
                ),
                places,
            )
            .expecting("413")
            .observing(status.to_string());
            self.broken(who, ids::TOO_LARGE_STATUS, breach.softened(unmet));
        }
        if known.message.size < LARGE
            && matches!(status, 400 | 415 | 422 | 500 | 501)
            && let Some(full) = &known.message.resource
            && let Some(sparse) = taken.iter().find(|earlier| {
                let resource = earlier.message.resource.as_ref();
                resource.is_some_and(|resource| resource.is_sparse_form_of(full))
            })
        {
            let breach = Breach::new(
                format!(
                    "an event with a full resource was answered with {status}, and the same event with the \
                         attributes of the profile alone was taken"
                ),
                places(sparse),
            );
            self.broken(who, ids::FULL_RESOURCE_ACCEPTED, breach);
        }
        if matches!(status, 400 | 404 | 422 | 500 | 501) {
            self.judge_case(
                who,
                known,
                &taken,
                &format!("was answered with {status}"),
                &places,
            );
        }
    }

    /// Whether the same event was taken when its name was written otherwise.
    fn judge_case(
        &mut self,
        who: &Subscriber,
        known: &Notified,
        taken: &[Taken],
        what: &str,
        places: &dyn Fn(&Taken) -> Vec<Place>,
    ) {
        let other_case = taken.iter().find(|earlier| {
            let (earlier, known) = (&earlier.message, &known.message);
            earlier.name != known.name && known.resource.is_some() && earlier.resource == known.resource
        });
        if let Some(before) = other_case {
            let breach = Breach::new(
                format!(
                    "{} {what}, and the same event as {} was taken; event names are compared without regard to case",
                    known.message.name, before.message.name
                ),
                places(before),
            );
            self.broken(who, ids::NOTIFIED_EVENTS_CASE, breach);
        }
    }

    /// The time for the first of the notifications that were not answered may be over.
    pub(super) fn look_for_overdue(&mut self, connection: u64) {
        let patience = self.settings.ack_timeout;
        loop {
            let Some(websocket) = self.connections.get_mut(&connection) else {
                return;
            };
            websocket.look_at_answers();
            let Some(first) = websocket.unanswered.front().cloned() else {
                websocket.is_asked_about = false;
                return;
            };
            // What was answered, or forgotten, is not among them any more.
            let sent = websocket
                .notified
                .get(&first)
                .map_or(self.now, |first| first.spot.at);
            let left = sent.saturating_add(patience).saturating_sub(self.now);
            if !left.is_zero() {
                self.ask_in(left, Question::Acknowledged { connection });
                return;
            }
            websocket.unanswered.pop_front();
            self.overdue(connection, &first);
        }
    }

    /// The time for an acknowledgement is over.
    fn overdue(&mut self, connection: u64, id: &str) {
        let patience = self.settings.ack_timeout;
        let who = self.listener(connection);
        let Some(websocket) = self.connections.get_mut(&connection) else {
            return;
        };
        let ended = websocket.closed || websocket.denied.is_some();
        let subscription = websocket.subscription.and_then(|at| self.subscriptions.get(&at));
        if ended || subscription.is_some_and(|subscription| subscription.unsubscribe.is_some()) {
            return;
        }
        let Some(notified) = websocket.notified.get_mut(id) else {
            return;
        };
        if notified.acknowledged.is_some() || notified.overdue {
            return;
        }
        notified.overdue = true;
        let known = notified.clone();
        self.tell_overdue(&who, &known, patience.as_secs_f64());
        let taken = self.taken_before(connection, &known.message);
        let places = |before: &Taken| vec![Place::at(before.spot.sequence), Place::at(known.spot.sequence)];
        self.judge_case(&who, &known, &taken, "was not answered", &places);
    }

    fn tell_overdue(&mut self, who: &Subscriber, known: &Notified, seconds: f64) {
        let breach = || {
            Breach::new(
                format!(
                    "{} was not answered within {seconds:.1} s; send its id with a status over the same WebSocket",
                    if known.message.name.is_empty() {
                        "a notification"
                    } else {
                        &known.message.name
                    }
                ),
                vec![Place::at(known.spot.sequence)],
            )
        };
        self.broken(who, ids::ACKNOWLEDGED, breach());
        if known.message.non_current {
            self.broken(who, ids::NON_CURRENT_ANSWERED, breach());
        }
    }

    /// The hub ends a subscription: what it waited for until then is overdue, if only by its own clock.
    pub(super) fn nearly_overdue(&mut self, connection: u64) {
        let (now, patience) = (self.now, self.settings.ack_timeout);
        let who = self.listener(connection);
        let Some(connection) = self.connections.get_mut(&connection) else {
            return;
        };
        if connection.closed || connection.denied.is_some() {
            return;
        }
        // The hub's clock may run a little ahead of the one here.
        let before = (patience / 10).min(AHEAD);
        let mut late: Vec<Notified> = Vec::new();
        for notified in connection.notified.values_mut() {
            let waited = now.saturating_sub(notified.spot.at);
            if notified.acknowledged.is_none() && !notified.overdue && waited + before >= patience {
                notified.overdue = true;
                late.push(notified.clone());
            }
        }
        late.sort_by_key(|notification| notification.spot.sequence);
        for known in late {
            self.tell_overdue(&who, &known, patience.as_secs_f64());
        }
    }
}
