//! One run of the suite against a hub of this process, and several of them at once.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Semaphore, mpsc, watch};
use tokio::task::JoinSet;

use super::SelfCheckError;
use super::matrix::Gathered;
use castspec_fhircast::protocol::Version;
use castspec_judging::outcome::RunEvent;
use castspec_runner::run::{Materials, Target, VersionPlan, run};
use castspec_runner::scenario::Scenario;

/// How long a message that must come may take: a hub that owes a message to a mock in this process is not slower, and every
/// message that a defect withholds costs this long.
const RESPONSE: Duration = Duration::from_secs(2);

/// How many scenarios each run has under way at once.
const SCENARIOS_AT_ONCE: usize = 40;

/// The suite of one version.
#[derive(Debug, Clone)]
pub struct Suite {
    /// The version of FHIRcast.
    pub version: Version,
    /// The scenarios.
    pub scenarios: Vec<Arc<Scenario>>,
    /// The catalogue, schemas and templates.
    pub materials: Materials,
    /// How many runs are under way at once.
    pub at_once: usize,
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

impl Suite {
    /// Runs the scenarios at a target and gathers what came of them.
    ///
    /// # Errors
    /// When the run could not be carried out; what was gathered until then stays.
    pub(super) async fn gather(
        &self,
        mut target: Target,
        pace: Pace,
        stop: watch::Receiver<bool>,
        gathered: &mut Gathered,
    ) -> Result<(), String> {
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
        result.map(|_| ()).map_err(|error| error.to_string())
    }

    /// Makes a run of each of these, several at once; they come in their order. `told` hears of each that has ended.
    ///
    /// # Errors
    /// When a run ended abnormally.
    pub(super) async fn each<T, R, F>(
        &self,
        all: impl IntoIterator<Item = T>,
        mut made: impl FnMut(T) -> F,
        mut told: impl FnMut(&R),
    ) -> Result<Vec<R>, SelfCheckError>
    where
        R: Send + 'static,
        F: Future<Output = R> + Send + 'static,
    {
        let places = Arc::new(Semaphore::new(self.at_once.max(1)));
        let mut tasks = JoinSet::new();
        for (position, one) in all.into_iter().enumerate() {
            let (making, places) = (made(one), Arc::clone(&places));
            tasks.spawn(async move {
                // The semaphore is never closed; were it, the run would still be made.
                let _place = places.acquire().await;
                (position, making.await)
            });
        }
        let mut ended = Vec::new();
        while let Some(result) = tasks.join_next().await {
            let (position, one) = result.map_err(|error| SelfCheckError::Abnormal(error.to_string()))?;
            told(&one);
            ended.push((position, one));
        }
        ended.sort_by_key(|(position, _)| *position);
        Ok(ended.into_iter().map(|(_, one)| one).collect())
    }
}
