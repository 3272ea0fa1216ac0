//! What the hub of a capture did for each subscription, and what it waited for.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::super::script::{Act, HubCall, Receiver, Script};
use crate::capture::Identity;

/// A message of the hub, and what had come from the subscriber by then.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Cue {
    /// The message, as it was sent.
    pub(super) text: String,
    /// So many frames had come over this WebSocket.
    pub(super) after_frames: usize,
    /// It is a copy of what this subscriber itself published, or may have: this one of all publications.
    pub(super) after_publication: Option<usize>,
}

/// A call of the hub to a callback, and what had come by then.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct CallCue {
    /// The call.
    pub(super) call: HubCall,
    /// So many requests had come that name this callback.
    pub(super) after_requests: usize,
    /// So many calls had been answered by the callbacks of other parts.
    pub(super) after_calls: Vec<(usize, usize)>,
    /// As in [`Cue`].
    pub(super) after_publication: Option<usize>,
}

/// The callback of a subscription of the capture.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Called {
    receiver: Receiver,
    /// Its own query string.
    pub(super) query: String,
    /// The exchanges of the requests that name it, and status and body of their answers.
    pub(super) requests: Vec<(u64, u16, String)>,
    /// How the hub then called it.
    pub(super) cues: Vec<CallCue>,
}

/// A subscription of the capture.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Part {
    /// `subscriber.name`.
    pub(super) name: Option<String>,
    /// `hub.events`, in lower case.
    pub(super) events: BTreeSet<String>,
    /// `hub.topic`.
    pub(super) topic: String,
    /// What the hub answered.
    pub(super) status: u16,
    /// The endpoint that it gave; none where it refused.
    pub(super) endpoint: Option<String>,
    /// What it then sent.
    pub(super) cues: Vec<Cue>,
    /// The callback that notifications went to, where it has one.
    pub(super) called: Option<Called>,
    /// The code with which it closed the WebSocket, if it did.
    pub(super) closed: Option<Option<u16>>,
    /// How the subscriber answered each event: the status by id.
    pub(super) answers: BTreeMap<String, String>,
    /// Who it is, as far as its requests tell.
    pub(super) identity: Identity,
}

impl Part {
    /// The hub took the subscription.
    pub(super) fn is_active(&self) -> bool {
        self.endpoint.is_some() || (self.called.is_some() && (200..300).contains(&self.status))
    }
}

/// An event that a subscriber of the capture published.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Publication {
    pub(super) event: String,
    pub(super) id: String,
    pub(super) topic: String,
    /// What the hub answered.
    pub(super) status: u16,
    /// The part of who published it, where only one can have.
    pub(super) by: Option<usize>,
}

/// The hub's side of a capture.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Parts {
    pub(super) parts: Vec<Part>,
    pub(super) publications: Vec<Publication>,
    /// Status and body of the last answer to each GET, by what followed `hub.url`.
    pub(super) documents: BTreeMap<String, (u16, String)>,
}

impl Parts {
    pub(super) fn of(script: &Script) -> Self {
        let mut own = Self::default();
        let mut connections: BTreeMap<u64, usize> = BTreeMap::new();
        let mut frames: BTreeMap<u64, usize> = BTreeMap::new();
        for step in &script.steps {
            match &step.act {
                Act::Request {
                    exchange,
                    method,
                    path,
                    body,
                    identity,
                    ..
                } => own.request(script, *exchange, method, path, body, identity),
                Act::Open { connection, url } => {
                    let found = own
                        .parts
                        .iter()
                        .rposition(|part| part.endpoint.as_deref() == Some(url));
                    if let Some(position) = found {
                        connections.insert(*connection, position);
                        let part = &mut own.parts[position];
                        let sent = script
                            .sent
                            .get(&Receiver::Socket(*connection))
                            .into_iter()
                            .flatten();
                        part.cues = sent
                            .map(|text| Cue {
                                text: text.clone(),
                                after_frames: 0,
                                after_publication: None,
                            })
                            .collect();
                        part.closed = script.closed.get(connection).copied();
                    }
                }
                Act::Send { connection, text } => {
                    let Some(part) = connections
                        .get(connection)
                        .map(|own_part| &mut own.parts[*own_part])
                    else {
                        continue;
                    };
                    let count = frames.entry(*connection).or_insert(0);
                    *count += 1;
                    // What the hub sent later had this before it.
                    let before = step
                        .after
                        .get(&Receiver::Socket(*connection))
                        .copied()
                        .unwrap_or(0);
                    for cue in part.cues.iter_mut().skip(before) {
                        cue.after_frames = *count;
                    }
                    if let Some((id, status)) = acknowledgement(text) {
                        part.answers.insert(id, status);
                    }
                }
                Act::Close { .. } | Act::Break { .. } => {}
            }
        }
        own.take_calls(script);
        own.await_own_publications();
        own
    }

