//! A client that has a secret: scripts that ask for tokens themselves, and applications with a server of their own.

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// The longest name and secret.
const LONGEST: usize = 256;

/// A client of the authorization server that shows who it is by a secret (RFC 6749, 2.3.1).
#[derive(Clone)]
pub struct Client {
    id: String,
    /// SHA-256: texts of any length are compared in the same time.
    secret: [u8; 32],
}

/// A client cannot be registered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ClientError {
    /// Its `client_id` is none.
    #[error("the client id must have 1 to {LONGEST} printable ASCII characters (RFC 6749, A.1)")]
    Id,
    /// Its secret is none.
    #[error("the client secret must have 1 to {LONGEST} printable ASCII characters (RFC 6749, A.2)")]
    Secret,
}

impl Client {
    /// A client with this `client_id` and this secret.
    ///
    /// # Errors
    /// When one of them is empty, too long, or has other characters than RFC 6749 allows.
    pub fn new(id: &str, secret: &str) -> Result<Self, ClientError> {
        let is_fit = |text: &str| {
            (1..=LONGEST).contains(&text.len()) && text.bytes().all(|byte| matches!(byte, b' '..=b'~'))
        };
        if !is_fit(id) {
            return Err(ClientError::Id);
        }
        if !is_fit(secret) {
            return Err(ClientError::Secret);
        }
        Ok(Self {
            id: id.to_owned(),
            secret: Sha256::digest(secret).into(),
        })
    }

    /// Its `client_id`.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Whether this is its secret; compared in constant time.
    pub(super) fn is_shown_by(&self, secret: &str) -> bool {
        let shown: [u8; 32] = Sha256::digest(secret).into();
        bool::from(shown.ct_eq(&self.secret))
    }
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_very_secret_is_it_and_it_is_never_shown() {
        let client = Client::new("script", "s3cret: of mine").unwrap();
        assert!(client.is_shown_by("s3cret: of mine"));
        for wrong in ["", "s3cret: of min", "s3cret: of minE", "s3cret: of mine "] {
            assert!(!client.is_shown_by(wrong), "{wrong}");
        }
        assert_eq!(format!("{client:?}"), "Client { id: \"script\", .. }");
    }

    #[test]
    fn what_no_client_can_send_is_refused() {
        let long = "x".repeat(LONGEST + 1);
        for id in ["", "zwölf", "a\nb", long.as_str()] {
            assert_eq!(Client::new(id, "secret").unwrap_err(), ClientError::Id);
        }
        for secret in ["", "zwölf", "a\tb", long.as_str()] {
            assert_eq!(Client::new("id", secret).unwrap_err(), ClientError::Secret);
        }
    }
}
