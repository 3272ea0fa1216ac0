//! The life of a WebSocket: opened at its endpoint, given up as it should, and replaced when it was lost.

use std::sync::Arc;
use std::time::Duration;

use super::findings::Breach;
use super::ids;
use super::judge::{Judge, Question, REMEMBERED};
use super::record::Place;
use super::state::{Connection, Ended, Spot};
use crate::capture::Side;
use crate::schema::Unmet;

const NORMAL: u16 = 1000;
const GOING_AWAY: u16 = 1001;
/// An unsubscribe that follows a close this closely is at the same time.
const AT_THE_SAME_TIME: Duration = Duration::from_secs(2);
/// How long a subscriber that lost its connection may take to come back.
const COMES_BACK: Duration = Duration::from_secs(60);
/// A subscriber that closes so soon after its confirmation, or after a rejection, does so because of it.
const AT_ONCE: Duration = Duration::from_secs(2);
/// For how long a closed WebSocket is remembered.
const CLOSED: Duration = Duration::from_secs(60);

impl Judge {
    /// Somebody tries to open a WebSocket at this path; whether it opens is seen later.
    pub(super) fn attempt(&mut self, path: &str, spot: Spot) {
        let Some(subscription) = self.endpoints.get(path).and_then(|at| self.subscriptions.get(at)) else {
            return;
        };
        let (who, ended) = (subscription.who.clone(), subscription.ended);
        let places = |ended: Spot| vec![Place::at(ended.sequence), Place::at(spot.sequence)];
        match ended {
            Some((Ended::Unsubscribed, ended)) => {
                let breach = Breach::new(
                    "a WebSocket was asked for at the endpoint of a subscription that was ended by an unsubscribe; \
                     subscribe again and use the endpoint of that answer",
                    places(ended),
                );
                self.broken(&who, ids::UNSUBSCRIBE_NEW_ENDPOINT, breach);
            }
            Some((Ended::Denied, ended)) if spot.at.saturating_sub(ended.at) > AT_ONCE => {
                let breach = Breach::new(
                    "a WebSocket was asked for at the endpoint of a subscription that the hub has denied; ask for a \
                     new subscription",
                    places(ended),
                );
                self.broken(&who, ids::DENIAL_HEEDED, breach);
            }
            _ => {}
        }
    }

    pub(super) fn opened(&mut self, connection: u64, url: &str) {
        let mut websocket = Connection::default();
        if let Some(at) = self.subscription_at(url) {
            websocket.subscription = Some(at);
            if let Some(subscription) = self.subscriptions.get_mut(&at) {
                subscription.connected = true;
                websocket.topic = Some(subscription.who.topic.clone());
                websocket.who = Some(Arc::new(subscription.who.clone()));
            }
            if let Some(who) = &websocket.who {
                self.findings.held(who, ids::SUBSCRIBE_CONNECTS);
            }
        }
        self.connections.insert(connection, websocket);
    }

    /// The WebSocket, also where its opening was not seen.
    pub(super) fn connection(&mut self, connection: u64) -> &mut Connection {
        self.connections
            .entry(connection)
            .or_insert_with(Connection::unseen)
    }

    pub(super) fn closed(&mut self, connection: u64, by: Option<Side>, code: Option<u16>, spot: Spot) {
        if by == Some(Side::Hub) {
            self.nearly_overdue(connection);
        }
        let who = self.listener(connection);
        let Some(websocket) = self.connections.get_mut(&connection) else {
            return;
        };
        websocket.closed = true;
        let silent = websocket.notified.is_empty();
        websocket.release();
        let (subscription, denied, confirmed) =
            (websocket.subscription, websocket.denied, websocket.confirmed);
        let (other_case, rejected) = (websocket.other_case, websocket.rejected);
        self.ask_in(CLOSED, Question::ForgetConnection { connection });
        let Some(subscription) = subscription else { return };
        let Some(state) = self.subscriptions.get(&subscription).cloned() else {
            return;
        };
        if denied.is_some() && state.unsubscribe.is_none() {
            // Whatever was said after the denial has been told already.
            self.held(&who, ids::DENIAL_HEEDED);
        }
        self.ask_in(REMEMBERED, Question::ForgetSubscription { subscription });
        let place = || vec![Place::at(spot.sequence)];
        let unexpected =
            by != Some(Side::Hub) && state.unsubscribe.is_none() && denied.is_none() && !state.replaced;
        if unexpected && other_case && silent && self.is_at_once(confirmed) {
            let breach = Breach::new(
                "the WebSocket was closed as soon as a confirmation came that writes the events in another case; event \
                 names are compared without regard to case",
                confirmed.iter().map(|at| Place::at(at.sequence)).chain(place()).collect(),
            )
            .softened(Unmet::Warn);
            self.broken(&who, ids::SUBSCRIBE_EVENTS_CASE, breach);
        }
        if unexpected && self.is_at_once(rejected) {
            let breach = Breach::new(
                "the WebSocket was closed as soon as the hub rejected a requested change; keep it open and go on",
                rejected
                    .iter()
                    .map(|at| Place::at(at.sequence))
                    .chain(place())
                    .collect(),
            );
            self.broken(&who, ids::PUBLISH_REJECTION_HANDLED, breach);
        }
        match by {
            Some(Side::Hub) => {}
            None if unexpected => {
                let lost = Question::SubscribesAgain {
                    subscription,
                    lost: spot,
                };
                self.ask_in(COMES_BACK, lost);
            }
            None => {}
            Some(Side::Subscriber) if denied.is_some() && state.unsubscribe.is_none() => {}
            // One that was never confirmed may be given up in any way.
            Some(Side::Subscriber) if state.replaced || confirmed.is_none() => {}
            Some(Side::Subscriber) => {
                let normal = matches!(code, None | Some(NORMAL | GOING_AWAY));
                if let Some(unsubscribe) = state.unsubscribe {
                    self.judge(&who, ids::UNSUBSCRIBE_ON_SHUTDOWN, None);
                    self.judge_close_code(&who, code, &[unsubscribe, spot]);
                } else if normal {
                    self.judge_close_code(&who, code, &[spot]);
                    let shutdown = Question::Unsubscribes {
                        subscription,
                        closed: spot,
                    };
                    self.ask_in(AT_THE_SAME_TIME, shutdown);
                }
            }
        }
    }

