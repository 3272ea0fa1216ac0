//! A capture, decoded: requests with their answers, WebSockets and callbacks with the subscriptions that they belong to, and all of
//! it in order.
//!
//! [`Conversation::decode`] reads the lines of a capture. What it finds is what passed; whether that was right is no concern of it.

mod decoder;
mod model;
mod request;
#[cfg(test)]
mod tests;

pub use model::{
    Answer, CallOutcome, CallbackCall, Channel, Conversation, End, EndKind, Event, Exchange, ExchangeId,
    Failure, Frame, FrameKind, Moment, Opening, Outcome, Socket, SocketId, Subscription, SubscriptionId,
};
pub use request::{PublishedEvent, Request, SubscriptionForm};
