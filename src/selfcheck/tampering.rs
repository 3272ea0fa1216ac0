//! The second proof: a man in the middle before the clean simulator alters what passes, and the suite must find it.
//!
//! It needs no defect in the simulator: what the checks find, they find from outside.

use std::collections::BTreeSet;
use std::time::Instant;

use serde::Serialize;
use tokio::sync::watch;

use super::matrix::{Finding, Gathered, Seen};
use super::suite::{ALONE, Pace, Suite, TOGETHER};
use super::{Progress, SelfCheckError};
use crate::builtin;
use castspec_fhircast::protocol::Version;
use castspec_hub::Transport;
use castspec_judging::outcome::Verdict;
use castspec_tampering::{Alteration, Middle};

/// The alterations to try in one version.
#[derive(Debug, Clone)]
pub struct Tampering {
    /// The suite.
    pub suite: Suite,
    /// The alterations.
    pub alterations: Vec<Alteration>,
}

/// What came of an alteration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// A requirement that it breaks was seen broken.
    Killed,
    /// Others were seen broken, and none of those that it breaks.
    KilledByOthers,
    /// Nothing was seen broken.
    Survives,
    /// Nothing was seen broken, for the reason that the alteration gives.
    Unseen,
    /// It is lawful, and nothing was seen broken.
    LeftAlone,
    /// It is lawful, and something was seen broken.
    Blamed,
    /// No message was altered.
    NothingToAlter,
}

/// One alteration, tried.
#[derive(Debug, Clone, Serialize)]
pub struct Tried {
    /// Its name.
    pub alteration: String,
    /// The requirements of which one must be seen broken.
    pub breaks: Vec<String>,
    /// What came of it.
    pub outcome: Outcome,
    /// Why it is lawful, or unseen.
    pub reason: Option<String>,
    /// What was seen broken.
    pub findings: Vec<Finding>,
    /// How many checks could not be judged.
    pub inconclusive: usize,
    /// How many messages were altered.
    pub altered: usize,
    /// How long the suite took, in seconds.
    pub seconds: f64,
    /// Why the suite could not be run.
    pub error: Option<String>,
}

impl Tried {
    /// It was found by what it breaks, or rightly not.
    pub fn is_sound(&self) -> bool {
        self.error.is_none()
            && matches!(
                self.outcome,
                Outcome::Killed | Outcome::Unseen | Outcome::LeftAlone
            )
    }
}

/// All alterations of one version, tried.
#[derive(Debug, Clone, Serialize)]
pub struct TamperingMatrix {
    /// The version.
    pub fhircast_version: Version,
    /// The alterations.
    pub tried: Vec<Tried>,
    /// How long all of it took, in seconds.
    pub seconds: f64,
}

impl TamperingMatrix {
    /// Every alteration was found or is lawful.
    pub fn is_sound(&self) -> bool {
        self.tried.iter().all(Tried::is_sound)
    }

    /// How many alterations had this outcome.
    pub fn count(&self, outcome: Outcome) -> usize {
        self.tried.iter().filter(|tried| tried.outcome == outcome).count()
    }
}

