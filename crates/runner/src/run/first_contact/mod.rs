//! First contact with a hub, before any scenario: can it be tested at all, and how does it want to be spoken to?
//!
//! Step by step a mock subscriber subscribes, connects, publishes and unsubscribes. Each answer, whatever it is, leads to the next
//! try. What the hub wants otherwise than the specification is told once, here; the scenarios then do as it wants, so that
//! the rest can be judged (ambiguities, 3, 4, 13 and 82).

mod authorization;
mod publishing;
mod subscribing;
mod survey;
mod unsubscribing;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::watch;

use crate::client::{Answer, Log};
use crate::judging::hub::Judge;
use crate::outcome::{
    Accommodation, Check, Disposition, Entry, HubLost, Observation, RunEvent, ScenarioBegan, ScenarioEnded,
    Verdict,
};
use crate::protocol::{Action, EventName, WELL_KNOWN_PATH};
use crate::requirement::RequirementId;
use crate::run::dialect::spelled;
use crate::run::emitter::Emitter;
use crate::run::outage::Lost;
use crate::run::preflight::PreflightError;
use crate::run::scenario_run::{ScenarioRun, Setting};
use crate::run::topics::Topics;
use crate::scenario::{Document, Scenario};

/// The scenario that findings of the first contact are told under.
pub const NAME: &str = "first-contact";
/// Its title.
pub const TITLE: &str = "First contact: the hub is asked how it wants to be spoken to";

/// Who is there: one publishes, another listens where the hub takes a second one, a third asks for single events.
const PROBE: &str = r#"
title: First contact
versions: [STU1, STU2, STU3]
subscribers:
  probe: {events: [EVENT]}
  listener: {events: [EVENT]}
  surveyor: {events: [EVENT], topic: survey}
steps: []
"#;

/// What came of the first contact.
#[derive(Debug)]
pub struct FirstContact {
    /// What the hub breaks, each once; nothing of what held.
    pub checks: Vec<Check>,
    /// Which readings it chose.
    pub observations: Vec<Observation>,
    /// What castspec does from here on as the hub wants it.
    pub accommodations: Vec<Accommodation>,
    /// What passed.
    pub transcript: Vec<Entry>,
    /// The hub died and did not come back.
    pub lost: Option<Lost>,
    /// The scenarios can be played.
    pub goes_on: bool,
    /// The hub takes no subscription without an access token, and one with it.
    pub demands_tokens: bool,
    /// How long it took.
    pub duration: Duration,
}

/// What ends the first contact early.
enum End {
    /// The hub cannot be tested.
    Impossible(PreflightError),
    /// What is known has been told; the scenarios are of no use.
    Judged,
    /// The rest of the first contact cannot be done; the scenarios can.
    Enough,
}

struct Contact<'a> {
    setting: &'a Setting,
    run: ScenarioRun<'a>,
    event: EventName,
    judge: Judge,
    accommodations: Vec<Accommodation>,
    lost: Option<Lost>,
    /// The events that each was granted last.
    granted: BTreeMap<&'static str, Vec<EventName>>,
    /// The last subscription request was accepted.
    answered_well: bool,
    demands_tokens: bool,
}

