//! Renders the results of a run: on the console as it happens, and into files when it has ended.
//!
//! Every report reads the same stream of events; none judges, and none knows of another.

mod annotations;
mod badge;
mod compare;
mod console;
mod coverage;
mod digests;
mod evidence_budget;
mod html;
mod json;
mod junit;
mod markdown;
mod merge;
mod record;
mod scope;
mod section;
mod stored;
mod text;

pub use compare::{Change, Comparison, Side};
pub use console::{Console, ConsoleSettings};
pub use digests::Digests;
pub use junit::JunitCases;
pub use merge::{MergeError, Wanted, merge};
pub use record::{Record, ScenarioRecord, SignatureNote};
pub use stored::{StoredError, StoredRun};
pub(crate) use text::line;
pub(crate) use text::{clean, directions_shown};

use std::io::Write;
use std::path::{Path, PathBuf};

use castspec_judging::outcome::{Conclusion, Grading, RunEvent};

/// A report could not be written.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// The folder or a file in it cannot be written.
    #[error("the report {} cannot be written: {problem}", path.display())]
    Unwritable {
        /// The file or folder.
        path: PathBuf,
        /// The cause.
        problem: String,
    },
    /// A report cannot be rendered: a fault of castspec's.
    #[error("the report {name} cannot be rendered: {problem}")]
    Render {
        /// The report's file name.
        name: &'static str,
        /// The cause.
        problem: String,
    },
}

/// The report files of a run: `junit.xml`, `report.json`, `index.html` and `summary.md`, written when the run has ended.
#[derive(Debug)]
pub struct Reports {
    folder: PathBuf,
    record: Record,
    junit_cases: JunitCases,
}

impl Reports {
    /// Reports into this folder, which is made if it is not there.
    ///
    /// # Errors
    /// When the folder cannot be made or written to.
    pub fn new(folder: &Path, grading: Grading) -> Result<Self, ReportError> {
        let error = |problem: std::io::Error| unwritable(folder, &problem);
        std::fs::create_dir_all(folder).map_err(error)?;
        // A run of minutes must not end in a folder that cannot be written to.
        tempfile::NamedTempFile::new_in(folder).map_err(error)?;
        let mut record = Record::new(grading);
        record.digests = Some(Digests::of_catalogue());
        Ok(Self {
            folder: folder.to_owned(),
            record,
            junit_cases: JunitCases::default(),
        })
    }

    /// The same reports, with test cases of this kind in `junit.xml`.
    #[must_use]
    pub fn with_junit_cases(mut self, cases: JunitCases) -> Self {
        self.junit_cases = cases;
        self
    }

    /// The same reports, of a run that is judged by what has these digests.
    #[must_use]
    pub fn with_digests(mut self, digests: Digests) -> Self {
        self.record.digests = Some(digests);
        self
    }

    /// Takes an event in; the last one of a run writes the files.
    ///
    /// # Errors
    /// When a file cannot be rendered or written; the others are written all the same.
    pub fn event(&mut self, event: &RunEvent) -> Result<(), ReportError> {
        self.record.event(event);
        match event {
            RunEvent::RunEnded(_) => self.write_all(),
            _ => Ok(()),
        }
    }

    /// The outcome of the run.
    pub fn conclusion(&self) -> Conclusion {
        self.record.conclusion()
    }

    /// The checks so far, with what is expected of them.
    pub fn checks(&self) -> &[castspec_judging::outcome::Check] {
        &self.record.checks
    }

    /// The outcome of the run, in Markdown.
    pub fn summary(&self) -> String {
        markdown::render(&self.record)
    }

    /// The broken requirements as workflow commands of GitHub, a line each.
    pub fn github_annotations(&self) -> Vec<String> {
        annotations::github(&self.record)
    }

    /// Writes the broken requirements as a code quality report of GitLab: `gl-code-quality-report.json`.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write_gitlab_code_quality(&self) -> Result<(), ReportError> {
        let content = annotations::gitlab(&self.record);
        self.write("gl-code-quality-report.json", &content)
    }

    /// Writes all files of a run that has ended.
    ///
    /// # Errors
    /// When the folder cannot be made, or a file cannot be rendered or written.
    pub fn store(folder: &Path, run: StoredRun, cases: JunitCases) -> Result<(), ReportError> {
        Self::of(folder, run)?.with_junit_cases(cases).write_all()
    }

    /// Writes the files that are rendered from report.json, and not report.json itself.
    ///
    /// # Errors
    /// When the folder cannot be made, or a file cannot be rendered or written.
    pub fn store_renderings(folder: &Path, run: StoredRun, cases: JunitCases) -> Result<(), ReportError> {
        Self::of(folder, run)?.with_junit_cases(cases).write_renderings()
    }

    fn of(folder: &Path, run: StoredRun) -> Result<Self, ReportError> {
        let mut reports = Self::new(folder, run.record.grading)?;
        reports.record = run.record;
        Ok(reports)
    }

    fn write_all(&self) -> Result<(), ReportError> {
        std::thread::scope(|scope| {
            let json =
                scope.spawn(|| json::render(&self.record).and_then(|json| self.write("report.json", &json)));
            let renderings = self.write_renderings();
            joined(json).and(renderings)
        })
    }

    /// One file that cannot be written takes none of the others with it.
    fn write_renderings(&self) -> Result<(), ReportError> {
        std::thread::scope(|scope| {
            let junit = scope.spawn(|| {
                let junit = junit::render(&self.record, self.junit_cases)?;
                self.write("junit.xml", &junit)
            });
            let html = html::render(&self.record).and_then(|html| self.write("index.html", &html));
            let summary = self.write("summary.md", &self.summary());
            joined(junit).and(html).and(summary)
        })
    }

    /// Writes a file as a whole or not at all.
    fn write(&self, name: &str, content: &str) -> Result<(), ReportError> {
        let path = self.folder.join(name);
        let error = |problem: std::io::Error| unwritable(&path, &problem);
        let mut file = readable().tempfile_in(&self.folder).map_err(error)?;
        file.write_all(content.as_bytes()).map_err(error)?;
        file.persist(&path)
            .map_err(|problem| unwritable(&path, &problem.error))?;
        Ok(())
    }
}

/// A badge of a run, as SVG; `signed` where a signature fits its report.
pub fn badge(run: &StoredRun, signed: bool) -> String {
    badge::render(&run.record, signed)
}

/// What came of a thread; its panic is that of who waits for it.
fn joined<T>(thread: std::thread::ScopedJoinHandle<'_, T>) -> T {
    thread
        .join()
        .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// Temporary files are for their owner alone; a report is for whoever may read the folder.
pub(crate) fn readable() -> tempfile::Builder<'static, 'static> {
    #[cfg_attr(not(unix), expect(unused_mut, reason = "only Unix has modes"))]
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(std::fs::Permissions::from_mode(0o644));
    }
    builder
}

fn unwritable(path: &Path, problem: &std::io::Error) -> ReportError {
    ReportError::Unwritable {
        path: path.to_owned(),
        problem: problem.to_string(),
    }
}
