//! Notes that CI servers show beside a change: annotations of GitHub, code quality of GitLab. One for each cause.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::markdown::causes;
use super::record::Record;
use super::text;
use castspec_judging::outcome::{Check, Grading, Verdict};

/// GitHub shows no more than ten of a kind for a step.
const SHOWN: usize = 10;

/// Workflow commands of GitHub, a line each.
pub fn github(record: &Record) -> Vec<String> {
    let mut lines = Vec::new();
    for kind in ["error", "warning", "notice"] {
        let of_kind = causes(record)
            .into_iter()
            .filter(|(_, checks)| kind_of(checks, record.grading) == kind);
        let told = of_kind.filter_map(|(_, checks)| {
            let check = *checks.first()?;
            let title = format!(
                "{} ({}, {})",
                check.requirement, check.level, check.fhircast_version
            );
            Some(format!(
                "::{kind} title={}::{}",
                property(&title),
                data(&description(&checks, check))
            ))
        });
        lines.extend(told.take(SHOWN));
    }
    lines
}

fn kind_of(checks: &[&Check], grading: Grading) -> &'static str {
    let mut unaccepted = checks.iter().filter(|check| check.accepted.is_none());
    match unaccepted.any(|check| grading.fails_run(check)) {
        true => "error",
        false if checks.iter().any(|check| check.verdict == Verdict::Warn) => "warning",
        false => "notice",
    }
}

/// A code quality report of GitLab.
pub fn gitlab(record: &Record) -> String {
    let mut of_requirement: BTreeMap<String, usize> = BTreeMap::new();
    let entries = causes(record).into_iter().filter_map(|(cause, checks)| {
        let check = *checks.first()?;
        let severity = match kind_of(&checks, record.grading) {
            "error" => "major",
            "warning" => "minor",
            _ => "info",
        };
        let mut key = format!("{}@{}", check.requirement, check.fhircast_version);
        // GitLab follows an entry from run to run; a further cause of the same requirement is told apart by its place.
        let known = of_requirement.entry(key.clone()).or_default();
        *known += 1;
        if *known > 1 {
            let pointer = cause.pointer.as_deref().unwrap_or_default();
            key.push_str(&format!(" {pointer} {known}"));
        }
        Some(json!({
            "description": description(&checks, check),
            "check_name": text::line(&check.requirement),
            "fingerprint": hex::encode(Sha256::digest(key)),
            "severity": severity,
            // A hub has no file here; the scenario that shows it has.
            "location": {"path": format!("scenarios/{}.yaml", text::line(&check.scenario)), "lines": {"begin": 1}},
        }))
    });
    text::directions_shown(&format!("{:#}\n", Value::Array(entries.collect())))
}

fn description(checks: &[&Check], check: &Check) -> String {
    let more = match checks.len() - 1 {
        0 => String::new(),
        more => format!(" (and in {more} more)"),
    };
    let accepted = match &check.accepted {
        Some(accepted) => format!(" [accepted until {}: {}]", accepted.until, accepted.reason),
        None => String::new(),
    };
    let told = format!(
        "{} in {}{more}{accepted}; {}",
        check.message, check.scenario, check.url
    );
    text::at_a_glance(&text::line(&told))
}

/// A text as the message of a workflow command.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// A text as a property of a workflow command.
fn property(text: &str) -> String {
    data(&text::line(text)).replace(':', "%3A").replace(',', "%2C")
}