/// Makes the first contact.
///
/// # Errors
/// When the hub cannot be tested at all: it wants a token, nothing is at its URL, or its WebSocket cannot be reached.
///
/// Where `stop` turns true, it ends half way, with nothing to tell.
pub async fn make(
    setting: &Setting,
    topics: &Topics,
    scenarios: &[Arc<Scenario>],
    mut stop: watch::Receiver<bool>,
) -> Result<Option<FirstContact>, PreflightError> {
    let topic = match topics.take(2).await {
        Ok(two) => two,
        Err(_) => match topics.take(1).await {
            Ok(one) => one,
            Err(_) => return Ok(None),
        },
    };
    let mut used = topic.clone();
    used.extend(topic.first().filter(|_| topic.len() == 1).cloned());
    let wanted = wanted(setting, scenarios);
    let began = Instant::now();
    let Some(mut contact) = Contact::new(setting, &used) else {
        topics.give_back(topic).await;
        return Ok(None);
    };
    let under_way = contact.run.under_way.clone();
    let record = contact.run.state.log.clone();
    let end = tokio::select! {
        biased;
        // Enough is known to play the scenarios.
        _ = record.flooded() => Some(Err(End::Enough)),
        end = contact.all(&wanted) => Some(end),
        () = under_way.closed_by(&mut stop, setting.target.timing.response * 2) => None,
    };
    under_way.reopen();
    if let Some(problem) = record.flood() {
        contact.accommodate(
            format!("the first contact ends where the hub floods: {problem}"),
            None,
        );
    }
    if contact.lost.is_none() && setting.outage.now().is_none() {
        crate::run::teardown::leave(&mut contact.run, topics.are_lent()).await;
    }
    topics.give_back(topic).await;
    let Some(end) = end else { return Ok(None) };
    let goes_on = match end {
        Err(End::Impossible(error)) => return Err(error),
        Err(End::Judged) => false,
        Ok(()) | Err(End::Enough) => true,
    };
    let entries = contact.run.state.log.entries();
    let nothing = std::collections::BTreeSet::new();
    let (checks, observations) = contact.judge.conclude(NAME, &nothing, &nothing, "", &entries);
    Ok(Some(FirstContact {
        checks: checks
            .into_iter()
            .filter(|check| check.verdict != Verdict::Pass)
            .collect(),
        observations,
        accommodations: contact.accommodations,
        transcript: entries.into_iter().map(std::sync::Arc::unwrap_or_clone).collect(),
        lost: contact.lost,
        goes_on,
        demands_tokens: contact.demands_tokens,
        duration: began.elapsed(),
    }))
}

/// Knocks at a hub: subscribes in a topic that nobody has, connects, and leaves. What the hub wants for that is returned, and why
/// it takes no subscription, where it takes none.
///
/// # Errors
/// When the hub cannot be tested at all, as for [`make`].
pub async fn knock(setting: &Setting) -> Result<Vec<String>, PreflightError> {
    let Some(mut contact) = Contact::new(setting, &[Topics::made_up(), Topics::made_up()]) else {
        return Ok(Vec::new());
    };
    let mut end = contact.subscribe("probe", true).await;
    if end.is_ok() && !contact.is_webhook() {
        end = contact.connect("probe", true).await;
    }
    if contact.lost.is_none() && setting.outage.now().is_none() {
        crate::run::teardown::leave(&mut contact.run, false).await;
    }
    if let Err(End::Impossible(error)) = end {
        return Err(error);
    }
    let entries = contact.run.state.log.entries();
    let nothing = std::collections::BTreeSet::new();
    let (checks, _) = contact.judge.conclude(NAME, &nothing, &nothing, "", &entries);
    let broken = checks
        .into_iter()
        .filter(|check| check.verdict == Verdict::Fail)
        .map(|check| check.message);
    let wanted = contact.accommodations.into_iter().map(|made| made.what);
    Ok(broken.chain(wanted).collect())
}

impl FirstContact {
    /// Tells it as a scenario where there is something to tell; whether the scenarios can be played.
    pub fn told(self, setting: &Setting, emit: &Emitter) -> bool {
        let version = setting.target.version;
        for observation in self.observations {
            emit.send(RunEvent::Observed(observation));
        }
        for accommodation in self.accommodations {
            emit.send(RunEvent::Accommodated(accommodation));
        }
        if self.checks.is_empty() && self.lost.is_none() {
            return self.goes_on;
        }
        emit.send(RunEvent::ScenarioBegan(ScenarioBegan {
            scenario: NAME.to_owned(),
            title: TITLE.to_owned(),
            fhircast_version: version,
        }));
        for mut check in self.checks {
            // The first contact is made before any scenario; one that concerns the requirement will do.
            let selector = check.requirement.clone();
            check.repeat = Some(crate::run::command_for(setting, &selector));
            emit.send(RunEvent::CheckJudged(Box::new(check)));
        }
        let disposition = match self.goes_on {
            true => Disposition::Completed,
            false => Disposition::Inconclusive("the hub cannot be tested any further".to_owned()),
        };
        emit.send(RunEvent::ScenarioEnded(ScenarioEnded {
            scenario: NAME.to_owned(),
            title: TITLE.to_owned(),
            fhircast_version: version,
            disposition,
            duration: self.duration,
            transcript: self.transcript,
        }));
        if let Some(lost) = self.lost {
            emit.send(RunEvent::HubLost(HubLost {
                scenario: NAME.to_owned(),
                request: lost.request,
                problem: lost.problem,
            }));
        }
        self.goes_on
    }
}

