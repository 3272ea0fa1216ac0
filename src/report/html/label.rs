//! The label over the arrow of a message: what it is, in a few words.

use serde_json::Value;

use crate::report::text;
use castspec_judging::outcome::{Entry, Traffic, shortened};

/// Characters of a label at the most.
const LONGEST: usize = 30;

/// The label of a message.
pub fn label(entry: &Entry) -> String {
    let told = match &entry.traffic {
        Traffic::Request {
            method, url, body, ..
        } => match form_or_json(entry, body) {
            Some(what) => format!("{method} {what}"),
            None => format!("{method} {}", last_step(url)),
        },
        Traffic::CallbackRequest {
            method, url, body, ..
        } => match frame(body).or_else(|| parameter(query(url), "hub.mode")) {
            Some(what) => format!("{method} {what}"),
            None => format!("{method} callback"),
        },
        Traffic::Response { status, .. } | Traffic::CallbackResponse { status, .. } => status_line(*status),
        Traffic::NoResponse { .. } => "no answer".to_owned(),
        Traffic::Connect { .. } => "asks for a WebSocket".to_owned(),
        Traffic::Connected => "WebSocket open".to_owned(),
        Traffic::ConnectFailed { status, .. } => match status {
            Some(status) => format!("no WebSocket: {status}"),
            None => "no WebSocket".to_owned(),
        },
        Traffic::FrameSent { text, .. } | Traffic::FrameReceived { text, .. } => {
            frame(text).unwrap_or_else(|| "frame".to_owned())
        }
        Traffic::Closed { code, .. } => match code {
            Some(code) => format!("closes with {code}"),
            None => "closes".to_owned(),
        },
        Traffic::Note { text } => text.clone(),
    };
    shortened(&text::line(&told), LONGEST)
}

fn form_or_json(entry: &Entry, body: &str) -> Option<String> {
    match text::is_form(entry) {
        true => parameter(body, "hub.mode"),
        false => frame(body),
    }
}

/// The kind of a JSON message: a notification, a confirmation or denial, an acknowledgement.
fn frame(body: &str) -> Option<String> {
    let json: Value = serde_json::from_str(body).ok()?;
    let text = |pointer: &str| json.pointer(pointer).and_then(Value::as_str);
    if let Some(event) = text("/event/hub.event") {
        return Some(event.to_owned());
    }
    if let Some(mode) = text("/hub.mode") {
        return Some(match mode {
            "subscribe" => "confirmation".to_owned(),
            "denied" => "denial".to_owned(),
            other => format!("hub.mode {other}"),
        });
    }
    match (json.get("status"), json.get("id")) {
        (Some(Value::String(status)), Some(_)) => Some(format!("acknowledges {status}")),
        (Some(Value::Number(status)), Some(_)) => Some(format!("acknowledges {status}")),
        _ => None,
    }
}

fn parameter(form: &str, wanted: &str) -> Option<String> {
    let mut pairs = url::form_urlencoded::parse(form.as_bytes());
    pairs
        .find(|(name, _)| name == wanted)
        .map(|(_, value)| value.into_owned())
}

fn query(url: &str) -> &str {
    url.split_once('?').map_or("", |(_, query)| query)
}

fn last_step(url: &str) -> &str {
    let path = url.split(['?', '#']).next().unwrap_or_default();
    path.trim_end_matches('/').rsplit('/').next().unwrap_or_default()
}

fn status_line(status: u16) -> String {
    let reason = http::StatusCode::from_u16(status).ok();
    match reason.and_then(|status| status.canonical_reason()) {
        Some(reason) => format!("{status} {reason}"),
        None => status.to_string(),
    }
}
