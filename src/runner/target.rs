//! The hub under test: where it is, how it is reached, what it claims, and how long it may take.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;
use url::Url;

use crate::protocol::{Scopes, Version};
use crate::requirement::Capability;
use crate::subscriber::{Trust, is_loopback};

/// The hub under test.
#[derive(Debug, Clone)]
pub struct Target {
    /// `hub.url`, without a trailing slash.
    pub hub_url: Url,
    /// The version that it is tested under.
    pub version: Version,
    /// Which certificates are accepted.
    pub trust: Trust,
    /// The bearer token, where one is needed.
    pub token: Option<String>,
    /// Tokens that may do less.
    pub restricted: Vec<RestrictedToken>,
    /// Tokens that must be refused.
    pub rejected: Vec<RejectedToken>,
    /// Topics that the hub knows; generated where there are none.
    pub topics: Option<Vec<String>>,
    /// The operator's word on what the hub supports.
    pub claims: BTreeMap<Capability, bool>,
    /// Where the hub can reach this machine, for webhooks; without it, a hub on the loopback interface calls there.
    pub callback_base: Option<Url>,
    /// Where callbacks are listened to, when not where `callback_base` says.
    pub callback_listen: Option<SocketAddr>,
    /// How long things may take.
    pub timing: Timing,
    /// How many scenarios run at once.
    pub max_parallel: usize,
    /// Whether it is castspec's own simulator, run in this process.
    pub built_in: bool,
    /// The arguments of `castspec run` that lead to this target again, without secrets.
    pub arguments: Vec<String>,
}

/// A token that may do less than everything.
#[derive(Clone, PartialEq, Eq)]
pub struct RestrictedToken {
    /// What it may do.
    pub scopes: Scopes,
    /// The token itself: secret.
    pub token: String,
    /// How long it had to live when the run began, where that is known.
    pub expires_in: Option<Duration>,
}

impl std::fmt::Debug for RestrictedToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RestrictedToken")
            .field("scopes", &self.scopes)
            .field("expires_in", &self.expires_in)
            .finish_non_exhaustive()
    }
}

/// A token that must be refused.
#[derive(Clone, PartialEq, Eq)]
pub struct RejectedToken {
    /// Why: `expired`, and the like.
    pub why: String,
    /// The token itself: it may be secret all the same.
    pub token: String,
}

impl std::fmt::Debug for RejectedToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RejectedToken")
            .field("why", &self.why)
            .finish_non_exhaustive()
    }
}

/// How long things may take.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Timing {
    /// After how long the hub gives up on an unanswered notification.
    pub ack_timeout: Duration,
    /// How long a silence must last where no fence can serve.
    pub quiet: Duration,
    /// How long a message that must come may take.
    pub response: Duration,
    /// The longest lease that is waited for.
    pub longest_lease: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            ack_timeout: Duration::from_secs(10),
            quiet: Duration::from_secs(1),
            response: Duration::from_secs(5),
            longest_lease: Duration::from_secs(30),
        }
    }
}

/// Why a target cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TargetError {
    /// The text is no URL of a hub.
    #[error("'{url}' is not the URL of a hub: {problem}; it looks like https://hub.example.com/fhircast")]
    Url {
        /// The text.
        url: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The target file cannot be read.
    #[error("{}: the target file cannot be read: {problem}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The cause.
        problem: String,
    },
    /// The target file is not in its format.
    #[error("{}: {problem}", path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// What is wrong and where.
        problem: String,
    },
    /// A token is to come from an environment variable that is not set.
    #[error("{}: the token is to come from the environment variable {variable}, which is not set", path.display())]
    Token {
        /// The file.
        path: PathBuf,
        /// The variable.
        variable: String,
    },
}

