//! A run that is told only when all of it is over: the judging of subscribers, and of recorded conversations.

use std::time::Duration;

use super::check::{Check, Observation, Summary};
use super::event::{Disposition, RunBegan, RunEnded, RunEvent, ScenarioBegan, ScenarioEnded, Target, Tool};

/// A run that is over, and had no interruption.
#[derive(Debug)]
pub struct FinishedRun {
    /// The tool that ran.
    pub tool: Tool,
    /// Wall-clock time, RFC 3339.
    pub started: String,
    /// The hub, and the version of all scenarios.
    pub target: Target,
    /// The length of the run, and of each scenario in it.
    pub duration: Duration,
    /// The scenarios.
    pub scenarios: Vec<FinishedScenario>,
}

/// A scenario of such a run: the hub, or one of its subscribers.
#[derive(Debug)]
pub struct FinishedScenario {
    /// Its name.
    pub name: String,
    /// Its title.
    pub title: String,
    /// Its checks.
    pub checks: Vec<Check>,
    /// The readings that were chosen in it.
    pub observations: Vec<Observation>,
    /// How it ended.
    pub disposition: Disposition,
}

impl FinishedRun {
    /// The events of the run, from the first to the last.
    pub fn into_events(self) -> Vec<RunEvent> {
        let version = self.target.fhircast_version;
        let mut summary = Summary::default();
        let mut events = vec![RunEvent::RunBegan(RunBegan {
            tool: self.tool,
            started: self.started,
            target: self.target,
            further_targets: Vec::new(),
            scenarios: self.scenarios.len(),
        })];
        for scenario in self.scenarios {
            events.push(RunEvent::ScenarioBegan(ScenarioBegan {
                scenario: scenario.name.clone(),
                title: scenario.title.clone(),
                fhircast_version: version,
            }));
            for check in scenario.checks {
                summary.add(check.verdict);
                events.push(RunEvent::CheckJudged(Box::new(check)));
            }
            events.extend(scenario.observations.into_iter().map(RunEvent::Observed));
            events.push(RunEvent::ScenarioEnded(ScenarioEnded {
                scenario: scenario.name,
                title: scenario.title,
                fhircast_version: version,
                disposition: scenario.disposition,
                duration: self.duration,
                transcript: Vec::new(),
            }));
        }
        events.push(RunEvent::RunEnded(RunEnded {
            duration: self.duration,
            summary,
            interrupted: false,
            obstacle: None,
        }));
        events
    }
}
