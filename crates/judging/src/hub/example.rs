//! Conversations for the tests of rules, made in a few lines: who subscribes, what is published, what the hub sends.
//!
//! Everything is lawful until a test says otherwise: a message can be changed on its way ([`Example::deliver_changed`]), sent
//! to somebody else, twice or never. Each step takes ten milliseconds; [`Example::pass`] lets more time go by.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};

use super::rules::{self, Owed};
use super::{
    Channel, Claims, Conversation, Intent, Issued, Judge, Publication, Subscriber, Subscription, events_in,
};
use crate::outcome::{Check, Entry, Observation, Traffic, Verdict};
use crate::protocol::{Acknowledgement, EventName, Status, SyncErrorCause, Version};
use crate::requirement::{Capability, Catalogue};
use crate::schema::Schemas;
use crate::{Answer, Call, Closed, Received, Signature, Spot, Verified};

/// The topic of whoever names none.
pub(crate) const TOPIC: &str = "session";

/// A conversation in the making.
#[derive(Debug)]
pub(crate) struct Example {
    pub(crate) conversation: Conversation,
    pub(crate) issued: Issued,
    now: Duration,
}

impl Example {
    /// An empty conversation under a version.
    pub(crate) fn new(version: Version) -> Self {
        Self {
            conversation: Conversation::new(version, true),
            issued: Issued::default(),
            now: Duration::ZERO,
        }
    }

    /// An STU3 conversation in which these subscribers follow `Patient-open`, `Patient-close` and `SyncError`.
    pub(crate) fn with(subscribers: &[&str]) -> Self {
        Self::under(Version::Stu3, subscribers)
    }

    /// The same under a version.
    pub(crate) fn under(version: Version, subscribers: &[&str]) -> Self {
        let mut example = Self::new(version);
        for name in subscribers {
            example.subscribe(name, "Patient-open,Patient-close,SyncError");
        }
        example
    }

    /// Lets time go by.
    pub(crate) fn pass(&mut self, seconds: f64) {
        self.now += Duration::from_secs_f64(seconds);
    }

    /// Adds an entry to the transcript.
    pub(crate) fn add(&mut self, actor: &str, traffic: Traffic) -> Spot {
        self.pass(0.01);
        let (sequence, at) = (self.conversation.transcript.len(), self.now);
        let entry = Entry::new(sequence, at, actor, traffic);
        self.conversation.transcript.push(Arc::new(entry));
        Spot { sequence, at }
    }

    /// The subscriber of this name.
    pub(crate) fn subscriber(&mut self, name: &str) -> &mut Subscriber {
        self.conversation.subscribers.get_mut(name).unwrap()
    }

    /// The last subscription of this subscriber.
    pub(crate) fn subscription(&mut self, name: &str) -> &mut Subscription {
        self.subscriber(name).subscriptions.last_mut().unwrap()
    }

    /// A subscription in [`TOPIC`], requested, connected and confirmed for two hours.
    pub(crate) fn subscribe(&mut self, name: &str, events: &str) {
        self.subscribe_in(TOPIC, name, events);
    }

    /// A subscription in a topic, requested, connected and confirmed for two hours.
    pub(crate) fn subscribe_in(&mut self, topic: &str, name: &str, events: &str) {
        let message = json!({
            "hub.mode": "subscribe", "hub.topic": topic, "hub.events": events, "hub.lease_seconds": 7200,
        });
        let requested = self.exchange(name, 202, "").request;
        let socket = self.open(topic, name);
        let spot = self.frame(name, socket, &message.to_string());
        let events = events_in(&message).unwrap();
        let mut subscription = Subscription::new(events.clone(), requested);
        subscription.socket = Some(socket);
        subscription.confirm(events, Some(7200.0), spot);
        self.subscriber(name).subscriptions.push(subscription);
    }

