//! The mock subscriber: an HTTP client, a WebSocket, a callback, a policy of answering, and everything it saw recorded.
//!
//! This room moves bytes and keeps a record of them. It judges nothing and knows no scenarios; what a hub sends is kept as it
//! came, whether or not it is FHIRcast.

mod budget;
mod callbacks;
mod connector;
mod http;
mod inbox;
mod log;
mod policy;
mod retry_after;
mod socket;
mod trust;

pub use callbacks::{Callback, CallbackError, CallbackOwner, Callbacks, Verifying, listen_for_callbacks};
pub use connector::{Approach, Connector};
pub use http::{HttpClient, NoAnswer, OutgoingRequest};
pub use inbox::Inbox;
pub use log::Log;
pub use policy::{AnswerRule, Policy};
pub use retry_after::{AFTER_DROP, MOST_WAITS};
pub use socket::{ConnectError, Socket, connect};
pub use trust::{Identity, Trust, TrustError};

pub use crate::judging::{Answer, Call, Closed, Received, Signature, Spot, Verified};
pub use crate::protocol::CallMessage;
