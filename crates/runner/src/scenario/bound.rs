//! How long a step waits.

use schemars::JsonSchema;
use serde::Deserialize;

/// How long a wait may last.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "within")]
pub enum Bound {
    /// The target's time for a message that must come.
    #[default]
    Response,
    /// The target's time-out for acknowledgements, and a response.
    AckTimeout,
    /// The lease that the subscriber was granted, and a response.
    Lease,
    /// No time at all: what has come already.
    Past,
    /// The target's silence.
    Quiet,
}

impl Bound {
    /// The end of a sentence about a message that must come within it.
    pub(super) fn describe(self) -> &'static str {
        match self {
            Self::Response => "",
            Self::AckTimeout => " once the hub's time for acknowledgements is over",
            Self::Lease => " once the lease is over",
            Self::Past => ", and must have it already",
            Self::Quiet => " before a silence",
        }
    }

    /// The time that passes in any case, in units of a step that waits for nothing.
    pub(super) fn cost(self) -> u64 {
        const SILENCE: u64 = 50;
        const TIME_OUT: u64 = 300;
        match self {
            Self::Response | Self::Past => 0,
            Self::Quiet => SILENCE,
            Self::AckTimeout | Self::Lease => TIME_OUT,
        }
    }
}
