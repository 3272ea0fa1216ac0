//! Captures as scenarios: what subscribers did becomes steps, and what the specification then demands of any hub becomes what must
//! be seen. What the captured hub did is in neither, so the scenario fails where that hub was wrong.
//!
//! [`Conversation`] reads a capture, [`to_scenario`] writes it down in the scenario language.

mod conversation;
mod minimise;
mod scenario;
mod steps;
#[cfg(test)]
mod tests;

pub use conversation::{Act, Conversation, Party, Published};
pub use minimise::Minimiser;
pub use scenario::{ReproductionError, to_scenario};
