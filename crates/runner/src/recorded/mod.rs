//! Judges a conversation that was recorded, from a capture or from a browser's HAR file: what the hub did by the ambient checks of
//! live traffic, what its subscribers did by the judge of the hub simulator.
//!
//! What comes out are the events of a run, for the same reports: the hub as one scenario, each subscriber as another.

mod conversation;
mod exchanges;
mod har;

use std::sync::Arc;
use std::time::Duration;

use serde_json::Map;

pub use self::conversation::{Conversation, ConversationError};
use self::exchanges::exchanges;
use crate::judging::hub::{HubUrlError, judge_recorded};
use crate::outcome::{
    Check, Disposition, RunBegan, RunEnded, RunEvent, ScenarioBegan, ScenarioEnded, Summary, Target,
};
use crate::protocol::Version;
use crate::requirement::Catalogue;
use crate::schema::Schemas;
use castspec_judging::subscriber as conduct;

/// The scenario under which what the hub did is listed.
const HUB: &str = "hub";

/// Who is judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Judged {
    /// The hub.
    pub hub: bool,
    /// Its subscribers; in STU3 only.
    pub subscribers: bool,
}

/// Judges a conversation under a version; the events are those of a run that has ended.
///
/// # Errors
/// When the conversation was with nothing that could be a hub.
pub fn review(
    conversation: &Conversation,
    version: Version,
    judged: Judged,
    catalogue: &Arc<Catalogue>,
    schemas: &Arc<Schemas>,
) -> Result<Vec<RunEvent>, HubUrlError> {
    let header = &conversation.header;
    let mut scenarios: Vec<(String, String, Vec<Check>)> = Vec::new();
    let mut observations = Vec::new();
    if judged.hub {
        let recorded = judge_recorded(
            HUB,
            &header.upstream,
            version,
            catalogue.clone(),
            schemas.clone(),
            &conversation.lines,
        )?;
        scenarios.push((HUB.to_owned(), "What the hub did".to_owned(), recorded.checks));
        observations = recorded.observations;
    }
    if judged.subscribers && version == Version::Stu3 {
        for conduct in conducts(conversation, version, catalogue, schemas) {
            let title = format!("What {} did", conduct.subscriber.name);
            scenarios.push((conduct.subscriber.scenario(), title, conduct.checks));
        }
    }
    let mut summary = Summary::default();
    let lasted = lasted(conversation);
    let mut events = vec![RunEvent::RunBegan(RunBegan {
        tool: header.tool.clone(),
        started: header.started.clone(),
        target: Target {
            hub_url: header.upstream.clone(),
            fhircast_version: version,
            built_in: false,
            capabilities: Map::new(),
        },
        further_targets: Vec::new(),
        scenarios: scenarios.len(),
    })];
    for (scenario, title, checks) in scenarios {
        events.push(RunEvent::ScenarioBegan(ScenarioBegan {
            scenario: scenario.clone(),
            title: title.clone(),
            fhircast_version: version,
        }));
        for check in checks {
            summary.add(check.verdict);
            events.push(RunEvent::CheckJudged(Box::new(check)));
        }
        if scenario == HUB {
            events.extend(observations.drain(..).map(RunEvent::Observed));
        }
        events.push(RunEvent::ScenarioEnded(ScenarioEnded {
            scenario,
            title,
            fhircast_version: version,
            disposition: Disposition::Completed,
            duration: lasted,
            transcript: Vec::new(),
        }));
    }
    events.push(RunEvent::RunEnded(RunEnded {
        duration: lasted,
        summary,
        interrupted: false,
    }));
    Ok(events)
}

fn conducts(
    conversation: &Conversation,
    version: Version,
    catalogue: &Arc<Catalogue>,
    schemas: &Arc<Schemas>,
) -> Vec<conduct::Conduct> {
    let mut settings = conduct::Settings::new(version, &conversation.header.upstream);
    settings.authorization = conversation.shows_tokens();
    settings.memory = usize::MAX;
    let mut judge = conduct::Judge::new(catalogue.clone(), schemas.clone(), settings);
    for exchange in exchanges(conversation) {
        judge.observe(&exchange);
        // What is found is in the conclusion too.
        while judge.poll_finding().is_some() {}
    }
    judge.pass_time(lasted(conversation));
    judge.conclude()
}

fn lasted(conversation: &Conversation) -> Duration {
    let last = conversation.lines.last().map_or(0.0, |line| line.at_ms);
    Duration::try_from_secs_f64(last / 1_000.0).unwrap_or_default()
}
