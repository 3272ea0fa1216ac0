//! What the applications do this time, held against what they did in the capture. No sockets here.

use std::collections::BTreeMap;

use serde_json::Value;

use super::super::difference::Difference;
use super::super::mapping::Mapping;
use super::parts::{Parts, events};
use crate::protocol::Timestamp;

/// The hub's side of a capture, while it is played.
#[derive(Debug)]
pub(super) struct Stage {
    pub(super) parts: Parts,
    /// The parts that an application has taken.
    taken: Vec<bool>,
    /// The publications that have been made.
    published: Vec<bool>,
    /// The contexts of those that an application has made this time.
    contexts: Vec<Option<Value>>,
    pub(super) mapping: Mapping,
    pub(super) differences: Vec<Difference>,
    /// How many parts are over.
    pub(super) ended: usize,
    /// How many calls the callback of each part has answered, or failed to answer in time.
    calls: BTreeMap<usize, usize>,
    /// The callbacks of this time, without their queries: whose they are, and how many requests named them.
    callbacks: BTreeMap<String, (usize, usize)>,
}

impl Stage {
    pub(super) fn new(parts: Parts) -> Self {
        Self {
            taken: vec![false; parts.parts.len()],
            published: vec![false; parts.publications.len()],
            contexts: vec![None; parts.publications.len()],
            parts,
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

    /// The part of who subscribes like this: by its name, else by its events, else the first that is left.
    pub(super) fn subscribe(
        &mut self,
        name: Option<&str>,
        topic: &str,
        list: &str,
        calls: bool,
    ) -> Option<usize> {
        let wanted = events(list);
        let free = |stage: &Self, position: usize| {
            !stage.taken[position] && stage.parts.parts[position].called.is_some() == calls
        };
        let all = 0..self.parts.parts.len();
        let by = |fits: &dyn Fn(usize) -> bool| all.clone().find(|own| free(self, *own) && fits(*own));
        let found = by(&|own| name.is_some() && self.parts.parts[own].name.as_deref() == name)
            .or_else(|| by(&|own| self.parts.parts[own].events == wanted))
            .or_else(|| by(&|_| true));
        let Some(found) = found else {
            self.differs("subscribe", "no further subscription", format!("one to {list}"));
            return None;
        };
        self.taken[found] = true;
        let part = self.parts.parts[found].clone();
        self.mapping.insert(&part.topic, topic);
        if part.events != wanted {
            let listed = |events: &std::collections::BTreeSet<String>| {
                events.iter().cloned().collect::<Vec<_>>().join(",")
            };
            self.differs(
                "hub.events of the subscription",
                listed(&part.events),
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
        let (part, before) = match known {
            Some(known) => known,
            None => (subscription(self)?, 0),
        };
        self.callbacks.insert(bare, (part, before + 1));
        let called = self.parts.parts[part].called.as_ref()?;
        let (status, body) = match called.requests.get(before) {
            Some((_, status, body)) => (*status, body.clone()),
            None => (202, String::new()),
        };
        Some((part, known.is_none(), status, body))
    }

    /// How many requests have named the callback of this part.
    pub(super) fn requests(&self, part: usize) -> usize {
        let own = self.callbacks.values().find(|(own, _)| *own == part);
        own.map_or(0, |(_, requests)| *requests)
    }

    /// A call is over.
    pub(super) fn called(&mut self, part: usize) {
        *self.calls.entry(part).or_default() += 1;
    }

    /// Whether the parts that are here have been called so often.
    pub(super) fn were_called(&self, counts: &[(usize, usize)]) -> bool {
        let done = |part: usize| self.calls.get(&part).copied().unwrap_or(0);
        let here = |part: usize| self.taken.get(part).copied().unwrap_or(false);
        counts
            .iter()
            .all(|(part, count)| !here(*part) || done(*part) >= *count)
    }

    /// A callback answered a call.
    pub(super) fn answered_call(&mut self, part: usize, what: &str, captured: &str, now: &str) {
        if captured != now {
            let who = self.who(part);
            self.differs(format!("{who} answers {what}"), captured, now);
        }
    }

    /// A callback was not asked for in time.
    pub(super) fn never_asked(&mut self, part: usize, count: usize, came: usize) {
        let who = self.who(part);
        self.differs(
            format!("requests of {who}"),
            format!("{count} by then"),
            format!("{came}"),
        );
    }

    fn who(&self, part: usize) -> String {
        let name = self.parts.parts.get(part).and_then(|own| own.name.clone());
        name.unwrap_or_else(|| format!("subscriber {}", part + 1))
    }

    /// An application published: what the hub of the capture answered.
    pub(super) fn publish(&mut self, message: &Value) -> u16 {
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
            .parts
            .publications
            .iter()
            .enumerate()
            .position(|(own, publication)| {
                !self.published[own] && publication.event == event && publication.topic == topic
            });
        match found {
            Some(own) => {
                self.published[own] = true;
                self.contexts[own] = message.pointer("/event/context").cloned();
                let publication = self.parts.publications[own].clone();
                self.mapping.insert(&publication.id, &id);
                publication.status
            }
            None => {
                self.differs(
                    "publish",
                    "nothing more like it",
                    text("/event/hub.event").to_owned(),
                );
                ACCEPTED
            }
        }
    }

    /// Whether this publication of the capture has been made.
    pub(super) fn is_published(&self, publication: usize) -> bool {
        self.published.get(publication).copied().unwrap_or(true)
    }

    /// Whether this publication may be one of an application that is not here.
    pub(super) fn is_doubtful(&self, publication: usize) -> bool {
        let by = self.parts.publications.get(publication).map(|own| own.by);
        let absent = |part: usize| self.parts.parts[part].is_active() && !self.taken[part];
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
        let context = publication.and_then(|own| self.context(own));
        if let (Some(context), Some(own)) = (context, message.pointer_mut("/event/context")) {
            own.clone_from(context);
        }
        message.to_string()
    }

    /// An application did not publish in time what it did in the capture.
    pub(super) fn unpublished(&mut self, publication: usize) {
        if let Some(own) = self.published.get_mut(publication) {
            *own = true;
        }
        let own = &self.parts.publications[publication];
        if own.by.is_none() {
            // Whoever published it may not be here.
            return;
        }
        let told = format!("{} {}", own.event, own.id);
        self.differs("publish", told, "nothing");
    }

    /// An application answered a notification of its part.
    pub(super) fn answered(&mut self, part: usize, id: &str, status: &str) {
        let id = self.mapping.back(id);
        let own = &self.parts.parts[part];
        let captured = own.answers.get(&id).cloned();
        if captured.as_deref() != Some(status) {
            let who = self.who(part);
            self.differs(
                format!("{who} answers {id}"),
                captured.unwrap_or_else(|| "not at all".to_owned()),
                status,
            );
        }
    }

    /// An application did not answer in time what was answered in the capture.
    pub(super) fn silent(&mut self, part: usize, count: usize, came: usize) {
        let who = self.who(part);
        self.differs(
            format!("frames of {who}"),
            format!("{count} by then"),
            format!("{came}"),
        );
    }

    /// Whether every part that there is has been played to its end.
    pub(super) fn is_over(&self) -> bool {
        let active = self.parts.parts.iter().filter(|own| own.is_active()).count();
        self.ended >= active
    }
}
