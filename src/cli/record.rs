//! `castspec record`: stands between a hub and its subscribers, and keeps what passes.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use url::Url;

use super::hub::signals;
use super::{CommandError, EXIT_NOT_CARRIED_OUT, print, print_error};
use castspec_fhircast::protocol::Version;
use castspec_judging::redaction::Redactor;
use castspec_runner::client::Trust;
use castspec_runner::recorder::{Recorder, Settings};

/// Record the traffic between a hub and its subscribers
///
/// Stands between them as a reverse proxy until it is stopped, and writes everything that passes to a capture, with secrets
/// replaced. Prints `castspec record listening on <url>` once it accepts connections: that URL takes the place of the hub's.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  castspec record --upstream https://hub.example.com/fhircast --out monday.jsonl --ca-out recorder.pem\n  castspec validate monday.jsonl"
)]
pub struct RecordCommand {
    /// hub.url of the hub
    #[arg(long, value_name = "HUB_URL")]
    upstream: Url,

    /// The address and port to listen on; port 0 takes any that is free
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:0")]
    listen: SocketAddr,

    /// The capture to write; it must not be there yet
    #[arg(long, value_name = "FILE", default_value = "capture.jsonl")]
    out: PathBuf,

    /// Trust this certificate authority (PEM) of the hub, beside the system's
    #[arg(long, value_name = "FILE")]
    ca_cert: Option<PathBuf>,

    /// Accept any certificate of the hub
    #[arg(long)]
    insecure: bool,

    /// Write the recorder's own certificate authority (PEM), which subscribers have to trust, to this file
    #[arg(long, value_name = "FILE", conflicts_with = "plaintext")]
    ca_out: Option<PathBuf>,

    /// Speak HTTP and WS to subscribers in place of HTTPS and WSS
    #[arg(long)]
    plaintext: bool,

    /// Where the hub can reach this machine, so that webhooks come back through the recorder (STU1, STU2)
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1")]
    callback_base: Url,

    /// The address and port to listen on for webhooks, where the callback base does not tell
    #[arg(long, value_name = "ADDRESS:PORT")]
    callback_listen: Option<SocketAddr>,

    /// The version of FHIRcast that the hub speaks, for whoever reads the capture (may be given more than once)
    #[arg(long, value_name = "VERSION")]
    fhircast_version: Vec<Version>,

    /// Hide what FHIR resources say of people in everything that is written; structure, codes and the equality of values stay
    #[arg(long)]
    redact_resources: bool,
}

impl RecordCommand {
    /// Records until Ctrl-C or SIGTERM.
    ///
    /// # Errors
    /// When the recorder cannot be started.
    pub async fn run(&self) -> Result<ExitCode, CommandError> {
        let stop = signals()
            .map_err(|error| CommandError::new(format!("signals cannot be listened for: {error}")))?;
        let mut trust = self.ca_cert.as_deref().map(Trust::with_file).unwrap_or_default();
        trust.insecure = self.insecure;
        let settings = Settings {
            upstream: self.upstream.clone(),
            listen: self.listen,
            plaintext: self.plaintext,
            callback_base: Some(self.callback_base.clone()),
            callback_listen: self.callback_listen,
            trust,
            out: self.out.clone(),
            fhircast_versions: self.fhircast_version.clone(),
            // Endpoints let anybody in who knows them.
            redactor: Redactor::new(self.redact_resources, true),
        };
        let tell = |line: &str| print_error(&format!("castspec: {line}\n"));
        let recorder = Recorder::start(settings, Box::new(tell)).await?;
        if let (Some(path), Some(pem)) = (&self.ca_out, recorder.authority_pem()) {
            std::fs::write(path, pem).map_err(|error| {
                let path = path.display();
                CommandError::new(format!(
                    "cannot write the certificate authority to {path}: {error}"
                ))
            })?;
        }
        print(&format!("castspec record listening on {}\n", recorder.url()))?;
        stop.await;
        let complete = recorder.shutdown().await;
        Ok(match complete {
            true => ExitCode::SUCCESS,
            false => ExitCode::from(EXIT_NOT_CARRIED_OUT),
        })
    }
}
