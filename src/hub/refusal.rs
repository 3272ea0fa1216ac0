//! A request that the hub refuses: the status, and why, for the developer of the client.

use crate::protocol::{FormError, MessageError};

/// Why a request is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct Refusal {
    /// The HTTP status, 4xx or 5xx.
    pub status: u16,
    /// What was wrong, where, which rule it broke and what to do: the plain-text body of the answer.
    pub reason: String,
}

impl Refusal {
    /// A refusal with this status and reason.
    pub fn new(status: u16, reason: impl Into<String>) -> Self {
        Self {
            status,
            reason: reason.into(),
        }
    }

    /// A request that breaks a rule of the specification.
    pub fn malformed(reason: impl Into<String>) -> Self {
        Self::new(400, reason)
    }
}

impl From<FormError> for Refusal {
    fn from(error: FormError) -> Self {
        Self::malformed(error.to_string())
    }
}

impl From<MessageError> for Refusal {
    fn from(error: MessageError) -> Self {
        Self::malformed(format!(
            "{error} (FHIRcast STU3, 2.3 Event Definition Format and 2.6 Request Context Change body)"
        ))
    }
}
