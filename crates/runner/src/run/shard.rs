//! A run split over several machines: each takes its share of the scenarios, the same at every time.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::execution::VersionPlan;
use crate::outcome::Shares;
use crate::scenario::Scenario;

/// Characters of a plan's fingerprint.
const FINGERPRINT: usize = 16;

/// One share of a run: the second of four is written `2/4`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shard {
    /// Which, from 1.
    number: usize,
    /// Of how many.
    of: usize,
}

/// The text is no share of a run.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("'{0}' is no share of a run; the second of four is written 2/4")]
pub struct ShardError(String);

impl FromStr for Shard {
    type Err = ShardError;

    fn from_str(text: &str) -> Result<Self, ShardError> {
        let error = || ShardError(text.to_owned());
        let (number, of) = text.split_once('/').ok_or_else(error)?;
        let number: usize = number.parse().map_err(|_| error())?;
        let of: usize = of.parse().map_err(|_| error())?;
        match (1..=of).contains(&number) {
            true => Ok(Self { number, of }),
            false => Err(error()),
        }
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.number, self.of)
    }
}

impl Shard {
    /// This share of a run of these plans, as reports tell it.
    pub fn told(self, plans: &[VersionPlan]) -> Shares {
        let mut lines: Vec<String> = Vec::new();
        for plan in plans {
            let scenarios = plan.scenarios.iter();
            lines.extend(scenarios.map(|scenario| {
                let document = hex::encode(Sha256::digest(format!("{:?}", scenario.document)));
                let target = &plan.target;
                let manner = (
                    target.quick,
                    target.intrusive,
                    target.deployment,
                    target.timing.idle,
                );
                format!("{} {} {document} {manner:?}", target.version, scenario.name)
            }));
        }
        lines.sort_unstable();
        let plan = hex::encode(Sha256::digest(lines.join("\n")));
        Shares {
            numbers: BTreeSet::from([self.number]),
            // A share in which there would be nothing is none.
            of: self.of.min(lines.len()),
            plan: plan.chars().take(FINGERPRINT).collect(),
        }
    }

