//! The hub under test: where it is, how it is reached, what it claims, and how long it may take.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use url::Url;

use super::dialect::DialectSettings;
use crate::client::{Approach, Trust};
use crate::is_loopback;
use crate::judging::hub::{HubUrlError, parse_hub_url};
use crate::protocol::{Scopes, Version};
use crate::redaction::Redactor;
use crate::requirement::Capability;

/// The hub under test.
#[derive(Debug, Clone)]
pub struct Target {
    /// `hub.url`, without a trailing slash.
    pub hub_url: Url,
    /// The version that it is tested under.
    pub version: Version,
    /// How it is reached, and with which token.
    pub approach: Approach,
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
    /// How the hub wants to be spoken to, where the target says so.
    pub dialect: DialectSettings,
    /// What could disturb others on the hub may be tried.
    pub intrusive: bool,
    /// The hub is in use, or about to be: what a test bed may leave out, such as TLS, is a failure.
    pub deployment: bool,
    /// What must wait long is left out.
    pub quick: bool,
    /// How long things may take.
    pub timing: Timing,
    /// How many scenarios run at once.
    pub max_parallel: usize,
    /// How long to wait for a hub that is not there yet.
    pub wait_for_hub: Duration,
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
    /// How long a hub that died is waited for.
    pub restart: Duration,
    /// How long a WebSocket over which nothing passes must live; not tried where nothing is said.
    pub idle: Option<Duration>,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            ack_timeout: Duration::from_secs(10),
            quiet: Duration::from_secs(1),
            response: Duration::from_secs(5),
            longest_lease: Duration::from_secs(30),
            restart: Duration::from_secs(10),
            idle: None,
        }
    }
}

/// Why a target cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TargetError {
    /// The text is no URL of a hub.
    #[error(transparent)]
    Url(#[from] HubUrlError),
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
    /// A token, or a header, is to come from an environment variable that is not set.
    #[error("{}: the {what} is to come from the environment variable {variable}, which is not set", path.display())]
    Environment {
        /// The file.
        path: PathBuf,
        /// What is to come from there.
        what: String,
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
            approach: Approach::default(),
            restricted: Vec::new(),
            rejected: Vec::new(),
            topics: None,
            claims: BTreeMap::new(),
            callback_base: None,
            callback_listen: None,
            dialect: DialectSettings::default(),
            intrusive: false,
            deployment: false,
            quick: false,
            timing: Timing::default(),
            max_parallel: 8,
            wait_for_hub: Duration::ZERO,
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
        target.approach.trust = authority.map_or_else(Trust::default, Trust::only_pem);
        target.built_in = true;
        target.max_parallel = 40;
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
            idle: Some(Self::BUILT_IN_IDLE),
            ..Timing::default()
        };
        Ok(target)
    }

    /// After how long the built-in hub gives up on an unanswered notification in a run of the suite.
    pub const BUILT_IN_ACK_TIMEOUT: Duration = Duration::from_millis(1_200);

    /// How long the built-in hub's WebSockets stay quiet in a run of the suite: longer than its defect bears, and shorter than
    /// other scenarios take.
    pub const BUILT_IN_IDLE: Duration = Duration::from_secs(2);

    /// The longest lease that is waited for where what must wait long is left out.
    const QUICK_LEASE: Duration = Duration::from_secs(2);

    /// Leaves out what must wait long: quiet WebSockets, and leases that the hub makes long.
    pub fn make_quick(&mut self) {
        self.quick = true;
        self.timing.longest_lease = self.timing.longest_lease.min(Self::QUICK_LEASE);
    }

    /// Whether the hub is asked with access tokens at all.
    pub fn has_tokens(&self) -> bool {
        self.approach.token.is_some() || !self.restricted.is_empty() || !self.rejected.is_empty()
    }

    /// Everything in it that must not be seen.
    fn secrets(&self) -> impl Iterator<Item = &str> {
        let tokens = self.approach.token.iter().map(String::as_str);
        let restricted = self.restricted.iter().map(|restricted| restricted.token.as_str());
        let rejected = self.rejected.iter().map(|rejected| rejected.token.as_str());
        let password = [&self.hub_url]
            .into_iter()
            .chain(&self.approach.proxy)
            .filter_map(Url::password);
        tokens.chain(restricted).chain(rejected).chain(password)
    }

    /// Tells the redactor of everything in it that must not be seen: tokens, passwords, and all headers that are configured,
    /// for what each of them is cannot be told by its name.
    pub fn tell_secrets(&self, redactor: &Redactor) {
        self.secrets().for_each(|secret| redactor.know(secret));
        for (name, value) in &self.approach.headers {
            redactor.know_header(name, value);
        }
    }

    /// `hub.url` as text, without a trailing slash.
    pub fn hub_url_text(&self) -> String {
        self.hub_url.as_str().trim_end_matches('/').to_owned()
    }

    /// The URL of what lies below `hub.url`; a query of its own stays behind the path.
    pub fn below(&self, path: &str) -> String {
        let text = self.hub_url.as_str();
        let (base, query) = match text.split_once('?') {
            Some((base, query)) => (base, format!("?{query}")),
            None => (text, String::new()),
        };
        format!("{}{path}{query}", base.trim_end_matches('/'))
    }

    /// `hub.url` exactly as it was given, a trailing slash included; a URL without a path gets none.
    pub fn hub_url_as_given(&self) -> String {
        match self.hub_url.path() {
            "/" if self.hub_url.query().is_none() => self.hub_url_text(),
            _ => self.hub_url.as_str().to_owned(),
        }
    }

    /// Whether what could disturb others may be tried here: the hub is castspec's own, on this machine, or the operator allows it.
    pub fn bears_intrusion(&self) -> bool {
        self.built_in || self.intrusive
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
