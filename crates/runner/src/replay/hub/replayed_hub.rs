//! The state of a hub that is replayed: what the applications have done so far, compared with the capture. No sockets here.

use std::collections::BTreeMap;

use serde_json::Value;

use super::super::difference::Difference;
use super::super::mapping::Mapping;
use super::recorded_hub::{RecordedHub, events};
use crate::protocol::Timestamp;

/// The hub's side of a capture, while it is played.
#[derive(Debug)]
pub(super) struct ReplayedHub {
    pub(super) recorded: RecordedHub,
    /// Whether an application has been matched to each recorded subscriber.
    taken: Vec<bool>,
    /// The publications that have been made.
    published: Vec<bool>,
    /// The contexts of those that an application has made this time.
    contexts: Vec<Option<Value>>,
    pub(super) mapping: Mapping,
    pub(super) differences: Vec<Difference>,
    /// The number of recorded subscribers that have been played to their end.
    pub(super) ended: usize,
    /// The number of calls that the callback of each subscriber has answered, or failed to answer in time.
    calls: BTreeMap<usize, usize>,
    /// The callbacks of this time, without their queries: whose they are, and how many requests named them.
    callbacks: BTreeMap<String, (usize, usize)>,
}

impl ReplayedHub {
    pub(super) fn new(recorded: RecordedHub) -> Self {
        Self {
            taken: vec![false; recorded.subscribers.len()],
            published: vec![false; recorded.publications.len()],
            contexts: vec![None; recorded.publications.len()],
            recorded,
            mapping: Mapping::default(),
            differences: Vec::new(),
            ended: 0,
            calls: BTreeMap::new(),
            callbacks: BTreeMap::new(),
        }
    }

    fn differs(&mut self, place: impl Into<String>, captured: impl Into<String>, now: impl Into<String>) {
        self.differences.push(Difference {
            place: place.into(),
            captured: captured.into(),
            now: now.into(),
        });
    }

    /// The recorded subscriber that matches an application: by its name, else by its events, else the first that is left.
    pub(super) fn subscribe(
        &mut self,
        name: Option<&str>,
        topic: &str,
        list: &str,
        calls: bool,
    ) -> Option<usize> {
        let wanted = events(list);
        let free = |hub: &Self, position: usize| {
            !hub.taken[position] && hub.recorded.subscribers[position].callback.is_some() == calls
        };
        let all = 0..self.recorded.subscribers.len();
        let by = |fits: &dyn Fn(usize) -> bool| {
            all.clone()
                .find(|position| free(self, *position) && fits(*position))
        };
        let found =
            by(&|position| name.is_some() && self.recorded.subscribers[position].name.as_deref() == name)
                .or_else(|| by(&|position| self.recorded.subscribers[position].events == wanted))
                .or_else(|| by(&|_| true));
        let Some(found) = found else {
            self.differs("subscribe", "no further subscription", format!("one to {list}"));
            return None;
        };
        self.taken[found] = true;
        let subscriber = self.recorded.subscribers[found].clone();
        self.mapping.insert(&subscriber.topic, topic);
        if subscriber.events != wanted {
            let listed = |events: &std::collections::BTreeSet<String>| {
                events.iter().cloned().collect::<Vec<_>>().join(",")
            };
            self.differs(
                "hub.events of the subscription",
                listed(&subscriber.events),
                listed(&wanted),
            );
        }
        Some(found)
    }

    /// A request names a callback: whose it is, whether that is new, and what the hub of the capture answered.
    pub(super) fn ask_for_calls(
        &mut self,
        callback: &str,
        subscription: impl FnOnce(&mut Self) -> Option<usize>,
    ) -> Option<(usize, bool, u16, String)> {
        let bare = callback.split('?').next().unwrap_or(callback).to_owned();
        let known = self.callbacks.get(&bare).copied();
        let (subscriber, before) = match known {
            Some(known) => known,
            None => (subscription(self)?, 0),
        };
        self.callbacks.insert(bare, (subscriber, before + 1));
        let callback = self.recorded.subscribers[subscriber].callback.as_ref()?;
        let (status, body) = match callback.requests.get(before) {
            Some(request) => (request.status, request.body.clone()),
            None => (202, String::new()),
        };
        Some((subscriber, known.is_none(), status, body))
    }

    /// How many requests have named the callback of this subscriber.
    pub(super) fn requests(&self, subscriber: usize) -> usize {
        let known = self.callbacks.values().find(|(owner, _)| *owner == subscriber);
        known.map_or(0, |(_, requests)| *requests)
    }

    /// A call is over.
    pub(super) fn called(&mut self, subscriber: usize) {
        *self.calls.entry(subscriber).or_default() += 1;
    }

    /// Whether the subscribers that are here have been called so often.
    pub(super) fn were_called(&self, counts: &[(usize, usize)]) -> bool {
        let done = |subscriber: usize| self.calls.get(&subscriber).copied().unwrap_or(0);
        let here = |subscriber: usize| self.taken.get(subscriber).copied().unwrap_or(false);
        counts
            .iter()
            .all(|(subscriber, count)| !here(*subscriber) || done(*subscriber) >= *count)
    }

