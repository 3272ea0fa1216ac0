//! The subscribers of a capture, against a hub.

mod calls;
mod comparison;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::difference::{Difference, essence};
use super::mapping::Mapping;
use super::script::{Act, Receiver, Script, Step};
use crate::client::{
    AnswerRule, Callback, CallbackError, Callbacks, HttpClient, Inbox, Log, OutgoingRequest, Policy, Socket,
    TrustError, connect,
};
use crate::redaction::Redactor;
use crate::run::Target;

/// When each act is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// As soon as what had come before it in the capture has come.
    Compressed,
    /// Then, and no earlier than in the capture.
    Captured,
}

/// Nothing could be played.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// The way to the hub cannot be set up.
    #[error(transparent)]
    Trust(#[from] TrustError),
    /// Callbacks cannot be listened for.
    #[error(transparent)]
    Callbacks(#[from] CallbackError),
    /// Nobody does anything in the capture.
    #[error("no subscriber does anything in the capture that could be played")]
    Nothing,
    /// The hub is not there.
    #[error("the hub at {url} cannot be reached: {problem}")]
    Unreachable {
        /// `hub.url`.
        url: String,
        /// Why.
        problem: String,
    },
}

/// What came of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Replayed {
    /// How many acts were played.
    pub acts: usize,
    /// How many messages came to subscribers, and how many did in the capture.
    pub messages: (usize, usize),
    /// What was otherwise.
    pub differences: Vec<Difference>,
}

