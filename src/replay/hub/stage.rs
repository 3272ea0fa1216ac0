//! What the applications do this time, held against what they did in the capture. No sockets here.

use serde_json::Value;

use super::super::difference::Difference;
use super::super::mapping::Mapping;
use super::parts::{Parts, events};

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
    pub(super) fn subscribe(&mut self, name: Option<&str>, topic: &str, list: &str) -> Option<usize> {
        let wanted = events(list);
        let free = |stage: &Self, position: usize| !stage.taken[position];
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

    /// The context of a publication, where an application has made it this time.
    pub(super) fn context(&self, publication: usize) -> Option<&Value> {
        self.contexts.get(publication)?.as_ref()
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
            let who = own
                .name
                .clone()
                .unwrap_or_else(|| format!("subscriber {}", part + 1));
            self.differs(
                format!("{who} answers {id}"),
                captured.unwrap_or_else(|| "not at all".to_owned()),
                status,
            );
        }
    }

    /// An application did not answer in time what was answered in the capture.
    pub(super) fn silent(&mut self, part: usize, count: usize, came: usize) {
        let own = &self.parts.parts[part];
        let who = own
            .name
            .clone()
            .unwrap_or_else(|| format!("subscriber {}", part + 1));
        self.differs(
            format!("frames of {who}"),
            format!("{count} by then"),
            format!("{came}"),
        );
    }

    /// Whether every part that there is has been played to its end.
    pub(super) fn is_over(&self) -> bool {
        let active = self
            .parts
            .parts
            .iter()
            .filter(|own| own.endpoint.is_some())
            .count();
        self.ended >= active
    }
}
