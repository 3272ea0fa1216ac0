//! Captures: what passed between a hub and its subscribers, in a file of JSON Lines that is complete up to its last whole line.
//!
//! The first line is a [`Header`], each further one a [`Line`]: a message with its time. The format is described in
//! `docs/record.md` and by `schemas/capture.schema.json`. This room writes and reads the file, and decodes its lines into a
//! [`conversation`]; who recorded it and what is made of it are no concern of it.

pub mod conversation;
mod headers;
mod identity;
mod message;
mod reader;
#[cfg(test)]
mod tests;
mod writer;

pub use headers::Headers;
pub use identity::Identity;
pub use message::{FORMAT, Frame, Header, Line, Message, Payload, Side};
pub use reader::{CaptureError, Cut, LONGEST_LINE, Reader, is_capture};
pub use writer::Writer;
