//! Runs the suite against the clean simulator and against each defect, several at once.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{Semaphore, mpsc, watch};
use tokio::task::JoinSet;

use super::matrix::{Clean, Gathered, Matrix, Row, sort_out, summarise};
use crate::builtin;
use castspec_fhircast::protocol::Version;
use castspec_fhircast::requirement::{Actor, Catalogue, Level, RequirementId};
use castspec_hub::{Defect, Transport};
use castspec_judging::outcome::{RunEvent, Verdict};
use castspec_runner::run::{Materials, VersionPlan, run};
use castspec_runner::scenario::Scenario;

/// How long a message that must come may take: a hub that owes a message to a mock in this process is not slower, and every
/// message that a defect withholds costs this long.
const RESPONSE: Duration = Duration::from_secs(2);

/// How many scenarios each run has under way at once.
const SCENARIOS_AT_ONCE: usize = 40;

/// What a self-check consists of.
#[derive(Debug, Clone)]
pub struct SelfCheck {
    /// The version of FHIRcast.
    pub version: Version,
    /// The suite.
    pub scenarios: Vec<Arc<Scenario>>,
    /// The catalogue, schemas and templates.
    pub materials: Materials,
    /// The defects to run.
    pub defects: Vec<Defect>,
    /// How many runs are under way at once.
    pub at_once: usize,
    /// Rows with a fault are not run a second time.
    pub once: bool,
}

/// What has been done so far.
#[derive(Debug, Clone, Copy)]
pub struct Progress<'a> {
    /// Runs that have ended.
    pub done: usize,
    /// All runs.
    pub all: usize,
    /// The defect whose run ended last; `None` for the clean hub.
    pub last: Option<&'a str>,
}

/// Why there is no matrix.
#[derive(Debug, thiserror::Error)]
pub enum SelfCheckError {
    /// A run's task ended abnormally.
    #[error("a run of the self-check ended abnormally: {0}")]
    Abnormal(String),
    /// The operator stopped it.
    #[error("the self-check was interrupted; there is no matrix of a part of it")]
    Interrupted,
}

/// How a run is made.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pace {
    pub(super) response: Duration,
    pub(super) scenarios_at_once: usize,
}

/// Several runs at once.
pub(super) const TOGETHER: Pace = Pace {
    response: RESPONSE,
    scenarios_at_once: SCENARIOS_AT_ONCE,
};

/// One run at a time, as `castspec run` makes it: where the machine is busy, a message that comes late among others comes
/// in time here.
pub(super) const ALONE: Pace = Pace {
    response: Duration::from_secs(5),
    scenarios_at_once: 16,
};

struct Ended {
    defect: Option<Defect>,
    gathered: Gathered,
    took: Duration,
    error: Option<String>,
    again: bool,
}

