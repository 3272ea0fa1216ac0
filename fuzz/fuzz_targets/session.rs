//! The heart of the hub takes any sequence of inputs: it does not panic, keeps to its bounds, and sends nothing to who is gone.

#![no_main]

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use arbitrary::Arbitrary;
use castspec_fhircast::protocol::{Mode, Notification, SubscriptionRequest, parse_events};
use castspec_fuzz::{Ack, Channel, Event, Form, TOPICS, version};
use castspec_hub::session::{Call, CallAnswer, CallId, Closing, Output, Session, SubscriberId};
use castspec_hub::{Behaviour, CountedIdentifiers, Defect, Limits, Now, OtherEvents, WebhookRequest};
use libfuzzer_sys::fuzz_target;

/// Steps of one session.
const STEPS: usize = 256;

#[derive(Debug, Arbitrary)]
struct Input {
    version: u8,
    /// Of a hub that does not conform only this is known: it does not panic.
    defect: Option<u16>,
    limits: Bounds,
    steps: Vec<Step>,
}

#[derive(Debug, Arbitrary)]
struct Bounds {
    subscriptions: u8,
    contexts: u8,
    content: u16,
    waiting: u8,
    ack_seconds: u8,
    webhooks: bool,
    some_events: bool,
    others: u8,
}

#[derive(Debug, Arbitrary)]
enum Step {
    Request(Form),
    Connect(u8),
    Publish(Event),
    PublishText(String),
    Answer(u8, u8, Ack),
    Say(u8, String),
    Close(u8, Option<u16>),
    Break(u8),
    Overflow(u8),
    CallBack(u8, bool, Ack),
    CallText(u8, u16, Option<String>),
    CallFails(u8),
    Deny(u8),
    Expire(u8),
    CloseSocket(u8, u16),
    Cut(u8),
    SendText(u8),
    Milliseconds(u16),
    Seconds(u32),
    Deadline,
}

/// Whoever the control API names, subscribed or not.
fn anybody(number: u8) -> SubscriberId {
    SubscriberId::from_number((number % 16).into())
}

struct Desk {
    session: Session,
    conforms: bool,
    elapsed: Duration,
    most: usize,
    contexts: usize,
    endpoints: Vec<String>,
    sockets: Vec<SubscriberId>,
    connected: HashSet<SubscriberId>,
    gone: HashSet<SubscriberId>,
    calls: Vec<(CallId, Call)>,
    ids: Vec<String>,
    /// Something else was sent on demand.
    odd: bool,
}

impl Desk {
    fn new(input: &Input) -> Self {
        let bounds = &input.limits;
        let most = usize::from(bounds.subscriptions % 8) + 1;
        let contexts = usize::from(bounds.contexts % 8) + 1;
        let limits = Limits {
            ack_timeout: Duration::from_secs(u64::from(bounds.ack_seconds) + 1),
            max_subscriptions: most,
            open_contexts_limit: contexts,
            content_limit: bounds.content.into(),
            queue_limit: usize::from(bounds.waiting) + 1,
            webhooks: bounds.webhooks,
            events: bounds
                .some_events
                .then(|| parse_events("Patient-open,Patient-close").expect("they are names")),
            other_events: match bounds.others % 3 {
                0 => OtherEvents::Refuse,
                1 => OtherEvents::Deny,
                _ => OtherEvents::Trim,
            },
            ..Limits::default()
        };
        let defect = input.defect.map(|number| {
            let all = Defect::all();
            all[usize::from(number) % all.len()]
        });
        let identifiers = Box::new(CountedIdentifiers::default());
        let session = Session::new(TOPICS[0], version(input.version), Arc::new(limits), identifiers);
        Self {
            session: session.behaving(Behaviour::new(defect.as_slice())),
            conforms: defect.is_none(),
            elapsed: Duration::ZERO,
            most,
            contexts,
            endpoints: Vec::new(),
            sockets: Vec::new(),
            connected: HashSet::new(),
            gone: HashSet::new(),
            calls: Vec::new(),
            ids: Vec::new(),
            odd: false,
        }
    }

    fn now(&self) -> Now {
        let seconds = i64::try_from(self.elapsed.as_secs()).unwrap_or_default();
        Now {
            elapsed: self.elapsed,
            wall: jiff::Timestamp::from_second(seconds).expect("it is long before the end of time"),
        }
    }

    /// Who has, or had, a socket: nobody else can send over one.
    fn socket(&self, number: u8) -> Option<SubscriberId> {
        let at = usize::from(number).checked_rem(self.sockets.len())?;
        self.sockets.get(at).copied()
    }

