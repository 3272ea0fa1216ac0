//! `castspec hub`: serves the hub simulator until it is stopped.

use std::io::Write;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;

use super::base_fhir::BaseFhirArgument;
use super::hub_client::{ClientArgumentError, ClientArguments};
use super::hub_control::{self, FaultArguments, FaultError};
use super::hub_reach::ReachArguments;
use super::hub_subscribers::{self, Conditions, Prepared};
use super::hub_tokens::{self, TokensError};
use super::output::Output;
use crate::report::{JunitCases, ReportError};
use castspec_fhircast::protocol::{EventName, Version};
use castspec_hub::authorization::Options;
use castspec_hub::{Defect, HubError, Limits, OtherEvents, Server, Settings, Transport};

/// Serve the hub simulator until stopped
///
/// Prints `castspec hub listening on <hub.url>` once it accepts connections; with several versions, a line for each. What
/// subscribers do wrong is told on standard error as it happens.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Example:\n  castspec hub --port 8443 --ca-out ca.pem")]
pub struct HubCommand {
    /// The port to listen on; 0 takes any that is free
    #[arg(long, default_value_t = 0)]
    port: u16,

    /// The address to listen on
    #[arg(long, value_name = "ADDRESS", default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    bind: IpAddr,

    /// The version of FHIRcast to speak: STU1, STU2 or STU3 (may be given more than once: each has its own path then)
    #[arg(long, value_name = "VERSION", default_value = "STU3")]
    fhircast_version: Vec<Version>,

    /// Take no webhooks, as STU2 allows
    #[arg(long)]
    no_webhooks: bool,

    /// Trust this certificate authority (PEM) of callbacks, beside the system's
    #[arg(long, value_name = "FILE")]
    callback_ca: Option<PathBuf>,

    /// Speak HTTP and WS in place of HTTPS and WSS
    #[arg(long)]
    plaintext: bool,

    /// Deviate on purpose (may be given more than once)
    #[arg(long, value_name = "NAME")]
    defect: Vec<Defect>,

    /// List the defects and what each breaks, and stop
    #[arg(long)]
    list_defects: bool,

    /// Demand access tokens of the SMART on FHIR authorization server that is then served beside the hub: its configuration
    /// is at /.well-known/smart-configuration, and it authorizes whoever asks
    #[arg(long)]
    auth: bool,

    /// How long access tokens live
    #[arg(long, value_name = "SECONDS", default_value = "3600", value_parser = clap::value_parser!(u32).range(1..), requires = "auth")]
    token_life: u32,

    /// Write a target file for `castspec run` with tokens that need no launch: a full one, restricted ones, and some that
    /// must be rejected. Only its owner can read it
    #[arg(long, value_name = "FILE", requires = "auth")]
    tokens_out: Option<PathBuf>,

    #[command(flatten)]
    client: ClientArguments,

    #[command(flatten)]
    reach: ReachArguments,

    /// Write the certificate authority (PEM) to this file
    #[arg(long, value_name = "FILE", conflicts_with = "plaintext")]
    ca_out: Option<PathBuf>,

    /// Seconds within which subscribers must answer notifications
    #[arg(long, value_name = "SECONDS", default_value = "10", value_parser = seconds)]
    ack_timeout: Duration,

    /// The lease where a subscriber asks for none, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 7_200, value_parser = clap::value_parser!(u64).range(1..))]
    default_lease: u64,

    /// The longest lease that is granted, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 86_400, value_parser = clap::value_parser!(u64).range(1..))]
    max_lease: u64,

    /// Know these events alone, separated by commas (beside organizations' own)
    #[arg(long, value_name = "EVENTS", value_delimiter = ',')]
    events: Option<Vec<EventName>>,

    /// What to do with subscriptions to other events: refuse the request, deny the subscription, or grant the known ones
    #[arg(long, value_name = "HOW", default_value = "refuse", requires = "events")]
    other_events: OtherEventsArgument,

    #[command(flatten)]
    faults: FaultArguments,

    /// Do not judge what subscribers do
    #[arg(long, conflicts_with = "reports")]
    unjudged: bool,

