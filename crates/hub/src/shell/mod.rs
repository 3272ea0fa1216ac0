//! The shell around the sessions: HTTPS, WebSockets and callbacks, their limits and their time-outs.
//!
//! It reads requests and frames, hands them to the session of their topic and carries out what the session wants; no rule
//! of FHIRcast is decided here but those of HTTP itself (content types, sizes, which path is what).

mod access;
mod alarm;
mod answers;
mod body;
mod callback_hosts;
mod callbacks;
mod connections;
mod controls;
mod endpoints;
mod error;
mod events;
mod fault_injection;
mod idle;
mod observation;
mod observed_socket;
mod outgoing;
mod paths;
mod queues;
mod registry;
mod routes;
mod server;
mod settings;
mod socket;
mod subscriptions;
mod topic;
mod upgrade;

pub use self::callback_hosts::{CallbackHost, CallbackHostError, CallbackHosts};
pub use self::callbacks::CallerError;
pub use self::controls::{Controls, NotThere, Published};
pub use self::error::HubError;
pub use self::observation::{Exchanges, Observer};
pub use self::server::Server;
pub use self::settings::{Settings, Transport};
