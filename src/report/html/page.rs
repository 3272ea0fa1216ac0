//! The content of the page, for the templates.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use super::broken::{Broken, bounded, broken};
use super::counts::{Line, Tile, VERDICTS, chapters, levels, tiles};
use super::covered::{Covered, coverage, limits};
use super::judged::{Judged, judged, verdict};
use super::link;
use crate::report::{Record, SignatureNote, text};
use castspec_fhircast::protocol::Version;
use castspec_fhircast::requirement::Level;
use castspec_judging::outcome::{
    Cause, Conclusion, Disposition, HubLost, Outcome, ScenarioId, Summary, Target, Tool, Verdict,
};

/// The whole page.
#[derive(Debug, Serialize)]
pub struct Page {
    outcome: &'static str,
    headline: String,
    detail: String,
    sentence: String,
    strict: bool,
    tool: Option<Tool>,
    started: String,
    started_told: String,
    seconds: String,
    targets: Vec<Hub>,
    several: bool,
    interrupted: bool,
    hub_lost: Option<HubLost>,
    obstacle: Option<String>,
    signature: Option<SignatureNote>,
    accommodations: Vec<String>,
    errors: Vec<Reason>,
    tiles: Vec<Tile>,
    requirements: usize,
    limits: Option<String>,
    coverage: Vec<Covered>,
    checks: usize,
    chapters: Vec<Line>,
    levels: Vec<Line>,
    causes: Vec<CauseRow>,
    broken: Vec<Broken>,
    open: Vec<Reason>,
    skipped: Vec<Reason>,
    readings: Vec<Reading>,
    groups: Vec<Group>,
    scenarios: Vec<Played>,
}

/// The hub under one version.
#[derive(Debug, Serialize)]
struct Hub {
    version: Version,
    number: &'static str,
    hub_url: String,
    built_in: bool,
    claimed: Vec<String>,
    unclaimed: Vec<String>,
}

/// A reason, with the scenarios and requirements that it applies to.
#[derive(Debug, Serialize)]
struct Reason {
    version: Version,
    why: String,
    scenarios: Vec<String>,
    requirements: Vec<String>,
}

impl Reason {
    fn new(version: Version, why: &str) -> Self {
        Self {
            version,
            why: bounded(why),
            scenarios: Vec::new(),
            requirements: Vec::new(),
        }
    }

    /// Adds a scenario and a requirement, each once.
    fn note(&mut self, scenario: &str, requirement: Option<&str>) {
        for (known, name) in [
            (&mut self.scenarios, Some(scenario)),
            (&mut self.requirements, requirement),
        ] {
            let name = name.map(text::line);
            if let Some(name) = name.filter(|name| !known.contains(name)) {
                known.push(name);
            }
        }
    }
}

/// A cause of what was broken.
#[derive(Debug, Serialize)]
struct CauseRow {
    id: String,
    verdict: Verdict,
    version: Version,
    requirement: String,
    anchor: String,
    message: String,
    consequence: Option<&'static str>,
    checks: usize,
    scenarios: String,
    hides: usize,
}

/// A reading that the hub chose.
#[derive(Debug, Serialize)]
struct Reading {
    version: Version,
    subject: String,
    reading: String,
    scenarios: usize,
}

/// The requirements of a chapter.
#[derive(Debug, Serialize)]
struct Group {
    version: Version,
    chapter: String,
    rows: Vec<Row>,
}

/// A requirement.
#[derive(Debug, Serialize)]
struct Row {
    verdict: Verdict,
    requirement: String,
    level: Level,
    section: String,
    url: Option<String>,
    statement: String,
    anchor: String,
    explanation: String,
    counts: Summary,
    scenarios: Vec<ByVerdict>,
}

/// Scenarios that came to the same verdict.
#[derive(Debug, Serialize)]
struct ByVerdict {
    verdict: Verdict,
    names: String,
}

/// A scenario as it ended.
#[derive(Debug, Serialize)]
struct Played {
    name: String,
    title: String,
    version: Version,
    verdict: &'static str,
    counts: Summary,
    millis: u128,
}

