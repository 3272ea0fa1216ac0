//! Access tokens and id_tokens: JSON Web Tokens, signed with a key that is made at the start and is never written.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jiff::Timestamp;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::protocol::Scopes;

/// The number of tokens that are remembered.
const MOST_KNOWN: usize = 1_000;
/// The name of the one key.
const KEY_ID: &str = "castspec";

/// No key could be made, or nothing be signed with it.
#[derive(Debug, thiserror::Error)]
pub enum SigningError {
    /// The key could not be made.
    #[error("cannot make the authorization server's key: {0}")]
    Key(#[from] rcgen::Error),
    /// The token could not be signed.
    #[error("cannot sign a token: {0}")]
    Token(#[from] jsonwebtoken::errors::Error),
}

/// The grant of a valid access token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// The application that it was issued to.
    pub client: String,
    /// The scopes that it has.
    pub scopes: Scopes,
    /// Its end.
    pub expires: Timestamp,
    /// The launch that it came of; `None` where it came of none.
    pub launch: Option<u64>,
    /// The one topic that it is for; `None` where it is for all.
    pub topic: Option<String>,
}

/// The reason why a token authorizes nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TokenProblem {
    /// None was sent.
    #[error("no access token was sent; send it in the header Authorization: Bearer")]
    Missing,
    /// The header holds something else.
    #[error("the Authorization header holds no Bearer token")]
    OtherScheme,
    /// It was not issued here, or was changed.
    #[error("the access token was not issued by this authorization server")]
    Foreign,
    /// It was ended, with all tokens of its launch.
    #[error(
        "the access token has been revoked, with all tokens of its launch: a code or a refresh token was used a second time; \
         authorize again"
    )]
    Revoked,
    /// Its time is over.
    #[error("the access token expired at {0}; use the refresh token, or authorize again")]
    Expired(Timestamp),
}

#[derive(Debug, Serialize, Deserialize)]
struct AccessClaims {
    iss: String,
    aud: String,
    sub: String,
    client_id: String,
    scope: String,
    iat: i64,
    exp: i64,
    jti: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    launch: Option<u64>,
    #[serde(default, rename = "hub.topic", skip_serializing_if = "Option::is_none")]
    topic: Option<String>,
}

/// The claims of an id_token about the user and the request that it answers.
#[derive(Debug, Serialize)]
pub(super) struct IdentityClaims<'a> {
    pub(super) iss: &'a str,
    pub(super) aud: &'a str,
    pub(super) sub: &'a str,
    pub(super) iat: i64,
    pub(super) exp: i64,
    #[serde(rename = "fhirUser", skip_serializing_if = "Option::is_none")]
    pub(super) fhir_user: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) nonce: Option<&'a str>,
}

/// The key, and what is the same in all tokens.
pub(super) struct Signer {
    issuer: String,
    audience: String,
    encoding: EncodingKey,
    decoding: DecodingKey,
    public: Vec<u8>,
    /// Tokens that were read before: a signature holds for ever.
    known: Mutex<HashMap<String, Grant>>,
}

impl Signer {
    pub(super) fn new(issuer: &str, audience: &str) -> Result<Self, SigningError> {
        super::es256::install();
        let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256)?;
        let public = key.public_key_raw().to_vec();
        Ok(Self {
            issuer: issuer.to_owned(),
            audience: audience.to_owned(),
            encoding: EncodingKey::from_ec_der(&key.serialize_der()),
            decoding: DecodingKey::from_ec_der(&public),
            public,
            known: Mutex::default(),
        })
    }

    fn sign(&self, claims: &impl Serialize, kind: &str) -> Result<String, SigningError> {
        let mut header = Header::new(Algorithm::ES256);
        header.typ = Some(kind.to_owned());
        header.kid = Some(KEY_ID.to_owned());
        Ok(jsonwebtoken::encode(&header, claims, &self.encoding)?)
    }

    pub(super) fn access_token(
        &self,
        grant: &Grant,
        subject: &str,
        id: &str,
        issued: Timestamp,
    ) -> Result<String, SigningError> {
        let claims = AccessClaims {
            iss: self.issuer.clone(),
            aud: self.audience.clone(),
            sub: subject.to_owned(),
            client_id: grant.client.clone(),
            scope: grant.scopes.to_string(),
            iat: issued.as_second(),
            exp: grant.expires.as_second(),
            jti: id.to_owned(),
            launch: grant.launch,
            topic: grant.topic.clone(),
        };
        self.sign(&claims, "at+jwt")
    }

    pub(super) fn id_token(&self, claims: &IdentityClaims<'_>) -> Result<String, SigningError> {
        self.sign(claims, "JWT")
    }

    /// The grant of an access token. Its end is checked apart from the rest, as a defect may skip that check.
    pub(super) fn read(&self, token: &str) -> Result<Grant, TokenProblem> {
        if let Some(grant) = self.known().get(token) {
            return Ok(grant.clone());
        }
        let grant = self.verify(token)?;
        let mut known = self.known();
        if known.len() >= MOST_KNOWN {
            known.clear();
        }
        known.insert(token.to_owned(), grant.clone());
        Ok(grant)
    }

    fn known(&self) -> MutexGuard<'_, HashMap<String, Grant>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn verify(&self, token: &str) -> Result<Grant, TokenProblem> {
        let mut validation = Validation::new(Algorithm::ES256);
        // The clock is the caller's.
        validation.validate_exp = false;
        validation.set_issuer(&[&self.issuer]);
        validation.set_audience(&[&self.audience]);
        let read = jsonwebtoken::decode::<AccessClaims>(token, &self.decoding, &validation)
            .map_err(|_| TokenProblem::Foreign)?;
        let foreign = |_| TokenProblem::Foreign;
        Ok(Grant {
            client: read.claims.client_id,
            scopes: Scopes::parse(&read.claims.scope).map_err(|_| TokenProblem::Foreign)?,
            expires: Timestamp::from_second(read.claims.exp).map_err(foreign)?,
            launch: read.claims.launch,
            topic: read.claims.topic,
        })
    }

    /// The public key as a JSON Web Key Set (RFC 7517).
    pub(super) fn key_set(&self) -> Value {
        // An uncompressed point: 4, x, y (SEC 1, 2.3.3).
        let (x, y) = self.public.get(1..).unwrap_or_default().split_at(32);
        let encode = |part: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(part);
        json!({"keys": [{
            "kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": KEY_ID,
            "x": encode(x), "y": encode(y),
        }]})
    }
}

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Signer")
            .field("issuer", &self.issuer)
            .finish_non_exhaustive()
    }
}
