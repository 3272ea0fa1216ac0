//! The console: a progress bar on a terminal, plain lines elsewhere, and at the end the failures and the verdict.

use std::collections::BTreeMap;
use std::io::{self, Write};

use indicatif::{ProgressBar, ProgressStyle};
use similar::{ChangeTag, TextDiff};

use super::record::Record;
use super::{section, text};
use castspec_fhircast::protocol::Version;
use castspec_judging::outcome::{
    Check, Disposition, Entry, Grading, RunBegan, RunEvent, ScenarioEnded, ScenarioId, Summary, Verdict,
};

/// How the console is written.
#[derive(Debug, Clone, Copy, Default)]
pub struct ConsoleSettings {
    /// A terminal: a progress bar in place of a line a scenario.
    pub terminal: bool,
    /// Colours.
    pub colour: bool,
    /// Only what did not pass, and the verdict.
    pub quiet: bool,
    /// How severely the run is judged.
    pub grading: Grading,
    /// Everything that passed in each scenario.
    pub transcripts: bool,
}

/// Writes a run to a person.
#[derive(Debug)]
pub struct Console<W> {
    out: W,
    settings: ConsoleSettings,
    record: Record,
    running: BTreeMap<ScenarioId, Summary>,
    /// The run has several versions.
    several: bool,
    bar: Option<ProgressBar>,
}

/// The versions of a run, with their numbers.
fn versions(began: &RunBegan) -> String {
    let targets = std::iter::once(&began.target).chain(&began.further_targets);
    let told = targets.map(|target| {
        let version = target.fhircast_version;
        format!("{version} ({})", version.number())
    });
    told.collect::<Vec<_>>().join(", ")
}

impl<W: Write> Console<W> {
    /// A console that writes to `out`; the progress bar goes to standard error.
    pub fn new(out: W, settings: ConsoleSettings) -> Self {
        Self {
            out,
            settings,
            record: Record::new(settings.grading),
            running: BTreeMap::new(),
            several: false,
            bar: None,
        }
    }

    /// Takes an event in.
    ///
    /// # Errors
    /// When `out` cannot be written.
    pub fn event(&mut self, event: &RunEvent) -> io::Result<()> {
        self.record.event(event);
        match event {
            RunEvent::RunBegan(began) => {
                if self.settings.terminal && !self.settings.quiet {
                    let bar = ProgressBar::new(began.scenarios as u64);
                    if let Ok(style) = ProgressStyle::with_template("{bar:32} {pos}/{len} scenarios  {msg}") {
                        bar.set_style(style);
                    }
                    self.bar = Some(bar);
                }
                self.several = !began.further_targets.is_empty();
                let target = &began.target;
                let hub = if target.built_in {
                    "the built-in hub"
                } else {
                    target.hub_url.as_str()
                };
                writeln!(
                    self.out,
                    "castspec {}: {} of FHIRcast {} against {}",
                    began.tool.version,
                    of_scenarios(began.scenarios),
                    versions(began),
                    text::line(hub)
                )
            }
            RunEvent::CheckJudged(check) => {
                self.running
                    .entry(check.scenario_id())
                    .or_default()
                    .add(check.verdict);
                Ok(())
            }
            RunEvent::ScenarioEnded(ended) => {
                self.scenario(ended)?;
                self.transcript(&ended.transcript)
            }
            RunEvent::RunEnded(_) => {
                if let Some(bar) = self.bar.take() {
                    bar.finish_and_clear();
                }
                self.end()
            }
            _ => Ok(()),
        }
    }

    fn scenario(&mut self, ended: &ScenarioEnded) -> io::Result<()> {
        let id = ended.id();
        let summary = self.running.remove(&id).unwrap_or_default();
        if let Some(bar) = &self.bar {
            bar.inc(1);
            bar.set_message(text::line(&ended.scenario));
            return Ok(());
        }
        if self.settings.quiet {
            return Ok(());
        }
        let verdict = match &ended.disposition {
            Disposition::Error(_) => "error",
            Disposition::Skipped(_) => "skip",
            Disposition::Unjudged(_) => "unjudged",
            _ if summary.fail > 0 => "fail",
            Disposition::Inconclusive(_) => "inconclusive",
            Disposition::Completed if summary.inconclusive > 0 => "inconclusive",
            Disposition::Completed if summary.warn > 0 => "warn",
            Disposition::Completed => "pass",
        };
        let millis = ended.duration.as_millis();
        let word = self.paint(verdict, &format!("{verdict:12}"));
        writeln!(
            self.out,
            "{word} {} ({}, {millis} ms)",
            self.name(&id),
            counts(summary)
        )
    }

