//! Findings on a requirement, and the check that they make together.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::breach::{Breach, Place};
use crate::outcome::{Check, Entry, Evidence, Verdict};
use crate::protocol::Version;
use crate::requirement::{Catalogue, Level, Requirement, RequirementId};

/// The result of one try of a requirement.
#[derive(Debug, Clone)]
pub(super) enum Finding {
    /// It held.
    Held,
    /// It did not hold.
    Broken(Breach),
    /// It could not be tried, and why.
    Unreached(String),
    /// It has nothing to say here, and why.
    Inapplicable(String),
}

impl Finding {
    /// The verdict on a requirement of this level of which nothing else was found.
    pub(super) fn weigh(&self, level: Level) -> Verdict {
        match self {
            Self::Inapplicable(_) => Verdict::Skip,
            Self::Held => Verdict::Pass,
            Self::Unreached(_) => Verdict::Inconclusive,
            Self::Broken(breach) => Verdict::of_breach(level, breach.unmet),
        }
    }
}

/// The check that these findings make: the first of the heaviest gives the verdict, so that its message is about what
/// happened first.
pub(super) fn check_of(
    scenario: &str,
    requirement: &Requirement,
    findings: &[Finding],
    transcript: &[Arc<Entry>],
) -> Check {
    let mut check = Check::blank(scenario, requirement);
    let weigh = |finding: &Finding| finding.weigh(requirement.level);
    let mut heaviest = &findings[0];
    for finding in findings {
        if weigh(finding).outweighs(weigh(heaviest)) {
            heaviest = finding;
        }
    }
    check.verdict = weigh(heaviest);
    let tries = findings
        .iter()
        .filter(|finding| matches!(finding, Finding::Held | Finding::Broken(_)))
        .count();
    match heaviest {
        Finding::Inapplicable(why) | Finding::Unreached(why) => check.message.clone_from(why),
        Finding::Held => {
            check.message = if tries > 1 {
                format!("held {tries} times")
            } else {
                "held".to_owned()
            };
        }
        Finding::Broken(breach) => {
            check.message.clone_from(&breach.message);
            check.expected.clone_from(&breach.expected);
            check.observed.clone_from(&breach.observed);
            check.evidence = evidence(&breach.places, transcript);
        }
    }
    check
}

/// Checks of a scenario that did not run at all: one for each requirement that it states.
pub fn unjudged(
    catalogue: &Catalogue,
    version: Version,
    scenario: &str,
    stated: &BTreeSet<RequirementId>,
    verdict: Verdict,
    why: &str,
) -> Vec<Check> {
    let known = stated.iter().filter_map(|id| catalogue.get(version, id));
    known
        .map(|requirement| Check {
            verdict,
            message: why.to_owned(),
            ..Check::blank(scenario, requirement)
        })
        .collect()
}

/// The messages at these places, in the order in which they passed.
fn evidence(places: &[Place], transcript: &[Arc<Entry>]) -> Vec<Evidence> {
    let mut places: Vec<&Place> = places.iter().collect();
    places.sort_by_key(|place| place.sequence);
    places.dedup_by_key(|place| place.sequence);
    places
        .into_iter()
        .filter_map(|place| {
            let entry = Entry::clone(transcript.get(place.sequence)?);
            Some(Evidence {
                entry,
                pointer: place.pointer.clone().filter(|pointer| !pointer.is_empty()),
            })
        })
        .collect()
}
