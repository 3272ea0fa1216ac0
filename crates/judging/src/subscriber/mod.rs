//! Judges what subscribers do over a conversation: every message by the schemas, and what only several messages and
//! the passing of time show.
//!
//! It is sans-I/O: [`Exchange`]s go in, in the order in which they were observed and each with its time, and findings come
//! out. It knows neither sockets nor clocks, nor which hub took part: the same judge serves the hub simulator, a proxy and a
//! capture that is read long afterwards. What the conversation leaves open stays unjudged, and where the specification can be
//! read in two ways, both pass.

mod base_fhir;
mod call_answers;
mod callbacks;
mod closing;
mod content;
mod event;
mod exchange;
mod findings;
mod forms;
mod frames;
mod ids;
mod judge;
mod launches;
mod message;
mod notified;
mod publishing;
mod record;
mod requests;
mod resending;
mod sockets;
mod state;
mod subscribed_events;
mod sync_errors;
#[cfg(test)]
mod tests;
mod unique_members;
mod usual_answers;
mod verifications;
mod webhooks;

pub use base_fhir::BaseFhir;
pub use exchange::{CallEnd, Exchange, Frame, Observed};
pub use findings::{Finding, Subscriber, SubscriberChecks};
pub use ids::{REQUIREMENTS, requirements_of};
pub use judge::{Judge, Settings};
