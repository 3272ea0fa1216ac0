//! `castspec selfcheck`: the kill matrix.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use tokio::sync::watch;

use super::{CommandError, interrupted, print};
use crate::hub::Defect;
use crate::protocol::Version;
use crate::requirement::Catalogue;
use crate::runner::Materials;
use crate::scenario::Library;
use crate::selfcheck::{Matrix, SelfCheck, render_page, render_text};

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
    /// Where selfcheck.json and selfcheck.html are written
    #[arg(long, value_name = "DIR", default_value = "reports")]
    reports: PathBuf,
    /// Print of each defect what it does, what the checks say, and what follows from it
    #[arg(long)]
    details: bool,
    /// Print the faults and the counts only
    #[arg(long, short, conflicts_with = "details")]
    quiet: bool,
    /// How many runs of the suite are under way at once
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=64))]
    parallel: u16,
}

impl SelfCheckCommand {
    /// Carries the self-check out and writes the matrix.
    ///
    /// # Errors
    /// When it could not be carried out.
    pub async fn run(&self) -> Result<ExitCode, CommandError> {
        let version = Version::Stu3;
        let catalogue = Catalogue::embedded().map_err(|error| CommandError::from_error(&error))?;
        let library = Library::embedded(&catalogue).map_err(|error| CommandError::from_error(&error))?;
        let chosen: Result<Vec<Defect>, _> = self.defect.iter().map(|name| name.parse()).collect();
        let chosen = chosen.map_err(|error| CommandError::from_error(&error))?;
        let defects = if chosen.is_empty() {
            Defect::of(version)
        } else {
            chosen
        };
        let selfcheck = SelfCheck {
            version,
            scenarios: library
                .select(&[], &catalogue)
                .map_err(|error| CommandError::from_error(&error))?
                .into_iter()
                .filter(|scenario| scenario.document.versions.contains(&version))
                .collect(),
            materials: Materials::load(catalogue, &[version])
                .map_err(|error| CommandError::from_error(&error))?,
            defects,
            at_once: self.parallel.into(),
        };
        std::fs::create_dir_all(&self.reports)
            .map_err(|error| unwritable(&self.reports, &error.to_string()))?;
        let (stop, stopped) = watch::channel(false);
        let signals = tokio::spawn(async move {
            interrupted().await;
            // It may have ended in the meantime.
            let _ = stop.send(true);
        });
        let bar = bar();
        let matrix = selfcheck
            .run(
                |progress| {
                    bar.set_length(progress.all as u64);
                    bar.set_position(progress.done as u64);
                    bar.set_message(progress.last.unwrap_or("the clean hub").to_owned());
                },
                stopped,
            )
            .await;
        bar.finish_and_clear();
        signals.abort();
        let matrix = matrix.map_err(|error| CommandError::from_error(&error))?;
        self.write(&matrix)?;
        print(&self.text(&matrix))?;
        Ok(ExitCode::from(u8::from(!matrix.is_sound())))
    }

    fn write(&self, matrix: &Matrix) -> Result<(), CommandError> {
        let json = serde_json::to_string_pretty(matrix).map_err(|error| CommandError::from_error(&error))?;
        let page = render_page(matrix).map_err(|error| CommandError::from_error(&error))?;
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
