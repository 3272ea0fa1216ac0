//! What a scenario has begun at the hub, and how much of it goes on: whoever leaves ends this, and nothing else.
//!
//! It is read from what passed, not from what the steps meant: a request that was to be refused may have been taken.

use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::{Value, json};

use crate::client::OutgoingRequest;
use crate::judging::Answer;
use crate::judging::hub::subject_id;
use crate::protocol::{Action, EventName, Timestamp};

/// Where a subscription sends its notifications: what it is ended by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Channel {
    /// `hub.channel.endpoint`.
    Endpoint(String),
    /// `hub.callback`.
    Callback(String),
}

/// A subscription that the hub took.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BegunSubscription {
    /// Who asked for it.
    pub by: String,
    /// Where it sends its notifications.
    pub channel: Channel,
    /// The parameters of the request that was taken last.
    pub parameters: Vec<(String, String)>,
    /// The number of the WebSocket that was opened for it last.
    pub socket: Option<usize>,
}

/// A context that was opened and not closed.
#[derive(Debug, Clone, PartialEq)]
pub struct BegunContext {
    /// Who opened it.
    pub by: String,
    /// In which topic.
    pub topic: String,
    /// The event that closes it.
    pub close: EventName,
    /// What it is about.
    pub context: Value,
}

/// All that goes on.
#[derive(Debug, Default)]
pub struct Begun(Mutex<Open>);

#[derive(Debug, Default)]
struct Open {
    subscriptions: Vec<BegunSubscription>,
    contexts: Vec<BegunContext>,
}

impl BegunSubscription {
    /// A parameter of the request that was taken.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        parameter(&self.parameters, name)
    }
}

impl BegunContext {
    /// The message that closes it.
    pub fn closing(&self, now: jiff::Timestamp) -> String {
        let message = json!({
            "timestamp": Timestamp::from_instant(now).as_str(),
            "id": uuid::Uuid::new_v4().to_string(),
            "event": {"hub.topic": self.topic, "hub.event": self.close.as_str(), "context": self.context},
        });
        message.to_string()
    }
}

impl Begun {
    /// Takes note of a request and the hub's answer to it.
    pub fn note(&self, by: &str, request: &OutgoingRequest, answer: &Answer) {
        if !answer.is_accepted() || request.method != "POST" {
            return;
        }
        let body = request.body.as_deref().unwrap_or_default();
        match serde_json::from_str::<Value>(body) {
            Ok(message) if message.get("event").is_some() => self.open().published(by, &message),
            Ok(message) => self.open().asked(by, members(&message), answer),
            Err(_) => {
                let pairs = url::form_urlencoded::parse(body.as_bytes()).into_owned();
                self.open().asked(by, pairs.collect(), answer);
            }
        }
    }

    /// A WebSocket was opened at this endpoint.
    pub fn connected(&self, endpoint: &str, number: usize) {
        let mut open = self.open();
        let found = open
            .subscriptions
            .iter_mut()
            .find(|begun| matches!(&begun.channel, Channel::Endpoint(known) if known == endpoint));
        if let Some(begun) = found {
            begun.socket = Some(number);
        }
    }

    /// The subscriptions that go on, as far as requests tell.
    pub fn subscriptions(&self) -> Vec<BegunSubscription> {
        self.open().subscriptions.clone()
    }

    /// The contexts that are open.
    pub fn contexts(&self) -> Vec<BegunContext> {
        self.open().contexts.clone()
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Open {
    /// A request about a subscription was accepted.
    fn asked(&mut self, by: &str, parameters: Vec<(String, String)>, answer: &Answer) {
        let named = |name: &str| parameter(&parameters, name);
        let callback = named("hub.callback");
        if named("hub.mode") == Some("unsubscribe") {
            // In STU1, which has no channel types, the callback must agree first.
            let ends_callbacks = named("hub.channel.type").is_some();
            // One that names another topic may have ended nothing.
            self.subscriptions.retain(|begun| {
                let is_named = match &begun.channel {
                    Channel::Endpoint(known) => named("hub.channel.endpoint") == Some(known),
                    Channel::Callback(known) => ends_callbacks && callback == Some(known),
                };
                !(is_named && begun.parameter("hub.topic") == named("hub.topic"))
            });
            return;
        }
        let over_websocket = callback.is_none() || named("hub.channel.type") == Some("websocket");
        let endpoint = || {
            answer
                .member("hub.channel.endpoint")
                .or_else(|| named("hub.channel.endpoint"))
        };
        let channel = match (over_websocket, callback) {
            (false, Some(callback)) => Channel::Callback(callback.to_owned()),
            _ => match endpoint() {
                Some(endpoint) => Channel::Endpoint(endpoint.to_owned()),
                None => return,
            },
        };
        let socket = self
            .subscriptions
            .iter()
            .find(|begun| begun.channel == channel)
            .and_then(|begun| begun.socket);
        self.subscriptions.retain(|begun| begun.channel != channel);
        self.subscriptions.push(BegunSubscription {
            by: by.to_owned(),
            channel,
            parameters,
            socket,
        });
    }

    /// An event was accepted.
    fn published(&mut self, by: &str, message: &Value) {
        let text = |pointer: &str| message.pointer(pointer).and_then(Value::as_str);
        let event = text("/event/hub.event").and_then(|event| event.parse::<EventName>().ok());
        let (Some(event), Some(topic), Some(context)) =
            (event, text("/event/hub.topic"), message.pointer("/event/context"))
        else {
            return;
        };
        // What has no subject can be closed by nobody.
        let (Some((_, action)), Some(subject)) = (event.resource(), subject_id(&event, context)) else {
            return;
        };
        // In the spelling that the hub took.
        let stem = event.as_str().rsplit_once('-').map(|(stem, _)| stem);
        let Some(Ok(close)) = stem.map(|stem| format!("{stem}-close").parse::<EventName>()) else {
            return;
        };
        match action {
            Action::Open | Action::Close => self.contexts.retain(|begun| {
                begun.topic != topic
                    || begun.close != close
                    || subject_id(&begun.close, &begun.context).as_ref() != Some(&subject)
            }),
            Action::Update | Action::Select => {}
        }
        if action == Action::Open {
            self.contexts.push(BegunContext {
                by: by.to_owned(),
                topic: topic.to_owned(),
                close,
                context: context.clone(),
            });
        }
    }
}

fn parameter<'p>(parameters: &'p [(String, String)], name: &str) -> Option<&'p str> {
    let found = parameters.iter().find(|(known, _)| known == name);
    found.map(|(_, value)| value.as_str())
}

/// The members of an object that are texts, as parameters.
fn members(message: &Value) -> Vec<(String, String)> {
    let members = message.as_object().into_iter().flatten();
    members
        .filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())))
        .collect()
}

#[cfg(test)]
mod tests;
