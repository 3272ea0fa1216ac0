//! Fills the stage by what passed, line by line, and judges answers as they come.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;
use serde_json::Value;
use url::form_urlencoded;

use super::calls::Calling;
use crate::capture::{Frame, Line, Message, Side};
use crate::client::{Answer, Closed, Inbox, Log, Policy, Received, Spot};
use crate::outcome::Traffic;
use crate::protocol::{EventKind, EventName, WELL_KNOWN_PATH, parse_events};
use crate::run::connecting::lease_of;
use crate::run::control::{Control, control_of};
use crate::run::judge::{Breach, Judge, Place};
use crate::run::play::{Play, Setting};
use crate::run::requirements as ids;
use crate::run::stage::{Membership, Mock, Publication, Stage};
use crate::run::subscribing::events_of;
use crate::scenario::{Channel, Variables};
use crate::schema::MessageKind;

/// The actor of what is not known to be one subscriber's.
pub(super) const CLIENT: &str = "a client";

/// A request without an answer yet.
pub(super) struct Asked {
    pub(super) spot: Spot,
    method: String,
    url: String,
    pub(super) body: Bytes,
    upgrade: bool,
}

/// An open WebSocket.
struct Connection {
    mock: String,
    number: usize,
    greeted: bool,
    ended: bool,
}

pub(super) struct Listener<'a> {
    pub(super) play: Play<'a>,
    asked: HashMap<u64, Asked>,
    connections: HashMap<u64, Connection>,
    /// Subscribers by endpoint.
    endpoints: HashMap<String, String>,
    /// Subscribers with webhooks by callback, without its query.
    pub(super) callbacks: HashMap<String, Vec<String>>,
    /// Calls without an answer yet.
    pub(super) calls: HashMap<u64, Calling>,
    /// When the last line passed.
    pub(super) last: Instant,
}

impl<'a> Listener<'a> {
    pub(super) fn new(setting: &'a Setting, log: Log) -> Self {
        let judge = Judge::new(
            setting.catalogue.clone(),
            setting.target.version,
            setting.claims.clone(),
        );
        let last = log.began();
        let stage = Stage {
            log,
            mocks: Default::default(),
            publications: Vec::new(),
            saved_publications: Default::default(),
            saved_messages: Default::default(),
            cases: Default::default(),
            variables: Variables::default(),
            everyone_seen: false,
        };
        Self {
            play: Play {
                setting,
                judge,
                stage,
                absences: Vec::new(),
                authored: Vec::new(),
            },
            asked: HashMap::new(),
            connections: HashMap::new(),
            endpoints: HashMap::new(),
            callbacks: HashMap::new(),
            calls: HashMap::new(),
            last,
        }
    }

    pub(super) fn hear(&mut self, line: &Line) {
        let since = Duration::try_from_secs_f64(line.at_ms / 1_000.0).unwrap_or_default();
        self.last = self.play.stage.log.began() + since;
        match &line.message {
            Message::Request {
                exchange,
                method,
                url,
                headers,
                body,
                ..
            } => self.requested(*exchange, method, url, headers, body.bytes()),
            Message::Response {
                exchange,
                status,
                headers,
                body,
                ..
            } => self.answered(*exchange, *status, headers, body.text()),
            Message::NoResponse {
                exchange, problem, ..
            } => {
                self.asked.remove(exchange);
                self.add(
                    CLIENT,
                    Traffic::NoResponse {
                        problem: problem.clone(),
                    },
                );
            }
            Message::Opened {
                connection,
                exchange,
                url,
            } => self.opened(*connection, *exchange, url),
            Message::Text(frame) => self.frame(frame, false),
            Message::Binary(frame) => self.frame(frame, true),
            Message::Closed {
                connection,
                from,
                code,
                reason,
            } => self.ended(*connection, *from, *code, reason),
            Message::Broken {
                connection,
                from,
                problem,
            } => self.ended(*connection, *from, None, problem),
            Message::Note { text } => {
                self.add("castspec", Traffic::Note { text: text.clone() });
            }
            Message::Gap => self.forget(),
            Message::CallbackRequest {
                exchange,
                method,
                url,
                headers,
                body,
            } => self.called(*exchange, method, url, headers, &body.bytes()),
            Message::CallbackResponse {
                exchange,
                status,
                headers,
                body,
            } => self.call_answered(*exchange, *status, headers, body.text()),
            Message::Ping(_) | Message::Pong(_) | Message::Stopped => {}
        }
    }

