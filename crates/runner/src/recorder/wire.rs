//! Reads along on one direction of a WebSocket: bytes go in, whole messages come out. Nothing is answered and nothing changed.

use std::io::Cursor;

use bytes::{Buf, BytesMut};
use tokio_tungstenite::tungstenite::protocol::frame::FrameHeader;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Control, Data, OpCode};

/// Of longer messages only the beginning is kept, in bytes.
const LONGEST: usize = 17 << 20;

/// A message, as far as it was kept.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Body {
    pub(super) bytes: Vec<u8>,
    /// How many bytes there were.
    pub(super) length: usize,
}

/// The messages that came over the WebSocket.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Passed {
    Text(Body),
    Binary(Body),
    Ping(Body),
    Pong(Body),
    Closed {
        code: Option<u16>,
        reason: String,
    },
    /// From here on it cannot be read along any more.
    Wrong(String),
}

#[derive(Debug, Clone, Copy)]
struct Under {
    opcode: OpCode,
    is_final: bool,
    mask: Option<[u8; 4]>,
    /// How many bytes of its payload have come.
    come: u64,
    length: u64,
}

/// One direction of a WebSocket.
#[derive(Debug, Default)]
pub(super) struct Wire {
    unread: BytesMut,
    /// The frame whose payload is coming.
    under: Option<Under>,
    /// The payload of a control frame, which may stand between the fragments of a message.
    control: Body,
    /// The message that is coming, and whether it is text.
    message: Option<(bool, Body)>,
    wrong: bool,
}

impl Wire {
    /// Takes in bytes as they came; gives what has come whole with them.
    pub(super) fn read(&mut self, bytes: &[u8]) -> Vec<Passed> {
        let mut passed = Vec::new();
        if self.wrong {
            return passed;
        }
        self.unread.extend_from_slice(bytes);
        loop {
            match self.step() {
                Ok(Step::More) => {}
                Ok(Step::Passed(message)) => passed.push(message),
                Ok(Step::Wait) => return passed,
                Err(problem) => {
                    self.wrong = true;
                    self.unread.clear();
                    passed.push(Passed::Wrong(problem));
                    return passed;
                }
            }
        }
    }

    /// Whether something has come of which the end is missing.
    pub(super) fn is_amid(&self) -> bool {
        !self.wrong && (self.under.is_some() || self.message.is_some() || !self.unread.is_empty())
    }

    fn step(&mut self) -> Result<Step, String> {
        let Some(mut under) = self.under else {
            return self.begin();
        };
        let wanted = usize::try_from(under.length - under.come).unwrap_or(usize::MAX);
        let count = wanted.min(self.unread.len());
        if count == 0 && wanted > 0 {
            return Ok(Step::Wait);
        }
        let body = match (under.opcode, &mut self.message) {
            (OpCode::Data(_), Some((_, body))) => body,
            _ => &mut self.control,
        };
        let kept = count.min(LONGEST.saturating_sub(body.bytes.len()));
        let from = under.come;
        let unmasked = self.unread[..kept]
            .iter()
            .zip(from..)
            .map(|(byte, at)| match under.mask {
                Some(mask) => byte ^ mask[(at % 4) as usize],
                None => *byte,
            });
        body.bytes.extend(unmasked);
        body.length = body.length.saturating_add(count);
        self.unread.advance(count);
        under.come += count as u64;
        if under.come < under.length {
            self.under = Some(under);
            return Ok(Step::Wait);
        }
        self.under = None;
        Ok(self.end(under).map_or(Step::More, Step::Passed))
    }

    fn begin(&mut self) -> Result<Step, String> {
        let mut cursor = Cursor::new(&self.unread);
        let parsed =
            FrameHeader::parse(&mut cursor).map_err(|error| format!("no WebSocket frame: {error}"))?;
        let Some((header, length)) = parsed else {
            return Ok(Step::Wait);
        };
        let read = usize::try_from(cursor.position()).unwrap_or(usize::MAX);
        self.unread.advance(read.min(self.unread.len()));
        match header.opcode {
            OpCode::Data(Data::Text | Data::Binary) if self.message.is_some() => {
                return Err("a message begins before the one before it has ended".to_owned());
            }
            OpCode::Data(Data::Text) => self.message = Some((true, Body::default())),
            OpCode::Data(Data::Binary) => self.message = Some((false, Body::default())),
            OpCode::Data(Data::Continue) if self.message.is_none() => {
                return Err("a message continues that has not begun".to_owned());
            }
            OpCode::Data(Data::Reserved(code)) | OpCode::Control(Control::Reserved(code)) => {
                return Err(format!("a frame has the opcode {code}, which is reserved"));
            }
            OpCode::Data(Data::Continue) => {}
            OpCode::Control(_) => self.control = Body::default(),
        }
        if header.rsv1 || header.rsv2 || header.rsv3 {
            return Err("a frame has reserved bits, and no extension was agreed on".to_owned());
        }
        self.under = Some(Under {
            opcode: header.opcode,
            is_final: header.is_final,
            mask: header.mask,
            come: 0,
            length,
        });
        Ok(Step::More)
    }

