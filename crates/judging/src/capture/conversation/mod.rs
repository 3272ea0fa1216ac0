//! A capture, decoded: requests with their answers, WebSockets and callbacks with the subscriptions that they belong to, and all of
//! it in order.
//!
//! [`RecordedConversation::decode`] reads the lines of a capture. What it finds is what passed; whether that was right is no concern of it.

mod decoder;
mod exchange;
mod ids;
mod recorded_conversation;
mod request;
mod socket;
#[cfg(test)]
mod tests;

pub use exchange::{Answer, CallOutcome, CallbackCall, Exchange, Failure, Outcome};
pub use ids::{ExchangeId, Moment, SocketId, SubscriptionId};
pub use recorded_conversation::{Channel, Event, RecordedConversation, Subscription};
pub use request::{PublishedEvent, Request, SubscriptionForm};
pub use socket::{End, EndKind, Frame, FrameKind, Opening, Socket};
