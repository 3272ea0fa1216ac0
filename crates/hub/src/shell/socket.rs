//! One subscriber's WebSocket: what waits for it is written in one go, and what it says goes to its session.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message};
use futures_util::{SinkExt, Stream, StreamExt};
use tokio::sync::{Notify, mpsc};
use tokio_tungstenite::tungstenite::Error as SocketError;
use tokio_tungstenite::tungstenite::error::CapacityError;

use super::observed_socket::ObservedSocket;
use super::queues::Frame;
use super::topic::Topic;
use crate::session::{Closing, SubscriberId};

const PROTOCOL_ERROR: u16 = 1002;
const UNSUPPORTED_DATA: u16 = 1003;
const INVALID_PAYLOAD: u16 = 1007;
const POLICY_VIOLATION: u16 = 1008;
const TOO_LARGE: u16 = 1009;

/// The time that the other side may take to answer a close frame.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);

/// How long a socket is borne with.
#[derive(Debug, Clone, Copy)]
pub(super) struct Timing {
    /// The other side may take so long to take in what is written.
    pub(super) write: Duration,
    /// After such a silence the connection is cut.
    pub(super) quiet: Option<Duration>,
}

/// Serves the socket until it ends; then the session knows how.
pub(super) async fn serve(
    socket: ObservedSocket,
    topic: Arc<Topic>,
    subscriber: SubscriberId,
    mut queue: mpsc::Receiver<Frame>,
    timing: Timing,
) {
    let write_timeout = timing.write;
    let (mut sink, mut stream) = socket.split();
    let traffic = Notify::new();
    let pinged = Notify::new();
    let reading = read(&mut stream, &topic, subscriber, &traffic, &pinged);
    let writing = async {
        loop {
            let next = tokio::select! {
                biased;
                next = queue.recv() => next,
                () = pinged.notified() => {
                    // Whoever pings and does not read the answers is as stuck as one who does not read events.
                    match tokio::time::timeout(write_timeout, sink.flush()).await {
                        Ok(Ok(())) => continue,
                        Ok(Err(_)) | Err(_) => return Written::Stuck,
                    }
                }
            };
            let Some(frame) = next else { break };
            let batch = async {
                let mut end = end_by(&frame);
                if let Some(message) = message(frame) {
                    sink.feed(message).await?;
                }
                while end.is_none()
                    && let Ok(more) = queue.try_recv()
                {
                    end = end_by(&more);
                    if let Some(message) = message(more) {
                        sink.feed(message).await?;
                    }
                }
                sink.flush().await.map(|()| end)
            };
            let written = tokio::time::timeout(write_timeout, batch).await;
            traffic.notify_one();
            match written {
                Ok(Ok(None)) => {}
                Ok(Ok(Some(end))) => return end,
                Ok(Err(_)) | Err(_) => return Written::Stuck,
            }
        }
        // The session took the queue away without a close frame: too much waited in it.
        let close = sink.send(close(POLICY_VIOLATION, "too many messages wait to be read"));
        match tokio::time::timeout(write_timeout, close).await {
            Ok(Ok(())) => Written::Closed,
            Ok(Err(_)) | Err(_) => Written::Stuck,
        }
    };
    let falls_silent = async {
        let Some(quiet) = timing.quiet else {
            return std::future::pending().await;
        };
        while tokio::time::timeout(quiet, traffic.notified()).await.is_ok() {}
    };
    let violation = tokio::select! {
        () = falls_silent => {
            topic.with(|session, now| session.disconnected(subscriber, Closing::Broken, now));
            return;
        }
        ended = reading => match ended {
            Ended::By(closing) => {
                topic.with(|session, now| session.disconnected(subscriber, closing, now));
                None
            }
            Ended::Violation(code, reason) => Some((code, reason)),
        },
        written = writing => {
            if written == Written::Stuck {
                topic.with(|session, now| session.disconnected(subscriber, Closing::Broken, now));
                return;
            }
            if written == Written::Cut {
                return;
            }
            None
        }
    };
    if let Some((code, reason)) = violation {
        topic.with(|session, now| session.violation(subscriber, code, &reason, now));
        // The session's last words are in the queue.
        let farewell = async {
            while let Some(frame) = queue.recv().await {
                if let Some(message) = message(frame) {
                    sink.feed(message).await?;
                }
            }
            sink.flush().await
        };
        // A socket that cannot take them is dropped just the same.
        let _ = tokio::time::timeout(write_timeout, farewell).await;
    }
    // The closing handshake, as far as the other side takes part.
    let drained = async { while stream.next().await.is_some_and(|message| message.is_ok()) {} };
    let _ = tokio::time::timeout(CLOSE_TIMEOUT, drained).await;
}

