//! The token endpoint: codes and refresh tokens are redeemed, once; a client with a secret is given a token of its own.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::authenticating::Caller;
use super::authorizing::grantable;
use super::{AuthorizationServer, Issued, REFRESH_LIFE, USER, later};
use crate::authorization::launch::{Authorized, Family};
use crate::authorization::request::{Granted, OAuthError, Parameters, TokenAnswer};
use crate::authorization::token::{Grant, IdentityClaims, SigningError};
use crate::protocol::Scopes;

/// What a client of its own is given where it asks for no scope (RFC 6749, 3.3).
const ALL: &str = "fhircast/*.*";

impl AuthorizationServer {
    /// A request at the token endpoint: the form, and the value of `Authorization` where there is one.
    pub fn token(&mut self, form: &[u8], header: Option<&str>, now: Timestamp) -> TokenAnswer {
        self.redeem(form, header, now)
            .unwrap_or_else(TokenAnswer::Refused)
    }

    fn redeem(
        &mut self,
        form: &[u8],
        header: Option<&str>,
        now: Timestamp,
    ) -> Result<TokenAnswer, OAuthError> {
        let parameters = Parameters::parse(form).map_err(OAuthError::malformed)?;
        let required = |name: &str| parameters.required(name);
        let grant = required("grant_type")?;
        let known = ["authorization_code", "refresh_token", "client_credentials"];
        if !known.contains(&grant) {
            return Err(OAuthError::new(
                "unsupported_grant_type",
                "grant_type must be authorization_code, refresh_token or client_credentials, and is another",
            ));
        }
        let caller = self.caller(&parameters, header)?;
        let failed = |error: SigningError| OAuthError::new("server_error", error.to_string());
        let granted = match grant {
            "authorization_code" => {
                let (code, redirect) = (required("code")?, required("redirect_uri")?);
                let verifier = required("code_verifier")?;
                let authorized = self.redeem_code(&caller.id, code, redirect, verifier, now)?;
                let scopes = authorized.scopes.clone();
                self.respond(authorized, scopes, None, now)
            }
            "refresh_token" => {
                let token = required("refresh_token")?;
                let scope = parameters.get("scope");
                let (family, authorized, scopes) = self.redeem_refresh(&caller.id, token, scope, now)?;
                self.respond(authorized, scopes, Some(family), now)
            }
            _ => {
                let scopes = self.scopes_of_its_own(&caller, parameters.get("scope"))?;
                let topic = parameters.get("hub.topic");
                let issued = self.issue_to(&caller.id, scopes, topic, now);
                return issued.map(TokenAnswer::Issued).map_err(failed);
            }
        };
        granted.map(TokenAnswer::Granted).map_err(failed)
    }

    /// The scopes that a client is given without a user (RFC 6749, 4.4): those of FHIRcast alone.
    fn scopes_of_its_own(&self, caller: &Caller, scope: Option<&str>) -> Result<Scopes, OAuthError> {
        if caller.is_registered {
            return Ok(grantable(scope.unwrap_or(ALL))?.known(&[]));
        }
        Err(match &self.client {
            Some(_) => OAuthError::new(
                "invalid_client",
                "client_credentials is for the client that was registered, by its id and its secret",
            ),
            None => OAuthError::new(
                "unauthorized_client",
                "client_credentials is for a client with a secret, and none is registered: castspec hub --client-id names one",
            ),
        })
    }

    fn issue_to(
        &mut self,
        client: &str,
        scopes: Scopes,
        topic: Option<&str>,
        now: Timestamp,
    ) -> Result<Value, SigningError> {
        let grant = Grant {
            client: client.to_owned(),
            scopes,
            expires: later(now, self.lifetime),
            launch: None,
            topic: topic.map(str::to_owned),
        };
        let issued = self.sign(grant, client, now)?;
        Ok(self.token_answer(&issued, topic))
    }

