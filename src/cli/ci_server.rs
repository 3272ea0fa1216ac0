//! The CI server that castspec runs on, as its environment variables tell, and what is told to it.

use std::io::Write;
use std::path::PathBuf;
use std::sync::Mutex;

use super::{CommandError, print};
use crate::report::Reports;

/// The word that lets GitHub read workflow commands again, while it does not.
static STOPPED: Mutex<Option<String>> = Mutex::new(None);

/// What lets the server read commands again when the program ends, whatever came of it. Later programs of the same step would
/// else be read no more.
#[derive(Debug)]
pub(super) struct ReadAgain;

impl Drop for ReadAgain {
    fn drop(&mut self) {
        read_again();
    }
}

/// Lets the server read commands again, where it does not.
pub(super) fn read_again() {
    let word = STOPPED.lock().ok().and_then(|mut word| word.take());
    if let Some(word) = word {
        // Where standard output cannot be written, no server reads it.
        let _ = print(&format!("::{word}::\n"));
    }
}

/// The server.
#[derive(Debug)]
pub(super) struct Server {
    /// On GitHub: the word that lets it read workflow commands again.
    resume: Option<String>,
    /// Where GitHub takes a summary in.
    summary: Option<PathBuf>,
    gitlab: bool,
}

impl Server {
    /// Finds out where castspec runs. On GitHub, what is printed from here on is not read for workflow commands: what a hub
    /// sends is printed too. [`ReadAgain`] ends that.
    pub(super) fn begin() -> Result<Self, CommandError> {
        let is = |name: &str| std::env::var_os(name).is_some_and(|value| value == "true");
        let resume = is("GITHUB_ACTIONS").then(|| uuid::Uuid::new_v4().simple().to_string());
        if let Some(word) = &resume {
            if let Ok(mut stopped) = STOPPED.lock() {
                *stopped = Some(word.clone());
            }
            print(&format!("::stop-commands::{word}\n"))?;
        }
        let file = std::env::var_os("GITHUB_STEP_SUMMARY").filter(|file| !file.is_empty());
        Ok(Self {
            resume,
            summary: file.map(PathBuf::from),
            gitlab: is("GITLAB_CI"),
        })
    }

    /// Tells what a run came to.
    pub(super) fn end(&self, reports: &Reports) -> Result<(), CommandError> {
        if let Some(word) = &self.resume {
            let annotations: Vec<String> = reports.github_annotations();
            let lines: String = annotations.iter().map(|line| format!("{line}\n")).collect();
            // What is printed after them shows what a hub sent, as before them.
            print(&format!("::{word}::\n{lines}::stop-commands::{word}\n"))?;
        }
        if let Some(file) = &self.summary {
            let mut open = std::fs::OpenOptions::new();
            let written = open
                .append(true)
                .create(true)
                .open(file)
                .and_then(|mut file| file.write_all(reports.summary().as_bytes()));
            written.map_err(|error| {
                CommandError::new(format!(
                    "the summary cannot be written to {}: {error}",
                    file.display()
                ))
            })?;
        }
        if self.gitlab {
            let written = reports.write_gitlab_code_quality();
            written?;
        }
        Ok(())
    }
}
