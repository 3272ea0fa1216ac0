//! A run that never was, told as the runner tells one, and what the reports made of it.

#![allow(dead_code, reason = "each test file uses its own part")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test fails by panicking, and tells what it left out"
)]

pub mod junit;

use std::time::Duration;

use castspec::report::{Console, ConsoleSettings, Reports};
use castspec_fhircast::protocol::Version;
use castspec_fhircast::requirement::Level;
use castspec_judging::outcome::{
    Check, Disposition, Entry, Evidence, HubLost, Observation, RunBegan, RunEnded, RunEvent, ScenarioBegan,
    ScenarioEnded, Summary, Target, Tool, Traffic, Verdict,
};
use serde_json::{Value, json};

/// The files that a run left behind.
pub struct Files {
    pub junit: String,
    pub json: Value,
    pub html: String,
    pub summary: String,
    pub github: Vec<String>,
    pub gitlab: Value,
}

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
        };
        Self {
            events: vec![RunEvent::RunBegan(began)],
            summary: Summary::default(),
            interrupted: false,
        }
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
            for own in &check.evidence {
                transcript.push(own.entry.clone());
                self.events.push(RunEvent::MessageSeen {
                    scenario: name.to_owned(),
                    entry: own.entry.clone(),
                });
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
        }));
        self.events
    }
}

/// A check as the runner judges one, without evidence.
pub fn check(scenario: &str, requirement: &str, level: Level, verdict: Verdict) -> Check {
    let message = match verdict {
        Verdict::Pass => "held",
        Verdict::Skip => "the hub does not claim content_sharing",
        Verdict::Inconclusive => "the WebSocket of a did not open",
        Verdict::Warn => "the body is empty",
        Verdict::Fail => "hub.events is missing",
    };
    let repeat = format!("castspec run {scenario}/{requirement}@STU3 --hub https://hub.example.com/fhircast");
    Check {
        id: format!("{scenario}/{requirement}@STU3"),
        scenario: scenario.to_owned(),
        requirement: requirement.to_owned(),
        fhircast_version: Version::Stu3,
        level,
        section: "2.4 Subscription Confirmation".to_owned(),
        url: "https://hl7.org/fhir/uv/fhircast/2-4-Subscribing.html#subscription-confirmation".to_owned(),
        statement: "The confirmation has what was asked for.".to_owned(),
        verdict,
        message: message.to_owned(),
        expected: None,
        observed: None,
        evidence: Vec::new(),
        repeat: (verdict != Verdict::Pass).then_some(repeat),
        accepted: None,
        flaky: false,
    }
}

pub fn entry(sequence: usize, actor: &str, traffic: Traffic) -> Entry {
    Entry {
        sequence,
        at_ms: sequence as f64 * 12.5,
        actor: actor.to_owned(),
        traffic,
    }
}

pub fn evidence(entry: Entry, pointer: Option<&str>) -> Evidence {
    Evidence {
        entry,
        pointer: pointer.map(str::to_owned),
    }
}

/// How a subscription looks that is confirmed wrongly.
pub fn conversation() -> Vec<Evidence> {
    let form = "hub.channel.type=websocket&hub.mode=subscribe&hub.topic=topic+1&hub.events=Patient-open%2CPatient-close";
    let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    vec![
        evidence(
            entry(
                0,
                "a",
                Traffic::Request {
                    method: "POST".to_owned(),
                    url: "https://hub.example.com/fhircast".to_owned(),
                    headers: vec![header("content-type", "application/x-www-form-urlencoded")],
                    body: form.to_owned(),
                },
            ),
            None,
        ),
        evidence(
            entry(
                1,
                "a",
                Traffic::Response {
                    status: 202,
                    headers: vec![header("content-type", "application/json")],
                    body: r#"{"hub.channel.endpoint":"wss://hub.example.com/socket/1"}"#.to_owned(),
                },
            ),
            None,
        ),
        evidence(
            entry(
                2,
                "a",
                Traffic::FrameReceived {
                    text: r#"{"hub.mode":"subscribe","hub.topic":"topic 1","hub.lease_seconds":7200}"#
                        .to_owned(),
                    binary: false,
                },
            ),
            Some("/hub.events"),
        ),
    ]
}

