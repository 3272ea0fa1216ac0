//! A capture played again, against another hub or another version of it: the subscribers do what they did, when it was their turn,
//! and what the hub now does otherwise is told.
//!
//! [`Script`] is what the capture says; [`replay`] plays it; [`Difference`]s are what comes of it.

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
pub use script::{Act, HubCall, Receiver, Script, Step};
