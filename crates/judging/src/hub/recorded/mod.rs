//! Judging a hub by a decoded capture: its events, one after the other, make the conversation that the ambient rules are applied to.
//!
//! Who sent a request over HTTP, nobody can tell, and there may be subscribers that were not recorded: what depends on either
//! stays unjudged.

mod calls;
mod claims;
mod exchanges;
mod listener;
mod owed;
mod refusals;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use url::Url;

use self::claims::claims;
use self::listener::Listener;
use super::Judge;
use crate::capture;
use crate::outcome::{Check, Entry, Observation};
use crate::protocol::Version;
use crate::requirement::Catalogue;
use crate::schema::Schemas;

/// How long a message that must come may take.
const RESPONSE: Duration = Duration::from_secs(5);
/// After how long a hub gives up on an unanswered notification.
const ACKNOWLEDGEMENT: Duration = Duration::from_secs(10);

/// What became of the hub's requirements in a conversation.
#[derive(Debug, Default)]
pub struct Recorded {
    /// A check for every requirement that was tried.
    pub checks: Vec<Check>,
    /// Which readings of the specification the hub chose.
    pub observations: Vec<Observation>,
    /// What passed.
    pub transcript: Vec<Arc<Entry>>,
}

/// A text that is no URL of a hub.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{url}' is not the URL of a hub: {problem}; it looks like https://hub.example.com/fhircast")]
pub struct HubUrlError {
    url: String,
    problem: String,
}

/// The URL of a hub.
///
/// # Errors
/// When the text is no http or https URL with a host.
pub fn parse_hub_url(text: &str) -> Result<Url, HubUrlError> {
    let error = |problem: &str| HubUrlError {
        url: text.to_owned(),
        problem: problem.to_owned(),
    };
    let url = Url::parse(text).map_err(|problem| error(&problem.to_string()))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(error("its scheme is neither https nor http"));
    }
    if url.host().is_none() {
        return Err(error("it names no host"));
    }
    Ok(url)
}

/// Judges what a hub did in a capture; the checks are those of a scenario of this name.
///
/// # Errors
/// When the capture was not made of a hub.
pub fn judge_recorded(
    scenario: &str,
    version: Version,
    catalogue: Arc<Catalogue>,
    schemas: Arc<Schemas>,
    recorded: &capture::conversation::RecordedConversation,
) -> Result<Recorded, HubUrlError> {
    parse_hub_url(recorded.hub_url())?;
    let claims = Arc::new(claims(version, recorded));
    let judge = Judge::new(catalogue, schemas, version, claims);
    let mut listener = Listener::new(version, judge);
    for (moment, event) in recorded.events() {
        listener.take(moment, event);
    }
    Ok(listener.conclude(scenario))
}
