//! Random sequences of everything that can happen, against a model that knows events by their ids alone: nothing is lost,
//! duplicated, reordered, leaked or delivered to those who did not subscribe.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use proptest::sample::Index;

use super::*;

const NAMES: [&str; 6] = [
    "Patient-open",
    "Patient-close",
    "Encounter-open",
    "Encounter-close",
    "UserLogout",
    "SyncError",
];
const ACK_TIMEOUT: u64 = 10;
const CONNECT_TIMEOUT: u64 = 60;

#[derive(Debug, Clone)]
enum Step {
    Subscribe(BTreeSet<&'static str>, u64),
    Connect(Index),
    Resubscribe(Index, BTreeSet<&'static str>),
    Unsubscribe(Index),
    Publish(Event),
    Answer(Index, Index, u16),
    Disconnect(Index, Closing),
    Overflow(Index),
    Babble(Index),
    Wait(u64),
}

#[derive(Debug, Clone, Copy)]
enum Event {
    PatientOpen(u8),
    PatientClose(u8),
    EncounterOpen(u8, u8),
    EncounterClose(u8),
    Logout,
    SyncError,
}

impl Event {
    fn name(self) -> &'static str {
        match self {
            Self::PatientOpen(_) => "Patient-open",
            Self::PatientClose(_) => "Patient-close",
            Self::EncounterOpen(..) => "Encounter-open",
            Self::EncounterClose(_) => "Encounter-close",
            Self::Logout => "UserLogout",
            Self::SyncError => "SyncError",
        }
    }

    fn message(self, id: &str) -> Value {
        let encounter = |encounter: u8| json!({"key": "encounter", "resource": {"resourceType": "Encounter", "id": format!("e{encounter}")}});
        let outcome = json!({"key": "operationoutcome", "resource": {"resourceType": "OperationOutcome"}});
        let context = match self {
            Self::PatientOpen(own) | Self::PatientClose(own) => json!([patient(&format!("p{own}"))]),
            Self::EncounterOpen(own, of) => json!([encounter(own), patient(&format!("p{of}"))]),
            Self::EncounterClose(own) => json!([encounter(own)]),
            Self::Logout => json!([]),
            Self::SyncError => json!([outcome]),
        };
        event(id, self.name(), context)
    }
}

/// A message as the model knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Seen {
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
struct Delivery {
    about: String,
    owes: bool,
    until: u64,
}

#[derive(Debug, Default)]
struct Model {
    now: u64,
    subscribers: BTreeMap<usize, Own>,
    /// (type, id, event, patient of an encounter), oldest first.
    open: Vec<(&'static str, String, String, Option<String>)>,
    last: String,
    expected: BTreeMap<usize, Vec<Seen>>,
    closed: BTreeSet<usize>,
}

#[derive(Debug)]
struct Own {
    granted: BTreeSet<&'static str>,
    lease: u64,
    connected: bool,
    until: u64,
    /// By number of delivery.
    unanswered: BTreeMap<usize, Delivery>,
    deliveries: usize,
    last: Option<String>,
    in_context: BTreeMap<&'static str, String>,
}

impl Model {
    fn expect(&mut self, at: usize, seen: Seen) {
        self.expected.entry(at).or_default().push(seen);
    }

    fn deliver(&mut self, at: usize, seen: Seen, about: &str, owes: bool) {
        let until = self.now + ACK_TIMEOUT;
        let own = self.subscribers.get_mut(&at).unwrap();
        let about = about.to_owned();
        own.last = Some(about.clone());
        own.unanswered
            .insert(own.deliveries, Delivery { about, owes, until });
        own.deliveries += 1;
        self.expect(at, seen);
    }

    fn confirm(&mut self, at: usize) {
        let now = self.now;
        let own = self.subscribers.get_mut(&at).unwrap();
        own.until = now + own.lease;
        let granted = own.granted.iter().map(|name| (*name).to_owned()).collect();
        self.expect(at, Seen::Confirmation(granted));
    }

