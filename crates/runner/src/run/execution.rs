//! The run: scenarios at once, each within its bound, until all have ended or a signal comes.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::task::JoinSet;

use super::dialect::Dialect;
use super::preflight::{self, PreflightError};
use super::retrying::retried;
use super::scenario_run::{ScenarioRun, Setting, Stop};
use super::scenario_setup::topic_names;
use super::target::Target;
use super::topics::Topics;
use crate::client::{CallbackError, Callbacks, HttpClient, Log, TrustError};
use crate::judging::hub::unjudged;
use crate::outcome::Target as TargetTold;
use crate::outcome::{
    Check, Disposition, HubLost, RunBegan, RunEnded, RunEvent, ScenarioBegan, ScenarioEnded, Summary, Tool,
    Verdict,
};
use crate::protocol::{EventName, Version};
use crate::redaction::Redactor;
use crate::requirement::{Capability, Catalogue};
use crate::scenario::{Channel, Scenario, Step, TemplateError, Templates};
use crate::schema::{SchemaError, Schemas};

/// How long one scenario may take beside the leases and time-outs that it waits for.
const SCENARIO_BOUND: Duration = Duration::from_secs(60);

/// How long leaving the hub may take after a scenario.
const TEARDOWN_BOUND: Duration = Duration::from_secs(15);

/// What a run needs beside its targets and scenarios.
#[derive(Debug, Clone)]
pub struct Materials {
    /// The requirements.
    pub catalogue: Arc<Catalogue>,
    /// The schemas of the versions under test.
    pub schemas: BTreeMap<Version, Arc<Schemas>>,
    /// Contexts of events.
    pub templates: Arc<Templates>,
    /// How often a scenario is played again in which only what time has a say in did not hold.
    pub retries: u32,
    /// What FHIR resources say of people is hidden in everything that is told of the run.
    pub redact_resources: bool,
}

/// The scenarios that are to run against a hub under one version.
#[derive(Debug, Clone)]
pub struct VersionPlan {
    /// The hub, and the version.
    pub target: Target,
    /// The scenarios.
    pub scenarios: Vec<Arc<Scenario>>,
}

impl Materials {
    /// Loads what is embedded, with the schemas of these versions.
    ///
    /// # Errors
    /// When a schema or a template is broken.
    pub fn load(catalogue: Catalogue, versions: &[Version]) -> Result<Self, MaterialsError> {
        let mut schemas = BTreeMap::new();
        for version in versions {
            schemas.insert(*version, Arc::new(Schemas::load(*version)?));
        }
        Ok(Self {
            catalogue: Arc::new(catalogue),
            schemas,
            templates: Arc::new(Templates::embedded()?),
            retries: 0,
            redact_resources: false,
        })
    }
}

