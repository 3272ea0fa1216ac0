//! Access to the hub: what the token of a request allows.

use axum::http::{HeaderMap, header};

use super::registry::Registry;
use crate::admission::Admission;
use crate::authorization::TokenProblem;
use crate::refusal::Refusal;

/// The permissions of the request's token.
///
/// # Errors
/// Where the hub demands tokens and the request has no valid one (401).
pub(super) fn admit(hub: &Registry, headers: &HeaderMap) -> Result<Admission, Refusal> {
    let Some(authorization) = &hub.authorization else {
        return Ok(Admission::default());
    };
    let header = headers.get(header::AUTHORIZATION);
    // Bytes that are no text are no token.
    let header = header.map(|value| value.to_str().unwrap_or_default());
    let admitted = match authorization.admit(header, jiff::Timestamp::now()) {
        Err(problem) if hub.behaviour.takes_despite(&problem) => return Ok(Admission::default()),
        admitted => admitted,
    };
    let looks_at_scopes = hub.behaviour.looks_at_scopes();
    let admission = |grant| Admission::by(grant, looks_at_scopes);
    admitted.map(admission).map_err(|problem| {
        let refusal = Refusal::new(
            401,
            format!("Authorization: {problem} (FHIRcast STU3, 2.4 Subscription Request)"),
        );
        // A request without a token is told no error code (RFC 6750, 3.1).
        refusal.with_challenge(match problem {
            TokenProblem::Missing | TokenProblem::OtherScheme => String::new(),
            TokenProblem::Foreign => {
                "error=\"invalid_token\", error_description=\"it was not issued here\"".to_owned()
            }
            TokenProblem::Revoked => {
                "error=\"invalid_token\", error_description=\"it has been revoked\"".to_owned()
            }
            TokenProblem::Expired(_) => {
                "error=\"invalid_token\", error_description=\"it has expired\"".to_owned()
            }
        })
    })
}