    /// The scenarios of this share; every scenario under every version is in just one share. The heaviest go first, each to
    /// the share that has the least to do.
    pub fn of(self, plans: Vec<VersionPlan>) -> Vec<VersionPlan> {
        let mut all: Vec<(usize, Arc<Scenario>)> = Vec::new();
        for (position, plan) in plans.iter().enumerate() {
            all.extend(plan.scenarios.iter().map(|scenario| (position, scenario.clone())));
        }
        all.sort_by(|(one_plan, one), (other_plan, other)| {
            let heavier = other.cost().cmp(&one.cost());
            heavier.then_with(|| (&one.name, one_plan).cmp(&(&other.name, other_plan)))
        });
        let mut loads = vec![0_u64; self.of];
        let mut shares: Vec<Vec<Arc<Scenario>>> = vec![Vec::new(); plans.len()];
        for (position, scenario) in all {
            let lightest = loads.iter().enumerate().min_by_key(|(at, load)| (**load, *at));
            let Some((at, _)) = lightest else {
                continue;
            };
            loads[at] += scenario.cost();
            if at + 1 == self.number {
                shares[position].push(scenario);
            }
        }
        let mut plans: Vec<VersionPlan> = plans
            .into_iter()
            .zip(shares)
            .map(|(plan, mut scenarios)| {
                scenarios.sort_by(|one, other| one.name.cmp(&other.name));
                VersionPlan { scenarios, ..plan }
            })
            .collect();
        plans.retain(|plan| !plan.scenarios.is_empty());
        plans
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::Version;
    use crate::requirement::Catalogue;
    use crate::run::Target;
    use crate::scenario::Library;

    fn plans() -> Vec<VersionPlan> {
        let catalogue = Catalogue::embedded().unwrap();
        let all = Library::embedded(&catalogue)
            .unwrap()
            .select(&[], &catalogue)
            .unwrap();
        let under = |version: Version| VersionPlan {
            target: Target::new("https://hub.example.com", version).unwrap(),
            scenarios: all
                .iter()
                .filter(|scenario| scenario.document.versions.contains(&version))
                .cloned()
                .collect(),
        };
        Version::ALL.into_iter().map(under).collect()
    }

    fn names(plans: &[VersionPlan]) -> Vec<(String, Version)> {
        let of = |plan: &VersionPlan| -> Vec<(String, Version)> {
            let scenarios = plan.scenarios.iter();
            scenarios
                .map(|scenario| (scenario.name.clone(), plan.target.version))
                .collect()
        };
        plans.iter().flat_map(of).collect()
    }

    fn weight(plans: &[VersionPlan]) -> u64 {
        let scenarios = plans.iter().flat_map(|plan| &plan.scenarios);
        scenarios.map(|scenario| scenario.cost()).sum()
    }

    #[test]
    fn shares_of_one_plan_have_one_fingerprint_and_those_of_another_have_another() {
        let plan = |number| Shard { number, of: 2 }.told(&plans());
        assert_eq!(plan(1).plan, plan(2).plan);
        assert_ne!(plan(1).numbers, plan(2).numbers);
        let mut fewer = plans();
        fewer[0].scenarios.pop();
        assert_ne!(Shard { number: 1, of: 2 }.told(&fewer).plan, plan(1).plan);
    }

    #[test]
    fn shares_make_up_the_whole_and_weigh_alike() {
        let whole = plans();
        for of in [1, 2, 4, 7] {
            let shares: Vec<Vec<VersionPlan>> =
                (1..=of).map(|number| Shard { number, of }.of(plans())).collect();
            let mut together: Vec<_> = shares.iter().flat_map(|share| names(share)).collect();
            together.sort();
            let mut all = names(&whole);
            all.sort();
            assert_eq!(together, all, "{of} shares");
            let weights: Vec<u64> = shares.iter().map(|share| weight(share)).collect();
            let (least, most) = (weights.iter().min().unwrap(), weights.iter().max().unwrap());
            let all = whole.iter().flat_map(|plan| &plan.scenarios);
            let heaviest = all.map(|scenario| scenario.cost()).max().unwrap();
            assert!(most - least <= heaviest, "{weights:?}");
        }
    }

    #[test]
    fn a_scenario_heavier_than_all_others_together_has_a_share_to_itself() {
        let mut plans = plans();
        plans.truncate(1);
        let mut scenarios = plans[0].scenarios.clone();
        scenarios.sort_by_key(|scenario| scenario.cost());
        let heaviest = scenarios.pop().unwrap();
        let mut rest = heaviest.cost();
        scenarios.retain(|scenario| {
            let fits = scenario.cost() < rest;
            rest -= if fits { scenario.cost() } else { 0 };
            fits
        });
        assert!(scenarios.len() >= 2, "what goes by number alone would pass too");
        let alone = vec![(heaviest.name.clone(), plans[0].target.version)];
        plans[0].scenarios = [vec![heaviest], scenarios].concat();
        assert_eq!(names(&Shard { number: 1, of: 2 }.of(plans)), alone);
    }

    #[test]
    fn only_shares_are_taken() {
        assert_eq!("2/4".parse::<Shard>().unwrap().to_string(), "2/4");
        for text in ["", "2", "0/4", "5/4", "1/0", "-1/2", "1/2/3", "a/b", "1 / 2"] {
            assert!(text.parse::<Shard>().is_err(), "{text}");
        }
    }

    #[test]
    fn more_shares_than_scenarios_leave_some_empty() {
        let mut plans = plans();
        plans.truncate(1);
        plans[0].scenarios.truncate(1);
        assert!(Shard { number: 2, of: 2 }.of(plans).is_empty());
    }
}
