//! A capture played again, against another hub or another version of it: the subscribers do what they did in the capture, and the
//! differences in what the hub does are reported.
//!
//! A [`Script`] comes from a decoded capture, [`replay`] plays it, and [`Difference`]s are the result.

mod difference;
mod hub;
mod mapping;
mod performance;
mod script;
#[cfg(test)]
mod tests;

pub use difference::Difference;
pub use hub::{ReplayHub, ReplayHubError};
pub use mapping::Mapping;
pub use performance::{Pace, ReplayError, Replayed, replay};
pub use script::{Action, HubCall, Receiver, Script, Step};
