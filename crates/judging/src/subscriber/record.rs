//! The last part of the conversation, as the evidence of what is found: bounded, and without secrets.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use super::exchange::{Frame, Observed};
use super::findings::Subscriber;
use crate::capture::Side;
use crate::outcome::{Entry, Evidence, Traffic, shortened};
use crate::redaction::Redactor;

/// The longest text of one message that is kept, in bytes.
const LONGEST_TEXT: usize = 16 << 10;
/// What a line costs beside its text, in bytes.
const OVERHEAD: usize = 256;

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

/// Who sent or received it.
#[derive(Debug)]
pub(super) enum Actor {
    Subscriber(Arc<Subscriber>),
    Named(String),
}

/// An exchange as it is kept: a frame shares its text with those who were sent the same.
#[derive(Debug)]
pub(super) enum Kept {
    FromHub(Frame),
    FromSubscriber(Frame),
    Traffic(Traffic),
}

#[derive(Debug)]
struct Line {
    at: Duration,
    actor: Actor,
    kept: Kept,
    /// What it costs, in bytes.
    weight: usize,
}

/// The last exchanges.
#[derive(Debug)]
pub(super) struct Record {
    lines: VecDeque<Line>,
    next: usize,
    bytes: usize,
    limit: usize,
    redactor: Redactor,
}

impl Record {
    /// Keeps messages of so many bytes in all.
    pub(super) fn new(limit: usize, redactor: Redactor) -> Self {
        Self {
            lines: VecDeque::new(),
            next: 0,
            bytes: 0,
            limit,
            redactor,
        }
    }

    pub(super) fn add(&mut self, at: Duration, actor: Actor, kept: Kept) -> usize {
        let sequence = self.next;
        self.next += 1;
        let before = self.lines.back().map(|line| &line.kept);
        let weight = OVERHEAD + kept.weight_after(before);
        self.bytes += weight;
        self.lines.push_back(Line {
            at,
            actor,
            kept,
            weight,
        });
        while self.bytes > self.limit
            && self.lines.len() > 1
            && let Some(oldest) = self.lines.pop_front()
        {
            self.bytes = self.bytes.saturating_sub(oldest.weight);
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
        let first = self.next - self.lines.len();
        let known = places.into_iter().filter_map(|place| {
            let line = self.lines.get(place.sequence.checked_sub(first)?)?;
            let actor = match &line.actor {
                Actor::Subscriber(who) => &who.name,
                Actor::Named(name) => name,
            };
            let traffic = self.redactor.traffic(line.kept.traffic());
            Some(Evidence {
                entry: Entry::new(place.sequence, line.at, actor, traffic),
                pointer: place.pointer.clone(),
            })
        });
        known.collect()
    }
}

impl Kept {
    /// An exchange as a line of the transcript, `None` where it is none; `to` is the place of the call that it answers.
    pub(super) fn of(observed: &Observed, to: usize) -> Option<Self> {
        match observed {
            Observed::FromHub { frame, .. } if is_short(frame) => Some(Self::FromHub(frame.clone())),
            Observed::FromSubscriber { frame, .. } if is_short(frame) => {
                Some(Self::FromSubscriber(frame.clone()))
            }
            other => traffic(other, to).map(Self::Traffic),
        }
    }

    fn traffic(&self) -> Traffic {
        let text = |frame: &Frame| match frame {
            Frame::Text(text) => (text.to_string(), false),
            Frame::Binary(bytes) => (String::from_utf8_lossy(bytes).into_owned(), true),
        };
        match self {
            Self::FromHub(frame) => {
                let (text, binary) = text(frame);
                Traffic::FrameReceived { text, binary }
            }
            Self::FromSubscriber(frame) => {
                let (text, binary) = text(frame);
                Traffic::FrameSent { text, binary }
            }
            Self::Traffic(traffic) => traffic.clone(),
        }
    }

    /// The bytes that it holds, but for those that it shares with the line before.
    fn weight_after(&self, before: Option<&Self>) -> usize {
        match (self, before) {
            (Self::FromHub(Frame::Text(text)), Some(Self::FromHub(Frame::Text(before))))
                if text.as_ptr() == before.as_ptr() =>
            {
                0
            }
            (Self::FromHub(frame) | Self::FromSubscriber(frame), _) => length(frame),
            (Self::Traffic(traffic), _) => traffic.length(),
        }
    }
}

fn length(frame: &Frame) -> usize {
    match frame {
        Frame::Text(text) => text.len(),
        Frame::Binary(bytes) => bytes.len(),
    }
}

fn is_short(frame: &Frame) -> bool {
    length(frame) <= LONGEST_TEXT
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

/// An exchange that is no short frame.
fn traffic(observed: &Observed, to: usize) -> Option<Traffic> {
    let frame = |frame: &Frame| match frame {
        Frame::Text(text) => (kept(text.to_string()), false),
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
        let note = || Kept::FromSubscriber(Frame::Text("x".repeat(1_000).into()));
        let viewer = || Actor::Named("viewer".to_owned());
        let mut record = Record::new(4_000, Redactor::default());
        for expected in 0..10 {
            assert_eq!(record.add(Duration::from_millis(5), viewer(), note()), expected);
        }
        let kept = record.evidence(&[Place::at(2), Place::within(9, "/id"), Place::at(9), Place::at(99)]);
        assert_eq!(kept.len(), 1);
        assert_eq!(kept[0].entry.sequence, 9);
        assert_eq!(kept[0].pointer.as_deref(), Some("/id"));
    }

    #[test]
    fn a_text_that_went_to_many_is_kept_once() {
        let text = bytestring::ByteString::from("x".repeat(1_000));
        let mut record = Record::new(5_000, Redactor::default());
        for _ in 0..10 {
            let viewer = Actor::Named("viewer".to_owned());
            record.add(Duration::ZERO, viewer, Kept::FromHub(Frame::Text(text.clone())));
        }
        let all: Vec<Place> = (0..10).map(Place::at).collect();
        assert_eq!(record.evidence(&all).len(), 10);
    }
}
