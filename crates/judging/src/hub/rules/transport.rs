//! Transport: what passes between the hub and its subscribers is secured by TLS (2).

use serde::Deserialize;
use url::Url;

use crate::hub::{Breach, Conversation, Judge, Place, ids};
use crate::is_loopback;
use crate::outcome::Traffic;
use crate::schema::Unmet;

/// How a hub is reached, by the scheme and the host of its URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reached {
    /// Over TLS.
    Securely,
    /// Without, on this machine: a test bed.
    OnThisMachine,
    /// Without, across a network.
    InTheClear,
}

impl Reached {
    fn by(url: &Url) -> Self {
        match url.scheme() {
            "https" => Self::Securely,
            _ if is_loopback(url) => Self::OnThisMachine,
            _ => Self::InTheClear,
        }
    }
}

/// The one member of an answer that is looked at.
#[derive(Deserialize)]
struct Accepted {
    #[serde(rename = "hub.channel.endpoint")]
    endpoint: Option<String>,
}

/// Judges the requests to the hub and the WebSockets that it gives out (ambiguities, 22): without TLS, a hub on this machine is a
/// test bed, another one is warned of, and a deployment fails. Callbacks are the subscribers', and not judged of the hub.
pub(super) fn judge_transport(conversation: &Conversation, judge: &mut Judge) {
    let mut asked: Option<(Reached, usize)> = None;
    let mut judged = None;
    for entry in &conversation.transcript {
        match &entry.traffic {
            Traffic::Request { url, .. } => {
                let reached = Url::parse(url).ok().map(|url| Reached::by(&url));
                asked = reached.map(|reached| (reached, entry.sequence)).or(asked);
            }
            Traffic::Response { status, body, .. } => {
                let Some((reached, request)) = asked else { continue };
                if judged.replace(reached) != Some(reached) {
                    let breach = Breach::new(
                        "requests to the hub are not secured by TLS",
                        vec![Place::at(request)],
                    )
                    .expecting("an https:// URL");
                    judge_reached(reached, conversation.deployment, ids::HTTPS, breach, judge);
                }
                if (200..300).contains(status)
                    && let Some(endpoint) = endpoint_in(body)
                {
                    let is_secure = endpoint.to_ascii_lowercase().starts_with("wss:");
                    let places = vec![
                        Place::at(request),
                        Place::within(entry.sequence, "/hub.channel.endpoint"),
                    ];
                    let breach = Breach::new("the WebSocket's endpoint is not secured by TLS", places)
                        .expecting("a wss:// URL")
                        .observing(endpoint);
                    match (is_secure, reached) {
                        (true, _) => judge.held(ids::WSS),
                        // A hub that is reached over TLS is no test bed without it.
                        (false, Reached::Securely) => judge.broken(ids::WSS, breach),
                        (false, _) => {
                            judge_reached(reached, conversation.deployment, ids::WSS, breach, judge);
                        }
                    }
                }
            }
            _ => {}
        }
    }
}

fn judge_reached(
    reached: Reached,
    is_deployed: bool,
    requirement: &'static str,
    breach: Breach,
    judge: &mut Judge,
) {
    match (reached, is_deployed) {
        (Reached::Securely, _) => judge.held(requirement),
        (Reached::OnThisMachine | Reached::InTheClear, true) => judge.broken(requirement, breach),
        (Reached::OnThisMachine, false) => {
            judge.reading(
                "transport",
                "the hub is reached without TLS on this machine, as a test bed may be",
            );
        }
        (Reached::InTheClear, false) => judge.broken(requirement, breach.softened(Unmet::Warn)),
    }
}

fn endpoint_in(body: &str) -> Option<String> {
    // Most answers are about something else, and some are long.
    if !body.contains("hub.channel.endpoint") {
        return None;
    }
    let accepted: Accepted = serde_json::from_str(body).ok()?;
    accepted.endpoint
}
