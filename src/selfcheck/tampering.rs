//! The second proof: a man in the middle before the clean simulator alters what passes, and the suite must find it.
//!
//! It needs no defect in the simulator: what the checks find, they find from outside.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Instant;

use serde::Serialize;
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::task::JoinSet;

use super::execution::{ALONE, Pace, TOGETHER};
use super::matrix::{Finding, Gathered, Seen};
use super::{Progress, SelfCheckError};
use crate::builtin;
use castspec_fhircast::protocol::Version;
use castspec_hub::Transport;
use castspec_judging::outcome::{RunEvent, Verdict};
use castspec_runner::run::{Materials, VersionPlan, run};
use castspec_runner::scenario::Scenario;
use castspec_tampering::{Alteration, Middle};

/// The alterations to try in one version.
#[derive(Debug, Clone)]
pub struct Tampering {
    /// The version of FHIRcast.
    pub version: Version,
    /// The suite.
    pub scenarios: Vec<Arc<Scenario>>,
    /// The catalogue, schemas and templates.
    pub materials: Materials,
    /// The alterations.
    pub alterations: Vec<Alteration>,
    /// How many runs are under way at once.
    pub at_once: usize,
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
    /// How many messages were altered.
    pub altered: usize,
    /// How long the suite took, in seconds.
    pub seconds: f64,
    /// Why the suite could not be run.
    pub error: Option<String>,
}

impl Tried {
    /// It was found, or rightly not.
    pub fn is_sound(&self) -> bool {
        self.error.is_none()
            && matches!(
                self.outcome,
                Outcome::Killed | Outcome::KilledByOthers | Outcome::Unseen | Outcome::LeftAlone
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
        let places = Arc::new(Semaphore::new(self.at_once.max(1)));
        let mut tasks = JoinSet::new();
        for (position, alteration) in self.alterations.iter().cloned().enumerate() {
            let (tampering, places, stop) = (self.clone(), Arc::clone(&places), stop.clone());
            tasks.spawn(async move {
                // The semaphore is never closed; were it, the run would still be made.
                let _place = places.acquire().await;
                (position, tampering.tried(alteration, TOGETHER, stop).await)
            });
        }
        let mut tried = Vec::new();
        let all = self.alterations.len();
        while let Some(result) = tasks.join_next().await {
            let (position, one) = result.map_err(|error| SelfCheckError::Abnormal(error.to_string()))?;
            progress(Progress {
                done: tried.len() + 1,
                all,
                last: Some(&one.alteration),
            });
            tried.push((position, one));
        }
        // Many runs at once may starve one another; what is held against a check must be seen in a run of its own.
        for (position, one) in &mut tried {
            let alteration = self.alterations.get(*position);
            if let (Some(alteration), false, false) = (alteration, one.is_sound(), *stop.borrow()) {
                *one = self.tried(alteration.clone(), ALONE, stop.clone()).await;
            }
        }
        if *stop.borrow() {
            return Err(SelfCheckError::Interrupted);
        }
        tried.sort_by_key(|(position, _)| *position);
        Ok(TamperingMatrix {
            fhircast_version: self.version,
            tried: tried.into_iter().map(|(_, tried)| tried).collect(),
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
        let stated = |id: &&String| self.materials.catalogue.get(self.version, id.as_str()).is_some();
        let breaks: Vec<String> = alteration
            .breaks_in(self.version)
            .iter()
            .filter(stated)
            .cloned()
            .collect();
        let (outcome, reason) = outcome(
            &alteration,
            self.version,
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
        let (server, targets) = builtin::start(BTreeSet::new(), &[self.version], Transport::Plaintext)
            .await
            .map_err(|error| error.to_string())?;
        let Some(mut target) = targets.into_iter().next() else {
            return Err("the simulator serves no version".to_owned());
        };
        let middle = Middle::start(&target.hub_url, alteration.clone())
            .await
            .map_err(|error| error.to_string())?;
        target.hub_url = middle.url().clone();
        target.timing.response = pace.response;
        target.max_parallel = pace.scenarios_at_once;
        let (events, mut incoming) = mpsc::unbounded_channel();
        let part = VersionPlan {
            target,
            scenarios: self.scenarios.clone(),
        };
        let running = run(vec![part], self.materials.clone(), events, stop);
        let gathering = async {
            while let Some(event) = incoming.recv().await {
                match event {
                    RunEvent::CheckJudged(check) => gathered.check(&check),
                    RunEvent::RunEnded(_) => break,
                    _ => {}
                }
            }
        };
        let (result, ()) = tokio::join!(running, gathering);
        let altered = middle.altered();
        server.shutdown().await;
        // A hub that cannot be tested at all has been found out, too, where a check says so.
        match result {
            Ok(_) => Ok(altered),
            Err(_) if gathered.broken().next().is_some() => Ok(altered),
            Err(error) => Err(error.to_string()),
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
            (None, Outcome::KilledByOthers) => "found",
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
                    "{}; yet {}",
                    tried.reason.as_deref().unwrap_or_default(),
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
