//! What a run brings to light: verdicts, evidence, transcripts, and the one stream of events that every report reads.
//!
//! The runner fills this model and renders nothing; reports render it and judge nothing. It knows neither scenarios' syntax
//! nor sockets.

mod check;
mod conclusion;
mod event;
mod shortened;
mod transcript;

pub use check::{Acceptance, Check, Observation, Summary, Verdict};
pub use conclusion::{Conclusion, Outcome};
pub use event::{
    Disposition, HubLost, RunBegan, RunEnded, RunEvent, ScenarioBegan, ScenarioEnded, Target, Tool,
};
pub use shortened::shortened;
pub use transcript::{Entry, Evidence, Traffic};