    /// What an answer says of an access token (RFC 6749, 5.1), with the launch parameters of FHIRcast.
    fn token_answer(&self, issued: &Issued, topic: Option<&str>) -> Value {
        let mut answer = json!({
            "access_token": issued.token,
            "token_type": "Bearer",
            "expires_in": self.lifetime.as_secs(),
            "scope": issued.scopes.to_string(),
            "hub.url": self.hub_url,
        });
        if let Some(topic) = topic {
            answer["hub.topic"] = topic.into();
        }
        answer
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
        if !is_verifier(verifier) {
            return Err(OAuthError::malformed(
                "code_verifier must have 43 to 128 characters, of letters, digits, '-', '.', '_' and '~' (RFC 7636, 4.1)",
            ));
        }
        if let Some(launch) = self.used.take(code, now) {
            // Somebody else may have used it before (RFC 6749, 4.1.2).
            self.revoke(launch, now);
            return Err(invalid(
                "code has been redeemed already; the tokens that came of it have been revoked",
            ));
        }
        let Some(kept) = self.codes.find(code, now) else {
            return Err(invalid(
                "code is none that was handed out, or is older than a minute",
            ));
        };
        if kept.authorized.client != client {
            return Err(invalid("code was handed out to another client_id"));
        }
        if redirect != kept.redirect {
            return Err(invalid(
                "redirect_uri is not that of the authorization request, character by character (RFC 9700, 2.1)",
            ));
        }
        if BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(verifier)) != kept.challenge {
            return Err(invalid(
                "code_verifier is not what code_challenge was made of (RFC 7636, 4.6)",
            ));
        }
        // Only what is granted uses the code up: who guesses takes nothing away from the application.
        let authorized = match self.codes.take(code, now) {
            Some(kept) => kept.authorized,
            None => return Err(invalid("code is none that was handed out")),
        };
        let remembered = later(now, REFRESH_LIFE.max(self.lifetime));
        self.used
            .keep_instead(code.to_owned(), authorized.launch, remembered, now);
        Ok(authorized)
    }

    /// The family of a refresh token, what was authorized, and the scopes of the next access token.
    fn redeem_refresh(
        &mut self,
        client: &str,
        token: &str,
        scope: Option<&str>,
        now: Timestamp,
    ) -> Result<(String, Authorized, Scopes), OAuthError> {
        let invalid = |description: &str| OAuthError::new("invalid_grant", description);
        let (name, shown) = token.split_once('.').unwrap_or((token, ""));
        let Some(family) = self.families.find(name, now) else {
            return Err(invalid(
                "refresh_token is none that was handed out, has been revoked, or is older than a day",
            ));
        };
        let authorized = family.authorized.clone();
        if authorized.client != client {
            return Err(invalid("refresh_token was handed out to another client_id"));
        }
        if family.last != shown {
            self.revoke(authorized.launch, now);
            return Err(invalid(
                "refresh_token has been used already; each is used once, and all tokens of its launch have been revoked \
                 (RFC 9700, 4.14.2)",
            ));
        }
        let scopes = match scope {
            Some(scope) => grantable(scope)?,
            None => authorized.scopes.clone(),
        };
        if !authorized.scopes.include(&scopes) {
            return Err(OAuthError::new(
                "invalid_scope",
                "scope must not hold more than was authorized (RFC 6749, 6)",
            ));
        }
        Ok((name.to_owned(), authorized, scopes))
    }

    /// The tokens of a launch. The access token has these scopes, the refresh token all that were authorized (RFC 6749, 6).
    fn respond(
        &mut self,
        authorized: Authorized,
        scopes: Scopes,
        family: Option<String>,
        now: Timestamp,
    ) -> Result<Granted, SigningError> {
        let grant = Grant {
            client: authorized.client.clone(),
            scopes,
            expires: later(now, self.lifetime),
            launch: Some(authorized.launch),
            topic: Some(authorized.topic.clone()),
        };
        let issued = self.sign(grant, USER, now)?;
        let (launch, application, asked) = (
            authorized.launch,
            authorized.client.clone(),
            authorized.asked.clone(),
        );
        let mut answer = self.token_answer(&issued, Some(&authorized.topic));
        if issued.scopes.has("openid") {
            let fhir_user = issued.scopes.has("fhirUser");
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
            let name = family.unwrap_or_else(|| (self.secrets)());
            let last = (self.secrets)();
            let token = format!("{name}.{last}");
            let family = Family { authorized, last };
            if self.families.keep(name, family, later(now, REFRESH_LIFE), now) {
                answer["refresh_token"] = token.into();
            }
        }
        Ok(Granted {
            answer,
            launch,
            application,
            asked,
        })
    }
}

/// Whether it is of the form of a code verifier (RFC 7636, 4.1).
fn is_verifier(text: &str) -> bool {
    (43..=128).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte))
}
