//! What was broken, each cause once: one message, one piece of evidence, where it shows, and what it hides.

use std::collections::BTreeSet;
use std::io::{self, Write};

use similar::{ChangeTag, TextDiff};

use super::{Console, of_checks, of_scenarios};
use crate::report::{Record, text};
use castspec_judging::outcome::{Cause, Check, Verdict};

impl<W: Write> Console<W> {
    /// The causes, warnings before failures. A fault that has the same verdict under several versions is told once for all of
    /// them.
    pub(super) fn causes(&mut self, record: &Record) -> io::Result<()> {
        let mut faults: Vec<Vec<&Cause>> = Vec::new();
        for cause in &record.causes.all {
            let same = |fault: &&mut Vec<&Cause>| {
                fault.iter().all(|known| {
                    known.fhircast_version != cause.fhircast_version
                        && known.verdict == cause.verdict
                        && known.is_like(cause)
                })
            };
            match faults.iter_mut().find(same) {
                Some(fault) => fault.push(cause),
                None => faults.push(vec![cause]),
            }
        }
        for verdict in [Verdict::Warn, Verdict::Fail] {
            for fault in &faults {
                if fault.first().is_some_and(|cause| cause.verdict == verdict) {
                    self.fault(fault, record)?;
                }
            }
        }
        Ok(())
    }

    /// A fault: its causes differ in nothing but the version.
    fn fault(&mut self, causes: &[&Cause], record: &Record) -> io::Result<()> {
        let checks: Vec<&Check> = causes.iter().flat_map(|cause| record.broken_by(cause)).collect();
        let Some(first) = checks.first().copied() else {
            return Ok(());
        };
        let verdict = causes.first().map_or(Verdict::Fail, |cause| cause.verdict).name();
        let word = self.paint(verdict, verdict);
        let ids: Vec<&str> = causes.iter().map(|cause| cause.id.as_str()).collect();
        let versions: Vec<&str> = causes.iter().map(|cause| cause.fhircast_version.name()).collect();
        let versions = match self.several {
            true => format!(" [{}]", versions.join(", ")),
            false => String::new(),
        };
        writeln!(
            self.out,
            "\n{word} {}{versions} ({})",
            text::line(&first.requirement),
            ids.join(", ")
        )?;
        writeln!(self.out, "  {}", text::indented(&first.message))?;
        self.accepted(&checks)?;
        writeln!(
            self.out,
            "  {} (section {}): {} {}",
            first.level,
            text::line(&first.section),
            text::line(&first.statement),
            text::line(&first.url)
        )?;
        if let Some(consequence) = causes.first().and_then(|cause| cause.consequence) {
            writeln!(self.out, "  at the desk: {consequence}")?;
        }
        self.comparison(first)?;
        if let Some(evidence) = first.main_evidence() {
            let told = text::evidence_in_short(evidence).replace('\n', "\n  ");
            writeln!(self.out, "  {told}")?;
        }
        let scenarios: BTreeSet<String> = checks.iter().map(|check| text::line(&check.scenario)).collect();
        let scenarios: Vec<String> = scenarios.into_iter().collect();
        writeln!(
            self.out,
            "  in {} of {}: {}",
            of_checks(checks.len()),
            of_scenarios(scenarios.len()),
            text::few(&scenarios)
        )?;
        let hidden: usize = causes.iter().map(|cause| cause.hides).sum();
        if hidden > 0 {
            writeln!(self.out, "  hides {} that could not be judged", of_checks(hidden))?;
        }
        if let Some(command) = &first.repeat {
            writeln!(self.out, "  again: {}", text::line(command))?;
        }
        Ok(())
    }

    /// How many of these are accepted, and why the first of them is.
    fn accepted(&mut self, checks: &[&Check]) -> io::Result<()> {
        let accepted = checks.iter().filter_map(|check| check.accepted.as_ref());
        let Some(first) = accepted.clone().next() else {
            return Ok(());
        };
        let part = match accepted.count() {
            all if all == checks.len() => String::new(),
            some => format!("{some} of {} ", checks.len()),
        };
        writeln!(
            self.out,
            "  {part}accepted until {}: {}",
            first.until,
            text::line(&first.reason)
        )
    }

    /// What was expected, and what came; longer texts as their difference.
    fn comparison(&mut self, check: &Check) -> io::Result<()> {
        match (&check.expected, &check.observed) {
            (Some(expected), Some(observed)) if expected.contains('\n') && observed.contains('\n') => {
                writeln!(self.out, "  expected (-) and observed (+):")?;
                let (expected, observed) = (text::clean(expected), text::clean(observed));
                for change in TextDiff::from_lines(&expected, &observed).iter_all_changes() {
                    let sign = match change.tag() {
                        ChangeTag::Delete => "-",
                        ChangeTag::Insert => "+",
                        ChangeTag::Equal => " ",
                    };
                    writeln!(self.out, "    {sign} {}", change.value().trim_end())?;
                }
            }
            // The message may say both already.
            (Some(expected), Some(observed))
                if check.message.contains(expected.as_str()) && check.message.contains(observed.as_str()) => {
            }
            (expected, observed) => {
                for (label, value) in [("expected", expected), ("observed", observed)] {
                    if let Some(value) = value {
                        let value = text::at_a_glance(&text::clean(value)).replace('\n', "\n            ");
                        writeln!(self.out, "  {label}: {value}")?;
                    }
                }
            }
        }
        Ok(())
    }

    /// What could not be judged though no cause explains it, by reason.
    pub(super) fn unreached(&mut self, record: &Record) -> io::Result<()> {
        for reason in &record.causes.open {
            let word = self.paint("inconclusive", "inconclusive");
            writeln!(self.out, "\n{word}: {}", text::indented(&reason.message))?;
            let scenarios: Vec<String> = reason.scenarios.iter().map(|id| self.name(id)).collect();
            writeln!(
                self.out,
                "  {} of {}: {}",
                of_checks(reason.checks),
                of_scenarios(scenarios.len()),
                text::few(&scenarios)
            )?;
            let requirements: Vec<String> = reason.requirements.iter().map(|id| text::line(id)).collect();
            writeln!(self.out, "  not judged: {}", text::few(&requirements))?;
        }
        Ok(())
    }
}