    fn take_calls(&mut self, script: &Script) {
        let receiver = |own: &Part| own.called.as_ref().map(|called| called.receiver.clone());
        let receivers: Vec<_> = self.parts.iter().map(receiver).collect();
        let part_of = |wanted: &Receiver| receivers.iter().position(|own| own.as_ref() == Some(wanted));
        for called in self.parts.iter_mut().filter_map(|own| own.called.as_mut()) {
            let own = part_of(&called.receiver);
            let calls = script.calls.get(&called.receiver).into_iter().flatten();
            called.cues = calls
                .map(|call| CallCue {
                    call: call.clone(),
                    after_calls: call
                        .after
                        .iter()
                        .filter_map(|(receiver, count)| Some((part_of(receiver)?, *count)))
                        .filter(|(part, _)| Some(*part) != own)
                        .collect(),
                    after_requests: called.requests.iter().filter(|own| own.0 < call.exchange).count(),
                    after_publication: None,
                })
                .collect();
        }
    }

    /// Nobody is sent a copy of what it has, or may have, still to publish.
    fn await_own_publications(&mut self) {
        for (position, part) in self.parts.iter_mut().enumerate() {
            let publication = |text: &str| {
                let message: Value = serde_json::from_str(text).ok()?;
                let id = message.get("id")?.as_str()?;
                let is_it = |own: &Publication| own.by.is_none_or(|by| by == position) && own.id == id;
                self.publications.iter().position(is_it)
            };
            for cue in &mut part.cues {
                cue.after_publication = publication(&cue.text);
            }
            for cue in part.called.iter_mut().flat_map(|own| &mut own.cues) {
                cue.after_publication = publication(&cue.call.body);
            }
        }
    }

    /// The part of who sends such requests about a topic, where only one is the likeliest.
    fn who(&self, identity: &Identity, topic: &str) -> Option<usize> {
        let all = self.parts.iter().enumerate();
        let of_topic = all.filter(|(_, part)| part.topic == topic && part.is_active());
        let likeness: Vec<(usize, usize)> = of_topic
            .map(|(position, part)| (identity.likeness(&part.identity), position))
            .collect();
        let most = likeness.iter().map(|(own, _)| *own).max()?;
        let mut likeliest = likeness.iter().filter(|(own, _)| *own == most);
        let (_, first) = likeliest.next()?;
        likeliest.next().is_none().then_some(*first)
    }

    fn request(
        &mut self,
        script: &Script,
        exchange: u64,
        method: &str,
        path: &str,
        body: &str,
        identity: &Identity,
    ) {
        let Some((status, answer)) = script.answers.get(&exchange).cloned() else {
            return;
        };
        if method == "GET" {
            self.documents.insert(path.to_owned(), (status, answer));
            return;
        }
        if let Ok(message) = serde_json::from_str::<Value>(body) {
            let text = |pointer: &str| message.pointer(pointer).and_then(Value::as_str);
            if let Some(event) = text("/event/hub.event") {
                let topic = text("/event/hub.topic").unwrap_or_default();
                let by = self.who(identity, topic);
                self.publications.push(Publication {
                    by,
                    event: event.to_lowercase(),
                    id: text("/id").unwrap_or_default().to_owned(),
                    topic: text("/event/hub.topic").unwrap_or_default().to_owned(),
                    status,
                });
            }
            return;
        }
        let form: BTreeMap<String, String> = url::form_urlencoded::parse(body.as_bytes())
            .into_owned()
            .collect();
        let callback = form.get("hub.callback");
        if let Some(callback) = callback {
            let receiver = Receiver::at(callback);
            let known = self.parts.iter_mut().filter_map(|own| own.called.as_mut());
            if let Some(known) = known.into_iter().find(|own| own.receiver == receiver) {
                known.requests.push((exchange, status, answer));
                return;
            }
        }
        let is_new = !form.contains_key("hub.channel.endpoint");
        if form.get("hub.mode").map(String::as_str) == Some("subscribe") && is_new {
            let answered: Option<Value> = serde_json::from_str(&answer).ok();
            let endpoint = answered
                .as_ref()
                .and_then(|own| own.get("hub.channel.endpoint")?.as_str());
            self.parts.push(Part {
                name: form.get("subscriber.name").cloned(),
                events: events(form.get("hub.events").map_or("", String::as_str)),
                topic: form.get("hub.topic").cloned().unwrap_or_default(),
                status,
                endpoint: endpoint.map(str::to_owned),
                called: callback.map(|callback| Called {
                    receiver: Receiver::at(callback),
                    query: callback.split_once('?').map_or("", |(_, query)| query).to_owned(),
                    requests: vec![(exchange, status, answer.clone())],
                    cues: Vec::new(),
                }),
                identity: identity.clone(),
                ..Part::default()
            });
        }
    }
}

/// The names of events in a list, in lower case.
pub(super) fn events(list: &str) -> BTreeSet<String> {
    list.split(',')
        .map(|own| own.trim().to_lowercase())
        .filter(|own| !own.is_empty())
        .collect()
}

/// The id and the status of an answer to a notification.
pub(super) fn acknowledgement(text: &str) -> Option<(String, String)> {
    let message: Value = serde_json::from_str(text).ok()?;
    let id = message.get("id")?.as_str()?.to_owned();
    let status = match message.get("status")? {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    Some((id, status))
}
