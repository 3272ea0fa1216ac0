//! A test case for each check: one suite a folder of scenarios.

use super::case::{Case, Ending, name};
use super::explanation::{accepted, explanation};
use super::times::Times;
use super::{Suites, class, folder};
use crate::report::record::Record;
use castspec_judging::outcome::{Check, Grading, Verdict};

/// The suites of all checks.
pub(super) fn suites(record: &Record, times: &mut Times) -> Suites {
    let mut suites = Suites::new();
    for check in &record.checks {
        let scenario = check.scenario_id();
        let words = name(&check.statement, "");
        let case = Case {
            class: class(&scenario),
            // A scenario judges many requirements whose statements begin alike.
            name: format!("{words} [{}]", check.requirement).trim_start().to_owned(),
            time: times.next_share(&scenario),
            ending: ending(check, record.grading),
        };
        suites
            .entry(folder(&check.scenario))
            .or_default()
            .push(case.build());
    }
    suites
}

fn ending(check: &Check, grading: Grading) -> Ending {
    let message = check.message.clone();
    let told = || explanation(check);
    match check.verdict {
        _ if check.accepted.is_some() => Ending::Skipped {
            kind: "accepted",
            message: accepted(check),
            told: told(),
        },
        verdict if grading.is_failure(verdict) => Ending::Failure {
            kind: check.requirement.to_string(),
            message,
            told: told(),
        },
        _ if check.is_open_shall() => Ending::Error {
            kind: "inconclusive".to_owned(),
            message,
            told: told(),
        },
        Verdict::Inconclusive | Verdict::Skip => Ending::Skipped {
            kind: check.verdict.name(),
            message,
            told: told(),
        },
        Verdict::Pass if !check.flaky => Ending::Success { told: None },
        Verdict::Pass | Verdict::Warn | Verdict::Fail => Ending::Success { told: Some(told()) },
    }
}
