//! One scenario being played: the steps in order, against the hub, until the end or until something stops it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use serde_saphyr::Spanned;

use super::base_fhir::Authored;
use super::cast::verifying_of;
use super::claims::Claims;
use super::dialect::Dialect;
use super::judge::{Breach, Judge, Place};
use super::stage::Stage;
use super::target::Target;
use crate::protocol::WELL_KNOWN_PATH;
use crate::redaction::Redactor;
use crate::requirement::{Actor, Catalogue};
use crate::scenario::{
    Condition, MatcherFault, Mismatch, Scenario, Selector, Step, Templates, Unmet, VariableError,
};
use crate::schema::{self, Judgement, Schemas};
use crate::subscriber::{Callbacks, HttpClient, Log, NoAnswer, OutgoingRequest, Spot};

/// What all scenarios of a run share.
#[derive(Debug)]
pub struct Setting {
    /// The hub under test.
    pub target: Target,
    /// What it supports.
    pub claims: Arc<Claims>,
    /// The requirements.
    pub catalogue: Arc<Catalogue>,
    /// The schemas of the version under test.
    pub schemas: Arc<Schemas>,
    /// Contexts of events.
    pub templates: Arc<Templates>,
    /// The way to the hub.
    pub http: HttpClient,
    /// How the hub wants to be spoken to.
    pub dialect: Dialect,
    /// Where the hub can call the mock subscribers back; `None` where it cannot, or need not.
    pub callbacks: Option<Callbacks>,
    /// Every endpoint that the hub gave to a new subscription.
    pub endpoints: Mutex<BTreeSet<String>>,
    /// Every challenge of an intent verification, with the callback that it came to.
    pub challenges: Mutex<BTreeMap<String, String>>,
    /// The first request that the hub died of, once it has died.
    pub lost: Mutex<Option<Lost>>,
    /// When the lives of tokens began to be counted.
    pub began: Instant,
    /// Hides in records what must not be seen.
    pub redactor: Redactor,
}

/// The request that went unanswered, and what happened to it.
#[derive(Debug, Clone)]
pub struct Lost {
    /// Method, URL and the beginning of the body.
    pub request: String,
    /// What happened.
    pub problem: String,
}

/// Why a scenario goes no further.
#[derive(Debug, Clone)]
pub enum Stop {
    /// Something that the rest builds on did not come about.
    Unreached(String),
    /// The scenario is at fault.
    Fault(String),
    /// The hub does otherwise, as it may; the rest does not apply to it.
    Declined(String),
    /// The hub is gone.
    HubLost(String),
}

impl From<VariableError> for Stop {
    fn from(error: VariableError) -> Self {
        // Names that no step saves are found when the file is read: what is missing now is a message that did not come.
        Self::Unreached(error.to_string())
    }
}

impl From<MatcherFault> for Stop {
    fn from(fault: MatcherFault) -> Self {
        match fault {
            MatcherFault::Variable(error) => error.into(),
            fault => Self::Fault(fault.to_string()),
        }
    }
}

/// An `absent` that held when its fence came; looked at once more when the scenario ends.
#[derive(Debug)]
pub struct HeldAbsence {
    pub at: String,
    pub message: Selector,
    pub requirement: String,
    pub unmet: Option<Unmet>,
}

/// A scenario being played.
#[derive(Debug)]
pub struct Play<'a> {
    pub setting: &'a Setting,
    pub judge: Judge,
    pub stage: Stage,
    pub absences: Vec<HeldAbsence>,
    pub authored: Vec<Authored>,
}

impl<'a> Play<'a> {
    /// A scenario before its first step.
    pub fn new(setting: &'a Setting, scenario: &Scenario, log: Log, topics: &[String]) -> Self {
        let judge = Judge::new(
            setting.catalogue.clone(),
            setting.target.version,
            setting.claims.clone(),
        );
        let stage = super::cast::set(setting, &scenario.document, log, topics);
        Self {
            setting,
            judge,
            stage,
            absences: Vec::new(),
            authored: Vec::new(),
        }
    }

