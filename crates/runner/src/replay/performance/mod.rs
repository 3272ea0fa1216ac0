//! The subscribers of a capture, against a hub.

mod calls;
mod comparison;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::difference::{Difference, essence};
use super::mapping::Mapping;
use super::script::{Action, Receiver, Script, Step};
use crate::capture::conversation::{Answer, Exchange, Request, SocketId, SubscriptionForm};
use crate::client::{
    AnswerRule, Callback, CallbackError, Callbacks, HttpClient, Inbox, Log, OutgoingRequest, Policy, Socket,
    TrustError, connect,
};
use crate::redaction::Redactor;
use crate::run::Target;

/// The time of each action.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// As soon as the messages that preceded it in the capture have arrived.
    Compressed,
    /// Also no earlier than in the capture.
    Captured,
}

/// The capture cannot be played.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// The way to the hub cannot be set up.
    #[error(transparent)]
    Trust(#[from] TrustError),
    /// Callbacks cannot be listened for.
    #[error(transparent)]
    Callbacks(#[from] CallbackError),
    /// The capture has no action of a subscriber.
    #[error("the capture has no action of a subscriber that could be played")]
    Nothing,
    /// The hub cannot be reached.
    #[error("the hub at {url} cannot be reached: {problem}")]
    Unreachable {
        /// `hub.url`.
        url: String,
        /// Why.
        problem: String,
    },
}

/// The result of a replay.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Replayed {
    /// The number of actions that were played.
    pub acts: usize,
    /// The number of messages to subscribers, now and in the capture.
    pub messages: (usize, usize),
    /// The differences from the capture.
    pub differences: Vec<Difference>,
}

/// A WebSocket or a callback of a replayed subscriber.
struct Connection {
    name: String,
    inbox: Inbox,
    socket: Option<Socket>,
    callback: Option<Callback>,
    /// How it answers notifications.
    policy: Arc<Mutex<Policy>>,
    /// How much of the inbox has been compared with the capture.
    seen: usize,
    /// So many messages of the capture have not come; they are waited for no more.
    missing: usize,
}

struct Performance<'s> {
    script: &'s Script,
    target: &'s Target,
    http: HttpClient,
    log: Log,
    mapping: Mapping,
    connections: BTreeMap<Receiver, Connection>,
    /// The server for callbacks, from the first subscription for webhooks on.
    callbacks: Option<Callbacks>,
    /// A callback was asked for since the last event was published.
    is_verifying: bool,
    /// The ids that subscribers gave to events.
    known: BTreeSet<String>,
    /// The name of the subscriber that each endpoint of the capture was given to.
    names: BTreeMap<String, String>,
    replayed: Replayed,
}

/// Plays the subscribers of a script against a hub; `topics` says what topics of the capture are called there, the others are made
/// up.
///
/// # Errors
/// When nothing can be played, or the hub cannot be reached.
pub async fn replay(
    script: &Script,
    target: &Target,
    pace: Pace,
    topics: &[(String, String)],
) -> Result<Replayed, ReplayError> {
    if script.steps.is_empty() {
        return Err(ReplayError::Nothing);
    }
    let redactor = Redactor::default();
    target.tell_secrets(&redactor);
    let patience = target.timing.response.max(Duration::from_secs(5)) * 2;
    let mut performance = Performance {
        script,
        target,
        http: HttpClient::new(&target.hub_url, &target.approach, patience)?,
        log: Log::without_budget(redactor),
        mapping: Mapping::default(),
        connections: BTreeMap::new(),
        callbacks: None,
        is_verifying: false,
        known: BTreeSet::new(),
        names: BTreeMap::new(),
        replayed: Replayed::default(),
    };
    for (captured, now) in topics {
        performance.mapping.insert(captured, now);
    }
    performance.rename(topics);
    let began = Instant::now();
    let first = script.steps.first().map_or(Duration::ZERO, |step| step.moment.at);
    for step in &script.steps {
        if pace == Pace::Captured {
            let at = step.moment.at.saturating_sub(first);
            tokio::time::sleep_until((began + at).into()).await;
        }
        performance.step(step).await?;
    }
    performance.end().await;
    Ok(performance.replayed)
}

