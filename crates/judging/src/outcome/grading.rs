//! Which verdicts fail a run.

use super::check::{Check, Verdict};
use crate::requirement::Level;

/// How severely a run is judged.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Grading {
    /// A broken SHALL fails the run, a broken SHOULD is a warning.
    #[default]
    Standard,
    /// A broken SHOULD fails the run too: `--strict`.
    Strict,
}

impl Grading {
    /// Strict, or standard.
    pub fn strict_if(strict: bool) -> Self {
        match strict {
            true => Self::Strict,
            false => Self::Standard,
        }
    }

    /// Whether a broken SHOULD fails the run.
    pub fn is_strict(self) -> bool {
        self == Self::Strict
    }

    /// Whether this verdict says that something is broken which must not be.
    pub fn is_failure(self, verdict: Verdict) -> bool {
        match verdict {
            Verdict::Fail => true,
            Verdict::Warn => self.is_strict(),
            Verdict::Inconclusive | Verdict::Skip | Verdict::Pass => false,
        }
    }

    /// Whether this check alone keeps a run from ending well: a failure, or a SHALL that could not be judged.
    pub fn fails_run(self, check: &Check) -> bool {
        self.is_failure(check.verdict) || check.is_open_shall()
    }
}

impl Check {
    /// Whether it is a SHALL that could not be judged.
    pub fn is_open_shall(&self) -> bool {
        self.verdict == Verdict::Inconclusive && self.level == Level::Shall
    }
}
