//! A conversation that others had, judged by the ambient checks of live traffic: what passed between a hub and its subscribers
//! fills the stage, in place of mock subscribers that play on it.
//!
//! Who sent a request over HTTP, nobody can tell, and there may be subscribers that were not recorded: what depends on either
//! stays unjudged.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;
use serde_json::Value;
use url::form_urlencoded;

use super::acknowledgements::acknowledgement_in;
use super::claims::{CAPABILITIES, Claims};
use super::connecting::lease_of;
use super::control::{Control, control_of};
use super::dialect::Dialect;
use super::judge::{Breach, Judge, Place};
use super::play::{Play, Setting};
use super::requirements as ids;
use super::settling::has_run_out;
use super::stage::{Membership, Mock, Publication, Stage};
use super::subscribing::events_of;
use super::target::{Target, TargetError};
use crate::capture::{Frame, Line, Message, Side};
use crate::outcome::{Check, Entry, Observation, Traffic};
use crate::protocol::{EventKind, EventName, Version, WELL_KNOWN_PATH, parse_events};
use crate::redaction::Redactor;
use crate::requirement::Catalogue;
use crate::scenario::{Channel, TemplateError, Templates, Variables};
use crate::schema::{MessageKind, Schemas};
use crate::subscriber::{
    Answer, Approach, Closed, HttpClient, Inbox, Log, Policy, Received, Spot, Trust, TrustError,
};

/// The actor of what is not known to be one subscriber's.
const CLIENT: &str = "a client";

/// A conversation cannot be judged.
#[derive(Debug, thiserror::Error)]
pub enum OverheardError {
    /// The hub has no URL that could be one.
    #[error(transparent)]
    Target(#[from] TargetError),
    /// What a hub is reached by cannot be set up.
    #[error(transparent)]
    Trust(#[from] TrustError),
    /// The embedded templates cannot be read: a fault of castspec's.
    #[error(transparent)]
    Templates(#[from] TemplateError),
}

/// What became of the hub's requirements in a conversation.
#[derive(Debug, Default)]
pub struct Overheard {
    /// A check for every requirement that was tried.
    pub checks: Vec<Check>,
    /// Which readings of the specification the hub chose.
    pub observations: Vec<Observation>,
    /// What passed.
    pub transcript: Vec<Entry>,
}

/// Judges what a hub did in a conversation; the checks are those of a scenario of this name.
///
/// # Errors
/// When `hub_url` is no URL of a hub.
pub fn judge_overheard(
    scenario: &str,
    hub_url: &str,
    version: Version,
    catalogue: Arc<Catalogue>,
    schemas: Arc<Schemas>,
    lines: &[Line],
) -> Result<Overheard, OverheardError> {
    let target = Target::new(hub_url, version)?;
    // Nothing is sent: whom to trust is no question.
    let approach = Approach {
        trust: Trust {
            only_these: true,
            ..Trust::default()
        },
        ..Approach::default()
    };
    let redactor = Redactor::new(false, true);
    let setting = Setting {
        dialect: Dialect::new(hub_url, version),
        claims: Arc::new(claims(version, &target, lines)),
        catalogue,
        schemas,
        templates: Arc::new(Templates::embedded()?),
        http: HttpClient::new(&target.hub_url, &approach, Duration::ZERO)?,
        callbacks: None,
        endpoints: Mutex::default(),
        challenges: Mutex::default(),
        lost: Mutex::default(),
        began: Instant::now(),
        redactor: redactor.clone(),
        target,
    };
    let mut listener = Listener::new(&setting, Log::new(redactor, None));
    for line in lines {
        listener.hear(line);
    }
    Ok(listener.conclude(scenario))
}

/// What the hub says that it supports; where it was not asked, whatever it was seen to do.
fn claims(version: Version, target: &Target, lines: &[Line]) -> Claims {
    let path = format!("{}{WELL_KNOWN_PATH}", target.hub_url_text());
    let asked: Vec<u64> = lines
        .iter()
        .filter_map(|line| match &line.message {
            Message::Request { exchange, url, .. } if *url == path => Some(*exchange),
            _ => None,
        })
        .collect();
    let document = lines.iter().rev().find_map(|line| match &line.message {
        Message::Response {
            exchange,
            status: 200,
            body,
            ..
        } if asked.contains(exchange) => serde_json::from_str::<Value>(&body.text()).ok(),
        _ => None,
    });
    let mut claims = Claims::from_configuration(version, document.as_ref());
    if document.is_none() {
        for capability in CAPABILITIES {
            claims.set(capability, true, "the conversation");
        }
    }
    claims
}

/// A request without an answer yet.
struct Asked {
    spot: Spot,
    method: String,
    url: String,
    body: Bytes,
    upgrade: bool,
}

/// An open WebSocket.
struct Connection {
    mock: String,
    number: usize,
    greeted: bool,
    ended: bool,
}

struct Listener<'a> {
    play: Play<'a>,
    asked: HashMap<u64, Asked>,
    connections: HashMap<u64, Connection>,
    /// Subscribers by endpoint.
    endpoints: HashMap<String, String>,
    last: Instant,
}

impl<'a> Listener<'a> {
    fn new(setting: &'a Setting, log: Log) -> Self {
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
            last,
        }
    }

    fn hear(&mut self, line: &Line) {
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
            Message::CallbackRequest { .. }
            | Message::CallbackResponse { .. }
            | Message::Ping(_)
            | Message::Pong(_)
            | Message::Stopped => {}
        }
    }

