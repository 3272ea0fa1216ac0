//! Runs scenarios against a hub: mock subscribers, the scenario language, targets, recording, replaying.
//!
//! It acts, waits and feeds the judging.

pub mod client;
pub mod from_capture;
pub mod recorded;
pub mod recorder;
pub mod replay;
pub mod run;
pub mod scenario;

// Rooms of the crates below, by the names that they have there.
use castspec_certificates as certificates;
use castspec_fhircast::{is_loopback, protocol, requirement, schema};
use castspec_judging as judging;
use castspec_judging::{capture, outcome, redaction};
