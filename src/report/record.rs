//! The record of a run, gathered from its events for the reports that are written at its end.

use std::collections::BTreeSet;
use std::time::Duration;

use super::digests::Digests;
use super::evidence_budget::EvidenceBudget;
use castspec_judging::outcome::{
    Accommodation, Cause, Causes, Check, Conclusion, Coverage, Disposition, Entry, Grading, HubLost,
    Observation, RunBegan, RunEvent, ScenarioId, Summary,
};

/// The record of a run.
#[derive(Debug, Default)]
pub struct Record {
    /// How severely the run is judged.
    pub grading: Grading,
    /// How it began.
    pub began: Option<RunBegan>,
    /// Checks, by scenario and requirement.
    pub checks: Vec<Check>,
    /// Scenarios, by name.
    pub scenarios: Vec<ScenarioRecord>,
    /// Readings that the hub chose.
    pub observations: Vec<Observation>,
    /// What castspec did as the hub wants it.
    pub accommodations: Vec<Accommodation>,
    /// The hub was lost.
    pub hub_lost: Option<HubLost>,
    /// How long the run took.
    pub duration: Duration,
    /// A signal ended it early.
    pub interrupted: bool,
    /// Why nothing could be judged at all, where that is so.
    pub obstacle: Option<String>,
    /// Digests of what was judged by.
    pub digests: Option<Digests>,
    /// Of a report that was read again: what can be said of its signature.
    pub signature: Option<SignatureNote>,
    /// The causes of what was broken; known when the run has ended.
    pub causes: Causes,
    /// Scenarios of which a check was broken.
    pub(super) broken: BTreeSet<ScenarioId>,
    pub(super) evidence: EvidenceBudget,
}

/// What can be said of the signature of a report.
#[derive(Debug, Clone, serde::Serialize)]
pub struct SignatureNote {
    /// One sentence.
    pub told: String,
    /// There is one, and it does not fit: nothing in the report is to be believed.
    pub broken: bool,
}

/// A scenario as it ended.
#[derive(Debug, Clone)]
pub struct ScenarioRecord {
    /// Its name, and the version under which it ran.
    pub id: ScenarioId,
    /// Its title.
    pub title: String,
    /// How it ended.
    pub disposition: Disposition,
    /// How long it took, in whole milliseconds.
    pub duration: Duration,
    /// Everything that passed, where a check was broken; else empty.
    pub transcript: Vec<Entry>,
}

impl Record {
    /// An empty record.
    pub fn new(grading: Grading) -> Self {
        Self {
            grading,
            ..Self::default()
        }
    }

    /// Takes an event in.
    pub fn event(&mut self, event: &RunEvent) {
        match event {
            RunEvent::RunBegan(began) => self.began = Some(began.clone()),
            RunEvent::CheckJudged(check) => {
                if check.is_broken() {
                    self.broken.insert(check.scenario_id());
                }
                let mut check = (**check).clone();
                self.evidence.take_check(&mut check);
                self.checks.push(check);
            }
            RunEvent::Observed(observation) => self.observations.push(observation.clone()),
            RunEvent::ScenarioEnded(ended) => {
                let id = ended.id();
                self.scenarios.push(ScenarioRecord {
                    title: ended.title.clone(),
                    disposition: ended.disposition.clone(),
                    duration: whole_millis(ended.duration),
                    // What passed in a scenario without fault shows nothing, and is most of what passed.
                    transcript: match self.broken.contains(&id) {
                        true => self.evidence.take_transcript(ended.transcript.clone()),
                        false => Vec::new(),
                    },
                    id,
                });
            }
            RunEvent::HubLost(lost) => self.hub_lost = Some(lost.clone()),
            RunEvent::RunEnded(ended) => {
                self.duration = whole_millis(ended.duration);
                self.interrupted = ended.interrupted;
                self.obstacle.clone_from(&ended.obstacle);
                self.settle();
            }
            RunEvent::Accommodated(accommodation) => self.accommodations.push(accommodation.clone()),
            RunEvent::ScenarioBegan(_) => {}
        }
    }

