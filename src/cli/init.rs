//! `castspec init`: a commented target file, made by asking the hub what it can.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use minijinja::{Environment, context};
use serde_json::Value;

use super::{CommandError, SHOWN, print};
use castspec_fhircast::protocol::{Version, WELL_KNOWN_PATH};
use castspec_fhircast::requirement::Catalogue;
use castspec_runner::client::{Answer, HttpClient, Log, OutgoingRequest, Trust};
use castspec_runner::run::{Claims, Materials, PreflightError, RunError, Target, knock};

const TEMPLATE: &str = include_str!("target.toml.jinja");
const PATIENCE: Duration = Duration::from_secs(10);

/// The environment variable that a run takes the token from, whether a target file names it or not.
const TOKEN_VARIABLE: &str = "CASTSPEC_TOKEN";

/// Write a commented target file by asking a hub what it can
///
/// Asks for the configuration document and for that of SMART on FHIR, and knocks as a run does: it subscribes in a topic that
/// nobody has, connects, and leaves. The file works as it is; a token is not written into it, but the variable that holds it.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  export CASTSPEC_TOKEN=…\n  castspec init https://hub.example.com/fhircast --ca-cert ca.pem\n  castspec run --target castspec.toml --dry-run"
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
        target.tell_secrets(&SHOWN);
        let learnt = Learnt::of(&mut target).await?;
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
    /// Which token the file names, and why.
    token: Option<String>,
    lines: Vec<String>,
}

impl Learnt {
    async fn of(target: &mut Target) -> Result<Self, CommandError> {
        let http = HttpClient::new(&target.hub_url, &target.approach, PATIENCE)?;
        let log = Log::new(SHOWN.clone());
        let get = async |url: String| http.send(&log, "castspec", &OutgoingRequest::get(&url)).await;
        let answer = get(target.below(WELL_KNOWN_PATH))
            .await
            .map_err(|error| PreflightError::Unreachable {
                url: target.hub_url_text(),
                problem: error.problem,
            })
            .map_err(RunError::from)?;
        let document = answer
            .json
            .as_ref()
            .filter(|document| answer.is_accepted() && document.is_object());
        let mut lines = Vec::new();
        let version = version_of(document, &answer, &mut lines);
        target.version = version;
        let claims = Claims::from_configuration(version, document);
        if let Some(events) = claims.events() {
            let names: Vec<&str> = events
                .iter()
                .map(castspec_fhircast::protocol::EventName::as_str)
                .collect();
            lines.push(format!("It lists these events: {}.", names.join(", ")));
        }
        let token = what_of_the_token(target, document.is_some(), &mut lines).await?;
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
            token,
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
                    hub_url => quoted(target.hub_url_as_given()),
                    version => quoted(self.version.to_string()),
                    versions => self.version == Version::Stu3,
                    ca_cert => authority,
                    insecure => command.insecure,
                    token => self.token.clone(),
                    token_variable => TOKEN_VARIABLE,
                    claims => claims,
                },
            )
            .map(|text| format!("{text}\n"))
            .map_err(|error| CommandError::new(format!("the target file cannot be made: {error}")))
    }
}

/// Knocks at the hub. What the file says of the token, where the hub wants one, or one was given. That there is a hub is certain
/// where it has a configuration document.
async fn what_of_the_token(
    target: &Target,
    is_certain: bool,
    lines: &mut Vec<String>,
) -> Result<Option<String>, CommandError> {
    let materials = Materials::load(Catalogue::embedded()?, &[target.version])?;
    match knock(target.clone(), &materials).await {
        Ok(told) => lines.extend(told.iter().map(|line| format!("Found at first contact: {line}."))),
        Err(RunError::Preflight(PreflightError::Unauthorized {
            status,
            with_token: false,
            ..
        })) => {
            lines.push(format!(
                "It answers a subscription without an access token with {status}: set {TOKEN_VARIABLE} before a run."
            ));
            let why = format!("the hub answers {status} without one: set this variable before a run");
            return Ok(Some(why));
        }
        // It may know certain topics only.
        Err(RunError::Preflight(
            error @ (PreflightError::NothingThere { .. } | PreflightError::Unauthorized { status: 403, .. }),
        )) if is_certain => lines.push(format!(
            "In a topic that was made up it takes no subscription: name those that it knows (topics), or another token. {error}."
        )),
        Err(error) => return Err(error.into()),
    }
    if target.approach.token.is_none() {
        return Ok(None);
    }
    lines.push(format!(
        "The access token that was given is not written here: set {TOKEN_VARIABLE} before a run."
    ));
    Ok(Some("the token that was given, from the environment".to_owned()))
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