impl Performance<'_> {
    /// Topics and ids of events get new names, so that no earlier session is disturbed.
    fn rename(&mut self, topics: &[(String, String)]) {
        let script = self.script;
        for exchange in script
            .steps
            .iter()
            .filter_map(|step| script.request(&step.action))
        {
            let topic = match &exchange.request {
                Request::Publish(event) => event.topic(),
                request => request.form().map(SubscriptionForm::topic),
            };
            if let Some(topic) = topic.filter(|topic| !topic.is_empty())
                && !topics.iter().any(|(captured, _)| captured == topic)
                && !self.mapping.has(topic)
            {
                self.mapping
                    .insert(topic, &format!("castspec-{}", uuid::Uuid::new_v4()));
            }
            if let Request::Publish(event) = &exchange.request
                && let Some(id) = event.id().filter(|_| event.topic().is_some())
            {
                self.known.insert(id.to_owned());
                if !self.mapping.has(id) {
                    self.mapping.insert(id, &uuid::Uuid::new_v4().to_string());
                }
            }
        }
    }

    async fn step(&mut self, step: &Step) -> Result<(), ReplayError> {
        self.await_what_came_before(step).await;
        self.replayed.acts += 1;
        if self.script.is_publication(&step.action) && std::mem::take(&mut self.is_verifying) {
            // The hub tells nobody when it has read a callback's answer; an event before that would come to nobody.
            tokio::time::sleep(self.target.timing.quiet).await;
        }
        if self.script.is_leaving(&step.action) {
            // What comes beyond the capture comes to nobody who has left.
            tokio::time::sleep(self.target.timing.quiet).await;
        }
        match &step.action {
            Action::Request(id) => {
                let script = self.script;
                self.request(script.conversation.exchange(*id)).await
            }
            Action::Open { socket, url } => {
                self.open(*socket, url).await;
                Ok(())
            }
            Action::Send { socket, text } => {
                let text = match serde_json::from_str::<Value>(text) {
                    Ok(message) => self.mapping.message(&message, None).to_string(),
                    Err(_) => self.mapping.forth(text),
                };
                if let Some(socket) = self.socket(*socket) {
                    socket.send_text(text);
                }
                Ok(())
            }
            Action::Close { socket, code } => {
                if let Some(socket) = self.socket(*socket) {
                    socket.close(*code).await;
                }
                Ok(())
            }
            Action::Break { socket } => {
                if let Some(socket) = self.socket(*socket) {
                    socket.abort().await;
                }
                Ok(())
            }
        }
    }

    fn socket(&self, socket: SocketId) -> Option<&Socket> {
        self.connections.get(&Receiver::Socket(socket))?.socket.as_ref()
    }

    /// Waits until as many messages have come as had in the capture, as far as they come.
    async fn await_what_came_before(&mut self, step: &Step) {
        let deadline = Instant::now() + self.target.timing.response;
        for (receiver, count) in &step.after {
            let Some(connection) = self.connections.get_mut(receiver) else {
                continue;
            };
            let wanted = count.saturating_sub(connection.missing);
            let come = connection
                .inbox
                .wait(deadline, |received, closed| {
                    (received.len() >= wanted || !closed.is_empty()).then_some(())
                })
                .await;
            if come.is_none() {
                connection.missing = count.saturating_sub(connection.inbox.received().len());
            }
        }
        self.learn();
    }

    /// Maps the ids and versions that the hub made up in the capture to those that it makes up now.
    fn learn(&mut self) {
        for (receiver, connection) in &mut self.connections {
            let Some(sent) = self.script.sent.get(receiver) else {
                continue;
            };
            let received = connection.inbox.received();
            for (message, then) in received.iter().zip(sent).skip(connection.seen) {
                let Ok(then) = serde_json::from_str::<Value>(then) else {
                    continue;
                };
                let Some(now) = message.message() else { continue };
                if essence(&self.mapping.message_back(now), &self.known) != essence(&then, &self.known) {
                    continue;
                }
                for pointer in ["/id", "/event/context.versionId", "/event/versionId"] {
                    let text = |message: &Value| {
                        message
                            .pointer(pointer)
                            .and_then(Value::as_str)
                            .map(str::to_owned)
                    };
                    if let (Some(then), Some(now)) = (text(&then), text(now))
                        && !self.mapping.has(&then)
                    {
                        self.mapping.insert(&then, &now);
                    }
                }
            }
            connection.seen = received.len();
        }
    }

    async fn request(&mut self, exchange: &Exchange) -> Result<(), ReplayError> {
        let hub_url = self.target.hub_url_text();
        let method = exchange.method.as_str();
        let path = exchange.path.as_deref().unwrap_or_default();
        let content_type = exchange.headers.get("content-type");
        let mut place = format!("{method} {}", if path.is_empty() { "hub.url" } else { path });
        let mut request = OutgoingRequest {
            method: method.to_owned(),
            url: format!("{hub_url}{}", self.mapping.forth(path)),
            ..OutgoingRequest::default()
        };
        let mut name = None;
        match &exchange.request {
            Request::Subscribe(form) | Request::Unsubscribe(form) => {
                self.expect_call(exchange, form).await?;
                let pairs = form.parameters().iter();
                let pairs: Vec<(&str, String)> = pairs
                    .map(|(parameter, value)| (parameter.as_str(), self.mapping.forth(value)))
                    .collect();
                let value = |wanted: &str| {
                    let found = pairs.iter().find(|(parameter, _)| *parameter == wanted);
                    found.map(|(_, value)| value.clone())
                };
                place = format!(
                    "{} {}",
                    value("hub.mode").unwrap_or_default(),
                    value("hub.events").unwrap_or_default()
                );
                name = value("subscriber.name");
                request.body = Some(
                    url::form_urlencoded::Serializer::new(String::new())
                        .extend_pairs(pairs)
                        .finish(),
                );
            }
            Request::Publish(event) => {
                let id = event.id().unwrap_or_default();
                if let Some(event) = event.name() {
                    place = format!("publish {event} {id}");
                    self.expect_notifications(event, id);
                }
                let now = crate::protocol::Timestamp::from_instant(jiff::Timestamp::now());
                let message = self.mapping.message(&event.message, Some(now.as_str()));
                request.body = Some(message.to_string());
            }
            Request::GetContext { .. } | Request::Configuration | Request::Upgrade | Request::Other => {
                let body = exchange.body.text();
                request.body = (!body.is_empty()).then(|| self.mapping.forth(&body));
            }
        }
        if let Some(media_type) = content_type {
            request
                .headers
                .push(("content-type".to_owned(), media_type.to_owned()));
        }
        let captured = exchange.answer();
        let sent = self.http.send(&self.log, "replay", &request).await;
        let now = match &sent {
            Ok(answer) => answer.status.to_string(),
            Err(error) if error.no_connection => {
                return Err(ReplayError::Unreachable {
                    url: hub_url,
                    problem: error.problem.clone(),
                });
            }
            Err(_) => "no answer".to_owned(),
        };
        let then = captured.map_or("no answer".to_owned(), |answer| answer.status.to_string());
        if then != now {
            self.replayed.differences.push(Difference {
                place,
                captured: then,
                now,
            });
        }
        let endpoint = |body: &Value| body.get("hub.channel.endpoint")?.as_str().map(str::to_owned);
        let then = captured.and_then(Answer::endpoint);
        let now = sent.ok().and_then(|answer| endpoint(answer.json.as_ref()?));
        if let (Some(then), Some(now)) = (then, now) {
            self.mapping.insert(&then, &now);
            if let Some(name) = name {
                self.names.insert(then, name);
            }
        }
        Ok(())
    }

    async fn open(&mut self, socket: SocketId, url: &str) {
        let inbox = Inbox::default();
        // Answers are those of the capture, and come in their place.
        let silent = |event: Option<&str>| AnswerRule {
            event: event.and_then(|event| event.parse().ok()),
            ..AnswerRule::default()
        };
        let policy = Policy {
            rules: vec![silent(Some("SyncError")), silent(None)],
        };
        let policy = Arc::new(Mutex::new(policy));
        let name = self.name(self.names.get(url).cloned());
        let patience = self.target.timing.response;
        let connector = self.http.connector();
        let endpoint = self.mapping.forth(url);
        let opened = connect(
            &endpoint, connector, &name, &self.log, &inbox, &policy, 0, patience,
        )
        .await;
        let opened = match opened {
            Ok(socket) => Some(socket),
            Err(error) => {
                self.replayed.differences.push(Difference {
                    place: format!("the WebSocket of {name}"),
                    captured: "opened".to_owned(),
                    now: error.to_string(),
                });
                None
            }
        };
        let connection = Connection {
            name,
            inbox,
            socket: opened,
            callback: None,
            policy,
            seen: 0,
            missing: 0,
        };
        self.connections.insert(Receiver::Socket(socket), connection);
    }

    fn name(&self, given: Option<String>) -> String {
        given.unwrap_or_else(|| format!("subscriber {}", self.connections.len() + 1))
    }
}
