//! `castspec selfcheck`: the kill matrix.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::json;
use tokio::sync::watch;

use super::{CommandError, interrupted, print};
use crate::selfcheck::{
    Matrix, SelfCheck, Suite, Tampering, TamperingMatrix, provable, render_page, render_tampering,
    render_text,
};
use castspec_fhircast::protocol::Version;
use castspec_fhircast::requirement::Catalogue;
use castspec_hub::Defect;
use castspec_runner::run::Materials;
use castspec_runner::scenario::{Library, Scenario};
use castspec_tampering::Alteration;

/// Run the suite against the clean simulator and against each of its defects: the kill matrix
///
/// Exit status: 0 every defect is killed and nothing fails without cause; 1 a defect survives, a check fails that the defect
/// does not explain, an observable requirement has no defect, or the clean hub fails; 2 it could not be carried out.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  castspec selfcheck\n  castspec selfcheck --defect no-replay --defect reorders --details"
)]
pub struct SelfCheckCommand {
    /// Only these defects; repeatable (castspec hub --list-defects)
    #[arg(long, value_name = "NAME")]
    defect: Vec<String>,
    /// The version of FHIRcast; repeatable. All of them unless told
    #[arg(long, value_name = "VERSION")]
    fhircast_version: Vec<Version>,
    /// Where selfcheck.json and selfcheck.html are written
    #[arg(long, value_name = "DIR", default_value = "reports")]
    reports: PathBuf,
    /// Print of each defect what it does, what the checks say, and what follows from it
    #[arg(long)]
    details: bool,
    /// Print the faults and the counts only
    #[arg(long, short, conflicts_with = "details")]
    quiet: bool,
    /// Do not run again, alone, what shows a fault among other runs: quicker, for whoever works on defects
    #[arg(long)]
    once: bool,
    /// The second proof: a man in the middle before the clean hub alters what passes, one rule at a time, and the suite must find it
    #[arg(long, conflicts_with_all = ["defect", "once"])]
    tamper: bool,
    /// Try only so many alterations, spread over all of them
    #[arg(long, value_name = "N", requires = "tamper", conflicts_with = "alteration")]
    sample: Option<usize>,
    /// Only these alterations; repeatable (selfcheck --tamper --details names all)
    #[arg(long, value_name = "NAME", requires = "tamper")]
    alteration: Vec<String>,
    /// How many runs of the suite are under way at once
    #[arg(long, value_name = "N", default_value_t = 12, value_parser = clap::value_parser!(u16).range(1..=64))]
    parallel: u16,
}

impl SelfCheckCommand {
    /// Carries the self-check out and writes the matrix.
    ///
    /// # Errors
    /// When it could not be carried out.
    pub async fn run(&self) -> Result<ExitCode, CommandError> {
        let catalogue = Catalogue::embedded()?;
        let library = Library::embedded(&catalogue)?;
        let chosen: Result<Vec<Defect>, _> = self.defect.iter().map(|name| name.parse()).collect();
        let chosen = chosen?;
        let scenarios = library.select(&[], &catalogue)?;
        let materials = Materials::load(catalogue, &Version::ALL)?;
        if self.tamper {
            return self.tamper(&scenarios, &materials).await;
        }
        let mut selfchecks = Vec::new();
        for version in self.versions() {
            let defects = match chosen.as_slice() {
                [] => provable(version, &materials.catalogue),
                chosen => {
                    let mut defects = Defect::of(version);
                    defects.retain(|defect| chosen.contains(defect));
                    defects
                }
            };
            if defects.is_empty() {
                continue;
            }
            selfchecks.push(SelfCheck {
                suite: self.suite(version, &scenarios, &materials),
                defects,
                once: self.once,
            });
        }
        if selfchecks.is_empty() {
            return Err(CommandError::new(
                "none of the defects that are named is one of the versions that are named",
            ));
        }
        std::fs::create_dir_all(&self.reports)
            .map_err(|error| unwritable(&self.reports, &error.to_string()))?;
        let (stopped, signals) = stopped_by_signals();
        let bar = bar();
        let mut matrices = Vec::new();
        for selfcheck in &selfchecks {
            let matrix = selfcheck
                .run(
                    |progress| {
                        bar.set_length(progress.all as u64);
                        bar.set_position(progress.done as u64);
                        let last = progress.last.unwrap_or("the clean hub");
                        bar.set_message(format!("{}: {last}", selfcheck.suite.version));
                    },
                    stopped.clone(),
                )
                .await;
            let matrix = matrix?;
            bar.suspend(|| print(&self.text(&matrix)))?;
            matrices.push(matrix);
        }
        bar.finish_and_clear();
        signals.abort();
        self.write(&matrices)?;
        Ok(ExitCode::from(u8::from(!matrices.iter().all(Matrix::is_sound))))
    }

