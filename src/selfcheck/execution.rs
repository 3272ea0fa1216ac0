//! Runs the suite against the clean simulator and against each defect, several at once.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::matrix::{Clean, Gathered, Matrix, Row, sort_out, summarise};
use super::suite::{ALONE, Pace, Suite, TOGETHER};
use crate::builtin;
use castspec_fhircast::protocol::Version;
use castspec_fhircast::requirement::{Actor, Catalogue, Level, RequirementId};
use castspec_hub::{Defect, Transport};
use castspec_judging::outcome::Verdict;

/// What a self-check consists of.
#[derive(Debug, Clone)]
pub struct SelfCheck {
    /// The suite.
    pub suite: Suite,
    /// The defects to run.
    pub defects: Vec<Defect>,
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
        let clean = self.ended(None, ALONE, stop.clone()).await;
        tell(all, None);
        let each = |defect: Defect| {
            let (self_check, stop) = (self.clone(), stop.clone());
            async move { self_check.ended(Some(defect), TOGETHER, stop).await }
        };
        let defects = self.defects.iter().copied();
        let mut ended = self
            .suite
            .each(defects, each, |run: &Ended| tell(all, run.defect))
            .await?;
        // Many runs at once may starve one another; what is held against a check must be seen in a run of its own.
        for run in &mut ended {
            let Some(defect) = run.defect else { continue };
            if self.once || self.row(defect, run).is_sound() || *stop.borrow() {
                continue;
            }
            all += 1;
            *run = Ended {
                again: true,
                ..self.ended(Some(defect), ALONE, stop.clone()).await
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
    async fn ended(&self, defect: Option<Defect>, pace: Pace, stop: watch::Receiver<bool>) -> Ended {
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
        let (server, targets) =
            builtin::start(defect.into_iter().collect(), &[self.suite.version], transport)
                .await
                .map_err(|error| error.to_string())?;
        let Some(mut target) = targets.into_iter().next() else {
            return Err("the simulator serves no version".to_owned());
        };
        target.deployment = transport == Transport::Tls;
        let result = self.suite.gather(target, pace, stop, gathered).await;
        server.shutdown().await;
        result
    }

    fn matrix(&self, ended: &[Ended], took: Duration) -> Matrix {
        let observable: BTreeSet<RequirementId> = self
            .suite
            .materials
            .catalogue
            .iter()
            .filter(|requirement| {
                requirement.version == self.suite.version && requirement.actor == Actor::Hub
            })
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
            .flat_map(|defect| defect.breaks_in(self.suite.version))
            .copied()
            .collect();
        let passed: BTreeSet<_> = clean.iter().flat_map(|run| run.gathered.passed()).collect();
        Matrix {
            fhircast_version: self.suite.version,
            summary: summarise(&rows, &observable, &seen, &passed),
            clean: clean.map_or_else(no_clean_run, clean_row),
            without_defect: observable
                .iter()
                .filter(|id| !claimed.contains(id.as_str()))
                .cloned()
                .collect(),
            complete: self.defects.len()
                >= provable(self.suite.version, &self.suite.materials.catalogue).len(),
            rows,
            seconds: took.as_secs_f64(),
        }
    }

    fn row(&self, defect: Defect, run: &Ended) -> Row {
        let level = |id: &str| {
            let requirement = self.suite.materials.catalogue.get(self.suite.version, id);
            requirement.map_or(Level::Shall, |requirement| requirement.level)
        };
        let breaks: Vec<(&'static str, Level)> = defect
            .breaks_in(self.suite.version)
            .iter()
            .map(|id| (*id, level(id)))
            .collect();
        let (claims, consequences, unexplained) =
            sort_out(&run.gathered, &breaks, defect.consequences_in(self.suite.version));
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
