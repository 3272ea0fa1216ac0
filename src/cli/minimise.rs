//! `castspec minimise`: the smallest scenario that still fails for the same reason.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use serde_json::Value;
use tokio::sync::{mpsc, watch};

use super::scenario::write_or_print;
use super::under_test::UnderTest;
use super::{CommandError, print_error};
use crate::builtin;
use castspec_fhircast::requirement::{Catalogue, RequirementId};
use castspec_hub::Transport;
use castspec_judging::outcome::{Grading, RunEvent};
use castspec_runner::from_capture::Minimiser;
use castspec_runner::run::{Materials, Target, VersionPlan, run};
use castspec_runner::scenario::Scenario;

/// How long a message of the built-in hub may take.
const PATIENCE: Duration = Duration::from_secs(1);

/// Shorten a failing scenario step by step to the smallest that still fails for the same reason
///
/// It is run against the hub again and again, each time without something, and what need not be there is left out. Each smaller
/// scenario is run against the clean built-in hub too, and must pass there: what no hub can pass reproduces nothing.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  castspec minimise bug.yaml --hub https://hub.example.com/fhircast --out small.yaml"
)]
pub struct MinimiseCommand {
    /// The scenario
    #[arg(value_name = "SCENARIO")]
    scenario: PathBuf,
    /// The requirement that must still fail; one that fails at first where it is left out
    #[arg(long, value_name = "ID")]
    requirement: Option<String>,
    /// Where the smallest scenario is written; standard output where it is left out
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// A broken SHOULD is a failure too
    #[arg(long)]
    strict: bool,
    #[command(flatten)]
    under_test: UnderTest,
}

impl MinimiseCommand {
    /// Makes the scenario smaller.
    ///
    /// # Errors
    /// When it cannot be read, does not fail, or the hub cannot be reached.
    pub async fn run(&self) -> Result<ExitCode, CommandError> {
        let (server, targets) = self.under_test.targets(&[]).await?;
        let result = self.minimise(targets).await;
        if let Some(server) = server {
            server.shutdown().await;
        }
        result
    }

    async fn minimise(&self, targets: Vec<Target>) -> Result<ExitCode, CommandError> {
        let path = self.scenario.display();
        let text = std::fs::read_to_string(&self.scenario)
            .map_err(|error| CommandError::new(format!("{path}: cannot be read: {error}")))?;
        let catalogue = Catalogue::embedded()?;
        let scenario = Scenario::parse("scenario", &path.to_string(), &text, &catalogue)?;
        let target = targets
            .into_iter()
            .find(|target| scenario.document.versions.contains(&target.version))
            .ok_or_else(|| CommandError::new(format!("{path}: it is written for no version of this hub")))?;
        let materials = Materials::load(catalogue.clone(), &[target.version])?;
        let version = target.version;
        let mut trial = Trial {
            target,
            materials,
            grading: Grading::strict_if(self.strict),
        };
        if trial.target.built_in {
            trial.target.timing.response = PATIENCE;
        }
        let (server, mut targets) = builtin::start(BTreeSet::new(), &[version], Transport::Plaintext).await?;
        let mut control = trial.clone();
        if let Some(mut target) = targets.pop() {
            target.timing.response = PATIENCE;
            control.target = target;
        }
        let result = self.shorten(&text, scenario, &catalogue, &trial, &control).await;
        server.shutdown().await;
        result
    }

    async fn shorten(
        &self,
        text: &str,
        scenario: Scenario,
        catalogue: &Catalogue,
        trial: &Trial,
        control: &Trial,
    ) -> Result<ExitCode, CommandError> {
        let path = self.scenario.display();
        let failing = trial.failing(&scenario).await?;
        let wanted = match &self.requirement {
            Some(wanted) if failing.contains(wanted.as_str()) => RequirementId::new(wanted),
            Some(wanted) => {
                let others: Vec<&str> = failing.iter().map(RequirementId::as_str).collect();
                return Err(CommandError::new(format!(
                    "{path}: {wanted} does not fail against this hub; what fails: {}",
                    if others.is_empty() {
                        "nothing".to_owned()
                    } else {
                        others.join(", ")
                    }
                )));
            }
            None => failing.first().cloned().ok_or_else(|| {
                CommandError::new(format!(
                    "{path}: it does not fail against this hub, so there is nothing to shorten"
                ))
            })?,
        };
        if control.failing(&scenario).await?.contains(&wanted) {
            return Err(CommandError::new(format!(
                "{path}: {wanted} fails against the clean built-in hub too: the scenario demands what no hub can do"
            )));
        }
        let document: Value =
            serde_saphyr::from_str(text).map_err(|error| CommandError::new(format!("{path}: {error}")))?;
        let before = size(&document);
        let mut minimiser = Minimiser::new(document);
        let mut runs = 0;
        while let Some(candidate) = minimiser.next_candidate() {
            let text = yaml(&candidate)?;
            let fails = match Scenario::parse("scenario", "candidate", &text, catalogue) {
                Err(_) => false,
                Ok(scenario) => {
                    runs += 1;
                    // The control is quicker where it passes, and where it does not the hub need not be asked.
                    !control.failing(&scenario).await?.contains(&wanted)
                        && trial.failing(&scenario).await?.contains(&wanted)
                }
            };
            minimiser.answer(fails);
        }
        let after = size(minimiser.best());
        print_error(&format!(
            "castspec: {wanted} still fails with {after} steps of {before} ({runs} runs)\n"
        ));
        write_or_print(self.out.as_deref(), &yaml(minimiser.best())?)?;
        Ok(ExitCode::SUCCESS)
    }
}

fn yaml(document: &Value) -> Result<String, CommandError> {
    serde_saphyr::to_string(document)
        .map_err(|error| CommandError::new(format!("the scenario cannot be written as YAML: {error}")))
}

fn size(document: &Value) -> usize {
    let steps = document.get("steps").and_then(Value::as_array);
    steps.map_or(0, Vec::len)
}

/// Runs scenarios against one hub.
#[derive(Clone)]
struct Trial {
    target: Target,
    materials: Materials,
    grading: Grading,
}

impl Trial {
    /// The requirements that fail in a scenario.
    async fn failing(&self, scenario: &Scenario) -> Result<BTreeSet<RequirementId>, CommandError> {
        let part = VersionPlan {
            target: self.target.clone(),
            scenarios: vec![Arc::new(scenario.clone())],
        };
        let (events, mut incoming) = mpsc::unbounded_channel();
        let (_stop, stopped) = watch::channel(false);
        let running = run(vec![part], self.materials.clone(), events, stopped);
        let gathering = async {
            let mut failing = BTreeSet::new();
            while let Some(event) = incoming.recv().await {
                if let RunEvent::CheckJudged(check) = event
                    && self.grading.is_failure(check.verdict)
                {
                    failing.insert(check.requirement.clone());
                }
            }
            failing
        };
        let (ended, failing) = tokio::join!(running, gathering);
        ended?;
        Ok(failing)
    }
}
