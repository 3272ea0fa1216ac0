//! The catalogue of defects: named, deliberate deviations of the hub, each breaking stated requirements.
//!
//! A defect is a name here and a decision in [`Behaviour`], which the rest of the hub asks wherever the specification
//! leaves no choice; the code of the clean hub knows of behaviours, not of defects.

mod behaviour;
mod by_version;
mod catalogue;

pub use behaviour::{Behaviour, Malformed};
pub use catalogue::Defect;

use std::fmt;
use std::str::FromStr;

/// No defect has this name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownDefect {
    /// The name that was given.
    pub name: String,
    /// The names that come nearest, best first; empty where none comes near.
    pub near: Vec<&'static str>,
}

impl fmt::Display for UnknownDefect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "'{}' is no defect", self.name)?;
        match self.near.as_slice() {
            [] => write!(f, "; --list-defects shows them all"),
            near => write!(f, "; did you mean {}?", near.join(" or ")),
        }
    }
}

impl std::error::Error for UnknownDefect {}

impl FromStr for Defect {
    type Err = UnknownDefect;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Some(defect) = Self::all().iter().find(|defect| defect.name() == text) {
            return Ok(*defect);
        }
        let wanted = text.to_ascii_lowercase().replace('_', "-");
        let mut near: Vec<(f32, &'static str)> = Self::all()
            .iter()
            .map(|defect| {
                let likeness = similar::TextDiff::from_chars(wanted.as_str(), defect.name()).ratio();
                (likeness, defect.name())
            })
            .filter(|(likeness, _)| *likeness > 0.6)
            .collect();
        near.sort_by(|one, other| other.0.total_cmp(&one.0));
        Err(UnknownDefect {
            name: text.to_owned(),
            near: near.into_iter().take(3).map(|(_, name)| name).collect(),
        })
    }
}

impl fmt::Display for Defect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::protocol::Version;
    use crate::requirement::{Actor, Catalogue};

    #[test]
    fn every_defect_is_found_by_its_name_and_says_what_it_breaks() {
        let mut names = HashSet::new();
        for defect in Defect::all() {
            assert_eq!(defect.name().parse(), Ok(*defect));
            assert!(names.insert(defect.name()), "{defect} stands twice");
            assert!(!defect.versions().is_empty(), "{defect} is meant for no version");
            for version in Version::ALL {
                let meant = defect.versions().contains(&version);
                assert_eq!(
                    !defect.breaks_in(version).is_empty(),
                    meant,
                    "{defect} in {version}"
                );
            }
            assert!(!defect.description().is_empty(), "{defect} is not described");
            let kebab = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
            assert!(defect.name().chars().all(kebab), "{defect}");
        }
        assert!(Defect::all().len() >= 25);
    }

    #[test]
    fn every_broken_requirement_is_one_of_the_hub_in_the_catalogue() {
        let catalogue = Catalogue::embedded().unwrap();
        let mut unknown = Vec::new();
        for version in Version::ALL {
            // The catalogue may not have every version yet.
            if !catalogue.iter().any(|entry| entry.version == version) {
                continue;
            }
            for defect in Defect::of(version) {
                let strangers = defect.breaks_in(version).iter().filter(|id| {
                    let requirement = catalogue.get(version, id);
                    requirement.is_none_or(|requirement| requirement.actor != Actor::Hub)
                });
                unknown.extend(strangers.map(|id| format!("{id} in {version}, named by {defect}")));
            }
        }
        assert!(unknown.is_empty(), "{unknown:#?}");
    }

    #[test]
    fn near_names_are_suggested() {
        let error = "no-confirmaton".parse::<Defect>().unwrap_err();
        assert_eq!(error.near.first(), Some(&"no-confirmation"));
        assert!(error.to_string().contains("did you mean no-confirmation"));
        let error = "zzzz".parse::<Defect>().unwrap_err();
        assert_eq!(
            error.to_string(),
            "'zzzz' is no defect; --list-defects shows them all"
        );
    }
}
