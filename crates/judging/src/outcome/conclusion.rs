//! What a whole run comes to: the verdict that reports show and the exit code tells.

use super::check::{Check, Summary, Verdict};
use super::event::{Disposition, RunEvent};
use crate::requirement::Level;

/// The verdict on the hub.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing that was judged is broken, and nothing that must hold was left open.
    Conformant,
    /// A SHALL is broken; under strict judging, a SHOULD.
    NotConformant,
    /// Nothing is broken, but a SHALL could not be judged, a scenario failed, or the run was cut short.
    Inconclusive,
    /// Not one requirement was judged.
    NothingJudged,
}

/// Gathers the events of a run into its outcome.
#[derive(Debug, Clone, Default)]
pub struct Conclusion {
    strict: bool,
    summary: Summary,
    open_shalls: usize,
    /// Of those counted, the ones that are accepted.
    accepted: Summary,
    scenario_errors: usize,
    hub_lost: bool,
    interrupted: bool,
}

impl Conclusion {
    /// Nothing judged yet; `strict` lets a broken SHOULD count as a failure.
    pub fn new(strict: bool) -> Self {
        Self {
            strict,
            ..Self::default()
        }
    }

    /// Takes an event in.
    pub fn event(&mut self, event: &RunEvent) {
        match event {
            RunEvent::CheckJudged(check) => self.check(check),
            RunEvent::ScenarioEnded(ended) if matches!(ended.disposition, Disposition::Error(_)) => {
                self.scenario_errors += 1;
            }
            RunEvent::HubLost(_) => self.hub_lost = true,
            RunEvent::RunEnded(ended) => self.interrupted = ended.interrupted,
            _ => {}
        }
    }

    fn check(&mut self, check: &Check) {
        self.summary.add(check.verdict);
        if check.verdict == Verdict::Inconclusive && check.level == Level::Shall {
            self.open_shalls += 1;
        }
        if check.accepted.is_some() && check.fails_run(self.strict) {
            self.accepted.add(check.verdict);
        }
    }

    /// The verdicts counted.
    pub fn summary(&self) -> Summary {
        self.summary
    }

    /// The verdict on the hub, whatever is accepted of it.
    pub fn outcome(&self) -> Outcome {
        self.outcome_but(Summary::default())
    }

    /// The verdict if these had not been.
    fn outcome_but(&self, accepted: Summary) -> Outcome {
        let judged = self.summary.pass + self.summary.fail + self.summary.warn;
        let broken = self.summary.fail > accepted.fail || (self.strict && self.summary.warn > accepted.warn);
        let open = self.open_shalls > accepted.inconclusive;
        if broken {
            Outcome::NotConformant
        } else if open || self.scenario_errors > 0 || self.hub_lost || self.interrupted {
            Outcome::Inconclusive
        } else if judged == 0 {
            Outcome::NothingJudged
        } else {
            Outcome::Conformant
        }
    }

    /// The exit status of `castspec run`: 0 conformant, or all that is broken is accepted; 1 not conformant or inconclusive;
    /// 2 nothing was judged.
    pub fn exit_code(&self) -> u8 {
        match self.outcome_but(self.accepted) {
            Outcome::Conformant => 0,
            Outcome::NotConformant | Outcome::Inconclusive => 1,
            Outcome::NothingJudged => 2,
        }
    }

    /// The verdict in words, with all counts.
    pub fn sentence(&self) -> String {
        let Summary {
            pass,
            fail,
            warn,
            skip,
            inconclusive,
        } = self.summary;
        let plural = |count: usize, one: &str| format!("{count} {one}{}", if count == 1 { "" } else { "s" });
        let verdict = match self.outcome() {
            Outcome::Conformant => "conformant".to_owned(),
            Outcome::NotConformant if fail > 0 => {
                format!(
                    "not conformant: {} broken",
                    plural(fail, "check of a SHALL").replace("check of a SHALLs", "checks of a SHALL")
                )
            }
            Outcome::NotConformant => {
                format!("not conformant under --strict: {} broken", plural(warn, "SHOULD"))
            }
            Outcome::Inconclusive if self.hub_lost => "inconclusive: the hub stopped answering".to_owned(),
            Outcome::Inconclusive if self.interrupted => "inconclusive: the run was interrupted".to_owned(),
            Outcome::Inconclusive if self.open_shalls > 0 => {
                format!(
                    "inconclusive: {} of a SHALL could not be judged",
                    plural(self.open_shalls, "check")
                )
            }
            Outcome::Inconclusive => format!(
                "inconclusive: {} failed",
                plural(self.scenario_errors, "scenario")
            ),
            Outcome::NothingJudged => "nothing was judged".to_owned(),
        };
        let accepted = match self.accepted.total() {
            0 => String::new(),
            accepted => format!(", {accepted} accepted"),
        };
        format!(
            "{verdict} ({pass} pass, {fail} fail, {warn} warn, {skip} skip, {inconclusive} inconclusive{accepted})"
        )
    }
}
