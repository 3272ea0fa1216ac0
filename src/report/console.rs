//! The console: a progress bar on a terminal, and at the end the scenarios, the causes of what was broken, and the verdict.

mod causes;
mod scenarios;

use std::collections::BTreeMap;
use std::io::{self, Write};

use indicatif::{ProgressBar, ProgressStyle};

use super::record::Record;
use super::{scope, section, text};
use castspec_fhircast::protocol::Version;
use castspec_judging::outcome::{Check, Disposition, Grading, RunBegan, RunEvent, ScenarioId, Summary};
use scenarios::{Line, Place};

/// Readings at the most, where something is broken.
const READINGS: usize = 3;

/// How the console is written.
#[derive(Debug, Clone, Copy, Default)]
pub struct ConsoleSettings {
    /// A terminal: a progress bar in place of the scenarios that did not pass.
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
    /// The scenarios that ended. They end in no certain order; the console has one.
    ended: BTreeMap<Place, Line>,
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
            ended: BTreeMap::new(),
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
                let scope = match scope::told(&began.scope) {
                    Some(told) => format!(", {}", text::line(&told)),
                    None => String::new(),
                };
                writeln!(
                    self.out,
                    "castspec {}: {} of FHIRcast {} against {}{scope}",
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
            RunEvent::ScenarioEnded(ended) => self.scenario(ended),
            RunEvent::RunEnded(_) => {
                if let Some(bar) = self.bar.take() {
                    bar.finish_and_clear();
                }
                self.end()?;
                self.out.flush()
            }
            _ => Ok(()),
        }
    }

    fn end(&mut self) -> io::Result<()> {
        let record = std::mem::take(&mut self.record);
        self.scenarios()?;
        self.causes(&record)?;
        self.accommodations(&record)?;
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
        if !self.settings.quiet {
            self.readings(&record)?;
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

    /// What castspec did as the hub wants it, so that the rest could be judged.
    fn accommodations(&mut self, record: &Record) -> io::Result<()> {
        if record.accommodations.is_empty() {
            return Ok(());
        }
        writeln!(
            self.out,
            "
So that the rest could be judged, castspec did as this hub wants it:"
        )?;
        for accommodation in &record.accommodations {
            let version = match self.several {
                true => format!(" [{}]", accommodation.fhircast_version),
                false => String::new(),
            };
            writeln!(self.out, "  {}{version}", text::line(&accommodation.what))?;
        }
        Ok(())
    }

    /// The readings that the hub chose; where something is broken, only a few of them.
    fn readings(&mut self, record: &Record) -> io::Result<()> {
        let readings = record.readings();
        if readings.is_empty() {
            return Ok(());
        }
        let shown = match record.causes.all.is_empty() || self.settings.transcripts {
            true => readings.len(),
            false => READINGS,
        };
        writeln!(
            self.out,
            "\nReadings that the hub chose where the specification leaves it open:"
        )?;
        for (subject, reading, _) in readings.iter().take(shown) {
            writeln!(self.out, "  {} ({})", text::line(reading), text::line(subject))?;
        }
        match readings.len().saturating_sub(shown) {
            0 => Ok(()),
            more => writeln!(self.out, "  and {more} more, in the reports"),
        }
    }

    /// A scenario's name, with the version where the run has several.
    fn name(&self, scenario: &ScenarioId) -> String {
        let name = text::line(&scenario.name);
        match self.several {
            true => format!("{name} [{}]", scenario.version),
            false => name,
        }
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

    /// Verdicts by section of the specification; where something is broken, of the sections that have to do with it.
    fn table(&mut self, record: &Record) -> io::Result<()> {
        let mut versions: BTreeMap<Version, Vec<&Check>> = BTreeMap::new();
        for check in &record.checks {
            versions.entry(check.fhircast_version).or_default().push(check);
        }
        for (version, checks) in versions.into_iter().rev() {
            self.sections(version, &checks, record.causes.all.is_empty())?;
        }
        Ok(())
    }

    fn sections(&mut self, version: Version, checks: &[&Check], all: bool) -> io::Result<()> {
        let mut sections: BTreeMap<(usize, usize, String), Summary> = BTreeMap::new();
        for check in checks {
            sections
                .entry(place_and_title(check))
                .or_default()
                .add(check.verdict);
        }
        let mut others = Summary::default();
        if !all && !self.settings.transcripts {
            sections.retain(|_, counts| {
                let told = counts.fail + counts.warn + counts.inconclusive > 0;
                if !told {
                    others.pass += counts.pass;
                    others.skip += counts.skip;
                }
                told
            });
        }
        if others.total() > 0 {
            sections.insert((usize::MAX, usize::MAX, "all others".to_owned()), others);
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

/// Where the section of a check stands among the others, and what it is called.
fn place_and_title(check: &Check) -> (usize, usize, String) {
    let (chapter, section, _) = section::key(&check.section);
    (chapter, section, text::line(&section::chapter(check)))
}

fn of_checks(count: usize) -> String {
    format!("{count} check{}", if count == 1 { "" } else { "s" })
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
