//! `castspec init`: a commented target file, made by asking the hub what it can.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use minijinja::{Environment, context};
use serde_json::Value;

use super::{CommandError, SHOWN, print};
use castspec_fhircast::protocol::{Version, WELL_KNOWN_PATH};
use castspec_runner::client::{Answer, HttpClient, Log, OutgoingRequest, Trust};
use castspec_runner::run::{Claims, Target};

const TEMPLATE: &str = include_str!("target.toml.jinja");
const PATIENCE: Duration = Duration::from_secs(10);

/// Write a commented target file by asking a hub what it can
///
/// Asks for the configuration document and makes two requests that change nothing: for the current context of a topic that
/// nobody has, and for the configuration of SMART on FHIR.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  castspec init https://hub.example.com/fhircast --ca-cert ca.pem\n  castspec run --target castspec.toml --dry-run"
)]
pub struct InitCommand {
    /// The hub's URL (hub.url)
    #[arg(value_name = "URL")]
    hub: String,
    /// Where the file is written; - for standard output
    #[arg(long, value_name = "FILE", default_value = "castspec.toml")]
    out: PathBuf,
    /// Write over a file that is there
    #[arg(long)]
    force: bool,
    /// A certificate authority to trust beside the system's (PEM)
    #[arg(long, value_name = "FILE")]
    ca_cert: Option<PathBuf>,
    /// Accept any certificate
    #[arg(long)]
    insecure: bool,
    /// The bearer token for the hub
    #[arg(long, value_name = "TOKEN", env = "CASTSPEC_TOKEN", hide_env_values = true)]
    token: Option<String>,
}

impl InitCommand {
    /// Asks the hub, and writes the file.
    ///
    /// # Errors
    /// When the hub cannot be reached, or the file cannot be written.
    pub async fn run(&self) -> Result<ExitCode, CommandError> {
        let to_stdout = self.out.as_os_str() == "-";
        if !to_stdout && !self.force && self.out.exists() {
            return Err(CommandError::new(format!(
                "{} is there already; --force writes over it, --out names another",
                self.out.display()
            )));
        }
        let mut target = Target::new(&self.hub, Version::Stu3)?;
        if let Some(file) = &self.ca_cert {
            target.approach.trust = Trust::with_file(file);
        }
        target.approach.trust.insecure = self.insecure;
        target.approach.token = self.token.clone();
        target.secrets().for_each(|secret| SHOWN.know(secret));
        let learnt = Learnt::of(&target).await?;
        let text = learnt.to_toml(&target, self)?;
        if to_stdout {
            print(&text)?;
            return Ok(ExitCode::SUCCESS);
        }
        std::fs::write(&self.out, text)
            .map_err(|error| CommandError::new(format!("cannot write {}: {error}", self.out.display())))?;
        print(&format!(
            "{}\nwritten to {}\n",
            learnt.lines.join("\n"),
            self.out.display()
        ))?;
        Ok(ExitCode::SUCCESS)
    }
}

/// What the hub told.
struct Learnt {
    version: Version,
    claims: Claims,
    /// The status by which it refuses to answer without a token.
    demands_token: Option<u16>,
    lines: Vec<String>,
}

impl Learnt {
    async fn of(target: &Target) -> Result<Self, CommandError> {
        let http = HttpClient::new(&target.hub_url, &target.approach, PATIENCE)?;
        let log = Log::new(SHOWN.clone(), None);
        let get = async |url: String| http.send(&log, "castspec", &OutgoingRequest::get(&url)).await;
        let answer = get(target.below(WELL_KNOWN_PATH))
            .await
            .map_err(|error| {
                CommandError::new(format!(
                    "the hub at {} cannot be reached: {error}",
                    target.hub_url_text()
                ))
            })?;
        let document = answer
            .json
            .as_ref()
            .filter(|document| answer.is_accepted() && document.is_object());
        let mut lines = Vec::new();
        let version = version_of(document, &answer, &mut lines);
        let claims = Claims::from_configuration(version, document);
        if let Some(events) = claims.events() {
            let names: Vec<&str> = events
                .iter()
                .map(castspec_fhircast::protocol::EventName::as_str)
                .collect();
            lines.push(format!("It lists these events: {}.", names.join(", ")));
        }
        // Nobody has this topic: the answer tells of tokens, and changes nothing.
        let topic = uuid::Uuid::new_v4();
        let mut request = OutgoingRequest::get(&target.below(&format!("/{topic}")));
        request.without_token = true;
        let answer = http.send(&log, "castspec", &request).await.ok();
        let demands_token = answer
            .map(|answer| answer.status)
            .filter(|status| matches!(status, 401 | 403));
        if let Some(status) = demands_token {
            lines.push(format!(
                "It answers a request without an access token with {status}."
            ));
        }
        let mut smart = target.hub_url.clone();
        smart.set_path("/.well-known/smart-configuration");
        smart.set_query(None);
        if let Ok(answer) = get(smart.to_string()).await
            && let Some(endpoint) = answer
                .json
                .as_ref()
                .and_then(|document| document.get("token_endpoint")?.as_str())
            && answer.is_accepted()
        {
            lines.push(format!(
                "An authorization server beside it gives tokens at {endpoint}."
            ));
        }
        Ok(Self {
            version,
            claims,
            demands_token,
            lines,
        })
    }

    fn to_toml(&self, target: &Target, command: &InitCommand) -> Result<String, CommandError> {
        let claims: Vec<String> = self
            .claims
            .with_origins()
            .into_iter()
            .map(|(name, claimed, from)| match from.as_str() {
                "" => format!("# {name} = false"),
                from => format!("{:<38} # by {from}", format!("{name} = {claimed}")),
            })
            .collect();
        let quoted = |text: String| toml::Value::String(text).to_string();
        let authority = command.ca_cert.as_ref().map(|path| {
            // A relative path would be looked for beside the target file.
            let path = std::path::absolute(path).unwrap_or_else(|_| path.clone());
            quoted(path.display().to_string())
        });
        let learnt: Vec<String> = self.lines.iter().map(|line| line.replace('\n', " ")).collect();
        Environment::new()
            .render_str(
                TEMPLATE,
                context! {
                    file => command.out.display().to_string(),
                    learnt => learnt,
                    hub_url => quoted(target.hub_url_text()),
                    version => quoted(self.version.to_string()),
                    versions => self.version == Version::Stu3,
                    ca_cert => authority,
                    demands_token => self.demands_token,
                    claims => claims,
                },
            )
            .map(|text| format!("{text}\n"))
            .map_err(|error| CommandError::new(format!("the target file cannot be made: {error}")))
    }
}

/// The version that a hub states, or the latest.
fn version_of(document: Option<&Value>, answer: &Answer, lines: &mut Vec<String>) -> Version {
    let Some(document) = document else {
        lines.push(format!(
            "It has no configuration document (it answered {} to {WELL_KNOWN_PATH}): name its version and its claims by hand.",
            answer.status
        ));
        return Version::Stu3;
    };
    let stated = document.get("fhircastVersion").and_then(Value::as_str);
    match stated.map(|text| (text, text.parse::<Version>())) {
        Some((_, Ok(version))) => {
            lines.push(format!(
                "Its configuration document says {version} ({}).",
                version.number()
            ));
            version
        }
        Some((text, Err(_))) => {
            lines.push(format!(
                "Its configuration document says version {text:?}, which castspec does not know."
            ));
            Version::Stu3
        }
        None => {
            lines.push("Its configuration document names no version.".to_owned());
            Version::Stu3
        }
    }
}
