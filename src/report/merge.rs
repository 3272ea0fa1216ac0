//! Merging the reports of a run that was split.

use std::collections::BTreeMap;

use super::record::Record;
use super::stored::StoredRun;
use castspec_judging::outcome::{ScenarioId, Shares, Side, Target};

/// Runs that are not parts of one.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum MergeError {
    /// A check stands in two of them.
    #[error("the check {id} is in {first} and in {second}: they are not parts of one run")]
    Twice {
        /// The check's id.
        id: String,
        /// One report.
        first: String,
        /// Another one.
        second: String,
    },
    /// They differ in something that the whole has but once.
    #[error("{first} and {second} are not parts of one run: {what} differs, {one} and {other}")]
    Differ {
        /// In what.
        what: &'static str,
        /// One report.
        first: String,
        /// Its value.
        one: String,
        /// Another report.
        second: String,
        /// Its value.
        other: String,
    },
    /// A part is no share of the run that the others are shares of.
    #[error(
        "{second} is no part of the run that {first} is a part of: {what}; run every shard with the same selection, versions and number of shards"
    )]
    Foreign {
        /// One report.
        first: String,
        /// Another report.
        second: String,
        /// What shows it.
        what: String,
    },
    /// Shares are missing.
    #[error(
        "{} of {of} {} missing: name the reports of all shards, or merge what is there with --partial",
        told(missing),
        if missing.len() == 1 { "is" } else { "are" }
    )]
    Incomplete {
        /// Which.
        missing: Vec<usize>,
        /// Of how many.
        of: usize,
    },
    /// There is nothing to merge.
    #[error("no report is named")]
    Nothing,
}

/// Numbers of shards in words.
fn told(numbers: &[usize]) -> String {
    let told: Vec<String> = numbers.iter().map(ToString::to_string).collect();
    match told.len() {
        1 => format!("shard {}", told.join(", ")),
        _ => format!("shards {}", told.join(", ")),
    }
}

/// Whether all shares of a run must be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// All of them.
    Whole,
    /// What there is.
    Partial,
}

/// Puts runs together. The whole began when the first of them began, and took as long as all together.
///
/// # Errors
/// When a check or a scenario stands in two of them, when a share is missing that is wanted or is of another run, or when they tell of different hubs, versions of castspec or strictness.
pub fn merge(runs: Vec<StoredRun>, wanted: Wanted) -> Result<StoredRun, MergeError> {
    let mut checks: BTreeMap<String, String> = BTreeMap::new();
    let mut scenarios: BTreeMap<ScenarioId, String> = BTreeMap::new();
    let shares = shares(&runs, wanted)?;
    let mut runs = runs.into_iter();
    let mut whole = runs.next().ok_or(MergeError::Nothing)?;
    note(&whole, &mut checks, &mut scenarios)?;
    for run in runs {
        note(&run, &mut checks, &mut scenarios)?;
        agree(&whole, &run)?;
        add(&mut whole.record, run.record);
    }
    if let Some(began) = &mut whole.record.began {
        began.scope.shares = shares;
    }
    whole.record.settle();
    Ok(whole)
}

/// The shares that are there; nothing where they are a whole.
fn shares(runs: &[StoredRun], wanted: Wanted) -> Result<Option<Shares>, MergeError> {
    let of = |run: &StoredRun| run.record.began.as_ref()?.scope.shares.clone();
    let Some(first) = runs.first() else {
        return Ok(None);
    };
    let mut whole = of(first);
    for run in &runs[1..] {
        let foreign = |what: String| MergeError::Foreign {
            first: first.name.clone(),
            second: run.name.clone(),
            what,
        };
        match (&mut whole, of(run)) {
            (None, None) => {}
            (Some(whole), Some(shares)) if whole.of != shares.of => {
                let what = format!("one of {} shards, not of {}", shares.of, whole.of);
                return Err(foreign(what));
            }
            (Some(whole), Some(shares)) if whole.plan != shares.plan => {
                let what = format!("its plan is {}, not {}", shares.plan, whole.plan);
                return Err(foreign(what));
            }
            (Some(whole), Some(shares)) => {
                if let Some(twice) = whole.numbers.intersection(&shares.numbers).next() {
                    return Err(foreign(format!("shard {twice} is there already")));
                }
                whole.numbers.extend(shares.numbers);
            }
            (Some(_), None) => return Err(foreign("it is no shard".to_owned())),
            (None, Some(shares)) => {
                return Err(foreign(format!("it is {shares}, and the other is no shard")));
            }
        }
    }
    let missing = whole.as_ref().map(Shares::missing).unwrap_or_default();
    match whole {
        Some(whole) if !missing.is_empty() && wanted == Wanted::Whole => Err(MergeError::Incomplete {
            missing,
            of: whole.of,
        }),
        Some(whole) if !missing.is_empty() => Ok(Some(whole)),
        _ => Ok(None),
    }
}

