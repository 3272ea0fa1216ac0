//! Members that somebody sent twice in one object, in a recording.

use super::recording::Recording;
use crate::capture::Side;
use crate::capture::conversation::{Event, FrameKind};
use castspec_fhircast::protocol::repeated_members as in_text;

/// A sentence for each message in which a member stands twice in one object, with who sent it: a warning, for RFC 8259 has a SHOULD.
pub fn repeated_members(recording: &Recording) -> Vec<String> {
    let mut told = Vec::new();
    for (moment, event) in recording.conversation.events() {
        let (sender, text) = match event {
            Event::Requested(exchange) => ("a subscriber", exchange.body.text()),
            Event::Answered(_, answer) => ("the hub", answer.body.text()),
            Event::Called(call) => ("the hub", call.body.text()),
            Event::CallAnswered(_, answer) => ("a subscriber", answer.body.text()),
            Event::Frame(_, frame) if matches!(frame.kind, FrameKind::Text | FrameKind::Binary) => {
                let sender = match frame.from {
                    Side::Hub => "the hub",
                    Side::Subscriber => "a subscriber",
                };
                (sender, frame.body.text())
            }
            _ => continue,
        };
        let millis = moment.at.as_millis();
        told.extend(in_text(&text).into_iter().map(|pointer| {
            format!("{sender} sent {pointer} more than once in one object, at {millis} ms; RFC 8259 has each name once")
        }));
    }
    told
}
