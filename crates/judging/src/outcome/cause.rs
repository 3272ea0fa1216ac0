//! The causes of a finished run: a fault that shows in a hundred scenarios is one cause, told once.
//!
//! Breaches have the same cause where they have the same version, the same requirement, the same place in the message, and
//! the same was seen there. What could not be judged because of a breach is counted with its cause.

mod kind;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::check::{Check, Verdict};
use super::scenario_id::ScenarioId;
use super::transcript::Evidence;
use crate::protocol::Version;
use crate::requirement::{RequirementId, consequence_of};

/// Causes of one requirement at the most, before those at the same place become one.
const MOST: usize = 6;

/// Reasons of the run itself: no breach has them as its consequence.
const REASONS_OF_THE_RUN: [&str; 2] = ["the run was interrupted", "the hub had stopped answering"];

impl Check {
    /// Whether it stayed open for the end of the run alone.
    pub fn is_open_by_the_end_of_the_run(&self) -> bool {
        let mut reasons = REASONS_OF_THE_RUN.iter();
        self.verdict == Verdict::Inconclusive && reasons.any(|reason| self.message.starts_with(reason))
    }
}

/// A fault of the hub, with everything that it explains.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Cause {
    /// Its name in this run: `c1`.
    pub id: String,
    /// The requirement's id.
    pub requirement: RequirementId,
    /// The version.
    pub fhircast_version: Version,
    /// One sentence: what its first check says.
    pub message: String,
    /// The heavier verdict of its checks: fail or warn.
    pub verdict: Verdict,
    /// How many checks are broken by it.
    pub checks: usize,
    /// The scenarios of these checks, by name.
    pub scenarios: Vec<String>,
    /// How many checks could not be judged because of it.
    pub hides: usize,
    /// What may be met at the desk, in plain words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub consequence: Option<&'static str>,
    /// The place in the message: a JSON pointer, with `*` for any index.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pointer: Option<String>,
    /// What was seen at that place, without names and values; empty where several kinds became one cause.
    #[serde(skip)]
    kind: String,
}

impl Cause {
    /// Whether it is the same fault, whatever the version and the run.
    pub fn is_like(&self, other: &Self) -> bool {
        let merged = self.kind.is_empty() || other.kind.is_empty();
        (&self.requirement, &self.pointer) == (&other.requirement, &other.pointer)
            && (merged || self.kind == other.kind)
    }
}

/// A reason for which checks could not be judged, where no cause explains it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenReason {
    /// One sentence: what the first of these checks says.
    pub message: String,
    /// How many checks could not be judged.
    pub checks: usize,
    /// Their scenarios.
    pub scenarios: Vec<ScenarioId>,
    /// Their requirements, by id.
    pub requirements: Vec<RequirementId>,
}

/// The causes of a finished run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Causes {
    /// The causes: the newest version first, by requirement, then by their first scenario.
    pub all: Vec<Cause>,
    /// Why other checks could not be judged.
    pub open: Vec<OpenReason>,
}

/// What broken checks of one cause have in common.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    version: Reverse<Version>,
    requirement: RequirementId,
    pointer: Option<String>,
    kind: String,
}

/// Where a cause shows in a scenario: heavier verdicts and earlier messages go first.
type Showing = (Reverse<Verdict>, usize, usize);

impl Causes {
    /// Finds the causes of all checks of a run, in whatever order they come, and gives each check the name of its cause.
    /// The actors are the mock subscribers, as far as the evidence does not name them.
    pub fn of<'a>(checks: &mut [Check], actors: impl IntoIterator<Item = &'a str>) -> Self {
        let mut order: Vec<usize> = (0..checks.len()).collect();
        order.sort_by(|one, other| key_of_order(&checks[*one]).cmp(&key_of_order(&checks[*other])));
        let names = names(checks, actors);
        let groups = groups(checks, &order, &names);
        let mut causes: Vec<Cause> = Vec::new();
        let mut cause_of: BTreeMap<usize, usize> = BTreeMap::new();
        for (key, members) in &groups {
            cause_of.extend(members.iter().map(|member| (*member, causes.len())));
            causes.push(cause(causes.len() + 1, key, members, checks));
        }
        let open = consequences(checks, &order, &names, &mut causes, &mut cause_of);
        for (position, check) in checks.iter_mut().enumerate() {
            check.cause = cause_of.get(&position).map(|cause| causes[*cause].id.clone());
        }
        Self { all: causes, open }
    }
}

