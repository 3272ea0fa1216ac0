//! A run that never was, told as the runner tells one.

use std::time::Duration;

use castspec_fhircast::protocol::Version;
use castspec_fhircast::requirement::Actor;
use castspec_judging::outcome::{
    Check, Disposition, HubLost, Observation, RunBegan, RunEnded, RunEvent, ScenarioBegan, ScenarioEnded,
    Scope, Shares, Side, Summary, Target, Tool,
};
use serde_json::{Value, json};

/// A run in the making; scenarios and checks count as they come.
#[derive(Clone)]
pub struct Run {
    pub events: Vec<RunEvent>,
    summary: Summary,
    interrupted: bool,
}

impl Run {
    pub fn new() -> Self {
        Self::against("https://hub.example.com/fhircast")
    }

    pub fn against(hub_url: &str) -> Self {
        let Value::Object(capabilities) = json!({"get_current_context": true, "content_sharing": false})
        else {
            unreachable!()
        };
        let began = RunBegan {
            tool: Tool {
                name: "castspec".to_owned(),
                version: "0.1.0".to_owned(),
            },
            started: "2025-03-04T05:06:07.089Z".to_owned(),
            target: Target {
                hub_url: hub_url.to_owned(),
                fhircast_version: Version::Stu3,
                built_in: false,
                capabilities,
            },
            further_targets: Vec::new(),
            scenarios: 5,
            scope: Scope::default(),
        };
        Self {
            events: vec![RunEvent::RunBegan(began)],
            summary: Summary::default(),
            interrupted: false,
        }
    }

    /// What the run sets out to judge.
    pub fn with_scope(mut self, scope: Scope) -> Self {
        let Some(RunEvent::RunBegan(began)) = self.events.first_mut() else {
            panic!("a run begins with its beginning");
        };
        began.scope = scope;
        self
    }

    /// One of the shards of a run that has two requirements to judge.
    pub fn in_shares(self, shares: Shares) -> Self {
        let requirements = [
            ("subscribe.accepted-202", "A subscription is accepted with 202."),
            ("publish.accept-or-reject", "An event is accepted or refused."),
        ];
        let requirements = requirements.map(|(id, statement)| (id.into(), statement.to_owned()));
        let side = Side {
            version: Version::Stu3,
            actor: Actor::Hub,
            requirements: requirements.into(),
        };
        self.with_scope(Scope {
            selection: Vec::new(),
            shares: Some(shares),
            sides: vec![side],
        })
    }

    /// The same hub, under a further version.
    pub fn also_under(mut self, version: Version) -> Self {
        let Some(RunEvent::RunBegan(began)) = self.events.first_mut() else {
            panic!("a run begins with its beginning");
        };
        let mut target = began.target.clone();
        target.fhircast_version = version;
        began.further_targets.push(target);
        self
    }

    pub fn scenario(self, name: &str, disposition: Disposition, checks: Vec<Check>) -> Self {
        self.scenario_under(Version::Stu3, name, disposition, checks)
    }

    pub fn scenario_under(
        mut self,
        version: Version,
        name: &str,
        disposition: Disposition,
        checks: Vec<Check>,
    ) -> Self {
        self.events.push(RunEvent::ScenarioBegan(ScenarioBegan {
            scenario: name.to_owned(),
            title: format!("The title of {name}"),
            fhircast_version: version,
        }));
        let mut transcript = Vec::new();
        for check in checks {
            for evidence in &check.evidence {
                transcript.push(evidence.entry.clone());
            }
            self.summary.add(check.verdict);
            self.events.push(RunEvent::CheckJudged(Box::new(check)));
        }
        self.events.push(RunEvent::ScenarioEnded(ScenarioEnded {
            scenario: name.to_owned(),
            title: format!("The title of {name}"),
            fhircast_version: version,
            disposition,
            duration: Duration::from_millis(120),
            transcript,
        }));
        self
    }

    /// The scenario that was added last took this long.
    pub fn in_millis(mut self, millis: u64) -> Self {
        let Some(RunEvent::ScenarioEnded(ended)) = self.events.last_mut() else {
            panic!("no scenario was added last");
        };
        ended.duration = Duration::from_millis(millis);
        self
    }

    pub fn observed(mut self, scenario: &str, subject: &str, reading: &str) -> Self {
        self.events.push(RunEvent::Observed(Observation {
            scenario: scenario.to_owned(),
            fhircast_version: Version::Stu3,
            subject: subject.to_owned(),
            reading: reading.to_owned(),
        }));
        self
    }

    pub fn lost(mut self, scenario: &str, request: &str, problem: &str) -> Self {
        self.events.push(RunEvent::HubLost(HubLost {
            scenario: scenario.to_owned(),
            request: request.to_owned(),
            problem: problem.to_owned(),
        }));
        self
    }

    pub fn interrupted(mut self) -> Self {
        self.interrupted = true;
        self
    }

    /// All events, to the last.
    pub fn ended(mut self) -> Vec<RunEvent> {
        self.events.push(RunEvent::RunEnded(RunEnded {
            duration: Duration::from_millis(1_234),
            summary: self.summary,
            interrupted: self.interrupted,
            obstacle: None,
        }));
        self.events
    }
}