    /// Tries the alterations and writes what came of them.
    async fn tamper(
        &self,
        scenarios: &[Arc<Scenario>],
        materials: &Materials,
    ) -> Result<ExitCode, CommandError> {
        let all = castspec_tampering::all().map_err(|error| CommandError::new(error.to_string()))?;
        for name in &self.alteration {
            if !all.iter().any(|alteration| alteration.name == *name) {
                return Err(CommandError::new(format!("there is no alteration '{name}'")));
            }
        }
        std::fs::create_dir_all(&self.reports)
            .map_err(|error| unwritable(&self.reports, &error.to_string()))?;
        let (stopped, signals) = stopped_by_signals();
        let bar = bar();
        let mut matrices = Vec::new();
        for version in self.versions() {
            let chosen = |alteration: &&Alteration| {
                alteration.is_of(version)
                    && (self.alteration.is_empty() || self.alteration.contains(&alteration.name))
            };
            let of_version: Vec<Alteration> = all.iter().filter(chosen).cloned().collect();
            let tampering = Tampering {
                suite: self.suite(version, scenarios, materials),
                alterations: spread(of_version, self.sample),
            };
            if tampering.alterations.is_empty() {
                continue;
            }
            let matrix = tampering
                .run(
                    |progress| {
                        bar.set_length(progress.all as u64);
                        bar.set_position(progress.done as u64);
                        bar.set_message(format!("{version}: {}", progress.last.unwrap_or_default()));
                    },
                    stopped.clone(),
                )
                .await?;
            bar.suspend(|| print(&render_tampering(&matrix, !self.quiet)))?;
            matrices.push(matrix);
        }
        bar.finish_and_clear();
        signals.abort();
        let json = serde_json::to_string_pretty(&json!({
            "tool": {"name": "castspec", "version": env!("CARGO_PKG_VERSION")},
            "matrices": matrices,
        }))?;
        let path = self.reports.join("tampering.json");
        std::fs::write(&path, json).map_err(|error| unwritable(&path, &error.to_string()))?;
        Ok(ExitCode::from(u8::from(
            !matrices.iter().all(TamperingMatrix::is_sound),
        )))
    }

    fn suite(&self, version: Version, scenarios: &[Arc<Scenario>], materials: &Materials) -> Suite {
        let of_version = |scenario: &&Arc<Scenario>| scenario.document.versions.contains(&version);
        Suite {
            version,
            scenarios: scenarios.iter().filter(of_version).cloned().collect(),
            materials: materials.clone(),
            at_once: self.parallel.into(),
        }
    }

    /// The versions that are named, or all, the latest first.
    fn versions(&self) -> Vec<Version> {
        let mut versions = Version::ALL.to_vec();
        versions.reverse();
        versions
            .retain(|version| self.fhircast_version.is_empty() || self.fhircast_version.contains(version));
        versions
    }

    fn write(&self, matrices: &[Matrix]) -> Result<(), CommandError> {
        let json = json!({
            "tool": {"name": "castspec", "version": env!("CARGO_PKG_VERSION")},
            "matrices": matrices,
        });
        let json = serde_json::to_string_pretty(&json)?;
        let page = render_page(matrices)?;
        for (name, text) in [("selfcheck.json", json), ("selfcheck.html", page)] {
            let path = self.reports.join(name);
            std::fs::write(&path, text).map_err(|error| unwritable(&path, &error.to_string()))?;
        }
        Ok(())
    }

    fn text(&self, matrix: &Matrix) -> String {
        if !self.quiet {
            return render_text(matrix, self.details);
        }
        let mut brief = matrix.clone();
        brief
            .rows
            .retain(|row| !row.is_killed() || !row.unexplained.is_empty());
        render_text(&brief, false)
    }
}

/// So many of these, spread over all of them; all, where no number is told.
fn spread(alterations: Vec<Alteration>, sample: Option<usize>) -> Vec<Alteration> {
    let all = alterations.len();
    let Some(sample) = sample.filter(|sample| *sample < all) else {
        return alterations;
    };
    let mut alterations: Vec<Option<Alteration>> = alterations.into_iter().map(Some).collect();
    let positions = (0..sample).map(|position| position * all / sample);
    positions
        .filter_map(|position| alterations.get_mut(position)?.take())
        .collect()
}

/// Turns true on an interrupt; the task that waits for one.
fn stopped_by_signals() -> (watch::Receiver<bool>, tokio::task::JoinHandle<()>) {
    let (stop, stopped) = watch::channel(false);
    let signals = tokio::spawn(async move {
        interrupted().await;
        // It may have ended in the meantime.
        let _ = stop.send(true);
    });
    (stopped, signals)
}

fn unwritable(path: &Path, problem: &str) -> CommandError {
    CommandError::new(format!("{} cannot be written: {problem}", path.display()))
}

fn bar() -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
    }
    let bar = ProgressBar::new(0);
    // A template that cannot be parsed would only leave the default one.
    if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len} {wide_msg}") {
        bar.set_style(style);
    }
    bar
}
