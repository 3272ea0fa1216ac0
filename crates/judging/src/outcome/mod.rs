//! The results of a run: verdicts, evidence, transcripts, and the one stream of events that every report reads.
//!
//! The runner fills this model and renders nothing; reports render it and judge nothing. It knows neither scenarios' syntax
//! nor sockets.

mod cause;
mod check;
mod conclusion;
mod coverage;
mod event;
mod finished_run;
mod grading;
mod scenario_id;
mod shortened;
mod transcript;

pub use cause::{Cause, Causes, OpenReason};
pub use check::{Acceptance, Check, Observation, Summary, Verdict};
pub use conclusion::{Conclusion, Outcome};
pub use coverage::{Coverage, Scope, Shares, Side, SideCoverage};
pub use event::{
    Accommodation, Disposition, HubLost, RunBegan, RunEnded, RunEvent, ScenarioBegan, ScenarioEnded, Target,
    Tool,
};
pub use finished_run::{FinishedRun, FinishedScenario};
pub use grading::Grading;
pub use scenario_id::ScenarioId;
pub use shortened::shortened;
pub use transcript::{Entry, Evidence, Traffic};