    fn call(&self, number: u8) -> Option<(CallId, Call)> {
        // The last ones: they are open.
        let last = self.calls.len().checked_sub(1 + usize::from(number % 8))?;
        self.calls.get(last).cloned()
    }

    fn request(&mut self, form: &Form) {
        let now = self.now();
        let events = match form.events() {
            names if names.is_empty() => None,
            names => Some(parse_events(&names).expect("they are names")),
        };
        let mode = if form.ends {
            Mode::Unsubscribe
        } else {
            Mode::Subscribe
        };
        let lease_seconds = form.lease.map(|lease| match lease {
            u32::MAX => u64::MAX,
            lease => lease.into(),
        });
        if matches!(form.channel, Channel::Webhook) {
            let request = WebhookRequest {
                mode,
                topic: TOPICS[0].to_owned(),
                callback: format!("https://app.example.com/c-{}?a=b", form.subscriber % 4),
                secret: form.secret.then(|| "secret".to_owned()),
                events,
                lease_seconds,
                subscriber_name: None,
            };
            let _ = self.session.request_webhook(&request, now);
            return;
        }
        let endpoint = match (form.channel, self.endpoints.as_slice()) {
            (Channel::Again, [_, ..]) => {
                Some(self.endpoints[usize::from(form.subscriber) % self.endpoints.len()].clone())
            }
            _ => None,
        };
        let mut request = match mode {
            Mode::Subscribe => SubscriptionRequest::subscribe(TOPICS[0], Vec::new()),
            Mode::Unsubscribe => SubscriptionRequest::unsubscribe(TOPICS[0], "wss://hub.example.com/x"),
        };
        request.events = events;
        request.lease_seconds = lease_seconds;
        request.endpoint = endpoint
            .as_deref()
            .map(|last| format!("wss://hub.example.com/{last}"));
        request.subscriber_name = Some(format!("s-{}", form.subscriber % 4));
        if let Ok(endpoint) = self.session.request(&request, endpoint.as_deref(), now) {
            self.endpoints.push(endpoint.to_string());
        }
    }

    fn take(&mut self, step: &Step) {
        let now = self.now();
        match step {
            Step::Request(form) => self.request(form),
            Step::Connect(number) => {
                let Some(at) = usize::from(*number).checked_rem(self.endpoints.len()) else {
                    return;
                };
                let endpoint = self.endpoints[at].clone();
                if let Ok(id) = self.session.connect(&endpoint, now) {
                    assert!(!self.conforms || !self.gone.contains(&id), "who is gone connects");
                    self.sockets.push(id);
                    self.connected.insert(id);
                }
            }
            Step::Publish(event) => {
                let version = serde_json::to_value(self.session.current_context()).expect("it is JSON");
                let version = version
                    .get("context.versionId")
                    .and_then(|version| version.as_str());
                self.publish(&event.to_json(version).to_string());
            }
            Step::PublishText(text) => self.publish(text),
            Step::Answer(number, event, ack) => {
                let Some(at) = usize::from(*event).checked_rem(self.ids.len()) else {
                    return;
                };
                let text = ack.about(&self.ids[self.ids.len() - 1 - at]);
                self.say(*number, &text);
            }
            Step::Say(number, text) => self.say(*number, text),
            Step::Close(number, code) => {
                let closing = code.map_or(Closing::NoCode, Closing::Code);
                self.end(*number, closing);
            }
            Step::Break(number) => self.end(*number, Closing::Broken),
            Step::Overflow(number) => {
                if let Some(socket) = self.socket(*number) {
                    self.session.overflowed(socket, now);
                }
            }
            Step::CallBack(number, right, ack) => {
                let Some((id, call)) = self.call(*number) else {
                    return;
                };
                let url = url::Url::parse(&call.url).expect("the hub calls URLs");
                let challenge = url.query_pairs().find(|(name, _)| name == "hub.challenge");
                let body = challenge.filter(|_| *right).map(|(_, value)| value.into_owned());
                let status = ack.status();
                self.session
                    .called_back(id, CallAnswer::Answered { status, body }, now);
            }
            Step::CallText(number, status, body) => {
                let Some((id, _)) = self.call(*number) else { return };
                let answer = CallAnswer::Answered {
                    status: *status,
                    body: body.clone(),
                };
                self.session.called_back(id, answer, now);
            }
            Step::CallFails(number) => {
                let Some((id, _)) = self.call(*number) else { return };
                let answer = CallAnswer::Failed("it is away".to_owned());
                self.session.called_back(id, answer, now);
            }
            Step::Deny(number) => {
                self.session.deny_subscription(anybody(*number), "because", now);
            }
            Step::Expire(number) => {
                self.session.expire(anybody(*number), now);
            }
            Step::CloseSocket(number, code) => {
                self.session.close_socket(anybody(*number), *code, "enough");
            }
            Step::Cut(number) => {
                self.session.cut_socket(anybody(*number), now);
            }
            Step::SendText(number) => {
                self.odd = true;
                self.session.send_text(anybody(*number), "odd".to_owned());
            }
            Step::Milliseconds(passed) => self.pass(Duration::from_millis((*passed).into())),
            Step::Seconds(passed) => self.pass(Duration::from_secs((*passed % 0x100_0000).into())),
            Step::Deadline => {
                let until = self.session.next_deadline().unwrap_or_default();
                self.pass(
                    until
                        .saturating_sub(self.elapsed)
                        .min(Duration::from_secs(0x100_0000)),
                );
            }
        }
    }

