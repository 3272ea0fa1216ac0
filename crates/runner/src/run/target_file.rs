//! The target file: the hub under test, described in TOML.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;
use url::Url;

use super::dialect::DialectSettings;
use super::target::{RejectedToken, RestrictedToken, Target, TargetError, Timing};
use crate::client::{Identity, Trust};
use crate::protocol::{Scopes, Version};
use crate::requirement::Capability;

impl Target {
    /// Reads a target file; see the documentation of its format in the README.
    ///
    /// # Errors
    /// When it cannot be read, is not in its format, or names a token that is not there.
    pub fn from_file(path: &Path) -> Result<Self, TargetError> {
        Self::from_file_with(path, None)
    }

    /// Reads a target file; a token that is given here stands in the place of the one that it names.
    ///
    /// # Errors
    /// As for [`Target::from_file`].
    pub fn from_file_with(path: &Path, given: Option<&str>) -> Result<Self, TargetError> {
        let text = std::fs::read_to_string(path).map_err(|error| TargetError::Unreadable {
            path: path.to_owned(),
            problem: error.to_string(),
        })?;
        Self::parse(&text, path, given)
    }

    /// Reads the text of a target file; files that it names are looked for beside `path`, which errors name too.
    ///
    /// # Errors
    /// As for [`Target::from_file`].
    pub fn parse(text: &str, path: &Path, given: Option<&str>) -> Result<Self, TargetError> {
        let format = |problem: String| TargetError::Format {
            path: path.to_owned(),
            problem,
        };
        let file: File = toml::from_str(text).map_err(|error| {
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
        let folder = path.parent().unwrap_or(Path::new(""));
        if let Some(certificate) = &file.ca_cert {
            target.approach.trust = Trust::with_file(&folder.join(certificate));
        }
        target.approach.trust.identity = match (file.client_cert, file.client_key) {
            (Some(certificate), key) => Some(Identity {
                key: folder.join(key.as_ref().unwrap_or(&certificate)),
                certificate: folder.join(certificate),
            }),
            (None, Some(_)) => {
                return Err(format(
                    "client_key: it goes with client_cert, which is missing".to_owned(),
                ));
            }
            (None, None) => None,
        };
        target.approach.trust.insecure = file.insecure;
        target.approach.proxy = file.proxy;
        for (name, value) in file.headers {
            let value = match value {
                HeaderFile::Value(value) => value,
                HeaderFile::Env { env } => {
                    let value = std::env::var(&env).ok().filter(|value| !value.is_empty());
                    value.ok_or_else(|| TargetError::Environment {
                        path: path.to_owned(),
                        what: format!("header {name}"),
                        variable: env,
                    })?
                }
            };
            target.approach.headers.push((name, value));
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
                    value.map(Some).ok_or(TargetError::Environment {
                        path: path.to_owned(),
                        what: "token".to_owned(),
                        variable,
                    })
                }
                (None, None) => Ok(None),
            };
            let required = |place: &str, literal: Option<String>, variable: Option<String>| {
                token(place, literal, variable)?
                    .ok_or_else(|| format(format!("{place}: give token_env, or token")))
            };
            target.approach.token = match given {
                Some(given) => Some(given.to_owned()),
                None => token("auth", auth.token, auth.token_env)?,
            };
            for entry in auth.restricted {
                let scopes = Scopes::parse(&entry.scopes)
                    .map_err(|error| format(format!("auth.restricted.scopes: {error}")))?;
                target.restricted.push(RestrictedToken {
                    scopes,
                    token: required("auth.restricted", entry.token, entry.token_env)?,
                    expires_in: entry.expires_in.map(Duration::from_secs),
                });
            }
            for entry in auth.rejected {
                target.rejected.push(RejectedToken {
                    why: entry.why,
                    token: required("auth.rejected", entry.token, entry.token_env)?,
                });
            }
        }
        target.claims = file.claims;
        if !target.restricted.is_empty() || !target.rejected.is_empty() {
            target.claims.entry(Capability::Authorization).or_insert(true);
        }
        target.intrusive = file.intrusive;
        target.deployment = file.deployment;
        target.dialect = DialectSettings {
            publish_url: file.dialect.publish_url,
            media_type: file.dialect.media_type,
            subscribe_parameters: file.dialect.subscribe_parameters,
            unsubscribe_with_events: file.dialect.unsubscribe_with_events,
        };
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
            restart: seconds("restart", file.timing.restart, default.restart)?,
            idle: match file.timing.idle {
                None => None,
                idle => Some(seconds("idle", idle, Duration::ZERO)?),
            },
        };
        Ok(target)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    hub_url: String,
    fhircast_version: Option<Version>,
    ca_cert: Option<PathBuf>,
    #[serde(default)]
    insecure: bool,
    client_cert: Option<PathBuf>,
    client_key: Option<PathBuf>,
    proxy: Option<Url>,
    #[serde(default)]
    headers: BTreeMap<String, HeaderFile>,
    topics: Option<Topics>,
    callback_base: Option<Url>,
    callback_listen: Option<SocketAddr>,
    max_parallel: Option<usize>,
    auth: Option<Auth>,
    #[serde(default)]
    claims: BTreeMap<Capability, bool>,
    #[serde(default)]
    intrusive: bool,
    #[serde(default)]
    deployment: bool,
    #[serde(default)]
    dialect: DialectFile,
    #[serde(default)]
    timing: TimingFile,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct DialectFile {
    publish_url: Option<Url>,
    media_type: Option<String>,
    subscribe_parameters: BTreeMap<String, String>,
    unsubscribe_with_events: Option<bool>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum HeaderFile {
    Value(String),
    Env { env: String },
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
    restart: Option<f64>,
    idle: Option<f64>,
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
            restart = 3
            idle = 75
            [dialect]
            publish_url = "https://hub.example.com/fhircast/events"
            media_type = "application/fhir+json"
            unsubscribe_with_events = false
            subscribe_parameters = { "hub.uid" = "desk-7" }
            "#,
        )
        .unwrap();
        assert_eq!(target.hub_url_text(), "https://hub.example.com/fhircast");
        assert_eq!(
            target.topics.as_deref(),
            Some(&["t1".to_owned(), "t2".to_owned()][..])
        );
        assert_eq!(target.approach.token.as_deref(), Some("secret"));
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
        assert_eq!(target.timing.restart, Duration::from_secs(3));
        assert_eq!(target.timing.idle, Some(Duration::from_secs(75)));
        assert_eq!(
            target.dialect.media_type.as_deref(),
            Some("application/fhir+json")
        );
        assert_eq!(target.dialect.unsubscribe_with_events, Some(false));
        assert_eq!(target.dialect.subscribe_parameters["hub.uid"], "desk-7");
        assert!(!target.intrusive && !target.deployment);
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
            ("hub_url = \"http://h\"\n[timing]\nidle = 4000", "timing.idle"),
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