    /// A WebSocket of a subscriber, which is there from now on; its number.
    pub(crate) fn open(&mut self, topic: &str, name: &str) -> usize {
        let subscriber = self
            .conversation
            .subscribers
            .entry(name.to_owned())
            .or_insert_with(|| Subscriber::new(name, topic, Channel::WebSocket));
        let numbers = subscriber.received.iter().map(|received| received.socket + 1);
        let socket = numbers.max().unwrap_or(0);
        self.add(name, Traffic::Connected);
        socket
    }

    /// A request to the hub, and its answer with a JSON body.
    pub(crate) fn exchange(&mut self, by: &str, status: u16, body: &str) -> Answer {
        self.exchange_about("", by, status, body)
    }

    /// A request with this body to the hub, and its answer with a JSON body.
    fn exchange_about(&mut self, request: &str, by: &str, status: u16, body: &str) -> Answer {
        let request = self.add(
            by,
            Traffic::Request {
                method: "POST".to_owned(),
                url: "https://hub.example.com/fhircast".to_owned(),
                headers: Vec::new(),
                body: request.to_owned(),
            },
        );
        let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
        let traffic = Traffic::Response {
            status,
            headers: headers.clone(),
            body: body.to_owned(),
        };
        let spot = self.add(by, traffic);
        Answer {
            status,
            headers,
            text: body.to_owned(),
            json: serde_json::from_str(body).ok(),
            request,
            spot,
        }
    }

    /// An event about the patient `p`, published in [`TOPIC`] and accepted; its position.
    pub(crate) fn publish(&mut self, by: &str, event: &str) -> usize {
        self.publish_about("p", by, event)
    }

    /// An event about this patient, published in [`TOPIC`] and accepted; its position.
    pub(crate) fn publish_about(&mut self, patient: &str, by: &str, event: &str) -> usize {
        let patient = json!({"resourceType": "Patient", "id": patient, "identifier": [{"value": "12"}]});
        self.publish_context(by, event, &json!([{"key": "patient", "resource": patient}]))
    }

    /// An event with this context, published in [`TOPIC`] and accepted; its position.
    pub(crate) fn publish_context(&mut self, by: &str, event: &str, context: &Value) -> usize {
        let position = self.conversation.publications.len();
        let message = json!({
            "timestamp": format!("2026-03-01T09:30:{position:02}.000Z"),
            "id": format!("event-{position}"),
            "event": {"hub.topic": TOPIC, "hub.event": event, "context": context},
        });
        self.publish_text(by, &message.to_string())
    }

    /// An event that was published by this message and accepted; its position.
    pub(crate) fn publish_text(&mut self, by: &str, text: &str) -> usize {
        let position = self.conversation.publications.len();
        let answer = self.exchange_about(text, by, 202, "");
        let message: Value = serde_json::from_str(text).unwrap();
        let member = |pointer: &str| message.pointer(pointer).unwrap().as_str().unwrap().to_owned();
        self.conversation.publications.push(Arc::new(Publication {
            by: Some(by.to_owned()),
            topic: member("/event/hub.topic"),
            id: member("/id"),
            timestamp: member("/timestamp"),
            event: member("/event/hub.event").parse().unwrap(),
            context: message["event"]["context"].clone(),
            requested: answer.request,
            answered: answer.spot,
            accepted: true,
            proper: true,
        }));
        position
    }

    /// The publication at this position, to be changed.
    pub(crate) fn publication(&mut self, position: usize) -> &mut Publication {
        Arc::make_mut(&mut self.conversation.publications[position])
    }

    /// The notification that the hub makes of a publication.
    pub(crate) fn notification(&self, position: usize) -> Value {
        let publication = &self.conversation.publications[position];
        json!({
            "timestamp": publication.timestamp,
            "id": publication.id,
            "event": {
                "hub.topic": publication.topic,
                "hub.event": publication.event.as_str(),
                "context": publication.context,
            },
        })
    }