    /// A callback answered a call.
    pub(super) fn answered_call(&mut self, subscriber: usize, what: &str, captured: &str, now: &str) {
        if captured != now {
            let who = self.who(subscriber);
            self.differs(format!("{who} answers {what}"), captured, now);
        }
    }

    /// A callback was not asked for in time.
    pub(super) fn never_asked(&mut self, subscriber: usize, count: usize, came: usize) {
        let who = self.who(subscriber);
        self.differs(
            format!("requests of {who}"),
            format!("{count} by then"),
            format!("{came}"),
        );
    }

    fn who(&self, subscriber: usize) -> String {
        let name = self
            .recorded
            .subscribers
            .get(subscriber)
            .and_then(|recorded| recorded.name.clone());
        name.unwrap_or_else(|| format!("subscriber {}", subscriber + 1))
    }

    /// A request names the endpoint of a subscriber: the refusal of the hub of the capture, where it refused.
    pub(super) fn refusal_at_endpoint(
        &mut self,
        mode: &str,
        subscriber: Option<usize>,
    ) -> Option<(u16, String)> {
        let requests = &mut self.recorded.at_endpoints;
        let found = requests.iter().position(|request| {
            request.mode == mode && (request.subscriber.is_none() || request.subscriber == subscriber)
        })?;
        requests.remove(found).refused
    }

    /// An application published: status and body of what the hub of the capture answered.
    pub(super) fn publish(&mut self, message: &Value) -> (u16, String) {
        const ACCEPTED: u16 = 202;
        let text = |pointer: &str| {
            message
                .pointer(pointer)
                .and_then(Value::as_str)
                .unwrap_or_default()
        };
        let (event, id) = (text("/event/hub.event").to_lowercase(), text("/id").to_owned());
        let topic = self.mapping.back(text("/event/hub.topic"));
        let found = self
            .recorded
            .publications
            .iter()
            .enumerate()
            .position(|(position, publication)| {
                !self.published[position] && publication.event == event && publication.topic == topic
            });
        match found {
            Some(position) => {
                self.published[position] = true;
                self.contexts[position] = message.pointer("/event/context").cloned();
                let publication = self.recorded.publications[position].clone();
                self.mapping.insert(&publication.id, &id);
                (publication.status, publication.body)
            }
            None => {
                self.differs(
                    "publish",
                    "nothing more like it",
                    text("/event/hub.event").to_owned(),
                );
                (ACCEPTED, String::new())
            }
        }
    }

    /// Whether this publication of the capture has been made.
    pub(super) fn is_published(&self, publication: usize) -> bool {
        self.published.get(publication).copied().unwrap_or(true)
    }

    /// Whether this publication may be one of an application that is not here.
    pub(super) fn is_doubtful(&self, publication: usize) -> bool {
        let by = self
            .recorded
            .publications
            .get(publication)
            .map(|recorded| recorded.by);
        let absent =
            |subscriber: usize| self.recorded.subscribers[subscriber].is_active() && !self.taken[subscriber];
        by == Some(None) && (0..self.taken.len()).any(absent)
    }

    /// The context of a publication, where an application has made it this time.
    fn context(&self, publication: usize) -> Option<&Value> {
        self.contexts.get(publication)?.as_ref()
    }

    /// A message of the capture as it is now: a copy of a publication carries what was published this time.
    pub(super) fn now(&self, text: &str, publication: Option<usize>) -> String {
        let timestamp = Timestamp::from_instant(jiff::Timestamp::now());
        let Ok(message) = serde_json::from_str::<Value>(text) else {
            return self.mapping.forth(text);
        };
        let mut message = self.mapping.message(&message, Some(timestamp.as_str()));
        let context = publication.and_then(|position| self.context(position));
        if let (Some(context), Some(captured)) = (context, message.pointer_mut("/event/context")) {
            captured.clone_from(context);
        }
        message.to_string()
    }

    /// An application did not publish in time what it did in the capture.
    pub(super) fn unpublished(&mut self, publication: usize) {
        if let Some(published) = self.published.get_mut(publication) {
            *published = true;
        }
        let recorded = &self.recorded.publications[publication];
        if recorded.by.is_none() {
            // Whoever published it may not be here.
            return;
        }
        let told = format!("{} {}", recorded.event, recorded.id);
        self.differs("publish", told, "nothing");
    }

    /// An application answered a notification.
    pub(super) fn answered(&mut self, subscriber: usize, id: &str, status: &str) {
        let id = self.mapping.back(id);
        let recorded = &self.recorded.subscribers[subscriber];
        let captured = recorded.answers.get(&id).cloned();
        if captured.as_deref() != Some(status) {
            let who = self.who(subscriber);
            self.differs(
                format!("{who} answers {id}"),
                captured.unwrap_or_else(|| "not at all".to_owned()),
                status,
            );
        }
    }

    /// An application did not answer in time what was answered in the capture.
    pub(super) fn silent(&mut self, subscriber: usize, count: usize, came: usize) {
        let who = self.who(subscriber);
        self.differs(
            format!("frames of {who}"),
            format!("{count} by then"),
            format!("{came}"),
        );
    }

    /// Whether every subscriber that there is has been played to its end.
    pub(super) fn is_over(&self) -> bool {
        let active = self
            .recorded
            .subscribers
            .iter()
            .filter(|subscriber| subscriber.is_active())
            .count();
        self.ended >= active
    }
}
