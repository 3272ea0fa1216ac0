//! The run: the first contact with the hub, then the scenarios, until all have ended or a signal comes.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, watch};

use super::dialect::Dialect;
use super::emitter::Emitter;
use super::first_contact;
use super::granted_events::with_granted_events;
use super::outage::Outage;
use super::preflight::{self, PreflightError};
use super::scenario_run::Setting;
use super::schedule::{Planned, Schedule};
use super::target::Target;
use super::topics::Topics;
use crate::client::{CallbackError, Callbacks, HttpClient, TrustError};
use crate::judging::hub::{Claims, Judge};
use crate::outcome::Target as TargetTold;
use crate::outcome::{
    Disposition, RunBegan, RunEnded, RunEvent, ScenarioBegan, ScenarioEnded, Scope, Summary, Tool,
};
use crate::protocol::Version;
use crate::redaction::Redactor;
use crate::requirement::{Capability, Catalogue};
use crate::scenario::{Channel, Scenario, TemplateError, Templates};
use crate::schema::{SchemaError, Schemas};

/// The scenario that events are told under which nobody asked for.
const UNASKED: &str = "unasked-events";
/// Its title.
const UNASKED_TITLE: &str = "Events that the hub sent of its own accord, in any scenario";

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
    /// What waits longest begins first, and the others pass beside it; otherwise the order is that of the files.
    pub longest_first: bool,
    /// What the run sets out to judge.
    pub scope: Scope,
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
            longest_first: false,
            scope: Scope::default(),
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
    /// A signal ended the run before the hub was there.
    #[error("the run was interrupted before it began")]
    Interrupted,
    /// Nothing to test.
    #[error("no hub is named")]
    NoTarget,
}

/// Runs scenarios against a target, or against several: one for each version. Events go out as they happen; `stop` turning true ends the run early, with complete
/// events for what was judged.
///
/// # Errors
/// When trust cannot be set up or nothing answers at `hub.url`: no event has been emitted then. When the hub turns out to be
/// untestable at the first contact: the events of a run in which nothing was judged have been emitted then.
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
        let mut stopped = stop.clone();
        prepared.push(tokio::select! {
            prepared = prepare(version_plan, &materials, &redactor, began) => prepared?,
            // It may be waiting for a hub that does not come.
            Ok(_) = stopped.wait_for(|stop| *stop) => return Err(RunError::Interrupted),
        });
    }
    let Some((first, _, _)) = prepared.first() else {
        return Err(RunError::NoTarget);
    };
    let most = first.target.max_parallel;
    // Topics that a hub lends are the same ones under every version.
    let topics = Topics::new(first.target.topics.as_deref());
    let started = jiff::Timestamp::now().to_string();
    let planned = prepared.iter().map(|(_, _, scenarios)| scenarios.len()).sum();
    let mut obstacle = None;
    let mut contacts = Vec::new();
    for (setting, told, of_version) in &mut prepared {
        match first_contact::make(setting, &topics, of_version, stop.clone()).await {
            Ok(contact) => {
                if contact.as_ref().is_some_and(|contact| contact.demands_tokens) {
                    claim_authorization(setting, told);
                }
                contacts.push(contact);
            }
            Err(error) => {
                obstacle = Some(error);
                break;
            }
        }
    }
    // What the hub claims is known after the first contact.
    let mut told: Vec<TargetTold> = prepared.iter().map(|(_, told, _)| told.clone()).collect();
    for told in &mut told {
        told.hub_url = redactor.text(&told.hub_url);
        told.capabilities
            .values_mut()
            .for_each(|values| redactor.strings(values));
    }
    let target = told.remove(0);
    let emit = Emitter::new(events, redactor);
    emit.send(RunEvent::RunBegan(RunBegan {
        tool: Tool {
            name: "castspec".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        },
        started,
        target,
        further_targets: told,
        scenarios: planned,
        scope: materials.scope.clone(),
    }));
    let mut scenarios = Vec::new();
    let settings: Vec<_> = prepared.iter().map(|(setting, _, _)| setting.clone()).collect();
    for ((setting, _, of_version), contact) in prepared.into_iter().zip(contacts) {
        if contact.is_none_or(|contact| contact.told(&setting, &emit)) {
            let of_version = with_granted_events(&setting, of_version, &emit);
            scenarios.extend(of_version.into_iter().map(|scenario| Planned {
                setting: setting.clone(),
                scenario,
            }));
        }
    }
    if materials.longest_first {
        scenarios.sort_by_key(|planned: &Planned| Reverse(planned.scenario.cost()));
    }
    if obstacle.is_none() {
        let schedule = Schedule {
            emit: emit.clone(),
            topics,
            stop: stop.clone(),
            retries: materials.retries,
            at_once: most,
        };
        schedule.play(scenarios).await;
        for setting in &settings {
            tell_unasked(setting, &emit);
        }
    }
    let summary = emit.summary();
    let interrupted = *stop.borrow_and_update();
    emit.send(RunEvent::RunEnded(RunEnded {
        duration: began.elapsed(),
        summary,
        interrupted,
        obstacle: obstacle.as_ref().map(ToString::to_string),
    }));
    match obstacle {
        Some(error) => Err(error.into()),
        None => Ok(summary),
    }
}