    /// The hub sends a subscriber its copy of a publication.
    pub(crate) fn deliver(&mut self, to: &str, position: usize) -> Spot {
        self.deliver_changed(to, position, |_| {})
    }

    /// The hub sends a subscriber a copy of a publication that is other than it should be.
    pub(crate) fn deliver_changed(
        &mut self,
        to: &str,
        position: usize,
        change: impl FnOnce(&mut Value),
    ) -> Spot {
        let mut message = self.notification(position);
        change(&mut message);
        self.send(to, &message)
    }

    /// The hub sends a subscriber a SyncError about an event, under an id of its own.
    pub(crate) fn sync_error(&mut self, to: &str, id: &str, about: &str) -> Spot {
        let message = sync_error(id, about);
        self.send(to, &message)
    }

    /// The hub sends a subscriber a message over its channel.
    pub(crate) fn send(&mut self, to: &str, message: &Value) -> Spot {
        self.send_text(to, &message.to_string())
    }

    /// The hub sends a subscriber a text over its channel.
    pub(crate) fn send_text(&mut self, to: &str, text: &str) -> Spot {
        let subscriber = self.subscriber(to);
        if subscriber.is_webhook() {
            return self.call(to, "POST", "", text, Signature::Right(0));
        }
        let subscription = subscriber.subscription();
        let socket = subscription.and_then(|subscription| subscription.socket);
        self.frame(to, socket.unwrap_or(0), text)
    }

    /// The hub sends a subscriber a frame over this WebSocket.
    pub(crate) fn frame(&mut self, to: &str, socket: usize, text: &str) -> Spot {
        let traffic = Traffic::FrameReceived {
            text: text.to_owned(),
            binary: false,
        };
        let spot = self.add(to, traffic);
        self.subscriber(to).received.push(Received {
            spot,
            socket,
            text: text.into(),
            json: serde_json::from_str(text).ok().map(Arc::new),
            call: None,
        });
        spot
    }

    /// A subscriber answers the notification with this id.
    pub(crate) fn acknowledge(&mut self, by: &str, id: &str, code: u16) -> Spot {
        self.subscriber(by).exact &= code == 200;
        let status = Status { code, as_text: false };
        let text = Acknowledgement::with_status(id, status).to_text();
        self.add(by, Traffic::FrameSent { text, binary: false })
    }

    /// A WebSocket ends.
    pub(crate) fn close(&mut self, of: &str, by_hub: bool, code: Option<u16>) {
        let traffic = Traffic::Closed {
            by_hub,
            code,
            reason: String::new(),
        };
        let spot = self.add(of, traffic);
        let subscriber = self.subscriber(of);
        let subscription = subscriber.subscription();
        let socket = subscription.and_then(|subscription| subscription.socket);
        subscriber.closed.push(Closed {
            spot,
            socket: socket.unwrap_or(0),
            by_hub,
            code,
            by_frame: code.is_some(),
        });
    }

    /// A webhook in [`TOPIC`] at this callback, with `hub.secret`, asked for and not verified yet.
    pub(crate) fn ask_for_webhook(&mut self, name: &str, callback: &str, events: &str) -> Answer {
        let answer = self.exchange(name, 202, "");
        let channel = Channel::Webhook {
            callback: callback.to_owned(),
            verified: Vec::new(),
        };
        let subscribers = &mut self.conversation.subscribers;
        let subscriber = subscribers
            .entry(name.to_owned())
            .or_insert_with(|| Subscriber::new(name, TOPIC, channel));
        subscriber.subscriptions.ask(Intent {
            events: events.split(',').map(|event| event.parse().unwrap()).collect(),
            secret: Some(0),
            requested: answer.request.sequence,
        });
        answer
    }

    /// The query by which the hub verifies the intent of a webhook.
    pub(crate) fn verification(&self, challenge: &str, events: &str) -> Value {
        json!({
            "hub.mode": "subscribe", "hub.topic": TOPIC, "hub.challenge": challenge, "hub.events": events,
            "hub.lease_seconds": "7200",
        })
    }