impl Target {
    /// A target with nothing but its URL known.
    ///
    /// # Errors
    /// When the text is no http or https URL with a host.
    pub fn new(hub_url: &str, version: Version) -> Result<Self, TargetError> {
        Ok(Self {
            hub_url: parse_hub_url(hub_url)?,
            version,
            trust: Trust::default(),
            token: None,
            restricted: Vec::new(),
            rejected: Vec::new(),
            topics: None,
            claims: BTreeMap::new(),
            callback_base: None,
            callback_listen: None,
            timing: Timing::default(),
            max_parallel: 8,
            built_in: false,
            arguments: Vec::new(),
        })
    }

    /// castspec's own simulator, run in this process at this URL, with this certificate authority (PEM) where it speaks TLS.
    ///
    /// The hub must be started with [`Target::BUILT_IN_ACK_TIMEOUT`].
    ///
    /// # Errors
    /// When the text is no http or https URL with a host.
    pub fn built_in(hub_url: &str, authority: Option<&str>, version: Version) -> Result<Self, TargetError> {
        let mut target = Self::new(hub_url, version)?;
        target.trust = authority.map_or_else(Trust::default, Trust::only_pem);
        target.built_in = true;
        target.max_parallel = 16;
        // The simulator supports all of it, whatever its configuration document says under a defect.
        let supported: &[Capability] = match version {
            Version::Stu1 | Version::Stu2 => &[Capability::Webhook],
            Version::Stu3 => &[
                Capability::GetCurrentContext,
                Capability::ContentSharing,
                Capability::Selection,
                Capability::DerivedOpenEvents,
            ],
        };
        target.claims = supported.iter().map(|capability| (*capability, true)).collect();
        target.timing = Timing {
            ack_timeout: Self::BUILT_IN_ACK_TIMEOUT,
            quiet: Duration::from_millis(100),
            ..Timing::default()
        };
        Ok(target)
    }

    /// After how long the built-in hub gives up on an unanswered notification in a run of the suite.
    pub const BUILT_IN_ACK_TIMEOUT: Duration = Duration::from_millis(1_200);

