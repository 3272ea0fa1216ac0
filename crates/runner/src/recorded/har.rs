//! HAR files, as the developer tools of browsers write them, with the messages over WebSockets in `_webSocketMessages`.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::de::Error;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::recording::Recording;
use crate::capture::{Frame, Header, Headers, Line, Message, Payload, Side};
use crate::outcome::Tool;
use crate::redaction::Redactor;

/// A HAR file cannot be judged.
#[derive(Debug, thiserror::Error)]
pub enum HarError {
    /// It is not in its format.
    #[error("is a HAR file, but not as browsers write it: {0}")]
    Format(#[from] serde_json::Error),
    /// Nothing in it is FHIRcast.
    #[error(
        "is a HAR file without a subscription: no POST with hub.mode is in it, which would tell the hub; record from before the application subscribes"
    )]
    NoHub,
}

#[derive(Deserialize)]
struct Har {
    log: Log,
}

#[derive(Deserialize)]
struct Log {
    creator: Option<Creator>,
    entries: Vec<Entry>,
}

#[derive(Deserialize)]
struct Creator {
    name: String,
    #[serde(default)]
    version: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    #[serde(deserialize_with = "instant")]
    started_date_time: jiff::Timestamp,
    /// Milliseconds.
    #[serde(default)]
    time: f64,
    request: Request,
    response: Response,
    #[serde(rename = "_webSocketMessages", default)]
    messages: Vec<Passed>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Request {
    method: String,
    url: String,
    #[serde(default)]
    headers: Vec<Named>,
    post_data: Option<PostData>,
}

#[derive(Deserialize)]
struct Response {
    status: u16,
    #[serde(default)]
    headers: Vec<Named>,
    #[serde(default)]
    content: Content,
}

#[derive(Deserialize)]
struct Named {
    name: String,
    value: String,
}

#[derive(Deserialize)]
struct PostData {
    #[serde(default)]
    text: String,
    #[serde(default)]
    params: Vec<Named>,
}

#[derive(Deserialize, Default)]
struct Content {
    #[serde(default)]
    text: String,
    encoding: Option<String>,
}

#[derive(Deserialize)]
struct Passed {
    #[serde(rename = "type")]
    direction: String,
    /// Seconds since 1970.
    time: f64,
    opcode: u8,
    #[serde(default)]
    data: String,
}

fn instant<'de, D: Deserializer<'de>>(source: D) -> Result<jiff::Timestamp, D::Error> {
    String::deserialize(source)?.parse().map_err(D::Error::custom)
}

/// Whether a document is a HAR file.
pub(super) fn is_har(document: &Value) -> bool {
    document.pointer("/log/entries").is_some_and(Value::is_array)
}

/// Reads a HAR file: one browser's conversation with a hub.
///
/// # Errors
/// When it is not in its format, or nobody subscribes in it.
pub(super) fn read(document: &Value) -> Result<Recording, HarError> {
    let log = Har::deserialize(document)?.log;
    let redactor = Redactor::new(false, true);
    let subscribes = |entry: &&Entry| {
        let form = entry.request.body();
        entry.request.method == "POST"
            && url::form_urlencoded::parse(form.as_bytes()).any(|(name, _)| name == "hub.mode")
    };
    let upstream = log.entries.iter().find(subscribes).ok_or(HarError::NoHub)?;
    let upstream = upstream.request.url.split(['?', '#']).next().unwrap_or_default();
    let upstream = upstream.trim_end_matches('/').to_owned();
    let first = log.entries.iter().map(|entry| entry.started_date_time).min();
    let first = first.unwrap_or_default();
    let begin = first.as_millisecond() as f64;
    let mut lines = Vec::new();
    for (number, entry) in (1..).zip(&log.entries) {
        add(entry, number, begin, &redactor, &mut lines);
    }
    // A stable order: what is at the same time stays as the file has it.
    lines.sort_by(|one: &Line, other| one.at_ms.total_cmp(&other.at_ms));
    let creator = log.creator.unwrap_or(Creator {
        name: "a browser".to_owned(),
        version: String::new(),
    });
    let header = Header {
        castspec_capture: crate::capture::FORMAT,
        tool: Tool {
            name: creator.name,
            version: creator.version,
        },
        started: first.to_string(),
        upstream,
        fhircast_versions: Vec::new(),
    };
    Ok(Recording::new(
        header,
        lines,
        None,
        Some("the browser".to_owned()),
    ))
}

fn add(entry: &Entry, number: u64, begin: f64, redactor: &Redactor, lines: &mut Vec<Line>) {
    let at = (entry.started_date_time.as_nanosecond() as f64 / 1_000_000.0 - begin).max(0.0);
    let payload = |text: &[u8]| Payload::redacted(text, text.len(), redactor);
    let mut push = |at_ms: f64, mut message: Message| {
        message.redact(redactor);
        lines.push(Line { at_ms, message });
    };
    push(
        at,
        Message::Request {
            exchange: number,
            method: entry.request.method.clone(),
            url: entry.request.url.clone(),
            headers: listed(&entry.request.headers),
            body: payload(entry.request.body().as_bytes()),
            replaced: Vec::new(),
        },
    );
    if !entry.request.url.starts_with("ws") || (entry.response.status != 101 && entry.messages.is_empty()) {
        let answered = at + entry.time.max(0.0);
        // Of a request that was given up, browsers tell the status 0.
        if entry.response.status < 100 {
            let problem = "the browser has no answer".to_owned();
            let from = Side::Hub;
            return push(
                answered,
                Message::NoResponse {
                    exchange: number,
                    from,
                    problem,
                },
            );
        }
        return push(
            answered,
            Message::Response {
                exchange: number,
                status: entry.response.status,
                headers: listed(&entry.response.headers),
                body: payload(&entry.response.content.bytes()),
                replaced: Vec::new(),
            },
        );
    }
    let opened = Message::Opened {
        connection: number,
        exchange: number,
        url: entry.request.url.clone(),
    };
    push(at, opened);
    for passed in &entry.messages {
        let from = match passed.direction.as_str() {
            "send" => Side::Subscriber,
            _ => Side::Hub,
        };
        let frame = |bytes: &[u8]| Frame {
            connection: number,
            from,
            body: payload(bytes),
        };
        let message = match passed.opcode {
            1 => Message::Text(frame(passed.data.as_bytes())),
            2 => Message::Binary(frame(&STANDARD.decode(&passed.data).unwrap_or_default())),
            _ => continue,
        };
        push((passed.time * 1_000.0 - begin).max(at), message);
    }
}

impl Request {
    /// The body; where a browser gives only the parameters of a form, they are put together again.
    fn body(&self) -> String {
        let Some(data) = &self.post_data else {
            return String::new();
        };
        if !data.text.is_empty() || data.params.is_empty() {
            return data.text.clone();
        }
        let pairs = data
            .params
            .iter()
            .map(|parameter| format!("{}={}", parameter.name, parameter.value));
        pairs.collect::<Vec<_>>().join("&")
    }
}

impl Content {
    fn bytes(&self) -> Vec<u8> {
        match self.encoding.as_deref() {
            Some("base64") => STANDARD.decode(&self.text).unwrap_or_default(),
            _ => self.text.clone().into_bytes(),
        }
    }
}

fn listed(headers: &[Named]) -> Headers {
    // Those that begin with a colon are HTTP/2's own.
    let headers = headers.iter().filter(|header| !header.name.starts_with(':'));
    headers
        .map(|header| (header.name.to_ascii_lowercase(), header.value.clone()))
        .collect()
}