    fn end(&mut self, under: Under) -> Option<Passed> {
        match under.opcode {
            OpCode::Data(_) if !under.is_final => None,
            OpCode::Data(_) => self.message.take().map(|(text, body)| match text {
                true => Passed::Text(body),
                false => Passed::Binary(body),
            }),
            OpCode::Control(control) => {
                let body = std::mem::take(&mut self.control);
                Some(match control {
                    Control::Ping => Passed::Ping(body),
                    Control::Pong => Passed::Pong(body),
                    _ => close(&body.bytes),
                })
            }
        }
    }
}

enum Step {
    Passed(Passed),
    More,
    Wait,
}

fn close(payload: &[u8]) -> Passed {
    match payload.split_first_chunk::<2>() {
        Some((code, reason)) => Passed::Closed {
            code: Some(u16::from_be_bytes(*code)),
            reason: String::from_utf8_lossy(reason).into_owned(),
        },
        None => Passed::Closed {
            code: None,
            reason: String::new(),
        },
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tokio_tungstenite::tungstenite::protocol::CloseFrame;
    use tokio_tungstenite::tungstenite::protocol::frame::Frame;
    use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

    use super::*;

    fn written(frame: Frame) -> Vec<u8> {
        let mut bytes = Vec::new();
        frame.format(&mut bytes).unwrap();
        bytes
    }

    fn masked(text: &str, opcode: OpCode, is_final: bool) -> Vec<u8> {
        let mut frame = Frame::message(text.as_bytes().to_vec(), opcode, is_final);
        frame.header_mut().mask = Some([1, 200, 3, 77]);
        written(frame)
    }

    fn body(text: &str) -> Body {
        Body {
            bytes: text.as_bytes().to_vec(),
            length: text.len(),
        }
    }

    fn conversation() -> (Vec<u8>, Vec<Passed>) {
        let long = "x".repeat(70_000);
        let mut bytes = masked("Patient", OpCode::Data(Data::Text), false);
        bytes.extend(written(Frame::ping(b"still there?".to_vec())));
        bytes.extend(masked("-op", OpCode::Data(Data::Continue), false));
        bytes.extend(masked("en", OpCode::Data(Data::Continue), true));
        bytes.extend(masked("", OpCode::Data(Data::Text), true));
        bytes.extend(masked(&long, OpCode::Data(Data::Binary), true));
        bytes.extend(written(Frame::pong(Vec::new())));
        bytes.extend(written(Frame::close(Some(CloseFrame {
            code: CloseCode::Away,
            reason: "bye".into(),
        }))));
        let passed = vec![
            Passed::Ping(body("still there?")),
            Passed::Text(body("Patient-open")),
            Passed::Text(body("")),
            Passed::Binary(body(&long)),
            Passed::Pong(body("")),
            Passed::Closed {
                code: Some(1001),
                reason: "bye".to_owned(),
            },
        ];
        (bytes, passed)
    }

    proptest! {
        #[test]
        fn messages_come_out_whole_however_the_bytes_come(sizes in proptest::collection::vec(1_usize..5_000, 1..200)) {
            let (bytes, expected) = conversation();
            let mut wire = Wire::default();
            let mut passed = Vec::new();
            let (mut rest, mut sizes) = (bytes.as_slice(), sizes.into_iter().cycle());
            while !rest.is_empty() {
                let (now, later) = rest.split_at(sizes.next().unwrap().min(rest.len()));
                passed.extend(wire.read(now));
                rest = later;
            }
            prop_assert_eq!(passed, expected);
            prop_assert!(!wire.is_amid());
        }

        #[test]
        fn nothing_that_comes_is_too_much(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let mut wire = Wire::default();
            wire.read(&bytes);
            wire.read(&bytes);
        }
    }

    #[test]
    fn what_is_no_websocket_is_told_once() {
        let mut wire = Wire::default();
        let passed = wire.read(&masked("on", OpCode::Data(Data::Continue), true));
        assert!(matches!(&passed[..], [Passed::Wrong(problem)] if problem.contains("has not begun")));
        assert_eq!(wire.read(&masked("on", OpCode::Data(Data::Text), true)), []);
    }
}
