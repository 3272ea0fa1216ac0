//! The run of one scenario: its steps in order, against the hub, until the end or until something stops it.

use std::collections::BTreeSet;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use serde_saphyr::Spanned;

use super::dialect::Dialect;
use super::outage::Outage;
use super::patience::Patience;
use super::scenario_setup::verifying_of;
use super::scenario_state::ScenarioState;
use super::target::Target;
use super::under_way::UnderWay;
use crate::client::{Callbacks, HttpClient, Log, NoAnswer, OutgoingRequest};
use crate::judging::hub::{
    Breach, Claims, Conversation, FHIR_READINGS, Issued, Judge, Place, Unasked, ids, readings, rules,
    shortened,
};
use crate::protocol::{EventName, WELL_KNOWN_PATH};
use crate::redaction::Redactor;
use crate::requirement::{Catalogue, RequirementId};
use crate::scenario::{
    Condition, Document, MatcherFault, Mismatch, Selector, Step, Templates, Unmet, VariableError,
};
use crate::schema::Schemas;

/// How often a hub is asked for a sign of life that takes connections and drops them.
const PROBES: usize = 5;
/// The time between two of these.
const BETWEEN_PROBES: Duration = Duration::from_millis(200);

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
    /// The client for requests to the hub.
    pub http: HttpClient,
    /// How the hub wants to be spoken to.
    pub dialect: Dialect,
    /// Where the hub can call the mock subscribers back; `None` where it cannot, or need not.
    pub callbacks: Option<Callbacks>,
    /// The endpoints and challenges that the hub has issued.
    pub issued: Mutex<Issued>,
    /// How long to wait for what does not come.
    pub patience: Patience,
    /// The events that the hub sent of its own accord.
    pub unasked: Mutex<Unasked>,
    /// Whether the hub is there, and what it seems to have died of where it is not.
    pub outage: Outage,
    /// When the lives of tokens began to be counted.
    pub began: Instant,
    /// Hides in records what must not be seen.
    pub redactor: Redactor,
    /// It was told that the hub floods.
    pub flood_told: AtomicBool,
}

impl Setting {
    /// Whether scenarios may use this event: the hub lists it, or lists none, and does not withhold it from everybody.
    pub fn grants(&self, event: &EventName) -> bool {
        self.claims.lists(event) && !self.dialect.withholds(event)
    }
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
    pub requirement: RequirementId,
    pub unmet: Unmet,
    pub control: Option<Condition>,
}

/// What held, and shows something only where its control came about.
#[derive(Debug)]
pub struct Controlled {
    pub requirement: RequirementId,
    pub control: Condition,
}

/// The run of one scenario: what it works with, and what has been found so far.
#[derive(Debug)]
pub struct ScenarioRun<'a> {
    pub setting: &'a Setting,
    pub judge: Judge,
    pub state: ScenarioState,
    pub absences: Vec<HeldAbsence>,
    pub controlled: Vec<Controlled>,
    /// The title of the scenario.
    pub title: String,
    /// No other scenario is played: what the hub goes down on, it goes down on here.
    pub is_alone: bool,
    /// The names of its topics are what it is about.
    pub topics_as_written: bool,
    /// The hub took no further connection while other scenarios had theirs: nothing of this is judged, and it is played again alone.
    pub crowded: bool,
    /// A request that the hub went down on was told.
    pub ended_unanswered: bool,
    /// Its requests that wait for their answers.
    pub under_way: UnderWay,
}

impl<'a> ScenarioRun<'a> {
    /// A scenario before its first step.
    pub fn new(setting: &'a Setting, document: &Document, log: Log, topics: &[String]) -> Self {
        let judge = Judge::new(
            setting.catalogue.clone(),
            setting.schemas.clone(),
            setting.target.version,
            setting.claims.clone(),
        );
        let state = super::scenario_setup::state_before_first_step(setting, document, log, topics);
        Self {
            setting,
            judge,
            state,
            absences: Vec::new(),
            controlled: Vec::new(),
            title: document.title.clone(),
            is_alone: false,
            topics_as_written: document.topics_as_written,
            crowded: false,
            ended_unanswered: false,
            under_way: UnderWay::default(),
        }
    }

