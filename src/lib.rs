//! castspec: the conformance test harness and hub simulator for HL7 FHIRcast.
//!
//! The crates and the one way through them:
//!
//! ```text
//! castspec-fhircast ◀── castspec-judging ◀─┬─ castspec-hub ◀─────┐
//!                                          └─ castspec-runner ◀──┴─ castspec
//! ```
//!
//! This one is the command line: a file a subcommand, the reports, the self-check.

pub mod builtin;
pub mod cli;
pub mod expectation;
pub mod report;
pub mod selfcheck;
pub mod signing;
