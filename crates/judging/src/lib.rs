//! Judging without I/O: an observed conversation goes in, findings come out.
//!
//! There is no socket, no clock and no runtime here: time is a parameter, so that every rule is tested in milliseconds and the same
//! rules serve a run, a capture, a HAR file and the live hub.

pub mod capture;
pub mod hub;
mod observed;
pub mod outcome;
pub mod redaction;
mod signature;
pub mod subscriber;

pub use observed::{Answer, Call, Closed, Received, Spot, Verified, sole};
pub use signature::Signature;

// Rooms of castspec-fhircast, by the names that they have there.
use castspec_fhircast::{fhir, is_loopback, protocol, requirement, schema};