    fn replay(&mut self, at: usize, before: &BTreeSet<&'static str>) {
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

    fn publish(&mut self, event: Event, id: &str) {
        let derived = match event {
            Event::PatientOpen(own) => {
                self.opened("Patient", format!("p{own}"), id, None);
                None
            }
            Event::EncounterOpen(own, of) => {
                self.opened("Encounter", format!("e{own}"), id, Some(format!("p{of}")));
                Some(format!("p{of}"))
            }
            Event::PatientClose(own) => {
                let own = format!("p{own}");
                self.open.retain(|open| open.1 != own);
                for open in &mut self.open {
                    if open.3.as_ref() == Some(&own) {
                        open.3 = None;
                    }
                }
                None
            }
            Event::EncounterClose(own) => {
                self.open.retain(|open| open.1 != format!("e{own}"));
                None
            }
            Event::Logout | Event::SyncError => None,
        };
        for at in self.connected() {
            let own = &self.subscribers[&at];
            if own.granted.contains(event.name()) {
                let owes = event.name() != "SyncError";
                self.deliver(at, Seen::Event(id.to_owned()), id, owes);
                let context = &mut self.subscribers.get_mut(&at).unwrap().in_context;
                match event {
                    Event::PatientOpen(own) => {
                        context.insert("Patient", format!("p{own}"));
                    }
                    Event::EncounterOpen(own, _) => {
                        context.insert("Encounter", format!("e{own}"));
                    }
                    Event::PatientClose(own) => context.retain(|_, id| *id != format!("p{own}")),
                    Event::EncounterClose(own) => context.retain(|_, id| *id != format!("e{own}")),
                    Event::Logout | Event::SyncError => {}
                }
            } else if let Some(of) = &derived
                && own.granted.contains("Patient-open")
                && own.in_context.get("Patient") != Some(of)
            {
                self.deliver(at, Seen::Derived(of.clone()), id, true);
                let own = self.subscribers.get_mut(&at).unwrap();
                own.in_context.insert("Patient", of.clone());
            }
        }
        self.last = id.to_owned();
    }

    fn opened(&mut self, kind: &'static str, id: String, event: &str, patient: Option<String>) {
        self.open.retain(|open| open.1 != id);
        self.open.push((kind, id, event.to_owned(), patient));
    }

    fn connected(&self) -> Vec<usize> {
        let connected = self.subscribers.iter().filter(|(_, own)| own.connected);
        connected.map(|(at, _)| *at).collect()
    }

    fn sync_error(&mut self, culprit: usize, about: &str) {
        for at in self.connected() {
            if at != culprit && self.subscribers[&at].granted.contains("SyncError") {
                self.deliver(at, Seen::SyncError(about.to_owned()), "", false);
                // A SyncError is itself an event that was sent last.
                self.subscribers.get_mut(&at).unwrap().last = Some("sync-error".to_owned());
            }
        }
    }

    fn lost(&mut self, at: usize) {
        let own = &self.subscribers[&at];
        let owed = own.unanswered.values().find(|delivery| delivery.owes);
        let about = owed.map(|delivery| delivery.about.clone());
        let about = about.or(own.last.clone()).unwrap_or(self.last.clone());
        self.sync_error(at, &about);
    }

    fn answer(&mut self, at: usize, number: usize, status: u16) {
        let own = self.subscribers.get_mut(&at).unwrap();
        if let Some(delivery) = own.unanswered.remove(&number)
            && delivery.owes
            && !(200..300).contains(&status)
        {
            self.sync_error(at, &delivery.about);
        }
    }

    fn end(&mut self, at: usize) {
        self.expect(at, Seen::Denial);
        self.closed.insert(at);
        self.subscribers.remove(&at);
    }

    fn pass(&mut self, seconds: u64) {
        self.now += seconds;
        let now = self.now;
        let ended: Vec<_> = self
            .subscribers
            .iter()
            .filter(|(_, own)| own.until <= now)
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
        for (at, own) in &mut self.subscribers {
            let late = own
                .unanswered
                .values()
                .find(|delivery| delivery.until <= now && delivery.owes);
            unresponsive.extend(late.map(|delivery| (*at, delivery.about.clone())));
            own.unanswered.retain(|_, delivery| delivery.until > now);
        }
        for (at, about) in unresponsive {
            self.sync_error(at, &about);
            self.end(at);
        }
    }
}

/// The heart and the model side by side.
struct Pair {
    desk: Desk,
    model: Model,
    /// Endpoint, and the id once connected.
    known: Vec<(String, Option<SubscriberId>)>,
    /// For each subscriber the ids of the notifications that it got, in order.
    got: BTreeMap<usize, Vec<String>>,
    published: usize,
}

impl Pair {
    fn take(&mut self, step: &Step) {
        match step {
            Step::Subscribe(events, lease) => {
                let mut request = subscription(&join(events));
                request.lease_seconds = Some(*lease);
                let endpoint = self.desk.request(&request).unwrap();
                self.model.subscribers.insert(
                    self.known.len(),
                    Own {
                        granted: events.clone(),
                        lease: *lease,
                        connected: false,
                        until: self.model.now + CONNECT_TIMEOUT,
                        unanswered: BTreeMap::new(),
                        deliveries: 0,
                        last: None,
                        in_context: BTreeMap::new(),
                    },
                );
                self.known.push((endpoint, None));
            }
            Step::Connect(index) => {
                let Some(at) = self.pick(index) else { return };
                let connected = self.desk.connect(&self.known[at].0);
                let waiting = self.model.subscribers.get(&at).is_some_and(|own| !own.connected);
                assert_eq!(connected.is_ok(), waiting);
                if let Ok(id) = connected {
                    self.known[at].1 = Some(id);
                    self.model.subscribers.get_mut(&at).unwrap().connected = true;
                    self.model.confirm(at);
                    self.model.replay(at, &BTreeSet::new());
                }
            }
            Step::Resubscribe(index, events) => {
                let Some(at) = self.pick(index) else { return };
                let mut request = subscription(&join(events));
                request.endpoint = Some(self.known[at].0.clone());
                request.lease_seconds = Some(1_000);
                let accepted = self.desk.request(&request).is_ok();
                assert_eq!(accepted, self.model.subscribers.contains_key(&at));
                if let Some(own) = self.model.subscribers.get_mut(&at) {
                    let before = std::mem::replace(&mut own.granted, events.clone());
                    own.lease = 1_000;
                    if own.connected {
                        self.model.confirm(at);
                        self.model.replay(at, &before);
                    }
                }
            }
            Step::Unsubscribe(index) => {
                let Some(at) = self.pick(index) else { return };
                let request = SubscriptionRequest::unsubscribe(TOPIC, &self.known[at].0);
                let accepted = self.desk.request(&request).is_ok();
                let own = self.model.subscribers.get(&at);
                assert_eq!(accepted, own.is_some());
                match own.map(|own| own.connected) {
                    Some(true) => self.model.end(at),
                    Some(false) => {
                        self.model.subscribers.remove(&at);
                    }
                    None => {}
                }
            }
            Step::Publish(event) => {
                self.published += 1;
                let id = format!("event-{}", self.published);
                self.desk.publish(&event.message(&id)).unwrap();
                self.model.publish(*event, &id);
            }
            Step::Answer(index, number, status) => {
                let Some((at, id)) = self.pick_connected(index) else {
                    return;
                };
                let got = self.got.get(&at).map(Vec::as_slice).unwrap_or_default();
                if got.is_empty() {
                    return;
                }
                let number = number.index(got.len());
                let event = got[number].clone();
                self.desk.answer(id, &event, *status);
                self.model.answer(at, number, *status);
            }
            Step::Disconnect(index, closing) => {
                let Some((at, id)) = self.pick_connected(index) else {
                    return;
                };
                self.desk.disconnect(id, *closing);
                if !matches!(closing, Closing::Code(1000 | 1001)) {
                    self.model.lost(at);
                }
                self.model.subscribers.remove(&at);
            }
            Step::Overflow(index) => {
                let Some((at, id)) = self.pick_connected(index) else {
                    return;
                };
                let now = self.desk.now();
                self.desk.session.overflowed(id, now);
                self.desk.drain();
                self.model.lost(at);
                self.model.closed.insert(at);
                self.model.subscribers.remove(&at);
            }
            Step::Babble(index) => {
                let Some((at, id)) = self.pick_connected(index) else {
                    return;
                };
                self.desk.say(id, "garbage");
                self.model.lost(at);
                self.model.end(at);
            }
            Step::Wait(seconds) => {
                let due = self.desk.session.next_deadline();
                let target = self.desk.elapsed + Duration::from_secs(*seconds);
                assert!(
                    due.is_some() || self.model.subscribers.is_empty(),
                    "somebody waits, and no deadline is set"
                );
                self.desk.wait((target - self.desk.elapsed).as_secs_f64());
                self.model.pass(*seconds);
            }
        }
    }

