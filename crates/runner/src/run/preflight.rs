//! Before the first scenario: is the hub there, what does it claim, and how does it want to be spoken to?

use std::sync::Arc;

use super::target::Target;
use crate::client::{HttpClient, Log, NoAnswer, OutgoingRequest};
use crate::judging::hub::Claims;
use crate::protocol::WELL_KNOWN_PATH;
use crate::redaction::Redactor;

/// The hub cannot be tested at all.
#[derive(Debug, thiserror::Error)]
pub enum PreflightError {
    /// Nothing answers there.
    #[error("the hub at {url} cannot be reached: {problem}{}", advice(problem))]
    Unreachable {
        /// `hub.url`.
        url: String,
        /// Why.
        problem: String,
    },
    /// It wants a token, or another one.
    #[error(
        "the hub at {url} answered a proper subscription with {status} ({said}): {}",
        match with_token {
            true => "it does not take the token that was given; name another (--token, CASTSPEC_TOKEN, or [auth] in a target file)",
            false => "it wants an access token; give one (--token, CASTSPEC_TOKEN, or [auth] in a target file)",
        }
    )]
    Unauthorized {
        /// `hub.url`.
        url: String,
        /// The status.
        status: u16,
        /// Whether a token was shown.
        with_token: bool,
        /// What the answer said.
        said: String,
    },
    /// There is no hub at this path.
    #[error(
        "{url} answered a proper subscription with {status}: there is no hub at this URL; hub.url must be given whole, with \
         its path (and its trailing slash, where it has one)"
    )]
    NothingThere {
        /// `hub.url`.
        url: String,
        /// The status.
        status: u16,
    },
    /// It is somewhere else.
    #[error(
        "{url} answered a proper subscription with {status} and leads to {location}: give the URL at which the hub itself \
         answers"
    )]
    Redirected {
        /// `hub.url`.
        url: String,
        /// The status.
        status: u16,
        /// Where it leads to.
        location: String,
    },
    /// Its WebSocket cannot be reached.
    #[error(
        "the hub took a subscription, but no WebSocket came about at the endpoint that it gave ({endpoint}): {problem}; \
         the endpoint must be reachable from this machine, by its host name, its port and its path"
    )]
    NoWebSocket {
        /// `hub.channel.endpoint`.
        endpoint: String,
        /// Why.
        problem: String,
    },
}

fn advice(problem: &str) -> &'static str {
    let problem = problem.to_ascii_lowercase();
    if problem.contains("unknownissuer") || problem.contains("unknown issuer") {
        "; its certificate comes from an authority that is not trusted here: name the authority by --ca-cert FILE"
    } else if problem.contains("invalidcontenttype") || problem.contains("corrupt message") {
        "; it speaks no TLS: is it an http:// URL?"
    } else if problem.contains("certificate") {
        "; see --ca-cert and --insecure"
    } else {
        ""
    }
}

/// Reads the configuration document and makes the claims of it.
///
/// # Errors
/// When nothing answers at all; a hub that answers with whatever status is there.
pub async fn claims(target: &Target, http: &HttpClient) -> Result<Arc<Claims>, PreflightError> {
    let url = target.below(WELL_KNOWN_PATH);
    let log = Log::new(Redactor::default(), None);
    let answer = http
        .send_patiently(&log, "castspec", &OutgoingRequest::get(&url))
        .await
        .map_err(|error: NoAnswer| PreflightError::Unreachable {
            url: target.hub_url_text(),
            problem: error.problem,
        })?;
    let document = answer
        .json
        .filter(|document| (200..300).contains(&answer.status) && document.is_object());
    let mut claims = Claims::from_configuration(target.version, document.as_ref());
    for (capability, claimed) in &target.claims {
        claims.set(*capability, *claimed, "the target's claims");
    }
    Ok(Arc::new(claims))
}
