//! What the heart must do, in terms of ids alone.

use std::collections::{BTreeMap, BTreeSet};

use super::Event;

const ACK_TIMEOUT: u64 = 10;

/// A message as the model knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Seen {
    Confirmation(BTreeSet<String>),
    Denial,
    /// A published event, by its id.
    Event(String),
    /// An open event that the hub derived for this patient.
    Derived(String),
    /// A SyncError of the hub's about this event; empty where it is about none.
    SyncError(String),
}

#[derive(Debug, Clone)]
pub(super) struct Delivery {
    pub(super) about: String,
    pub(super) owes: bool,
    pub(super) until: u64,
}

#[derive(Debug, Default)]
pub(super) struct Model {
    pub(super) now: u64,
    pub(super) subscribers: BTreeMap<usize, Own>,
    /// (type, id, event, patient of an encounter), oldest first.
    pub(super) open: Vec<(&'static str, String, String, Option<String>)>,
    pub(super) last: String,
    pub(super) expected: BTreeMap<usize, Vec<Seen>>,
    pub(super) closed: BTreeSet<usize>,
}

#[derive(Debug)]
pub(super) struct Own {
    pub(super) granted: BTreeSet<&'static str>,
    pub(super) lease: u64,
    pub(super) connected: bool,
    pub(super) until: u64,
    /// By number of delivery.
    pub(super) unanswered: BTreeMap<usize, Delivery>,
    pub(super) deliveries: usize,
    pub(super) last: Option<String>,
    pub(super) in_context: BTreeMap<&'static str, String>,
}

impl Model {
    pub(super) fn expect(&mut self, at: usize, seen: Seen) {
        self.expected.entry(at).or_default().push(seen);
    }

    pub(super) fn deliver(&mut self, at: usize, seen: Seen, about: &str, owes: bool) {
        let until = self.now + ACK_TIMEOUT;
        let subscriber = self.subscribers.get_mut(&at).unwrap();
        let about = about.to_owned();
        subscriber.last = Some(about.clone());
        subscriber
            .unanswered
            .insert(subscriber.deliveries, Delivery { about, owes, until });
        subscriber.deliveries += 1;
        self.expect(at, seen);
    }

    pub(super) fn confirm(&mut self, at: usize) {
        let now = self.now;
        let subscriber = self.subscribers.get_mut(&at).unwrap();
        subscriber.until = now + subscriber.lease;
        let granted = subscriber.granted.iter().map(|name| (*name).to_owned()).collect();
        self.expect(at, Seen::Confirmation(granted));
    }

    pub(super) fn replay(&mut self, at: usize, before: &BTreeSet<&'static str>) {
        let granted = self.subscribers[&at].granted.clone();
        let mut replayed: Vec<(&str, &str, String, Seen, String)> = Vec::new();
        for kind in ["Patient", "Encounter"] {
            let Some((_, id, event, _)) = self.open.iter().rfind(|open| open.0 == kind) else {
                continue;
            };
            let name = if kind == "Patient" {
                "Patient-open"
            } else {
                "Encounter-open"
            };
            if granted.contains(name) {
                replayed.push((kind, name, id.clone(), Seen::Event(event.clone()), event.clone()));
            }
        }
        let rank = |event: &str| self.open.iter().position(|open| open.2 == event);
        if granted.contains("Patient-open")
            && !granted.contains("Encounter-open")
            && let Some((_, _, event, Some(of))) = self.open.iter().rfind(|open| open.0 == "Encounter")
        {
            let before = replayed.iter().position(|seen| seen.0 == "Patient");
            let same = before.is_some_and(|at| replayed[at].2 == *of);
            let older = before.is_none_or(|at| rank(&replayed[at].4) < rank(event));
            if !same && older {
                replayed.retain(|seen| seen.0 != "Patient");
                let seen = Seen::Derived(of.clone());
                replayed.push(("Patient", "Patient-open", of.clone(), seen, event.clone()));
            }
        }
        replayed.sort_by_key(|seen| rank(&seen.4));
        for (kind, name, id, seen, event) in replayed {
            let kind = if kind == "Patient" { "Patient" } else { "Encounter" };
            let known = self.subscribers[&at].in_context.get(kind) == Some(&id);
            if !before.contains(name) && !known {
                self.deliver(at, seen, &event, true);
                self.subscribers.get_mut(&at).unwrap().in_context.insert(kind, id);
            }
        }
    }