    /// The hub asks the callback of a webhook for its intent, and the callback agrees.
    pub(crate) fn verify(&mut self, name: &str, query: &Value) -> Spot {
        let asked = self.ask_back(name, query);
        self.answer_verification(name, asked, query, true);
        asked
    }

    /// The hub asks the callback of a webhook for its intent, and the callback does not agree.
    pub(crate) fn refuse_verification(&mut self, name: &str, query: &Value) {
        let asked = self.ask_back(name, query);
        self.answer_verification(name, asked, query, false);
    }

    fn ask_back(&mut self, name: &str, query: &Value) -> Spot {
        let own_query = match &self.subscriber(name).channel {
            Channel::Webhook { callback, .. } => callback.split_once('?').map(|(_, query)| query.to_owned()),
            Channel::WebSocket => None,
        };
        let mut pairs = url::form_urlencoded::Serializer::new(own_query.unwrap_or_default());
        for (parameter, value) in query.as_object().unwrap() {
            pairs.append_pair(parameter, value.as_str().unwrap());
        }
        self.call(name, "GET", &pairs.finish(), "", Signature::Missing)
    }

    fn answer_verification(&mut self, name: &str, asked: Spot, query: &Value, agreed: bool) {
        let answered = self.add(
            name,
            Traffic::CallbackResponse {
                to: asked.sequence,
                status: if agreed { 200 } else { 404 },
                headers: Vec::new(),
                body: String::new(),
            },
        );
        let answer = Verified {
            asked,
            answered,
            query: Arc::new(query.clone()),
            agreed,
        };
        let subscriber = self.subscriber(name);
        if agreed {
            subscriber.subscriptions.agree(&answer, |_| true);
        }
        if let Channel::Webhook { verified, .. } = &mut subscriber.channel {
            verified.push(answer);
        }
    }

    /// A webhook at this callback, asked for and verified.
    pub(crate) fn subscribe_webhook(&mut self, name: &str, callback: &str, events: &str) {
        self.ask_for_webhook(name, callback, events);
        let query = self.verification(&format!("challenge for {name}"), events);
        self.verify(name, &query);
    }

    /// The hub calls the callback of a webhook, with JSON in the body where there is one.
    pub(crate) fn call(
        &mut self,
        to: &str,
        method: &str,
        query: &str,
        body: &str,
        signature: Signature,
    ) -> Spot {
        let header = ("x-hub-signature".to_owned(), "sha256=00".to_owned());
        let mut headers = vec![("content-type".to_owned(), "application/json".to_owned())];
        headers.extend((signature != Signature::Missing).then_some(header));
        let call = Call {
            method: method.to_owned(),
            path: "/callback".to_owned(),
            query: query.to_owned(),
            headers,
            signature,
        };
        self.called(to, call, body)
    }

    /// The hub makes this call to the callback of a webhook.
    pub(crate) fn called(&mut self, to: &str, call: Call, body: &str) -> Spot {
        let spot = self.add(
            to,
            Traffic::CallbackRequest {
                method: call.method.clone(),
                url: format!("https://{to}.example.com{}?{}", call.path, call.query),
                headers: call.headers.clone(),
                body: body.to_owned(),
            },
        );
        let json = crate::protocol::CallMessage::of(&call.query, body).json;
        self.subscriber(to).received.push(Received {
            spot,
            socket: 0,
            text: body.into(),
            json,
            call: Some(Arc::new(call)),
        });
        spot
    }

    /// A judge of this conversation, without findings.
    pub(crate) fn judge(&self) -> Judge {
        judge(self.conversation.version)
    }

    /// The findings of all ambient rules, where those were owed copies whose subscriptions last.
    pub(crate) fn judged(&self) -> Findings {
        self.judged_with(&rules::owed(&self.conversation))
    }