impl Check {
    /// The evidence that shows the breach: the first with a place in it, else the last.
    pub fn main_evidence(&self) -> Option<&Evidence> {
        let with_place = self.evidence.iter().find(|evidence| evidence.pointer.is_some());
        with_place.or(self.evidence.last())
    }

    /// Whether its requirement did not hold.
    pub fn is_broken(&self) -> bool {
        matches!(self.verdict, Verdict::Fail | Verdict::Warn)
    }
}

fn key_of_order(check: &Check) -> (Reverse<Version>, &str, &str, &str) {
    (
        Reverse(check.fhircast_version),
        &check.requirement,
        &check.scenario,
        &check.id,
    )
}

/// The names of mock subscribers.
fn names<'a>(checks: &[Check], actors: impl IntoIterator<Item = &'a str>) -> BTreeSet<String> {
    let evidence = checks.iter().flat_map(|check| &check.evidence);
    let of_evidence = evidence.map(|evidence| evidence.entry.actor.clone());
    let names = of_evidence.chain(actors.into_iter().map(str::to_owned));
    names.filter(|name| name != "hub").collect()
}

/// Broken checks by what they have in common, in the order of the first of each.
fn groups(checks: &[Check], order: &[usize], names: &BTreeSet<String>) -> Vec<(Key, Vec<usize>)> {
    let mut groups: BTreeMap<Key, Vec<usize>> = BTreeMap::new();
    for position in order {
        let check = &checks[*position];
        if !check.is_broken() {
            continue;
        }
        let pointer = check
            .main_evidence()
            .and_then(|evidence| evidence.pointer.as_deref());
        let key = Key {
            version: Reverse(check.fhircast_version),
            requirement: check.requirement.clone(),
            pointer: pointer.map(kind::place),
            kind: kind::of(&check.message, names),
        };
        groups.entry(key).or_default().push(*position);
    }
    let mut of_requirement: BTreeMap<(Reverse<Version>, RequirementId), usize> = BTreeMap::new();
    for key in groups.keys() {
        *of_requirement
            .entry((key.version, key.requirement.clone()))
            .or_default() += 1;
    }
    let rank: BTreeMap<usize, usize> = order
        .iter()
        .enumerate()
        .map(|(rank, position)| (*position, rank))
        .collect();
    let mut at_place: BTreeMap<Key, Vec<(Key, Vec<usize>)>> = BTreeMap::new();
    for (key, members) in groups {
        let many = of_requirement
            .get(&(key.version, key.requirement.clone()))
            .is_some_and(|count| *count > MOST);
        let wide = match many {
            true => Key {
                kind: String::new(),
                ..key.clone()
            },
            false => key.clone(),
        };
        at_place.entry(wide).or_default().push((key, members));
    }
    let mut merged: Vec<(Key, Vec<usize>)> = Vec::new();
    for (wide, mut kinds) in at_place {
        match kinds.len() {
            1 => merged.append(&mut kinds),
            _ => {
                let mut members: Vec<usize> = kinds.into_iter().flat_map(|(_, members)| members).collect();
                members.sort_by_key(|member| rank.get(member).copied());
                merged.push((wide, members));
            }
        }
    }
    merged.sort_by_key(|(_, members)| {
        members
            .first()
            .and_then(|first| rank.get(first).copied())
            .unwrap_or_default()
    });
    merged
}

