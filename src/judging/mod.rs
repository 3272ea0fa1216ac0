//! Judging: an observed conversation goes in, findings come out.
//!
//! No socket, no clock and no runtime: requests, answers, frames, closes and calls are plain data with times since the
//! beginning of the conversation. Whoever holds a conversation (a run, a capture, a live hub) can have it judged.

mod call_message;
pub mod hub;
mod observed;
mod signature;

pub use call_message::CallMessage;
pub use observed::{Answer, Call, Closed, Received, Spot, Verified, sole};
pub use signature::{SIGNATURE_HEADER, Signature};