    /// Reads a target file; see the documentation of its format in the README.
    ///
    /// # Errors
    /// When it cannot be read, is not in its format, or names a token that is not there.
    pub fn from_file(path: &Path) -> Result<Self, TargetError> {
        let text = std::fs::read_to_string(path).map_err(|error| TargetError::Unreadable {
            path: path.to_owned(),
            problem: error.to_string(),
        })?;
        let format = |problem: String| TargetError::Format {
            path: path.to_owned(),
            problem,
        };
        let file: File = toml::from_str(&text).map_err(|error| {
            let at = error.span().map_or(0, |span| span.start);
            let before = text.get(..at).unwrap_or_default();
            let line = before.matches('\n').count() + 1;
            let column = before.chars().rev().take_while(|c| *c != '\n').count() + 1;
            // The key alone: the value may be a token.
            let key = text.lines().nth(line - 1).and_then(|text| text.split('=').next());
            let key = key.unwrap_or_default().trim();
            format(format!(
                "line {line}, column {column}: {key}: {}",
                error.message().replace('\n', " ")
            ))
        })?;
        let mut target = Self::new(&file.hub_url, file.fhircast_version.unwrap_or(Version::Stu3))
            .map_err(|error| format(format!("hub_url: {error}")))?;
        if let Some(certificate) = &file.ca_cert {
            let folder = path.parent().unwrap_or(Path::new(""));
            target.trust = Trust::with_file(&folder.join(certificate));
        }
        target.topics = match file.topics {
            None => None,
            Some(Topics::Word(word)) if word == "generate" => None,
            Some(Topics::Word(word)) => {
                return Err(format(format!(
                    "topics: '{word}' is neither \"generate\" nor a list of topics"
                )));
            }
            Some(Topics::List(topics)) if topics.is_empty() => {
                return Err(format(
                    "topics: the list is empty; name at least one topic".to_owned(),
                ));
            }
            Some(Topics::List(topics)) => Some(topics),
        };
        if let Some(most) = file.max_parallel {
            if most == 0 {
                return Err(format("max_parallel: must be at least 1".to_owned()));
            }
            target.max_parallel = most;
        }
        if let Some(auth) = file.auth {
            let token = |place: &str, token: Option<String>, variable: Option<String>| match (token, variable)
            {
                (Some(_), Some(_)) => Err(format(format!(
                    "{place}: give either token or token_env, not both"
                ))),
                (Some(token), None) => Ok(Some(token)),
                (None, Some(variable)) => {
                    let value = std::env::var(&variable).ok().filter(|token| !token.is_empty());
                    value.map(Some).ok_or(TargetError::Token {
                        path: path.to_owned(),
                        variable,
                    })
                }
                (None, None) => Ok(None),
            };
            let required = |place: &str, own: Option<String>, variable: Option<String>| {
                token(place, own, variable)?
                    .ok_or_else(|| format(format!("{place}: give token_env, or token")))
            };
            target.token = token("auth", auth.token, auth.token_env)?;
            for own in auth.restricted {
                let scopes = Scopes::parse(&own.scopes)
                    .map_err(|error| format(format!("auth.restricted.scopes: {error}")))?;
                target.restricted.push(RestrictedToken {
                    scopes,
                    token: required("auth.restricted", own.token, own.token_env)?,
                    expires_in: own.expires_in.map(Duration::from_secs),
                });
            }
            for own in auth.rejected {
                target.rejected.push(RejectedToken {
                    why: own.why,
                    token: required("auth.rejected", own.token, own.token_env)?,
                });
            }
        }
        target.claims = file.claims;
        target.callback_base = file.callback_base;
        target.callback_listen = file.callback_listen;
        let seconds = |name: &str, value: Option<f64>, default: Duration| match value {
            None => Ok(default),
            Some(value) => Duration::try_from_secs_f64(value)
                .ok()
                .filter(|duration| *duration <= Duration::from_secs(3600))
                .ok_or_else(|| {
                    format(format!(
                        "timing.{name}: must be a number of seconds from 0 to 3600"
                    ))
                }),
        };
        let default = Timing::default();
        target.timing = Timing {
            ack_timeout: seconds("ack_timeout", file.timing.ack_timeout, default.ack_timeout)?,
            quiet: seconds("quiet", file.timing.quiet, default.quiet)?,
            response: seconds("response", file.timing.response, default.response)?,
            longest_lease: seconds("longest_lease", file.timing.longest_lease, default.longest_lease)?,
        };
        Ok(target)
    }

    /// `hub.url` as text, without a trailing slash.
    pub fn hub_url_text(&self) -> String {
        self.hub_url.as_str().trim_end_matches('/').to_owned()
    }

    /// Whether the hub is on the loopback interface of this machine.
    pub fn is_loopback(&self) -> bool {
        is_loopback(&self.hub_url)
    }

    /// Whether the hub is reached over TLS.
    pub fn is_secure(&self) -> bool {
        self.hub_url.scheme() == "https"
    }
}

