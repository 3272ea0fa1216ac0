//! A requirement that was broken, as a card on the page: a few cases with all evidence, and where else it was broken.

use std::collections::BTreeMap;

use serde::Serialize;

use super::diagram::{Diagram, draw};
use super::judged::Judged;
use super::link;
use super::message::{Message, message};
use crate::report::Record;
use crate::report::text;
use castspec_fhircast::protocol::Version;
use castspec_fhircast::requirement::{Level, consequence_of};
use castspec_judging::outcome::{Check, Entry, Verdict};

/// Cases of one requirement that are shown with their evidence; the rest differs little, and is in report.json.
const SHOWN: usize = 3;
/// Characters of a text on the page at the most.
const LONGEST: usize = 4_000;

/// A requirement that was broken.
#[derive(Debug, Serialize)]
pub struct Broken {
    verdict: Verdict,
    requirement: String,
    version: Version,
    level: Level,
    chapter: String,
    section: String,
    url: Option<String>,
    statement: String,
    /// What may be met at the desk.
    consequence: Option<&'static str>,
    anchor: String,
    /// In how many scenarios, of how many that tried it.
    broken: usize,
    tried: usize,
    cases: Vec<Case>,
    /// Further scenarios in which it was broken, by what was found.
    elsewhere: Vec<Elsewhere>,
}

/// A check with its evidence.
#[derive(Debug, Serialize)]
struct Case {
    scenario: String,
    title: String,
    verdict: Verdict,
    message: String,
    expected: Option<String>,
    observed: Option<String>,
    diagram: Option<Diagram>,
    messages: Vec<Message>,
    repeat: Option<String>,
    /// Why, and until when, the failure is accepted.
    accepted: Option<String>,
}

/// Scenarios in which the same was found.
#[derive(Debug, Serialize)]
struct Elsewhere {
    message: String,
    scenarios: Vec<String>,
}

impl Broken {
    /// Nothing but warnings.
    pub fn is_warning(&self) -> bool {
        self.verdict == Verdict::Warn
    }
}

/// The card of a requirement; `None` where it was not broken.
pub fn broken(judged: &Judged<'_>, record: &Record) -> Option<Broken> {
    if !matches!(judged.verdict, Verdict::Fail | Verdict::Warn) {
        return None;
    }
    let mut broken: Vec<&Check> = judged
        .checks
        .iter()
        .copied()
        .filter(|check| is_broken(check))
        .collect();
    // A failure goes before a warning, and one case of each kind before a second of the same.
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    let mut order: Vec<(bool, usize)> = Vec::new();
    for check in &broken {
        let times = seen.entry(&check.message).or_default();
        order.push((check.verdict != Verdict::Fail, *times));
        *times += 1;
    }
    let mut ordered: Vec<((bool, usize), &Check)> = order.into_iter().zip(broken.drain(..)).collect();
    ordered.sort_by_key(|(order, _)| *order);
    let rest = ordered.split_off(ordered.len().min(SHOWN));
    let mut elsewhere: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (_, check) in &rest {
        elsewhere
            .entry(&check.message)
            .or_default()
            .push(text::line(&check.scenario));
    }
    Some(Broken {
        verdict: judged.verdict,
        requirement: text::line(&judged.any.requirement),
        version: judged.version,
        level: judged.any.level,
        chapter: text::line(&judged.chapter),
        section: text::line(&judged.any.section),
        url: link(&judged.any.url),
        statement: bounded(&judged.any.statement),
        consequence: consequence_of(&judged.any.requirement),
        anchor: judged.anchor.clone(),
        broken: judged.counts.fail + judged.counts.warn,
        tried: judged.checks.len() - judged.counts.skip - judged.counts.inconclusive,
        cases: ordered.iter().map(|(_, check)| case(check, record)).collect(),
        elsewhere: elsewhere
            .into_iter()
            .map(|(message, scenarios)| Elsewhere {
                message: bounded(message),
                scenarios,
            })
            .collect(),
    })
}

fn is_broken(check: &Check) -> bool {
    matches!(check.verdict, Verdict::Fail | Verdict::Warn)
}

fn case(check: &Check, record: &Record) -> Case {
    let scenario = record.scenario(&check.scenario_id());
    let transcript: &[Entry] = scenario.map_or(&[], |scenario| &scenario.transcript);
    Case {
        scenario: text::line(&check.scenario),
        title: scenario
            .map(|scenario| text::line(&scenario.title))
            .unwrap_or_default(),
        verdict: check.verdict,
        message: bounded(&check.message),
        expected: check.expected.as_deref().map(bounded),
        observed: check.observed.as_deref().map(bounded),
        diagram: draw(transcript, &check.evidence),
        messages: check.evidence.iter().map(message).collect(),
        repeat: check.repeat.as_deref().map(text::line),
        accepted: check
            .accepted
            .as_ref()
            .map(|accepted| bounded(&format!("Accepted until {}: {}", accepted.until, accepted.reason))),
    }
}

/// A text from outside, cut to a length that a page can show.
pub fn bounded(text: &str) -> String {
    let cleaned = text::clean(text);
    match cleaned.char_indices().nth(LONGEST) {
        Some((at, _)) => format!(
            "{}… ({} characters, in report.json)",
            &cleaned[..at],
            cleaned.chars().count()
        ),
        None => cleaned,
    }
}