    /// Everything that passed in a scenario, where that was asked for.
    fn transcript(&mut self, entries: &[Entry]) -> io::Result<()> {
        if !self.settings.transcripts {
            return Ok(());
        }
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

    fn end(&mut self) -> io::Result<()> {
        let record = std::mem::take(&mut self.record);
        let of = |verdict: Verdict| record.checks.iter().filter(move |check| check.verdict == verdict);
        for check in of(Verdict::Warn).chain(of(Verdict::Fail)) {
            self.check(check)?;
        }
        self.unreached(&record)?;
        self.skipped(&record)?;
        for scenario in &record.scenarios {
            if let Disposition::Error(why) = &scenario.disposition {
                let word = self.paint("fail", "error");
                writeln!(
                    self.out,
                    "\n{word} in the scenario {}: {}",
                    self.name(&scenario.id),
                    text::indented(why)
                )?;
            }
        }
        self.flaky(&record)?;
        let readings = record.readings();
        if !readings.is_empty() && !self.settings.quiet {
            writeln!(
                self.out,
                "\nReadings that the hub chose where the specification leaves it open:"
            )?;
            for (subject, reading, _) in readings {
                writeln!(self.out, "  {} ({})", text::line(reading), text::line(subject))?;
            }
        }
        if let Some(lost) = &record.hub_lost {
            let word = self.paint("fail", "The hub stopped answering");
            writeln!(
                self.out,
                "\n{word} in {}: {}",
                text::line(&lost.scenario),
                text::indented(&lost.problem)
            )?;
            writeln!(
                self.out,
                "  the request that went unanswered: {}",
                text::indented(&lost.request)
            )?;
        }
        if !self.settings.quiet {
            self.table(&record)?;
        }
        let conclusion = record.conclusion();
        let kind = match conclusion.exit_code() {
            0 => "pass",
            _ => "fail",
        };
        let sentence = self.paint(kind, &conclusion.sentence());
        writeln!(
            self.out,
            "\n{sentence}, {} in {:.2} s",
            of_scenarios(record.scenarios.len()),
            record.duration.as_secs_f64()
        )
    }

    /// A scenario's name, with the version where the run has several.
    fn name(&self, scenario: &ScenarioId) -> String {
        let name = text::line(&scenario.name);
        match self.several {
            true => format!("{name} [{}]", scenario.version),
            false => name,
        }
    }

    /// A check that did not hold, in full.
    fn check(&mut self, check: &Check) -> io::Result<()> {
        let verdict = check.verdict.name();
        let word = self.paint(verdict, verdict);
        writeln!(
            self.out,
            "\n{word} {} in {}",
            text::line(&check.requirement),
            self.name(&check.scenario_id())
        )?;
        writeln!(self.out, "  {}", text::indented(&check.message))?;
        if let Some(accepted) = &check.accepted {
            let told = format!(
                "accepted until {}: {}",
                accepted.until,
                text::line(&accepted.reason)
            );
            writeln!(self.out, "  {told}")?;
        }
        writeln!(
            self.out,
            "  {} (section {}): {}",
            check.level,
            text::line(&check.section),
            text::line(&check.statement)
        )?;
        writeln!(self.out, "  {}", text::line(&check.url))?;
        match (&check.expected, &check.observed) {
            (Some(expected), Some(observed)) if expected.contains('\n') && observed.contains('\n') => {
                writeln!(self.out, "  expected (-) and observed (+):")?;
                for change in
                    TextDiff::from_lines(&text::clean(expected), &text::clean(observed)).iter_all_changes()
                {
                    let sign = match change.tag() {
                        ChangeTag::Delete => "-",
                        ChangeTag::Insert => "+",
                        ChangeTag::Equal => " ",
                    };
                    writeln!(self.out, "    {sign} {}", change.value().trim_end())?;
                }
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
        for evidence in &check.evidence {
            let told = text::evidence(evidence).replace('\n', "\n  ");
            writeln!(self.out, "  {told}")?;
        }
        if let Some(command) = &check.repeat {
            writeln!(self.out, "  again: {}", text::line(command))?;
        }
        Ok(())
    }

    /// Requirements that could not be judged, by reason.
    fn unreached(&mut self, record: &Record) -> io::Result<()> {
        let mut reasons: BTreeMap<(ScenarioId, &str), Vec<&str>> = BTreeMap::new();
        for check in record
            .checks
            .iter()
            .filter(|check| check.verdict == Verdict::Inconclusive)
        {
            reasons
                .entry((check.scenario_id(), &check.message))
                .or_default()
                .push(&check.requirement);
        }
        for ((scenario, why), requirements) in reasons {
            let word = self.paint("inconclusive", "inconclusive");
            writeln!(self.out, "\n{word} {}", self.name(&scenario))?;
            writeln!(self.out, "  {}", text::indented(why))?;
            writeln!(self.out, "  not judged: {}", text::line(&requirements.join(", ")))?;
        }
        Ok(())
    }

    /// Requirements that held only when they were tried again.
    fn flaky(&mut self, record: &Record) -> io::Result<()> {
        for check in record.checks.iter().filter(|check| check.flaky) {
            let word = self.paint("warn", "flaky");
            let name = self.name(&check.scenario_id());
            let requirement = text::line(&check.requirement);
            writeln!(
                self.out,
                "\n{word} {requirement} in {name}: {}",
                text::line(&check.message)
            )?;
        }
        Ok(())
    }

    /// Skipped scenarios, by reason.
    fn skipped(&mut self, record: &Record) -> io::Result<()> {
        if self.settings.quiet {
            return Ok(());
        }
        let mut reasons: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for scenario in &record.scenarios {
            if let Disposition::Skipped(why) = &scenario.disposition {
                reasons.entry(why).or_default().push(self.name(&scenario.id));
            }
        }
        for (why, scenarios) in reasons {
            let word = self.paint("skip", "skipped");
            writeln!(
                self.out,
                "\n{word}: {} ({})",
                text::indented(why),
                of_scenarios(scenarios.len())
            )?;
            writeln!(self.out, "  {}", scenarios.join(", "))?;
        }
        Ok(())
    }

    /// Verdicts by section of the specification.
    fn table(&mut self, record: &Record) -> io::Result<()> {
        let mut versions: BTreeMap<Version, Vec<&Check>> = BTreeMap::new();
        for check in &record.checks {
            versions.entry(check.fhircast_version).or_default().push(check);
        }
        for (version, checks) in versions.into_iter().rev() {
            self.sections(version, &checks)?;
        }
        Ok(())
    }

    fn sections(&mut self, version: Version, checks: &[&Check]) -> io::Result<()> {
        let mut sections: BTreeMap<(usize, usize, String), Summary> = BTreeMap::new();
        for check in checks {
            sections
                .entry(section::key(&text::line(&check.section)))
                .or_default()
                .add(check.verdict);
        }
        let head = match self.several {
            true => format!("section of {version}"),
            false => "section".to_owned(),
        };
        let longest = sections
            .keys()
            .map(|(_, _, section)| section.chars().count())
            .max();
        let width = longest.unwrap_or_default().max(head.len()).max(10);
        writeln!(
            self.out,
            "\n{head:width$} {:>6} {:>6} {:>6} {:>6} {:>13}",
            "pass", "fail", "warn", "skip", "inconclusive"
        )?;
        for ((_, _, section), summary) in sections {
            let Summary {
                pass,
                fail,
                warn,
                skip,
                inconclusive,
            } = summary;
            writeln!(
                self.out,
                "{section:width$} {pass:>6} {fail:>6} {warn:>6} {skip:>6} {inconclusive:>13}"
            )?;
        }
        Ok(())
    }

    fn paint(&self, verdict: &str, text: &str) -> String {
        if !self.settings.colour {
            return text.to_owned();
        }
        let code = match verdict {
            "pass" => 32,
            "fail" | "error" => 31,
            "warn" | "inconclusive" => 33,
            _ => 90,
        };
        format!("\u{1b}[{code}m{text}\u{1b}[0m")
    }
}

fn of_scenarios(count: usize) -> String {
    format!("{count} scenario{}", if count == 1 { "" } else { "s" })
}

fn counts(summary: Summary) -> String {
    let all = [
        (summary.pass, "pass"),
        (summary.fail, "fail"),
        (summary.warn, "warn"),
        (summary.skip, "skip"),
        (summary.inconclusive, "inconclusive"),
    ];
    let told: Vec<String> = all
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, name)| format!("{count} {name}"))
        .collect();
    if told.is_empty() {
        "nothing judged".to_owned()
    } else {
        told.join(", ")
    }
}
