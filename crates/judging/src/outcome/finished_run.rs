//! A run that is told only when all of it is over: the judging of subscribers, and of recorded conversations.

use std::time::Duration;

use super::check::{Check, Observation, Summary};
use super::coverage::{Scope, Side};
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
    /// Whose requirements could be judged, under the version of the target.
    pub sides: Vec<Side>,
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
        self.into_events_with(Vec::new())
    }

    /// The events of this run and of further ones, which took place beside it in other versions, as those of one.
    pub fn into_events_with(self, further: Vec<Self>) -> Vec<RunEvent> {
        let mut events = vec![RunEvent::RunBegan(RunBegan {
            tool: self.tool.clone(),
            started: self.started.clone(),
            target: self.target.clone(),
            further_targets: further.iter().map(|run| run.target.clone()).collect(),
            scenarios: self.scenarios.len() + further.iter().map(|run| run.scenarios.len()).sum::<usize>(),
            scope: Scope {
                sides: std::iter::once(&self)
                    .chain(&further)
                    .flat_map(|run| run.sides.clone())
                    .collect(),
                ..Scope::default()
            },
        })];
        let mut summary = Summary::default();
        let mut duration = Duration::ZERO;
        for run in std::iter::once(self).chain(further) {
            duration = duration.max(run.duration);
            run.tell_scenarios(&mut events, &mut summary);
        }
        events.push(RunEvent::RunEnded(RunEnded {
            duration,
            summary,
            interrupted: false,
            obstacle: None,
        }));
        events
    }

    fn tell_scenarios(self, events: &mut Vec<RunEvent>, summary: &mut Summary) {
        let version = self.target.fhircast_version;
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
    }
}
