//! Random sequences of everything that can happen with callbacks, against a model: nothing reaches a callback that has not
//! confirmed its last request, every callback gets its events once and in order, and everybody else hears of failures.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use proptest::prelude::*;
use proptest::sample::Index;

use super::*;
use crate::protocol::signature::sign;
use crate::session::Purpose;

const CALLBACKS: [&str; 3] = ["http://a/?x=1", "http://b/", "http://c/d?"];
const EVENTS: [&str; 4] = ["patient-open", "patient-close", "userlogout", "syncerror"];
const TIMEOUT: u64 = 10;

#[derive(Debug, Clone)]
enum Move {
    Subscribe(usize, BTreeSet<&'static str>, u64),
    Unsubscribe(usize),
    Publish(usize),
    /// Answers one of all calls that there have been, open or not.
    Answer(Index, Outcome),
    Pass(u64),
}

#[derive(Debug, Clone, Copy)]
enum Outcome {
    Right,
    Wrong,
    Refused,
    Failed,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Told {
    Verification(Mode),
    /// A published event, and the secret that signs it.
    Event(String, String),
    /// A SyncError of the hub's about this event, and the secret that signs it.
    SyncError(String, String),
    Denial,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Waiting {
    Event(String, bool),
    SyncError(String),
}

#[derive(Debug, Clone)]
struct Asked {
    mode: Mode,
    callback: usize,
    granted: BTreeSet<&'static str>,
    lease: u64,
    secret: String,
    at: u64,
}

#[derive(Debug)]
enum About {
    Verification(Asked),
    Notification(u64, Waiting),
    Denial,
}

#[derive(Debug)]
struct Active {
    callback: usize,
    granted: BTreeSet<&'static str>,
    secret: String,
    until: u64,
    busy: bool,
    waiting: VecDeque<Waiting>,
}

#[derive(Debug, Default)]
struct Callbacks {
    verifies_unsubscribes: bool,
    now: u64,
    active: BTreeMap<u64, Active>,
    activated: u64,
    calls: BTreeMap<usize, (u64, About)>,
    called: usize,
    expected: Vec<(usize, Told)>,
}

impl Callbacks {
    fn find(&self, callback: usize) -> Option<u64> {
        let found = self
            .active
            .iter()
            .find(|(_, webhook)| webhook.callback == callback);
        found.map(|(id, _)| *id)
    }

    fn call(&mut self, callback: usize, told: Told, about: About) {
        self.calls.insert(self.called, (self.now + TIMEOUT, about));
        self.called += 1;
        self.expected.push((callback, told));
    }

    fn ask(&mut self, asked: Asked) {
        let told = Told::Verification(asked.mode);
        self.call(asked.callback, told, About::Verification(asked));
    }

    fn forget_asked(&mut self, callback: usize, before: usize) {
        self.calls.retain(|number, (_, about)| {
            *number >= before
                || !matches!(about, About::Verification(verification) if verification.callback == callback)
        });
    }

    fn unsubscribe(&mut self, callback: usize) -> bool {
        let awaited = self.calls.values().any(|(_, about)| {
            matches!(about, About::Verification(verification) if verification.callback == callback && verification.mode == Mode::Subscribe)
        });
        let found = self.find(callback);
        if found.is_none() && !awaited {
            return false;
        }
        if self.verifies_unsubscribes {
            self.ask(Asked {
                mode: Mode::Unsubscribe,
                callback,
                granted: BTreeSet::new(),
                lease: 0,
                secret: String::new(),
                at: self.now,
            });
        } else {
            self.forget_asked(callback, usize::MAX);
            found.map(|id| self.active.remove(&id));
        }
        true
    }

    fn distribute(&mut self, name: &str, waiting: &Waiting, but: Option<u64>) {
        let receivers: Vec<_> = self
            .active
            .iter()
            .filter(|(id, webhook)| webhook.granted.contains(name) && but != Some(**id))
            .map(|(id, _)| *id)
            .collect();
        for id in &receivers {
            self.active
                .get_mut(id)
                .unwrap()
                .waiting
                .push_back(waiting.clone());
        }
        for id in receivers {
            self.next(id);
        }
    }

    fn next(&mut self, id: u64) {
        let Some(webhook) = self.active.get_mut(&id).filter(|webhook| !webhook.busy) else {
            return;
        };
        let Some(waiting) = webhook.waiting.pop_front() else {
            return;
        };
        webhook.busy = true;
        let (callback, secret) = (webhook.callback, webhook.secret.clone());
        let told = match &waiting {
            Waiting::Event(id, _) => Told::Event(id.clone(), secret),
            Waiting::SyncError(about) => Told::SyncError(about.clone(), secret),
        };
        self.call(callback, told, About::Notification(id, waiting));
    }

    fn answered(&mut self, number: usize, outcome: Outcome) {
        match self.calls.remove(&number) {
            Some((_, About::Verification(asked))) => {
                if matches!(outcome, Outcome::Right) {
                    self.forget_asked(asked.callback, number);
                    self.confirmed(asked);
                }
            }
            Some((_, About::Notification(id, told))) => {
                let Some(webhook) = self.active.get_mut(&id) else {
                    return;
                };
                webhook.busy = false;
                if let (Waiting::Event(event, true), Outcome::Refused | Outcome::Failed) = (told, outcome) {
                    self.distribute("syncerror", &Waiting::SyncError(event), Some(id));
                }
                self.next(id);
            }
            Some((_, About::Denial)) | None => {}
        }
    }

    fn confirmed(&mut self, asked: Asked) {
        let found = self.find(asked.callback);
        if asked.mode == Mode::Unsubscribe {
            found.map(|id| self.active.remove(&id));
            return;
        }
        let until = asked.at + asked.lease;
        if let Some(webhook) = found.and_then(|id| self.active.get_mut(&id)) {
            webhook.granted = asked.granted;
            webhook.secret = asked.secret;
            webhook.until = until;
            return;
        }
        self.activated += 1;
        self.active.insert(
            self.activated,
            Active {
                callback: asked.callback,
                granted: asked.granted,
                secret: asked.secret,
                until,
                busy: false,
                waiting: VecDeque::new(),
            },
        );
    }

    fn pass(&mut self, seconds: u64) {
        self.now += seconds;
        let now = self.now;
        let ended = self.active.iter().filter(|(_, webhook)| webhook.until <= now);
        let ended: Vec<_> = ended.map(|(id, webhook)| (*id, webhook.callback)).collect();
        for (id, callback) in ended {
            self.call(callback, Told::Denial, About::Denial);
            self.active.remove(&id);
        }
        let late = self.calls.iter().filter(|(_, (until, _))| *until <= now);
        for number in late.map(|(number, _)| *number).collect::<Vec<_>>() {
            self.answered(number, Outcome::Failed);
        }
    }
}

/// The heart and the model side by side.
struct Callers {
    desk: Desk,
    model: Callbacks,
    /// All calls that there have been.
    calls: Vec<(CallId, Call)>,
    requests: usize,
    published: usize,
}

impl Callers {
    fn make(&mut self, step: &Move) {
        match step {
            Move::Subscribe(callback, events, lease) => {
                self.requests += 1;
                let secret = format!("secret-{}", self.requests);
                let mut request = webhook(CALLBACKS[*callback], &join(events));
                request.lease_seconds = Some(*lease);
                request.secret = Some(secret.clone());
                self.desk.request_webhook(&request).unwrap();
                self.model.ask(Asked {
                    mode: Mode::Subscribe,
                    callback: *callback,
                    granted: events.clone(),
                    lease: *lease,
                    secret,
                    at: self.model.now,
                });
            }
            Move::Unsubscribe(callback) => {
                let request = WebhookRequest {
                    mode: Mode::Unsubscribe,
                    ..webhook(CALLBACKS[*callback], "patient-open")
                };
                let accepted = self.desk.request_webhook(&request).is_ok();
                assert_eq!(accepted, self.model.unsubscribe(*callback));
            }
            Move::Publish(name) => {
                self.published += 1;
                let (id, name) = (format!("event-{}", self.published), EVENTS[*name]);
                let context = match name {
                    "userlogout" | "syncerror" => json!([]),
                    _ => json!([patient("p")]),
                };
                self.desk.publish(&event(&id, name, context)).unwrap();
                let waiting = Waiting::Event(id, name != "syncerror");
                self.model.distribute(name, &waiting, None);
            }
            Move::Answer(index, outcome) => {
                if self.calls.is_empty() {
                    return;
                }
                let number = index.index(self.calls.len());
                let (id, call) = &self.calls[number];
                let answered = |status, body: String| CallAnswer::Answered {
                    status,
                    body: Some(body),
                };
                let challenge = parameter(call, "hub.challenge").unwrap_or_default();
                let answer = match outcome {
                    Outcome::Right => answered(200, challenge),
                    Outcome::Wrong => answered(202, "wrong".to_owned()),
                    Outcome::Refused => answered(404, challenge),
                    Outcome::Failed => CallAnswer::Failed("it is away".to_owned()),
                };
                self.desk.end_call(*id, answer);
                self.model.answered(number, *outcome);
            }
            Move::Pass(seconds) => {
                let waits = !self.model.active.is_empty() || !self.model.calls.is_empty();
                assert!(
                    self.desk.session.next_deadline().is_some() || !waits,
                    "somebody waits, and no deadline is set"
                );
                self.desk.wait(*seconds as f64);
                self.model.pass(*seconds);
            }
        }
    }

    /// Compares all calls that came of the last step.
    fn compare(&mut self) {
        let came = self.desk.calls();
        let expected = std::mem::take(&mut self.model.expected);
        assert_eq!(came.len(), expected.len(), "{came:?} and not {expected:?}");
        for ((_, call), (callback, told)) in came.iter().zip(&expected) {
            assert!(call.url.starts_with(CALLBACKS[*callback]), "{call:?}");
            let (purpose, secret) = match told {
                Told::Verification(mode) => {
                    assert_eq!(parameter(call, "hub.mode").as_deref(), Some(mode.as_str()));
                    (Purpose::Verification, None)
                }
                Told::Denial => (Purpose::Denial, None),
                Told::Event(id, secret) => {
                    assert_eq!(crate::session::tests::event_of(call), *id);
                    (Purpose::Notification, Some(secret))
                }
                Told::SyncError(about, secret) => {
                    let body = call.body.as_ref().unwrap();
                    assert!(
                        body.contains("syncerror") && body.contains(about.as_str()),
                        "{body}"
                    );
                    (Purpose::Notification, Some(secret))
                }
            };
            assert_eq!(call.purpose, purpose, "{call:?}");
            let signature = secret.map(|secret| sign(secret, call.body.as_ref().unwrap().as_bytes()));
            assert_eq!(call.signature, signature);
        }
        self.calls.extend(came);
        assert_eq!(self.desk.session.subscriptions(), self.model.active.len());
    }
}

fn step() -> impl Strategy<Value = Move> {
    let events = proptest::sample::subsequence(EVENTS.to_vec(), 1..=EVENTS.len())
        .prop_map(|names| names.into_iter().collect::<BTreeSet<_>>());
    let lease = prop_oneof![3 => Just(1_000_u64), 1 => 3..30_u64];
    let outcome = prop_oneof![
        6 => Just(Outcome::Right),
        1 => Just(Outcome::Wrong),
        1 => Just(Outcome::Refused),
        1 => Just(Outcome::Failed),
    ];
    prop_oneof![
        3 => (0..CALLBACKS.len(), events, lease).prop_map(|(at, events, lease)| Move::Subscribe(at, events, lease)),
        1 => (0..CALLBACKS.len()).prop_map(Move::Unsubscribe),
        8 => (0..EVENTS.len()).prop_map(Move::Publish),
        16 => (any::<Index>(), outcome).prop_map(|(index, outcome)| Move::Answer(index, outcome)),
        1 => (1..15_u64).prop_map(Move::Pass),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn callbacks_are_called_as_the_model_says(
        steps in proptest::collection::vec(step(), 1..80),
        version in prop_oneof![Just(Version::Stu2), Just(Version::Stu1)],
    ) {
        let mut pair = Callers {
            desk: Desk::speaking(version, &[]),
            model: Callbacks { verifies_unsubscribes: version == Version::Stu1, ..Callbacks::default() },
            calls: Vec::new(),
            requests: 0,
            published: 0,
        };
        for step in &steps {
            pair.make(step);
            pair.compare();
        }
    }
}
