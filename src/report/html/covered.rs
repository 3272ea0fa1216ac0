//! How much was tried, for the page.

use std::cmp::Reverse;

use serde::Serialize;

use crate::report::{Record, scope, text};
use castspec_fhircast::protocol::Version;

/// Requirements that are listed as not reached, at the most.
const MOST_NOT_REACHED: usize = 500;

/// How much of a party's requirements was judged under a version.
#[derive(Debug, Serialize)]
pub(super) struct Covered {
    version: Version,
    actor: String,
    observable: usize,
    judged: usize,
    skipped: usize,
    not_reached: usize,
    judged_share: String,
    skipped_share: String,
    /// Those that were not reached, with their statements.
    requirements: Vec<(String, String)>,
}

/// What of a whole run was not played.
pub(super) fn limits(record: &Record) -> Option<String> {
    let scope = &record.began.as_ref()?.scope;
    let mut told = scope::told(scope)?;
    if let Some(shares) = &scope.shares {
        let missing: Vec<String> = shares.missing().iter().map(ToString::to_string).collect();
        told.push_str(&format!("; missing: {}", missing.join(", ")));
    }
    Some(text::clean(&told))
}

/// How much of each side was judged.
pub(super) fn coverage(record: &Record) -> Vec<Covered> {
    let coverage = record.coverage();
    let covered = coverage.sides.iter().map(|side| {
        let share = |count: usize| 100.0 * count as f64 / side.observable().max(1) as f64;
        let mut not_reached: Vec<(String, String)> = side
            .not_reached
            .iter()
            .map(|(id, statement)| (text::line(id), text::line(statement)))
            .collect();
        not_reached.truncate(MOST_NOT_REACHED);
        Covered {
            version: side.version,
            actor: side.actor.to_string().replace('-', " "),
            observable: side.observable(),
            judged: side.judged.len(),
            skipped: side.skipped.len(),
            not_reached: side.not_reached.len(),
            judged_share: format!("{:.1}", share(side.judged.len())),
            skipped_share: format!("{:.1}", share(side.skipped.len())),
            requirements: not_reached,
        }
    });
    let mut covered: Vec<Covered> = covered.filter(|covered| covered.observable > 0).collect();
    covered.sort_by_key(|covered| Reverse(covered.version));
    covered
}
