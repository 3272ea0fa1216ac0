//! Scenarios from captures: the actions of the recorded subscribers become steps, and the demands of the specification on any hub
//! become the expectations. The behaviour of the recorded hub is in neither, so the scenario fails where that hub was wrong.
//!
//! [`SubscriberActions`] come from a decoded capture, [`to_scenario`] writes them down in the scenario language, and
//! [`Minimiser`] shrinks a scenario that fails.

mod minimise;
mod scenario;
mod steps;
mod subscriber_actions;
#[cfg(test)]
mod tests;

pub use minimise::Minimiser;
pub use scenario::{ReproductionError, to_scenario};
pub use subscriber_actions::{
    Acknowledged, Published, RecordedSubscriber, SubscriberAction, SubscriberActions,
};
