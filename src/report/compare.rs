//! The comparison of two runs, check by check and cause by cause.

use std::collections::BTreeMap;

use serde::Serialize;

use super::markdown::plain;
use super::record::Record;
use super::text;
use castspec_judging::outcome::{Cause, Causes, Check, Summary, Verdict};

/// The differences between two runs.
#[derive(Debug, Serialize)]
pub struct Comparison {
    /// The earlier run.
    pub old: Side,
    /// The later one.
    pub new: Side,
    /// Checks with a worse verdict than before: regressions.
    pub worse: Vec<Change>,
    /// Checks with a better verdict than before.
    pub better: Vec<Change>,
    /// Checks that were judged before and no longer are.
    pub no_longer_judged: Vec<Change>,
    /// Causes that the earlier run did not have.
    pub new_causes: Vec<Cause>,
    /// Causes that the later run no longer has.
    pub gone_causes: Vec<Cause>,
    /// How many checks are judged now and were not before, without being broken.
    pub newly_judged: usize,
    /// How many checks have the verdict that they had.
    pub unchanged: usize,
}

/// One of the runs.
#[derive(Debug, Serialize)]
pub struct Side {
    /// When it began.
    pub started: Option<String>,
    /// Its hub.
    pub hub_url: Option<String>,
    /// Its verdicts counted.
    pub summary: Summary,
    /// It ended early: a signal came, or the hub was lost.
    pub cut_short: bool,
}

/// A check whose verdict changed.
#[derive(Debug, Serialize)]
pub struct Change {
    /// The check's id.
    pub id: String,
    /// The verdict before; none where it was not in the earlier run.
    pub old: Option<Verdict>,
    /// The verdict now; none where it is not in the later run.
    pub new: Option<Verdict>,
    /// The reason of its verdict now; where it has none now, of its verdict before.
    pub message: String,
}

/// How bad a verdict is. What was not judged is not bad: a hub may claim less, and a run may be of less.
fn badness(verdict: Option<Verdict>) -> u8 {
    match verdict {
        None | Some(Verdict::Pass | Verdict::Skip) => 0,
        Some(Verdict::Inconclusive) => 1,
        Some(Verdict::Warn) => 2,
        Some(Verdict::Fail) => 3,
    }
}

impl Comparison {
    /// Compares two runs.
    pub fn of(old: &Record, new: &Record) -> Self {
        let mut pairs: BTreeMap<&str, (Option<&Check>, Option<&Check>)> = BTreeMap::new();
        for check in &old.checks {
            pairs.entry(&check.id).or_default().0 = Some(check);
        }
        for check in &new.checks {
            pairs.entry(&check.id).or_default().1 = Some(check);
        }
        let mut comparison = Self {
            old: Side::of(old),
            new: Side::of(new),
            worse: Vec::new(),
            better: Vec::new(),
            no_longer_judged: Vec::new(),
            new_causes: not_in(&new.causes, &old.causes),
            gone_causes: not_in(&old.causes, &new.causes),
            newly_judged: 0,
            unchanged: 0,
        };
        for (id, (before, now)) in pairs {
            comparison.add(id, before, now);
        }
        comparison
    }

    fn add(&mut self, id: &str, before: Option<&Check>, now: Option<&Check>) {
        let (old, new) = (before.map(|check| check.verdict), now.map(|check| check.verdict));
        let judged =
            |verdict: Option<Verdict>| matches!(verdict, Some(Verdict::Pass | Verdict::Warn | Verdict::Fail));
        let list = if old == new {
            self.unchanged += 1;
            return;
        } else if badness(new) > badness(old) {
            &mut self.worse
        } else if judged(old) && !judged(new) {
            &mut self.no_longer_judged
        } else if judged(new) && badness(new) < badness(old) {
            &mut self.better
        } else if judged(new) {
            self.newly_judged += 1;
            return;
        } else {
            self.unchanged += 1;
            return;
        };
        list.push(Change {
            id: id.to_owned(),
            old,
            new,
            message: now
                .or(before)
                .map(|check| check.message.clone())
                .unwrap_or_default(),
        });
    }

    /// Whether anything got worse.
    pub fn is_regression(&self) -> bool {
        !self.worse.is_empty()
    }