    fn is_at_once(&self, spot: Option<Spot>) -> bool {
        spot.is_some_and(|spot| self.now.saturating_sub(spot.at) <= AT_ONCE)
    }

    fn judge_close_code(&mut self, who: &super::Subscriber, code: Option<u16>, spots: &[Spot]) {
        let places = spots.iter().map(|spot| Place::at(spot.sequence)).collect();
        let breach = match code {
            Some(NORMAL) => None,
            Some(GOING_AWAY) => Some(
                Breach::new(
                    "the WebSocket was closed with the code 1001; 1000 is expected",
                    places,
                )
                .softened(Unmet::Note),
            ),
            Some(code) => Some(
                Breach::new(
                    format!("the WebSocket was closed with the code {code} on shutting down; expected 1000"),
                    places,
                )
                .expecting("1000")
                .observing(code.to_string()),
            ),
            None => Some(
                Breach::new(
                    "the WebSocket was closed without a code on shutting down; expected 1000",
                    places,
                )
                .expecting("1000")
                .observing("no code"),
            ),
        };
        self.judge(who, ids::UNSUBSCRIBE_CLOSE_CODE, breach);
    }

    pub(super) fn did_not_unsubscribe(&mut self, subscription: usize, closed: Spot) {
        let Some(known) = self.subscriptions.get(&subscription) else {
            return;
        };
        let (who, unsubscribed, replaced) = (known.who.clone(), known.unsubscribe.is_some(), known.replaced);
        let requested = known.requested;
        if !unsubscribed {
            self.judge_changing_over(&who, subscription, closed);
        }
        if replaced || self.came_back(subscription) {
            return;
        }
        let breach = (!unsubscribed).then(|| {
            Breach::new(
                "the WebSocket was closed, and the subscription was not ended; send an unsubscribe request before \
                 closing it",
                vec![Place::at(requested.sequence), Place::at(closed.sequence)],
            )
        });
        self.judge(&who, ids::UNSUBSCRIBE_ON_SHUTDOWN, breach);
    }

    /// A subscriber that changes to a new WebSocket and leaves the one before unused has renewed without naming it. Whoever
    /// closes one of two WebSockets at some other time may have meant to have both.
    fn judge_changing_over(&mut self, who: &super::Subscriber, subscription: usize, closed: Spot) {
        let Some(left) = self.subscriptions.get(&subscription) else {
            return;
        };
        let left_requested = left.requested.sequence;
        let took_its_place = self.connections.values().find_map(|websocket| {
            let other = self.subscriptions.get(&websocket.subscription?)?;
            let confirmed = websocket.confirmed?;
            let after = other.requested.sequence > left_requested && confirmed.sequence < closed.sequence;
            let at_once = closed.at.saturating_sub(confirmed.at) <= AT_ONCE;
            let usable = other.webhook.is_none() && other.ended.is_none() && !websocket.closed;
            (other.who == *who && after && at_once && usable).then_some(other.requested)
        });
        if let Some(renewed) = took_its_place {
            let breach = Breach::new(
                "a new subscription took the place of one whose WebSocket was then left; name its URL in \
                 hub.channel.endpoint to renew or change it",
                vec![
                    Place::at(left_requested),
                    Place::at(renewed.sequence),
                    Place::at(closed.sequence),
                ],
            );
            // What was meant is known by what was done only.
            self.broken(
                who,
                ids::SUBSCRIBE_ENDPOINT_ON_RENEWAL,
                breach.softened(Unmet::Warn),
            );
        }
    }

    /// A later subscription of the same subscriber.
    fn came_back(&self, subscription: usize) -> bool {
        let Some(subscription) = self.subscriptions.get(&subscription) else {
            return false;
        };
        self.subscriptions.values().any(|other| {
            other.who == subscription.who && other.requested.sequence > subscription.requested.sequence
        })
    }

    pub(super) fn did_not_subscribe_again(&mut self, subscription: usize, lost: Spot) {
        let Some(subscription) = self.subscriptions.get(&subscription) else {
            return;
        };
        let who = subscription.who.clone();
        let again = self
            .subscriptions
            .values()
            .any(|other| other.who.topic == who.topic && other.requested.sequence > lost.sequence);
        let breach = (!again).then(|| {
            Breach::new(
                format!(
                    "the connection broke, and nobody subscribed to the topic again within {} s",
                    COMES_BACK.as_secs()
                ),
                vec![Place::at(lost.sequence)],
            )
            // Whether the application was stopped the hard way cannot be told.
            .softened(Unmet::Note)
        });
        self.judge(&who, ids::SUBSCRIBE_AFTER_LOSS, breach);
    }
}