    /// Takes the steps in order. Where one stops the scenario, what the rest would have judged is returned with it.
    pub async fn perform(&mut self, steps: &[Spanned<Step>]) -> Result<(), (Stop, BTreeSet<String>)> {
        for (position, step) in steps.iter().enumerate() {
            self.account_for_verifications();
            if let Err(stop) = self.step(&step.value).await {
                let pending = steps[position..]
                    .iter()
                    .flat_map(|step| step.value.requirements())
                    .collect();
                return Err((stop, pending));
            }
        }
        Ok(())
    }

    async fn step(&mut self, step: &Step) -> Result<(), Stop> {
        if !self.holds(step.when())? {
            self.not_taken(step);
            return Ok(());
        }
        match step {
            Step::Subscribe(step) => self.subscribe(&step.0).await,
            Step::RequestSubscription(step) => self.request_subscription(step).await,
            Step::Connect(step) => self.connect_step(step).await,
            Step::Unsubscribe(step) => self.unsubscribe(step).await,
            Step::Publish(step) => self.publish(step).await,
            Step::Request(step) => self.request(step).await,
            Step::GetContext(step) => self.get_context(step).await,
            Step::Discover(step) => self.discover(step).await,
            Step::Expect(step) => self.expect(step).await,
            Step::Absent(step) => self.absent(step).await,
            Step::ExpectClose(step) => self.expect_close(step).await,
            Step::ExpectExpiry(step) => self.expect_expiry(step).await,
            Step::Send(step) => self.send(step),
            Step::Disconnect(step) => self.disconnect(step).await,
            Step::Abort(step) => self.abort(&step.0.value).await,
            Step::Answers(step) => {
                self.mock_mut(&step.of.value)?.set_answers(&step.rules);
                Ok(())
            }
            Step::Verifications(step) => {
                if let Some(callback) = &self.mock(&step.of.value)?.callback {
                    callback.set_verifying(verifying_of(&step.rule));
                }
                Ok(())
            }
            Step::Fence(step) => self.fence_step(step).await,
            Step::Check(step) => self.check(step),
            Step::Observe(step) => self.observe(step),
        }
    }

    /// Whether something held is false where the step that would tell is not taken; another step may have told before.
    fn not_taken(&mut self, step: &Step) {
        for name in step.saves_whether() {
            if self.stage.variables.get(name).is_none() {
                self.stage.variables.set(name, Value::Bool(false));
            }
        }
    }

    /// The deadline for something that must come, from now.
    pub fn deadline(&self, extra: Duration) -> Instant {
        Instant::now() + self.setting.target.timing.response + extra
    }

    /// Judges a message by its schema: `judged` is what was judged, which lies in the message at `prefix`.
    pub fn judge_schema(&mut self, judgement: &Judgement, judged: &Value, spot: Spot, prefix: &str) {
        let (catalogue, version) = (self.setting.catalogue.clone(), self.setting.target.version);
        let binds_hub = |id: &str| {
            catalogue
                .get(version, id)
                .is_some_and(|own| own.actor == Actor::Hub)
        };
        for requirement in judgement.satisfied.iter().filter(|id| binds_hub(id)) {
            self.judge.held(requirement);
        }
        for violation in judgement
            .violations
            .iter()
            .filter(|own| binds_hub(&own.requirement))
        {
            let pointer = format!("{prefix}{}", violation.pointer);
            let breach = Breach {
                message: violation.message.clone(),
                places: vec![Place::within(spot.sequence, &pointer)],
                unmet: softened(violation.unmet),
                by_schema: true,
                ..Breach::default()
            };
            if violation.unmet == schema::Unmet::ByLevel {
                // An object that lacks something may be right in all else.
                let member = violation.member.as_ref();
                let place = match member {
                    Some(member) => format!("{pointer}/{}", escaped(member)),
                    None => pointer,
                };
                let whole =
                    member.is_some() || !judged.pointer(&violation.pointer).is_some_and(Value::is_object);
                self.judge.malformed(
                    &violation.requirement,
                    &Place::within(spot.sequence, &place),
                    whole,
                );
            }
            self.judge.broken(&violation.requirement, breach);
        }
    }

