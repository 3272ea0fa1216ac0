//! Runs scenarios against a target: many at once, each on topics of its own; judges, and emits the events of the run.
//!
//! It renders nothing: what it finds leaves as [`crate::outcome::RunEvent`]s.

mod ambient;
mod answers;
mod cast;
mod claims;
mod dialect;
mod judge;
mod messages;
mod play;
mod publishing;
mod requests;
mod requirements;
mod stage;
mod subscribing;
mod target;
mod topics;

pub use claims::Claims;
pub use target::{Target, TargetError, Timing};
