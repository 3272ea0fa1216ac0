//! A capture as what its subscribers did, in order, and how they answered.

use std::collections::{BTreeMap, HashMap};

use serde_json::Value;

use crate::capture::{Frame, Headers, Identity, Line, Message, Side};
use crate::protocol::{EventName, Version};

/// A subscription of the capture, which becomes a subscriber of the scenario.
#[derive(Debug, Clone)]
pub struct Party {
    /// `hub.topic`.
    pub topic: String,
    /// `hub.events` of its first request, as written.
    pub events: Vec<String>,
    /// `subscriber.name`.
    pub subscriber_name: Option<String>,
    /// `hub.lease_seconds` that it asked for.
    pub lease_seconds: Option<u64>,
    /// Its notifications come to a callback.
    pub webhook: bool,
    /// `hub.secret` was given.
    pub has_secret: bool,
    /// Its endpoint, or its callback.
    address: String,
    pub(super) identity: Identity,
}

/// An event that was published.
#[derive(Debug, Clone)]
pub struct Published {
    /// Who published it, as far as can be told: a position among the parties.
    pub by: Option<usize>,
    /// Whether more than one could have.
    pub guessed: bool,
    /// The topic.
    pub topic: String,
    /// The message.
    pub message: Value,
    /// The hub's status; `None` where it gave none.
    pub status: Option<u16>,
}

/// Something that a subscriber did.
#[derive(Debug, Clone)]
pub enum Act {
    /// It subscribed; its WebSocket was opened, or its callback verified.
    Subscribed(usize),
    /// It asked for a subscription that did not come about.
    Asked(usize),
    /// It asked for other events over the subscription that it has.
    Resubscribed {
        /// Who.
        party: usize,
        /// `hub.events`, as written.
        events: Vec<String>,
    },
    /// It unsubscribed.
    Unsubscribed(usize),
    /// It published.
    Published(Box<Published>),
    /// It asked for the current context of its topic.
    AskedForContext {
        /// Who, as far as can be told.
        party: Option<usize>,
        /// The topic.
        topic: String,
    },
    /// It closed its WebSocket.
    Closed {
        /// Who.
        party: usize,
        /// The close code.
        code: u16,
    },
    /// Its connection ended without a close frame.
    Broke(usize),
}

/// How a party answered the notification of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answered {
    /// The status; `None` where no answer came.
    pub status: Option<u16>,
    /// Written as a string.
    pub as_text: bool,
    /// How long it took, in milliseconds.
    pub after_ms: u64,
}

/// What subscribers did.
#[derive(Debug, Default)]
pub struct Conversation {
    /// All subscriptions.
    pub parties: Vec<Party>,
    /// What was done, in order.
    pub acts: Vec<Act>,
    /// How each party answered each event, by position and id.
    pub answers: BTreeMap<(usize, String), Answered>,
    /// What of the capture is in no act, in words.
    pub left_out: Vec<String>,
    asked: HashMap<u64, Asked>,
    sockets: HashMap<u64, usize>,
    /// When each party was notified of each event.
    notified: BTreeMap<(usize, String), f64>,
    last_ms: f64,
}

/// A request whose answer is still to come.
#[derive(Debug)]
enum Asked {
    Subscribe {
        form: HashMap<String, String>,
        identity: Identity,
    },
    Unsubscribe(String),
    Publish(usize),
    Callback {
        party: usize,
        id: Option<String>,
        at_ms: f64,
    },
}

/// How long an answer may be out, in milliseconds, before a capture that goes on shows that there is none.
const PATIENCE_MS: f64 = 1_500.0;

impl Conversation {
    /// Reads the lines of a capture.
    pub fn read(lines: impl IntoIterator<Item = Line>) -> Self {
        let mut own = Self::default();
        for line in lines {
            own.last_ms = line.at_ms;
            own.take(line.at_ms, line.message);
        }
        own.note_silences();
        own
    }

    /// The version that is spoken, as the messages show it.
    pub fn version(&self) -> Version {
        let webhook = |own: &Party| own.webhook;
        if self.parties.iter().any(|own| !own.webhook) {
            let capital = |name: &String| name.starts_with(|c: char| c.is_ascii_uppercase());
            let old = self.parties.iter().any(webhook)
                || self.parties.iter().all(|own| !own.events.iter().any(capital));
            return if old { Version::Stu2 } else { Version::Stu3 };
        }
        match self.parties.iter().any(webhook) {
            true => Version::Stu1,
            false => Version::Stu3,
        }
    }

