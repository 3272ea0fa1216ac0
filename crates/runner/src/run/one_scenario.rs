//! One scenario of a run, from its beginning to its end, whatever comes.

use std::collections::BTreeSet;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use serde_saphyr::Spanned;
use tokio::sync::watch;

use super::emitter::Emitter;
use super::execution::has_webhooks;
use super::scenario_run::{ScenarioRun, Setting, Stop};
use super::scenario_setup::topic_names;
use super::target::Target;
use super::topics::Topics;
use crate::client::Log;
use crate::judging::hub::unjudged;
use crate::outcome::{
    Accommodation, Check, Disposition, Entry, RunEvent, ScenarioBegan, ScenarioEnded, Verdict,
};
use crate::protocol::EventName;
use crate::requirement::{Capability, RequirementId};
use crate::scenario::{Scenario, Step};

/// How long one scenario may take beside the leases and time-outs that it waits for.
const SCENARIO_BOUND: Duration = Duration::from_secs(60);

/// How many times as long it may take where something passes all the time.
const MOST_BOUNDS: usize = 10;

/// How long leaving the hub may take after a scenario.
const TEARDOWN_BOUND: Duration = Duration::from_secs(30);

/// Whether other scenarios are played at the same time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Company {
    /// Others may be.
    Others,
    /// None is: what the hub goes down on now, it goes down on here.
    Alone,
}

