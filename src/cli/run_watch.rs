//! What `castspec run` does for those who watch over a hub run after run: failures that are expected, an early end, and
//! what the CI server shows that it runs on.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;

use super::ci_server::Server;
use super::{CommandError, print};
use crate::expectation::{Expectations, Proposal, written};
use crate::report::Reports;
use castspec_fhircast::requirement::Catalogue;
use castspec_judging::outcome::{Grading, RunEvent};
use castspec_runner::scenario::Library;

/// Entries proposed for the file at the most.
const PROPOSED: usize = 20;

#[derive(Debug, Args)]
pub(super) struct WatchArguments {
    /// A file of failures that are expected (TOML): they do not fail the run, and an entry that did not happen or has run
    /// out does
    #[arg(long, value_name = "FILE")]
    expect: Option<PathBuf>,
    /// Write the failures of this run to a file for --expect (TOML), which must not be there yet
    #[arg(long, value_name = "FILE")]
    expect_write: Option<PathBuf>,
    /// End the run at the first failure that is not expected
    #[arg(long, conflicts_with = "max_failures")]
    fail_fast: bool,
    /// End the run at so many failures that are not expected
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    max_failures: Option<u32>,
    /// How often a scenario is played again in which nothing did not hold but what time has a say in: leases, time-outs,
    /// silences; what holds then is marked as flaky
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=10))]
    pub(super) retries: u32,
}

/// A run under way, as it is watched.
#[derive(Debug)]
pub(super) struct Watch {
    expectations: Option<Expectations>,
    file: PathBuf,
    /// Where the failures are written to.
    written: Option<PathBuf>,
    /// The run ends at so many failures that are not expected.
    most: Option<usize>,
    grading: Grading,
    now: jiff::Timestamp,
    server: Server,
    /// Failures that were not expected, by the entry that would expect them.
    proposed: Vec<Proposal>,
    unexpected: usize,
    /// This run was ended here.
    stopped: bool,
    interrupted: bool,
}

impl WatchArguments {
    /// Reads the file of expected failures.
    pub(super) fn begin(
        &self,
        catalogue: &Catalogue,
        library: &Library,
        grading: Grading,
    ) -> Result<Watch, CommandError> {
        if let Some(file) = self.expect_write.as_deref().filter(|file| file.exists()) {
            return Err(CommandError::new(format!(
                "{} is there already, and --expect-write writes over nothing; name another file, or remove it",
                file.display()
            )));
        }
        let folder = self.expect_write.as_deref().and_then(Path::parent);
        if let Some(folder) = folder.filter(|folder| !folder.as_os_str().is_empty() && !folder.is_dir()) {
            return Err(CommandError::new(format!(
                "there is no folder {} for the file of --expect-write",
                folder.display()
            )));
        }
        let now = jiff::Timestamp::now();
        let requirements: BTreeSet<&str> = catalogue
            .iter()
            .map(|requirement| requirement.id.as_str())
            .collect();
        let scenarios: BTreeSet<&str> = library.iter().map(|scenario| scenario.name.as_str()).collect();
        let read = |file| Expectations::read(file, &requirements, &scenarios, grading, now);
        let expectations = self.expect.as_deref().map(read).transpose();
        let expectations = expectations?;
        Ok(Watch {
            expectations,
            server: Server::begin()?,
            file: self.expect.clone().unwrap_or_default(),
            written: self.expect_write.clone(),
            most: match (self.fail_fast, self.max_failures) {
                (true, _) => Some(1),
                (false, most) => most.map(|most| most as usize),
            },
            grading,
            now,
            proposed: Vec::new(),
            unexpected: 0,
            stopped: false,
            interrupted: false,
        })
    }
}

impl Watch {
    /// Marks the failures that are expected; the reports get the events as they come out of here.
    pub(super) fn accept(&mut self, mut event: RunEvent) -> RunEvent {
        if let (RunEvent::CheckJudged(check), Some(expectations)) = (&mut event, &mut self.expectations) {
            expectations.judge(check);
        }
        event
    }

    /// Takes an event in; true ends the run.
    pub(super) fn event(&mut self, event: &RunEvent) -> bool {
        match event {
            RunEvent::CheckJudged(check) => {
                // What is left open by the run's own end is nobody's failure.
                if self.stopped || !self.grading.fails_run(check) || check.accepted.is_some() {
                    return false;
                }
                self.unexpected += 1;
                if !self.proposed.iter_mut().any(|proposal| proposal.add(check)) {
                    self.proposed.push(Proposal::of(check));
                }
                self.stopped = self.most.is_some_and(|most| self.unexpected >= most);
                self.stopped
            }
            RunEvent::RunEnded(ended) => {
                self.interrupted = ended.interrupted;
                false
            }
            _ => false,
        }
    }

    /// Tells what became of the expected failures, and comes to the exit status; `whole` where nothing was selected.
    pub(super) fn end(self, reports: &Reports, whole: bool, code: u8) -> Result<ExitCode, CommandError> {
        self.server.end(reports)?;
        if let Some(file) = &self.written {
            let (text, entries) = written(reports.checks(), self.grading, self.now);
            write_new(file, &text)?;
            let noun = if entries == 1 { "entry" } else { "entries" };
            print(&format!("{} has {entries} {noun}\n", file.display()))?;
        }
        let Some(expectations) = &self.expectations else {
            return Ok(ExitCode::from(code));
        };
        let file = self.file.display();
        let problems = expectations.problems(whole && !self.interrupted);
        let mut told = String::new();
        for problem in &problems {
            told.push_str(&format!("\nexpected failure: {problem}"));
        }
        let by_signal = self.interrupted && !self.stopped;
        if self.unexpected > 0 && !by_signal {
            told.push_str(&format!(
                "\nnot expected: {}; to accept, give a reason in {file}:\n",
                self.unexpected
            ));
            for proposal in self.proposed.iter().take(PROPOSED) {
                told.push_str(&format!("\n{}", proposal.entry(self.now)));
            }
            let more = self.proposed.len().saturating_sub(PROPOSED);
            if more > 0 {
                told.push_str(&format!("\n# and {more} more entries\n"));
            }
        } else if problems.is_empty() && code == 0 {
            told.push_str(&format!("as expected by {file}"));
        }
        print(&format!("{}\n", told.trim_end()))?;
        let code = if problems.is_empty() { code } else { code.max(1) };
        Ok(ExitCode::from(code))
    }
}

/// Writes a file that is not there yet.
fn write_new(file: &Path, text: &str) -> Result<(), CommandError> {
    let write = || {
        let mut new = std::fs::File::create_new(file)?;
        new.write_all(text.as_bytes())
    };
    write().map_err(|problem: std::io::Error| {
        CommandError::new(format!("{} cannot be written: {problem}", file.display()))
    })
}
