//! Requirements with all their checks: one row of the page each, however many scenarios tried it.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use crate::report::section;
use castspec_fhircast::protocol::Version;
use castspec_judging::outcome::{Check, Summary, Verdict};

/// A requirement under one version, with its checks.
#[derive(Debug)]
pub struct Judged<'a> {
    /// The version.
    pub version: Version,
    /// Its checks, by scenario; never empty.
    pub checks: Vec<&'a Check>,
    /// One of them, for level, section and statement, which are the same in all.
    pub any: &'a Check,
    /// The verdicts counted.
    pub counts: Summary,
    /// The verdict on the requirement.
    pub verdict: Verdict,
    /// The chapter of its section.
    pub chapter: String,
    /// A link to its row.
    pub anchor: String,
}

/// All requirements that were judged: the newest version first, by section and name.
pub fn judged(checks: &[Check]) -> Vec<Judged<'_>> {
    let mut groups: BTreeMap<_, Vec<&Check>> = BTreeMap::new();
    for check in checks {
        let key = (
            Reverse(check.fhircast_version),
            section::key(&check.section),
            &check.section,
            &check.requirement,
        );
        groups.entry(key).or_default().push(check);
    }
    let groups = groups.into_values().enumerate();
    groups
        .filter_map(|(position, checks)| {
            let any = checks.first().copied()?;
            let mut counts = Summary::default();
            checks.iter().for_each(|check| counts.add(check.verdict));
            Some(Judged {
                version: any.fhircast_version,
                any,
                counts,
                verdict: verdict(counts),
                chapter: section::chapter(any),
                anchor: anchor(any, position),
                checks,
            })
        })
        .collect()
}

/// The verdict on a requirement: the worst verdict of its checks; a skip only where every check is skipped.
pub fn verdict(counts: Summary) -> Verdict {
    match counts {
        Summary { fail: 1.., .. } => Verdict::Fail,
        Summary { warn: 1.., .. } => Verdict::Warn,
        Summary {
            inconclusive: 1.., ..
        } => Verdict::Inconclusive,
        Summary { pass: 1.., .. } => Verdict::Pass,
        _ => Verdict::Skip,
    }
}

/// A name for links that stays the same from run to run; where an id has characters of its own, its position.
fn anchor(check: &Check, position: usize) -> String {
    let version = check.fhircast_version.to_string().to_lowercase();
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    match !check.requirement.is_empty() && check.requirement.chars().all(plain) {
        true => format!("{version}.{}", check.requirement),
        false => format!("{version}.{position}"),
    }
}