    fn say(&mut self, number: u8, text: &str) {
        let now = self.now();
        if let Some(socket) = self.socket(number) {
            self.session.receive(socket, text, now);
        }
    }

    fn end(&mut self, number: u8, closing: Closing) {
        let now = self.now();
        if let Some(socket) = self.socket(number) {
            self.session.disconnected(socket, closing, now);
        }
    }

    fn publish(&mut self, text: &str) {
        let now = self.now();
        if let Ok(notification) = Notification::parse(text) {
            self.ids.push(notification.id.clone());
            let _ = self.session.publish(notification, now);
        }
    }

    fn pass(&mut self, time: Duration) {
        self.elapsed += time;
        let now = self.now();
        self.session.tick(now);
        if let Some(deadline) = self.session.next_deadline() {
            assert!(
                deadline > self.elapsed,
                "{deadline:?} is over at {:?}",
                self.elapsed
            );
        }
    }

    fn drain(&mut self) {
        let mut outputs = 0;
        while let Some(output) = self.session.poll_output() {
            outputs += 1;
            match output {
                Output::Deliver { subscriber, text } => {
                    assert!(
                        !self.conforms || !self.gone.contains(&subscriber),
                        "delivered after the end"
                    );
                    assert!(
                        !self.conforms || self.connected.contains(&subscriber),
                        "delivered before"
                    );
                    if self.conforms && !self.odd {
                        let message: serde_json::Value =
                            serde_json::from_str(&text).expect("a hub sends JSON");
                        self.ids.extend(message["id"].as_str().map(str::to_owned));
                    }
                }
                Output::Close {
                    subscriber, reason, ..
                } => {
                    assert!(reason.len() <= 123, "{reason}");
                    assert!(
                        !self.conforms || !self.gone.contains(&subscriber),
                        "closed after the end"
                    );
                }
                Output::Call {
                    call,
                    subscriber,
                    request,
                    ..
                } => {
                    let gone = subscriber.is_some_and(|subscriber| self.gone.contains(&subscriber));
                    assert!(!self.conforms || !gone, "called after the end");
                    self.calls.push((call, request));
                }
                Output::Ended { subscriber, .. } => {
                    assert!(self.gone.insert(subscriber) || !self.conforms, "ended twice");
                }
            }
        }
        // Each may be told of each, of each open context, and of its end.
        let each = (self.most + 1) * (self.most + self.contexts + 4);
        assert!(outputs <= 4 * each, "{outputs} outputs of one step");
        self.look();
    }

    fn look(&mut self) {
        if !self.conforms {
            return;
        }
        let now = self.now();
        let overview = self.session.overview(now);
        assert_eq!(overview.subscribers.len(), self.session.subscriptions());
        assert!(overview.subscribers.len() <= self.most, "{overview:?}");
        assert!(overview.open.len() <= self.contexts, "{overview:?}");
        assert!(
            overview
                .subscribers
                .iter()
                .all(|known| !self.gone.contains(&SubscriberId::from_number(known.id))),
            "{overview:?}"
        );
        assert!(
            overview.subscribers.is_empty() || self.session.next_deadline().is_some(),
            "somebody is subscribed for ever: {overview:?}"
        );
        assert!(!self.session.is_idle() || overview.subscribers.is_empty());
        serde_json::to_string(&self.session.current_context()).expect("a context is JSON");
    }
}

fuzz_target!(|input: Input| {
    let mut desk = Desk::new(&input);
    for step in input.steps.iter().take(STEPS) {
        desk.take(step);
        desk.drain();
    }
});
