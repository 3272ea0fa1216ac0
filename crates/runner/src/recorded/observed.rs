//! The input of the judge of subscribers: a recording, event by event.

use super::recording::Recording;
use crate::capture::Side;
use crate::capture::conversation::{EndKind, Event, Failure, FrameKind};
use castspec_judging::subscriber::{CallEnd, Exchange, Frame, Observed};

/// The events, in order.
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
            launch: None,
        },
        Event::Answered(exchange, answer) => Observed::Answer {
            id: exchange.number,
            status: answer.status,
            headers: answer.headers.to_vec(),
            body: answer.body.bytes(),
        },
        Event::Called(call) => Observed::Called {
            id: call.number,
            method: call.method.clone(),
            url: call.url.clone(),
            headers: call.headers.to_vec(),
            body: call.body.bytes(),
        },
        Event::CallAnswered(call, answer) => Observed::CallAnswered {
            id: call.number,
            status: answer.status,
            headers: answer.headers.to_vec(),
            body: answer.body.bytes(),
        },
        Event::CallFailed(call, failure) => Observed::CallFailed {
            id: call.number,
            end: end_of_call(failure),
            problem: failure.problem.clone(),
        },
        Event::Opened(socket, opening) => Observed::Opened {
            connection: socket.number,
            url: opening.url.clone(),
        },
        Event::Frame(socket, frame) => {
            let connection = socket.number;
            let content = match frame.kind {
                FrameKind::Text => Frame::Text(frame.body.text().into()),
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
        Event::Failed(..) | Event::Unpaired(_) | Event::Note(_) | Event::Stopped => return None,
    })
}

/// How a call ended: a hub that leaves waits no longer, and a recorder that finds no connection says so.
fn end_of_call(failure: &Failure) -> CallEnd {
    match failure.by {
        Side::Hub => CallEnd::GivenUp,
        Side::Subscriber if failure.problem.contains(NO_CONNECTION) => CallEnd::Unreachable,
        Side::Subscriber => CallEnd::Cut,
    }
}

/// What the HTTP library writes where no connection came about.
const NO_CONNECTION: &str = "(Connect)";
