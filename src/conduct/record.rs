//! The last part of the conversation, as the evidence of what is found: bounded, and without secrets.

use std::collections::VecDeque;
use std::sync::LazyLock;
use std::time::Duration;

use regex::{Captures, Regex};

use super::exchange::{Closer, Frame, Observed};
use crate::outcome::{Entry, Evidence, Traffic};

/// The longest text of one message that is kept, in bytes.
const LONGEST_TEXT: usize = 16 << 10;

/// A place in the conversation, with a JSON pointer into the message where one is to the point.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) sequence: usize,
    pub(super) pointer: Option<String>,
}

impl Place {
    pub(super) fn at(sequence: usize) -> Self {
        Self {
            sequence,
            pointer: None,
        }
    }

    pub(super) fn within(sequence: usize, pointer: &str) -> Self {
        Self {
            sequence,
            pointer: (!pointer.is_empty()).then(|| pointer.to_owned()),
        }
    }
}

/// The last exchanges.
#[derive(Debug)]
pub(super) struct Record {
    entries: VecDeque<Entry>,
    next: usize,
    bytes: usize,
    limit: usize,
}

impl Record {
    /// Keeps messages of so many bytes in all.
    pub(super) fn new(limit: usize) -> Self {
        Self {
            entries: VecDeque::new(),
            next: 0,
            bytes: 0,
            limit,
        }
    }

    pub(super) fn add(&mut self, at: Duration, actor: &str, traffic: Traffic) -> usize {
        let sequence = self.next;
        self.next += 1;
        self.bytes += weight(&traffic);
        self.entries.push_back(Entry {
            sequence,
            at_ms: (at.as_secs_f64() * 1_000_000.0).round() / 1_000.0,
            actor: actor.to_owned(),
            traffic,
        });
        while self.bytes > self.limit
            && self.entries.len() > 1
            && let Some(oldest) = self.entries.pop_front()
        {
            self.bytes = self.bytes.saturating_sub(weight(&oldest.traffic));
        }
        sequence
    }

    /// The messages at these places as far as they are still known, in their order and without secrets.
    pub(super) fn evidence(&self, places: &[Place]) -> Vec<Evidence> {
        let mut places: Vec<&Place> = places.iter().collect();
        places.sort_by_key(|place| place.sequence);
        places.dedup_by_key(|place| place.sequence);
        let first = self.entries.front().map_or(self.next, |entry| entry.sequence);
        let known = places.into_iter().filter_map(|place| {
            let entry = self.entries.get(place.sequence.checked_sub(first)?)?;
            Some(Evidence {
                entry: without_secrets(entry),
                pointer: place.pointer.clone(),
            })
        });
        known.collect()
    }
}

fn weight(traffic: &Traffic) -> usize {
    const OVERHEAD: usize = 256;
    OVERHEAD
        + match traffic {
            Traffic::Request { body, .. } | Traffic::Response { body, .. } => body.len(),
            Traffic::FrameSent { text, .. } | Traffic::FrameReceived { text, .. } => text.len(),
            _ => 0,
        }
}

fn shortened(text: String) -> String {
    if text.len() <= LONGEST_TEXT {
        return text;
    }
    let kept: String = text.chars().take(LONGEST_TEXT / 4).collect();
    format!("{kept}… ({} bytes in all)", text.len())
}

/// An exchange as a line of the transcript; `None` where it is none.
pub(super) fn traffic(observed: &Observed) -> Option<Traffic> {
    let frame = |frame: &Frame| match frame {
        Frame::Text(text) => (shortened(text.clone()), false),
        Frame::Binary(bytes) => (shortened(String::from_utf8_lossy(bytes).into_owned()), true),
    };
    Some(match observed {
        Observed::Request {
            method,
            url,
            headers,
            body,
            ..
        } => Traffic::Request {
            method: method.clone(),
            url: url.clone(),
            headers: headers.clone(),
            body: shortened(String::from_utf8_lossy(body).into_owned()),
        },
        Observed::Answer {
            status,
            headers,
            body,
            ..
        } => Traffic::Response {
            status: *status,
            headers: headers.clone(),
            body: shortened(String::from_utf8_lossy(body).into_owned()),
        },
        Observed::Opened { url, .. } => Traffic::Connect { url: url.clone() },
        Observed::FromHub { frame: own, .. } => {
            let (text, binary) = frame(own);
            Traffic::FrameReceived { text, binary }
        }
        Observed::FromSubscriber { frame: own, .. } => {
            let (text, binary) = frame(own);
            Traffic::FrameSent { text, binary }
        }
        Observed::Closed { by, code, .. } => Traffic::Closed {
            by_hub: *by == Closer::Hub,
            code: *code,
            reason: String::new(),
        },
        Observed::Gap => return None,
    })
}

