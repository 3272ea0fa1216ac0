//! Answers of the control API: JSON, with an `error` that says what to do where something went wrong.

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::json;

use crate::faults::RuleError;
use crate::{NotThere, Refusal, UnknownDefect};

/// The reason why nothing was done.
#[derive(Debug)]
pub(super) struct Problem {
    status: StatusCode,
    error: String,
    pointer: Option<String>,
}

impl Problem {
    pub(super) fn new(status: StatusCode, error: impl Into<String>) -> Self {
        Self {
            status,
            error: error.into(),
            pointer: None,
        }
    }

    pub(super) fn malformed(pointer: &str, error: impl Into<String>) -> Self {
        Self {
            pointer: Some(pointer.to_owned()),
            ..Self::new(StatusCode::BAD_REQUEST, error)
        }
    }
}

impl From<NotThere> for Problem {
    fn from(problem: NotThere) -> Self {
        Self::new(StatusCode::NOT_FOUND, problem.to_string())
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let status = StatusCode::from_u16(refusal.status).unwrap_or(StatusCode::BAD_REQUEST);
        Self::new(status, refusal.reason)
    }
}

impl From<RuleError> for Problem {
    fn from(error: RuleError) -> Self {
        Self::malformed(error.pointer, error.problem)
    }
}

impl From<UnknownDefect> for Problem {
    fn from(error: UnknownDefect) -> Self {
        Self::new(StatusCode::NOT_FOUND, error.to_string())
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut body = json!({ "error": self.error });
        if let Some(pointer) = self.pointer.filter(|pointer| !pointer.is_empty()) {
            body["pointer"] = pointer.into();
        }
        answer(self.status, &body)
    }
}

/// Something done, and what there is to know of it.
#[derive(Debug)]
pub(super) struct Done<T>(pub(super) StatusCode, pub(super) T);

impl<T: Serialize> IntoResponse for Done<T> {
    fn into_response(self) -> Response {
        answer(self.0, &self.1)
    }
}

fn answer(status: StatusCode, body: &impl Serialize) -> Response {
    // Somebody reads it in a terminal.
    let text = serde_json::to_string_pretty(body).unwrap_or_default() + "\n";
    (status, [(header::CONTENT_TYPE, "application/json")], text).into_response()
}
