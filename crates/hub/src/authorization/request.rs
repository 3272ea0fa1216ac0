//! The requests of applications, read from query strings and forms, and the answers to them.

use serde_json::{Value, json};
use url::{Host, Url};

/// Parameters of a request, each at most once (RFC 6749, 3.1 and 3.2).
#[derive(Debug)]
pub(super) struct Parameters(Vec<(String, String)>);

impl Parameters {
    /// Reads a query string or a form; the name of one that stands twice is the error.
    pub(super) fn parse(text: &[u8]) -> Result<Self, String> {
        let mut pairs: Vec<(String, String)> = Vec::new();
        for (name, value) in url::form_urlencoded::parse(text) {
            if pairs.iter().any(|(parameter, _)| *parameter == name) {
                return Err(name.into_owned());
            }
            pairs.push((name.into_owned(), value.into_owned()));
        }
        Ok(Self(pairs))
    }

    /// The value; an empty one counts as left out.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(parameter, _)| parameter == name);
        found
            .map(|(_, value)| value.as_str())
            .filter(|value| !value.is_empty())
    }
}

/// The answer to a request at the authorization endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AuthorizationAnswer {
    /// The user's browser is sent back to the application, with a code or with an error.
    Redirect(Url),
    /// There is no application that can be sent an answer; the text is for its developer.
    Refused(String),
}

/// An access token, and what comes with it.
#[derive(Debug, Clone, PartialEq)]
pub struct Granted {
    /// The body of the answer (RFC 6749, 5.1).
    pub answer: Value,
    /// The number of the launch; later ones have higher numbers.
    pub launch: u64,
    /// The application's `client_id`.
    pub application: String,
    /// The scopes, as they were asked for when it was launched.
    pub asked: String,
}

/// The answer to a request at the token endpoint.
#[derive(Debug, Clone, PartialEq)]
pub enum TokenAnswer {
    /// Tokens and launch parameters.
    Granted(Granted),
    /// An error (RFC 6749, 5.2), answered with 400.
    Refused(OAuthError),
}

/// An error in OAuth's words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OAuthError {
    /// The code, such as `invalid_grant`.
    pub error: &'static str,
    /// The mistake, and what to do about it.
    pub description: String,
}

impl OAuthError {
    pub(super) fn new(error: &'static str, description: impl Into<String>) -> Self {
        Self {
            error,
            description: description.into(),
        }
    }

    /// A request that breaks a rule of its form.
    pub(super) fn malformed(description: impl Into<String>) -> Self {
        Self::new("invalid_request", description)
    }

    /// The body of the answer.
    pub fn to_json(&self) -> Value {
        json!({"error": self.error, "error_description": self.description})
    }
}

/// The URL that browsers may be sent to: over TLS anywhere, without it on this machine only, or to an application by its own scheme.
pub(super) fn check_redirect(parameter: &str, text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|error| format!("{parameter} must be an absolute URL ({error})"))?;
    if url.fragment().is_some() {
        return Err(format!("{parameter} must have no fragment (RFC 6749, 3.1.2)"));
    }
    let local = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    match url.scheme() {
        "https" => Ok(url),
        "http" if local => Ok(url),
        "http" => Err(format!(
            "{parameter} must be https, or http on the loopback interface"
        )),
        "javascript" | "data" | "file" | "blob" => {
            Err(format!("{parameter} cannot have the scheme '{}'", url.scheme()))
        }
        _ => Ok(url),
    }
}
