//! The outcome of a whole run: the verdict that reports show and the exit code tells.

use std::collections::BTreeSet;

use super::check::{Check, Summary, Verdict};
use super::coverage::{Coverage, Scope, Shares};
use super::event::Disposition;
use super::grading::Grading;
use crate::protocol::Version;
use crate::requirement::RequirementId;

/// The verdict on the hub.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing that was judged is broken, and nothing that must hold was left open.
    Conformant,
    /// A SHALL is broken; under strict judging, a SHOULD.
    NotConformant,
    /// Nothing is broken, but a SHALL could not be judged, a scenario failed, or the run was cut short.
    Inconclusive,
    /// Not one requirement was judged; of a recorded conversation, not one of one side.
    NothingJudged,
}

/// The outcome of a run, gathered check by check.
#[derive(Debug, Clone, Default)]
pub struct Conclusion {
    grading: Grading,
    summary: Summary,
    /// Requirements of which a check failed.
    broken: BTreeSet<(Version, RequirementId)>,
    open_shalls: usize,
    /// Of those counted, the ones that are accepted.
    accepted: Summary,
    scenario_errors: usize,
    /// Sides of a recorded conversation of which nothing was judged.
    unjudged: usize,
    hub_lost: bool,
    interrupted: bool,
    without_tls: bool,
    /// Selectors chose the scenarios.
    selected: bool,
    shares: Option<Shares>,
    coverage: Coverage,
}

impl Conclusion {
    /// Nothing judged yet.
    pub fn new(grading: Grading) -> Self {
        Self {
            grading,
            ..Self::default()
        }
    }

    /// Takes a check in.
    pub fn check(&mut self, check: &Check) {
        self.summary.add(check.verdict);
        if check.verdict == Verdict::Fail {
            self.broken
                .insert((check.fhircast_version, check.requirement.clone()));
        }
        if check.is_open_shall() {
            self.open_shalls += 1;
        }
        if check.accepted.is_some() && self.grading.fails_run(check) {
            self.accepted.add(check.verdict);
        }
    }

    /// Takes the end of a scenario in.
    pub fn scenario(&mut self, disposition: &Disposition) {
        match disposition {
            Disposition::Error(_) => self.scenario_errors += 1,
            Disposition::Unjudged(_) => self.unjudged += 1,
            Disposition::Completed | Disposition::Skipped(_) | Disposition::Inconclusive(_) => {}
        }
    }

    /// Takes in whether the hub was lost, and whether a signal ended the run early.
    pub fn end(&mut self, hub_lost: bool, interrupted: bool) {
        self.hub_lost = hub_lost;
        self.interrupted = interrupted;
    }

    /// Takes in what the run set out to judge, and how much of it was judged.
    pub fn covered(&mut self, scope: &Scope, coverage: Coverage) {
        self.selected = !scope.selection.is_empty();
        self.shares.clone_from(&scope.shares);
        self.coverage = coverage;
    }

    /// What the verdict does not speak of, though a whole run would, in words that follow it; nothing after a whole run.
    pub fn limits(&self) -> Option<String> {
        match &self.shares {
            Some(shares) => Some(format!("in {shares}")),
            None if self.selected => Some("in a selection".to_owned()),
            None if self.coverage.is_thin() => Some("in what was tried".to_owned()),
            None => None,
        }
    }

    /// How much was judged.
    pub fn coverage(&self) -> &Coverage {
        &self.coverage
    }

    /// Takes in how a hub was reached: without TLS, a verdict says so.
    pub fn reached_at(&mut self, hub_url: &str) {
        let scheme = hub_url.split_once(':').map(|(scheme, _)| scheme);
        self.without_tls |= scheme.is_some_and(|scheme| scheme.eq_ignore_ascii_case("http"));
    }

    /// Whether a hub was reached without TLS, which a deployment must have.
    pub fn is_without_tls(&self) -> bool {
        self.without_tls
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
        let broken = self.summary.fail > accepted.fail
            || (self.grading.is_strict() && self.summary.warn > accepted.warn);
        let open = self.open_shalls > accepted.inconclusive;
        if broken {
            Outcome::NotConformant
        } else if open || self.scenario_errors > 0 || self.hub_lost || self.interrupted {
            Outcome::Inconclusive
        } else if judged == 0 || self.unjudged > 0 {
            Outcome::NothingJudged
        } else {
            Outcome::Conformant
        }
    }

    /// All that is broken or open is accepted.
    pub fn is_accepted(&self) -> bool {
        self.outcome() != Outcome::Conformant && self.outcome_but(self.accepted) == Outcome::Conformant
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

    /// The verdict in a few words, with what it does not speak of.
    pub fn headline(&self) -> String {
        let accepted = match self.is_accepted() {
            true => ", but accepted",
            false => "",
        };
        match self.outcome() {
            Outcome::Conformant => {
                let limits = self.limits().map(|limits| format!(" {limits}"));
                let tls = self.without_tls.then_some(", without TLS");
                let (limits, tls) = (limits.unwrap_or_default(), tls.unwrap_or_default());
                format!("conformant{limits}{tls}")
            }
            Outcome::NotConformant => format!("not conformant{accepted}"),
            Outcome::Inconclusive => format!("inconclusive{accepted}"),
            Outcome::NothingJudged if self.summary.total() > 0 && self.unjudged > 0 => {
                "nothing was judged of one side".to_owned()
            }
            Outcome::NothingJudged => "nothing was judged".to_owned(),
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
        let headline = self.headline();
        let verdict = match self.outcome() {
            Outcome::Conformant | Outcome::NothingJudged => headline,
            Outcome::NotConformant if fail > 0 => {
                let requirements = counted(self.broken.len(), "requirement");
                format!("{headline}: {requirements} broken, in {}", counted(fail, "check"))
            }
            Outcome::NotConformant => {
                format!("{headline} under --strict: {} broken", counted(warn, "SHOULD"))
            }
            Outcome::Inconclusive if self.hub_lost => format!("{headline}: the hub stopped answering"),
            Outcome::Inconclusive if self.interrupted => format!("{headline}: the run was interrupted"),
            Outcome::Inconclusive if self.open_shalls > 0 => {
                let checks = counted(self.open_shalls, "check");
                format!("{headline}: {checks} of a SHALL could not be judged")
            }
            Outcome::Inconclusive => {
                format!("{headline}: {} failed", counted(self.scenario_errors, "scenario"))
            }
        };
        let covered = match self.coverage.sentence() {
            Some(covered) if self.outcome() == Outcome::Conformant => format!(": {covered}"),
            Some(covered) => format!("; {covered}"),
            None => String::new(),
        };
        let accepted = match self.accepted.total() {
            0 => String::new(),
            accepted => format!(", {accepted} accepted"),
        };
        format!(
            "{verdict}{covered} ({pass} pass, {fail} fail, {warn} warn, {skip} skip, {inconclusive} inconclusive{accepted})"
        )
    }
}

/// A number with a noun, in the plural where it is not one.
fn counted(count: usize, noun: &str) -> String {
    match count {
        1 => format!("1 {noun}"),
        _ => format!("{count} {noun}s"),
    }
}
