//! The heart of the authorization server: launches, authorizations and tokens, with `now` always a parameter.

use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use url::Url;

use super::launch::{Authorized, Code, Launch, Waiting};
use super::request::{AuthorizationAnswer, Granted, OAuthError, Parameters, TokenAnswer, check_redirect};
use super::token::{Grant, IdentityClaims, Signer, SigningError, TokenProblem};
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
}

impl Default for Options {
    fn default() -> Self {
        Self {
            lifetime: Duration::from_secs(3_600),
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
    signer: Signer,
    secrets: Secrets,
    launches: Waiting<Launch>,
    codes: Waiting<Code>,
    /// Codes that were used, and the authorizations that end when one is used again.
    used: Waiting<String>,
    refreshes: Waiting<Authorized>,
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
            signer: Signer::new(issuer, hub_url)?,
            secrets,
            launches: Waiting::default(),
            codes: Waiting::default(),
            used: Waiting::default(),
            refreshes: Waiting::default(),
            launched: 0,
        })
    }

    /// The document at `/.well-known/smart-configuration` (SMART App Launch 2, Conformance).
    pub fn configuration(&self) -> Value {
        let at = |path: &str| format!("{}{path}", self.issuer);
        json!({
            "issuer": self.issuer,
            "jwks_uri": at("/jwks"),
            "authorization_endpoint": at("/authorize"),
            "token_endpoint": at("/token"),
            "token_endpoint_auth_methods_supported": ["none"],
            "grant_types_supported": ["authorization_code", "refresh_token"],
            "response_types_supported": ["code"],
            "scopes_supported": OTHER_SCOPES.iter().copied().chain(["fhircast/*.read", "fhircast/*.write", "fhircast/*.*"]).collect::<Vec<_>>(),
            "code_challenge_methods_supported": ["S256"],
            "capabilities": [
                "launch-ehr", "launch-standalone", "client-public", "sso-openid-connect",
                "permission-offline", "permission-online", "authorize-post",
            ],
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

    /// A request at the authorization endpoint: the query string, or the form where it was posted.
    pub fn authorize(&mut self, query: &[u8], now: Timestamp) -> AuthorizationAnswer {
        let parameters = match Parameters::parse(query) {
            Ok(parameters) => parameters,
            Err(twice) => return AuthorizationAnswer::Refused(format!("{twice} stands more than once")),
        };
        let Some(client) = parameters.get("client_id") else {
            return AuthorizationAnswer::Refused("client_id is required and is missing".to_owned());
        };
        let redirect = match parameters.get("redirect_uri") {
            None => Err("redirect_uri is required and is missing".to_owned()),
            Some(text) => check_redirect("redirect_uri", text),
        };
        let redirect = match redirect {
            Ok(redirect) => redirect,
            Err(problem) => return AuthorizationAnswer::Refused(problem),
        };
        let mut answer = redirect.clone();
        match self.grant_code(client, redirect, &parameters, now) {
            Ok(code) => answer.query_pairs_mut().append_pair("code", &code),
            Err(error) => answer
                .query_pairs_mut()
                .append_pair("error", error.error)
                .append_pair("error_description", &error.description),
        };
        if let Some(state) = parameters.get("state") {
            answer.query_pairs_mut().append_pair("state", state);
        }
        AuthorizationAnswer::Redirect(answer)
    }

    fn grant_code(
        &mut self,
        client: &str,
        redirect: Url,
        parameters: &Parameters,
        now: Timestamp,
    ) -> Result<String, OAuthError> {
        let required = |name: &str| {
            parameters
                .get(name)
                .ok_or_else(|| OAuthError::malformed(format!("{name} is required and is missing")))
        };
        let kind = required("response_type")?;
        if kind != "code" {
            return Err(OAuthError::new(
                "unsupported_response_type",
                "response_type must be 'code'",
            ));
        }
        required("state")?;
        let audience = required("aud")?;
        let same = |url: &str| audience.trim_end_matches('/') == url.trim_end_matches('/');
        if !same(&self.issuer) && !same(&self.hub_url) {
            return Err(OAuthError::malformed(format!(
                "aud must be '{}', the iss of the launch, or hub.url",
                self.issuer
            )));
        }
        let challenge = required("code_challenge")?;
        if parameters.get("code_challenge_method") != Some("S256") {
            return Err(OAuthError::malformed(
                "code_challenge_method must be S256 (SMART App Launch 2, Considerations for PKCE Support)",
            ));
        }
        if BASE64_URL_SAFE_NO_PAD
            .decode(challenge)
            .map_or(0, |hash| hash.len())
            != 32
        {
            return Err(OAuthError::malformed(
                "code_challenge must be the SHA-256 of the verifier in BASE64URL without padding (RFC 7636, 4.2)",
            ));
        }
        let asked = required("scope")?;
        let scopes = grantable(asked)?;
        let topic = match (parameters.get("launch"), scopes.has("launch")) {
            (Some(launch), true) => match self.launches.take(launch, now) {
                Some(launch) => launch.topic,
                None => {
                    return Err(OAuthError::malformed(
                        "launch is none that was handed out, has been used, or is older than five minutes",
                    ));
                }
            },
            (Some(_), false) => {
                return Err(OAuthError::new(
                    "invalid_scope",
                    "a request with launch asks for the scope 'launch' (SMART App Launch 2, EHR launch)",
                ));
            }
            (None, true) => {
                return Err(OAuthError::malformed(
                    "the scope 'launch' needs the launch parameter of an EHR launch; leave it out of a standalone launch",
                ));
            }
            (None, false) => self.topic.clone(),
        };
        let code = (self.secrets)();
        self.launched += 1;
        let kept = Code {
            authorized: Authorized {
                client: client.to_owned(),
                scopes,
                topic,
                nonce: parameters.get("nonce").map(str::to_owned),
                family: (self.secrets)(),
                launch: self.launched,
                asked: asked.to_owned(),
            },
            redirect,
            challenge: challenge.to_owned(),
        };
        if !self.codes.keep(code.clone(), kept, later(now, CODE_LIFE), now) {
            return Err(OAuthError::new(
                "temporarily_unavailable",
                "too many codes wait to be redeemed; try again later",
            ));
        }
        Ok(code)
    }

    /// A request at the token endpoint: the form.
    pub fn token(&mut self, form: &[u8], now: Timestamp) -> TokenAnswer {
        match self.redeem(form, now) {
            Ok(granted) => TokenAnswer::Granted(granted),
            Err(error) => TokenAnswer::Refused(error),
        }
    }

    fn redeem(&mut self, form: &[u8], now: Timestamp) -> Result<Granted, OAuthError> {
        let parameters = Parameters::parse(form)
            .map_err(|twice| OAuthError::malformed(format!("{twice} stands more than once")))?;
        let required = |name: &str| {
            parameters
                .get(name)
                .ok_or_else(|| OAuthError::malformed(format!("{name} is required and is missing")))
        };
        let authorized = match required("grant_type")? {
            "authorization_code" => {
                let (client, code) = (required("client_id")?, required("code")?);
                self.redeem_code(
                    client,
                    code,
                    required("redirect_uri")?,
                    required("code_verifier")?,
                    now,
                )?
            }
            "refresh_token" => {
                let (client, token) = (required("client_id")?, required("refresh_token")?);
                self.redeem_refresh(client, token, parameters.get("scope"), now)?
            }
            other => {
                return Err(OAuthError::new(
                    "unsupported_grant_type",
                    format!("grant_type must be authorization_code or refresh_token, and is '{other}'"),
                ));
            }
        };
        self.respond(authorized, now)
            .map_err(|error| OAuthError::new("server_error", error.to_string()))
    }

    fn redeem_code(
        &mut self,
        client: &str,
        code: &str,
        redirect: &str,
        verifier: &str,
        now: Timestamp,
    ) -> Result<Authorized, OAuthError> {
        let invalid = |description: &str| OAuthError::new("invalid_grant", description);
        if let Some(family) = self.used.take(code, now) {
            // Somebody else may have used it before (RFC 6749, 4.1.2).
            self.refreshes.retain(|refresh| refresh.family != family);
            return Err(invalid(
                "code has been redeemed already; its refresh tokens have been revoked",
            ));
        }
        let Some(kept) = self.codes.take(code, now) else {
            return Err(invalid(
                "code is none that was handed out, or is older than a minute",
            ));
        };
        let family = kept.authorized.family.clone();
        self.used
            .keep(code.to_owned(), family, later(now, REFRESH_LIFE), now);
        if kept.authorized.client != client {
            return Err(invalid("code was handed out to another client_id"));
        }
        if Url::parse(redirect).ok() != Some(kept.redirect) {
            return Err(invalid("redirect_uri is not that of the authorization request"));
        }
        if BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(verifier)) != kept.challenge {
            return Err(invalid(
                "code_verifier is not what code_challenge was made of (RFC 7636, 4.6)",
            ));
        }
        Ok(kept.authorized)
    }

    fn redeem_refresh(
        &mut self,
        client: &str,
        token: &str,
        scope: Option<&str>,
        now: Timestamp,
    ) -> Result<Authorized, OAuthError> {
        let Some(authorized) = self.refreshes.take(token, now) else {
            return Err(OAuthError::new(
                "invalid_grant",
                "refresh_token is none that was handed out, has been used, or is older than a day; each is used once",
            ));
        };
        if authorized.client != client {
            return Err(OAuthError::new(
                "invalid_grant",
                "refresh_token was handed out to another client_id",
            ));
        }
        let Some(scope) = scope else { return Ok(authorized) };
        let scopes = grantable(scope)?;
        if !authorized.scopes.include(&scopes) {
            return Err(OAuthError::new(
                "invalid_scope",
                "scope must not hold more than was authorized (RFC 6749, 6)",
            ));
        }
        Ok(Authorized { scopes, ..authorized })
    }

    fn respond(&mut self, authorized: Authorized, now: Timestamp) -> Result<Granted, SigningError> {
        let grant = Grant {
            client: authorized.client.clone(),
            scopes: authorized.scopes.clone(),
            expires: later(now, self.lifetime),
            launch: Some(authorized.launch),
        };
        let issued = self.sign(grant, now)?;
        let (launch, application, asked) = (
            authorized.launch,
            authorized.client.clone(),
            authorized.asked.clone(),
        );
        let mut answer = json!({
            "access_token": issued.token,
            "token_type": "Bearer",
            "expires_in": self.lifetime.as_secs(),
            "scope": authorized.scopes.to_string(),
            "hub.url": self.hub_url,
            "hub.topic": authorized.topic,
        });
        if authorized.scopes.has("openid") {
            let fhir_user = authorized.scopes.has("fhirUser");
            let claims = IdentityClaims {
                iss: &self.issuer,
                aud: &authorized.client,
                sub: USER,
                iat: now.as_second(),
                exp: issued.expires.as_second(),
                fhir_user: fhir_user.then(|| format!("{}/Practitioner/{USER}", self.issuer)),
                nonce: authorized.nonce.as_deref(),
            };
            answer["id_token"] = self.signer.id_token(&claims)?.into();
        }
        if authorized.scopes.has("offline_access") || authorized.scopes.has("online_access") {
            let refresh = (self.secrets)();
            if self
                .refreshes
                .keep(refresh.clone(), authorized, later(now, REFRESH_LIFE), now)
            {
                answer["refresh_token"] = refresh.into();
            }
        }
        Ok(Granted {
            answer,
            launch,
            application,
            asked,
        })
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
        };
        self.sign(grant, now)
    }

    fn sign(&mut self, grant: Grant, now: Timestamp) -> Result<Issued, SigningError> {
        let id = (self.secrets)();
        let token = self.signer.access_token(&grant, USER, &id, now)?;
        Ok(Issued {
            token,
            scopes: grant.scopes,
            expires: grant.expires,
        })
    }

    /// The grant of an access token.
    ///
    /// # Errors
    /// When it was not issued here, or has ended.
    pub fn admit(&self, token: &str, now: Timestamp) -> Result<Grant, TokenProblem> {
        let grant = self.signer.read(token)?;
        if grant.expires <= now {
            return Err(TokenProblem::Expired(grant.expires));
        }
        Ok(grant)
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

/// The scopes that are granted of those asked for: at least one of FHIRcast (2.1 Session Discovery).
fn grantable(scope: &str) -> Result<Scopes, OAuthError> {
    let scopes = Scopes::parse(scope).map_err(|error| OAuthError::new("invalid_scope", error.to_string()))?;
    if !scopes.any_fhircast() {
        return Err(OAuthError::new(
            "invalid_scope",
            "scope must hold at least one of FHIRcast, such as fhircast/Patient-open.read (FHIRcast STU3, 2.1 Session \
             Discovery)",
        ));
    }
    Ok(scopes.known(&OTHER_SCOPES))
}

#[cfg(test)]
mod tests;