    fn take(&mut self, at_ms: f64, message: Message) {
        match message {
            Message::Request {
                exchange,
                method,
                url,
                headers,
                body,
                ..
            } => self.request(exchange, &method, &url, &headers, &body.text()),
            Message::Response {
                exchange,
                status,
                body,
                ..
            } => self.response(exchange, status, &body.text()),
            Message::CallbackRequest {
                exchange,
                url,
                body,
                method,
                ..
            } => self.callback(exchange, at_ms, &method, &url, &body.text()),
            Message::CallbackResponse { exchange, status, .. } => {
                if let Some(Asked::Callback {
                    party,
                    id,
                    at_ms: asked,
                }) = self.asked.remove(&exchange)
                {
                    match id {
                        Some(id) => self.answered(party, id, Some(status), false, at_ms - asked),
                        None if (200..300).contains(&status) => self.subscribed(party),
                        None => {}
                    }
                }
            }
            Message::NoResponse { exchange, .. } => {
                self.asked.remove(&exchange);
            }
            Message::Opened { connection, url, .. } => {
                let found = self.parties.iter().rposition(|own| own.address == url);
                match found {
                    Some(party) => {
                        self.sockets.insert(connection, party);
                        self.subscribed(party);
                    }
                    None => self
                        .left_out
                        .push("a WebSocket at an endpoint that no subscription was given".to_owned()),
                }
            }
            Message::Text(frame) | Message::Binary(frame) => self.frame(at_ms, &frame),
            Message::Closed {
                connection,
                from: Side::Subscriber,
                code,
                ..
            } => {
                if let Some(party) = self.sockets.remove(&connection) {
                    self.acts.push(Act::Closed {
                        party,
                        code: code.unwrap_or(1000),
                    });
                }
            }
            Message::Closed { connection, .. } => {
                self.sockets.remove(&connection);
            }
            Message::Broken {
                connection,
                from: Side::Subscriber,
                ..
            } => {
                if let Some(party) = self.sockets.remove(&connection) {
                    self.acts.push(Act::Broke(party));
                }
            }
            Message::Gap => self
                .left_out
                .push("what passed where the recorder could not write".to_owned()),
            Message::Broken { .. }
            | Message::Ping(_)
            | Message::Pong(_)
            | Message::Note { .. }
            | Message::Stopped => {}
        }
    }

    fn request(&mut self, exchange: u64, method: &str, url: &str, headers: &Headers, body: &str) {
        let identity = Identity::of(headers);
        let header = |name: &str| {
            let found = headers.iter().find(|(own, _)| own.eq_ignore_ascii_case(name));
            found.map(|(_, value)| value.as_str()).unwrap_or_default()
        };
        let is_form = header("content-type").starts_with("application/x-www-form-urlencoded");
        let form: HashMap<String, String> = match is_form {
            true => url::form_urlencoded::parse(body.as_bytes())
                .into_owned()
                .collect(),
            false => HashMap::new(),
        };
        match (method, form.get("hub.mode").map(String::as_str)) {
            ("POST", Some("subscribe")) => {
                self.asked.insert(exchange, Asked::Subscribe { form, identity });
            }
            ("POST", Some("unsubscribe")) => {
                let address = form.get("hub.channel.endpoint").or(form.get("hub.callback"));
                if let Some(address) = address {
                    self.asked.insert(exchange, Asked::Unsubscribe(address.clone()));
                }
            }
            ("POST", None) => match serde_json::from_str::<Value>(body) {
                Ok(message) if message.get("event").is_some() => {
                    let topic = message.pointer("/event/hub.topic").and_then(Value::as_str);
                    let topic = topic.unwrap_or_default().to_owned();
                    let (by, guessed) = self.who(&identity, &topic);
                    self.asked.insert(exchange, Asked::Publish(self.acts.len()));
                    self.acts.push(Act::Published(Box::new(Published {
                        by,
                        guessed,
                        topic,
                        message,
                        status: None,
                    })));
                }
                _ => self.left_out.push(format!("a POST to {url} that is no event")),
            },
            ("GET", _) if header("upgrade").is_empty() && !url.contains("/.well-known/") => {
                let topic = url::Url::parse(url).ok().and_then(|own| {
                    let last = own.path_segments()?.next_back()?.to_owned();
                    Some(
                        percent_encoding::percent_decode_str(&last)
                            .decode_utf8_lossy()
                            .into_owned(),
                    )
                });
                let known = |topic: &String| self.parties.iter().any(|own| own.topic == *topic);
                if let Some(topic) = topic.filter(known) {
                    let (party, _) = self.who(&identity, &topic);
                    self.acts.push(Act::AskedForContext { party, topic });
                }
            }
            _ => {}
        }
    }

    fn response(&mut self, exchange: u64, status: u16, body: &str) {
        let accepted = (200..300).contains(&status);
        match self.asked.remove(&exchange) {
            Some(Asked::Subscribe { form, identity }) => self.subscription(form, identity, accepted, body),
            Some(Asked::Unsubscribe(address)) if accepted => {
                if let Some(party) = self.parties.iter().rposition(|own| own.address == address) {
                    self.acts.push(Act::Unsubscribed(party));
                }
            }
            Some(Asked::Publish(act)) => {
                if let Some(Act::Published(own)) = self.acts.get_mut(act) {
                    own.status = Some(status);
                }
            }
            _ => {}
        }
    }

