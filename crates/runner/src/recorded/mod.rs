//! Judges recorded conversations, from captures and from HAR files of browsers: the hub by the ambient checks of live traffic, its
//! subscribers by the judge of the hub simulator.
//!
//! The result is the events of a run, for the same reports: the hub as one scenario, each subscriber as another.

mod har;
mod judgement;
mod observed;
mod recording;

pub use self::har::HarError;
pub use self::judgement::{Judged, judge_recording};
pub use self::recording::{Recording, RecordingError};