impl Page {
    /// The page of a run.
    pub fn of(record: &Record) -> Self {
        let conclusion = record.conclusion();
        let sentence = conclusion.sentence();
        let judged = judged(&record.checks);
        let began = record.began.as_ref();
        let targets: Vec<Hub> = began
            .into_iter()
            .flat_map(|began| std::iter::once(&began.target).chain(&began.further_targets))
            .map(hub)
            .collect();
        let mut broken: Vec<Broken> = judged
            .iter()
            .filter_map(|requirement| broken(requirement, record))
            .collect();
        broken.sort_by_key(Broken::is_warning);
        let started = began.map(|began| began.started.clone()).unwrap_or_default();
        Self {
            outcome: outcome(&conclusion),
            headline: headline(&conclusion),
            detail: detail(&sentence),
            sentence,
            strict: record.grading.is_strict(),
            tool: began.map(|began| began.tool.clone()),
            started_told: started_told(&started),
            started,
            seconds: format!("{:.2}", record.duration.as_secs_f64()),
            several: targets.len() > 1,
            targets,
            interrupted: record.interrupted,
            hub_lost: record.hub_lost.as_ref().map(lost),
            obstacle: record.obstacle.as_deref().map(text::clean),
            signature: record.signature.clone(),
            accommodations: record
                .accommodations
                .iter()
                .map(|accommodation| text::clean(&accommodation.what))
                .collect(),
            errors: errors(record),
            tiles: tiles(record, &judged),
            requirements: judged.len(),
            limits: limits(record),
            coverage: coverage(record),
            checks: record.checks.len(),
            chapters: chapters(&judged),
            levels: levels(&judged),
            causes: causes(record, &judged),
            broken,
            open: reasons(record, Verdict::Inconclusive),
            skipped: reasons(record, Verdict::Skip),
            readings: readings(record),
            groups: groups(&judged),
            scenarios: scenarios(record),
        }
    }
}

fn outcome(conclusion: &Conclusion) -> &'static str {
    match conclusion.outcome() {
        // Green is for what speaks of all.
        Outcome::Conformant if conclusion.limits().is_some() => "partial",
        _ if conclusion.is_accepted() => "partial",
        Outcome::Conformant => "pass",
        Outcome::NotConformant => "fail",
        Outcome::Inconclusive | Outcome::NothingJudged => "inconclusive",
    }
}

/// The verdict, as a title.
fn headline(conclusion: &Conclusion) -> String {
    let headline = conclusion.headline();
    let mut letters = headline.chars();
    let first = letters.next().into_iter().flat_map(char::to_uppercase);
    first.chain(letters).collect()
}

/// The part of the sentence after the headline, without the counts.
fn detail(sentence: &str) -> String {
    let told = sentence.rsplit_once(" (").map_or(sentence, |(told, _)| told);
    told.split_once(": ").map_or("", |(_, detail)| detail).to_owned()
}

fn started_told(started: &str) -> String {
    match started.parse::<jiff::Timestamp>() {
        Ok(at) => at.strftime("%-d %B %Y, %H:%M:%S UTC").to_string(),
        Err(_) => text::line(started),
    }
}

fn hub(target: &Target) -> Hub {
    let with = |wanted: bool| {
        let known = target.capabilities.iter();
        known
            .filter(|(_, claimed)| {
                claimed
                    .as_bool()
                    .or_else(|| claimed.get("claimed").and_then(Value::as_bool))
                    == Some(wanted)
            })
            .map(|(name, _)| text::line(name).replace('_', " "))
            .collect()
    };
    Hub {
        version: target.fhircast_version,
        number: target.fhircast_version.number(),
        hub_url: text::line(&target.hub_url),
        built_in: target.built_in,
        claimed: with(true),
        unclaimed: with(false),
    }
}

fn lost(lost: &HubLost) -> HubLost {
    HubLost {
        scenario: text::line(&lost.scenario),
        request: bounded(&lost.request),
        problem: bounded(&lost.problem),
    }
}

fn errors(record: &Record) -> Vec<Reason> {
    let errors = record
        .scenarios
        .iter()
        .filter_map(|scenario| match &scenario.disposition {
            Disposition::Error(why) => {
                let mut reason = Reason::new(scenario.id.version, why);
                reason.note(&scenario.id.name, None);
                Some(reason)
            }
            _ => None,
        });
    errors.collect()
}

/// The reasons of all checks with this verdict, by version.
fn reasons(record: &Record, verdict: Verdict) -> Vec<Reason> {
    let mut reasons: BTreeMap<(Reverse<Version>, &str), Reason> = BTreeMap::new();
    for check in record.checks.iter().filter(|check| check.verdict == verdict) {
        let reason = reasons
            .entry((Reverse(check.fhircast_version), &check.message))
            .or_insert_with(|| Reason::new(check.fhircast_version, &check.message));
        reason.note(&check.scenario, Some(&check.requirement));
    }
    // A scenario may end without a check of its own.
    for scenario in &record.scenarios {
        let ScenarioId { name, version } = &scenario.id;
        let why = match (&scenario.disposition, verdict) {
            (Disposition::Skipped(why), Verdict::Skip)
            | (Disposition::Inconclusive(why), Verdict::Inconclusive) => why,
            _ => continue,
        };
        let reason = reasons
            .entry((Reverse(*version), why))
            .or_insert_with(|| Reason::new(*version, why));
        reason.note(name, None);
    }
    reasons.into_values().collect()
}

