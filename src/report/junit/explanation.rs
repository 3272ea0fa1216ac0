//! What is known of a check, as text.

use crate::report::text;
use castspec_judging::outcome::{Check, shortened};

/// Characters of a message at the most, so that it leaves room for what shows it.
const MESSAGE: usize = 2_000;

/// A check in full.
pub(super) fn explanation(check: &Check) -> String {
    let mut lines = Vec::new();
    if check.accepted.is_some() {
        lines.push(accepted(check));
    }
    lines.push(finding(check));
    lines.push(requirement(check));
    lines.extend(seen(check));
    lines.join("\n")
}

/// The verdict and why.
pub(super) fn finding(check: &Check) -> String {
    format!("{}: {}", verdict(check), shortened(&check.message, MESSAGE))
}

/// The verdict, or that it came only when the scenario was played again.
pub(super) fn verdict(check: &Check) -> &'static str {
    match check.flaky {
        true => "flaky",
        false => check.verdict.name(),
    }
}

/// The requirement of a check: its id, how strongly it binds, where it stands, what it says.
pub(super) fn requirement(check: &Check) -> String {
    format!(
        "{} ({}, {}, section {}): {}\n{}",
        check.requirement, check.level, check.fhircast_version, check.section, check.statement, check.url
    )
}

/// What was seen: what was expected and came, the messages that show it, and the command that shows it again.
pub(super) fn seen(check: &Check) -> Vec<String> {
    let mut lines = Vec::new();
    for (label, value) in [("expected", &check.expected), ("observed", &check.observed)] {
        if let Some(value) = value {
            lines.push(format!("{label}: {}", text::at_a_glance(&text::clean(value))));
        }
    }
    // Evidence is long, and what is too long is cut at its end.
    if let Some(command) = &check.repeat {
        lines.push(format!("again: {command}"));
    }
    lines.extend(check.evidence.iter().map(text::evidence));
    lines
}

/// Why a check that did not hold fails nobody; empty where it does.
pub(super) fn accepted(check: &Check) -> String {
    match &check.accepted {
        Some(accepted) => format!("accepted until {}: {}", accepted.until, accepted.reason),
        None => String::new(),
    }
}
