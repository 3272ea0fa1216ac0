//! All that a run told, gathered for the reports that are written at its end.

use std::collections::BTreeSet;
use std::time::Duration;

use castspec_fhircast::protocol::Version;
use castspec_judging::outcome::{
    Check, Conclusion, Disposition, Entry, HubLost, Observation, RunBegan, RunEvent, Summary, Verdict,
};

/// All that a run told.
#[derive(Debug, Default)]
pub struct Record {
    /// How it began.
    pub began: Option<RunBegan>,
    /// Checks, by scenario and requirement.
    pub checks: Vec<Check>,
    /// Scenarios, by name.
    pub scenarios: Vec<ScenarioRecord>,
    /// Readings that the hub chose.
    pub observations: Vec<Observation>,
    /// The hub was lost.
    pub hub_lost: Option<HubLost>,
    /// How long the run took.
    pub duration: Duration,
    /// A signal ended it early.
    pub interrupted: bool,
    /// Scenarios of which a check was broken.
    pub(super) broken: BTreeSet<(String, Version)>,
}

/// A scenario as it ended.
#[derive(Debug, Clone)]
pub struct ScenarioRecord {
    /// Folder and file name without ending.
    pub name: String,
    /// Its title.
    pub title: String,
    /// The version under which it ran.
    pub version: Version,
    /// How it ended.
    pub disposition: Disposition,
    /// How long it took, in whole milliseconds.
    pub duration: Duration,
    /// Everything that passed, where a check was broken; else empty.
    pub transcript: Vec<Entry>,
}

impl Record {
    /// Takes an event in.
    pub fn event(&mut self, event: &RunEvent) {
        match event {
            RunEvent::RunBegan(began) => self.began = Some(began.clone()),
            RunEvent::CheckJudged(check) => {
                if matches!(check.verdict, Verdict::Fail | Verdict::Warn) {
                    self.broken
                        .insert((check.scenario.clone(), check.fhircast_version));
                }
                self.checks.push((**check).clone());
            }
            RunEvent::Observed(observation) => self.observations.push(observation.clone()),
            RunEvent::ScenarioEnded(ended) => {
                let key = (ended.scenario.clone(), ended.fhircast_version);
                self.scenarios.push(ScenarioRecord {
                    name: ended.scenario.clone(),
                    title: ended.title.clone(),
                    version: ended.fhircast_version,
                    disposition: ended.disposition.clone(),
                    duration: whole_millis(ended.duration),
                    // What passed in a scenario without fault shows nothing, and is most of what passed.
                    transcript: match self.broken.contains(&key) {
                        true => ended.transcript.clone(),
                        false => Vec::new(),
                    },
                });
            }
            RunEvent::HubLost(lost) => self.hub_lost = Some(lost.clone()),
            RunEvent::RunEnded(ended) => {
                self.duration = whole_millis(ended.duration);
                self.interrupted = ended.interrupted;
                self.sort();
            }
            RunEvent::ScenarioBegan(_) | RunEvent::MessageSeen { .. } => {}
        }
    }

    /// Scenarios end in no certain order; reports have one.
    pub(super) fn sort(&mut self) {
        self.checks.sort_by(|one, other| {
            (&one.scenario, &one.requirement, one.fhircast_version).cmp(&(
                &other.scenario,
                &other.requirement,
                other.fhircast_version,
            ))
        });
        self.scenarios
            .sort_by(|one, other| (&one.name, one.version).cmp(&(&other.name, other.version)));
        self.observations.sort_by(|one, other| {
            (&one.subject, &one.reading, &one.scenario).cmp(&(
                &other.subject,
                &other.reading,
                &other.scenario,
            ))
        });
    }

    /// The verdicts counted.
    pub fn summary(&self) -> Summary {
        let mut summary = Summary::default();
        self.checks.iter().for_each(|check| summary.add(check.verdict));
        summary
    }

    /// The scenario of this name under this version.
    pub fn scenario(&self, name: &str, version: Version) -> Option<&ScenarioRecord> {
        let of = |own: &&ScenarioRecord| own.name == name && own.version == version;
        self.scenarios.iter().find(of)
    }

    /// What the run comes to.
    pub fn conclusion(&self, strict: bool) -> Conclusion {
        let mut conclusion = Conclusion::new(strict);
        for check in &self.checks {
            conclusion.event(&RunEvent::CheckJudged(Box::new(check.clone())));
        }
        for scenario in &self.scenarios {
            if let Disposition::Error(_) = &scenario.disposition {
                conclusion.event(&RunEvent::ScenarioEnded(
                    castspec_judging::outcome::ScenarioEnded {
                        scenario: scenario.name.clone(),
                        title: scenario.title.clone(),
                        fhircast_version: scenario.version,
                        disposition: scenario.disposition.clone(),
                        duration: scenario.duration,
                        transcript: Vec::new(),
                    },
                ));
            }
        }
        if let Some(lost) = &self.hub_lost {
            conclusion.event(&RunEvent::HubLost(lost.clone()));
        }
        conclusion.event(&RunEvent::RunEnded(castspec_judging::outcome::RunEnded {
            duration: self.duration,
            summary: self.summary(),
            interrupted: self.interrupted,
        }));
        conclusion
    }

    /// The readings that the hub chose, each once, with how many scenarios saw it.
    pub fn readings(&self) -> Vec<(&str, &str, usize)> {
        let mut readings: Vec<(&str, &str, usize)> = Vec::new();
        for own in &self.observations {
            match readings
                .iter_mut()
                .find(|known| known.0 == own.subject && known.1 == own.reading)
            {
                Some(known) => known.2 += 1,
                None => readings.push((&own.subject, &own.reading, 1)),
            }
        }
        readings
    }
}

/// Reports that are rendered anew from report.json, which knows milliseconds, are to be the same.
fn whole_millis(duration: Duration) -> Duration {
    Duration::from_millis(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX))
}