    pub(super) fn add(&mut self, actor: &str, traffic: Traffic) -> Spot {
        self.play.stage.log.add_at(actor, traffic, self.last)
    }

    fn requested(
        &mut self,
        exchange: u64,
        method: &str,
        url: &str,
        headers: &[(String, String)],
        body: Bytes,
    ) {
        let upgrade = url.starts_with("ws");
        let traffic = match upgrade {
            true => Traffic::Connect { url: url.to_owned() },
            false => Traffic::Request {
                method: method.to_owned(),
                url: url.to_owned(),
                headers: headers.to_vec(),
                body: String::from_utf8_lossy(&body).into_owned(),
            },
        };
        let actor = self.endpoints.get(url).cloned();
        let spot = self.add(actor.as_deref().unwrap_or(CLIENT), traffic);
        if method == "POST"
            && parameter(&body, "hub.mode").as_deref() == Some("unsubscribe")
            && let Some(endpoint) = parameter(&body, "hub.channel.endpoint")
            && let Some(mock) = self.mock_at(&endpoint)
            && let Some(membership) = mock.membership_mut()
        {
            // From here on, what the hub still sends is lawful and what it no longer sends is too.
            membership.ended.get_or_insert(spot);
        }
        if method == "POST"
            && let Some(callback) = parameter(&body, "hub.callback")
        {
            self.asks_for_calls(&callback, &body, spot);
        }
        let asked = Asked {
            spot,
            method: method.to_owned(),
            url: url.to_owned(),
            body,
            upgrade,
        };
        self.asked.insert(exchange, asked);
    }

    fn answered(&mut self, exchange: u64, status: u16, headers: &[(String, String)], text: String) {
        let Some(asked) = self.asked.remove(&exchange) else {
            // It was asked before the recording began.
            return;
        };
        let traffic = match asked.upgrade {
            true => Traffic::ConnectFailed {
                status: Some(status),
                problem: text.clone(),
            },
            false => Traffic::Response {
                status,
                headers: headers.to_vec(),
                body: text.clone(),
            },
        };
        let spot = self.add(CLIENT, traffic);
        if asked.upgrade {
            return;
        }
        let answer = Answer {
            status,
            headers: headers
                .iter()
                .map(|(name, value)| (name.to_ascii_lowercase(), value.clone()))
                .collect(),
            json: serde_json::from_str(&text).ok(),
            text,
            request: asked.spot,
            spot,
        };
        let hub_url = self.play.setting.target.hub_url_text();
        match asked.method.as_str() {
            "POST" if parameter(&asked.body, "hub.mode").is_some() => self.subscribed(&asked, &answer),
            "POST" => self.published(&asked, &answer, asked.url.trim_end_matches('/') == hub_url),
            "GET" if status == 200 => {
                let below = asked.url.strip_prefix(&hub_url);
                let kind = match below {
                    Some(path) if path == WELL_KNOWN_PATH => MessageKind::Configuration,
                    Some(path) if is_topic(path) => MessageKind::CurrentContext,
                    _ => return,
                };
                let schemas = self.play.setting.schemas.clone();
                if schemas.has(kind) {
                    let body = answer.json.clone().unwrap_or(Value::Null);
                    let judgement = schemas.judge(kind, &body);
                    self.play.judge_schema(&judgement, &body, spot, "");
                }
            }
            _ => {}
        }
    }

