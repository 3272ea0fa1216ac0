//! `castspec run`: scenarios against the built-in hub or against any other.

use std::collections::BTreeSet;
use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;
use tokio::sync::{mpsc, watch};

use super::ci_server::read_again;
use super::guest::GuestArguments;
use super::run_watch::{Watch, WatchArguments};
use super::under_test::UnderTest;
use super::{CommandError, Output, SHOWN, interrupted, print};
use crate::report::{Console, ConsoleSettings, Digests, JunitCases, Reports};
use castspec_fhircast::protocol::Version;
use castspec_fhircast::requirement::{Actor, Catalogue};
use castspec_judging::outcome::{Grading, RunEvent, Scope, Side};
use castspec_runner::run::{Materials, Plan, Shard, VersionPlan, plan, run};
use castspec_runner::scenario::{Library, Scenario};

/// Run scenarios against a hub: the built-in one, unless --hub or --target is given
///
/// Exit status: 0 conformant; 1 a check failed, or a SHALL stayed inconclusive; 2 the run could not be carried out.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  castspec run\n  castspec run --hub https://hub.example.com/fhircast --ca-cert ca.pem\n  castspec run subscribing 2.5 --defect no-confirmation"
)]
pub struct RunCommand {
    /// What to run: a folder of scenarios, a scenario, a section such as 2.4, a requirement, or a check's id; everything
    /// where none is named
    #[arg(value_name = "SELECTOR")]
    selectors: Vec<String>,
    /// What not to run, chosen as by a selector; repeatable
    #[arg(long, value_name = "SELECTOR")]
    exclude: Vec<String>,
    #[command(flatten)]
    under_test: UnderTest,
    #[command(flatten)]
    guest: GuestArguments,
    /// Where the reports are written
    #[arg(long, value_name = "DIR", default_value = "reports")]
    reports: PathBuf,
    /// What a test case of junit.xml is
    #[arg(long, value_name = "WHAT", default_value = "requirement")]
    junit_cases: JunitCases,
    /// A broken SHOULD counts as a failure
    #[arg(long)]
    strict: bool,
    /// Scenarios of your own beside the built-in ones: a file or a folder; repeatable
    #[arg(long, value_name = "PATH")]
    scenarios: Vec<PathBuf>,
    /// Only the scenarios named by --scenarios
    #[arg(long, requires = "scenarios")]
    only_given: bool,
    /// Only a share of the scenarios, as in 2/4: the second of four; castspec report merge puts them together
    #[arg(long, value_name = "N/M")]
    shard: Option<Shard>,
    /// How many scenarios run at once
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    parallel: Option<u16>,
    /// Hide what FHIR resources say of people in everything that is printed and written; structure, codes and the equality of
    /// ids stay. Credentials are hidden always
    #[arg(long)]
    redact_resources: bool,
    /// Ask the hub what it can, say which scenarios would be run, which skipped and why, and run none
    #[arg(long)]
    dry_run: bool,
    /// Print everything that passed in each scenario
    #[arg(long, conflicts_with = "quiet")]
    transcripts: bool,
    /// Print only the failures and the verdict
    #[arg(long, short)]
    quiet: bool,
    #[command(flatten)]
    watch: WatchArguments,
}

impl RunCommand {
    /// Carries the run out and writes the reports.
    ///
    /// # Errors
    /// When the run could not be carried out.
    pub async fn run(&self) -> Result<ExitCode, CommandError> {
        let catalogue = Catalogue::embedded()?;
        let library = self.library(&catalogue)?;
        let mut selected = library.select(&self.selectors, &catalogue)?;
        if !self.exclude.is_empty() {
            let excluded = library.select(&self.exclude, &catalogue)?;
            let excluded: BTreeSet<&str> = excluded.iter().map(|scenario| scenario.name.as_str()).collect();
            selected.retain(|scenario| !excluded.contains(scenario.name.as_str()));
            if selected.is_empty() {
                return Err(CommandError::new(
                    "nothing to run: --exclude leaves out all that is selected",
                ));
            }
        }
        let (server, targets) = self.under_test.targets(&self.selectors).await?;
        let mut versions = Vec::new();
        let mut parts = Vec::new();
        for mut target in targets {
            versions.push(target.version);
            let fitting = |scenario: &&Arc<Scenario>| scenario.document.versions.contains(&target.version);
            let scenarios: Vec<Arc<Scenario>> = selected.iter().filter(fitting).cloned().collect();
            self.guest.apply(&mut target);
            target.arguments.extend(self.further_arguments());
            if let Some(most) = self.parallel {
                target.max_parallel = most.into();
            }
            if !scenarios.is_empty() {
                parts.push(VersionPlan { target, scenarios });
            }
        }
        let mut scope = self.scope(&catalogue, &versions);
        if let Some(shard) = self.shard.filter(|_| !parts.is_empty()) {
            scope.shares = Some(shard.told(&parts));
            parts = shard.of(parts);
            if parts.is_empty() {
                return Err(CommandError::new(format!(
                    "nothing to run: there are fewer scenarios than shards, and none is left for {shard}"
                )));
            }
        }
        if parts.is_empty() {
            return Err(CommandError::new(format!(
                "nothing to run: no selected scenario is written for {}",
                versions
                    .iter()
                    .map(ToString::to_string)
                    .collect::<Vec<_>>()
                    .join(" or ")
            )));
        }
        let mut materials = Materials::load(catalogue, &versions)?;
        materials.retries = self.watch.retries;
        materials.scope = scope;
        // Nobody else is disturbed by an order that is not that of the files.
        materials.longest_first = !self.under_test.names_a_hub();
        materials.redact_resources = self.redact_resources;
        if self.dry_run {
            let result = self.tell_plan(parts, materials).await;
            if let Some(server) = server {
                server.shutdown().await;
            }
            return result;
        }
        let watch = self.watch.begin(&materials.catalogue, &library, self.grading())?;
        let digests = Digests::with_scenarios(&library);
        let result = self.play(parts, materials, watch, digests).await;
        if let Some(server) = server {
            server.shutdown().await;
        }
        result
    }