impl SelfCheck {
    /// Runs all of it; `progress` is told whenever a run has ended, `stop` turning true ends it early.
    ///
    /// # Errors
    /// When it was stopped, or a run ended abnormally. A run that cannot be carried out is told in the matrix.
    pub async fn run(
        &self,
        mut progress: impl FnMut(Progress<'_>),
        stop: watch::Receiver<bool>,
    ) -> Result<Matrix, SelfCheckError> {
        let began = Instant::now();
        let mut all = self.defects.len() + 1;
        let mut done = 0;
        let mut tell = |all: usize, last: Option<Defect>| {
            done += 1;
            let last = last.map(Defect::name);
            progress(Progress { done, all, last });
        };
        let clean = self.suite(None, ALONE, stop.clone()).await;
        tell(all, None);
        let places = Arc::new(Semaphore::new(self.at_once.max(1)));
        let mut tasks = JoinSet::new();
        for defect in self.defects.iter().copied() {
            let (self_check, places, stop) = (self.clone(), places.clone(), stop.clone());
            tasks.spawn(async move {
                // The semaphore is never closed; were it, the run would still be made.
                let _place = places.acquire().await;
                self_check.suite(Some(defect), TOGETHER, stop).await
            });
        }
        let mut ended = Vec::new();
        while let Some(result) = tasks.join_next().await {
            let result = result.map_err(|error| SelfCheckError::Abnormal(error.to_string()))?;
            tell(all, result.defect);
            ended.push(result);
        }
        // Many runs at once may starve one another; what is held against a check must be seen in a run of its own.
        for run in &mut ended {
            let Some(defect) = run.defect else { continue };
            if self.once || self.row(defect, run).is_sound() || *stop.borrow() {
                continue;
            }
            all += 1;
            *run = Ended {
                again: true,
                ..self.suite(Some(defect), ALONE, stop.clone()).await
            };
            tell(all, Some(defect));
        }
        if *stop.borrow() {
            return Err(SelfCheckError::Interrupted);
        }
        ended.push(clean);
        Ok(self.matrix(&ended, began.elapsed()))
    }

    /// One run of the suite.
    async fn suite(&self, defect: Option<Defect>, pace: Pace, stop: watch::Receiver<bool>) -> Ended {
        let began = Instant::now();
        let mut gathered = Gathered::default();
        let error = if *stop.borrow() {
            Some("interrupted".to_owned())
        } else {
            self.gather(defect, pace, stop, &mut gathered).await.err()
        };
        Ended {
            defect,
            gathered,
            took: began.elapsed(),
            error,
            again: false,
        }
    }

    async fn gather(
        &self,
        defect: Option<Defect>,
        pace: Pace,
        stop: watch::Receiver<bool>,
        gathered: &mut Gathered,
    ) -> Result<(), String> {
        // TLS is a fifth of the work, and nothing to the defects that are not about it.
        let about_transport = |id: &&str| id.starts_with("transport.");
        let transport = match defect {
            Some(defect) if !defect.breaks().iter().any(about_transport) => Transport::Plaintext,
            _ => Transport::Tls,
        };
        let (server, targets) = builtin::start(defect.into_iter().collect(), &[self.version], transport)
            .await
            .map_err(|error| error.to_string())?;
        let Some(mut target) = targets.into_iter().next() else {
            return Err("the simulator serves no version".to_owned());
        };
        target.deployment = transport == Transport::Tls;
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
                    RunEvent::Observed(observation) => gathered.observation(&observation),
                    RunEvent::RunEnded(_) => break,
                    _ => {}
                }
            }
        };
        let (result, ()) = tokio::join!(running, gathering);
        server.shutdown().await;
        result.map(|_| ()).map_err(|error| error.to_string())
    }

    fn matrix(&self, ended: &[Ended], took: Duration) -> Matrix {
        let observable: BTreeSet<RequirementId> = self
            .materials
            .catalogue
            .iter()
            .filter(|requirement| requirement.version == self.version && requirement.actor == Actor::Hub)
            .filter(|requirement| requirement.unobservable.is_none() && requirement.level != Level::May)
            .map(|requirement| requirement.id.clone())
            .collect();
        let clean = ended.iter().find(|run| run.defect.is_none());
        let mut seen = BTreeSet::new();
        let mut rows = Vec::new();
        for defect in &self.defects {
            let Some(run) = ended.iter().find(|run| run.defect == Some(*defect)) else {
                continue;
            };
            seen.extend(
                run.gathered
                    .broken()
                    .map(|(scenario, id)| (scenario.to_owned(), id.clone())),
            );
            rows.push(self.row(*defect, run));
        }
        let claimed: BTreeSet<&str> = Defect::all()
            .iter()
            .flat_map(|defect| defect.breaks_in(self.version))
            .copied()
            .collect();
        let passed: BTreeSet<_> = clean.iter().flat_map(|run| run.gathered.passed()).collect();
        Matrix {
            fhircast_version: self.version,
            summary: summarise(&rows, &observable, &seen, &passed),
            clean: clean.map_or_else(no_clean_run, clean_row),
            without_defect: observable
                .iter()
                .filter(|id| !claimed.contains(id.as_str()))
                .cloned()
                .collect(),
            complete: self.defects.len() >= provable(self.version, &self.materials.catalogue).len(),
            rows,
            seconds: took.as_secs_f64(),
        }
    }

    fn row(&self, defect: Defect, run: &Ended) -> Row {
        let level = |id: &str| {
            let requirement = self.materials.catalogue.get(self.version, id);
            requirement.map_or(Level::Shall, |requirement| requirement.level)
        };
        let breaks: Vec<(&'static str, Level)> = defect
            .breaks_in(self.version)
            .iter()
            .map(|id| (*id, level(id)))
            .collect();
        let (claims, consequences, unexplained) =
            sort_out(&run.gathered, &breaks, defect.consequences_in(self.version));
        Row {
            defect: defect.name().to_owned(),
            description: defect.description().to_owned(),
            claims,
            consequences,
            unexplained,
            inconclusive: run.gathered.count(Verdict::Inconclusive),
            seconds: run.took.as_secs_f64(),
            error: run.error.clone(),
            again: run.again,
        }
    }
}

/// The defects of a version that a run can show: those that break something which the catalogue says can be observed. The
/// others are for who tests a hub or a subscriber by other means.
pub fn provable(version: Version, catalogue: &Catalogue) -> Vec<Defect> {
    let observable = |id: &str| {
        let requirement = catalogue.get(version, id);
        requirement.is_none_or(|requirement| requirement.unobservable.is_none())
    };
    let mut defects = Defect::of(version);
    defects.retain(|defect| defect.breaks_in(version).iter().any(|id| observable(id)));
    defects
}

fn clean_row(run: &Ended) -> Clean {
    Clean {
        pass: run.gathered.count(Verdict::Pass),
        skip: run.gathered.count(Verdict::Skip),
        findings: run.gathered.findings(&[]).into_values().collect(),
        inconclusive: run.gathered.count(Verdict::Inconclusive),
        seconds: run.took.as_secs_f64(),
        error: run.error.clone(),
    }
}

fn no_clean_run() -> Clean {
    Clean {
        pass: 0,
        skip: 0,
        findings: Vec::new(),
        inconclusive: 0,
        seconds: 0.0,
        error: Some("it was not run".to_owned()),
    }
}
