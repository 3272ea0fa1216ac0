//! The judgement of a recording, as the events of a run.

use std::sync::Arc;

use serde_json::Map;

use super::observed::exchanges;
use super::recording::Recording;
use crate::judging::hub::{HubUrlError, judge_recorded};
use crate::outcome::{Check, Disposition, FinishedRun, FinishedScenario, RunEvent, Side, Target, Tool};
use crate::protocol::Version;
use crate::requirement::{Actor, Catalogue};
use crate::schema::Schemas;
use castspec_judging::subscriber;

/// The scenario under which what the hub did is listed.
const HUB: &str = "hub";

/// The scenario that says that nothing is known of any subscriber.
const SUBSCRIBERS: &str = "subscribers";

/// The sides that are judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Judged {
    /// The hub.
    pub hub: bool,
    /// Its subscribers.
    pub subscribers: bool,
    /// What it weighs that a subscriber publishes what is not FHIR R4.
    pub base_fhir: subscriber::BaseFhir,
}

/// Judges a conversation under a version; the events are those of a run that has ended.
///
/// # Errors
/// When the conversation was with nothing that could be a hub.
pub fn judge_recording(
    recording: &Recording,
    version: Version,
    judged: Judged,
    catalogue: &Arc<Catalogue>,
    schemas: &Arc<Schemas>,
) -> Result<Vec<RunEvent>, HubUrlError> {
    let header = &recording.header;
    let mut scenarios = Vec::new();
    let mut sides = Vec::new();
    if judged.hub {
        sides.push(Actor::Hub);
        let recorded = judge_recorded(
            HUB,
            version,
            catalogue.clone(),
            schemas.clone(),
            &recording.conversation,
        )?;
        scenarios.push(FinishedScenario {
            name: HUB.to_owned(),
            title: "What the hub did".to_owned(),
            disposition: judged_or_not(&recorded.checks, "nothing that the hub did can be judged"),
            checks: recorded.checks,
            observations: recorded.observations,
        });
    }
    if judged.subscribers {
        sides.push(Actor::Subscriber);
        let subscriber_checks = subscriber_checks(recording, version, judged.base_fhir, catalogue, schemas);
        if subscriber_checks.iter().all(|of_one| of_one.checks.is_empty()) {
            scenarios.push(FinishedScenario {
                name: SUBSCRIBERS.to_owned(),
                title: "What the subscribers did".to_owned(),
                disposition: judged_or_not(&[], "nothing that a subscriber did can be judged"),
                checks: Vec::new(),
                observations: Vec::new(),
            });
        }
        for of_one in subscriber_checks {
            scenarios.push(FinishedScenario {
                name: of_one.subscriber.scenario(),
                title: format!("What {} did", of_one.subscriber.name),
                checks: of_one.checks,
                observations: Vec::new(),
                disposition: Disposition::Completed,
            });
        }
    }
    let run = FinishedRun {
        // Who judged, not who recorded: a browser's developer tools have a version of their own.
        tool: Tool {
            name: "castspec".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        },
        started: header.started.clone(),
        target: Target {
            hub_url: header.upstream.clone(),
            fhircast_version: version,
            built_in: false,
            capabilities: Map::new(),
        },
        sides: sides
            .into_iter()
            .map(|actor| Side::of(catalogue, version, actor))
            .collect(),
        duration: recording.conversation.duration(),
        scenarios,
    };
    Ok(run.into_events())
}

/// The end of a side with these checks: a side without one was not judged, whatever the other did.
fn judged_or_not(checks: &[Check], otherwise: &str) -> Disposition {
    match checks {
        [] => Disposition::Unjudged(otherwise.to_owned()),
        _ => Disposition::Completed,
    }
}

fn subscriber_checks(
    recording: &Recording,
    version: Version,
    base_fhir: subscriber::BaseFhir,
    catalogue: &Arc<Catalogue>,
    schemas: &Arc<Schemas>,
) -> Vec<subscriber::SubscriberChecks> {
    let mut settings = subscriber::Settings::new(version, &recording.header.upstream);
    settings.authorization = recording.shows_tokens();
    settings.base_fhir = base_fhir;
    settings.memory = usize::MAX;
    let mut judge = subscriber::Judge::new(catalogue.clone(), schemas.clone(), settings);
    for exchange in exchanges(recording) {
        judge.observe(&exchange);
        // What is found is in the conclusion too.
        while judge.poll_finding().is_some() {}
    }
    judge.pass_time(recording.conversation.duration());
    judge.conclude()
}
