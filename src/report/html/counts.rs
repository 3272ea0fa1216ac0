//! Counts of checks and requirements by verdict, by chapter and by level.

use std::cmp::Reverse;

use serde::Serialize;

use super::judged::Judged;
use super::link;
use crate::report::{Record, text};
use castspec_fhircast::protocol::Version;
use castspec_judging::outcome::{Summary, Verdict};

/// The count of one verdict.
#[derive(Debug, Serialize)]
pub struct Tile {
    verdict: Verdict,
    checks: usize,
    requirements: usize,
    /// Of all checks, in hundredths of a percent.
    share: String,
}

/// A line of a table of counts.
#[derive(Debug, Serialize)]
pub struct Line {
    version: Version,
    name: String,
    url: Option<String>,
    requirements: usize,
    counts: Summary,
}

/// All verdicts, the most urgent first.
pub const VERDICTS: [Verdict; 5] = [
    Verdict::Fail,
    Verdict::Warn,
    Verdict::Inconclusive,
    Verdict::Skip,
    Verdict::Pass,
];

/// The count of each verdict.
pub fn tiles(record: &Record, judged: &[Judged<'_>]) -> Vec<Tile> {
    let count = |verdict: Verdict| {
        record
            .checks
            .iter()
            .filter(|check| check.verdict == verdict)
            .count()
    };
    let all = record.checks.len().max(1);
    VERDICTS
        .into_iter()
        .map(|verdict| {
            let checks = count(verdict);
            #[expect(clippy::cast_precision_loss, reason = "a share is shown to two places")]
            let share = checks as f64 * 100.0 / all as f64;
            Tile {
                verdict,
                checks,
                requirements: judged
                    .iter()
                    .filter(|requirement| requirement.verdict == verdict)
                    .count(),
                share: format!("{share:.2}"),
            }
        })
        .collect()
}

fn add(counts: &mut Summary, other: Summary) {
    counts.pass += other.pass;
    counts.fail += other.fail;
    counts.warn += other.warn;
    counts.skip += other.skip;
    counts.inconclusive += other.inconclusive;
}

/// Neighbours of the same version and name become one line.
fn lines<'a>(judged: &[&Judged<'a>], name: impl Fn(&Judged<'a>) -> (String, Option<String>)) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    for requirement in judged {
        let (name, url) = name(requirement);
        match lines.last_mut() {
            Some(line) if line.version == requirement.version && line.name == name => {
                line.requirements += 1;
                add(&mut line.counts, requirement.counts);
            }
            _ => lines.push(Line {
                version: requirement.version,
                name,
                url,
                requirements: 1,
                counts: requirement.counts,
            }),
        }
    }
    lines
}

/// By chapter of the specification.
pub fn chapters(judged: &[Judged<'_>]) -> Vec<Line> {
    let all: Vec<&Judged<'_>> = judged.iter().collect();
    lines(&all, |requirement| {
        let page = requirement.any.url.split('#').next().unwrap_or_default();
        (text::line(&requirement.chapter), link(page))
    })
}

/// By level.
pub fn levels(judged: &[Judged<'_>]) -> Vec<Line> {
    let mut all: Vec<&Judged<'_>> = judged.iter().collect();
    all.sort_by_key(|requirement| (Reverse(requirement.version), requirement.any.level));
    lines(&all, |requirement| (requirement.any.level.to_string(), None))
}