/// Notes the checks and scenarios of a run; no other run may have them.
fn note(
    run: &StoredRun,
    checks: &mut BTreeMap<String, String>,
    scenarios: &mut BTreeMap<ScenarioId, String>,
) -> Result<(), MergeError> {
    let twice = |id: &str, first: String| MergeError::Twice {
        id: id.to_owned(),
        first,
        second: run.name.clone(),
    };
    for check in &run.record.checks {
        if let Some(first) = checks.insert(check.id.clone(), run.name.clone()) {
            return Err(twice(&check.id, first));
        }
    }
    for scenario in &run.record.scenarios {
        if let Some(first) = scenarios.insert(scenario.id.clone(), run.name.clone()) {
            return Err(twice(&scenario.id.to_string(), first));
        }
    }
    Ok(())
}

fn agree(whole: &StoredRun, run: &StoredRun) -> Result<(), MergeError> {
    let differ = |what, one: String, other: String| MergeError::Differ {
        what,
        first: whole.name.clone(),
        one,
        second: run.name.clone(),
        other,
    };
    let (ours, theirs) = (whole.record.grading, run.record.grading);
    if ours != theirs {
        return Err(differ(
            "--strict",
            ours.is_strict().to_string(),
            theirs.is_strict().to_string(),
        ));
    }
    if let (Some(ours), Some(theirs)) = (&whole.record.digests, &run.record.digests)
        && ours != theirs
    {
        return Err(differ("what was judged by", ours.to_string(), theirs.to_string()));
    }
    let (Some(one), Some(other)) = (&whole.record.began, &run.record.began) else {
        return Ok(());
    };
    if one.tool != other.tool {
        let told = |tool: &castspec_judging::outcome::Tool| format!("{} {}", tool.name, tool.version);
        return Err(differ("the program", told(&one.tool), told(&other.tool)));
    }
    let targets = |began: &castspec_judging::outcome::RunBegan| -> Vec<Target> {
        let all = std::iter::once(&began.target).chain(&began.further_targets);
        all.cloned().collect()
    };
    for ours in targets(one) {
        for theirs in targets(other) {
            // The built-in hub is at another port in every run.
            let same = ours.hub_url == theirs.hub_url || (ours.built_in && theirs.built_in);
            if ours.fhircast_version == theirs.fhircast_version && !same {
                return Err(differ("the hub", ours.hub_url, theirs.hub_url));
            }
        }
    }
    Ok(())
}

fn add(whole: &mut Record, run: Record) {
    whole.checks.extend(run.checks);
    whole.scenarios.extend(run.scenarios);
    whole.observations.extend(run.observations);
    whole.duration += run.duration;
    whole.interrupted |= run.interrupted;
    whole.hub_lost = whole.hub_lost.take().or(run.hub_lost);
    match (&mut whole.began, run.began) {
        (Some(began), Some(theirs)) => {
            let instant = |text: &str| text.parse::<jiff::Timestamp>().ok();
            if instant(&theirs.started) < instant(&began.started) {
                began.started = theirs.started;
            }
            began.scenarios += theirs.scenarios;
            for side in theirs.scope.sides {
                let known = |known: &&mut Side| (known.version, known.actor) == (side.version, side.actor);
                match began.scope.sides.iter_mut().find(known) {
                    Some(known) => {
                        for (requirement, statement) in side.requirements {
                            let known = known.requirements.entry(requirement).or_default();
                            if known.is_empty() {
                                *known = statement;
                            }
                        }
                    }
                    None => began.scope.sides.push(side),
                }
            }
            for selector in theirs.scope.selection {
                if !began.scope.selection.contains(&selector) {
                    began.scope.selection.push(selector);
                }
            }
            for target in std::iter::once(theirs.target).chain(theirs.further_targets) {
                let known = |known: &Target| known.fhircast_version == target.fhircast_version;
                if !known(&began.target) && !began.further_targets.iter().any(known) {
                    began.further_targets.push(target);
                }
            }
        }
        (began @ None, theirs) => *began = theirs,
        (Some(_), None) => {}
    }
}
