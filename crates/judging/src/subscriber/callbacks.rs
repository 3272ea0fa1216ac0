//! Whose callback the hub calls, and for what: intent verifications, notifications and denials (STU1 and STU2).

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use serde_json::Value;

use super::event::Event;
use super::exchange::Observed;
use super::findings::Subscriber;
use super::frames::events_of;
use super::judge::Judge;
use super::state::{Connection, Ended, Spot};
use super::verifications::Verification;
use super::webhooks::path_of;
use crate::protocol::CallMessage;

/// What tells the number of a callback from that of a WebSocket.
pub(super) const CALLBACK: u64 = 1 << 63;
/// How many callbacks that were ever asked for are remembered.
const ASKED_FOR: usize = 20_000;
/// How many calls may wait for their answers.
const WAITING: usize = 10_000;

/// Whether the number is that of a callback.
pub(super) fn is_callback(connection: u64) -> bool {
    connection & CALLBACK != 0
}

/// The callbacks of all webhooks.
#[derive(Debug, Default)]
pub(super) struct Callbacks {
    /// Subscriptions by the URL of their callback, without its query.
    pub(super) by_path: HashMap<String, Vec<usize>>,
    /// Callbacks without their query, and the topics that they were asked for with.
    asked_for: HashSet<(String, String)>,
    /// Some that were asked for are forgotten, so that an unknown one proves nothing.
    forgetful: bool,
    /// The numbers of callbacks of which no subscription was seen.
    strangers: HashMap<String, u64>,
    pub(super) calls: HashMap<u64, Call>,
    counter: u64,
}

impl Callbacks {
    pub(super) fn number(&mut self) -> u64 {
        self.counter += 1;
        CALLBACK | self.counter
    }

    pub(super) fn ask_for(&mut self, callback: &str, topic: &str) {
        if self.asked_for.len() >= ASKED_FOR {
            self.asked_for.clear();
            self.forgetful = true;
        }
        self.asked_for
            .insert((path_of(callback).to_owned(), topic.to_owned()));
    }
}

/// A call that waits for its answer.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) who: Arc<Subscriber>,
    pub(super) connection: u64,
    pub(super) about: About,
    pub(super) spot: Spot,
}

/// What a callback is called for.
#[derive(Debug)]
pub(super) enum About {
    Verification(Box<Verification>),
    Denial { subscription: Option<usize> },
    Notification { id: Option<String> },
}

impl Judge {
    /// The subscription that a call belongs to, and whether it is of the topic that the call names.
    fn subscription_of_call(&self, url: &str, topic: Option<&str>) -> Option<(usize, bool)> {
        let of_path = self.callbacks.by_path.get(path_of(url))?;
        let rank = |at: &usize| {
            let subscription = self.subscriptions.get(at)?;
            let callback = &subscription.webhook.as_ref()?.callback;
            let of_topic = topic == Some(subscription.who.topic.as_str());
            // A hub may drop the callback's own query, or put it elsewhere.
            Some((
                of_topic,
                url.starts_with(callback.as_str()),
                subscription.ended.is_none(),
                *at,
            ))
        };
        let (of_topic, _, _, at) = of_path.iter().filter_map(rank).max()?;
        Some((at, of_topic))
    }

    /// Who is called at this URL, as the record names it.
    pub(super) fn called_by_url(&self, url: &str) -> String {
        let subscription = self
            .subscription_of_call(url, None)
            .and_then(|(at, _)| self.subscriptions.get(&at));
        subscription.map_or_else(|| "a callback".to_owned(), |known| known.who.name.clone())
    }

    /// Who was called, as the record names it.
    pub(super) fn called_by_id(&self, id: u64) -> String {
        let call = self.callbacks.calls.get(&id);
        call.map_or_else(|| "a callback".to_owned(), |call| call.who.name.clone())
    }