    /// What comes of a request that got no answer: whether the hub still answers others.
    pub async fn unanswered(&self, request: &OutgoingRequest, error: &NoAnswer) -> Stop {
        let body: String = request
            .body
            .as_deref()
            .unwrap_or_default()
            .chars()
            .take(300)
            .collect();
        let told = format!("{} {} {body}", request.method, request.url);
        if let Some(stop) = self.hub_lost(told.trim(), &error.problem).await {
            return stop;
        }
        Stop::Unreached(format!(
            "the hub gave no answer to {} {} ({}), though it answers other requests",
            request.method, request.url, error.problem
        ))
    }

    /// Asks the hub for a sign of life after something has failed; where none comes, it is lost, and `request` is what it
    /// seems to have died of.
    pub async fn hub_lost(&self, request: &str, problem: &str) -> Option<Stop> {
        let url = format!("{}{WELL_KNOWN_PATH}", self.setting.target.hub_url_text());
        let probe = self
            .setting
            .http
            .send(&self.stage.log, "castspec", &OutgoingRequest::get(&url))
            .await;
        let error = probe.err()?;
        // A hub that is merely slow has taken the connection.
        if error.timed_out && !error.no_connection {
            return None;
        }
        let mut lost = self.setting.lost.lock().unwrap_or_else(PoisonError::into_inner);
        lost.get_or_insert_with(|| Lost {
            request: request.to_owned(),
            problem: problem.to_owned(),
        });
        Some(Stop::HubLost(format!("the hub no longer answers: {problem}")))
    }

    /// Whether a condition on a step holds.
    pub fn holds(&self, when: Option<&Condition>) -> Result<bool, Stop> {
        match when {
            None => Ok(true),
            Some(condition) => Ok(self.stage.variables.holds(condition)?),
        }
    }

    /// Makes what is known of a subscriber known to the scenario.
    pub fn publish_mock_variable(&mut self, name: &str) {
        if let Some(mock) = self.stage.mocks.get(name) {
            let value = mock.to_variable();
            self.stage.variables.set(name, value);
        }
    }
}

/// What a schema makes of an unmet requirement.
fn softened(unmet: schema::Unmet) -> Option<Unmet> {
    match unmet {
        schema::Unmet::ByLevel => None,
        schema::Unmet::Warn => Some(Unmet::Warn),
        schema::Unmet::Note => Some(Unmet::Note),
    }
}

/// A member's name as a step of a JSON pointer.
fn escaped(member: &str) -> String {
    member.replace('~', "~0").replace('/', "~1")
}

/// Mismatches as a breach.
pub fn breach_of(mismatches: &[Mismatch], subject: &str, places: Vec<Place>, unmet: Option<Unmet>) -> Breach {
    let each = |show: fn(&Mismatch) -> &str| {
        let lines = mismatches.iter().map(|own| match own.pointer.as_str() {
            "" => show(own).to_owned(),
            pointer => format!("{pointer}: {}", show(own)),
        });
        lines.collect::<Vec<_>>().join("\n")
    };
    let (expected, observed) = (each(|own| &own.expected), each(|own| &own.observed));
    let first = mismatches.first();
    let where_ = first
        .map(|own| own.pointer.as_str())
        .filter(|pointer| !pointer.is_empty());
    let message = match (first, where_) {
        (Some(own), Some(pointer)) => {
            format!(
                "{subject}: {pointer} should be {}, and is {}",
                own.expected, own.observed
            )
        }
        (Some(own), None) => format!("{subject} should be {}, and is {}", own.expected, own.observed),
        (None, _) => subject.to_owned(),
    };
    let message = shortened(&message);
    Breach {
        message,
        expected: Some(expected),
        observed: Some(observed),
        places,
        unmet,
        by_schema: false,
    }
}

/// A sentence cut to what one reads at a glance; the whole stands in expected and observed.
pub fn shortened(text: &str) -> String {
    const MOST: usize = 300;
    if text.chars().count() <= MOST {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(MOST).collect();
    short.push('…');
    short
}

/// An HTTP answer as scenarios may know it.
pub fn answer_variable(answer: &crate::subscriber::Answer) -> Value {
    let headers: serde_json::Map<String, Value> = answer
        .headers
        .iter()
        .map(|(name, value)| (name.clone(), json!(value)))
        .collect();
    json!({
        "status": answer.status,
        "accepted": answer.is_accepted(),
        "refused": answer.is_refused(),
        "headers": headers,
        "body": answer.json,
        "text": answer.text,
    })
}