/// What a run needs is broken.
#[derive(Debug, thiserror::Error)]
pub enum MaterialsError {
    /// A schema.
    #[error(transparent)]
    Schema(#[from] SchemaError),
    /// A template.
    #[error(transparent)]
    Template(#[from] TemplateError),
}

/// Why a run could not be carried out.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// Trust cannot be set up.
    #[error(transparent)]
    Trust(#[from] TrustError),
    /// The hub cannot be tested at all.
    #[error(transparent)]
    Preflight(#[from] PreflightError),
    /// There can be no callbacks.
    #[error(transparent)]
    Callbacks(#[from] CallbackError),
    /// A version without schemas.
    #[error("there are no schemas of {0} among the materials of the run")]
    NoSchemas(Version),
    /// Nothing to test.
    #[error("no hub is named")]
    NoTarget,
}

/// Runs scenarios against a target, or against several: one for each version. Events go out as they happen; `stop` turning true ends the run early, with complete
/// events for what was judged.
///
/// # Errors
/// When trust cannot be set up or nothing answers at `hub.url`; no event has been emitted then.
pub async fn run(
    version_plans: Vec<VersionPlan>,
    materials: Materials,
    events: mpsc::UnboundedSender<RunEvent>,
    mut stop: watch::Receiver<bool>,
) -> Result<Summary, RunError> {
    let began = Instant::now();
    let redactor = Redactor::new(materials.redact_resources, false);
    let mut prepared = Vec::new();
    for version_plan in version_plans {
        prepared.push(prepare(version_plan, &materials, &redactor, began).await?);
    }
    let Some((first, _, _)) = prepared.first() else {
        return Err(RunError::NoTarget);
    };
    let most = first.target.max_parallel;
    // Topics that a hub lends are the same ones under every version.
    let topics = Topics::new(first.target.topics.as_deref());
    let mut told: Vec<TargetTold> = prepared.iter().map(|(_, told, _)| told.clone()).collect();
    for told in &mut told {
        told.hub_url = redactor.text(&told.hub_url);
        told.capabilities
            .values_mut()
            .for_each(|values| redactor.strings(values));
    }
    let target = told.remove(0);
    let learning = async {
        for (setting, _, _) in &prepared {
            preflight::learn_dialect(setting, &topics).await;
        }
    };
    tokio::select! {
        () = learning => {}
        _ = stop.wait_for(|stopped| *stopped) => {}
    }
    let emit = Emitter {
        events,
        redactor,
        summary: Arc::default(),
    };
    emit.send(RunEvent::RunBegan(RunBegan {
        tool: Tool {
            name: "castspec".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        },
        started: jiff::Timestamp::now().to_string(),
        target,
        further_targets: told,
        scenarios: prepared.iter().map(|(_, _, scenarios)| scenarios.len()).sum(),
    }));
    let places = Arc::new(Semaphore::new(most));
    let retries = materials.retries;
    let mut tasks = JoinSet::new();
    for (setting, _, scenarios) in prepared {
        for scenario in scenarios {
            let (setting, emit, topics, places) =
                (setting.clone(), emit.clone(), topics.clone(), places.clone());
            let stop = stop.clone();
            tasks.spawn(async move {
                // The semaphore is never closed; were it, the scenario would still run.
                let _place = places.acquire().await;
                let timed = match retries {
                    0 => BTreeSet::new(),
                    _ => scenario.timed_requirements(),
                };
                if timed.is_empty() {
                    return one(&setting, &scenario, &emit, &topics, stop).await;
                }
                let events = retried(
                    retries,
                    &timed,
                    || !*stop.borrow(),
                    || async {
                        let (apart, incoming) = emit.apart();
                        one(&setting, &scenario, &apart, &topics, stop.clone()).await;
                        drop(apart);
                        gathered(incoming).await
                    },
                );
                events.await.into_iter().for_each(|event| emit.send(event));
            });
        }
    }
    while let Some(ended) = tasks.join_next().await {
        if let Err(error) = ended {
            tracing::error!("a scenario's task ended abnormally: {error}");
        }
    }
    let summary = *emit.summary.lock().unwrap_or_else(PoisonError::into_inner);
    let interrupted = *stop.borrow_and_update();
    emit.send(RunEvent::RunEnded(RunEnded {
        duration: began.elapsed(),
        summary,
        interrupted,
    }));
    Ok(summary)
}

/// Finds out what a hub claims under a version, and sets up the way to it and back.
pub(super) async fn prepare(
    version_plan: VersionPlan,
    materials: &Materials,
    redactor: &Redactor,
    began: Instant,
) -> Result<(Arc<Setting>, TargetTold, Vec<Arc<Scenario>>), RunError> {
    let VersionPlan { target, scenarios } = version_plan;
    target.secrets().for_each(|secret| redactor.know(secret));
    let patience = target.timing.response.max(Duration::from_secs(5)) * 2;
    let http = HttpClient::new(&target.hub_url, &target.approach, patience)?;
    let claims = preflight::claims(&target, &http).await?;
    let told = TargetTold {
        hub_url: target.hub_url_text(),
        fhircast_version: target.version,
        built_in: target.built_in,
        capabilities: claims.to_json(),
    };
    let wanted = scenarios
        .iter()
        .any(|scenario| has_webhooks(scenario, target.version));
    let reachable = target.callback_base.is_some() || target.is_loopback();
    let callbacks = match wanted && reachable && target.version != Version::Stu3 {
        true => Some(Callbacks::start(target.callback_base.as_ref(), target.callback_listen).await?),
        false => None,
    };
    let schemas = materials.schemas.get(&target.version).cloned();
    let setting = Setting {
        dialect: Dialect::new(&target.hub_url_text(), target.version),
        claims,
        catalogue: materials.catalogue.clone(),
        schemas: schemas.ok_or(RunError::NoSchemas(target.version))?,
        templates: materials.templates.clone(),
        http,
        callbacks,
        issued: std::sync::Mutex::default(),
        lost: std::sync::Mutex::default(),
        redactor: redactor.clone(),
        began,
        target,
    };
    Ok((Arc::new(setting), told, scenarios))
}

/// Whether a subscriber of the scenario has a webhook under this version.
fn has_webhooks(scenario: &Scenario, version: Version) -> bool {
    let mut subscribers = scenario.document.subscribers.values();
    subscribers.any(|subscriber| subscriber.channel_in(version) == Channel::Webhook)
}

#[derive(Clone)]
struct Emitter {
    events: mpsc::UnboundedSender<RunEvent>,
    redactor: Redactor,
    summary: Arc<std::sync::Mutex<Summary>>,
}

/// All that was emitted; its emitter is gone.
async fn gathered(mut incoming: mpsc::UnboundedReceiver<RunEvent>) -> Vec<RunEvent> {
    let mut events = Vec::new();
    while let Some(event) = incoming.recv().await {
        events.push(event);
    }
    events
}

impl Emitter {
    /// An emitter whose events are kept apart from those of the run.
    fn apart(&self) -> (Self, mpsc::UnboundedReceiver<RunEvent>) {
        let (events, incoming) = mpsc::unbounded_channel();
        let apart = Self {
            events,
            redactor: self.redactor.clone(),
            summary: Arc::default(),
        };
        (apart, incoming)
    }

    fn send(&self, mut event: RunEvent) {
        match &mut event {
            RunEvent::CheckJudged(check) => self.redactor.check(check),
            RunEvent::Observed(observation) => observation.reading = self.redactor.text(&observation.reading),
            RunEvent::HubLost(lost) => {
                lost.request = self.redactor.text(&lost.request);
                lost.problem = self.redactor.text(&lost.problem);
            }
            RunEvent::ScenarioEnded(ended) => match &mut ended.disposition {
                Disposition::Skipped(why) | Disposition::Inconclusive(why) | Disposition::Error(why) => {
                    *why = self.redactor.text(why);
                }
                Disposition::Completed => {}
            },
            // The messages of transcripts have been through the redactor before they were kept.
            RunEvent::MessageSeen { .. }
            | RunEvent::RunBegan(_)
            | RunEvent::ScenarioBegan(_)
            | RunEvent::RunEnded(_) => {}
        }
        if let RunEvent::CheckJudged(check) = &event {
            self.summary
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .add(check.verdict);
        }
        // Nobody may be listening any more; the run goes on for those who await its summary.
        let _ = self.events.send(event);
    }
}

/// Runs one scenario, whatever comes, to its `ScenarioEnded`.
async fn one(
    setting: &Setting,
    scenario: &Scenario,
    emit: &Emitter,
    topics: &Topics,
    mut stop: watch::Receiver<bool>,
) {
    let version = setting.target.version;
    let title = scenario.document.title.clone();
    emit.send(RunEvent::ScenarioBegan(ScenarioBegan {
        scenario: scenario.name.clone(),
        title: title.clone(),
        fhircast_version: version,
    }));
    let began = Instant::now();
    let end = |disposition: Disposition, checks: Vec<Check>, transcript| {
        for mut check in checks {
            if check.verdict != Verdict::Pass {
                check.repeat = Some(super::repeat_command(setting, &check));
            }
            emit.send(RunEvent::CheckJudged(Box::new(check)));
        }
        emit.send(RunEvent::ScenarioEnded(ScenarioEnded {
            scenario: scenario.name.clone(),
            title: title.clone(),
            fhircast_version: version,
            disposition,
            duration: began.elapsed(),
            transcript,
        }));
    };
    let stated: BTreeSet<String> = scenario.requirements().into_iter().collect();
    let without =
        |verdict, why: &str| unjudged(&setting.catalogue, version, &scenario.name, &stated, verdict, why);
    if let Some(why) = lacks(setting, scenario) {
        return end(
            Disposition::Skipped(why.clone()),
            without(Verdict::Skip, &why),
            Vec::new(),
        );
    }
    if *stop.borrow() {
        let why = "the run was interrupted before this scenario began".to_owned();
        return end(
            Disposition::Inconclusive(why.clone()),
            without(Verdict::Inconclusive, &why),
            Vec::new(),
        );
    }
    let lost = setting
        .lost
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .clone();
    if let Some(lost) = lost {
        let why = format!("the hub had stopped answering: {}", lost.problem);
        return end(
            Disposition::Inconclusive(why.clone()),
            without(Verdict::Inconclusive, &why),
            Vec::new(),
        );
    }
    let needed = topic_names(&scenario.document).len();
    let own_topics = match topics.take(needed).await {
        Ok(taken) => taken,
        Err(error) => {
            let why = error.to_string();
            return end(
                Disposition::Skipped(why.clone()),
                without(Verdict::Skip, &why),
                Vec::new(),
            );
        }
    };
    let log = Log::new(
        setting.redactor.clone(),
        Some(Box::new({
            let (emit, name) = (emit.clone(), scenario.name.clone());
            move |entry| {
                emit.send(RunEvent::MessageSeen {
                    scenario: name.clone(),
                    entry: entry.clone(),
                })
            }
        })),
    );
    let was_lost = || {
        setting
            .lost
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .is_some()
    };
    let lost_before = was_lost();
    let mut scenario_run = ScenarioRun::new(setting, &scenario.document, log, &own_topics);
    let timing = setting.target.timing;
    let bound = SCENARIO_BOUND + timing.ack_timeout * 3 + timing.longest_lease;
    let interrupted = async {
        // A sender that is gone will never interrupt.
        if stop.wait_for(|stopped| *stopped).await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    let performed = tokio::select! {
        performed = AssertUnwindSafe(tokio::time::timeout(bound, scenario_run.perform(&scenario.document.steps))).catch_unwind() => performed,
        () = interrupted => Ok(Ok(Err((Stop::Unreached("the run was interrupted".to_owned()), stated.clone())))),
    };
    let result = match performed {
        Ok(Ok(result)) => result,
        Ok(Err(_)) => {
            let why = format!("the scenario did not end within {bound:?}");
            Err((Stop::Unreached(why), stated.clone()))
        }
        Err(_) => Err((
            Stop::Fault("castspec itself failed in this scenario; please report it".to_owned()),
            stated.clone(),
        )),
    };
    let (disposition, pending, why) = match result {
        Err((Stop::Declined(why), pending)) => {
            for requirement in &pending {
                scenario_run.judge.inapplicable(requirement, &why);
            }
            (Disposition::Skipped(why), BTreeSet::new(), String::new())
        }
        Ok(()) => (Disposition::Completed, BTreeSet::new(), String::new()),
        Err((Stop::Unreached(why) | Stop::HubLost(why), pending)) => {
            (Disposition::Inconclusive(why.clone()), pending, why)
        }
        Err((Stop::Fault(why), pending)) => (Disposition::Error(why.clone()), pending, why),
    };
    if !lost_before && !was_lost() {
        scenario_run.conclude().await;
    }
    if !lost_before && !was_lost() {
        let leaving = super::teardown::leave(&mut scenario_run, topics.are_lent());
        if tokio::time::timeout(TEARDOWN_BOUND, leaving).await.is_err() {
            tracing::debug!("{}: the hub did not let go in time", scenario.name);
        }
    } else {
        scenario_run.conclude_absences();
    }
    topics.give_back(own_topics).await;
    if let Some(lost) = setting
        .lost
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .clone()
        && !lost_before
    {
        emit.send(RunEvent::HubLost(HubLost {
            scenario: scenario.name.clone(),
            request: lost.request,
            problem: lost.problem,
        }));
    }
    scenario_run.observe_base_fhir().await;
    let transcript = scenario_run.state.log.entries();
    let (checks, observations) =
        scenario_run
            .judge
            .conclude(&scenario.name, &stated, &pending, &why, &transcript);
    for observation in observations {
        emit.send(RunEvent::Observed(observation));
    }
    let transcript = transcript.into_iter().map(Arc::unwrap_or_clone).collect();
    end(disposition, checks, transcript);
}

/// What the hub does not claim of what the scenario needs.
pub(super) fn lacks(setting: &Setting, scenario: &Scenario) -> Option<String> {
    let document = &scenario.document;
    if let Some(capability) = document
        .needs
        .iter()
        .find(|capability| !setting.claims.has(**capability))
    {
        return Some(format!("the hub does not claim {capability}"));
    }
    if has_webhooks(scenario, setting.target.version) {
        if !setting.claims.has(Capability::Webhook) {
            return Some(format!("the hub does not claim {}", Capability::Webhook));
        }
        if setting.callbacks.is_none() {
            return Some(
                "the hub is on another machine and cannot call back to this one; name this machine as the hub reaches it \
                 (callback_base in the target file, or --callback-base)"
                    .to_owned(),
            );
        }
    }
    if let Some(why) = super::tokens::lacking(&setting.target, scenario, setting.began) {
        return Some(why);
    }
    let subscribed = document
        .subscribers
        .values()
        .flat_map(|subscriber| subscriber.events.iter().map(|event| event.value.clone()));
    let published = document.steps.iter().filter_map(|step| match &step.value {
        Step::Publish(publish) => Some(publish.event.value.clone()),
        _ => None,
    });
    let mut names = subscribed
        .chain(published)
        .filter_map(|name| name.parse::<EventName>().ok());
    names
        .find(|event| !setting.claims.lists(event))
        .map(|event| format!("the hub does not list {event}"))
}
