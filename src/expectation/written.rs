//! The file of a run's failures, written to begin with.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::tally::{Proposal, day};
use castspec_fhircast::protocol::Version;
use castspec_fhircast::requirement::RequirementId;
use castspec_judging::outcome::{Acceptance, Check, Grading, shortened};

/// Findings that stand above an entry, at the most.
const FINDINGS: usize = 3;

/// Characters of a finding at the most.
const LONGEST: usize = 200;

/// What is written of the failures of one requirement under one version.
struct Group<'c> {
    proposal: Proposal,
    findings: Vec<&'c str>,
    further: usize,
    accepted: Option<&'c Acceptance>,
}

/// Version, requirement, and the scenario where each has an entry of its own.
type Key = (Version, RequirementId, Option<String>);

/// A file that expects the failures among these checks, with an entry a requirement and version, and the number of its entries. What was
/// expected before keeps its reason and its last day; what was not has as its reason what was found.
pub fn written<'c>(
    checks: impl IntoIterator<Item = &'c Check>,
    grading: Grading,
    now: Timestamp,
) -> (String, usize) {
    // What the run's own end left open is nobody's failure.
    let counts = |check: &&Check| grading.fails_run(check) && !check.is_open_by_the_end_of_the_run();
    let checks: Vec<&Check> = checks.into_iter().filter(counts).collect();
    let reason = |check: &Check| check.accepted.as_ref().map(|accepted| accepted.reason.clone());
    let mut reasons: BTreeMap<(Version, &RequirementId), BTreeSet<Option<String>>> = BTreeMap::new();
    for check in &checks {
        let of_requirement = reasons
            .entry((check.fhircast_version, &check.requirement))
            .or_default();
        of_requirement.insert(reason(check));
    }
    let mut groups: BTreeMap<Key, Group<'c>> = BTreeMap::new();
    for check in &checks {
        // An old reason is none for what is new: where there are several, each scenario has an entry of its own.
        let of_requirement = reasons.get(&(check.fhircast_version, &check.requirement));
        let is_mixed = of_requirement.is_some_and(|reasons| reasons.len() > 1);
        let scenario = is_mixed.then(|| check.scenario.clone());
        let key = (check.fhircast_version, check.requirement.clone(), scenario);
        let group = groups.entry(key).or_insert_with(|| Group {
            proposal: Proposal::of(check),
            findings: Vec::new(),
            further: 0,
            accepted: None,
        });
        group.proposal.add(check);
        group.accepted = group.accepted.or(check.accepted.as_ref());
        let known = group.findings.contains(&check.message.as_str());
        match group.findings.len() {
            _ if known => {}
            FINDINGS.. => group.further += 1,
            _ => group.findings.push(&check.message),
        }
    }
    let mut text = format!(
        "# Failures that are expected, as of {}. Look at each before its last day (until), and give a better reason.\n",
        day(now)
    );
    for group in groups.values() {
        text.push('\n');
        for finding in &group.findings {
            text.push_str(&format!("# {}\n", one_line(finding)));
        }
        if group.further > 0 {
            text.push_str(&format!("# and {} more\n", group.further));
        }
        let found = group.findings.first().map(|finding| one_line(finding));
        let reason = match group.accepted {
            Some(accepted) => accepted.reason.clone(),
            None => format!("found on {}: {}", day(now), found.unwrap_or_default()),
        };
        let until = group.accepted.map(|accepted| accepted.until.as_str());
        text.push_str(&group.proposal.entry_with(&reason, until, now));
    }
    (text, groups.len())
}

