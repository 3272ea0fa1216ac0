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
use crate::outcome::{FinishedRun, FinishedScenario, RunEvent, Target};
use crate::protocol::Version;
use crate::requirement::Catalogue;
use crate::run::{OverheardError, judge_overheard};
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
) -> Result<Vec<RunEvent>, OverheardError> {
    let header = &conversation.header;
    let mut scenarios = Vec::new();
    if judged.hub {
        let overheard = judge_overheard(
            HUB,
            &header.upstream,
            version,
            catalogue.clone(),
            schemas.clone(),
            &conversation.lines,
        )?;
        scenarios.push(FinishedScenario {
            name: HUB.to_owned(),
            title: "What the hub did".to_owned(),
            checks: overheard.checks,
            observations: overheard.observations,
        });
    }
    if judged.subscribers && version == Version::Stu3 {
        for conduct in conducts(conversation, version, catalogue, schemas) {
            scenarios.push(FinishedScenario {
                name: conduct.subscriber.scenario(),
                title: format!("What {} did", conduct.subscriber.name),
                checks: conduct.checks,
                observations: Vec::new(),
            });
        }
    }
    let run = FinishedRun {
        tool: header.tool.clone(),
        started: header.started.clone(),
        target: Target {
            hub_url: header.upstream.clone(),
            fhircast_version: version,
            built_in: false,
            capabilities: Map::new(),
        },
        duration: lasted(conversation),
        scenarios,
    };
    Ok(run.into_events())
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
