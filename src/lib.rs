//! castspec: the conformance test harness and hub simulator for HL7 FHIRcast.
//!
//! The rooms and the one way through them:
//!
//! ```text
//! cli ─▶ selfcheck ─▶ simulated ─▶ hub, runner
//! cli, subscriber, runner, conduct ─▶ redaction ─▶ outcome
//! cli ─▶ runner ─▶ subscriber ──▶ protocol
//!  │        ├────▶ scenario ────▶ requirement, protocol
//!  │        ├────▶ schema ──────▶ requirement, protocol
//!  │        ├────▶ fhir (cli too)
//!  │        └────▶ outcome ◀──── report ◀─ cli
//!  ├────▶ expectation ─▶ outcome
//!  ├────▶ recorder ──▶ capture ──▶ outcome, redaction
//!  │        └────▶ hub (its certificate authority), subscriber (whom to trust)
//!  ├────▶ review ────▶ capture, runner, conduct
//!  ├────▶ reproduction ─▶ capture, scenario
//!  ├────▶ replay ────▶ capture, subscriber, hub (its certificate authority, signatures)
//!  ├────▶ control ───▶ hub
//!  └────▶ hub ──▶ authorization ─▶ protocol
//! ```

pub mod authorization;
pub mod capture;
pub mod cli;
pub mod conduct;
pub mod control;
pub mod expectation;
pub mod fhir;
pub mod hub;
pub mod judging;
pub mod outcome;
pub mod protocol;
pub mod recorder;
pub mod redaction;
pub mod replay;
pub mod report;
pub mod reproduction;
pub mod requirement;
pub mod review;
pub mod runner;
pub mod scenario;
pub mod schema;
pub mod selfcheck;
pub mod simulated;
pub mod subscriber;
