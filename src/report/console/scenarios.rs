//! The scenarios of a run, a line each: those that did not pass, in order when the run has ended; with their transcripts all, as
//! they end.

use std::cmp::Reverse;
use std::io::{self, Write};

use super::{Console, counts, of_scenarios};
use crate::report::text;
use castspec_fhircast::protocol::Version;
use castspec_judging::outcome::{Disposition, Entry, ScenarioEnded, Summary};

/// Scenarios that did not pass at the most; the causes tell why, and the reports list all.
const SHOWN: usize = 6;

/// The place of a scenario among the others: the newest version first, by name.
pub(super) type Place = (Reverse<Version>, String);

/// A scenario that ended.
#[derive(Debug)]
pub(super) struct Line {
    verdict: &'static str,
    text: String,
}

impl<W: Write> Console<W> {
    /// Notes a scenario that ended, to be told when the run has ended; with its transcript it is told at once.
    pub(super) fn scenario(&mut self, ended: &ScenarioEnded) -> io::Result<()> {
        let id = ended.id();
        let summary = self.running.remove(&id).unwrap_or_default();
        if let Some(bar) = &self.bar {
            bar.inc(1);
            bar.set_message(text::line(&ended.scenario));
        }
        let millis = ended.duration.as_millis();
        let line = Line {
            verdict: verdict(&ended.disposition, summary),
            text: format!("{} ({}, {millis} ms)", self.name(&id), counts(summary)),
        };
        if self.settings.transcripts {
            self.line(&line)?;
            return self.transcript(&ended.transcript);
        }
        self.ended.insert((Reverse(id.version), id.name), line);
        Ok(())
    }

    /// The scenarios that did not pass, and how many passed.
    pub(super) fn scenarios(&mut self) -> io::Result<()> {
        let ended = std::mem::take(&mut self.ended);
        if self.settings.quiet || self.settings.terminal {
            return Ok(());
        }
        // What was skipped is told by its reason.
        let (told, others): (Vec<&Line>, Vec<&Line>) = ended
            .values()
            .partition(|line| !matches!(line.verdict, "pass" | "skip"));
        for line in told.iter().take(SHOWN) {
            self.line(line)?;
        }
        if let Some(rest) = told.get(SHOWN..).filter(|rest| !rest.is_empty()) {
            let words = ["error", "fail", "warn", "inconclusive", "unjudged"].map(|word| {
                let count = rest.iter().filter(|line| line.verdict == word).count();
                (count > 0).then(|| format!("{count} {word}"))
            });
            let words: Vec<String> = words.into_iter().flatten().collect();
            let more = rest.len();
            writeln!(
                self.out,
                "and {more} more that did not pass ({})",
                words.join(", ")
            )?;
        }
        match others.iter().filter(|line| line.verdict == "pass").count() {
            0 => Ok(()),
            passed => writeln!(self.out, "{} passed", of_scenarios(passed)),
        }
    }

    fn line(&mut self, line: &Line) -> io::Result<()> {
        let word = self.paint(line.verdict, &format!("{:12}", line.verdict));
        writeln!(self.out, "{word} {}", line.text)
    }

    /// Everything that passed in a scenario.
    fn transcript(&mut self, entries: &[Entry]) -> io::Result<()> {
        for entry in entries {
            writeln!(self.out, "  {}", text::headline(entry))?;
            if let Some(body) = text::body(entry) {
                for line in body.lines() {
                    writeln!(self.out, "      {line}")?;
                }
            }
        }
        Ok(())
    }
}

/// The verdict on a scenario: the worst of its checks, or what kept it from being played.
fn verdict(disposition: &Disposition, summary: Summary) -> &'static str {
    match disposition {
        Disposition::Error(_) => "error",
        Disposition::Skipped(_) => "skip",
        Disposition::Unjudged(_) => "unjudged",
        _ if summary.fail > 0 => "fail",
        Disposition::Inconclusive(_) => "inconclusive",
        Disposition::Completed if summary.inconclusive > 0 => "inconclusive",
        Disposition::Completed if summary.warn > 0 => "warn",
        Disposition::Completed => "pass",
    }
}
