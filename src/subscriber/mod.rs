//! The mock subscriber: an HTTP client, a WebSocket, a policy of answering, and everything it saw recorded.
//!
//! This room moves bytes and keeps a record of them. It judges nothing and knows no scenarios; what a hub sends is kept as it
//! came, whether or not it is FHIRcast.

mod http;
mod inbox;
mod log;
mod policy;
mod socket;
mod trust;

pub use http::{Answer, HttpClient, NoAnswer, OutgoingRequest};
pub use inbox::{Closed, Inbox, Received};
pub use log::{Log, Spot};
pub use policy::{AnswerRule, Policy};
pub use socket::{ConnectError, Socket, connect};
pub use trust::{Trust, TrustError};