    /// Puts the record of a run that has ended in order, and finds the causes of what was broken.
    pub(super) fn settle(&mut self) {
        self.sort();
        let entries = self.scenarios.iter().flat_map(|scenario| &scenario.transcript);
        let actors: BTreeSet<&str> = entries.map(|entry| entry.actor.as_str()).collect();
        self.causes = Causes::of(&mut self.checks, actors);
        for accommodation in &mut self.accommodations {
            let (version, requirement) = (accommodation.fhircast_version, &accommodation.requirement);
            let mut causes = self.causes.all.iter();
            let cause = causes.find(|cause| {
                cause.fhircast_version == version && requirement.as_ref() == Some(&cause.requirement)
            });
            accommodation.cause = cause.map(|cause| cause.id.clone());
        }
    }

    /// Scenarios end in no certain order; reports have one.
    fn sort(&mut self) {
        self.checks.sort_by(|one, other| {
            (&one.scenario, &one.requirement, one.fhircast_version).cmp(&(
                &other.scenario,
                &other.requirement,
                other.fhircast_version,
            ))
        });
        self.scenarios.sort_by(|one, other| one.id.cmp(&other.id));
        self.observations.sort_by(|one, other| {
            (&one.subject, &one.reading, &one.scenario, one.fhircast_version).cmp(&(
                &other.subject,
                &other.reading,
                &other.scenario,
                other.fhircast_version,
            ))
        });
    }

    /// The broken checks of a cause, by scenario; the first speaks for all.
    pub fn broken_by<'a>(&'a self, cause: &'a Cause) -> impl Iterator<Item = &'a Check> {
        let of_cause = |check: &&Check| check.is_broken() && check.cause.as_ref() == Some(&cause.id);
        self.checks.iter().filter(of_cause)
    }

    /// The verdicts counted.
    pub fn summary(&self) -> Summary {
        let mut summary = Summary::default();
        self.checks.iter().for_each(|check| summary.add(check.verdict));
        summary
    }

    /// The scenario as it ended.
    pub fn scenario(&self, id: &ScenarioId) -> Option<&ScenarioRecord> {
        self.scenarios.iter().find(|scenario| scenario.id == *id)
    }

    /// How much of what the run set out to judge has been judged.
    pub fn coverage(&self) -> Coverage {
        match &self.began {
            Some(began) => Coverage::of(&began.scope, &self.checks),
            None => Coverage::default(),
        }
    }

    /// The coverage as report.json states it.
    pub fn coverage_told(&self) -> serde_json::Value {
        // Numbers and texts under texts: nothing in it can fail to be JSON.
        serde_json::to_value(super::coverage::told(&self.coverage())).unwrap_or_default()
    }

    /// The outcome of the run.
    pub fn conclusion(&self) -> Conclusion {
        let mut conclusion = Conclusion::new(self.grading);
        if let Some(began) = &self.began {
            let targets = std::iter::once(&began.target).chain(&began.further_targets);
            targets.for_each(|target| conclusion.reached_at(&target.hub_url));
        }
        for check in &self.checks {
            conclusion.check(check);
        }
        for scenario in &self.scenarios {
            conclusion.scenario(&scenario.disposition);
        }
        if let Some(began) = &self.began {
            conclusion.covered(&began.scope, self.coverage());
        }
        conclusion.end(self.hub_lost.is_some(), self.interrupted);
        conclusion
    }

    /// The readings that the hub chose, each once, with how many scenarios saw it.
    pub fn readings(&self) -> Vec<(&str, &str, usize)> {
        let mut readings: Vec<(&str, &str, usize)> = Vec::new();
        for observation in &self.observations {
            match readings
                .iter_mut()
                .find(|known| known.0 == observation.subject && known.1 == observation.reading)
            {
                Some(known) => known.2 += 1,
                None => readings.push((&observation.subject, &observation.reading, 1)),
            }
        }
        readings
    }
}

/// report.json keeps milliseconds: what is rendered from it again must be the same.
fn whole_millis(duration: Duration) -> Duration {
    Duration::from_millis(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX))
}