    /// Takes the steps in order. Where one stops the scenario, what the rest would have judged is returned with it.
    pub async fn perform(&mut self, steps: &[Spanned<Step>]) -> Result<(), (Stop, BTreeSet<RequirementId>)> {
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
            Step::PublishAtOnce(step) => self.publish_at_once(step).await,
            Step::Request(step) => self.request(step).await,
            Step::GetContext(step) => self.get_context(step).await,
            Step::Discover(step) => self.discover(step).await,
            Step::Expect(step) => self.expect(step).await,
            Step::Absent(step) => self.absent(step).await,
            Step::ExpectClose(step) => self.expect_close(step).await,
            Step::ExpectExpiry(step) => self.expect_expiry(step).await,
            Step::StayQuiet(step) => self.stay_quiet(step).await,
            Step::Send(step) => self.send(step),
            Step::Disconnect(step) => self.disconnect(step).await,
            Step::Abort(step) => self.abort(&step.0.value).await,
            Step::Answers(step) => {
                self.mock_mut(&step.of.value)?.set_answers(&step.rules);
                Ok(())
            }
            Step::Verifications(step) => {
                if let Some(callback) = self.mock(&step.of.value)?.callback() {
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
            if self.state.variables.get(name).is_none() {
                self.state.variables.set(name, Value::Bool(false));
            }
        }
    }

    /// The deadline for something that must come, from now.
    pub fn deadline(&self, extra: Duration) -> Instant {
        Instant::now() + self.setting.target.timing.response + extra
    }

    /// All that has passed so far, for judging.
    pub fn conversation(&self) -> Conversation {
        let mut conversation = self.state.conversation(self.setting.target.version);
        conversation.deployment = self.setting.target.deployment;
        if self.setting.dialect.has_frames_of_its_own() {
            // Told once, at the first contact.
            let subscribers = conversation.subscribers.values_mut();
            subscribers.for_each(|subscriber| rules::pass_over_first_frames(&mut subscriber.received));
        }
        conversation
    }

    /// Waits for what the hub still owes, then has all that passed judged.
    pub async fn conclude(&mut self) {
        let in_vain_before = match self.state.log.flood() {
            Some(_) => None,
            None => self.settle().await,
        };
        let is_flooded = self.state.log.flood().is_some();
        if self.a_socket_broke() && self.is_lost("an open WebSocket", "its connections broke").await {
            // What a dead hub still owes says nothing of a living one.
            return;
        }
        self.account_for_verifications();
        self.conclude_absences();
        self.note_unasked();
        if is_flooded {
            // Not all that came was taken.
            self.state.mocks.values_mut().for_each(|mock| mock.exact = false);
        }
        let conversation = self.conversation();
        let mut owed = rules::owed(&conversation);
        if is_flooded {
            owed.clear();
        }
        if let Some(before) = in_vain_before
            && !owed.is_empty()
        {
            // A shortened wait alone fails nobody.
            let why = format!(
                "what was published was not waited for in full: it did not come in the scenario '{before}' either"
            );
            self.judge.unreached(ids::DELIVERED, &why);
            owed.clear();
        }
        rules::judge_conversation(&conversation, &owed, &mut self.judge);
        let mut issued = self.setting.issued.lock().unwrap_or_else(PoisonError::into_inner);
        rules::judge_challenges(&conversation, &mut issued, &mut self.judge);
    }

    /// The requirement held; where there is a control, that counts once it has come about.
    pub fn held_beside(&mut self, requirement: &RequirementId, control: Option<&Condition>) {
        match control {
            None => self.judge.held(requirement),
            Some(control) => self.controlled.push(Controlled {
                requirement: requirement.clone(),
                control: control.clone(),
            }),
        }
    }

    /// Looks at the controls of what held, now that nothing more comes.
    pub fn look_at_controls(&mut self) {
        for Controlled { requirement, control } in std::mem::take(&mut self.controlled) {
            if matches!(self.holds(Some(&control)), Ok(true)) {
                self.judge.held(&requirement);
            } else {
                let why = format!(
                    "this held, and shows nothing: its control did not come about ({control}), so the hub may do so whatever it is asked"
                );
                self.judge.unreached(&requirement, &why);
            }
        }
    }

    /// Keeps what the hub sent of its own accord for the end of the run, where it granted none of it.
    fn note_unasked(&self) {
        let entries = self.state.log.entries();
        let mut unasked = self
            .setting
            .unasked
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        for mock in self.state.mocks.values() {
            for received in mock.inbox.received() {
                let Some(event) = self.state.unasked(&received) else {
                    continue;
                };
                let subscription = mock.subscriptions.of(&received);
                let is_granted = subscription.is_some_and(|subscription| {
                    subscription
                        .granted
                        .iter()
                        .any(|granted| granted.as_str().eq_ignore_ascii_case(event))
                });
                if let (false, Some(entry), Some(message)) = (
                    is_granted,
                    entries.get(received.spot.sequence),
                    received.message(),
                ) {
                    unasked.note(event, &mock.name, message, entry.traffic.clone());
                }
            }
        }
    }

    /// Tells in which way the resources that the hub itself made are no FHIR R4. It takes a while the first time, on a thread
    /// where that holds nobody up.
    pub async fn observe_base_fhir(&mut self) {
        let authored = self.judge.take_authored();
        if authored.is_empty() {
            return;
        }
        match tokio::task::spawn_blocking(move || readings(&authored)).await {
            Ok(Ok(found)) => {
                for reading in found {
                    self.judge.reading(FHIR_READINGS, &reading);
                }
            }
            Ok(Err(error)) => tracing::error!("{error}"),
            // A thread that fails leaves nothing to tell.
            Err(error) => tracing::debug!("{error}"),
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
        let url = self.setting.target.below(WELL_KNOWN_PATH);
        for probe in 1..=PROBES {
            let probed = self
                .setting
                .http
                .send(&self.state.log, "castspec", &OutgoingRequest::get(&url))
                .await;
            let error = probed.err()?;
            // A hub that is merely slow has taken the connection.
            if error.timed_out && !error.no_connection {
                return None;
            }
            // One that takes a connection and drops it may be at its limit, or be ending: that is seen by who is connected.
            if error.no_connection || probe == PROBES {
                break;
            }
            if self.has_a_living_socket() {
                tokio::time::sleep(BETWEEN_PROBES).await;
                if self.has_a_living_socket() {
                    return Some(Stop::Declined(format!(
                        "the hub takes no further connection beside those that are open: {problem}"
                    )));
                }
            }
            tokio::time::sleep(BETWEEN_PROBES).await;
        }
        self.setting.outage.begin(request, problem);
        Some(Stop::HubLost(format!("the hub no longer answers: {problem}")))
    }

    /// Whether the hub is gone after something has failed.
    pub async fn is_lost(&self, request: &str, problem: &str) -> bool {
        matches!(self.hub_lost(request, problem).await, Some(Stop::HubLost(_)))
    }

    /// Whether a WebSocket of this scenario is open.
    fn has_a_living_socket(&self) -> bool {
        let mut mocks = self.state.mocks.values();
        mocks.any(super::mock_subscriber::MockSubscriber::has_open_socket)
    }

    /// The hub went down in this scenario, which was played alone: it breaks what it owed an answer to. Where that was no request,
    /// it breaks the first of what the scenario was to show.
    pub fn blame_for_the_end(&mut self, pending: &BTreeSet<RequirementId>) {
        if !self.is_alone || self.ended_unanswered {
            return;
        }
        let Some(lost) = self.setting.outage.now() else {
            return;
        };
        let entries = self.state.log.len();
        let places = (entries.saturating_sub(4)..entries).map(Place::at).collect();
        let breach = Breach::new(
            shortened(&format!(
                "the hub went down in this scenario, played alone, at {}",
                lost.request
            )),
            places,
        )
        .expecting("the hub goes on")
        .observing(lost.problem);
        if let Some(requirement) = pending.first() {
            self.judge.broken(requirement, breach);
        }
    }

    /// The hub gave no answer when the scenario unsubscribed at its end. Whoever comes next must not be blamed where it went down.
    pub async fn judge_unanswered_leaving(&mut self, error: &NoAnswer) {
        let request = format!("POST {} hub.mode=unsubscribe", self.setting.dialect.hub_url());
        let gone = self.is_lost(&request, &error.problem).await;
        if !(gone && self.is_alone) {
            return;
        }
        let message = format!(
            "the hub went down on {request}, sent while nothing else was: {}",
            error.problem
        );
        let place = Place::at(error.spot.sequence);
        let breach = Breach::new(shortened(&message), vec![place])
            .expecting("an HTTP answer")
            .observing(error.problem.clone());
        self.judge.broken(ids::UNSUBSCRIBE_202, breach);
    }

    /// Whether a condition on a step holds.
    pub fn holds(&self, when: Option<&Condition>) -> Result<bool, Stop> {
        match when {
            None => Ok(true),
            Some(condition) => Ok(self.state.variables.holds(condition)?),
        }
    }

    /// Makes what is known of a subscriber known to the scenario.
    pub fn publish_mock_variable(&mut self, name: &str) {
        if let Some(mock) = self.state.mocks.get(name) {
            let value = mock.to_variable();
            self.state.variables.set(name, value);
        }
    }
}

/// Mismatches as a breach.
pub fn breach_of(mismatches: &[Mismatch], subject: &str, places: Vec<Place>, unmet: Unmet) -> Breach {
    let each = |show: fn(&Mismatch) -> &str| {
        let lines = mismatches.iter().map(|mismatch| match mismatch.pointer.as_str() {
            "" => show(mismatch).to_owned(),
            pointer => format!("{pointer}: {}", show(mismatch)),
        });
        lines.collect::<Vec<_>>().join("\n")
    };
    let (expected, observed) = (
        each(|mismatch| &mismatch.expected),
        each(|mismatch| &mismatch.observed),
    );
    let first = mismatches.first();
    let where_ = first
        .map(|mismatch| mismatch.pointer.as_str())
        .filter(|pointer| !pointer.is_empty());
    let message = match (first, where_) {
        (Some(mismatch), Some(pointer)) => {
            format!(
                "{subject}: {pointer} should be {}, and is {}",
                mismatch.expected, mismatch.observed
            )
        }
        (Some(mismatch), None) => format!(
            "{subject} should be {}, and is {}",
            mismatch.expected, mismatch.observed
        ),
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

/// An HTTP answer as scenarios may know it.
pub fn answer_variable(answer: &crate::client::Answer) -> Value {
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