    #[command(flatten)]
    base_fhir: BaseFhirArgument,

    /// Judge applications as ones in use: a callback without TLS is a failure, also on this machine
    #[arg(long)]
    deployment: bool,

    /// When stopped, write junit.xml, report.json and index.html about the subscribers into this folder; the exit status
    /// is then 1 if one of them broke a SHALL
    #[arg(long, value_name = "DIR")]
    reports: Option<PathBuf>,
    /// What a test case of junit.xml is
    #[arg(
        long,
        value_name = "WHAT",
        default_value = "requirement",
        requires = "reports"
    )]
    junit_cases: JunitCases,
}

/// The answer to a subscription to events that the hub does not know.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum OtherEventsArgument {
    /// 400 Bad Request
    Refuse,
    /// 202 Accepted, and a denial
    Deny,
    /// The known events are granted; a denial where there is none
    Trim,
}

impl From<OtherEventsArgument> for OtherEvents {
    fn from(argument: OtherEventsArgument) -> Self {
        match argument {
            OtherEventsArgument::Refuse => Self::Refuse,
            OtherEventsArgument::Deny => Self::Deny,
            OtherEventsArgument::Trim => Self::Trim,
        }
    }
}

/// The hub could not be served.
#[derive(Debug, thiserror::Error)]
pub enum HubCommandError {
    /// What the command asks for does not exist yet.
    #[error("{0}")]
    Unsupported(String),
    /// The hub could not be started.
    #[error(transparent)]
    Hub(#[from] HubError),
    /// The certificate authority could not be written.
    #[error("cannot write the certificate authority to {}: {source}", path.display())]
    Authority {
        /// Where it was to be written.
        path: PathBuf,
        /// What the operating system says.
        source: std::io::Error,
    },
    /// The certificate authority of callbacks could not be read.
    #[error("cannot read the certificate authority of callbacks from {}: {source}", path.display())]
    CallbackAuthority {
        /// Where it is.
        path: PathBuf,
        /// What the operating system says.
        source: std::io::Error,
    },
    /// The tokens could not be written.
    #[error(transparent)]
    Tokens(#[from] TokensError),
    /// The client with a secret cannot be registered.
    #[error(transparent)]
    Client(#[from] ClientArgumentError),
    /// Faults cannot be injected.
    #[error(transparent)]
    Faults(#[from] FaultError),
    /// The reports about subscribers could not be written.
    #[error(transparent)]
    Report(#[from] ReportError),
    /// Standard output cannot be written.
    #[error("{0}")]
    Output(String),
    /// Standard output, or the signals of the operating system, cannot be used.
    #[error("{what}: {source}")]
    System {
        /// What was tried.
        what: &'static str,
        /// What the operating system says.
        source: std::io::Error,
    },
}

/// Every defect with what it breaks in each version that it is meant for.
fn defects() -> String {
    let mut text = String::new();
    for defect in Defect::all() {
        text.push_str(&format!("{defect}\n    {}\n", defect.description()));
        text.push_str(&format!("    breaks {}\n", defect.breaks().join(", ")));
        for version in defect
            .versions()
            .iter()
            .filter(|version| **version != Version::Stu3)
        {
            let breaks = defect.breaks_in(*version).join(", ");
            text.push_str(&format!("    in {version} breaks {breaks}\n"));
        }
    }
    text
}

/// Seconds, with a fraction or without.
fn seconds(text: &str) -> Result<Duration, String> {
    let duration = text
        .parse()
        .ok()
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    duration
        .filter(|duration| !duration.is_zero())
        .ok_or_else(|| "must be a number of seconds above 0".to_owned())
}

impl HubCommand {
    /// Serves until Ctrl-C or SIGTERM.
    ///
    /// # Errors
    /// When the hub cannot be started; each error is one line for standard error, with exit status 2.
    pub async fn run(&self) -> Result<ExitCode, HubCommandError> {
        let output = |source| HubCommandError::System {
            what: "cannot write to standard output",
            source,
        };
        if self.list_defects {
            return super::print(&defects())
                .map(|()| ExitCode::SUCCESS)
                .map_err(|error| HubCommandError::Output(error.to_string()));
        }
        if self.auth && !self.bind.is_loopback() {
            return Err(HubCommandError::Unsupported(format!(
                "--auth: the authorization server authorizes whoever asks, and serves this machine only; leave out --bind {}",
                self.bind
            )));
        }
        let stop = signals().map_err(|source| HubCommandError::System {
            what: "cannot listen for signals",
            source,
        })?;
        let transport = if self.plaintext {
            Transport::Plaintext
        } else {
            Transport::Tls
        };
        let listen = SocketAddr::new(self.bind, self.port);
        let further = self.fhircast_version.get(1..).unwrap_or_default();
        let mut settings = self.settings()?;
        let (token, rules) = (self.faults.token()?, self.faults.rules()?);
        let prepared = self.prepare_judging()?;
        settings.observers = prepared.as_ref().map(Prepared::observers).unwrap_or_default();
        let server = Server::start_versions(settings, further, listen, transport).await?;
        if let (Some(path), Some(pem)) = (&self.ca_out, server.authority_pem()) {
            std::fs::write(path, pem).map_err(|source| HubCommandError::Authority {
                path: path.clone(),
                source,
            })?;
        }
        if let (Some(path), Some(authorization)) = (&self.tokens_out, server.authorization()) {
            let authority = self.ca_out.as_deref();
            hub_tokens::write(path, &server, authorization, self.token_life(), authority)?;
        }
        let control = self.faults.begin(server.controls(), token, rules).await?;
        let conditions = Conditions {
            ack_timeout: self.ack_timeout,
            authorization: self.auth,
            base_fhir: self.base_fhir.weight(),
            deployment: self.deployment,
        };
        let judging = prepared.map(|prepared| prepared.begin(server.urls(), conditions));
        let mut stdout = Output;
        for (_, url) in server.urls() {
            writeln!(stdout, "castspec hub listening on {url}").map_err(output)?;
        }
        hub_control::announce(control.as_ref(), &mut stdout).map_err(output)?;
        stdout.flush().map_err(output)?;
        stop.await;
        drop(control);
        server.shutdown().await;
        let failed = match judging {
            Some(judging) => judging.end().await?,
            None => false,
        };
        Ok(ExitCode::from(u8::from(failed)))
    }

    fn prepare_judging(&self) -> Result<Option<Prepared>, HubCommandError> {
        if self.unjudged {
            return Ok(None);
        }
        let prepared =
            hub_subscribers::prepare(&self.fhircast_version, self.reports.as_deref(), self.junit_cases)?;
        Ok(Some(prepared))
    }

    fn token_life(&self) -> Duration {
        Duration::from_secs(self.token_life.into())
    }

    fn settings(&self) -> Result<Settings, HubCommandError> {
        let read = |path: &PathBuf| {
            std::fs::read_to_string(path).map_err(|source| HubCommandError::CallbackAuthority {
                path: path.clone(),
                source,
            })
        };
        let client = self.client.client()?;
        Ok(Settings {
            version: self.fhircast_version.first().copied().unwrap_or(Version::Stu3),
            callback_authority: self.callback_ca.as_ref().map(read).transpose()?,
            authorization: self.auth.then(|| Options {
                lifetime: self.token_life(),
                client,
            }),
            callbacks_to: self.reach.callbacks_to(),
            origins: self.reach.origins(),
            defects: self.defect.clone(),
            limits: Limits {
                webhooks: !self.no_webhooks,
                ack_timeout: self.ack_timeout,
                default_lease: self.default_lease.min(self.max_lease),
                max_lease: self.max_lease,
                events: self.events.clone(),
                other_events: self.other_events.into(),
                ..Limits::default()
            },
            ..Settings::default()
        })
    }
}

/// Ends when the operating system asks the program to stop. Listening begins with the call, not with the wait.
pub(super) fn signals() -> std::io::Result<impl Future<Output = ()>> {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        Ok(async move {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
        })
    }
    #[cfg(not(unix))]
    Ok(async {
        // Where Ctrl-C cannot be waited for, only killing ends the program.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    })
}