/// The causes: failures first, those of most checks before others.
fn causes(record: &Record, judged: &[Judged<'_>]) -> Vec<CauseRow> {
    let anchor = |cause: &Cause| {
        let of = |judged: &&Judged<'_>| {
            judged.version == cause.fhircast_version && judged.any.requirement == cause.requirement
        };
        judged.iter().find(of).map(|judged| judged.anchor.clone())
    };
    let mut causes: Vec<&Cause> = record.causes.all.iter().collect();
    causes.sort_by_key(|cause| (Reverse(cause.verdict), Reverse(cause.checks)));
    let rows = causes.into_iter().map(|cause| CauseRow {
        id: cause.id.clone(),
        verdict: cause.verdict,
        version: cause.fhircast_version,
        requirement: text::line(&cause.requirement),
        anchor: anchor(cause).unwrap_or_default(),
        message: bounded(&cause.message),
        consequence: cause.consequence,
        checks: cause.checks,
        scenarios: text::few(&cause.scenarios),
        hides: cause.hides,
    });
    rows.collect()
}

fn readings(record: &Record) -> Vec<Reading> {
    let mut readings: BTreeMap<(Reverse<Version>, &str, &str), usize> = BTreeMap::new();
    for observation in &record.observations {
        let version = Reverse(observation.fhircast_version);
        *readings
            .entry((version, &observation.subject, &observation.reading))
            .or_default() += 1;
    }
    let told = readings
        .into_iter()
        .map(|((version, subject, reading), scenarios)| Reading {
            version: version.0,
            subject: text::line(subject),
            reading: bounded(reading),
            scenarios,
        });
    told.collect()
}

fn groups(judged: &[Judged<'_>]) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for requirement in judged {
        let chapter = text::line(&requirement.chapter);
        let version = requirement.version;
        let row = row(requirement);
        match groups.last_mut() {
            Some(group) if group.version == version && group.chapter == chapter => group.rows.push(row),
            _ => groups.push(Group {
                version,
                chapter,
                rows: vec![row],
            }),
        }
    }
    groups
}

fn row(requirement: &Judged<'_>) -> Row {
    let of = |verdict: Verdict| {
        requirement
            .checks
            .iter()
            .filter(move |check| check.verdict == verdict)
    };
    let explanation = match requirement.verdict {
        Verdict::Pass => {
            let pass = requirement.counts.pass;
            let held = format!("held in {pass} scenario{}", if pass == 1 { "" } else { "s" });
            let flaky = requirement.checks.iter().filter(|check| check.flaky);
            let flaky: Vec<String> = flaky.map(|check| text::line(&check.scenario)).collect();
            match flaky.is_empty() {
                true => held,
                false => format!("{held}; flaky, held only when tried again: {}", flaky.join(", ")),
            }
        }
        verdict => of(verdict)
            .next()
            .map(|check| bounded(&check.message))
            .unwrap_or_default(),
    };
    let scenarios = VERDICTS.into_iter().filter_map(|verdict| {
        let names: Vec<String> = of(verdict).map(|check| text::line(&check.scenario)).collect();
        (!names.is_empty()).then(|| ByVerdict {
            verdict,
            names: names.join(", "),
        })
    });
    Row {
        verdict: requirement.verdict,
        requirement: text::line(&requirement.any.requirement),
        level: requirement.any.level,
        section: text::line(&requirement.any.section),
        url: link(&requirement.any.url),
        statement: bounded(&requirement.any.statement),
        anchor: requirement.anchor.clone(),
        explanation,
        counts: requirement.counts,
        scenarios: scenarios.collect(),
    }
}

fn scenarios(record: &Record) -> Vec<Played> {
    let mut counts: BTreeMap<ScenarioId, Summary> = BTreeMap::new();
    for check in &record.checks {
        counts.entry(check.scenario_id()).or_default().add(check.verdict);
    }
    let played = record.scenarios.iter().map(|scenario| {
        let counts = counts.get(&scenario.id).copied().unwrap_or_default();
        let verdict = match &scenario.disposition {
            Disposition::Error(_) => "error",
            Disposition::Skipped(_) => "skip",
            Disposition::Unjudged(_) => "inconclusive",
            Disposition::Inconclusive(_) if counts.fail == 0 => "inconclusive",
            _ => verdict(counts).name(),
        };
        Played {
            name: text::line(&scenario.id.name),
            title: bounded(&scenario.title),
            version: scenario.id.version,
            verdict,
            counts,
            millis: scenario.duration.as_millis(),
        }
    });
    played.collect()
}
