//! Judging without I/O: an observed conversation goes in, findings come out.
//!
//! There is no socket, no clock and no runtime here: time is a parameter, so that every rule is tested in milliseconds and the same
//! rules serve a run, a capture, a HAR file and the live hub.

pub mod capture;
pub mod outcome;
pub mod redaction;
pub mod subscriber;

use castspec_fhircast::{protocol, requirement, schema};
