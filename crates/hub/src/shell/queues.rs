//! The queues between a session and the sockets of its subscribers.

use std::collections::HashMap;

use axum::extract::ws::Utf8Bytes;
use bytestring::ByteString;
use tokio::sync::mpsc;

use crate::session::SubscriberId;

/// The number of texts whose converted form is kept: an event and those that are derived from it go out together.
const KEPT: usize = 8;

/// One thing for a socket to send.
#[derive(Debug)]
pub(super) enum Frame {
    Text(Utf8Bytes),
    Close {
        code: u16,
        reason: String,
    },
    /// Nothing: the connection is to end without a close frame.
    Cut,
}

/// More waits for a socket than may; its queue is gone.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Overflow;

/// The queue of each connected subscriber.
#[derive(Debug, Default)]
pub(super) struct SocketQueues {
    senders: HashMap<SubscriberId, mpsc::Sender<Frame>>,
    converted: Vec<(ByteString, Utf8Bytes)>,
}

impl SocketQueues {
    /// Opens the queue of a subscriber.
    pub(super) fn open(&mut self, subscriber: SubscriberId, capacity: usize) -> mpsc::Receiver<Frame> {
        let (sender, receiver) = mpsc::channel(capacity.max(1));
        self.senders.insert(subscriber, sender);
        receiver
    }

    /// Lets a text wait for a socket, where there is one.
    ///
    /// # Errors
    /// When its queue is full.
    pub(super) fn send(&mut self, subscriber: SubscriberId, text: &ByteString) -> Result<(), Overflow> {
        if !self.senders.contains_key(&subscriber) {
            return Ok(());
        }
        let frame = Frame::Text(self.convert(text));
        let queue = self.senders.get(&subscriber);
        if queue.is_none_or(|queue| queue.try_send(frame).is_ok()) {
            return Ok(());
        }
        self.senders.remove(&subscriber);
        Err(Overflow)
    }

    /// The text as sockets take it: the same bytes, checked once and not once a receiver.
    fn convert(&mut self, text: &ByteString) -> Utf8Bytes {
        let known = self.converted.iter().rev().find(|(kept, _)| is_same(kept, text));
        if let Some((_, converted)) = known {
            return converted.clone();
        }
        let converted =
            Utf8Bytes::try_from(text.as_bytes().clone()).unwrap_or_else(|_| Utf8Bytes::from(&**text));
        if self.converted.len() == KEPT {
            self.converted.remove(0);
        }
        self.converted.push((text.clone(), converted.clone()));
        converted
    }

    /// Forgets the texts that were sent; those that come next are others.
    pub(super) fn forget_texts(&mut self) {
        self.converted.clear();
    }

    /// Ends a subscriber's queue with a close frame.
    pub(super) fn close(&mut self, subscriber: SubscriberId, code: u16, reason: String) {
        self.end(subscriber, Frame::Close { code, reason });
    }

    /// Ends a subscriber's queue so that its connection breaks without a close frame.
    pub(super) fn cut(&mut self, subscriber: SubscriberId) {
        self.end(subscriber, Frame::Cut);
    }

    /// Ends all queues with a close frame.
    pub(super) fn close_all(&mut self, code: u16, reason: &str) {
        let subscribers: Vec<_> = self.senders.keys().copied().collect();
        for subscriber in subscribers {
            self.close(subscriber, code, reason.to_owned());
        }
    }

    /// Ends a subscriber's queue.
    pub(super) fn remove(&mut self, subscriber: SubscriberId) {
        self.senders.remove(&subscriber);
    }

    fn end(&mut self, subscriber: SubscriberId, frame: Frame) {
        if let Some(queue) = self.senders.remove(&subscriber) {
            // A full queue needs no such frame: its socket ends when the queue is emptied.
            let _ = queue.try_send(frame);
        }
    }
}

/// Whether both are the same bytes in memory.
fn is_same(one: &ByteString, other: &ByteString) -> bool {
    one.len() == other.len() && one.as_ptr() == other.as_ptr()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subscriber(number: u64) -> SubscriberId {
        SubscriberId::from_number(number)
    }

    fn text(frame: Option<Frame>) -> Utf8Bytes {
        match frame {
            Some(Frame::Text(text)) => text,
            other => panic!("{other:?} is no text"),
        }
    }

    #[tokio::test]
    async fn receivers_of_a_text_share_its_bytes() {
        let mut queues = SocketQueues::default();
        let mut first = queues.open(subscriber(1), 4);
        let mut second = queues.open(subscriber(2), 4);
        let sent = ByteString::from("an event".to_owned());
        let derived = ByteString::from("a derived one".to_owned());
        for number in [1, 2] {
            queues.send(subscriber(number), &sent).unwrap();
            queues.send(subscriber(number), &derived).unwrap();
        }
        for expected in [&sent, &derived] {
            let (one, other) = (text(first.recv().await), text(second.recv().await));
            assert_eq!(one.as_str(), &**expected);
            assert_eq!(one.as_str().as_ptr(), expected.as_ptr());
            assert_eq!(other.as_str().as_ptr(), expected.as_ptr());
        }
    }

    #[test]
    fn a_full_queue_is_told_once_and_then_gone() {
        let mut queues = SocketQueues::default();
        let _receiver = queues.open(subscriber(1), 1);
        let text = ByteString::from_static("an event");
        assert_eq!(queues.send(subscriber(1), &text), Ok(()));
        assert_eq!(queues.send(subscriber(1), &text), Err(Overflow));
        assert_eq!(queues.send(subscriber(1), &text), Ok(()));
    }
}