/// Runs one scenario, whatever comes, to its `ScenarioEnded`. Whether the hub had no place for it beside others.
pub(super) async fn one(
    setting: &Setting,
    scenario: &Scenario,
    emit: &Emitter,
    topics: &Topics,
    company: Company,
    mut stop: watch::Receiver<bool>,
) -> bool {
    if let Some(lack) = lacks(setting, scenario) {
        let left_out = matches!(lack, Lack::LeftOut(_));
        skip(setting, scenario, emit, lack.why(), left_out);
        return false;
    }
    if *stop.borrow() {
        let why = "the run was interrupted before this scenario began".to_owned();
        unplayed(setting, scenario, emit, Disposition::Inconclusive(why));
        return false;
    }
    if scenario.document.topics_as_written && topics.are_lent() {
        let why = "it needs topics of its own making, and the target names those of the hub".to_owned();
        skip(setting, scenario, emit, why, true);
        return false;
    }
    let needed = topic_names(&scenario.document).len();
    let own_topics = match topics.take(needed).await {
        Ok(taken) => taken,
        Err(error) => {
            skip(setting, scenario, emit, error.to_string(), true);
            return false;
        }
    };
    let began = Instant::now();
    emit.send(scenario_began(setting, scenario));
    let stated: BTreeSet<RequirementId> = scenario.requirements().into_iter().collect();
    let log = Log::new(setting.redactor.clone());
    let is_gone = || setting.outage.now().is_some();
    let mut scenario_run = ScenarioRun::new(setting, &scenario.document, log, &own_topics);
    scenario_run.is_alone = company == Company::Alone;
    let timing = setting.target.timing;
    let waits = timing.longest_lease + timing.idle.unwrap_or_default();
    let bound = SCENARIO_BOUND + timing.ack_timeout * 3 + waits;
    let under_way = scenario_run.under_way.clone();
    let interrupted = under_way.closed_by(&mut stop, timing.response * 2);
    let record = scenario_run.state.log.clone();
    let performing = scenario_run.perform(&scenario.document.steps);
    let performed = tokio::select! {
        // The channel over which a hub floods is let go: no step may take that for the hub's doing.
        biased;
        flood = record.flooded() => Ok(Ok(Err((Stop::Unreached(flood), stated.clone())))),
        performed = AssertUnwindSafe(within(bound, &record, performing)).catch_unwind() => performed,
        () = interrupted => Ok(Ok(Err((Stop::Unreached("the run was interrupted".to_owned()), stated.clone())))),
    };
    under_way.reopen();
    let result = match performed {
        Ok(Ok(result)) => result,
        Ok(Err(_)) => {
            let why = format!("the scenario did not end, though {bound:?} had passed and nothing came of it");
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
        Err((Stop::Unreached(why), pending)) => (Disposition::Inconclusive(why.clone()), pending, why),
        Err((Stop::HubLost(why), pending)) => {
            scenario_run.blame_for_the_end(&pending);
            (Disposition::Inconclusive(why.clone()), pending, why)
        }
        Err((Stop::Fault(why), pending)) => (Disposition::Error(why.clone()), pending, why),
    };
    if !is_gone() {
        scenario_run.conclude().await;
    }
    if !is_gone() {
        let leaving = super::teardown::leave(&mut scenario_run, topics.are_lent());
        match tokio::time::timeout(TEARDOWN_BOUND, leaving).await {
            Ok(None) => {}
            Ok(Some(error)) => scenario_run.judge_unanswered_leaving(&error).await,
            Err(_) => tracing::debug!("{}: the hub did not let go in time", scenario.name),
        }
    } else {
        scenario_run.conclude_absences();
    }
    let mut disposition = disposition;
    if let Some(problem) = record.flood() {
        tell_of_flood(setting, scenario, emit, &problem);
        if disposition == Disposition::Completed {
            disposition = Disposition::Inconclusive(problem);
        }
    }
    topics.give_back(own_topics).await;
    scenario_run.observe_base_fhir().await;
    let crowded = scenario_run.crowded;
    scenario_run.look_at_controls();
    let transcript = scenario_run.state.log.entries();
    let (checks, observations) =
        scenario_run
            .judge
            .conclude(&scenario.name, &stated, &pending, &why, &transcript);
    for observation in observations {
        emit.send(RunEvent::Observed(observation));
    }
    let transcript = transcript.into_iter().map(Arc::unwrap_or_clone).collect();
    scenario_ended(
        setting,
        scenario,
        emit,
        disposition,
        checks,
        (began.elapsed(), transcript),
    );
    crowded
}

/// Performs a scenario for at most so long, and longer as long as something passes: a slow hub is no dead end.
async fn within<T>(
    bound: Duration,
    record: &Log,
    performing: impl Future<Output = T>,
) -> Result<T, tokio::time::error::Elapsed> {
    tokio::pin!(performing);
    for _ in 1..MOST_BOUNDS {
        let before = record.len();
        if let Ok(performed) = tokio::time::timeout(bound, &mut performing).await {
            return Ok(performed);
        }
        if record.len() == before {
            break;
        }
    }
    tokio::time::timeout(Duration::ZERO, performing).await
}

/// Tells, once for a hub, that it was listened to no further.
fn tell_of_flood(setting: &Setting, scenario: &Scenario, emit: &Emitter, problem: &str) {
    if setting.flood_told.swap(true, Ordering::Relaxed) {
        return;
    }
    emit.send(RunEvent::Accommodated(Accommodation {
        fhircast_version: setting.target.version,
        what: format!(
            "a scenario in which the hub floods ends there, first in {}: {problem}",
            scenario.name
        ),
        requirement: None,
        cause: None,
    }));
}

/// Tells that a scenario does not apply, or that it was left out.
fn skip(setting: &Setting, scenario: &Scenario, emit: &Emitter, why: String, left_out: bool) {
    tell_unplayed(setting, scenario, emit, Disposition::Skipped(why), left_out);
}

/// Tells that a scenario was not played, and why: of all that it states, nothing was judged.
pub(super) fn unplayed(setting: &Setting, scenario: &Scenario, emit: &Emitter, disposition: Disposition) {
    tell_unplayed(setting, scenario, emit, disposition, false);
}

fn tell_unplayed(
    setting: &Setting,
    scenario: &Scenario,
    emit: &Emitter,
    disposition: Disposition,
    left_out: bool,
) {
    let (verdict, why) = match &disposition {
        Disposition::Skipped(why) => (Verdict::Skip, why.clone()),
        Disposition::Inconclusive(why) | Disposition::Error(why) | Disposition::Unjudged(why) => {
            (Verdict::Inconclusive, why.clone())
        }
        Disposition::Completed => (Verdict::Inconclusive, String::new()),
    };
    emit.send(scenario_began(setting, scenario));
    let stated: BTreeSet<RequirementId> = scenario.requirements().into_iter().collect();
    let version = setting.target.version;
    let mut checks = unjudged(
        &setting.catalogue,
        version,
        &scenario.name,
        &stated,
        verdict,
        &why,
    );
    checks.iter_mut().for_each(|check| check.left_out = left_out);
    let nothing = (Duration::ZERO, Vec::new());
    scenario_ended(setting, scenario, emit, disposition, checks, nothing);
}

fn scenario_began(setting: &Setting, scenario: &Scenario) -> RunEvent {
    RunEvent::ScenarioBegan(ScenarioBegan {
        scenario: scenario.name.clone(),
        title: scenario.document.title.clone(),
        fhircast_version: setting.target.version,
    })
}

/// Emits the checks of a scenario and its end: how long it took, and everything that passed.
fn scenario_ended(
    setting: &Setting,
    scenario: &Scenario,
    emit: &Emitter,
    disposition: Disposition,
    checks: Vec<Check>,
    (duration, transcript): (Duration, Vec<Entry>),
) {
    for mut check in checks {
        if check.verdict != Verdict::Pass {
            check.repeat = Some(super::repeat_command(setting, &check));
        }
        emit.send(RunEvent::CheckJudged(Box::new(check)));
    }
    emit.send(RunEvent::ScenarioEnded(ScenarioEnded {
        scenario: scenario.name.clone(),
        title: scenario.document.title.clone(),
        fhircast_version: setting.target.version,
        disposition,
        duration,
        transcript,
    }));
}

/// What the operator has not allowed, or does not want to wait for.
fn left_out(target: &Target, scenario: &Scenario) -> Option<String> {
    if let (Some(harm), false) = (scenario.intrusion(), target.bears_intrusion()) {
        return Some(format!(
            "it could disturb others on the hub: {harm}; --intrusive, or intrusive = true in the target file, allows it"
        ));
    }
    let stays_quiet = |step: &Spanned<Step>| matches!(step.value, Step::StayQuiet(_));
    if scenario.document.steps.iter().any(stays_quiet) {
        if target.quick {
            return Some("--quick leaves out WebSockets that stay quiet for long".to_owned());
        }
        if target.timing.idle.is_none() {
            return Some(
                "nothing says how long a WebSocket over which nothing passes must live (--idle SECONDS, or idle in [timing] of \
                 the target file)"
                    .to_owned(),
            );
        }
    }
    None
}

/// What a scenario lacks.
#[derive(Debug)]
pub(super) enum Lack {
    /// The hub does not claim or grant it.
    OfHub(String),
    /// The operator has not given or allowed it.
    LeftOut(String),
}

impl Lack {
    /// The reason in words.
    pub(super) fn why(self) -> String {
        match self {
            Self::OfHub(why) | Self::LeftOut(why) => why,
        }
    }
}

/// What is lacking of what the scenario needs.
pub(super) fn lacks(setting: &Setting, scenario: &Scenario) -> Option<Lack> {
    let document = &scenario.document;
    if let Some(capability) = document
        .needs
        .iter()
        .find(|capability| !setting.claims.has(**capability))
    {
        return Some(Lack::OfHub(format!("the hub does not claim {capability}")));
    }
    if has_webhooks(scenario, setting.target.version) {
        if !setting.claims.has(Capability::Webhook) {
            return Some(Lack::OfHub(format!(
                "the hub does not claim {}",
                Capability::Webhook
            )));
        }
        if setting.callbacks.is_none() {
            return Some(Lack::LeftOut(
                "the hub is on another machine and cannot call back to this one; name this machine as the hub reaches it \
                 (callback_base in the target file, or --callback-base)"
                    .to_owned(),
            ));
        }
    }
    if let Some(why) = super::tokens::lacking(&setting.target, scenario, setting.began) {
        return Some(Lack::LeftOut(why));
    }
    if let Some(why) = left_out(&setting.target, scenario) {
        return Some(Lack::LeftOut(why));
    }
    let subscribed = document
        .subscribers
        .values()
        .flat_map(|subscriber| subscriber.events.iter().map(|event| event.value.clone()));
    let published = document.steps.iter().flat_map(|step| match &step.value {
        Step::Publish(publish) => vec![publish.event.value.clone()],
        Step::PublishAtOnce(step) => step
            .each
            .iter()
            .map(|publish| publish.event.value.clone())
            .collect(),
        _ => Vec::new(),
    });
    let mut names = subscribed
        .chain(published)
        .filter_map(|name| name.parse::<EventName>().ok());
    names
        .find(|event| !setting.grants(event))
        .map(|event| match setting.claims.lists(&event) {
            true => format!("the hub does not grant {event}"),
            false => format!("the hub does not list {event}"),
        })
        .map(Lack::OfHub)
}