impl Tampering {
    /// Tries all alterations; `progress` is told whenever one has been tried, `stop` turning true ends it early.
    ///
    /// # Errors
    /// When it was stopped, or a run ended abnormally.
    pub async fn run(
        &self,
        mut progress: impl FnMut(Progress<'_>),
        stop: watch::Receiver<bool>,
    ) -> Result<TamperingMatrix, SelfCheckError> {
        let began = Instant::now();
        let all = self.alterations.len();
        let mut done = 0;
        let each = |alteration: Alteration| {
            let (tampering, stop) = (self.clone(), stop.clone());
            async move { tampering.tried(alteration, TOGETHER, stop).await }
        };
        let told = |one: &Tried| {
            done += 1;
            let last = Some(one.alteration.as_str());
            progress(Progress { done, all, last });
        };
        let alterations = self.alterations.iter().cloned();
        let mut tried = self.suite.each(alterations, each, told).await?;
        // Many runs at once may starve one another; what is held against a check must be seen in a run of its own.
        for (one, alteration) in tried.iter_mut().zip(&self.alterations) {
            if !one.is_sound() && !*stop.borrow() {
                *one = self.tried(alteration.clone(), ALONE, stop.clone()).await;
            }
        }
        if *stop.borrow() {
            return Err(SelfCheckError::Interrupted);
        }
        Ok(TamperingMatrix {
            fhircast_version: self.suite.version,
            tried,
            seconds: began.elapsed().as_secs_f64(),
        })
    }

    async fn tried(&self, alteration: Alteration, pace: Pace, stop: watch::Receiver<bool>) -> Tried {
        let began = Instant::now();
        let mut gathered = Gathered::default();
        let ran = match *stop.borrow() {
            true => Err("interrupted".to_owned()),
            false => Ok(()),
        };
        let ran = match ran {
            Ok(()) => self.gather(&alteration, pace, stop, &mut gathered).await,
            Err(error) => Err(error),
        };
        let (altered, error) = match ran {
            Ok(altered) => (altered, None),
            Err(error) => (0, Some(error)),
        };
        let findings: Vec<Finding> = gathered.findings(&[]).into_values().collect();
        let stated = |id: &&String| {
            self.suite
                .materials
                .catalogue
                .get(self.suite.version, id.as_str())
                .is_some()
        };
        let breaks: Vec<String> = alteration
            .breaks_in(self.suite.version)
            .iter()
            .filter(stated)
            .cloned()
            .collect();
        let (outcome, reason) = outcome(
            &alteration,
            self.suite.version,
            &breaks,
            &findings,
            altered,
            gathered.count(Verdict::Inconclusive),
        );
        Tried {
            alteration: alteration.name,
            breaks,
            outcome,
            reason,
            findings,
            inconclusive: gathered.count(Verdict::Inconclusive),
            altered,
            seconds: began.elapsed().as_secs_f64(),
            error,
        }
    }

    /// Runs the suite with a man in the middle; how many messages he altered.
    async fn gather(
        &self,
        alteration: &Alteration,
        pace: Pace,
        stop: watch::Receiver<bool>,
        gathered: &mut Gathered,
    ) -> Result<usize, String> {
        let (server, targets) = builtin::start(BTreeSet::new(), &[self.suite.version], Transport::Plaintext)
            .await
            .map_err(|error| error.to_string())?;
        let Some(mut target) = targets.into_iter().next() else {
            return Err("the simulator serves no version".to_owned());
        };
        let middle = Middle::start(&target.hub_url, alteration.clone())
            .await
            .map_err(|error| error.to_string())?;
        target.hub_url = middle.url().clone();
        let result = self.suite.gather(target, pace, stop, gathered).await;
        let altered = middle.altered();
        server.shutdown().await;
        // A hub that cannot be tested at all has been found out, too, where a check says so.
        match result {
            Ok(()) => Ok(altered),
            Err(_) if gathered.broken().next().is_some() => Ok(altered),
            Err(error) => Err(error),
        }
    }
}

fn outcome(
    alteration: &Alteration,
    version: Version,
    breaks: &[String],
    findings: &[Finding],
    altered: usize,
    inconclusive: usize,
) -> (Outcome, Option<String>) {
    let broken = |id: &String| {
        findings
            .iter()
            .any(|finding| finding.requirement == id.as_str() && finding.seen > Seen::Unseen)
    };
    let outcome = match (&alteration.lawful, alteration.unseen.get(&version)) {
        _ if altered == 0 => Outcome::NothingToAlter,
        (Some(why), _) => {
            let is_clean = findings.is_empty() && inconclusive == 0;
            let outcome = if is_clean {
                Outcome::LeftAlone
            } else {
                Outcome::Blamed
            };
            return (outcome, Some(why.clone()));
        }
        _ if breaks.iter().any(broken) => Outcome::Killed,
        _ if !findings.is_empty() => Outcome::KilledByOthers,
        (None, Some(why)) => return (Outcome::Unseen, Some(why.clone())),
        (None, None) => Outcome::Survives,
    };
    (outcome, None)
}

/// The alterations as text: a line for each that tells something, then the counts. `everything` lists the others as well.
pub fn render_tampering(matrix: &TamperingMatrix, everything: bool) -> String {
    let mut lines = Vec::new();
    for tried in &matrix.tried {
        let word = match (&tried.error, tried.outcome) {
            (Some(_), _) => "ERROR",
            (None, Outcome::Killed) => "killed",
            (None, Outcome::KilledByOthers) => "OTHERS",
            (None, Outcome::Survives) => "SURVIVES",
            (None, Outcome::Unseen) => "unseen",
            (None, Outcome::LeftAlone) => "lawful",
            (None, Outcome::Blamed) => "BLAMED",
            (None, Outcome::NothingToAlter) => "IDLE",
        };
        if !everything && tried.is_sound() {
            continue;
        }
        let seen: Vec<&str> = tried
            .findings
            .iter()
            .map(|finding| finding.requirement.as_str())
            .collect();
        let told = match (&tried.error, tried.outcome) {
            (Some(error), _) => error.clone(),
            (None, Outcome::Killed) => {
                let found = tried.breaks.iter().filter(|id| seen.contains(&id.as_str()));
                found.cloned().collect::<Vec<_>>().join(", ")
            }
            (None, Outcome::KilledByOthers) => {
                format!("by {}, not by {}", seen.join(", "), tried.breaks.join(", "))
            }
            (None, Outcome::Survives) => format!("nothing sees {} broken", tried.breaks.join(", ")),
            (None, Outcome::Blamed) => {
                format!(
                    "{}; yet {} broken, {} inconclusive {}",
                    tried.reason.as_deref().unwrap_or_default(),
                    seen.len(),
                    tried.inconclusive,
                    seen.join(", ")
                )
            }
            (None, Outcome::Unseen | Outcome::LeftAlone) => tried.reason.clone().unwrap_or_default(),
            (None, Outcome::NothingToAlter) => "no message could be altered".to_owned(),
        };
        lines.push(format!("{word:<8} {}: {told}", tried.alteration));
    }
    let count = |outcome| matrix.count(outcome);
    lines.push(format!(
        "{}, tampering: {} alterations; {} killed by what they break, {} by something else, {} survive, {} unseen for a reason, \
         {} lawful ones left alone, {} blamed, {} idle, in {:.1} s",
        matrix.fhircast_version,
        matrix.tried.len(),
        count(Outcome::Killed),
        count(Outcome::KilledByOthers),
        count(Outcome::Survives),
        count(Outcome::Unseen),
        count(Outcome::LeftAlone),
        count(Outcome::Blamed),
        count(Outcome::NothingToAlter),
        matrix.seconds,
    ));
    lines.push(String::new());
    lines.join("\n")
}