/// A run with every verdict, at every level that bears it, and every way in which a scenario ends.
pub fn sample() -> Run {
    let broken = Check {
        message: "hub.events is missing".to_owned(),
        expected: Some("hub.events: a comma-separated list of events".to_owned()),
        observed: Some("no such member".to_owned()),
        evidence: conversation(),
        ..check(
            "subscribing/accepted",
            "confirmation.events",
            Level::Shall,
            Verdict::Fail,
        )
    };
    let differs = Check {
        section: "2.5 Event Notification".to_owned(),
        expected: Some("{\n  \"id\": \"p1\",\n  \"resourceType\": \"Patient\"\n}".to_owned()),
        observed: Some("{\n  \"id\": \"p2\",\n  \"resourceType\": \"Patient\"\n}".to_owned()),
        message: "the context is not the one that was published".to_owned(),
        evidence: vec![evidence(
            entry(
                7,
                "b",
                Traffic::Closed {
                    by_hub: true,
                    code: Some(1011),
                    reason: "internal error".to_owned(),
                },
            ),
            None,
        )],
        ..check(
            "notification/context",
            "notification.context-unaltered",
            Level::Shall,
            Verdict::Fail,
        )
    };
    let warned = Check {
        section: "2.4 Subscription Response".to_owned(),
        evidence: vec![evidence(
            entry(
                1,
                "a",
                Traffic::Response {
                    status: 400,
                    headers: Vec::new(),
                    body: String::new(),
                },
            ),
            None,
        )],
        ..check(
            "subscribing/refused",
            "subscribe.refusal-description",
            Level::Should,
            Verdict::Warn,
        )
    };
    let pass = |scenario: &str, requirement: &str, level| check(scenario, requirement, level, Verdict::Pass);
    let open = |requirement: &str, level| check("replay/current", requirement, level, Verdict::Inconclusive);
    let skip = |requirement: &str, level| check("content-sharing/update", requirement, level, Verdict::Skip);
    Run::new()
        .scenario(
            "subscribing/refused",
            Disposition::Completed,
            vec![
                pass("subscribing/refused", "subscribe.refusal-status", Level::Shall),
                warned,
            ],
        )
        .scenario(
            "subscribing/accepted",
            Disposition::Completed,
            vec![
                pass(
                    "subscribing/accepted",
                    "subscribe.response.endpoint",
                    Level::Shall,
                ),
                pass("subscribing/accepted", "confirmation.name", Level::May),
                broken,
            ],
        )
        .observed(
            "subscribing/accepted",
            "requested-lease",
            "the hub grants the lease that was asked for",
        )
        .observed(
            "subscribing/refused",
            "requested-lease",
            "the hub grants the lease that was asked for",
        )
        .scenario("notification/context", Disposition::Completed, vec![differs])
        .scenario(
            "replay/current",
            Disposition::Inconclusive("the WebSocket of a did not open".to_owned()),
            vec![
                open("replay.sent", Level::Shall),
                open("replay.in-order", Level::Should),
                open("replay.marked", Level::May),
            ],
        )
        .scenario(
            "content-sharing/update",
            Disposition::Skipped("the hub does not claim content_sharing".to_owned()),
            vec![
                skip("content.version", Level::Shall),
                skip("content.hint", Level::Should),
            ],
        )
        .scenario(
            "own/broken",
            Disposition::Error("step 3 names the subscriber 'c', which is not there".to_owned()),
            Vec::new(),
        )
}

/// The files that the run leaves behind.
pub fn files(events: &[RunEvent], strict: bool) -> Files {
    let folder = tempfile::tempdir().unwrap();
    let mut reports = Reports::new(folder.path(), strict).unwrap();
    for event in events {
        reports.event(event).unwrap();
    }
    reports.write_gitlab_code_quality().unwrap();
    let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
    Files {
        junit: read("junit.xml"),
        json: serde_json::from_str(&read("report.json")).unwrap(),
        html: read("index.html"),
        summary: read("summary.md"),
        github: reports.github_annotations(),
        gitlab: serde_json::from_str(&read("gl-code-quality-report.json")).unwrap(),
    }
}

/// What the console shows of the run.
pub fn console(events: &[RunEvent], settings: ConsoleSettings) -> String {
    let mut out = Vec::new();
    let mut console = Console::new(&mut out, settings);
    for event in events {
        console.event(event).unwrap();
    }
    drop(console);
    String::from_utf8(out).unwrap()
}