/// A text of others in one line.
fn one_line(text: &str) -> String {
    shortened(&text.replace(|c: char| c.is_control(), " "), LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::expectation::Expectations;
    use castspec_fhircast::requirement::Level;
    use castspec_judging::outcome::Verdict;

    fn check(scenario: &str, requirement: &'static str, verdict: Verdict, message: &str) -> Check {
        Check {
            id: format!("{scenario}/{requirement}@STU3"),
            scenario: scenario.to_owned(),
            requirement: requirement.into(),
            fhircast_version: Version::Stu3,
            level: Level::Shall,
            section: String::new(),
            url: String::new(),
            statement: String::new(),
            verdict,
            message: message.to_owned(),
            expected: None,
            observed: None,
            evidence: Vec::new(),
            repeat: None,
            accepted: None,
            flaky: false,
            left_out: false,
            cause: None,
        }
    }

    #[test]
    fn what_is_written_expects_just_what_failed() {
        use Verdict::{Fail, Inconclusive, Pass, Skip, Warn};
        let now: Timestamp = "2026-03-04T05:06:07Z".parse().unwrap();
        let mut checks = vec![
            check("a/one", "a.broken", Fail, "\"quoted\"\nand\u{7} broken = [["),
            check("a/two", "a.broken", Fail, "another finding"),
            check("a/two", "a.open", Inconclusive, "not reached"),
            check("a/two", "a.held", Pass, "held"),
            check("a/two", "a.warned", Warn, "warned"),
            check("a/two", "a.skipped", Skip, "skipped"),
        ];
        let (text, entries) = written(&checks, Grading::Standard, now);
        assert_eq!(entries, 2, "{text}");
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("expected.toml");
        std::fs::write(&file, &text).unwrap();
        let requirements = BTreeSet::from(["a.broken", "a.open"]);
        let scenarios = BTreeSet::from(["a/one", "a/two"]);
        let mut read = Expectations::read(&file, &requirements, &scenarios, Grading::Standard, now).unwrap();
        checks.iter_mut().for_each(|check| read.judge(check));
        let accepted: Vec<bool> = checks.iter().map(|check| check.accepted.is_some()).collect();
        assert_eq!(accepted, [true, true, true, false, false, false]);
        assert_eq!(read.problems(true), [""; 0]);
        assert!(text.contains("# another finding\n"), "{text}");
    }

    #[test]
    fn what_was_expected_before_keeps_its_reason_and_its_last_day() {
        let now: Timestamp = "2026-03-04T05:06:07Z".parse().unwrap();
        let mut known = check("a/one", "a.broken", Verdict::Fail, "broken");
        known.accepted = Some(Acceptance {
            reason: "ticket 42".to_owned(),
            until: "2026-03-09".to_owned(),
        });
        let (text, _) = written([&known], Grading::Standard, now);
        assert!(
            text.contains("reason = \"ticket 42\"\nuntil = 2026-03-09\n"),
            "{text}"
        );
    }

    #[test]
    fn an_old_reason_is_none_for_a_new_failure() {
        let now: Timestamp = "2026-03-04T05:06:07Z".parse().unwrap();
        let mut known = check("a/one", "a.broken", Verdict::Fail, "broken");
        known.accepted = Some(Acceptance {
            reason: "ticket 42".to_owned(),
            until: "2026-03-09".to_owned(),
        });
        let new = check("a/two", "a.broken", Verdict::Fail, "broken anew");
        let (text, entries) = written([&known, &new], Grading::Standard, now);
        assert_eq!(entries, 2, "{text}");
        assert_eq!(text.matches("ticket 42").count(), 1, "{text}");
        assert!(!text.contains("scenario = \"*\""), "{text}");
    }

    #[test]
    fn what_the_end_of_the_run_left_open_is_not_expected() {
        let now: Timestamp = "2026-03-04T05:06:07Z".parse().unwrap();
        let open = check(
            "a/one",
            "a.open",
            Verdict::Inconclusive,
            "the run was interrupted before this scenario began",
        );
        assert_eq!(written([&open], Grading::Standard, now).1, 0);
    }

    #[test]
    fn of_a_run_without_failures_there_is_nothing_to_expect() {
        let now: Timestamp = "2026-03-04T05:06:07Z".parse().unwrap();
        let held = check("a/one", "a.held", Verdict::Pass, "held");
        assert_eq!(written([&held], Grading::Standard, now).1, 0);
    }
}