fn without_secrets(entry: &Entry) -> Entry {
    let headers = |headers: &[(String, String)]| {
        headers
            .iter()
            .map(|(name, value)| (name.clone(), header(name, value)))
            .collect()
    };
    let traffic = match &entry.traffic {
        Traffic::Request {
            method,
            url,
            headers: own,
            body,
        } => Traffic::Request {
            method: method.clone(),
            url: hidden(url),
            headers: headers(own),
            body: hidden(body),
        },
        Traffic::Response {
            status,
            headers: own,
            body,
        } => Traffic::Response {
            status: *status,
            headers: headers(own),
            body: hidden(body),
        },
        Traffic::Connect { url } => Traffic::Connect { url: hidden(url) },
        Traffic::FrameSent { text, binary } => Traffic::FrameSent {
            text: hidden(text),
            binary: *binary,
        },
        Traffic::FrameReceived { text, binary } => Traffic::FrameReceived {
            text: hidden(text),
            binary: *binary,
        },
        other => other.clone(),
    };
    Entry {
        traffic,
        ..entry.clone()
    }
}

/// A header's value without what gives access.
fn header(name: &str, value: &str) -> String {
    match name.to_ascii_lowercase().as_str() {
        "authorization" | "proxy-authorization" => match value.split_once(' ') {
            Some((scheme, _)) => format!("{scheme} …"),
            None => "…".to_owned(),
        },
        "cookie" | "set-cookie" => "…".to_owned(),
        _ => hidden(value),
    }
}

// Both patterns are constants that a test compiles; without them nothing is hidden, so nothing is shown either.
static ENDPOINT: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r#"(?i)\bwss?(?:://|%3A%2F%2F)[^\s"'&<>\\]+"#).ok());
static TOKEN: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r#"(?i)(access_token"?(?:=|%3D|:\s*"?))[^&\s"]+"#).ok());

/// A text in which the endpoints of WebSockets, which let anybody in who knows them, and tokens are shortened.
pub(super) fn hidden(text: &str) -> String {
    let (Some(endpoint), Some(token)) = (&*ENDPOINT, &*TOKEN) else {
        return "…".to_owned();
    };
    let text = endpoint.replace_all(text, |found: &Captures<'_>| shortened_endpoint(&found[0]));
    token.replace_all(&text, "${1}…").into_owned()
}

fn shortened_endpoint(url: &str) -> String {
    const SHOWN: usize = 4;
    let lower = url.to_ascii_lowercase();
    let authority = ["://", "%3a%2f%2f"]
        .iter()
        .find_map(|mark| lower.find(mark).map(|at| at + mark.len()))
        .unwrap_or(0);
    let path = ["/", "%2f"]
        .iter()
        .filter_map(|mark| {
            lower[authority..]
                .rfind(mark)
                .map(|at| authority + at + mark.len())
        })
        .max();
    let Some(path) = path else {
        return url.to_owned();
    };
    let (shown, secret) = url.split_at(path);
    if secret.chars().count() <= SHOWN {
        return url.to_owned();
    }
    let begin: String = secret.chars().take(SHOWN).collect();
    format!("{shown}{begin}…")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_and_tokens_are_not_shown() {
        for (text, shown) in [
            (
                r#"{"hub.channel.endpoint":"wss://h:1/socket/0123456789abcdef"}"#,
                r#"{"hub.channel.endpoint":"wss://h:1/socket/0123…"}"#,
            ),
            (
                "hub.channel.endpoint=wss%3A%2F%2Fh%2Fee30d3b9-1558%0A&hub.mode=unsubscribe",
                "hub.channel.endpoint=wss%3A%2F%2Fh%2Fee30…&hub.mode=unsubscribe",
            ),
            ("ws://h/socket/1?access_token=secret", "ws://h/socket/1?ac…"),
            ("a=b&access_token=secret&c=d", "a=b&access_token=…&c=d"),
            (r#"{"access_token": "secret"}"#, r#"{"access_token": "…"}"#),
            ("Patient/1 of the swss", "Patient/1 of the swss"),
        ] {
            assert_eq!(hidden(text), shown);
        }
        assert_eq!(header("Authorization", "Bearer secret"), "Bearer …");
        assert_eq!(header("authorization", "secret"), "…");
        assert_eq!(header("Cookie", "a=secret"), "…");
    }

    #[test]
    fn only_so_much_is_kept_and_numbers_go_on() {
        let note = || Traffic::FrameSent {
            text: "x".repeat(1_000),
            binary: false,
        };
        let mut record = Record::new(4_000);
        for expected in 0..10 {
            assert_eq!(record.add(Duration::from_millis(5), "viewer", note()), expected);
        }
        let kept = record.evidence(&[Place::at(2), Place::within(9, "/id"), Place::at(9), Place::at(99)]);
        assert_eq!(kept.len(), 1);
        assert_eq!(kept[0].entry.sequence, 9);
        assert_eq!(kept[0].pointer.as_deref(), Some("/id"));
    }
}