    fn subscription(
        &mut self,
        mut form: HashMap<String, String>,
        identity: Identity,
        accepted: bool,
        body: &str,
    ) {
        let mut taken = |name: &str| form.remove(name).filter(|value| !value.is_empty());
        let events: Vec<String> = taken("hub.events")
            .unwrap_or_default()
            .split(',')
            .map(|own| own.trim().to_owned())
            .filter(|own| own.parse::<EventName>().is_ok())
            .collect();
        let callback = taken("hub.callback");
        let known = taken("hub.channel.endpoint").or(callback.clone());
        let known = known.and_then(|address| self.parties.iter().rposition(|own| own.address == address));
        if let (Some(party), true) = (known, accepted) {
            self.acts.push(Act::Resubscribed { party, events });
            return;
        }
        let answered: Option<Value> = serde_json::from_str(body).ok();
        let endpoint = answered
            .as_ref()
            .and_then(|own| own.get("hub.channel.endpoint")?.as_str());
        let party = self.parties.len();
        self.parties.push(Party {
            topic: taken("hub.topic").unwrap_or_default(),
            events,
            subscriber_name: taken("subscriber.name"),
            lease_seconds: taken("hub.lease_seconds").and_then(|own| own.parse().ok()),
            webhook: callback.is_some(),
            has_secret: taken("hub.secret").is_some(),
            address: callback.or(endpoint.map(str::to_owned)).unwrap_or_default(),
            identity,
        });
        if !accepted {
            self.acts.push(Act::Asked(party));
        }
    }

    fn subscribed(&mut self, party: usize) {
        let before = |act: &Act| matches!(act, Act::Subscribed(own) if *own == party);
        if !self.acts.iter().any(before) {
            self.acts.push(Act::Subscribed(party));
        }
    }

    fn callback(&mut self, exchange: u64, at_ms: f64, method: &str, url: &str, body: &str) {
        let without_query = |url: &str| url.split('?').next().unwrap_or_default().to_owned();
        let own = without_query(url);
        let found = self
            .parties
            .iter()
            .rposition(|party| party.webhook && without_query(&party.address) == own);
        let Some(party) = found else { return };
        let message: Option<Value> = serde_json::from_str(body).ok().filter(|_| method == "POST");
        let id = message
            .as_ref()
            .and_then(|own| own.get("id")?.as_str())
            .map(str::to_owned);
        let verification = url.contains("hub.challenge=") && url.contains("hub.mode=subscribe");
        if id.is_some() || verification {
            self.asked.insert(exchange, Asked::Callback { party, id, at_ms });
        }
    }

    fn frame(&mut self, at_ms: f64, frame: &Frame) {
        let Some(party) = self.sockets.get(&frame.connection).copied() else {
            return;
        };
        let Ok(message) = serde_json::from_str::<Value>(&frame.body.text()) else {
            if frame.from == Side::Subscriber {
                self.left_out
                    .push("a frame of a subscriber that is no JSON".to_owned());
            }
            return;
        };
        let Some(id) = message.get("id").and_then(Value::as_str) else {
            return;
        };
        match (frame.from, message.get("event")) {
            (Side::Hub, Some(_)) => {
                self.notified.insert((party, id.to_owned()), at_ms);
            }
            (Side::Subscriber, None) => {
                let status = message.get("status");
                let number = status.and_then(Value::as_u64);
                let text = status.and_then(Value::as_str);
                let code = number
                    .or_else(|| text?.parse().ok())
                    .and_then(|code| u16::try_from(code).ok());
                let asked = self.notified.get(&(party, id.to_owned())).copied();
                self.answered(
                    party,
                    id.to_owned(),
                    code,
                    text.is_some(),
                    at_ms - asked.unwrap_or(at_ms),
                );
            }
            _ => {}
        }
    }

    fn answered(&mut self, party: usize, id: String, status: Option<u16>, as_text: bool, after_ms: f64) {
        // A time is never negative, and no answer takes 49 days.
        let after_ms = after_ms.clamp(0.0, f64::from(u32::MAX)) as u64;
        self.answers.entry((party, id)).or_insert(Answered {
            status,
            as_text,
            after_ms,
        });
    }

    /// Notifications that were not answered, though there was time to.
    fn note_silences(&mut self) {
        let silent: Vec<(usize, String)> = self
            .notified
            .iter()
            .filter(|(key, at_ms)| !self.answers.contains_key(*key) && self.last_ms - **at_ms > PATIENCE_MS)
            .map(|(key, _)| key.clone())
            .collect();
        for (party, id) in silent {
            self.answered(party, id, None, false, 0.0);
        }
    }

    /// Who sent a request about a topic, as far as can be told, and whether another could have.
    fn who(&self, identity: &Identity, topic: &str) -> (Option<usize>, bool) {
        let mut best: Option<(usize, usize)> = None;
        let mut alike = 0;
        for (position, party) in self.parties.iter().enumerate() {
            if party.topic != topic || party.address.is_empty() {
                continue;
            }
            let likeness = identity.likeness(&party.identity);
            match best {
                Some((_, most)) if likeness < most => {}
                Some((_, most)) if likeness == most => alike += 1,
                _ => {
                    best = Some((position, likeness));
                    alike = 1;
                }
            }
        }
        (best.map(|(position, _)| position), alike > 1)
    }
}