fn parse_hub_url(text: &str) -> Result<Url, TargetError> {
    let error = |problem: &str| TargetError::Url {
        url: text.to_owned(),
        problem: problem.to_owned(),
    };
    let url = Url::parse(text).map_err(|problem| error(&problem.to_string()))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(error("its scheme is neither https nor http"));
    }
    if url.host().is_none() {
        return Err(error("it names no host"));
    }
    Ok(url)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    hub_url: String,
    fhircast_version: Option<Version>,
    ca_cert: Option<PathBuf>,
    topics: Option<Topics>,
    callback_base: Option<Url>,
    callback_listen: Option<SocketAddr>,
    max_parallel: Option<usize>,
    auth: Option<Auth>,
    #[serde(default)]
    claims: BTreeMap<Capability, bool>,
    #[serde(default)]
    timing: TimingFile,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Topics {
    Word(String),
    List(Vec<String>),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Auth {
    token: Option<String>,
    token_env: Option<String>,
    #[serde(default)]
    restricted: Vec<Restricted>,
    #[serde(default)]
    rejected: Vec<Rejected>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Restricted {
    scopes: String,
    token: Option<String>,
    token_env: Option<String>,
    expires_in: Option<u64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rejected {
    why: String,
    token: Option<String>,
    token_env: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct TimingFile {
    ack_timeout: Option<f64>,
    quiet: Option<f64>,
    response: Option<f64>,
    longest_lease: Option<f64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Target, TargetError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("target.toml");
        std::fs::write(&path, text).unwrap();
        Target::from_file(&path)
    }

    #[test]
    fn the_contracts_file_is_read() {
        let target = read(
            r#"
            hub_url = "https://hub.example.com/fhircast/"
            fhircast_version = "STU3"
            topics = ["t1", "t2"]
            callback_base = "http://127.0.0.1"
            max_parallel = 3
            [auth]
            token = "secret"
            [[auth.restricted]]
            scopes = "fhircast/Patient-open.read"
            token = "reads"
            expires_in = 600
            [[auth.rejected]]
            why = "expired"
            token = "former"
            [claims]
            content_sharing = true
            [timing]
            ack_timeout = 2
            quiet = 0.5
            "#,
        )
        .unwrap();
        assert_eq!(target.hub_url_text(), "https://hub.example.com/fhircast");
        assert_eq!(
            target.topics.as_deref(),
            Some(&["t1".to_owned(), "t2".to_owned()][..])
        );
        assert_eq!(target.token.as_deref(), Some("secret"));
        let reads = &target.restricted[0];
        assert_eq!(reads.scopes.to_string(), "fhircast/Patient-open.read");
        assert_eq!(
            (reads.token.as_str(), reads.expires_in),
            ("reads", Some(Duration::from_secs(600)))
        );
        assert_eq!(target.rejected[0].why, "expired");
        let shown = format!("{:?} {:?}", target.restricted, target.rejected);
        assert!(
            !shown.contains("\"reads\"") && !shown.contains("former"),
            "{shown}"
        );
        assert_eq!(target.claims.get(&Capability::ContentSharing), Some(&true));
        assert_eq!(target.timing.ack_timeout, Duration::from_secs(2));
        assert_eq!(target.timing.response, Duration::from_secs(5));
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (text, says) in [
            ("hub_url = 7", "hub_url"),
            ("hub_url = \"ftp://x\"", "scheme"),
            ("hub_url = \"nowhere\"", "not the URL of a hub"),
            ("hub_url = \"http://h\"\nmax_parallel = 0", "max_parallel"),
            ("hub_url = \"http://h\"\ntopics = \"some\"", "topics"),
            ("hub_url = \"http://h\"\nunknown = 1", "unknown"),
            ("hub_url = \"http://h\"\n[timing]\nquiet = -1", "timing.quiet"),
            (
                "hub_url = \"http://h\"\n[auth]\ntoken_env = \"CASTSPEC_NO_SUCH_VARIABLE\"",
                "CASTSPEC_NO_SUCH_VARIABLE",
            ),
            ("hub_url = \"http://h\"\n[claims]\nmagic = true", "magic"),
            (
                "hub_url = \"http://h\"\n[[auth.restricted]]\nscopes = \"fhircast/x\"\ntoken = \"t\"",
                "auth.restricted.scopes",
            ),
            (
                "hub_url = \"http://h\"\n[[auth.rejected]]\nwhy = \"expired\"",
                "auth.rejected: give token_env",
            ),
            (
                "hub_url = \"http://h\"\n[[auth.rejected]]\nwhy = \"expired\"\ntoken_env = \"CASTSPEC_NO_SUCH_VARIABLE\"",
                "CASTSPEC_NO_SUCH_VARIABLE",
            ),
        ] {
            let error = read(text).unwrap_err().to_string();
            assert!(error.contains(says), "{text}: {error}");
        }
    }
}