    /// The place of the call that this answers.
    pub(super) fn call_answered_by(&self, observed: &Observed) -> usize {
        match observed {
            Observed::CallAnswered { id, .. } => {
                let call = self.callbacks.calls.get(id);
                call.map_or(0, |call| call.spot.sequence)
            }
            _ => 0,
        }
    }

    /// The number of a callback, also where no subscription for it was seen.
    fn callback(&mut self, url: &str, subscription: Option<usize>, topic: &str) -> u64 {
        let known = subscription
            .and_then(|at| self.subscriptions.get(&at)?.webhook.as_ref())
            .map(|webhook| webhook.connection);
        if let Some(known) = known {
            return known;
        }
        let path = path_of(url).to_owned();
        if let Some(stranger) = self.callbacks.strangers.get(&path) {
            return *stranger;
        }
        if self.callbacks.strangers.len() >= WAITING {
            self.callbacks.strangers.clear();
        }
        let number = self.callbacks.number();
        self.callbacks.strangers.insert(path, number);
        let mut connection = Connection::unseen();
        connection.topic = Some(topic.to_owned());
        self.connections.insert(number, connection);
        number
    }

    /// The hub calls a callback.
    pub(super) fn called(&mut self, id: u64, url: &str, body: &[u8], spot: Spot) {
        let query = url.split_once('?').map_or("", |(_, query)| query);
        let text = String::from_utf8_lossy(body);
        let call = CallMessage::of(query, &text);
        let Some(message) = call.json.clone() else { return };
        let topic = message
            .get("hub.topic")
            .or_else(|| message.pointer("/event/hub.topic"))
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned();
        let found = self.subscription_of_call(url, Some(&topic));
        let subscription = found.map(|(at, _)| at);
        let connection = self.callback(url, subscription, &topic);
        let who = self.listener(connection);
        let mode = message.get("hub.mode").and_then(Value::as_str);
        let about = match mode {
            Some("denied") => {
                self.webhook_denied(subscription, connection, &message, spot);
                About::Denial { subscription }
            }
            Some(mode @ ("subscribe" | "unsubscribe")) if call.is_control => {
                let of_topic = found.filter(|(_, of_topic)| *of_topic).map(|(at, _)| at);
                let wish = self.wish(mode == "unsubscribe", of_topic, url, &topic);
                About::Verification(Box::new(Verification {
                    wish,
                    subscription: of_topic,
                    challenge: call.challenge.clone(),
                    granted: events_of(&message),
                }))
            }
            _ if call.is_control => return,
            _ => {
                let Some(event) = Event::read(&message) else {
                    return;
                };
                let message = self.hear(&event, text.len(), spot);
                self.notified(connection, &message, spot);
                About::Notification { id: event.id }
            }
        };
        if self.callbacks.calls.len() >= WAITING {
            self.callbacks.calls.clear();
        }
        self.callbacks.calls.insert(
            id,
            Call {
                who,
                connection,
                about,
                spot,
            },
        );
    }

    /// Whether this callback was asked for with this topic; `None` where that cannot be known.
    pub(super) fn was_asked_for(&self, url: &str, topic: &str) -> Option<bool> {
        let path = path_of(url).to_owned();
        if self.callbacks.asked_for.contains(&(path, topic.to_owned())) {
            return Some(true);
        }
        let certain = self.settings.complete && !self.callbacks.forgetful;
        // Whoever is seen to ask for it in another topic is there from the beginning.
        (certain || self.callbacks.by_path.contains_key(path_of(url))).then_some(false)
    }

    fn webhook_denied(&mut self, subscription: Option<usize>, connection: u64, message: &Value, spot: Spot) {
        let denied = events_of(message);
        let whole = self.connections.get(&connection).is_none_or(|connection| {
            let mut granted = connection.granted.iter();
            granted.all(|name| denied.iter().any(|event| event.eq_ignore_ascii_case(name)))
        });
        if let Some(at) = subscription.filter(|_| whole) {
            self.end_webhook(at, Ended::Denied, spot);
        }
    }
}
