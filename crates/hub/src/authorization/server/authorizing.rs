//! The authorization endpoint: what a request must say, and the code that it is answered with.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jiff::Timestamp;

use super::{AuthorizationServer, CODE_LIFE, OTHER_SCOPES, later};
use crate::authorization::launch::{Authorized, Code};
use crate::authorization::request::{AuthorizationAnswer, OAuthError, Parameters, check_redirect};
use crate::protocol::Scopes;

impl AuthorizationServer {
    /// A request at the authorization endpoint: the query string, or the form where it was posted.
    pub fn authorize(&mut self, query: &[u8], now: Timestamp) -> AuthorizationAnswer {
        let parameters = match Parameters::parse(query) {
            Ok(parameters) => parameters,
            Err(problem) => return AuthorizationAnswer::Refused(problem),
        };
        let Some(client) = parameters.get("client_id") else {
            return AuthorizationAnswer::Refused("client_id is required and is missing".to_owned());
        };
        let Some(redirect) = parameters.get("redirect_uri") else {
            return AuthorizationAnswer::Refused("redirect_uri is required and is missing".to_owned());
        };
        let mut answer = match check_redirect("redirect_uri", redirect) {
            Ok(answer) => answer,
            Err(problem) => return AuthorizationAnswer::Refused(problem),
        };
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
        redirect: &str,
        parameters: &Parameters,
        now: Timestamp,
    ) -> Result<String, OAuthError> {
        let required = |name: &str| parameters.required(name);
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
                launch: self.launched,
                asked: asked.to_owned(),
            },
            redirect: redirect.to_owned(),
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
}

/// The scopes that are granted of those asked for: at least one of FHIRcast (2.1 Session Discovery).
pub(super) fn grantable(scope: &str) -> Result<Scopes, OAuthError> {
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
