//! `castspec validate`: messages in files, judged by the schemas.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use serde_json::Value;

use super::base_fhir::BaseFhirArgument;
use super::validate_conversation::{self, Manner, Side};
use super::validate_file::{self, PlacedMessage};
use super::validate_message::{JudgedMessage, MessageJudge};
use super::{CommandError, print};
use crate::report::JunitCases;
use castspec_fhircast::protocol::Version;
use castspec_fhircast::requirement::Catalogue;
use castspec_fhircast::schema::{MessageKind, Schemas};
use castspec_judging::outcome::Grading;
use castspec_judging::subscriber::BaseFhir;
use castspec_runner::recorded::Recording;

/// The most that is read of one file of messages, in bytes. Judging many small ones takes fifty times as much memory.
const LARGEST: u64 = 16 << 20;

/// Validate messages against the schemas of FHIRcast, or recorded conversations as a whole
///
/// A file holds one JSON message, an array of messages, or the form of a subscription request; what kind of message it is shows by
/// its members. Or it is a
/// recorded conversation, a capture of `castspec record` or a HAR file of a browser: then hub and subscribers are judged by
/// everything that passed between them.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  castspec validate notification.json\n  curl -s https://hub.example.com/fhircast/.well-known/fhircast-configuration | castspec validate -\n  castspec validate monday.jsonl --reports reports"
)]
pub struct ValidateCommand {
    /// Files to validate; - is standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// The version of FHIRcast; STU3 unless a conversation shows another one
    #[arg(long)]
    fhircast_version: Option<Version>,
    /// What the messages are, when it does not show by their members
    #[arg(long, value_parser = kind_values())]
    kind: Option<MessageKind>,
    /// A broken SHOULD counts as broken
    #[arg(long)]
    strict: bool,
    #[command(flatten)]
    base_fhir: BaseFhirArgument,
    /// The same as --base-fhir off
    #[arg(long, conflicts_with = "base_fhir")]
    no_fhir: bool,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
    /// Of a conversation, judge this side only
    #[arg(long = "as", value_enum, value_name = "SIDE")]
    side: Option<Side>,
    /// Of a conversation, write junit.xml, report.json and index.html into this folder
    #[arg(long, value_name = "DIR")]
    reports: Option<PathBuf>,
    /// What a test case of junit.xml is
    #[arg(
        long,
        value_name = "WHAT",
        default_value = "requirement",
        requires = "reports"
    )]
    junit_cases: JunitCases,
}

/// The kinds by their names, so that a kind that comes to the schemas is a value of the option too.
fn kind_values() -> impl TypedValueParser<Value = MessageKind> {
    PossibleValuesParser::new(MessageKind::ALL.map(MessageKind::name)).try_map(|name| name.parse())
}

impl ValidateCommand {
    /// Validates the files.
    ///
    /// # Errors
    /// When a file cannot be read, is neither JSON nor a form, or holds something that is no message of FHIRcast.
    pub fn run(&self) -> Result<ExitCode, CommandError> {
        if let [file] = &self.files[..]
            && let Some(recording) = recording(file)?
        {
            return self.judge_recording(file, &recording);
        }
        for (given, option) in [
            (self.side.is_some(), "--as"),
            (self.reports.is_some(), "--reports"),
        ] {
            if given {
                return Err(CommandError::new(format!(
                    "{option} is for a recorded conversation, given alone: a capture or a HAR file"
                )));
            }
        }
        let judge = MessageJudge {
            catalogue: Catalogue::embedded()?,
            schemas: Schemas::load(self.fhircast_version.unwrap_or(Version::Stu3))?,
            kind: self.kind,
            strict: self.strict,
            base_fhir: self.base_fhir() != BaseFhir::Off,
        };
        let mut judged = Vec::new();
        for file in &self.files {
            for message in messages(file, &judge)? {
                judged.push(judge.judge(message)?);
            }
        }
        if self.json {
            let values = judged.iter().map(JudgedMessage::as_json).collect();
            print(&format!("{:#}\n", Value::Array(values)))?;
        } else {
            print(&judged.iter().map(JudgedMessage::as_text).collect::<String>())?;
        }
        Ok(ExitCode::from(u8::from(judged.iter().any(JudgedMessage::fails))))
    }

    fn base_fhir(&self) -> BaseFhir {
        match self.no_fhir {
            true => BaseFhir::Off,
            false => self.base_fhir.weight(),
        }
    }

    fn judge_recording(&self, file: &Path, recording: &Recording) -> Result<ExitCode, CommandError> {
        for (given, option) in [(self.kind.is_some(), "--kind"), (self.json, "--json")] {
            if given {
                return Err(CommandError::new(format!(
                    "{option} is for messages, and {} is a recorded conversation; --reports writes report.json",
                    file.display()
                )));
            }
        }
        let manner = Manner {
            version: self.fhircast_version,
            side: self.side,
            reports: self.reports.as_deref(),
            junit_cases: self.junit_cases,
            grading: Grading::strict_if(self.strict),
            base_fhir: self.base_fhir(),
        };
        validate_conversation::judge(file, recording, &manner)
    }
}

/// The messages in a file, each with the name that errors and results call it by.
fn messages(file: &Path, judge: &MessageJudge) -> Result<Vec<PlacedMessage>, CommandError> {
    let name = match is_standard_input(file) {
        true => "standard input".to_owned(),
        false => file.display().to_string(),
    };
    if recording(file)?.is_some() {
        return Err(CommandError::new(format!(
            "{name}: is a recorded conversation, which is judged as a whole: give it alone"
        )));
    }
    let content =
        read(file).map_err(|error| CommandError::new(format!("{name}: cannot be read: {error}")))?;
    validate_file::messages(&name, &content, judge.kind, &judge.schemas)
}

fn is_standard_input(file: &Path) -> bool {
    file.as_os_str() == "-"
}

/// The recording in a file; `None` where there is none in it.
fn recording(file: &Path) -> Result<Option<Recording>, CommandError> {
    if is_standard_input(file) {
        return Ok(None);
    }
    Ok(Recording::open(file)?)
}

fn read(file: &Path) -> std::io::Result<String> {
    let mut source: Box<dyn Read> = match is_standard_input(file) {
        true => Box::new(std::io::stdin()),
        false => Box::new(std::fs::File::open(file)?),
    };
    let mut bytes = Vec::new();
    source.by_ref().take(LARGEST + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LARGEST {
        return Err(std::io::Error::new(
            std::io::ErrorKind::FileTooLarge,
            format!("it has more than {LARGEST} bytes, which is the most that is judged at once; divide it"),
        ));
    }
    String::from_utf8(bytes).map_err(|error| std::io::Error::new(std::io::ErrorKind::InvalidData, error))
}