    fn pick(&self, index: &Index) -> Option<usize> {
        (!self.known.is_empty()).then(|| index.index(self.known.len()))
    }

    fn pick_connected(&self, index: &Index) -> Option<(usize, SubscriberId)> {
        let connected = self.model.connected();
        let at = *connected.get(index.index(connected.len().max(1)))?;
        Some((at, self.known[at].1?))
    }

    /// Compares all that came since the last time.
    fn compare(&mut self) {
        for (at, (_, id)) in self.known.iter().enumerate() {
            let Some(id) = id else { continue };
            let mut seen = Vec::new();
            for frame in self.desk.frames(*id) {
                if let Some(event) = frame["id"].as_str() {
                    self.got.entry(at).or_default().push(event.to_owned());
                }
                seen.push(see(&frame));
            }
            let mut expected = self.model.expected.remove(&at).unwrap_or_default();
            for (expected, seen) in expected.iter_mut().zip(&seen) {
                // The model has no ids for the hub's own SyncErrors: it only knows that one is meant.
                if let (Seen::SyncError(about), Seen::SyncError(said)) = (&mut *expected, seen)
                    && (about.is_empty() || about == "sync-error")
                    && !said.starts_with("event-")
                {
                    *about = said.clone();
                }
            }
            assert_eq!(seen, expected, "subscriber {at}");
            assert_eq!(
                self.desk.closed.contains_key(id),
                self.model.closed.contains(&at),
                "subscriber {at}"
            );
        }
        assert_eq!(self.desk.session.subscriptions(), self.model.subscribers.len());
    }
}

fn join(events: &BTreeSet<&str>) -> String {
    events.iter().copied().collect::<Vec<_>>().join(",")
}

fn see(frame: &Value) -> Seen {
    match frame["hub.mode"].as_str() {
        Some("subscribe") => {
            let events = frame["hub.events"].as_str().unwrap();
            return Seen::Confirmation(events.split(',').map(str::to_owned).collect());
        }
        Some(_) => return Seen::Denial,
        None => {}
    }
    assert_eq!(frame["event"]["hub.topic"], TOPIC);
    let id = frame["id"].as_str().unwrap();
    if id.starts_with("event-") {
        return Seen::Event(id.to_owned());
    }
    let resource = &frame["event"]["context"][0]["resource"];
    if frame["event"]["hub.event"] == "SyncError" {
        let about = &resource["issue"][0]["details"]["coding"][0]["code"];
        return Seen::SyncError(about.as_str().unwrap().to_owned());
    }
    assert_eq!(frame["event"]["hub.event"], "Patient-open");
    Seen::Derived(resource["id"].as_str().unwrap().to_owned())
}

fn events() -> impl Strategy<Value = BTreeSet<&'static str>> {
    proptest::sample::subsequence(NAMES.to_vec(), 1..=NAMES.len())
        .prop_map(|names| names.into_iter().collect())
}

fn event_of() -> impl Strategy<Value = Event> {
    prop_oneof![
        (0..3_u8).prop_map(Event::PatientOpen),
        (0..3_u8).prop_map(Event::PatientClose),
        (0..2_u8, 0..3_u8).prop_map(|(own, of)| Event::EncounterOpen(own, of)),
        (0..2_u8).prop_map(Event::EncounterClose),
        Just(Event::Logout),
        Just(Event::SyncError),
    ]
}

fn closing() -> impl Strategy<Value = Closing> {
    prop_oneof![
        Just(Closing::Code(1000)),
        Just(Closing::Code(1001)),
        Just(Closing::Code(1011)),
        Just(Closing::NoCode),
        Just(Closing::Broken),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let status = prop_oneof![4 => Just(200_u16), 1 => Just(202), 1 => Just(409), 1 => Just(500)];
    prop_oneof![
        3 => (events(), prop_oneof![Just(1_000_u64), 5..30_u64]).prop_map(|(events, lease)| Step::Subscribe(events, lease)),
        4 => any::<Index>().prop_map(Step::Connect),
        1 => (any::<Index>(), events()).prop_map(|(index, events)| Step::Resubscribe(index, events)),
        1 => any::<Index>().prop_map(Step::Unsubscribe),
        10 => event_of().prop_map(Step::Publish),
        10 => (any::<Index>(), any::<Index>(), status).prop_map(|(at, number, status)| Step::Answer(at, number, status)),
        1 => (any::<Index>(), closing()).prop_map(|(index, closing)| Step::Disconnect(index, closing)),
        1 => any::<Index>().prop_map(Step::Overflow),
        1 => any::<Index>().prop_map(Step::Babble),
        2 => (1..15_u64).prop_map(Step::Wait),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_heart_does_what_the_model_says(steps in proptest::collection::vec(step(), 1..80)) {
        let mut pair = Pair {
            desk: Desk::new(),
            model: Model::default(),
            known: Vec::new(),
            got: BTreeMap::new(),
            published: 0,
        };
        for step in &steps {
            pair.take(step);
            pair.compare();
        }
    }
}