    pub(super) fn publish(&mut self, event: Event, id: &str) {
        let derived = match event {
            Event::PatientOpen(number) => {
                self.opened("Patient", format!("p{number}"), id, None);
                None
            }
            Event::EncounterOpen(number, of) => {
                self.opened("Encounter", format!("e{number}"), id, Some(format!("p{of}")));
                Some(format!("p{of}"))
            }
            Event::PatientClose(number) => {
                let closed = format!("p{number}");
                self.open.retain(|open| open.1 != closed);
                for open in &mut self.open {
                    if open.3.as_ref() == Some(&closed) {
                        open.3 = None;
                    }
                }
                None
            }
            Event::EncounterClose(number) => {
                self.open.retain(|open| open.1 != format!("e{number}"));
                None
            }
            Event::Logout | Event::SyncError => None,
        };
        for at in self.connected() {
            let subscriber = &self.subscribers[&at];
            if subscriber.granted.contains(event.name()) {
                let owes = event.name() != "SyncError";
                self.deliver(at, Seen::Event(id.to_owned()), id, owes);
                let context = &mut self.subscribers.get_mut(&at).unwrap().in_context;
                match event {
                    Event::PatientOpen(number) => {
                        context.insert("Patient", format!("p{number}"));
                    }
                    Event::EncounterOpen(number, _) => {
                        context.insert("Encounter", format!("e{number}"));
                    }
                    Event::PatientClose(number) => context.retain(|_, id| *id != format!("p{number}")),
                    Event::EncounterClose(number) => context.retain(|_, id| *id != format!("e{number}")),
                    Event::Logout | Event::SyncError => {}
                }
            } else if let Some(of) = &derived
                && subscriber.granted.contains("Patient-open")
                && subscriber.in_context.get("Patient") != Some(of)
            {
                self.deliver(at, Seen::Derived(of.clone()), id, true);
                let subscriber = self.subscribers.get_mut(&at).unwrap();
                subscriber.in_context.insert("Patient", of.clone());
            }
        }
        self.last = id.to_owned();
    }

    pub(super) fn opened(&mut self, kind: &'static str, id: String, event: &str, patient: Option<String>) {
        self.open.retain(|open| open.1 != id);
        self.open.push((kind, id, event.to_owned(), patient));
    }

    pub(super) fn connected(&self) -> Vec<usize> {
        let connected = self
            .subscribers
            .iter()
            .filter(|(_, subscriber)| subscriber.connected);
        connected.map(|(at, _)| *at).collect()
    }

    pub(super) fn sync_error(&mut self, culprit: usize, about: &str) {
        for at in self.connected() {
            if at != culprit && self.subscribers[&at].granted.contains("SyncError") {
                self.deliver(at, Seen::SyncError(about.to_owned()), "", false);
                // A SyncError is itself an event that was sent last.
                self.subscribers.get_mut(&at).unwrap().last = Some("sync-error".to_owned());
            }
        }
    }

    pub(super) fn lost(&mut self, at: usize) {
        let subscriber = &self.subscribers[&at];
        let owed = subscriber.unanswered.values().find(|delivery| delivery.owes);
        let about = owed.map(|delivery| delivery.about.clone());
        let about = about.or(subscriber.last.clone()).unwrap_or(self.last.clone());
        self.sync_error(at, &about);
    }

    pub(super) fn answer(&mut self, at: usize, number: usize, status: u16) {
        let subscriber = self.subscribers.get_mut(&at).unwrap();
        if let Some(delivery) = subscriber.unanswered.remove(&number)
            && delivery.owes
            && !(200..300).contains(&status)
        {
            self.sync_error(at, &delivery.about);
        }
    }

    pub(super) fn end(&mut self, at: usize) {
        self.expect(at, Seen::Denial);
        self.closed.insert(at);
        self.subscribers.remove(&at);
    }

    pub(super) fn pass(&mut self, seconds: u64) {
        self.now += seconds;
        let now = self.now;
        let ended: Vec<_> = self
            .subscribers
            .iter()
            .filter(|(_, subscriber)| subscriber.until <= now)
            .map(|(at, _)| *at)
            .collect();
        for at in ended {
            if self.subscribers[&at].connected {
                self.end(at);
            } else {
                self.subscribers.remove(&at);
            }
        }
        let mut unresponsive = Vec::new();
        for (at, subscriber) in &mut self.subscribers {
            let late = subscriber
                .unanswered
                .values()
                .find(|delivery| delivery.until <= now && delivery.owes);
            unresponsive.extend(late.map(|delivery| (*at, delivery.about.clone())));
            subscriber.unanswered.retain(|_, delivery| delivery.until > now);
        }
        for (at, about) in unresponsive {
            self.sync_error(at, &about);
            self.end(at);
        }
    }
}