    /// The hub answered a request for a subscription, or for its end.
    fn subscribed(&mut self, asked: &Asked, answer: &Answer) {
        let named = parameter(&asked.body, "hub.channel.endpoint");
        let unsubscribes = parameter(&asked.body, "hub.mode").as_deref() == Some("unsubscribe");
        if let Some(callback) = parameter(&asked.body, "hub.callback") {
            return self.asked_for_calls(&callback, asked, answer, unsubscribes);
        }
        if !answer.is_accepted() {
            return;
        }
        if unsubscribes {
            if let Some(endpoint) = named {
                self.play.judge_end(answer, &endpoint);
            }
            return;
        }
        let topic = parameter(&asked.body, "hub.topic").unwrap_or_default();
        let events = parameter(&asked.body, "hub.events").unwrap_or_default();
        let events = parse_events(&events).unwrap_or_default();
        let known = named
            .as_ref()
            .and_then(|named| self.endpoints.get(named))
            .cloned();
        let kind = MessageKind::SubscriptionResponse;
        self.play.judge_acceptance(answer, kind, named.is_none());
        let given = answer.json.as_ref();
        let given = given.and_then(|body| body.get("hub.channel.endpoint"));
        let Some(given) = given.and_then(Value::as_str).map(str::to_owned) else {
            return;
        };
        if let Some(known) = known
            && let Some(membership) = self.mock(&known).and_then(Mock::membership_mut)
        {
            membership.replaced.push(answer.request);
            if named.as_ref() == Some(&given) {
                membership.granted.extend(events.iter().cloned());
                membership.current.clone_from(&events);
                membership.asked = events;
                return;
            }
        }
        let name = self.name(parameter(&asked.body, "subscriber.name"));
        let mut mock = mock(&name, &topic, events.clone());
        mock.endpoint = Some(given.clone());
        mock.memberships.push(Membership::new(events));
        self.endpoints.insert(given, name.clone());
        self.play.stage.mocks.insert(name, mock);
    }

    /// The hub answered the request to broadcast an event.
    fn published(&mut self, asked: &Asked, answer: &Answer, at_hub_url: bool) {
        let Ok(message) = serde_json::from_slice::<Value>(&asked.body) else {
            return;
        };
        let text = |pointer: &str| {
            message
                .pointer(pointer)
                .and_then(Value::as_str)
                .map(str::to_owned)
        };
        let (Some(topic), Some(event)) = (text("/event/hub.topic"), text("/event/hub.event")) else {
            return;
        };
        let (Ok(event), Some(id)) = (event.parse::<EventName>(), text("/id")) else {
            return;
        };
        if answer.is_accepted() && at_hub_url {
            self.play.judge.held(ids::PUBLISH_AT_HUB_URL);
        }
        let publication = Publication {
            by: None,
            topic,
            id,
            timestamp: text("/timestamp").unwrap_or_default(),
            context: message.pointer("/event/context").cloned().unwrap_or(Value::Null),
            requested: answer.request,
            answered: answer.spot,
            accepted: answer.is_accepted(),
            // The publisher of a SyncError is owed no copy (2.5), and who that is nobody knows.
            proper: event.kind() != EventKind::SyncError,
            event,
        };
        self.play.stage.publications.push(publication.into());
    }

    fn opened(&mut self, connection: u64, exchange: u64, url: &str) {
        self.asked.remove(&exchange);
        let name = match self.endpoints.get(url) {
            Some(name) => name.clone(),
            None => {
                // It subscribed before the recording began: nothing is known of its topic and events.
                let name = self.name(None);
                self.endpoints.insert(url.to_owned(), name.clone());
                let mut mock = mock(&name, "", Vec::new());
                mock.exact = false;
                self.play.stage.mocks.insert(name.clone(), mock);
                name
            }
        };
        self.add(&name, Traffic::Connected);
        let Some(mock) = self.mock(&name) else { return };
        let number = mock.opened;
        mock.opened += 1;
        if let Some(membership) = mock.membership_mut() {
            membership.socket = Some(number);
        }
        let opened = Connection {
            mock: name,
            number,
            greeted: false,
            ended: false,
        };
        self.connections.insert(connection, opened);
    }

    fn frame(&mut self, frame: &Frame, binary: bool) {
        let text = frame.body.text();
        let Some(connection) = self.connections.get_mut(&frame.connection) else {
            // It was opened before the recording began, or before a gap.
            return;
        };
        let (name, number) = (connection.mock.clone(), connection.number);
        if frame.from == Side::Subscriber {
            self.add(&name, Traffic::FrameSent { text, binary });
            return;
        }
        let json: Option<Arc<Value>> = serde_json::from_str(&text).ok().map(Arc::new);
        let control = json.as_deref().and_then(control_of);
        let first = control.is_some() && !std::mem::replace(&mut connection.greeted, true);
        let traffic = Traffic::FrameReceived {
            text: text.clone(),
            binary,
        };
        let spot = self.add(&name, traffic);
        let Some(mock) = self.mock(&name) else { return };
        if mock.topic.is_empty()
            && let Some(message) = &json
        {
            let topic = message
                .get("hub.topic")
                .or_else(|| message.pointer("/event/hub.topic"));
            topic
                .and_then(Value::as_str)
                .unwrap_or_default()
                .clone_into(&mut mock.topic);
        }
        if control == Some(Control::Confirmation)
            && let Some(message) = &json
            && let Some(membership) = mock.membership_mut()
        {
            let granted = events_of(message).unwrap_or_else(|| membership.asked.clone());
            membership.granted.extend(granted.iter().cloned());
            membership.current = granted;
            membership.confirmed.get_or_insert(spot);
            membership.lease = lease_of(message);
        }
        mock.inbox.add(Received {
            spot,
            socket: number,
            text: text.into(),
            json,
            call: None,
        });
        if first && control == Some(Control::Confirmation) {
            self.play.judge.held(ids::CONFIRMATION_SENT);
        }
    }

