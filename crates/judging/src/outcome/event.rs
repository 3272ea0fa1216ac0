//! The one stream of events that a run emits and every report consumes.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::check::{Check, Observation, Summary};
use super::coverage::Scope;
use super::scenario_id::ScenarioId;
use super::transcript::Entry;
use crate::protocol::Version;
use crate::requirement::RequirementId;

/// Something that happened in a run.
#[derive(Debug, Clone)]
pub enum RunEvent {
    /// The run began; always first.
    RunBegan(RunBegan),
    /// A scenario began.
    ScenarioBegan(ScenarioBegan),
    /// A check has its verdict.
    CheckJudged(Box<Check>),
    /// The hub chose a reading.
    Observed(Observation),
    /// A scenario ended; all its checks have been judged.
    ScenarioEnded(ScenarioEnded),
    /// castspec does something as this hub wants it, so that the rest can be judged.
    Accommodated(Accommodation),
    /// The hub died or stopped answering.
    HubLost(HubLost),
    /// The run ended; always last, also after a signal.
    RunEnded(RunEnded),
}

/// The tool that ran.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tool {
    /// `castspec`.
    pub name: String,
    /// Its version.
    pub version: String,
}

/// The hub under test.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Target {
    /// `hub.url`.
    pub hub_url: String,
    /// The version that it is tested under.
    pub fhircast_version: Version,
    /// Whether it is the built-in hub.
    #[serde(default)]
    pub built_in: bool,
    /// Its capabilities: name and yes or no, and how that is known.
    pub capabilities: Map<String, Value>,
}

/// The run began.
#[derive(Debug, Clone)]
pub struct RunBegan {
    /// The tool.
    pub tool: Tool,
    /// Wall-clock time, RFC 3339.
    pub started: String,
    /// The hub under test.
    pub target: Target,
    /// The same hub, or others, under further versions.
    pub further_targets: Vec<Target>,
    /// How many scenarios will run.
    pub scenarios: usize,
    /// What it sets out to judge.
    pub scope: Scope,
}

/// A scenario began.
#[derive(Debug, Clone)]
pub struct ScenarioBegan {
    /// Folder and file name without ending.
    pub scenario: String,
    /// Its title.
    pub title: String,
    /// The version under which it runs.
    pub fhircast_version: Version,
}

/// How a scenario came to its end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "disposition", content = "reason", rename_all = "lowercase")]
pub enum Disposition {
    /// All its steps were taken.
    Completed,
    /// The hub does not claim what it needs; the reason names it.
    Skipped(String),
    /// A step that later steps need did not succeed; the reason says which and why.
    Inconclusive(String),
    /// Of a recorded conversation: this side did nothing that could be judged.
    Unjudged(String),
    /// The scenario itself is at fault, or castspec is.
    Error(String),
}

/// A scenario ended.
#[derive(Debug, Clone)]
pub struct ScenarioEnded {
    /// Folder and file name without ending.
    pub scenario: String,
    /// Its title.
    pub title: String,
    /// The version under which it ran.
    pub fhircast_version: Version,
    /// How it ended.
    pub disposition: Disposition,
    /// How long it took.
    pub duration: Duration,
    /// Everything that passed.
    pub transcript: Vec<Entry>,
}

impl ScenarioEnded {
    /// The scenario that ended.
    pub fn id(&self) -> ScenarioId {
        ScenarioId::new(&self.scenario, self.fhircast_version)
    }
}

/// What castspec does as a hub wants it from here on, so that what the hub does there hides nothing else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Accommodation {
    /// The version under which it was found to be needed.
    pub fhircast_version: Version,
    /// One sentence: what castspec does.
    pub what: String,
    /// The requirement that the hub breaks there, where it breaks one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requirement: Option<RequirementId>,
    /// The cause that it is done for; known when the run has ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
}

/// The hub died or stopped answering in mid-run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HubLost {
    /// The scenario whose request went unanswered first.
    pub scenario: String,
    /// The request that it died of, as far as can be told: method, URL and body.
    pub request: String,
    /// The error that came instead of an answer.
    pub problem: String,
}

/// The run ended.
#[derive(Debug, Clone)]
pub struct RunEnded {
    /// How long it took.
    pub duration: Duration,
    /// The verdicts counted.
    pub summary: Summary,
    /// Whether a signal ended it before all scenarios had run.
    pub interrupted: bool,
    /// Why nothing could be judged at all, where that is so: one sentence.
    pub obstacle: Option<String>,
}
