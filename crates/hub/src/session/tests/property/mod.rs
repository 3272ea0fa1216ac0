//! Random sequences of everything that can happen, against a model that knows events by their ids alone: nothing is lost,
//! duplicated, reordered, leaked or delivered to those who did not subscribe.

mod model;
mod webhooks;

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use proptest::sample::Index;

use self::model::{Model, Own, Seen};
use super::*;

const NAMES: [&str; 6] = [
    "Patient-open",
    "Patient-close",
    "Encounter-open",
    "Encounter-close",
    "UserLogout",
    "SyncError",
];
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
            Self::PatientOpen(number) | Self::PatientClose(number) => json!([patient(&format!("p{number}"))]),
            Self::EncounterOpen(number, of) => json!([encounter(number), patient(&format!("p{of}"))]),
            Self::EncounterClose(number) => json!([encounter(number)]),
            Self::Logout => json!([]),
            Self::SyncError => json!([outcome]),
        };
        event(id, self.name(), context)
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
                let waiting = self
                    .model
                    .subscribers
                    .get(&at)
                    .is_some_and(|subscriber| !subscriber.connected);
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
                if let Some(subscriber) = self.model.subscribers.get_mut(&at) {
                    let before = std::mem::replace(&mut subscriber.granted, events.clone());
                    subscriber.lease = 1_000;
                    if subscriber.connected {
                        self.model.confirm(at);
                        self.model.replay(at, &before);
                    }
                }
            }
            Step::Unsubscribe(index) => {
                let Some(at) = self.pick(index) else { return };
                let request = SubscriptionRequest::unsubscribe(TOPIC, &self.known[at].0);
                let accepted = self.desk.request(&request).is_ok();
                let subscriber = self.model.subscribers.get(&at);
                assert_eq!(accepted, subscriber.is_some());
                match subscriber.map(|subscriber| subscriber.connected) {
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
        (0..2_u8, 0..3_u8).prop_map(|(number, of)| Event::EncounterOpen(number, of)),
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
