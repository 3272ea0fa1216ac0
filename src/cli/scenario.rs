//! `castspec scenario`: scenarios made of captures.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand};

use super::{CommandError, print};
use castspec_fhircast::protocol::Version;
use castspec_fhircast::requirement::Catalogue;
use castspec_judging::capture::Reader;
use castspec_judging::capture::conversation::RecordedConversation;
use castspec_runner::from_capture::{SubscriberActions, to_scenario};

/// Make scenarios of captures
#[derive(Debug, Args)]
pub struct ScenarioCommand {
    #[command(subcommand)]
    command: ScenarioSubcommand,
}

#[derive(Debug, Subcommand)]
enum ScenarioSubcommand {
    From(FromCommand),
}

/// Write a scenario that does what the subscribers of a capture did, and demands what the specification does
///
/// Ids, topics and times become variables; what the captured hub did is left out, so the scenario fails where that hub was wrong.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  castspec scenario from capture.jsonl --out bug.yaml\n  castspec run --scenarios bug.yaml --only-given --hub https://hub.example.com/fhircast"
)]
struct FromCommand {
    /// The capture, as castspec record writes it
    #[arg(value_name = "CAPTURE")]
    capture: PathBuf,
    /// Where the scenario is written; standard output where it is left out
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// The version of FHIRcast that is spoken; told by the messages where it is left out
    #[arg(long, value_name = "VERSION")]
    fhircast_version: Option<Version>,
    /// The title of the scenario
    #[arg(long, value_name = "TEXT")]
    title: Option<String>,
}

impl ScenarioCommand {
    /// Makes the scenario.
    ///
    /// # Errors
    /// When the capture cannot be read, or no scenario can be made of it.
    pub fn run(&self) -> Result<ExitCode, CommandError> {
        match &self.command {
            ScenarioSubcommand::From(command) => command.run(),
        }
    }
}

impl FromCommand {
    fn run(&self) -> Result<ExitCode, CommandError> {
        let catalogue = Catalogue::embedded()?;
        let reader = Reader::open(&self.capture)?;
        let header = reader.header().clone();
        let lines: Result<Vec<_>, _> = reader.collect();
        let lines = lines?;
        let recorded = SubscriberActions::of(&RecordedConversation::decode(&header.upstream, lines));
        let stated = header.fhircast_versions.first().copied();
        let version = self.fhircast_version.or(stated).unwrap_or(recorded.version);
        let name = self.capture.file_name().unwrap_or_default().to_string_lossy();
        let title = self
            .title
            .clone()
            .unwrap_or_else(|| format!("What was recorded in {name}"));
        let text = to_scenario(&recorded, version, &catalogue, &title)
            .map_err(|error| CommandError::new(format!("{}: {error}", self.capture.display())))?;
        write_or_print(self.out.as_deref(), &text)?;
        Ok(ExitCode::SUCCESS)
    }
}

/// Writes a text to a file, or to standard output where none is named.
///
/// # Errors
/// When it cannot be written.
pub(super) fn write_or_print(out: Option<&Path>, text: &str) -> Result<(), CommandError> {
    match out {
        None => print(text),
        Some(path) => std::fs::write(path, text)
            .map_err(|error| CommandError::new(format!("cannot write {}: {error}", path.display()))),
    }
}
