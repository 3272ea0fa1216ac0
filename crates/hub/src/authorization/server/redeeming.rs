//! The token endpoint: codes and refresh tokens are redeemed, once.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde_json::json;
use sha2::{Digest, Sha256};
use url::Url;

use super::authorizing::grantable;
use super::{AuthorizationServer, REFRESH_LIFE, USER, later};
use crate::authorization::launch::Authorized;
use crate::authorization::request::{Granted, OAuthError, Parameters, TokenAnswer};
use crate::authorization::token::{Grant, IdentityClaims, SigningError};

impl AuthorizationServer {
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
}
