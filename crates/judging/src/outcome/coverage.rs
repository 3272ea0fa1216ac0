//! What a run set out to judge, and how much of it it has judged: a verdict says nothing of what was never tried.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};

use super::check::{Check, Verdict};
use crate::protocol::Version;
use crate::requirement::{Actor, Catalogue, Level, RequirementId};

/// What a run set out to judge.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scope {
    /// The selectors that chose the scenarios; none where all were chosen.
    pub selection: Vec<String>,
    /// The shares of a run that was split.
    pub shares: Option<Shares>,
    /// Whose requirements could be judged.
    pub sides: Vec<Side>,
}

/// Shares of a run that was split.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shares {
    /// Which of them, from 1.
    pub numbers: BTreeSet<usize>,
    /// Of how many.
    pub of: usize,
    /// Tells runs apart: equal where the same scenarios were split for the same versions.
    pub plan: String,
}

/// A run is split into so many shares at the most.
const MOST_SHARES: usize = 10_000;

impl Shares {
    /// Whether a run can have been split so.
    pub fn are_possible(&self) -> bool {
        let numbers = 1..=self.of;
        self.of <= MOST_SHARES
            && !self.numbers.is_empty()
            && self.numbers.iter().all(|number| numbers.contains(number))
    }

    /// Those that are not there.
    pub fn missing(&self) -> Vec<usize> {
        (1..=self.of)
            .filter(|number| !self.numbers.contains(number))
            .collect()
    }
}

impl fmt::Display for Shares {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let numbers: Vec<String> = self.numbers.iter().map(ToString::to_string).collect();
        let noun = match numbers.len() {
            1 => "shard",
            _ => "shards",
        };
        write!(f, "{noun} {} of {}", numbers.join(", "), self.of)
    }
}

/// A party under one version, with those of its requirements that can be observed and bind it (SHALL and SHOULD).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Side {
    /// The version.
    pub version: Version,
    /// The party.
    pub actor: Actor,
    /// Its requirements, each with its statement.
    pub requirements: BTreeMap<RequirementId, String>,
}

impl Side {
    /// A party under a version, as the catalogue has it.
    pub fn of(catalogue: &Catalogue, version: Version, actor: Actor) -> Self {
        let requirements = catalogue.iter().filter(|requirement| {
            requirement.version == version
                && requirement.actor == actor
                && requirement.level != Level::May
                && requirement.unobservable.is_none()
        });
        Self {
            version,
            actor,
            requirements: requirements
                .map(|requirement| (requirement.id.clone(), requirement.text.clone()))
                .collect(),
        }
    }
}

/// How much of each side a run has judged.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Coverage {
    /// Each side, in the order of the scope.
    pub sides: Vec<SideCoverage>,
}

/// How much of one side a run has judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SideCoverage {
    /// The version.
    pub version: Version,
    /// The party.
    pub actor: Actor,
    /// The requirements with a verdict: held or broken.
    pub judged: BTreeSet<RequirementId>,
    /// The requirements that did not apply, each with the reason.
    pub skipped: BTreeMap<RequirementId, String>,
    /// The requirements that were not tried, or of which it stayed open whether they hold, each with its statement.
    pub not_reached: BTreeMap<RequirementId, String>,
}

impl SideCoverage {
    /// The requirements that can be observed.
    pub fn observable(&self) -> usize {
        self.judged.len() + self.skipped.len() + self.not_reached.len()
    }

    /// So little was judged of what applies that the verdict says little.
    fn is_thin(&self) -> bool {
        let applies = self.judged.len() + self.not_reached.len();
        self.observable() > 0 && (self.judged.is_empty() || self.judged.len() * 4 < applies * 3)
    }
}

impl Coverage {
    /// How much these checks judge of a scope.
    pub fn of<'c>(scope: &Scope, checks: impl IntoIterator<Item = &'c Check>) -> Self {
        let mut judged: BTreeSet<(Version, &RequirementId)> = BTreeSet::new();
        let mut skipped: BTreeMap<(Version, &RequirementId), &str> = BTreeMap::new();
        for check in checks {
            let key = (check.fhircast_version, &check.requirement);
            match check.verdict {
                Verdict::Pass | Verdict::Fail | Verdict::Warn => {
                    judged.insert(key);
                }
                // What the operator left out was not tried.
                Verdict::Skip if check.left_out => {}
                Verdict::Skip => {
                    skipped.entry(key).or_insert(&check.message);
                }
                Verdict::Inconclusive => {}
            }
        }
        let sides = scope.sides.iter().map(|side| {
            let mut covered = SideCoverage {
                version: side.version,
                actor: side.actor,
                judged: BTreeSet::new(),
                skipped: BTreeMap::new(),
                not_reached: BTreeMap::new(),
            };
            for (requirement, statement) in &side.requirements {
                let key = (side.version, requirement);
                if judged.contains(&key) {
                    covered.judged.insert(requirement.clone());
                } else if let Some(why) = skipped.get(&key) {
                    covered.skipped.insert(requirement.clone(), (*why).to_owned());
                } else {
                    covered.not_reached.insert(requirement.clone(), statement.clone());
                }
            }
            covered
        });
        Self {
            sides: sides.collect(),
        }
    }

    /// Whether so little of a side was judged of what applies to it that the verdict says little of it.
    pub fn is_thin(&self) -> bool {
        self.sides.iter().any(SideCoverage::is_thin)
    }

    /// All sides in numbers, as in "180 of 182 requirements judged, 2 skipped"; nothing where no side is known.
    pub fn sentence(&self) -> Option<String> {
        let sum = |count: fn(&SideCoverage) -> usize| self.sides.iter().map(count).sum::<usize>();
        let observable = sum(SideCoverage::observable);
        if observable == 0 {
            return None;
        }
        let mut told = format!(
            "{} of {observable} requirements judged",
            sum(|side| side.judged.len())
        );
        for (count, what) in [
            (sum(|side| side.skipped.len()), "skipped"),
            (sum(|side| side.not_reached.len()), "not reached"),
        ] {
            if count > 0 {
                told.push_str(&format!(", {count} {what}"));
            }
        }
        Some(told)
    }
}

#[cfg(test)]
mod tests;
