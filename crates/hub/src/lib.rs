//! The hub simulator: strict in what it sends, telling in what it refuses.
//!
//! [`session`] is its heart, one state machine a topic, without sockets and clocks; [`shell`] puts HTTPS, WebSockets and
//! callbacks around it; [`version_profile`] tells what each version of FHIRcast has; [`defect`] holds the named, deliberate
//! deviations. The room knows nothing of scenarios, runs or verdicts.
//!
//! [`Server::start`] serves the version of its [`Settings`]; [`Server::start_versions`] serves several of them at once, each
//! with topics and a path of its own.

mod admission;
pub mod authorization;
mod browsers;
mod clock;
pub mod control_api;
pub mod defect;
pub mod faults;
#[cfg(test)]
mod heart_tests;
mod identifiers;
mod refusal;
pub mod session;
pub mod shell;
mod supported;
pub mod version_profile;
mod webhook_request;

pub use admission::Admission;
pub use browsers::{Browsers, Origin, OriginError, Origins};
pub use clock::Now;
pub use defect::{Behaviour, Defect, UnknownDefect};
pub use identifiers::{CountedIdentifiers, Identifiers, RandomIdentifiers};
pub use refusal::Refusal;
pub use session::{Limits, OtherEvents};
pub use shell::{
    CallbackHost, CallbackHostError, CallbackHosts, CallerError, Controls, Exchanges, HubError, NotThere,
    Observer, Published, Server, Settings, Transport,
};
pub use supported::configuration;
pub use version_profile::VersionProfile;
pub use webhook_request::{WEBHOOK, WebhookRequest};

// Rooms of the crates below, by the names that they have there.
use castspec_certificates as certificates;
use castspec_fhircast::protocol;
#[cfg(test)]
use castspec_fhircast::requirement;