    async fn play(
        &self,
        parts: Vec<VersionPlan>,
        materials: Materials,
        mut watch: Watch,
        digests: Digests,
    ) -> Result<ExitCode, CommandError> {
        let terminal = std::io::stdout().is_terminal() && !self.transcripts;
        let settings = ConsoleSettings {
            terminal,
            colour: terminal && std::env::var_os("NO_COLOR").is_none(),
            quiet: self.quiet,
            grading: self.grading(),
            transcripts: self.transcripts,
        };
        let mut console = Console::new(Output, settings);
        let mut unwritten = None;
        let mut reports = Reports::new(&self.reports, self.grading())?
            .with_junit_cases(self.junit_cases)
            .with_digests(digests);
        let (events, mut incoming) = mpsc::unbounded_channel();
        let (stop, stopped) = watch::channel(false);
        let stop = Arc::new(stop);
        let by_signal = stop.clone();
        let signals = tokio::spawn(async move {
            interrupted().await;
            // The run may have ended in the meantime.
            let _ = by_signal.send(true);
            interrupted().await;
            read_again();
            std::process::exit(130);
        });
        let running = tokio::spawn(run(parts, materials, events, stopped));
        while let Some(event) = incoming.recv().await {
            let event = watch.accept(event);
            if watch.event(&event) {
                // It may be stopping already.
                let _ = stop.send(true);
            }
            // What was found is told, whatever becomes of the files.
            if let Err(error) = reports.event(&event) {
                unwritten = Some(error);
            }
            let ended = matches!(event, RunEvent::RunEnded(_));
            // A standard output that cannot be written must not take the reports with it; the exit status tells of it.
            if let Err(error) = console.event(&event) {
                tracing::debug!("the console can no longer be written: {error}");
            }
            if ended {
                break;
            }
        }
        signals.abort();
        let code = match running.await {
            Ok(Ok(_)) => watch.end(&reports, self.is_whole(), reports.conclusion().exit_code()),
            Ok(Err(error)) => Err(error.into()),
            Err(error) => Err(CommandError::new(format!("the run ended abnormally: {error}"))),
        };
        match unwritten {
            Some(error) => Err(error.into()),
            None => code,
        }
    }

    async fn tell_plan(
        &self,
        parts: Vec<VersionPlan>,
        materials: Materials,
    ) -> Result<ExitCode, CommandError> {
        let plans = plan(parts, materials).await?;
        let mut text = String::new();
        for plan in plans {
            text.push_str(&dry_run(&plan));
        }
        print(&SHOWN.text(&text))?;
        Ok(ExitCode::SUCCESS)
    }

    /// What the run sets out to judge.
    fn scope(&self, catalogue: &Catalogue, versions: &[Version]) -> Scope {
        let mut selection = self.selectors.clone();
        if self.only_given {
            let given = self.scenarios.iter().map(|path| path.display().to_string());
            selection.extend(given);
        }
        let sides = versions
            .iter()
            .map(|version| Side::of(catalogue, *version, Actor::Hub));
        selection.extend(self.exclude.iter().map(|selector| format!("all but {selector}")));
        Scope {
            selection,
            shares: None,
            sides: sides.collect(),
        }
    }

    fn grading(&self) -> Grading {
        Grading::strict_if(self.strict)
    }

    /// Further arguments that lead to the same scenarios again.
    fn further_arguments(&self) -> impl Iterator<Item = String> {
        let paths = self.scenarios.iter();
        paths.flat_map(|path| ["--scenarios".to_owned(), path.display().to_string()])
    }

    /// Whether all scenarios are run.
    fn is_whole(&self) -> bool {
        self.selectors.is_empty() && self.exclude.is_empty() && self.shard.is_none()
    }

    fn library(&self, catalogue: &Catalogue) -> Result<Library, CommandError> {
        let mut library = if self.only_given {
            Library::default()
        } else {
            Library::embedded(catalogue)?
        };
        for path in &self.scenarios {
            library.add_path(path, catalogue)?;
        }
        Ok(library)
    }
}

/// A plan as people read it: what is claimed, what would be run, what skipped and why.
fn dry_run(plan: &Plan) -> String {
    let mut text = format!("{} at {}\n", plan.target.fhircast_version, plan.target.hub_url);
    for (name, claimed, from) in &plan.claims {
        let claimed = if *claimed { "claimed" } else { "not claimed" };
        let by = match from.as_str() {
            "" => String::new(),
            from => format!(", by {from}"),
        };
        text.push_str(&format!("  {name}: {claimed}{by}\n"));
    }
    let mut skipped = 0;
    for (scenario, why) in &plan.scenarios {
        match why {
            None => text.push_str(&format!("run   {}\n", scenario.name)),
            Some(why) => {
                skipped += 1;
                text.push_str(&format!("skip  {}: {why}\n", scenario.name));
            }
        }
    }
    let run = plan.scenarios.len() - skipped;
    text.push_str(&format!("{run} scenarios would be run, {skipped} skipped\n"));
    text
}
