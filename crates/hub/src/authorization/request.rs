//! The requests of applications, read from query strings and forms, and the answers to them.

use castspec_fhircast::is_loopback;
use serde_json::{Value, json};
use url::Url;

/// The number of parameters that a request may have.
const MOST_PARAMETERS: usize = 64;
/// The length of a value, in bytes: what is kept of requests is bounded by it.
const LONGEST_VALUE: usize = 4_096;
/// The length of a name.
const LONGEST_NAME: usize = 100;

/// Parameters of a request, each at most once (RFC 6749, 3.1 and 3.2).
#[derive(Debug)]
pub(super) struct Parameters(Vec<(String, String)>);

impl Parameters {
    /// Reads a query string or a form; the error says which rule is broken.
    pub(super) fn parse(text: &[u8]) -> Result<Self, String> {
        let mut pairs: Vec<(String, String)> = Vec::new();
        for (name, value) in url::form_urlencoded::parse(text) {
            if pairs.len() == MOST_PARAMETERS {
                return Err(format!("there are more than {MOST_PARAMETERS} parameters"));
            }
            if name.len() > LONGEST_NAME {
                return Err(format!(
                    "the name of a parameter is longer than {LONGEST_NAME} bytes"
                ));
            }
            if pairs.iter().any(|(parameter, _)| *parameter == name) {
                return Err(format!("{name} stands more than once"));
            }
            if value.len() > LONGEST_VALUE {
                return Err(format!("{name} is longer than {LONGEST_VALUE} bytes"));
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

    /// The value, which must be there.
    pub(super) fn required(&self, name: &str) -> Result<&str, OAuthError> {
        self.get(name)
            .ok_or_else(|| OAuthError::malformed(format!("{name} is required and is missing")))
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
    /// An access token for a client itself, without a launch: the body of the answer.
    Issued(Value),
    /// An error (RFC 6749, 5.2), answered with 400, or with 401 where the client is not who it says.
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

/// The URL that browsers may be sent to: over TLS anywhere, without it on this machine only, or to an application by a scheme
/// of its own. What the browser itself acts upon (javascript:, about:, view-source:, ftp:) has no dot in its name.
pub(super) fn check_redirect(parameter: &str, text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|error| format!("{parameter} must be an absolute URL ({error})"))?;
    if url.fragment().is_some() {
        return Err(format!("{parameter} must have no fragment (RFC 6749, 3.1.2)"));
    }
    match url.scheme() {
        "https" => Ok(url),
        "http" if is_loopback(&url) => Ok(url),
        "http" => Err(format!(
            "{parameter} must be https, or http on the loopback interface"
        )),
        private if private.contains('.') => Ok(url),
        scheme => Err(format!(
            "{parameter} cannot have the scheme '{scheme}': it must be https, http on the loopback interface, or one of the \
             application's own after a domain name in reverse, such as com.example.viewer (RFC 8252, 7.1)"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn browsers_are_sent_to_the_web_and_to_applications_alone() {
        for taken in [
            "https://app.example.com/back?x=1",
            "http://127.0.0.1:9/back",
            "http://[::1]/back",
            "http://viewer.localhost/back",
            "com.example.viewer:/back",
            "com.example.viewer://back",
        ] {
            assert!(check_redirect("redirect_uri", taken).is_ok(), "{taken}");
        }
        for (refused, says) in [
            ("http://example.com/back", "must be https"),
            ("https://example.com/#x", "fragment"),
            ("https://example.com/#", "fragment"),
            ("/back", "absolute"),
            ("javascript:alert(1)", "'javascript'"),
            ("JavaScript:alert(1)", "'javascript'"),
            ("vbscript:msgbox(1)", "'vbscript'"),
            ("about:blank", "'about'"),
            ("view-source:https://example.com/", "'view-source'"),
            ("chrome://settings", "'chrome'"),
            ("ws://127.0.0.1/", "'ws'"),
            ("ftp://127.0.0.1/", "'ftp'"),
            ("data:text/html,x", "'data'"),
            ("file:///etc/hosts", "'file'"),
            ("blob:https://example.com/1", "'blob'"),
        ] {
            let problem = check_redirect("redirect_uri", refused).unwrap_err();
            assert!(problem.contains(says), "{refused}: {problem}");
        }
    }

    #[test]
    fn what_is_kept_of_a_request_is_bounded() {
        let at_most = format!("scope={}", "x".repeat(LONGEST_VALUE));
        assert!(Parameters::parse(at_most.as_bytes()).is_ok());
        let many: String = (0..=MOST_PARAMETERS)
            .map(|number| format!("p{number}=&"))
            .collect();
        for (text, says) in [
            (format!("{at_most}x"), "scope is longer than 4096 bytes"),
            (many, "more than 64"),
            (
                format!("{}=1", "x".repeat(LONGEST_NAME + 1)),
                "the name of a parameter",
            ),
            ("state=1&state=1".to_owned(), "state stands more than once"),
        ] {
            let problem = Parameters::parse(text.as_bytes()).unwrap_err();
            assert!(problem.contains(says), "{problem}");
            assert!(problem.len() < 200, "{problem}");
        }
    }
}