    fn ended(&mut self, connection: u64, from: Side, code: Option<u16>, reason: &str) {
        let Some(own) = self.connections.get_mut(&connection) else {
            return;
        };
        // The first end is the one that counts; a second one answers it.
        if std::mem::replace(&mut own.ended, true) {
            return;
        }
        let (name, socket, greeted) = (own.mock.clone(), own.number, own.greeted);
        let by_hub = from == Side::Hub;
        let traffic = Traffic::Closed {
            by_hub,
            code,
            reason: reason.to_owned(),
        };
        let spot = self.add(&name, traffic);
        let Some(mock) = self.mock(&name) else { return };
        mock.inbox.close(Closed {
            spot,
            socket,
            by_hub,
            code,
        });
        if !by_hub {
            mock.exact &= matches!(code, Some(1000 | 1001));
            if let Some(membership) = mock.membership_mut() {
                membership.ended.get_or_insert(spot);
            }
        } else if !greeted && mock.membership().is_some() {
            let breach = Breach {
                message: "the hub ended a WebSocket without having sent a confirmation or a denial"
                    .to_owned(),
                expected: Some("a confirmation, or a denial".to_owned()),
                observed: Some("nothing but the end".to_owned()),
                places: vec![Place::at(spot.sequence)],
                ..Breach::default()
            };
            self.play.judge.broken(ids::CONFIRMATION_SENT, breach);
        }
    }

    /// Messages are missing: nothing is owed to anybody who is here now, and nothing that comes is compared with what was
    /// published before.
    fn forget(&mut self) {
        self.add(
            "castspec",
            Traffic::Note {
                text: "messages are missing here".to_owned(),
            },
        );
        self.asked.clear();
        self.connections.clear();
        self.endpoints.clear();
    }

    pub(super) fn mock(&mut self, name: &str) -> Option<&mut Mock> {
        self.play.stage.mocks.get_mut(name)
    }

    fn mock_at(&mut self, endpoint: &str) -> Option<&mut Mock> {
        let name = self.endpoints.get(endpoint)?.clone();
        self.mock(&name)
    }

    /// A name that no subscriber has yet.
    pub(super) fn name(&self, stated: Option<String>) -> String {
        let number = self.play.stage.mocks.len() + 1;
        match stated.filter(|name| !name.is_empty()) {
            Some(name) => format!("{name} ({number})"),
            None => format!("subscriber {number}"),
        }
    }
}

/// The path of one topic's current context.
fn is_topic(path: &str) -> bool {
    path.strip_prefix('/')
        .is_some_and(|rest| !rest.is_empty() && !rest.contains('/') && !rest.starts_with('.'))
}

pub(super) fn parameter(form: &[u8], name: &str) -> Option<String> {
    let mut pairs = form_urlencoded::parse(form);
    pairs
        .find(|(own, _)| own == name)
        .map(|(_, value)| value.into_owned())
}

pub(super) fn mock(name: &str, topic: &str, events: Vec<EventName>) -> Mock {
    Mock {
        name: name.to_owned(),
        subscriber_name: None,
        events,
        topic: topic.to_owned(),
        lease: None,
        policy: Arc::new(Mutex::new(Policy::default())),
        inbox: Inbox::default(),
        channel: Channel::WebSocket,
        callback: None,
        called: None,
        secret: String::new(),
        pending: Vec::new(),
        accounted: 0,
        endpoint: None,
        socket: None,
        old_sockets: Vec::new(),
        opened: 0,
        exact: true,
        memberships: Vec::new(),
        credential: None,
    }
}