/// The events that the scenarios need, and those that may take their place.
fn wanted(setting: &Setting, scenarios: &[Arc<Scenario>]) -> Vec<EventName> {
    let needed = scenarios
        .iter()
        .flat_map(|scenario| scenario.events().iter().cloned());
    let wanted: BTreeSet<EventName> = needed
        .filter(survey::is_of_the_specification)
        .filter(|event| setting.claims.lists(event))
        .map(|event| spelled(setting.target.version, &event))
        .collect();
    wanted.into_iter().collect()
}

/// An event that the hub knows, an opening where there is one.
fn event_to_try(setting: &Setting) -> Option<EventName> {
    let listed = setting.claims.events();
    let opening = listed.and_then(|events| events.iter().find(|event| event.is(Action::Open)));
    let first = || listed.and_then(|events| events.first());
    opening
        .or_else(first)
        .cloned()
        .or_else(|| "Patient-open".parse().ok())
}

impl<'a> Contact<'a> {
    /// A contact in which nothing has happened yet; `None` where the hub names no event that could be tried.
    fn new(setting: &'a Setting, topic: &[String]) -> Option<Self> {
        let event = event_to_try(setting)?;
        let document = serde_saphyr::from_str::<Document>(&PROBE.replace("EVENT", event.as_str())).ok()?;
        let log = Log::new(setting.redactor.clone());
        Some(Self {
            setting,
            run: ScenarioRun::new(setting, &document, log, topic),
            event,
            judge: Judge::new(
                setting.catalogue.clone(),
                setting.schemas.clone(),
                setting.target.version,
                setting.claims.clone(),
            ),
            accommodations: Vec::new(),
            lost: None,
            granted: BTreeMap::new(),
            answered_well: false,
            demands_tokens: false,
        })
    }
}

impl Contact<'_> {
    async fn all(&mut self, wanted: &[EventName]) -> Result<(), End> {
        let end = self.acquaintance(wanted).await;
        if self.lost.is_none() && matches!(end, Ok(()) | Err(End::Enough)) {
            self.try_without_token().await;
        }
        end
    }

    async fn acquaintance(&mut self, wanted: &[EventName]) -> Result<(), End> {
        self.arrive().await?;
        self.accompany(wanted).await;
        if self.lost.is_some() {
            return Err(End::Judged);
        }
        self.publish().await?;
        if !self.is_webhook() {
            self.unsubscribe().await?;
        }
        self.survey(wanted).await;
        Ok(())
    }

    fn is_webhook(&self) -> bool {
        self.run.mock("probe").is_ok_and(|mock| mock.is_webhook())
    }

    fn accommodate(&mut self, what: String, requirement: Option<&'static str>) {
        self.accommodations.push(Accommodation {
            fhircast_version: self.setting.target.version,
            what,
            requirement: requirement.map(RequirementId::from),
            cause: None,
        });
    }

    /// Waits until a hub that is gone is back; what it died of is told where it does not come.
    async fn wait_for_the_hub(&mut self) -> bool {
        let lost = self.setting.outage.now();
        let url = self.setting.target.below(WELL_KNOWN_PATH);
        let patience = self.setting.target.timing.restart;
        let back = self
            .setting
            .outage
            .is_over(&self.setting.http, &url, patience)
            .await;
        if !back {
            self.lost = lost;
        }
        back
    }
}

/// What the body of a refusal says, in one line.
fn said(answer: &Answer) -> String {
    let text = answer.text.split_whitespace().collect::<Vec<_>>().join(" ");
    match text.as_str() {
        "" => "an empty body".to_owned(),
        text => crate::judging::hub::shortened(text),
    }
}
