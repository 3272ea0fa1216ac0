//! A run split over several machines: each takes its share of the scenarios, the same at every time.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use super::run::Part;
use crate::scenario::Scenario;

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
    /// The scenarios of this share; every scenario under every version is in just one share. The heaviest go first, each to
    /// the share that has the least to do.
    pub fn of(self, parts: Vec<Part>) -> Vec<Part> {
        let mut all: Vec<(usize, Arc<Scenario>)> = Vec::new();
        for (position, part) in parts.iter().enumerate() {
            all.extend(part.scenarios.iter().map(|own| (position, own.clone())));
        }
        all.sort_by(|(one_part, one), (other_part, other)| {
            let heavier = other.weight().cmp(&one.weight());
            heavier.then_with(|| (&one.name, one_part).cmp(&(&other.name, other_part)))
        });
        let mut loads = vec![0_u64; self.of];
        let mut shares: Vec<Vec<Arc<Scenario>>> = vec![Vec::new(); parts.len()];
        for (position, scenario) in all {
            let lightest = loads.iter().enumerate().min_by_key(|(at, load)| (**load, *at));
            let Some((at, _)) = lightest else {
                continue;
            };
            loads[at] += scenario.weight();
            if at + 1 == self.number {
                shares[position].push(scenario);
            }
        }
        let mut parts: Vec<Part> = parts
            .into_iter()
            .zip(shares)
            .map(|(part, mut scenarios)| {
                scenarios.sort_by(|one, other| one.name.cmp(&other.name));
                Part { scenarios, ..part }
            })
            .collect();
        parts.retain(|part| !part.scenarios.is_empty());
        parts
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::Version;
    use crate::requirement::Catalogue;
    use crate::run::Target;
    use crate::scenario::Library;

    fn parts() -> Vec<Part> {
        let catalogue = Catalogue::embedded().unwrap();
        let all = Library::embedded(&catalogue)
            .unwrap()
            .select(&[], &catalogue)
            .unwrap();
        let under = |version: Version| Part {
            target: Target::new("https://hub.example.com", version).unwrap(),
            scenarios: all
                .iter()
                .filter(|own| own.document.versions.contains(&version))
                .cloned()
                .collect(),
        };
        Version::ALL.into_iter().map(under).collect()
    }

    fn names(parts: &[Part]) -> Vec<(String, Version)> {
        let of = |part: &Part| -> Vec<(String, Version)> {
            let scenarios = part.scenarios.iter();
            scenarios
                .map(|own| (own.name.clone(), part.target.version))
                .collect()
        };
        parts.iter().flat_map(of).collect()
    }

    fn weight(parts: &[Part]) -> u64 {
        let scenarios = parts.iter().flat_map(|part| &part.scenarios);
        scenarios.map(|own| own.weight()).sum()
    }

    #[test]
    fn shares_make_up_the_whole_and_weigh_alike() {
        let whole = parts();
        for of in [1, 2, 4, 7] {
            let shares: Vec<Vec<Part>> = (1..=of).map(|number| Shard { number, of }.of(parts())).collect();
            let mut together: Vec<_> = shares.iter().flat_map(|share| names(share)).collect();
            together.sort();
            let mut all = names(&whole);
            all.sort();
            assert_eq!(together, all, "{of} shares");
            let weights: Vec<u64> = shares.iter().map(|share| weight(share)).collect();
            let (least, most) = (weights.iter().min().unwrap(), weights.iter().max().unwrap());
            let all = whole.iter().flat_map(|part| &part.scenarios);
            let heaviest = all.map(|scenario| scenario.weight()).max().unwrap();
            assert!(most - least <= heaviest, "{weights:?}");
        }
    }

    #[test]
    fn a_scenario_heavier_than_all_others_together_has_a_share_to_itself() {
        let mut parts = parts();
        parts.truncate(1);
        let mut scenarios = parts[0].scenarios.clone();
        scenarios.sort_by_key(|scenario| scenario.weight());
        let heaviest = scenarios.pop().unwrap();
        let mut rest = heaviest.weight();
        scenarios.retain(|scenario| {
            let fits = scenario.weight() < rest;
            rest -= if fits { scenario.weight() } else { 0 };
            fits
        });
        assert!(scenarios.len() >= 2, "what goes by number alone would pass too");
        let alone = vec![(heaviest.name.clone(), parts[0].target.version)];
        parts[0].scenarios = [vec![heaviest], scenarios].concat();
        assert_eq!(names(&Shard { number: 1, of: 2 }.of(parts)), alone);
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
        let mut parts = parts();
        parts.truncate(1);
        parts[0].scenarios.truncate(1);
        assert!(Shard { number: 2, of: 2 }.of(parts).is_empty());
    }
}
