//! `castspec validate` for recorded conversations: hub and subscribers judged, and reports of both.

use std::io::IsTerminal;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use clap::ValueEnum;

use super::{CommandError, Output, print_error};
use crate::report::{Console, ConsoleSettings, JunitCases, Reports};
use castspec_fhircast::protocol::Version;
use castspec_fhircast::requirement::Catalogue;
use castspec_fhircast::schema::Schemas;
use castspec_judging::outcome::{Disposition, Grading, RunEvent};
use castspec_judging::subscriber::BaseFhir;
use castspec_runner::recorded::{Judged, Recording, judge_recording};

/// Who is judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Side {
    /// The hub.
    Hub,
    /// The subscribers.
    Subscriber,
}

/// How a conversation is judged.
pub(super) struct Manner<'a> {
    pub(super) version: Option<Version>,
    pub(super) side: Option<Side>,
    pub(super) reports: Option<&'a Path>,
    pub(super) junit_cases: JunitCases,
    pub(super) grading: Grading,
    pub(super) base_fhir: BaseFhir,
}

/// Judges a conversation and tells what comes of it.
///
/// # Errors
/// When nothing in it can be judged, or the reports cannot be written.
pub(super) fn judge(
    path: &Path,
    recording: &Recording,
    manner: &Manner<'_>,
) -> Result<ExitCode, CommandError> {
    let name = path.display();
    let of = |error: &dyn std::error::Error| CommandError::new(format!("{name}: {error}"));
    if let Some(cut) = recording.cut {
        print_error(&format!(
            "castspec: {name}: line {} was cut off after {} bytes, and is left out\n",
            cut.line, cut.bytes
        ));
    }
    let version = manner.version.or(recording.version()).unwrap_or(Version::Stu3);
    let judged = Judged {
        hub: manner.side != Some(Side::Subscriber),
        subscribers: manner.side != Some(Side::Hub),
        base_fhir: manner.base_fhir,
    };
    let catalogue = Arc::new(Catalogue::embedded().map_err(|error| of(&error))?);
    let schemas = Arc::new(Schemas::load(version).map_err(|error| of(&error))?);
    let mut reports = manner
        .reports
        .map(|folder| {
            Reports::new(folder, manner.grading).map(|reports| reports.with_junit_cases(manner.junit_cases))
        })
        .transpose()
        .map_err(|error| of(&error))?;
    let events =
        judge_recording(recording, version, judged, &catalogue, &schemas).map_err(|error| of(&error))?;
    if !events
        .iter()
        .any(|event| matches!(event, RunEvent::CheckJudged(_)))
    {
        return Err(CommandError::new(format!(
            "{name}: nothing in it can be judged: no subscription, event or answer of a hub was recorded"
        )));
    }
    let settings = ConsoleSettings {
        colour: std::io::stdout().is_terminal(),
        grading: manner.grading,
        ..ConsoleSettings::default()
    };
    let mut console = Console::new(Output, settings);
    let mut unwritten = None;
    let mut broken = false;
    let mut unjudged = false;
    for event in &events {
        if let RunEvent::CheckJudged(check) = event {
            broken |= manner.grading.is_failure(check.verdict);
        }
        if let RunEvent::ScenarioEnded(ended) = event
            && let Disposition::Unjudged(why) = &ended.disposition
        {
            unjudged = true;
            print_error(&format!("castspec: {name}: {why}\n"));
        }
        // Reports are written though nobody hears of them, and the other way round; the exit status tells of either.
        if let Err(error) = console.event(event) {
            tracing::debug!("the console can no longer be written: {error}");
        }
        if let Some(reports) = &mut reports
            && let Err(error) = reports.event(event)
        {
            unwritten = Some(error);
        }
    }
    if let Some(error) = unwritten {
        return Err(of(&error));
    }
    Ok(ExitCode::from(match (broken, unjudged) {
        (true, _) => 1,
        (false, true) => 2,
        (false, false) => 0,
    }))
}
