//! `castspec run`: scenarios against the built-in hub or against any other.

use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;
use tokio::sync::{mpsc, watch};

use super::{CommandError, interrupted};
use crate::hub::{Defect, Server, Settings, Transport};
use crate::outcome::{Conclusion, RunEvent};
use crate::protocol::Version;
use crate::report::{Console, ConsoleSettings, Reports};
use crate::requirement::Catalogue;
use crate::runner::{Materials, Target, run};
use crate::scenario::{Library, Scenario, Templates};
use crate::schema::Schemas;
use crate::subscriber::Trust;

/// Run scenarios against a hub: the built-in one, unless --hub or --target is given
///
/// Exit status: 0 conformant; 1 a check failed, or a SHALL stayed inconclusive; 2 the run could not be carried out.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  castspec run\n  castspec run --hub https://hub.example.com/fhircast --ca-cert ca.pem\n  castspec run subscribing 2.5 --defect confirmation-missing"
)]
pub struct RunCommand {
    /// What to run: a folder of scenarios, a scenario, a section such as 2.4, a requirement, or a check's id; everything
    /// where none is named
    #[arg(value_name = "SELECTOR")]
    selectors: Vec<String>,
    /// The hub's URL (hub.url)
    #[arg(long, value_name = "URL")]
    hub: Option<String>,
    /// A file that describes the hub under test (TOML)
    #[arg(long, value_name = "FILE")]
    target: Option<PathBuf>,
    /// The version of FHIRcast to test; repeatable
    #[arg(long, value_name = "VERSION")]
    fhircast_version: Vec<Version>,
    /// A certificate authority to trust beside the system's (PEM)
    #[arg(long, value_name = "FILE")]
    ca_cert: Option<PathBuf>,
    /// Accept any certificate
    #[arg(long)]
    insecure: bool,
    /// The bearer token for the hub; better given as the environment variable
    #[arg(long, value_name = "TOKEN", env = "CASTSPEC_TOKEN", hide_env_values = true)]
    token: Option<String>,
    /// Where the reports are written
    #[arg(long, value_name = "DIR", default_value = "reports")]
    reports: PathBuf,
    /// A broken SHOULD counts as a failure
    #[arg(long)]
    strict: bool,
    /// A deliberate deviation of the built-in hub; repeatable (castspec hub --list-defects)
    #[arg(long, value_name = "NAME")]
    defect: Vec<String>,
    /// Scenarios of your own beside the built-in ones: a file or a folder; repeatable
    #[arg(long, value_name = "PATH")]
    scenarios: Vec<PathBuf>,
    /// Only the scenarios named by --scenarios
    #[arg(long, requires = "scenarios")]
    only_given: bool,
    /// How many scenarios run at once
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    parallel: Option<u16>,
    /// Print only the failures and the verdict
    #[arg(long, short)]
    quiet: bool,
}

impl RunCommand {
    /// Carries the run out and writes the reports.
    ///
    /// # Errors
    /// When the run could not be carried out.
    pub async fn run(&self) -> Result<ExitCode, CommandError> {
        let catalogue = Catalogue::embedded().map_err(|error| CommandError::from_error(&error))?;
        let library = self.library(&catalogue)?;
        let built_in = self.hub.is_none() && self.target.is_none();
        if !built_in && !self.defect.is_empty() {
            return Err(CommandError::new(
                "--defect changes the built-in hub; it has no meaning with --hub or --target",
            ));
        }
        let server = if built_in {
            Some(self.start_hub().await?)
        } else {
            None
        };
        let mut target = match &server {
            Some(server) => self.built_in_target(server)?,
            None => self.outside_target()?,
        };
        target.arguments = self.arguments();
        if let Some(most) = self.parallel {
            target.max_parallel = most.into();
        }
        let scenarios: Vec<Arc<Scenario>> = library
            .select(&self.selectors, &catalogue)
            .map_err(|error| CommandError::from_error(&error))?
            .into_iter()
            .filter(|scenario| scenario.document.versions.contains(&target.version))
            .collect();
        if scenarios.is_empty() {
            return Err(CommandError::new(format!(
                "nothing to run: no selected scenario is written for {}",
                target.version
            )));
        }
        let materials = Materials {
            schemas: Arc::new(
                Schemas::load(target.version).map_err(|error| CommandError::from_error(&error))?,
            ),
            templates: Arc::new(Templates::embedded().map_err(|error| CommandError::from_error(&error))?),
            catalogue: Arc::new(catalogue),
        };
        let result = self.play(target, scenarios, materials).await;
        if let Some(server) = server {
            server.shutdown().await;
        }
        result
    }

