//! The last part of the conversation, as the evidence of what is found: bounded, and without secrets.

use std::collections::VecDeque;
use std::time::Duration;

use super::exchange::{Frame, Observed};
use crate::capture::Side;
use crate::outcome::{Entry, Evidence, Traffic, shortened};
use crate::redaction::Redactor;

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
    redactor: Redactor,
}

impl Record {
    /// Keeps messages of so many bytes in all.
    pub(super) fn new(limit: usize, redactor: Redactor) -> Self {
        Self {
            entries: VecDeque::new(),
            next: 0,
            bytes: 0,
            limit,
            redactor,
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

    /// What hides the secrets.
    pub(super) fn redactor(&self) -> &Redactor {
        &self.redactor
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
                entry: Entry {
                    traffic: self.redactor.traffic(entry.traffic.clone()),
                    ..entry.clone()
                },
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
            Traffic::Request { body, .. }
            | Traffic::Response { body, .. }
            | Traffic::CallbackRequest { body, .. }
            | Traffic::CallbackResponse { body, .. } => body.len(),
            Traffic::FrameSent { text, .. } | Traffic::FrameReceived { text, .. } => text.len(),
            _ => 0,
        }
}

fn kept(text: String) -> String {
    if text.len() <= LONGEST_TEXT {
        return text;
    }
    format!(
        "{} ({} bytes in all)",
        shortened(&text, LONGEST_TEXT / 4),
        text.len()
    )
}

/// An exchange as a line of the transcript, `None` where it is none; `to` is the place of the call that it answers.
pub(super) fn traffic(observed: &Observed, to: usize) -> Option<Traffic> {
    let frame = |frame: &Frame| match frame {
        Frame::Text(text) => (kept(text.clone()), false),
        Frame::Binary(bytes) => (kept(String::from_utf8_lossy(bytes).into_owned()), true),
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
            body: kept(String::from_utf8_lossy(body).into_owned()),
        },
        Observed::ScopesAsked { application, scope } => {
            const PATH: &str = "/authorize?";
            let mut query = url::form_urlencoded::Serializer::for_suffix(PATH.to_owned(), PATH.len());
            query.append_pair("client_id", application);
            if let Some(scope) = scope {
                query.append_pair("scope", scope);
            }
            Traffic::Request {
                method: "GET".to_owned(),
                url: kept(query.finish()),
                headers: Vec::new(),
                body: String::new(),
            }
        }
        Observed::Launched { answer, .. } => Traffic::Response {
            status: 200,
            headers: Vec::new(),
            body: kept(answer.to_string()),
        },
        Observed::Answer {
            status,
            headers,
            body,
            ..
        } => Traffic::Response {
            status: *status,
            headers: headers.clone(),
            body: kept(String::from_utf8_lossy(body).into_owned()),
        },
        Observed::Called {
            method,
            url,
            headers,
            body,
            ..
        } => Traffic::CallbackRequest {
            method: method.clone(),
            url: url.clone(),
            headers: headers.clone(),
            body: kept(String::from_utf8_lossy(body).into_owned()),
        },
        Observed::CallAnswered {
            status,
            headers,
            body,
            ..
        } => Traffic::CallbackResponse {
            to,
            status: *status,
            headers: headers.clone(),
            body: kept(String::from_utf8_lossy(body).into_owned()),
        },
        Observed::CallFailed { problem, .. } => Traffic::NoResponse {
            problem: problem.clone(),
        },
        Observed::Opened { url, .. } => Traffic::Connect { url: url.clone() },
        Observed::FromHub { frame: message, .. } => {
            let (text, binary) = frame(message);
            Traffic::FrameReceived { text, binary }
        }
        Observed::FromSubscriber { frame: message, .. } => {
            let (text, binary) = frame(message);
            Traffic::FrameSent { text, binary }
        }
        Observed::Closed { by, code, .. } => Traffic::Closed {
            by_hub: *by == Some(Side::Hub),
            code: *code,
            reason: String::new(),
        },
        Observed::Gap => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_so_much_is_kept_and_numbers_go_on() {
        let note = || Traffic::FrameSent {
            text: "x".repeat(1_000),
            binary: false,
        };
        let mut record = Record::new(4_000, Redactor::default());
        for expected in 0..10 {
            assert_eq!(record.add(Duration::from_millis(5), "viewer", note()), expected);
        }
        let kept = record.evidence(&[Place::at(2), Place::within(9, "/id"), Place::at(9), Place::at(99)]);
        assert_eq!(kept.len(), 1);
        assert_eq!(kept[0].entry.sequence, 9);
        assert_eq!(kept[0].pointer.as_deref(), Some("/id"));
    }
}
