//! A requirement judged once in one scenario.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::scenario_id::ScenarioId;
use super::transcript::Evidence;
use crate::protocol::Version;
use crate::requirement::{Level, Requirement, RequirementId};
use crate::schema::Unmet;

/// The result of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// The requirement held.
    Pass,
    /// The hub does not claim the capability.
    Skip,
    /// The check's precondition was not reached.
    Inconclusive,
    /// A SHOULD is broken, or a SHALL in a reading that may be defended.
    Warn,
    /// A SHALL is broken.
    Fail,
}

impl Verdict {
    /// The word used in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Skip => "skip",
            Self::Inconclusive => "inconclusive",
            Self::Warn => "warn",
            Self::Fail => "fail",
        }
    }

    /// The verdict on a requirement of this level that did not hold.
    pub fn of_breach(level: Level, unmet: Unmet) -> Self {
        match (unmet, level) {
            (Unmet::Note, _) | (_, Level::May) => Self::Pass,
            (Unmet::Warn, _) | (Unmet::ByLevel, Level::Should) => Self::Warn,
            (Unmet::ByLevel, Level::Shall) => Self::Fail,
        }
    }

    /// Whether this verdict counts for more than another where one requirement was tried several times: a failure before a
    /// warning, that before a try that was not reached, and a try that held before one that did not apply.
    pub fn outweighs(self, other: Self) -> bool {
        let rank = |verdict: Self| match verdict {
            Self::Skip => 0,
            Self::Pass => 1,
            Self::Inconclusive => 2,
            Self::Warn => 3,
            Self::Fail => 4,
        };
        rank(self) > rank(other)
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// One requirement judged once in one scenario, with its evidence.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Check {
    /// Stable over runs: `<scenario>/<requirement>@<version>`.
    pub id: String,
    /// The scenario, as folder and file name without ending: `subscribing/accepted`.
    pub scenario: String,
    /// The requirement's id.
    pub requirement: RequirementId,
    /// The version under which the scenario ran.
    pub fhircast_version: Version,
    /// How strongly the requirement binds.
    pub level: Level,
    /// Number and title of its section.
    pub section: String,
    /// The published page.
    pub url: String,
    /// The requirement in words.
    pub statement: String,
    /// The result.
    pub verdict: Verdict,
    /// One sentence: why this verdict.
    pub message: String,
    /// The expected value, where the verdict is not a pass.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected: Option<String>,
    /// The observed value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed: Option<String>,
    /// The few messages that show it.
    pub evidence: Vec<Evidence>,
    /// The command that runs just this check again; absent for a pass.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repeat: Option<String>,
    /// The failure is known and does not fail the run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accepted: Option<Acceptance>,
    /// It holds now, but did not hold when it was tried before: it depends on time.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub flaky: bool,
    /// It was skipped for what the operator left out, not for anything about the hub.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub left_out: bool,
    /// The cause that broke it, or that kept it from being judged; known when the run has ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
}

impl Check {
    /// A check of a requirement that nothing is known of yet: skipped, without a message.
    pub fn blank(scenario: &str, requirement: &Requirement) -> Self {
        Self {
            id: format!("{scenario}/{}@{}", requirement.id, requirement.version),
            scenario: scenario.to_owned(),
            requirement: requirement.id.clone(),
            fhircast_version: requirement.version,
            level: requirement.level,
            section: requirement.section.clone(),
            url: requirement.url.clone(),
            statement: requirement.text.clone(),
            verdict: Verdict::Skip,
            message: String::new(),
            expected: None,
            observed: None,
            evidence: Vec::new(),
            repeat: None,
            accepted: None,
            flaky: false,
            left_out: false,
            cause: None,
        }
    }

    /// The scenario that judged it.
    pub fn scenario_id(&self) -> ScenarioId {
        ScenarioId::new(&self.scenario, self.fhircast_version)
    }
}

/// A known failure that is accepted for a time. The hub is no more conformant for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acceptance {
    /// The reason for accepting it.
    pub reason: String,
    /// The last day on which it is accepted, as in 2027-01-31.
    pub until: String,
}

/// Which reading of an ambiguous passage the hub chose; never a failure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Observation {
    /// The scenario in which it was seen.
    pub scenario: String,
    /// The version under which the scenario ran.
    pub fhircast_version: Version,
    /// The ambiguous matter, in kebab-case: `acknowledgement-of-resubscribe`.
    pub subject: String,
    /// The reading that the hub chose, one sentence.
    pub reading: String,
}

/// How many checks have which verdict.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// Held.
    pub pass: usize,
    /// SHALLs broken.
    pub fail: usize,
    /// SHOULDs broken.
    pub warn: usize,
    /// Capabilities not claimed.
    pub skip: usize,
    /// Preconditions not reached.
    pub inconclusive: usize,
}

impl Summary {
    /// Counts one verdict.
    pub fn add(&mut self, verdict: Verdict) {
        *match verdict {
            Verdict::Pass => &mut self.pass,
            Verdict::Fail => &mut self.fail,
            Verdict::Warn => &mut self.warn,
            Verdict::Skip => &mut self.skip,
            Verdict::Inconclusive => &mut self.inconclusive,
        } += 1;
    }

    /// All checks, whatever their verdict.
    pub fn total(&self) -> usize {
        self.pass + self.fail + self.warn + self.skip + self.inconclusive
    }
}

#[cfg(test)]
mod tests;
