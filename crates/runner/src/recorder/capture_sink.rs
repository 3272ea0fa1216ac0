//! The capture that is being written, and the lines that people are shown meanwhile.

use std::collections::HashSet;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use crate::capture::{Message, Payload, Side, Writer};
use crate::redaction::Redactor;

/// Takes a line for people, without its end.
pub type Tell = Box<dyn Fn(&str) + Send + Sync>;

/// The number of secrets that are looked for in everything; further ones are hidden where their place tells that they are secrets.
const SECRETS: usize = 1_000;

/// Clones write to the same capture.
#[derive(Clone)]
pub(super) struct CaptureSink(Arc<Inner>);

struct Inner {
    state: Mutex<State>,
    redactor: Redactor,
    secrets: Mutex<HashSet<String>>,
    tell: Tell,
    start: Instant,
    exchanges: AtomicU64,
    connections: AtomicU64,
}

struct State {
    writer: Writer,
    /// The last line failed.
    failing: bool,
    /// Some line failed.
    failed: bool,
    ended: bool,
}

impl fmt::Debug for CaptureSink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CaptureSink").finish_non_exhaustive()
    }
}

impl CaptureSink {
    pub(super) fn new(writer: Writer, redactor: Redactor, tell: Tell) -> Self {
        Self(Arc::new(Inner {
            state: Mutex::new(State {
                writer,
                failing: false,
                failed: false,
                ended: false,
            }),
            redactor,
            secrets: Mutex::default(),
            tell,
            start: Instant::now(),
            exchanges: AtomicU64::new(1),
            connections: AtomicU64::new(1),
        }))
    }

    pub(super) fn next_exchange(&self) -> u64 {
        self.0.exchanges.fetch_add(1, Ordering::Relaxed)
    }

    pub(super) fn next_connection(&self) -> u64 {
        self.0.connections.fetch_add(1, Ordering::Relaxed)
    }

    /// Hides this secret from now on, wherever it stands.
    pub(super) fn know(&self, secret: &str) {
        let mut secrets = self.0.secrets.lock().unwrap_or_else(PoisonError::into_inner);
        if secrets.len() < SECRETS && secrets.insert(secret.to_owned()) {
            self.0.redactor.know(secret);
        }
    }

    /// These bytes as the capture may hold them; `length` of them there were in all.
    pub(super) fn payload(&self, bytes: &[u8], length: usize) -> Payload {
        Payload::redacted(bytes, length, &self.0.redactor)
    }

    /// Writes a message. This waits for the operating system to take the line, and no longer: what a subscriber has seen is in
    /// the capture, even if the recorder is killed now.
    pub(super) fn write(&self, mut message: Message) {
        message.redact(&self.0.redactor);
        let at_ms = self.0.start.elapsed().as_secs_f64() * 1_000.0;
        let mut state = self.0.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.ended {
            return;
        }
        let result = state.writer.write(at_ms, message);
        let changed = result.is_err() != state.failing;
        state.failing = result.is_err();
        state.failed |= result.is_err();
        drop(state);
        match result {
            Err(error) if changed => (self.0.tell)(&format!(
                "the capture cannot be written, and messages that pass now are missing in it: {error}"
            )),
            Ok(()) if changed => (self.0.tell)("the capture can be written again"),
            _ => {}
        }
    }

    /// Tells people something that stands in the capture in another form.
    pub(super) fn tell(&self, text: &str) {
        (self.0.tell)(&self.0.redactor.text(text));
    }

    /// Writes a remark and tells it.
    pub(super) fn remark(&self, text: &str) {
        let text = self.0.redactor.text(text);
        (self.0.tell)(&text);
        self.write(Message::Note { text });
    }

    /// No answer came.
    pub(super) fn no_response(&self, exchange: u64, from: Side, problem: &str) {
        self.write(Message::NoResponse {
            exchange,
            from,
            problem: problem.to_owned(),
        });
    }

    /// Writes the last message. Whether all messages could be written.
    pub(super) fn end(&self, message: Message) -> bool {
        self.write(message);
        let mut state = self.0.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.ended = true;
        !state.failed
    }
}

/// An HTTP exchange that is not answered yet; when it is dropped so, the one that asked has gone away.
pub(super) struct Pending {
    sink: Option<CaptureSink>,
    exchange: u64,
    asker: Side,
}

impl Pending {
    pub(super) fn new(sink: &CaptureSink, exchange: u64, asker: Side) -> Self {
        Self {
            sink: Some(sink.clone()),
            exchange,
            asker,
        }
    }

    /// It is answered, or never will be.
    pub(super) fn over(mut self) {
        self.sink = None;
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        if let Some(sink) = &self.sink {
            let problem = "the connection was closed before the answer came";
            sink.no_response(self.exchange, self.asker, problem);
        }
    }
}