/// Has authorization judged at a hub that has shown that it demands tokens, though nobody said so.
fn claim_authorization(setting: &mut Arc<Setting>, told: &mut TargetTold) {
    // Nobody else has it yet.
    let Some(setting) = Arc::get_mut(setting) else {
        return;
    };
    let mut claims = Claims::clone(&setting.claims);
    let from = "its refusal of a subscription without an access token";
    claims.set(Capability::Authorization, true, from);
    told.capabilities = claims.to_json();
    setting.claims = Arc::new(claims);
}

/// Tells what the hub sent of its own accord, once for the whole run.
fn tell_unasked(setting: &Setting, emit: &Emitter) {
    let seen = std::mem::take(&mut *setting.unasked.lock().unwrap_or_else(PoisonError::into_inner));
    if seen.is_empty() {
        return;
    }
    let version = setting.target.version;
    let judge = Judge::new(
        setting.catalogue.clone(),
        setting.schemas.clone(),
        version,
        setting.claims.clone(),
    );
    let (checks, transcript) = seen.conclude(UNASKED, judge);
    emit.send(RunEvent::ScenarioBegan(ScenarioBegan {
        scenario: UNASKED.to_owned(),
        title: UNASKED_TITLE.to_owned(),
        fhircast_version: version,
    }));
    for mut check in checks {
        let selector = check.requirement.clone();
        check.repeat = Some(super::command_for(setting, &selector));
        emit.send(RunEvent::CheckJudged(Box::new(check)));
    }
    emit.send(RunEvent::ScenarioEnded(ScenarioEnded {
        scenario: UNASKED.to_owned(),
        title: UNASKED_TITLE.to_owned(),
        fhircast_version: version,
        disposition: Disposition::Completed,
        duration: Duration::ZERO,
        transcript,
    }));
}

/// Finds out what a hub claims under a version, and sets up the way to it and back.
pub(super) async fn prepare(
    version_plan: VersionPlan,
    materials: &Materials,
    redactor: &Redactor,
    began: Instant,
) -> Result<(Arc<Setting>, TargetTold, Vec<Arc<Scenario>>), RunError> {
    let VersionPlan { target, scenarios } = version_plan;
    target.tell_secrets(redactor);
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
        dialect: Dialect::new(&target),
        claims,
        catalogue: materials.catalogue.clone(),
        schemas: schemas.ok_or(RunError::NoSchemas(target.version))?,
        templates: materials.templates.clone(),
        http,
        callbacks,
        issued: std::sync::Mutex::default(),
        outage: Outage::default(),
        patience: Default::default(),
        unasked: std::sync::Mutex::default(),
        redactor: redactor.clone(),
        flood_told: AtomicBool::new(false),
        began,
        target,
    };
    Ok((Arc::new(setting), told, scenarios))
}

/// Whether a subscriber of the scenario has a webhook under this version.
pub(super) fn has_webhooks(scenario: &Scenario, version: Version) -> bool {
    let mut subscribers = scenario.document.subscribers.values();
    subscribers.any(|subscriber| subscriber.channel_in(version) == Channel::Webhook)
}