    async fn play(
        &self,
        target: Target,
        scenarios: Vec<Arc<Scenario>>,
        materials: Materials,
    ) -> Result<ExitCode, CommandError> {
        let terminal = std::io::stdout().is_terminal();
        let settings = ConsoleSettings {
            terminal,
            colour: terminal && std::env::var_os("NO_COLOR").is_none(),
            quiet: self.quiet,
            strict: self.strict,
        };
        let mut console = Console::new(std::io::stdout(), settings);
        let mut reports =
            Reports::new(&self.reports, self.strict).map_err(|error| CommandError::from_error(&error))?;
        let (events, mut incoming) = mpsc::unbounded_channel();
        let (stop, stopped) = watch::channel(false);
        let signals = tokio::spawn(async move {
            interrupted().await;
            // The run may have ended in the meantime.
            let _ = stop.send(true);
            interrupted().await;
            std::process::exit(130);
        });
        let running = tokio::spawn(run(target, scenarios, materials, events, stopped));
        let mut conclusion = Conclusion::new(self.strict);
        while let Some(event) = incoming.recv().await {
            conclusion.event(&event);
            reports
                .event(&event)
                .map_err(|error| CommandError::from_error(&error))?;
            let ended = matches!(event, RunEvent::RunEnded(_));
            // A reader of standard output that has gone away must not take the reports with it.
            let told = console.event(&event);
            if let Err(error) = told {
                tracing::debug!("the console can no longer be written: {error}");
            }
            if ended {
                break;
            }
        }
        signals.abort();
        match running.await {
            Ok(Ok(_)) => Ok(ExitCode::from(conclusion.exit_code())),
            Ok(Err(error)) => Err(CommandError::from_error(&error)),
            Err(error) => Err(CommandError::new(format!("the run ended abnormally: {error}"))),
        }
    }

    fn library(&self, catalogue: &Catalogue) -> Result<Library, CommandError> {
        let mut library = if self.only_given {
            Library::default()
        } else {
            Library::embedded(catalogue).map_err(|error| CommandError::from_error(&error))?
        };
        for path in &self.scenarios {
            library
                .add_path(path, catalogue)
                .map_err(|error| CommandError::from_error(&error))?;
        }
        Ok(library)
    }

    async fn start_hub(&self) -> Result<Server, CommandError> {
        let defects: Result<Vec<Defect>, _> = self.defect.iter().map(|name| name.parse()).collect();
        let settings = Settings {
            defects: defects
                .map_err(|error| CommandError::from_error(&error))?
                .into_iter()
                .collect(),
            ack_timeout: Target::BUILT_IN_ACK_TIMEOUT,
            ..Settings::default()
        };
        let anywhere = std::net::SocketAddr::from(([127, 0, 0, 1], 0));
        Server::start(settings, anywhere, Transport::Tls)
            .await
            .map_err(|error| CommandError::from_error(&error))
    }

    fn built_in_target(&self, server: &Server) -> Result<Target, CommandError> {
        Target::built_in(server.url(), server.authority_pem(), self.version()?)
            .map_err(|error| CommandError::from_error(&error))
    }

    fn outside_target(&self) -> Result<Target, CommandError> {
        let mut target = match (&self.target, &self.hub) {
            (Some(file), hub) => {
                let mut target = Target::from_file(file).map_err(|error| CommandError::from_error(&error))?;
                if let Some(hub) = hub {
                    target.hub_url = Target::new(hub, target.version)
                        .map_err(|error| CommandError::from_error(&error))?
                        .hub_url;
                }
                target
            }
            (None, Some(hub)) => {
                Target::new(hub, Version::Stu3).map_err(|error| CommandError::from_error(&error))?
            }
            (None, None) => return Err(CommandError::new("no hub is named")),
        };
        if !self.fhircast_version.is_empty() {
            target.version = self.version()?;
        }
        if let Some(file) = &self.ca_cert {
            target.trust = Trust::with_file(file);
        }
        target.trust.insecure = self.insecure;
        if let Some(token) = &self.token {
            target.token = Some(token.clone());
        }
        Ok(target)
    }

    /// The arguments that lead to the same target again; the token is for the environment.
    fn arguments(&self) -> Vec<String> {
        let mut words = Vec::new();
        let mut push = |name: &str, value: String| words.extend([name.to_owned(), value]);
        if let Some(hub) = &self.hub {
            push("--hub", hub.clone());
        }
        for (name, path) in [("--target", &self.target), ("--ca-cert", &self.ca_cert)] {
            if let Some(path) = path {
                push(name, path.display().to_string());
            }
        }
        self.fhircast_version
            .iter()
            .for_each(|version| push("--fhircast-version", version.to_string()));
        self.defect
            .iter()
            .for_each(|defect| push("--defect", defect.clone()));
        self.scenarios
            .iter()
            .for_each(|path| push("--scenarios", path.display().to_string()));
        if self.insecure {
            words.push("--insecure".to_owned());
        }
        words
    }

    fn version(&self) -> Result<Version, CommandError> {
        match self.fhircast_version.as_slice() {
            [] => Ok(Version::Stu3),
            [version] => Ok(*version),
            _ => Err(CommandError::new(
                "one version of FHIRcast can be tested in a run so far; name --fhircast-version once",
            )),
        }
    }
}
