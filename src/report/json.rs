//! `report.json`: the whole record, for programs, and as the source of all other reports.

use std::borrow::Cow;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::ReportError;
use super::coverage::{self, CoverageTold};
use super::digests::Digests;
use super::record::{Record, ScenarioRecord};
use super::text;
use castspec_fhircast::protocol::Version;
use castspec_judging::outcome::{
    Accommodation, Cause, Check, Disposition, Entry, Grading, HubLost, Observation, RunBegan, ScenarioId,
    Scope, Shares, Summary, Target, Tool,
};

/// The members of report.json, in their order; those after `target` that a version of castspec did not write yet have
/// defaults.
#[derive(Debug, Serialize, Deserialize)]
struct Document<'a> {
    tool: Option<Tool>,
    started: Option<String>,
    duration_ms: u64,
    target: Option<Target>,
    #[serde(default)]
    further_targets: Option<Vec<Target>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    digests: Option<Digests>,
    #[serde(default)]
    strict: bool,
    summary: Summary,
    #[serde(default)]
    interrupted: bool,
    #[serde(default)]
    hub_lost: Option<HubLost>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    obstacle: Option<String>,
    #[serde(default)]
    accommodations: Cow<'a, [Accommodation]>,
    checks: Cow<'a, [Check]>,
    /// Found anew from the checks when a report is read, so that reports of all versions of castspec have them.
    #[serde(skip_deserializing)]
    causes: Cow<'a, [Cause]>,
    #[serde(default)]
    observations: Cow<'a, [Observation]>,
    #[serde(default)]
    scenarios: Vec<Played<'a>>,
    #[serde(default)]
    coverage: CoverageTold,
    #[serde(default)]
    selection: Option<Vec<String>>,
    #[serde(default)]
    shard: Option<Shares>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Played<'a> {
    name: String,
    title: String,
    fhircast_version: Version,
    duration_ms: u64,
    #[serde(flatten)]
    disposition: Disposition,
    #[serde(default, skip_serializing_if = "is_empty")]
    transcript: Cow<'a, [Entry]>,
}

/// Renders the report.
pub fn render(record: &Record) -> Result<String, ReportError> {
    let began = record.began.as_ref();
    let document = Document {
        tool: began.map(|began| began.tool.clone()),
        started: began.map(|began| began.started.clone()),
        duration_ms: millis(record.duration),
        target: began.map(|began| began.target.clone()),
        further_targets: began.map(|began| began.further_targets.clone()),
        digests: record.digests.clone(),
        strict: record.grading.is_strict(),
        summary: record.summary(),
        interrupted: record.interrupted,
        hub_lost: record.hub_lost.clone(),
        obstacle: record.obstacle.clone(),
        accommodations: Cow::Borrowed(&record.accommodations),
        checks: Cow::Borrowed(&record.checks),
        causes: Cow::Borrowed(&record.causes.all),
        observations: Cow::Borrowed(&record.observations),
        scenarios: record.scenarios.iter().map(Played::of).collect(),
        coverage: coverage::told(&record.coverage()),
        selection: began
            .map(|began| began.scope.selection.clone())
            .filter(|selection| !selection.is_empty()),
        shard: began.and_then(|began| began.scope.shares.clone()),
    };
    serde_json::to_string_pretty(&document)
        .map(|text| text::directions_shown(&text) + "\n")
        .map_err(|error| ReportError::Render {
            name: "report.json",
            problem: error.to_string(),
        })
}

/// Reads a report. The problem is one line.
pub fn parse(text: &str) -> Result<Record, String> {
    let value: Value = serde_json::from_str(text).map_err(|error| format!("is not JSON: {error}"))?;
    if value.get("checks").is_none() || value.get("summary").is_none() {
        return Err("is no report.json: it has no checks or no summary".to_owned());
    }
    let document: Document =
        serde_json::from_value(value).map_err(|error| format!("is no report.json: {error}"))?;
    if document
        .shard
        .as_ref()
        .is_some_and(|shares| !shares.are_possible())
    {
        return Err("is no report.json: its shard is none".to_owned());
    }
    let began = match (document.tool, document.started, document.target) {
        (Some(tool), Some(started), Some(target)) => Some(RunBegan {
            tool,
            started,
            target,
            further_targets: document.further_targets.unwrap_or_default(),
            scenarios: document.scenarios.len(),
            scope: Scope {
                selection: document.selection.unwrap_or_default(),
                shares: document.shard,
                sides: coverage::sides(document.coverage),
            },
        }),
        _ => None,
    };
    let mut record = Record {
        grading: Grading::strict_if(document.strict),
        began,
        digests: document.digests,
        checks: document.checks.into_owned(),
        scenarios: document.scenarios.into_iter().map(Played::record).collect(),
        observations: document.observations.into_owned(),
        hub_lost: document.hub_lost,
        obstacle: document.obstacle,
        accommodations: document.accommodations.into_owned(),
        duration: Duration::from_millis(document.duration_ms),
        interrupted: document.interrupted,
        ..Record::default()
    };
    record.settle();
    Ok(record)
}

impl<'a> Played<'a> {
    fn of(scenario: &'a ScenarioRecord) -> Self {
        Self {
            name: scenario.id.name.clone(),
            title: scenario.title.clone(),
            fhircast_version: scenario.id.version,
            duration_ms: millis(scenario.duration),
            disposition: scenario.disposition.clone(),
            transcript: Cow::Borrowed(&scenario.transcript),
        }
    }

    fn record(self) -> ScenarioRecord {
        ScenarioRecord {
            id: ScenarioId {
                name: self.name,
                version: self.fhircast_version,
            },
            title: self.title,
            disposition: self.disposition,
            duration: Duration::from_millis(self.duration_ms),
            transcript: self.transcript.into_owned(),
        }
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

fn is_empty(transcript: &[Entry]) -> bool {
    transcript.is_empty()
}
