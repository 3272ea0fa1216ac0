//! Failures that are expected of a hub: a file names them, each with a reason and a last day, and a run in which nothing
//! else is broken ends well.
//!
//! An entry that did not happen, or has run out, fails the run: the file tells no more than what is so.

mod file;
mod tally;
mod written;

use castspec_fhircast::requirement::RequirementId;

pub use file::ExpectationError;
pub use tally::{Expectations, Proposal};
pub use written::written;

/// What an entry of the file says.
#[derive(Debug, Clone)]
struct Expected {
    /// The line on which it begins, from 1.
    line: usize,
    requirement: RequirementId,
    /// The scenario; `None` for any.
    scenario: Option<String>,
    /// The version; `None` for any.
    version: Option<castspec_fhircast::protocol::Version>,
    reason: String,
    /// The last day on which the failure is accepted.
    until: jiff::civil::Date,
}
