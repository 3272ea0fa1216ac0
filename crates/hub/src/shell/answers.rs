//! Answers that refuse a request.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::registry::Registry;
use crate::refusal::Refusal;

/// The beginning of `WWW-Authenticate`.
const REALM: &str = "Bearer realm=\"fhircast\"";

/// A refusal as an answer: plain text for the developer of the client.
pub(super) fn refuse(hub: &Registry, refusal: &Refusal) -> Response {
    let refusal = hub.profile.cite_refusal(refusal);
    tracing::debug!(status = refusal.status, reason = %refusal.reason, "refused");
    let status = StatusCode::from_u16(refusal.status).unwrap_or(StatusCode::BAD_REQUEST);
    let reason = if hub.behaviour.explains_refusals() {
        format!("{}\n", refusal.reason)
    } else {
        String::new()
    };
    let (content_type, reason) = hub.behaviour.refusal(&reason);
    let mut answer = (status, [(header::CONTENT_TYPE, content_type)], reason).into_response();
    let challenge = refusal.challenge.as_deref().map(|challenge| match challenge {
        "" => REALM.to_owned(),
        more => format!("{REALM}, {more}"),
    });
    if let Some(Ok(challenge)) = challenge.map(HeaderValue::try_from) {
        answer.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
    }
    answer
}