    fn add(&mut self, actor: &str, traffic: Traffic) -> Spot {
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
        let webhook = parameter(&asked.body, "hub.callback").is_some();
        let unsubscribes = parameter(&asked.body, "hub.mode").as_deref() == Some("unsubscribe");
        if !answer.is_accepted() {
            return;
        }
        if webhook {
            let requirement = match unsubscribes {
                true => ids::UNSUBSCRIBE_202,
                false => ids::SUBSCRIBE_202,
            };
            self.play.judge_status_of_acceptance(answer, requirement);
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

    fn mock(&mut self, name: &str) -> Option<&mut Mock> {
        self.play.stage.mocks.get_mut(name)
    }

    fn mock_at(&mut self, endpoint: &str) -> Option<&mut Mock> {
        let name = self.endpoints.get(endpoint)?.clone();
        self.mock(&name)
    }

    /// A name that no subscriber has yet.
    fn name(&self, stated: Option<String>) -> String {
        let number = self.play.stage.mocks.len() + 1;
        match stated.filter(|name| !name.is_empty()) {
            Some(name) => format!("{name} ({number})"),
            None => format!("subscriber {number}"),
        }
    }

    fn conclude(mut self, scenario: &str) -> Overheard {
        self.judge_exactness();
        let owed = self.owed();
        self.play.judge_all(&owed);
        let transcript = self.play.stage.log.entries();
        let none = Default::default();
        let (checks, observations) = self.play.judge.conclude(scenario, &none, &none, "", &transcript);
        Overheard {
            checks,
            observations,
            transcript,
        }
    }

    /// Finds out who took every event at once.
    fn judge_exactness(&mut self) {
        let patience = self.play.setting.target.timing.ack_timeout / 2;
        let entries = self.play.stage.log.entries();
        let mut taken: HashMap<(&str, String), (bool, f64)> = HashMap::new();
        let mut odd: Vec<&str> = Vec::new();
        for entry in &entries {
            match acknowledgement_in(entry, &entries) {
                Some(own) => {
                    let fine = own.status.code == 200;
                    taken.insert((&entry.actor, own.id), (fine, entry.at_ms));
                }
                None if matches!(entry.traffic, Traffic::FrameSent { .. }) => odd.push(&entry.actor),
                None => {}
            }
        }
        for mock in self.play.stage.mocks.values_mut() {
            let received = mock.inbox.received();
            let events = received
                .iter()
                .filter(|own| own.message().is_none_or(|own| control_of(own).is_none()));
            let took = |own: &Received| {
                let id = own.message().and_then(|message| message.get("id")?.as_str());
                let key = id.map(|id| (mock.name.as_str(), id.to_owned()));
                let sent = entries.get(own.spot.sequence).map_or(0.0, |entry| entry.at_ms);
                key.and_then(|key| taken.get(&key))
                    .is_some_and(|(fine, at)| *fine && at - sent <= patience.as_secs_f64() * 1_000.0)
            };
            mock.exact &= !odd.contains(&mock.name.as_str()) && events.into_iter().all(took);
        }
    }

    /// Who was owed which publication, for certain: a later event of the topic came to a subscriber, or its subscription went
    /// on for as long as a hub may take.
    fn owed(&self) -> Vec<(usize, String)> {
        let patience = self.play.setting.target.timing.response;
        let stage = &self.play.stage;
        let mut owed = Vec::new();
        for mock in stage.mocks.values() {
            let received = mock.inbox.received();
            let origins: Vec<usize> = received.iter().filter_map(|own| stage.origin(own)).collect();
            let closed = mock.inbox.closed();
            for (position, publication) in stage.publications.iter().enumerate() {
                if !publication.accepted || publication.topic != mock.topic {
                    continue;
                }
                let Some(membership) = mock.membership() else {
                    continue;
                };
                let came_later = origins.iter().any(|later| {
                    stage.publications[*later].requested.sequence > publication.answered.sequence
                });
                let ended = membership
                    .ended
                    .into_iter()
                    .chain(closed.iter().map(|own| own.spot));
                let end = ended.map(|spot| spot.at).min().unwrap_or(self.last);
                let lasted = end >= publication.answered.at + patience;
                let alive = end > publication.answered.at;
                if (lasted || (came_later && alive)) && is_granted(membership, publication) {
                    owed.push((position, mock.name.clone()));
                }
            }
        }
        owed
    }
}

/// The subscription was there for this event before it was published, and did not change after that.
fn is_granted(membership: &Membership, publication: &Publication) -> bool {
    let settled = membership
        .confirmed
        .into_iter()
        .chain(membership.replaced.iter().copied());
    let settled = settled.max_by_key(|spot| spot.sequence);
    membership.confirmed.is_some()
        && membership.current.contains(&publication.event)
        && settled.is_some_and(|spot| {
            spot.sequence < publication.requested.sequence && !has_run_out(membership, spot, publication)
        })
}

/// The path of one topic's current context.
fn is_topic(path: &str) -> bool {
    path.strip_prefix('/')
        .is_some_and(|rest| !rest.is_empty() && !rest.contains('/') && !rest.starts_with('.'))
}

fn parameter(form: &[u8], name: &str) -> Option<String> {
    let mut pairs = form_urlencoded::parse(form);
    pairs
        .find(|(own, _)| own == name)
        .map(|(_, value)| value.into_owned())
}

fn mock(name: &str, topic: &str, events: Vec<EventName>) -> Mock {
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
