//! `castspec report`: results rendered again, put together and compared.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};

use super::report_signing::{Badge, Sign, Verify, read_with_signature};
use super::{CommandError, print};
use crate::report::{Comparison, JunitCases, Reports, StoredRun, Wanted, merge};

/// Render, merge, compare, sign or verify results
#[derive(Debug, Args)]
pub struct ReportCommand {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    Render(Render),
    Merge(Merge),
    Compare(Compare),
    Sign(Sign),
    Verify(Verify),
    Badge(Badge),
}

/// Write junit.xml, index.html and summary.md anew from a report.json
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  castspec report render results/report.json --reports pages")]
struct Render {
    /// The report.json, or the folder that has it
    report: PathBuf,
    /// Where the files are written
    #[arg(long, value_name = "DIR", default_value = "reports")]
    reports: PathBuf,
    /// What a test case of junit.xml is
    #[arg(long, value_name = "WHAT", default_value = "requirement")]
    junit_cases: JunitCases,
}

/// Put the reports of a run together that was split by run --shard
///
/// Exit status: that of the whole run.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  castspec report merge shard-1 shard-2 shard-3 --reports reports")]
struct Merge {
    /// Each a report.json, or the folder that has it
    #[arg(required = true, value_name = "REPORT")]
    parts: Vec<PathBuf>,
    /// Where the files are written
    #[arg(long, value_name = "DIR", default_value = "reports")]
    reports: PathBuf,
    /// Put together what is there, though shards are missing; every report then says which
    #[arg(long)]
    partial: bool,
    /// What a test case of junit.xml is
    #[arg(long, value_name = "WHAT", default_value = "requirement")]
    junit_cases: JunitCases,
}

/// Tell what got better and worse from one run to another
///
/// Exit status: 0 nothing got worse; 1 a check has a worse verdict than before; 2 the reports cannot be compared.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  castspec report compare last-release/report.json reports/report.json")]
struct Compare {
    /// The earlier run: a report.json, or the folder that has it
    old: PathBuf,
    /// The later run
    new: PathBuf,
    /// Print JSON
    #[arg(long, conflicts_with = "markdown")]
    json: bool,
    /// Print Markdown
    #[arg(long)]
    markdown: bool,
}

impl ReportCommand {
    /// Carries the command out.
    ///
    /// # Errors
    /// When a report cannot be read, put together with others, or written.
    pub fn run(&self) -> Result<ExitCode, CommandError> {
        match &self.what {
            What::Render(render) => render.run(),
            What::Merge(merge) => merge.run(),
            What::Compare(compare) => compare.run(),
            What::Sign(sign) => sign.run(),
            What::Verify(verify) => verify.run(),
            What::Badge(badge) => badge.run(),
        }
    }
}

fn read(path: &std::path::Path) -> Result<StoredRun, CommandError> {
    Ok(StoredRun::read(path)?)
}

impl Render {
    fn run(&self) -> Result<ExitCode, CommandError> {
        Reports::store_renderings(
            &self.reports,
            read_with_signature(&self.report)?,
            self.junit_cases,
        )?;
        Ok(ExitCode::SUCCESS)
    }
}

impl Merge {
    fn run(&self) -> Result<ExitCode, CommandError> {
        let parts: Result<Vec<StoredRun>, _> = self.parts.iter().map(|path| read(path)).collect();
        let wanted = match self.partial {
            true => Wanted::Partial,
            false => Wanted::Whole,
        };
        let whole = merge(parts?, wanted)?;
        let conclusion = whole.record.conclusion();
        Reports::store(&self.reports, whole, self.junit_cases)?;
        print(&format!("{}\n", conclusion.sentence()))?;
        Ok(ExitCode::from(conclusion.exit_code()))
    }
}

impl Compare {
    fn run(&self) -> Result<ExitCode, CommandError> {
        let comparison = Comparison::of(&read(&self.old)?.record, &read(&self.new)?.record);
        let told = if self.json {
            serde_json::to_string_pretty(&comparison)? + "\n"
        } else if self.markdown {
            comparison.markdown()
        } else {
            comparison.text()
        };
        print(&told)?;
        Ok(ExitCode::from(u8::from(comparison.is_regression())))
    }
}
