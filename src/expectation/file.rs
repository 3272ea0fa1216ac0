//! The file of expected failures.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use toml::Spanned;

use super::Expected;
use castspec_fhircast::protocol::Version;
use castspec_fhircast::requirement::RequirementId;

/// A file of expected failures that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ExpectationError {
    /// It cannot be read.
    #[error("{}: the file of expected failures cannot be read: {problem}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The cause.
        problem: String,
    },
    /// It is not in its format, or an entry cannot be meant.
    #[error("{}:{line}: {problem}", path.display())]
    Entry {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong, and what would be right.
        problem: String,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    expected: Vec<Spanned<Entry>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    requirement: RequirementId,
    scenario: String,
    fhircast_version: Option<Version>,
    reason: String,
    until: toml::value::Datetime,
}

/// Reads the file; what it names must be among the known requirements and scenarios.
pub(super) fn read(
    path: &Path,
    requirements: &BTreeSet<&str>,
    scenarios: &BTreeSet<&str>,
) -> Result<Vec<Expected>, ExpectationError> {
    let text = std::fs::read_to_string(path).map_err(|error| ExpectationError::Unreadable {
        path: path.to_owned(),
        problem: error.to_string(),
    })?;
    parse(&text, path, requirements, scenarios)
}

fn parse(
    text: &str,
    path: &Path,
    requirements: &BTreeSet<&str>,
    scenarios: &BTreeSet<&str>,
) -> Result<Vec<Expected>, ExpectationError> {
    let line_of = |at: usize| text.get(..at).unwrap_or_default().matches('\n').count() + 1;
    let wrong = |line: usize, problem: String| ExpectationError::Entry {
        path: path.to_owned(),
        line,
        problem,
    };
    let file: File = toml::from_str(text).map_err(|error| {
        let line = line_of(error.span().map_or(0, |span| span.start));
        wrong(line, error.message().replace('\n', " "))
    })?;
    let mut read: Vec<Expected> = Vec::new();
    for spanned in file.expected {
        let line = line_of(spanned.span().start);
        let expectation = expected(line, spanned.into_inner(), requirements, scenarios)
            .map_err(|problem| wrong(line, problem))?;
        let same = |other: &&Expected| {
            (&other.requirement, &other.scenario, other.version)
                == (
                    &expectation.requirement,
                    &expectation.scenario,
                    expectation.version,
                )
        };
        if let Some(other) = read.iter().find(same) {
            return Err(wrong(
                line,
                format!("the same as the entry on line {}", other.line),
            ));
        }
        read.push(expectation);
    }
    Ok(read)
}

fn expected(
    line: usize,
    entry: Entry,
    requirements: &BTreeSet<&str>,
    scenarios: &BTreeSet<&str>,
) -> Result<Expected, String> {
    let known = |what: &str, name: &str, names: &BTreeSet<&str>| match names.contains(name) {
        true => Ok(()),
        false => Err(format!("there is no {what} '{name}'")),
    };
    known("requirement", &entry.requirement, requirements)?;
    let scenario = Some(entry.scenario).filter(|name| name != "*");
    if let Some(name) = &scenario {
        known("scenario", name, scenarios)?;
    }
    if entry.reason.trim().is_empty() {
        return Err("reason is empty; say why the failure is accepted".to_owned());
    }
    let date = entry.until.date.filter(|_| entry.until.time.is_none());
    let date = date.and_then(|date| {
        let (year, month, day) = (
            i16::try_from(date.year),
            i8::try_from(date.month),
            i8::try_from(date.day),
        );
        jiff::civil::Date::new(year.ok()?, month.ok()?, day.ok()?).ok()
    });
    Ok(Expected {
        line,
        requirement: entry.requirement,
        scenario,
        version: entry.fhircast_version,
        reason: entry.reason,
        until: date.ok_or("until is no day; it looks like 2027-01-31")?,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn no_file_is_too_strange(
            lines in proptest::collection::vec(
                prop_oneof![
                    Just("[[expected]]".to_owned()),
                    Just("requirement = \"ack.sent\"".to_owned()),
                    Just("scenario = \"*\"".to_owned()),
                    Just("fhircast_version = \"STU3\"".to_owned()),
                    Just("reason = \"known\"".to_owned()),
                    "until = [0-9]{4}-[0-9]{2}-[0-9]{2}",
                    "until = .{0,12}",
                    "[a-z_]{1,12} = .{0,20}",
                    ".{0,20}",
                ],
                0..8,
            ),
        ) {
            let text = lines.join("\n");
            let (requirements, scenarios) = (BTreeSet::from(["ack.sent"]), BTreeSet::new());
            match parse(&text, Path::new("expected.toml"), &requirements, &scenarios) {
                Ok(read) => {
                    for expected in read {
                        prop_assert_eq!(&*expected.requirement, "ack.sent");
                        prop_assert!((1..=lines.len()).contains(&expected.line));
                    }
                }
                Err(error) => prop_assert!(error.to_string().starts_with("expected.toml:")),
            }
        }
    }
}
