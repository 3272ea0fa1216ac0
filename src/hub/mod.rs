//! The hub simulator: strict in what it sends, telling in what it refuses.
//!
//! [`session`] is its heart, one state machine a topic, without sockets and clocks; [`shell`] puts HTTPS and WebSockets
//! around it; [`defect`] holds the named, deliberate deviations. The room knows nothing of scenarios, runs or verdicts.

mod authority;
pub mod defect;
mod identifiers;
mod refusal;
pub mod session;
mod settings;
pub mod shell;
mod supported;

pub use authority::{Authority, AuthorityError};
pub use defect::{Behaviour, Defect, UnknownDefect};
pub use identifiers::{CountedIdentifiers, Identifiers, RandomIdentifiers};
pub use refusal::Refusal;
pub use settings::Settings;
pub use shell::{HubError, Server, Transport};
pub use supported::{configuration, supported_events};