    /// The findings of all ambient rules, where these were owed copies.
    pub(crate) fn judged_with(&self, owed: &[Owed]) -> Findings {
        let mut judge = self.judge();
        rules::judge_conversation(&self.conversation, owed, &mut judge);
        self.conclude(judge)
    }

    /// The findings of a judge.
    pub(crate) fn conclude(&self, judge: Judge) -> Findings {
        let none = BTreeSet::new();
        let (checks, observations) =
            judge.conclude("example", &none, &none, "", &self.conversation.transcript);
        Findings { checks, observations }
    }

    /// The verdict of all ambient rules on one requirement; `None` where it was not tried.
    pub(crate) fn verdict(&self, requirement: &str) -> Option<Verdict> {
        self.judged().verdict(requirement)
    }
}

/// A SyncError with this id, about the event with that id.
pub(crate) fn sync_error(id: &str, about: &str) -> Value {
    let refused = "Patient-open".parse().unwrap();
    let cause = SyncErrorCause::new(about, &refused, "viewer", "the viewer refused it".to_owned());
    json!({
        "timestamp": "2026-03-01T09:31:00.000Z",
        "id": id,
        "event": {
            "hub.topic": TOPIC,
            "hub.event": "SyncError",
            "context": cause.to_context(),
        },
    })
}

/// The names of events, parsed.
pub(crate) fn events(names: &str) -> Vec<EventName> {
    events_in(&json!({"hub.events": names})).unwrap()
}

/// A judge without findings, of a hub that claims everything.
pub(crate) fn judge(version: Version) -> Judge {
    static CATALOGUE: LazyLock<Arc<Catalogue>> = LazyLock::new(|| Arc::new(Catalogue::embedded().unwrap()));
    static SCHEMAS: Mutex<BTreeMap<Version, Arc<Schemas>>> = Mutex::new(BTreeMap::new());
    let mut loaded = SCHEMAS.lock().unwrap_or_else(PoisonError::into_inner);
    let schemas = loaded
        .entry(version)
        .or_insert_with(|| Arc::new(Schemas::load(version).unwrap()))
        .clone();
    let mut claims = Claims::default();
    for capability in [
        Capability::Webhook,
        Capability::GetCurrentContext,
        Capability::ContentSharing,
        Capability::Selection,
        Capability::DerivedOpenEvents,
        Capability::NonCurrentContextUpdates,
        Capability::Authorization,
    ] {
        claims.set(capability, true, "the test");
    }
    Judge::new(CATALOGUE.clone(), schemas, version, Arc::new(claims))
}

/// What was found in a conversation.
#[derive(Debug)]
pub(crate) struct Findings {
    pub(crate) checks: Vec<Check>,
    pub(crate) observations: Vec<Observation>,
}

impl Findings {
    /// The verdict on a requirement; `None` where it was not tried.
    pub(crate) fn verdict(&self, requirement: &str) -> Option<Verdict> {
        self.check(requirement).map(|check| check.verdict)
    }

    /// The check of a requirement.
    pub(crate) fn check(&self, requirement: &str) -> Option<&Check> {
        self.checks.iter().find(|check| check.requirement == requirement)
    }

    /// Positions of the messages that show what is wrong with a requirement.
    pub(crate) fn evidence(&self, requirement: &str) -> Vec<usize> {
        let check = self.check(requirement).unwrap();
        check
            .evidence
            .iter()
            .map(|evidence| evidence.entry.sequence)
            .collect()
    }

    /// The requirements that were broken, in alphabetical order.
    pub(crate) fn broken(&self) -> Vec<&str> {
        let broken = |check: &&Check| matches!(check.verdict, Verdict::Fail | Verdict::Warn);
        let checks = self.checks.iter().filter(broken);
        checks.map(|check| check.requirement.as_str()).collect()
    }
}
