//! A test case for each requirement under each version: one suite a version and family of requirements.

use std::collections::BTreeMap;

use super::case::{Case, Ending, name};
use super::explanation::{accepted, finding, requirement, seen, verdict};
use super::times::Times;
use super::{Duration, Suites};
use crate::report::record::Record;
use crate::report::text;
use castspec_fhircast::protocol::Version;
use castspec_judging::outcome::{Check, Grading, Verdict};

/// Scenarios that are told with their message at the most; the others are counted.
const SCENARIOS: usize = 30;
/// Characters of such a message at the most.
const MESSAGE: usize = 240;

/// All checks of one requirement under one version.
#[derive(Default)]
struct Group<'a> {
    checks: Vec<&'a Check>,
    time: Duration,
}

/// The suites of all requirements.
pub(super) fn suites(record: &Record, times: &mut Times) -> Suites {
    let mut groups: BTreeMap<(Version, &str), Group<'_>> = BTreeMap::new();
    for check in &record.checks {
        let group = groups.entry((check.fhircast_version, &check.requirement));
        let group = group.or_default();
        group.time += times.next_share(&check.scenario_id());
        group.checks.push(check);
    }
    let mut suites = Suites::new();
    for ((version, id), mut group) in groups {
        let weight = |check: &Check| Weight::of(check, record.grading);
        // Scenarios keep their order where nothing else decides.
        group.checks.sort_by_key(|check| weight(check));
        let Some(worst) = group.checks.first() else {
            continue;
        };
        let case = Case {
            class: format!("castspec.{version}.{id}"),
            name: name(&worst.statement, id),
            time: group.time,
            ending: ending(worst, weight(worst), &group.checks),
        };
        let family = id.split_once('.').map_or(id, |(family, _)| family);
        let suite = suites.entry(format!("{version}.{family}")).or_default();
        suite.push(case.build());
    }
    suites
}

/// How much a check weighs among those of its requirement, the heaviest first. What fails the run comes before all else, and
/// what was accepted before what fails nobody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Weight {
    Failure,
    OpenShall,
    Accepted,
    Warning,
    Open,
    Flaky,
    Pass,
    Skip,
}

impl Weight {
    fn of(check: &Check, grading: Grading) -> Self {
        match check.verdict {
            _ if check.accepted.is_some() => Self::Accepted,
            verdict if grading.is_failure(verdict) => Self::Failure,
            _ if check.is_open_shall() => Self::OpenShall,
            Verdict::Fail | Verdict::Warn => Self::Warning,
            Verdict::Inconclusive => Self::Open,
            Verdict::Pass if check.flaky => Self::Flaky,
            Verdict::Pass => Self::Pass,
            Verdict::Skip => Self::Skip,
        }
    }
}

fn ending(worst: &Check, weight: Weight, checks: &[&Check]) -> Ending {
    let message = match checks.len() {
        1 => worst.message.clone(),
        all => format!("{} ({} of {all} scenarios)", worst.message, alike(worst, checks)),
    };
    let told = told(worst, checks);
    match weight {
        Weight::Failure => Ending::Failure {
            kind: worst.requirement.to_string(),
            message,
            told,
        },
        Weight::OpenShall => Ending::Error {
            kind: "inconclusive".to_owned(),
            message,
            told,
        },
        Weight::Accepted => Ending::Skipped {
            kind: "accepted",
            message: accepted(worst),
            told,
        },
        Weight::Open => Ending::Skipped {
            kind: "inconclusive",
            message,
            told,
        },
        Weight::Skip => Ending::Skipped {
            kind: "skip",
            message,
            told,
        },
        Weight::Warning | Weight::Flaky => Ending::Success { told: Some(told) },
        Weight::Pass => Ending::Success {
            told: Some(scenarios_in_short(checks)),
        },
    }
}

/// How many checks have the verdict of this one.
fn alike(one: &Check, checks: &[&Check]) -> usize {
    let same = |check: &&&Check| check.verdict == one.verdict;
    checks.iter().filter(same).count()
}

/// The requirement, every scenario that tells something of its own, and what the worst check saw.
fn told(worst: &Check, checks: &[&Check]) -> String {
    let mut lines = vec![finding(worst), requirement(worst), String::new()];
    if checks.len() > 1 {
        lines.extend(listed(checks));
        lines.push(String::new());
    }
    lines.push(format!("{}:", text::line(&worst.scenario)));
    lines.extend(seen(worst));
    lines.join("\n")
}

/// The scenarios, counted and named; what they all say is in report.json.
fn listed(checks: &[&Check]) -> Vec<String> {
    let (speaking, silent): (Vec<&Check>, Vec<&Check>) = checks
        .iter()
        .partition(|check| check.verdict != Verdict::Pass || check.flaky);
    let mut lines = vec![format!("{}:", counted(checks))];
    lines.extend(speaking.iter().take(SCENARIOS).map(|check| scenario(check)));
    let more = speaking.len().saturating_sub(SCENARIOS);
    if more > 0 {
        lines.push(format!("… {more} more, in report.json"));
    }
    if !silent.is_empty() {
        lines.push(format!("pass {}", names(&silent)));
    }
    lines
}

fn scenarios_in_short(checks: &[&Check]) -> String {
    format!("{}: {}", counted(checks), names(checks))
}

/// How many scenarios came to which verdict.
fn counted(checks: &[&Check]) -> String {
    let order = [
        Verdict::Fail,
        Verdict::Warn,
        Verdict::Inconclusive,
        Verdict::Pass,
        Verdict::Skip,
    ];
    let counts = order.iter().filter_map(|verdict| {
        let count = checks.iter().filter(|check| check.verdict == *verdict).count();
        (count > 0).then(|| format!("{count} {verdict}"))
    });
    let counts = counts.collect::<Vec<_>>().join(", ");
    match checks.len() {
        1 => format!("{counts} in 1 scenario"),
        all => format!("{counts} in {all} scenarios"),
    }
}

fn names(checks: &[&Check]) -> String {
    let names: Vec<String> = checks.iter().map(|check| check.scenario.clone()).collect();
    text::few(&names)
}

fn scenario(check: &Check) -> String {
    let message = text::words(&check.message, MESSAGE);
    let accepted = match &check.accepted {
        Some(_) => format!(" ({})", text::words(&accepted(check), MESSAGE)),
        None => String::new(),
    };
    format!(
        "{} {}: {message}{accepted}",
        verdict(check),
        text::line(&check.scenario)
    )
}
