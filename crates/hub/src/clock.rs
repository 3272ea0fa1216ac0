//! The time as the heart of the hub is told it: a parameter of every input, so that nothing in the heart reads a clock.

use std::time::Duration;

/// The present: how long the hub has run, and what the clock on the wall shows.
#[derive(Debug, Clone, Copy)]
pub struct Now {
    /// Time since the hub's start; deadlines are counted in it.
    pub elapsed: Duration,
    /// The wall clock; the timestamps of the hub's own events are made of it.
    pub wall: jiff::Timestamp,
}
