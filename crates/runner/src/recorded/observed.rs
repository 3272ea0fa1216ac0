//! The input of the judge of subscribers: a recording, event by event.

use super::recording::Recording;
use crate::capture::Side;
use crate::capture::conversation::{EndKind, Event, FrameKind};
use castspec_judging::subscriber::{Exchange, Frame, Observed};

/// The events, in order. Webhooks are left out: their subscribers are not judged.
pub(super) fn exchanges(recording: &Recording) -> impl Iterator<Item = Exchange> {
    recording.conversation.events().filter_map(|(moment, event)| {
        Some(Exchange {
            at: moment.at,
            client: recording.client.clone(),
            observed: observed(event)?,
        })
    })
}

fn observed(event: Event<'_>) -> Option<Observed> {
    Some(match event {
        Event::Requested(exchange) => Observed::Request {
            id: exchange.number,
            method: exchange.method.clone(),
            url: exchange.url.clone(),
            headers: exchange.headers.to_vec(),
            body: exchange.body.bytes(),
        },
        Event::Answered(exchange, answer) => Observed::Answer {
            id: exchange.number,
            status: answer.status,
            headers: answer.headers.to_vec(),
            body: answer.body.bytes(),
        },
        Event::Opened(socket, opening) => Observed::Opened {
            connection: socket.number,
            url: opening.url.clone(),
        },
        Event::Frame(socket, frame) => {
            let connection = socket.number;
            let content = match frame.kind {
                FrameKind::Text => Frame::Text(frame.body.text()),
                FrameKind::Binary => Frame::Binary(frame.body.bytes()),
                FrameKind::Ping | FrameKind::Pong => return None,
            };
            match frame.from {
                Side::Hub => Observed::FromHub {
                    connection,
                    frame: content,
                },
                Side::Subscriber => Observed::FromSubscriber {
                    connection,
                    frame: content,
                },
            }
        }
        Event::Ended(socket, end) => Observed::Closed {
            connection: socket.number,
            by: match end.kind {
                EndKind::Closed { .. } => Some(end.by),
                EndKind::Broken { .. } => None,
            },
            code: end.code(),
        },
        Event::Gap => Observed::Gap,
        Event::Failed(..)
        | Event::Called(_)
        | Event::CallAnswered(..)
        | Event::CallFailed(..)
        | Event::Unpaired(_)
        | Event::Note(_)
        | Event::Stopped => return None,
    })
}
