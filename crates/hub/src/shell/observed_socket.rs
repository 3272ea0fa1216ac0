//! A WebSocket of which an observer is told: frames from the hub before they are written, frames from a subscriber before its
//! session sees them.

use std::pin::Pin;
use std::task::{Context, Poll};

use axum::extract::ws::{Message, WebSocket};
use bytestring::ByteString;
use futures_util::{Sink, Stream};

use super::observation::Observer;
use castspec_judging::capture::Side;
use castspec_judging::subscriber::{Frame, Observed};

/// Texts from subscribers up to this length are copied: they would keep the buffer alive that they were read into.
const COPIED: usize = 1024;

/// A WebSocket that is about to be watched.
#[derive(Debug)]
pub(super) struct Watch {
    observer: Observer,
    connection: u64,
    url: String,
}

impl Watch {
    /// Begins to watch a WebSocket that is about to open at this URL.
    pub(super) fn new(observer: &Observer, url: String) -> Self {
        Self {
            observer: observer.clone(),
            connection: observer.number(),
            url,
        }
    }
}

/// A WebSocket of which an observer may be told.
pub(super) struct ObservedSocket {
    socket: WebSocket,
    /// The observer and the connection, until its close is told.
    watched: Option<(Observer, u64)>,
}

impl ObservedSocket {
    pub(super) fn new(socket: WebSocket, watch: Option<Watch>) -> Self {
        let watched = watch.map(|watch| {
            let Watch {
                observer,
                connection,
                url,
            } = watch;
            observer.tell(Observed::Opened { connection, url });
            (observer, connection)
        });
        Self { socket, watched }
    }

    fn tell(
        &self,
        observed: impl FnOnce(u64, Frame) -> Observed,
        message: &Message,
        is_from_subscriber: bool,
    ) {
        let Some((observer, connection)) = &self.watched else {
            return;
        };
        let frame = match message {
            Message::Text(text) if is_from_subscriber && text.len() <= COPIED => {
                Frame::Text(ByteString::from(text.as_str()))
            }
            // The bytes are shared with the message, and with all to whom it goes.
            Message::Text(_) => match ByteString::try_from(message.clone().into_data()) {
                Ok(text) => Frame::Text(text),
                Err(_) => return,
            },
            Message::Binary(bytes) => Frame::Binary(bytes.clone()),
            _ => return,
        };
        observer.tell(observed(*connection, frame));
    }

    fn closed(&mut self, by: Option<Side>, code: Option<u16>) {
        if let Some((observer, connection)) = self.watched.take() {
            observer.tell(Observed::Closed { connection, by, code });
        }
    }
}

impl Stream for ObservedSocket {
    type Item = Result<Message, axum::Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let next = Pin::new(&mut self.socket).poll_next(context);
        match &next {
            Poll::Ready(Some(Ok(Message::Close(frame)))) => {
                let code = frame.as_ref().map(|frame| frame.code);
                self.closed(Some(Side::Subscriber), code);
            }
            Poll::Ready(Some(Ok(message))) => {
                self.tell(
                    |connection, frame| Observed::FromSubscriber { connection, frame },
                    message,
                    true,
                );
            }
            _ => {}
        }
        next
    }
}

impl Sink<Message> for ObservedSocket {
    type Error = axum::Error;

    fn poll_ready(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<(), axum::Error>> {
        Pin::new(&mut self.socket).poll_ready(context)
    }

    fn start_send(mut self: Pin<&mut Self>, message: Message) -> Result<(), axum::Error> {
        if let Message::Close(frame) = &message {
            let code = frame.as_ref().map(|frame| frame.code);
            self.closed(Some(Side::Hub), code);
        } else {
            self.tell(
                |connection, frame| Observed::FromHub { connection, frame },
                &message,
                false,
            );
        }
        Pin::new(&mut self.socket).start_send(message)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<(), axum::Error>> {
        Pin::new(&mut self.socket).poll_flush(context)
    }

    fn poll_close(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<(), axum::Error>> {
        Pin::new(&mut self.socket).poll_close(context)
    }
}

impl Drop for ObservedSocket {
    fn drop(&mut self) {
        self.closed(None, None);
    }
}
