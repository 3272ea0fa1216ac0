//! What a run made of the expected failures.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use jiff::civil::Date;
use jiff::{Timestamp, ToSpan, tz::TimeZone};

use super::Expected;
use super::file::{ExpectationError, read};
use castspec_fhircast::protocol::Version;
use castspec_fhircast::requirement::RequirementId;
use castspec_judging::outcome::{Acceptance, Check, Grading, Verdict};

/// For how many days an entry is proposed.
const DAYS: i64 = 90;

/// The expected failures of a run, and what became of each.
#[derive(Debug)]
pub struct Expectations {
    path: PathBuf,
    grading: Grading,
    today: Date,
    entries: Vec<(Expected, Seen)>,
}

/// What a run showed of an entry.
#[derive(Debug, Clone, Copy, Default)]
struct Seen {
    failed: usize,
    held: usize,
    skipped: usize,
}

impl Expectations {
    /// Reads the file. What it names must be among these requirements and scenarios; the grading says what
    /// is a failure that can be expected. Days are those of UTC, and `now` is one of them.
    ///
    /// # Errors
    /// When it cannot be read or is not in its format, or an entry names what is not there.
    pub fn read(
        path: &Path,
        requirements: &BTreeSet<&str>,
        scenarios: &BTreeSet<&str>,
        grading: Grading,
        now: Timestamp,
    ) -> Result<Self, ExpectationError> {
        let entries = read(path, requirements, scenarios)?;
        Ok(Self {
            path: path.to_owned(),
            grading,
            today: day(now),
            entries: entries
                .into_iter()
                .map(|entry| (entry, Seen::default()))
                .collect(),
        })
    }

    /// Takes a check in, and marks it as accepted where it is a failure that is expected.
    pub fn judge(&mut self, check: &mut Check) {
        let failed = self.grading.fails_run(check);
        for (entry, seen) in &mut self.entries {
            if !entry.means(check) {
                continue;
            }
            match check.verdict {
                _ if failed => seen.failed += 1,
                Verdict::Skip => seen.skipped += 1,
                _ => seen.held += 1,
            }
            if failed && entry.until >= self.today && check.accepted.is_none() {
                check.accepted = Some(Acceptance {
                    reason: entry.reason.clone(),
                    until: entry.until.to_string(),
                });
            }
        }
    }

    /// What is no longer so in the file, a line each. In a run that was only a part (`whole` is false) an entry may be about
    /// what was not run.
    pub fn problems(&self, whole: bool) -> Vec<String> {
        let told = self.entries.iter().filter_map(|(entry, seen)| {
            let problem = match *seen {
                _ if entry.until < self.today => format!("has run out on {}", entry.until),
                Seen { failed: 1.., .. } => return None,
                // It may happen in a scenario that was not run.
                Seen { .. } if !whole && entry.scenario.is_none() => return None,
                Seen { held: 1.., .. } => "did not happen: the requirement held; remove the entry".to_owned(),
                Seen { skipped: 1.., .. } => "did not happen: the check was skipped".to_owned(),
                Seen { .. } if whole => "did not happen: nothing of this name was judged".to_owned(),
                Seen { .. } => return None,
            };
            let scenario = entry.scenario.as_deref().unwrap_or("*");
            let (path, line, requirement) = (self.path.display(), entry.line, &entry.requirement);
            Some(format!("{path}:{line}: {requirement} in {scenario} {problem}"))
        });
        told.collect()
    }
}

impl Expected {
    fn means(&self, check: &Check) -> bool {
        self.requirement == check.requirement
            && self.scenario.as_ref().is_none_or(|name| *name == check.scenario)
            && self
                .version
                .is_none_or(|version| version == check.fhircast_version)
    }
}

/// An entry for the file: failures of one requirement under one version that were not expected.
#[derive(Debug)]
pub struct Proposal {
    requirement: RequirementId,
    version: Version,
    scenarios: BTreeSet<String>,
}

impl Proposal {
    /// A proposal for this failure.
    pub fn of(check: &Check) -> Self {
        Self {
            requirement: check.requirement.clone(),
            version: check.fhircast_version,
            scenarios: BTreeSet::from([check.scenario.clone()]),
        }
    }

    /// Takes in a further failure; false where it is of another requirement or version.
    pub fn add(&mut self, check: &Check) -> bool {
        let same = self.requirement == check.requirement && self.version == check.fhircast_version;
        if same {
            self.scenarios.insert(check.scenario.clone());
        }
        same
    }

    /// The entry, ready to be put into the file but for its reason. Failures in several scenarios are expected in all: `*`.
    pub fn entry(&self, now: Timestamp) -> String {
        self.entry_with("", None, now)
    }

    /// The entry with this reason and this last day; without one, some days from now.
    pub(super) fn entry_with(&self, reason: &str, until: Option<&str>, now: Timestamp) -> String {
        let text = |value: &str| toml::Value::from(value).to_string();
        let until = until.map(str::to_owned).unwrap_or_else(|| {
            let last = day(now).checked_add(DAYS.days()).unwrap_or_else(|_| day(now));
            last.to_string()
        });
        let scenario = match self.scenarios.first() {
            Some(only) if self.scenarios.len() == 1 => text(only),
            _ => format!("\"*\"    # in {} scenarios", self.scenarios.len()),
        };
        format!(
            "[[expected]]\nrequirement = {}\nscenario = {scenario}\nfhircast_version = \"{}\"\nreason = {}\nuntil = {until}\n",
            text(&self.requirement),
            self.version,
            text(reason),
        )
    }
}

pub(super) fn day(at: Timestamp) -> Date {
    at.to_zoned(TimeZone::UTC).date()
}
