//! Who asks at the token endpoint: a public client, which says its name alone, or one that shows its secret (RFC 6749, 2.3.1).

use base64::Engine;
use base64::alphabet;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use percent_encoding::percent_decode_str;

use super::AuthorizationServer;
use crate::authorization::request::{OAuthError, Parameters};

/// Padding is left out by some.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The client that a request comes from.
#[derive(Debug)]
pub(super) struct Caller {
    pub(super) id: String,
    /// Whether it has shown the secret that it is registered with.
    pub(super) is_registered: bool,
}

/// A name or a secret: as it came, and as it is where it was encoded, which not all clients do.
struct Credential {
    raw: String,
    decoded: Option<String>,
}

impl Credential {
    fn new(raw: &str) -> Self {
        let spaced = raw.replace('+', " ");
        let decoded = percent_decode_str(&spaced).decode_utf8();
        Self {
            raw: raw.to_owned(),
            decoded: decoded.ok().map(|text| text.into_owned()),
        }
    }

    fn is(&self, fits: impl Fn(&str) -> bool) -> bool {
        // Without a short cut: how long it takes tells nothing.
        fits(&self.raw) | self.decoded.as_deref().is_some_and(fits)
    }

    fn into_text(self) -> String {
        self.decoded.unwrap_or(self.raw)
    }
}

impl AuthorizationServer {
    /// The client of a request with this form and this value of `Authorization`.
    ///
    /// # Errors
    /// When it does not say who it is, says it in two ways, or lacks the secret of the client that it names.
    pub(super) fn caller(&self, form: &Parameters, header: Option<&str>) -> Result<Caller, OAuthError> {
        let (id, secret) = match header.map(basic).transpose()?.flatten() {
            Some((id, secret)) => {
                if form.get("client_secret").is_some() {
                    return Err(OAuthError::malformed(
                        "the client's secret is sent in the header Authorization and as client_secret; one of them is to be \
                         used (RFC 6749, 2.3)",
                    ));
                }
                if form
                    .get("client_id")
                    .is_some_and(|named| !id.is(|id| id == named))
                {
                    return Err(OAuthError::malformed(
                        "client_id names another client than the header Authorization",
                    ));
                }
                (id, Some(secret))
            }
            None => {
                // Values of a form are not encoded a second time.
                let plain = |text: &str| Credential {
                    raw: text.to_owned(),
                    decoded: None,
                };
                let id = plain(form.required("client_id")?);
                (id, form.get("client_secret").map(plain))
            }
        };
        let registered = self
            .client
            .as_ref()
            .filter(|client| id.is(|id| id == client.id()));
        let Some(client) = registered else {
            return Ok(Caller {
                id: id.into_text(),
                is_registered: false,
            });
        };
        let is_shown = secret.is_some_and(|secret| secret.is(|secret| client.is_shown_by(secret)));
        if !is_shown {
            return Err(OAuthError::new(
                "invalid_client",
                "this client has a secret, and it was not sent or is another one: send it by HTTP Basic, or as client_secret",
            ));
        }
        Ok(Caller {
            id: client.id().to_owned(),
            is_registered: true,
        })
    }
}

/// The name and the secret in the value of an `Authorization` header; none where it is of another scheme.
fn basic(header: &str) -> Result<Option<(Credential, Credential)>, OAuthError> {
    let credentials = match header.trim().split_once(' ') {
        Some((scheme, credentials)) if scheme.eq_ignore_ascii_case("basic") => credentials.trim(),
        _ => return Ok(None),
    };
    let bytes = BASE64.decode(credentials).ok();
    let text = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
    match text.as_deref().and_then(|text| text.split_once(':')) {
        Some((id, secret)) if !id.is_empty() => Ok(Some((Credential::new(id), Credential::new(secret)))),
        _ => Err(OAuthError::new(
            "invalid_client",
            "the header Authorization must be 'Basic' and the BASE64 of client_id:client_secret (RFC 7617, 2)",
        )),
    }
}