/// A WebSocket or a callback of this time.
struct Line {
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
    lines: BTreeMap<Receiver, Line>,
    /// Where calls come in, as soon as somebody subscribes for some.
    callbacks: Option<Callbacks>,
    /// A callback was asked for since the last event was published.
    is_verifying: bool,
    /// The ids that subscribers gave to events.
    known: BTreeSet<String>,
    /// What each endpoint of the capture was given to.
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
    target.secrets().for_each(|secret| redactor.know(secret));
    let patience = target.timing.response.max(Duration::from_secs(5)) * 2;
    let mut performance = Performance {
        script,
        target,
        http: HttpClient::new(&target.hub_url, &target.approach, patience)?,
        log: Log::new(redactor, None),
        mapping: Mapping::default(),
        lines: BTreeMap::new(),
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
    let first = script.steps.first().map_or(0.0, |step| step.at_ms);
    for step in &script.steps {
        if pace == Pace::Captured {
            // Times of a capture are finite and grow.
            let at = Duration::try_from_secs_f64((step.at_ms - first).max(0.0) / 1000.0).unwrap_or_default();
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
        for step in &self.script.steps {
            let Act::Request { body, .. } = &step.act else {
                continue;
            };
            let message: Option<Value> = serde_json::from_str(body).ok();
            let in_json = message
                .as_ref()
                .and_then(|own| own.pointer("/event/hub.topic")?.as_str());
            let in_form = url::form_urlencoded::parse(body.as_bytes()).find(|(name, _)| name == "hub.topic");
            let topic = in_json
                .map(str::to_owned)
                .or(in_form.map(|(_, value)| value.into_owned()));
            if let Some(topic) = topic
                && !topics.iter().any(|(own, _)| *own == topic)
                && !self.mapping.has(&topic)
            {
                self.mapping
                    .insert(&topic, &format!("castspec-{}", uuid::Uuid::new_v4()));
            }
            let id = message.as_ref().and_then(|own| own.get("id")?.as_str());
            if let Some(id) = id.filter(|_| in_json.is_some()) {
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
        if step.act.is_publication() && std::mem::take(&mut self.is_verifying) {
            // The hub tells nobody when it has read a callback's answer; an event before that would come to nobody.
            tokio::time::sleep(self.target.timing.quiet).await;
        }
        if step.act.is_leaving() {
            // What comes beyond the capture comes to nobody who has left.
            tokio::time::sleep(self.target.timing.quiet).await;
        }
        match &step.act {
            Act::Request {
                exchange,
                method,
                path,
                content_type,
                body,
                ..
            } => {
                self.request(*exchange, method, path, content_type.as_deref(), body)
                    .await
            }
            Act::Open { connection, url } => {
                self.open(*connection, url).await;
                Ok(())
            }
            Act::Send { connection, text } => {
                let text = match serde_json::from_str::<Value>(text) {
                    Ok(message) => self.mapping.message(&message, None).to_string(),
                    Err(_) => self.mapping.forth(text),
                };
                if let Some(socket) = self.socket(*connection) {
                    socket.send_text(text);
                }
                Ok(())
            }
            Act::Close { connection, code } => {
                if let Some(socket) = self.socket(*connection) {
                    socket.close(*code).await;
                }
                Ok(())
            }
            Act::Break { connection } => {
                if let Some(socket) = self.socket(*connection) {
                    socket.abort().await;
                }
                Ok(())
            }
        }
    }

    fn socket(&self, connection: u64) -> Option<&Socket> {
        self.lines.get(&Receiver::Socket(connection))?.socket.as_ref()
    }

    /// Waits until as many messages have come as had in the capture, as far as they come.
    async fn await_what_came_before(&mut self, step: &Step) {
        let deadline = Instant::now() + self.target.timing.response;
        for (receiver, count) in &step.after {
            let Some(line) = self.lines.get_mut(receiver) else {
                continue;
            };
            let wanted = count.saturating_sub(line.missing);
            let come = line
                .inbox
                .wait(deadline, |received, closed| {
                    (received.len() >= wanted || !closed.is_empty()).then_some(())
                })
                .await;
            if come.is_none() {
                line.missing = count.saturating_sub(line.inbox.received().len());
            }
        }
        self.learn();
    }

    /// What the hub made up this time stands where what it made up then stood.
    fn learn(&mut self) {
        for (receiver, line) in &mut self.lines {
            let Some(sent) = self.script.sent.get(receiver) else {
                continue;
            };
            let received = line.inbox.received();
            for (own, then) in received.iter().zip(sent).skip(line.seen) {
                let Ok(then) = serde_json::from_str::<Value>(then) else {
                    continue;
                };
                let Some(now) = own.message() else { continue };
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
            line.seen = received.len();
        }
    }

    async fn request(
        &mut self,
        exchange: u64,
        method: &str,
        path: &str,
        content_type: Option<&str>,
        body: &str,
    ) -> Result<(), ReplayError> {
        let hub_url = self.target.hub_url_text();
        let mut place = format!("{method} {}", if path.is_empty() { "hub.url" } else { path });
        let mut request = OutgoingRequest {
            method: method.to_owned(),
            url: format!("{hub_url}{}", self.mapping.forth(path)),
            ..OutgoingRequest::default()
        };
        let is_form = content_type.is_some_and(|own| own.starts_with("application/x-www-form-urlencoded"));
        let mut name = None;
        if is_form {
            let form = url::form_urlencoded::parse(body.as_bytes())
                .into_owned()
                .collect();
            self.expect_call(exchange, &form).await?;
            let pairs: Vec<(String, String)> = url::form_urlencoded::parse(body.as_bytes())
                .map(|(name, value)| (name.into_owned(), self.mapping.forth(&value)))
                .collect();
            let of = |wanted: &str| {
                pairs
                    .iter()
                    .find(|(own, _)| own == wanted)
                    .map(|(_, value)| value.clone())
            };
            place = format!(
                "{} {}",
                of("hub.mode").unwrap_or_default(),
                of("hub.events").unwrap_or_default()
            );
            name = of("subscriber.name");
            request.body = Some(
                url::form_urlencoded::Serializer::new(String::new())
                    .extend_pairs(pairs)
                    .finish(),
            );
        } else if let Ok(message) = serde_json::from_str::<Value>(body) {
            if let Some(event) = message.pointer("/event/hub.event").and_then(Value::as_str) {
                let id = message.get("id").and_then(Value::as_str).unwrap_or_default();
                place = format!("publish {event} {id}");
                self.expect_notifications(event, id);
            }
            let now = crate::protocol::Timestamp::from_instant(jiff::Timestamp::now());
            request.body = Some(self.mapping.message(&message, Some(now.as_str())).to_string());
        } else if !body.is_empty() {
            request.body = Some(self.mapping.forth(body));
        }
        if let Some(own) = content_type {
            request.headers.push(("content-type".to_owned(), own.to_owned()));
        }
        let captured = self.script.answers.get(&exchange);
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
        let then = captured.map_or("no answer".to_owned(), |(status, _)| status.to_string());
        if then != now {
            self.replayed.differences.push(Difference {
                place,
                captured: then,
                now,
            });
        }
        let endpoint = |body: &Value| body.get("hub.channel.endpoint")?.as_str().map(str::to_owned);
        let then = captured.and_then(|(_, body)| endpoint(&serde_json::from_str(body).ok()?));
        let now = sent.ok().and_then(|answer| endpoint(answer.json.as_ref()?));
        if let (Some(then), Some(now)) = (then, now) {
            self.mapping.insert(&then, &now);
            if let Some(name) = name {
                self.names.insert(then, name);
            }
        }
        Ok(())
    }

    async fn open(&mut self, connection: u64, url: &str) {
        let inbox = Inbox::default();
        // Answers are those of the capture, and come in their place.
        let silent = |event: Option<&str>| AnswerRule {
            event: event.and_then(|own| own.parse().ok()),
            ..AnswerRule::default()
        };
        let policy = Policy {
            rules: vec![silent(Some("SyncError")), silent(None)],
        };
        let policy = Arc::new(Mutex::new(policy));
        let name = self.name(self.names.get(url).cloned());
        let patience = self.target.timing.response;
        let way = self.http.way();
        let endpoint = self.mapping.forth(url);
        let opened = connect(&endpoint, way, &name, &self.log, &inbox, &policy, 0, patience).await;
        let socket = match opened {
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
        let line = Line {
            name,
            inbox,
            socket,
            callback: None,
            policy,
            seen: 0,
            missing: 0,
        };
        self.lines.insert(Receiver::Socket(connection), line);
    }

    fn name(&self, given: Option<String>) -> String {
        given.unwrap_or_else(|| format!("subscriber {}", self.lines.len() + 1))
    }
}
