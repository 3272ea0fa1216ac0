//! The heart of the authorization server: launches, authorizations and tokens, with `now` always a parameter.

mod authenticating;
mod authorizing;
mod redeeming;

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use url::Url;

use super::client::Client;
use super::launch::{Code, Family, Launch, Waiting};
use super::request::check_redirect;
use super::revoked::Revoked;
use super::token::{Grant, Signer, SigningError, TokenProblem};
use crate::protocol::Scopes;

/// Scopes beside those of FHIRcast that are granted.
const OTHER_SCOPES: [&str; 7] = [
    "openid",
    "fhirUser",
    "profile",
    "launch",
    "launch/patient",
    "offline_access",
    "online_access",
];

/// The one user there is.
const USER: &str = "castspec-user";

const CODE_LIFE: SignedDuration = SignedDuration::from_secs(60);
const LAUNCH_LIFE: SignedDuration = SignedDuration::from_mins(5);
const REFRESH_LIFE: SignedDuration = SignedDuration::from_hours(24);

/// The settings of an authorization server.
#[derive(Debug, Clone)]
pub struct Options {
    /// The life of access tokens.
    pub lifetime: Duration,
    /// The client that has a secret, and may ask for tokens of its own; none where it is left out.
    pub client: Option<Client>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            lifetime: Duration::from_secs(3_600),
            client: None,
        }
    }
}

/// An access token, ready to be used.
#[derive(Clone, PartialEq, Eq)]
pub struct Issued {
    /// The token itself: secret.
    pub token: String,
    /// The scopes that it has.
    pub scopes: Scopes,
    /// Its end, which may be past.
    pub expires: Timestamp,
}

impl std::fmt::Debug for Issued {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Issued")
            .field("scopes", &self.scopes)
            .field("expires", &self.expires)
            .finish_non_exhaustive()
    }
}

/// A source of codes and tokens that nobody can guess.
pub type Secrets = Box<dyn FnMut() -> String + Send>;

/// The server: what it has handed out and still waits to see again.
pub struct AuthorizationServer {
    issuer: String,
    hub_url: String,
    /// The session of the user, which every standalone launch joins.
    topic: String,
    lifetime: SignedDuration,
    client: Option<Client>,
    signer: Signer,
    secrets: Secrets,
    launches: Waiting<Launch>,
    codes: Waiting<Code>,
    /// Codes that were used, and the launches whose tokens end when one is used again.
    used: Waiting<u64>,
    families: Waiting<Family>,
    revoked: Revoked,
    /// How many applications were launched.
    launched: u64,
}

impl AuthorizationServer {
    /// A server at this URL, for the hub at that one.
    ///
    /// # Errors
    /// When its key cannot be made.
    pub fn new(
        issuer: &str,
        hub_url: &str,
        options: &Options,
        mut secrets: Secrets,
    ) -> Result<Self, SigningError> {
        Ok(Self {
            issuer: issuer.to_owned(),
            hub_url: hub_url.to_owned(),
            topic: secrets(),
            lifetime: SignedDuration::try_from(options.lifetime).unwrap_or(SignedDuration::MAX),
            client: options.client.clone(),
            signer: Signer::new(issuer, hub_url)?,
            secrets,
            launches: Waiting::default(),
            codes: Waiting::default(),
            used: Waiting::default(),
            families: Waiting::default(),
            revoked: Revoked::default(),
            launched: 0,
        })
    }

    /// The document at `/.well-known/smart-configuration` (SMART App Launch 2, Conformance).
    pub fn configuration(&self) -> Value {
        let at = |path: &str| format!("{}{path}", self.issuer);
        let mut methods = vec!["none"];
        let mut grants = vec!["authorization_code", "refresh_token"];
        let mut capabilities = vec![
            "launch-ehr",
            "launch-standalone",
            "client-public",
            "sso-openid-connect",
            "permission-offline",
            "permission-online",
            "authorize-post",
        ];
        if self.client.is_some() {
            methods.extend(["client_secret_basic", "client_secret_post"]);
            grants.push("client_credentials");
            capabilities.push("client-confidential-symmetric");
        }
        json!({
            "issuer": self.issuer,
            "jwks_uri": at("/jwks"),
            "authorization_endpoint": at("/authorize"),
            "token_endpoint": at("/token"),
            "token_endpoint_auth_methods_supported": methods,
            "grant_types_supported": grants,
            "response_types_supported": ["code"],
            "scopes_supported": OTHER_SCOPES.iter().copied().chain(["fhircast/*.read", "fhircast/*.write", "fhircast/*.*"]).collect::<Vec<_>>(),
            "code_challenge_methods_supported": ["S256"],
            "capabilities": capabilities,
        })
    }

    /// The public keys that its tokens can be verified with.
    pub fn key_set(&self) -> Value {
        self.signer.key_set()
    }

    /// Begins an EHR launch into this topic, or into the user's session: where the application at `app` is to be opened.
    ///
    /// # Errors
    /// When that is no URL that a browser may be sent to, or too many launches wait.
    pub fn launch(&mut self, app: &str, topic: Option<&str>, now: Timestamp) -> Result<Url, String> {
        let mut url = check_redirect("app", app)?;
        let launch = (self.secrets)();
        let topic = topic.unwrap_or(&self.topic).to_owned();
        if !self
            .launches
            .keep(launch.clone(), Launch { topic }, later(now, LAUNCH_LIFE), now)
        {
            return Err("too many launches wait to be taken up; try again later".to_owned());
        }
        url.query_pairs_mut()
            .append_pair("iss", &self.issuer)
            .append_pair("launch", &launch);
        Ok(url)
    }

    /// An access token without a launch, for scripts; a negative life makes one that has ended.
    ///
    /// # Errors
    /// When it cannot be signed.
    pub fn issue(
        &mut self,
        client: &str,
        scopes: Scopes,
        life: SignedDuration,
        now: Timestamp,
    ) -> Result<Issued, SigningError> {
        let grant = Grant {
            client: client.to_owned(),
            scopes,
            expires: later(now, life),
            launch: None,
            topic: None,
        };
        self.sign(grant, USER, now)
    }

    fn sign(&mut self, grant: Grant, subject: &str, now: Timestamp) -> Result<Issued, SigningError> {
        let id = (self.secrets)();
        let token = self.signer.access_token(&grant, subject, &id, now)?;
        Ok(Issued {
            token,
            scopes: grant.scopes,
            expires: grant.expires,
        })
    }

    /// The grant of an access token.
    ///
    /// # Errors
    /// When it was not issued here, was revoked, or has ended.
    pub fn admit(&self, token: &str, now: Timestamp) -> Result<Grant, TokenProblem> {
        let grant = self.signer.read(token)?;
        if grant.launch.is_some_and(|launch| self.revoked.holds(launch)) {
            return Err(TokenProblem::Revoked);
        }
        if grant.expires <= now {
            return Err(TokenProblem::Expired(grant.expires));
        }
        Ok(grant)
    }

    /// Ends all tokens of a launch.
    fn revoke(&mut self, launch: u64, now: Timestamp) {
        self.families.retain(|family| family.authorized.launch != launch);
        self.revoked.add(launch, later(now, self.lifetime), now);
    }
}

impl std::fmt::Debug for AuthorizationServer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AuthorizationServer")
            .field("issuer", &self.issuer)
            .finish_non_exhaustive()
    }
}

fn later(now: Timestamp, by: SignedDuration) -> Timestamp {
    now.saturating_add(by).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests;