    /// For people, as plain text.
    pub fn text(&self) -> String {
        let mut lines = Vec::new();
        for (title, changes) in self.lists() {
            if changes.is_empty() {
                continue;
            }
            lines.push(format!("{title}:"));
            for change in changes {
                lines.push(format!("  {}  {}", change.verdicts(), text::line(&change.id)));
                lines.push(format!("    {}", at_a_glance(&change.message)));
            }
            lines.push(String::new());
        }
        for (title, causes) in self.causes() {
            if causes.is_empty() {
                continue;
            }
            lines.push(format!("{title}:"));
            for cause in causes {
                lines.push(format!("  {}", text::line(&cause_told(cause))));
                lines.push(format!("    {}", at_a_glance(&cause.message)));
            }
            lines.push(String::new());
        }
        lines.push(self.sentence());
        lines.join("\n") + "\n"
    }

    /// For people, as Markdown.
    pub fn markdown(&self) -> String {
        let mut lines = vec![format!("### castspec: {}", self.sentence()), String::new()];
        for (title, changes) in self.lists() {
            if changes.is_empty() {
                continue;
            }
            lines.push(format!("#### {title}"));
            lines.push(String::new());
            lines.push("| check | before | now | why |".to_owned());
            lines.push("| --- | --- | --- | --- |".to_owned());
            for change in changes {
                lines.push(format!(
                    "| {} | {} | {} | {} |",
                    plain(&change.id),
                    word(change.old),
                    word(change.new),
                    plain(&at_a_glance(&change.message))
                ));
            }
            lines.push(String::new());
        }
        for (title, causes) in self.causes() {
            if causes.is_empty() {
                continue;
            }
            lines.push(format!("#### {title}"));
            lines.push(String::new());
            lines.push("| cause | what was found |".to_owned());
            lines.push("| --- | --- |".to_owned());
            for cause in causes {
                lines.push(format!(
                    "| {} | {} |",
                    plain(&cause_told(cause)),
                    plain(&at_a_glance(&cause.message))
                ));
            }
            lines.push(String::new());
        }
        lines.join("\n")
    }

    fn causes(&self) -> [(&'static str, &[Cause]); 2] {
        [
            ("New causes", &self.new_causes),
            ("Causes that are gone", &self.gone_causes),
        ]
    }

    fn lists(&self) -> [(&'static str, &[Change]); 3] {
        [
            ("Worse", &self.worse),
            ("Better", &self.better),
            ("No longer judged", &self.no_longer_judged),
        ]
    }

    fn sentence(&self) -> String {
        let causes = match (self.new_causes.len(), self.gone_causes.len()) {
            (0, 0) => String::new(),
            (new, gone) => format!("; causes: {new} new, {gone} gone"),
        };
        let cut = match (self.old.cut_short, self.new.cut_short) {
            (false, false) => "",
            (true, false) => "; the earlier run did not come to its end",
            (false, true) => "; the later run did not come to its end",
            (true, true) => "; neither run came to its end",
        };
        format!(
            "{} worse, {} better, {} no longer judged, {} newly judged, {} as before{causes}{cut}",
            self.worse.len(),
            self.better.len(),
            self.no_longer_judged.len(),
            self.newly_judged,
            self.unchanged
        )
    }
}

impl Side {
    fn of(record: &Record) -> Self {
        let began = record.began.as_ref();
        Self {
            started: began.map(|began| began.started.clone()),
            hub_url: began.map(|began| began.target.hub_url.clone()),
            summary: record.summary(),
            cut_short: record.interrupted || record.hub_lost.is_some(),
        }
    }
}

impl Change {
    fn verdicts(&self) -> String {
        format!("{} → {}", word(self.old), word(self.new))
    }
}

/// The causes of one run that the other has not.
fn not_in(causes: &Causes, others: &Causes) -> Vec<Cause> {
    let known = |cause: &&Cause| {
        let mut others = others.all.iter();
        others.any(|other| other.fhircast_version == cause.fhircast_version && other.is_like(cause))
    };
    causes.all.iter().filter(|cause| !known(cause)).cloned().collect()
}

fn cause_told(cause: &Cause) -> String {
    let checks = match cause.checks {
        1 => "1 check".to_owned(),
        count => format!("{count} checks"),
    };
    format!(
        "{} {} [{}] in {checks}",
        cause.verdict, cause.requirement, cause.fhircast_version
    )
}

fn word(verdict: Option<Verdict>) -> &'static str {
    verdict.map_or("absent", Verdict::name)
}

fn at_a_glance(message: &str) -> String {
    text::at_a_glance(&text::line(message))
}
