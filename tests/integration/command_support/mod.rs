//! The program as people and scripts run it.

mod program;
pub mod recorder;

pub use program::{ClosedPort, Ended, HubProcess, castspec, process, report, verdicts};
