//! A request that the hub refuses: the status, and why, for the developer of the client.

use crate::protocol::{FormError, MessageError};

/// The reason for which a request is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct Refusal {
    /// The HTTP status, 4xx or 5xx.
    pub status: u16,
    /// The mistake, its place, the rule that it broke and what to do: the plain-text body of the answer.
    pub reason: String,
    /// The rest of `WWW-Authenticate` behind the scheme and the realm (RFC 6750, 3), where there is to be one.
    pub challenge: Option<String>,
}

impl Refusal {
    /// A refusal with this status and reason.
    pub fn new(status: u16, reason: impl Into<String>) -> Self {
        Self {
            status,
            reason: reason.into(),
            challenge: None,
        }
    }

    /// The same with a challenge for the client to authorize.
    #[must_use]
    pub fn with_challenge(mut self, challenge: impl Into<String>) -> Self {
        self.challenge = Some(challenge.into());
        self
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