#[derive(Debug, PartialEq, Eq)]
enum Written {
    /// A close frame was the last.
    Closed,
    /// The connection is to end as it is.
    Cut,
    /// The other side takes nothing.
    Stuck,
}

enum Ended {
    By(Closing),
    Violation(u16, String),
}

async fn read(
    stream: &mut (impl Stream<Item = Result<Message, axum::Error>> + Unpin),
    topic: &Topic,
    subscriber: SubscriberId,
    traffic: &Notify,
    pinged: &Notify,
) -> Ended {
    while let Some(message) = stream.next().await {
        traffic.notify_one();
        match message {
            Ok(Message::Text(text)) => {
                topic.with(|session, now| session.receive(subscriber, &text, now));
            }
            // Whether JSON may come in binary frames, nothing says.
            Ok(Message::Binary(bytes)) => match std::str::from_utf8(&bytes) {
                Ok(text) if text.trim_start().starts_with('{') => {
                    topic.with(|session, now| session.receive(subscriber, text, now));
                }
                _ => {
                    let said = "a binary frame came that holds no JSON; answers to notifications are JSON objects \
                                (FHIRcast STU3, 2 and 2.5 Event Notification Response)";
                    return Ended::Violation(UNSUPPORTED_DATA, said.to_owned());
                }
            },
            Ok(Message::Ping(_)) => pinged.notify_one(),
            Ok(Message::Pong(_)) => {}
            Ok(Message::Close(Some(frame))) => return Ended::By(Closing::Code(frame.code)),
            Ok(Message::Close(None)) => return Ended::By(Closing::NoCode),
            Err(error) => return failure(error),
        }
    }
    Ended::By(Closing::Broken)
}

fn failure(error: axum::Error) -> Ended {
    let error = error.into_inner();
    match error.downcast_ref::<SocketError>() {
        Some(SocketError::Capacity(CapacityError::MessageTooLong { size, max_size })) => Ended::Violation(
            TOO_LARGE,
            format!("a message of {size} bytes came, and this hub takes {max_size}"),
        ),
        Some(SocketError::Utf8(_)) => Ended::Violation(
            INVALID_PAYLOAD,
            "a text frame came that is not UTF-8 (RFC 6455, 8.1)".to_owned(),
        ),
        Some(SocketError::Protocol(
            tokio_tungstenite::tungstenite::error::ProtocolError::ResetWithoutClosingHandshake,
        )) => Ended::By(Closing::Broken),
        Some(SocketError::Protocol(rule)) => Ended::Violation(
            PROTOCOL_ERROR,
            format!("a frame broke the WebSocket protocol: {rule} (RFC 6455)"),
        ),
        _ => Ended::By(Closing::Broken),
    }
}

fn message(frame: Frame) -> Option<Message> {
    match frame {
        Frame::Text(text) => Some(Message::Text(text)),
        Frame::Close { code, reason } => Some(close(code, &reason)),
        Frame::Cut => None,
    }
}

/// The end of the writing that this frame brings, if it does.
fn end_by(frame: &Frame) -> Option<Written> {
    match frame {
        Frame::Text(_) => None,
        Frame::Close { .. } => Some(Written::Closed),
        Frame::Cut => Some(Written::Cut),
    }
}

fn close(code: u16, reason: &str) -> Message {
    Message::Close(Some(CloseFrame {
        code,
        reason: reason.into(),
    }))
}
