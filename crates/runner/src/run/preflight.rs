//! Before the first scenario: is the hub there, what does it claim, and how does it want to be spoken to?

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::target::Target;
use crate::client::{HttpClient, Log, NoAnswer, OutgoingRequest};
use crate::judging::hub::Claims;
use crate::protocol::WELL_KNOWN_PATH;
use crate::redaction::Redactor;

/// How long to wait before it is seen again whether a hub is there.
const BETWEEN_KNOCKS: Duration = Duration::from_millis(250);

/// The hub cannot be tested at all.
#[derive(Debug, thiserror::Error)]
pub enum PreflightError {
    /// Nothing answers there.
    #[error("the hub at {url} cannot be reached: {problem}{}", advice(url, problem))]
    Unreachable {
        /// `hub.url`.
        url: String,
        /// Why.
        problem: String,
    },
    /// It speaks TLS, and is asked without.
    #[error("{url} answered {status} ({said}): it speaks TLS; give its https:// URL")]
    SpeaksTls {
        /// `hub.url`.
        url: String,
        /// The status.
        status: u16,
        /// What the answer said.
        said: String,
    },
    /// It wants a token, or another one.
    #[error(
        "the hub at {url} answered a proper subscription with {status} ({said}): {}",
        match with_token {
            true => "it does not take the token that was given; name another (--token, CASTSPEC_TOKEN, or [auth] in a target file)",
            false => "it wants an access token; give one (--token, CASTSPEC_TOKEN, or [auth] in a target file)",
        }
    )]
    Unauthorized {
        /// `hub.url`.
        url: String,
        /// The status.
        status: u16,
        /// Whether a token was shown.
        with_token: bool,
        /// What the answer said.
        said: String,
    },
    /// There is no hub at this path.
    #[error(
        "{url} answered a proper subscription with {status}: there is no hub at this URL; hub.url must be given whole, with \
         its path (and its trailing slash, where it has one)"
    )]
    NothingThere {
        /// `hub.url`.
        url: String,
        /// The status.
        status: u16,
    },
    /// It is somewhere else.
    #[error(
        "{url} answered a proper subscription with {status} and leads to {location}: give the URL at which the hub itself \
         answers"
    )]
    Redirected {
        /// `hub.url`.
        url: String,
        /// The status.
        status: u16,
        /// Where it leads to.
        location: String,
    },
    /// Its WebSocket cannot be reached.
    #[error(
        "the hub took a subscription, but no WebSocket came about at the endpoint that it gave ({endpoint}): {problem}; \
         the endpoint must be reachable from this machine, by its host name, its port and its path"
    )]
    NoWebSocket {
        /// `hub.channel.endpoint`.
        endpoint: String,
        /// Why.
        problem: String,
    },
}

/// What servers say to those who speak no TLS where they do.
const WANT_TLS: [&str; 3] = [
    "http request was sent to https port",
    "http request to an https server",
    "requires tls",
];

/// Whether a server that speaks TLS says by this that it was asked without.
pub(super) fn wants_tls(url: &str, said: &str) -> bool {
    let said = said.to_ascii_lowercase();
    url.starts_with("http:") && WANT_TLS.iter().any(|words| said.contains(words))
}

fn advice(url: &str, problem: &str) -> &'static str {
    let problem = problem.to_ascii_lowercase();
    if problem.contains("unknownissuer") || problem.contains("unknown issuer") {
        "; its certificate comes from an authority that is not trusted here: name the authority by --ca-cert FILE"
    } else if problem.contains("invalidcontenttype") || problem.contains("corrupt message") {
        "; it speaks no TLS: is it an http:// URL?"
    } else if url.starts_with("http:") && problem.contains("invalid http version") {
        "; it does not answer in HTTP, as a server that speaks TLS does: is it an https:// URL?"
    } else if problem.contains("connection refused") {
        "; nobody listens there: is the hub running, and are host and port right?"
    } else if problem.contains("dns error") {
        "; nobody knows a host of this name: is it right?"
    } else if problem.contains("certificate") {
        "; see --ca-cert and --insecure"
    } else {
        ""
    }
}

/// Reads the configuration document and makes the claims of it; a hub that is not there yet is waited for as long as the target says,
/// and so is one behind a gateway that says so (502 to 504).
///
/// # Errors
/// When nothing answers at all; a hub that answers with whatever status is there.
pub async fn claims(target: &Target, http: &HttpClient) -> Result<Arc<Claims>, PreflightError> {
    let url = target.below(WELL_KNOWN_PATH);
    let log = Log::new(Redactor::default());
    let deadline = Instant::now() + target.wait_for_hub;
    let answer = loop {
        let request = OutgoingRequest::get(&url);
        let answer = http.send_patiently(&log, "castspec", &request).await;
        let is_there = answer
            .as_ref()
            .is_ok_and(|answer| !matches!(answer.status, 502..=504));
        // Whom castspec does not trust now it does not trust in a minute.
        let is_untrusted = answer
            .as_ref()
            .is_err_and(|error| advice(&url, &error.problem).contains("-cert"));
        if is_there || is_untrusted || Instant::now() >= deadline {
            break answer.map_err(|error: NoAnswer| PreflightError::Unreachable {
                url: target.hub_url_text(),
                problem: error.problem,
            })?;
        }
        tokio::time::sleep(BETWEEN_KNOCKS).await;
    };
    let document = answer
        .json
        .filter(|document| (200..300).contains(&answer.status) && document.is_object());
    let mut claims = Claims::from_configuration(target.version, document.as_ref());
    for (capability, claimed) in &target.claims {
        claims.set(*capability, *claimed, "the target's claims");
    }
    Ok(Arc::new(claims))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_in_the_way_comes_with_what_to_do() {
        for (url, problem, says) in [
            (
                "https://h",
                "invalid peer certificate: UnknownIssuer",
                "--ca-cert FILE",
            ),
            ("https://h", "invalid peer certificate: Expired", "--insecure"),
            (
                "https://h",
                "received corrupt message of type InvalidContentType",
                "http:// URL",
            ),
            (
                "http://h",
                "client error (SendRequest): invalid HTTP version parsed",
                "https:// URL",
            ),
            (
                "http://h",
                "tcp connect error: Connection refused (os error 111)",
                "nobody listens",
            ),
            (
                "http://h",
                "client error (Connect): dns error: failed to lookup",
                "host of this name",
            ),
        ] {
            let told = PreflightError::Unreachable {
                url: url.to_owned(),
                problem: problem.to_owned(),
            };
            assert!(told.to_string().contains(says), "{told}");
        }
        assert_eq!(advice("https://h", "operation timed out"), "");
        assert_eq!(advice("https://h", "invalid HTTP version parsed"), "");
    }

    #[test]
    fn a_server_that_wants_tls_is_told_from_a_hub_that_refuses() {
        for (url, said, wanted) in [
            (
                "http://h",
                "<center>The plain HTTP request was sent to HTTPS port</center>",
                true,
            ),
            (
                "http://h",
                "Client sent an HTTP request to an HTTPS server.",
                true,
            ),
            (
                "http://h",
                "This combination of host and port requires TLS.",
                true,
            ),
            (
                "https://h",
                "This combination of host and port requires TLS.",
                false,
            ),
            ("http://h", "hub.topic is required", false),
        ] {
            assert_eq!(wants_tls(url, said), wanted, "{said}");
        }
    }
}
