//! Coverage as report.json keeps it: by version and party, in numbers and by name.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use castspec_fhircast::protocol::Version;
use castspec_fhircast::requirement::{Actor, RequirementId};
use castspec_judging::outcome::{Coverage, Side, SideCoverage};

/// The coverage of each party under each version.
pub(super) type CoverageTold = BTreeMap<Version, BTreeMap<Actor, SideTold>>;

/// The coverage of a party under a version.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct SideTold {
    observable: usize,
    judged: usize,
    skipped: usize,
    not_reached: usize,
    /// What the numbers count.
    requirements: Requirements,
}

#[derive(Debug, Serialize, Deserialize)]
struct Requirements {
    judged: BTreeSet<RequirementId>,
    /// Each with the reason.
    skipped: BTreeMap<RequirementId, String>,
    /// Each with its statement.
    not_reached: BTreeMap<RequirementId, String>,
}

/// As report.json has it.
pub(super) fn told(coverage: &Coverage) -> CoverageTold {
    let mut told = CoverageTold::new();
    for side in &coverage.sides {
        let of_version = told.entry(side.version).or_default();
        of_version.insert(side.actor, SideTold::of(side));
    }
    told
}

/// Whose requirements could be judged. The numbers are counted anew.
pub(super) fn sides(told: CoverageTold) -> Vec<Side> {
    let mut sides = Vec::new();
    for (version, actors) in told {
        for (actor, side) in actors {
            let Requirements {
                judged,
                skipped,
                not_reached,
            } = side.requirements;
            // The checks have the statements of these.
            let judged = judged.into_iter().chain(skipped.into_keys());
            let judged = judged.map(|requirement| (requirement, String::new()));
            sides.push(Side {
                version,
                actor,
                requirements: judged.chain(not_reached).collect(),
            });
        }
    }
    sides
}

impl SideTold {
    fn of(side: &SideCoverage) -> Self {
        Self {
            observable: side.observable(),
            judged: side.judged.len(),
            skipped: side.skipped.len(),
            not_reached: side.not_reached.len(),
            requirements: Requirements {
                judged: side.judged.clone(),
                skipped: side.skipped.clone(),
                not_reached: side.not_reached.clone(),
            },
        }
    }
}
