//! Checks with their evidence, and a run that has every verdict.

use castspec_fhircast::protocol::Version;
use castspec_fhircast::requirement::{Level, RequirementId};
use castspec_judging::outcome::{Check, Disposition, Entry, Evidence, Traffic, Verdict};

use super::Run;

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
        requirement: RequirementId::new(requirement),
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
        left_out: false,
        cause: None,
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