fn cause(number: usize, key: &Key, members: &[usize], checks: &[Check]) -> Cause {
    let of_cause = || members.iter().map(|member| &checks[*member]);
    let scenarios: BTreeSet<&str> = of_cause().map(|check| check.scenario.as_str()).collect();
    let failed = of_cause().any(|check| check.verdict == Verdict::Fail);
    Cause {
        id: format!("c{number}"),
        requirement: key.requirement.clone(),
        fhircast_version: key.version.0,
        message: of_cause()
            .next()
            .map(|check| check.message.clone())
            .unwrap_or_default(),
        verdict: if failed { Verdict::Fail } else { Verdict::Warn },
        checks: members.len(),
        scenarios: scenarios.into_iter().map(str::to_owned).collect(),
        hides: 0,
        consequence: consequence_of(&key.requirement),
        pointer: key.pointer.clone(),
        kind: key.kind.clone(),
    }
}

/// Gives what could not be judged to the causes that explain it; the reasons of the rest are returned.
fn consequences(
    checks: &[Check],
    order: &[usize],
    names: &BTreeSet<String>,
    causes: &mut [Cause],
    cause_of: &mut BTreeMap<usize, usize>,
) -> Vec<OpenReason> {
    let mut showings: BTreeMap<ScenarioId, BTreeSet<Showing>> = BTreeMap::new();
    for (position, cause) in cause_of.iter() {
        let check = &checks[*position];
        let sequence = check
            .main_evidence()
            .map_or(usize::MAX, |evidence| evidence.entry.sequence);
        showings
            .entry(check.scenario_id())
            .or_default()
            .insert((Reverse(check.verdict), sequence, *cause));
    }
    let none = BTreeSet::new();
    let mut positions: BTreeMap<String, usize> = BTreeMap::new();
    let mut open: Vec<OpenReason> = Vec::new();
    for position in order {
        let check = &checks[*position];
        if check.verdict != Verdict::Inconclusive {
            continue;
        }
        let showings = showings.get(&check.scenario_id()).unwrap_or(&none);
        if let Some(cause) = explaining(&check.message, showings, causes) {
            causes[cause].hides += 1;
            cause_of.insert(*position, cause);
            continue;
        }
        let at = *positions
            .entry(kind::of(&check.message, names))
            .or_insert(open.len());
        if at == open.len() {
            open.push(OpenReason {
                message: check.message.clone(),
                checks: 0,
                scenarios: Vec::new(),
                requirements: Vec::new(),
            });
        }
        let reason = &mut open[at];
        reason.checks += 1;
        let scenario = check.scenario_id();
        if !reason.scenarios.contains(&scenario) {
            reason.scenarios.push(scenario);
        }
        if !reason.requirements.contains(&check.requirement) {
            reason.requirements.push(check.requirement.clone());
        }
    }
    for reason in &mut open {
        reason.scenarios.sort_by(|one, other| {
            (Reverse(one.version), &one.name).cmp(&(Reverse(other.version), &other.name))
        });
        reason.requirements.sort();
    }
    open
}

/// The cause that explains why something could not be judged: the one whose requirement the reason names, else the first
/// failure of the scenario. A broken SHOULD keeps nothing from being judged, unless it is named.
fn explaining(why: &str, showings: &BTreeSet<Showing>, causes: &[Cause]) -> Option<usize> {
    if REASONS_OF_THE_RUN.iter().any(|reason| why.starts_with(reason)) {
        return None;
    }
    let named = |showing: &&Showing| why.contains(&format!("({})", causes[showing.2].requirement));
    let failed = |showing: &&Showing| showing.0.0 == Verdict::Fail;
    let showing = showings
        .iter()
        .find(named)
        .or_else(|| showings.iter().find(failed));
    showing.map(|showing| showing.2)
}

#[cfg(test)]
mod tests;
