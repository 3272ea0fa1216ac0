//! The judge: takes exchanges in, keeps what is known of the conversation, and asks again when time has passed.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use super::base_fhir::BaseFhir;
use super::callbacks::{CALLBACK, Callbacks, is_callback};
use super::exchange::{Exchange, Observed};
use super::findings::{Breach, Finding, Findings, Subscriber, SubscriberChecks};
use super::frames::Heard;
use super::launches::Launch;
use super::record::{Actor, Kept, Record};
use super::requests::Asked;
use super::state::{Connection, Spot, Subscription, Topic};
use super::usual_answers::UsualAnswers;
use crate::protocol::Version;
use crate::redaction::Redactor;
use crate::requirement::{Catalogue, RequirementId};
use crate::schema::{Schemas, Unmet};

/// For how long the end of a subscription or of a WebSocket is remembered.
pub(super) const REMEMBERED: Duration = Duration::from_secs(600);
/// How many topics are remembered beside those of the last ten minutes.
const TOPICS: usize = 10_000;
/// How many requests may wait for their answers.
const WAITING: usize = 10_000;

/// What the judge has to know of where the conversation takes place.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The version of FHIRcast that is spoken.
    pub version: Version,
    /// `hub.url`; only its path counts, as a proxy may have another host.
    pub hub_url: String,
    /// How long a subscriber may take to answer a notification; 10 seconds where the hub does not say otherwise (2.5).
    pub ack_timeout: Duration,
    /// Nothing passed before the first exchange: what was never seen did not happen.
    pub complete: bool,
    /// Subscribers were given access tokens (2.4).
    pub authorization: bool,
    /// What it weighs that a published resource is not FHIR R4.
    pub base_fhir: BaseFhir,
    /// The application is in use, or about to be: a callback without TLS is a failure.
    pub deployment: bool,
    /// How much of the conversation is kept as evidence, in bytes.
    pub memory: usize,
    /// How many subscribers are told apart in the conclusion.
    pub subscribers: usize,
    /// Hides in the evidence what must not be seen.
    pub redactor: Redactor,
}

impl Settings {
    /// The settings for a conversation with this hub, of which the beginning may be missing.
    pub fn new(version: Version, hub_url: &str) -> Self {
        Self {
            version,
            hub_url: hub_url.to_owned(),
            ack_timeout: Duration::from_secs(10),
            complete: false,
            authorization: false,
            base_fhir: BaseFhir::default(),
            deployment: false,
            memory: 16 << 20,
            subscribers: 1_000,
            redactor: Redactor::new(false, true),
        }
    }
}

/// Something that only time can answer.
#[derive(Debug, Clone)]
pub(super) enum Question {
    /// Whether the notifications that went over a WebSocket are answered.
    Acknowledged { connection: u64 },
    /// Whether a subscriber connects to its endpoint.
    Connects { subscription: usize },
    /// Whether a subscriber that closed its WebSocket unsubscribes.
    Unsubscribes { subscription: usize, closed: Spot },
    /// Whether a subscriber that lost its connection subscribes again.
    SubscribesAgain { subscription: usize, lost: Spot },
    /// Whether an event that was refused by a SyncError is acknowledged with 202.
    Accepts {
        who: Subscriber,
        topic: String,
        event: String,
        refused: Spot,
    },
    /// Whether a change that met with a SyncError is sent again.
    SendsAgain {
        who: Subscriber,
        topic: String,
        id: String,
        told: Spot,
    },
    /// A WebSocket that is closed may be forgotten.
    ForgetConnection { connection: u64 },
    /// A subscription that has ended may be forgotten.
    ForgetSubscription { subscription: usize },
}

/// Judges what the subscribers of one hub do.
#[derive(Debug)]
pub struct Judge {
    pub(super) settings: Settings,
    pub(super) schemas: Arc<Schemas>,
    pub(super) record: Record,
    pub(super) findings: Findings,
    pub(super) topics: HashMap<String, Topic>,
    pub(super) subscriptions: HashMap<usize, Subscription>,
    /// Subscriptions by the path of their endpoint.
    pub(super) endpoints: HashMap<String, usize>,
    pub(super) connections: HashMap<u64, Connection>,
    pub(super) callbacks: Callbacks,
    pub(super) heard: Heard,
    pub(super) usual_answers: UsualAnswers,
    pub(super) asked: HashMap<u64, Asked>,
    /// The clients that have shown a token.
    pub(super) bearers: HashSet<String>,
    /// Launches by their numbers, which rise.
    pub(super) launches: BTreeMap<u64, Launch>,
    /// The `fhirVersion` of the hub's configuration document, where it was seen.
    pub(super) fhir_version: Option<String>,
    questions: BTreeMap<(Duration, u64), Question>,
    counter: u64,
    pub(super) now: Duration,
}

impl Judge {
    /// A judge who has seen nothing yet.
    pub fn new(catalogue: Arc<Catalogue>, schemas: Arc<Schemas>, settings: Settings) -> Self {
        Self {
            record: Record::new(settings.memory, settings.redactor.clone()),
            findings: Findings::new(catalogue, settings.version, settings.subscribers),
            settings,
            schemas,
            topics: HashMap::new(),
            subscriptions: HashMap::new(),
            endpoints: HashMap::new(),
            connections: HashMap::new(),
            callbacks: Callbacks::default(),
            heard: Heard::default(),
            usual_answers: UsualAnswers::default(),
            asked: HashMap::new(),
            bearers: HashSet::new(),
            launches: BTreeMap::new(),
            fhir_version: None,
            questions: BTreeMap::new(),
            counter: 0,
            now: Duration::ZERO,
        }
    }

    /// Takes in what was observed next.
    pub fn observe(&mut self, exchange: &Exchange) {
        self.pass_time(exchange.at);
        let actor = self.actor(exchange);
        let sequence = match Kept::of(&exchange.observed, self.call_answered_by(&exchange.observed)) {
            Some(kept) => self.record.add(self.now, actor, kept),
            None => 0,
        };
        let spot = Spot {
            sequence,
            at: self.now,
        };
        match &exchange.observed {
            Observed::Request { .. } => self.request(exchange, spot),
            Observed::ScopesAsked { application, scope } => {
                self.scopes_asked(application, scope.as_deref(), spot);
            }
            Observed::Launched {
                launch,
                asked,
                answer,
                ..
            } => self.launched(*launch, asked, answer, spot),
            Observed::Answer { id, status, body, .. } => self.answer(*id, *status, body, spot),
            Observed::Called { id, url, body, .. } => self.called(*id, url, body, spot),
            Observed::CallAnswered {
                id,
                status,
                headers,
                body,
            } => self.call_answered(*id, *status, headers, body, spot),
            Observed::CallFailed { id, end, .. } => self.call_failed(*id, *end, spot),
            Observed::Opened { connection, url } => self.opened(socket(*connection), url),
            Observed::FromHub { connection, frame } => self.hub_sent(socket(*connection), frame, spot),
            Observed::FromSubscriber { connection, frame } => {
                self.subscriber_sent(socket(*connection), frame, spot);
            }
            Observed::Closed { connection, by, code } => self.closed(socket(*connection), *by, *code, spot),
            Observed::Gap => self.forget(),
        }
    }

    /// Lets time pass until `now`, without anything having been observed.
    pub fn pass_time(&mut self, now: Duration) {
        while let Some((&key, _)) = self.questions.first_key_value()
            && key.0 <= now
        {
            self.now = self.now.max(key.0);
            if let Some(question) = self.questions.remove(&key) {
                self.ask(question);
            }
        }
        self.now = self.now.max(now);
    }

    /// When [`Judge::pass_time`] may find something next.
    pub fn next_deadline(&self) -> Option<Duration> {
        self.questions.first_key_value().map(|((at, _), _)| *at)
    }

    /// What was found and not taken yet, in the order in which it was found. What held and what is merely noted is in the
    /// conclusion only.
    pub fn poll_finding(&mut self) -> Option<Finding> {
        self.findings.poll()
    }

    /// What became of every requirement that was judged, by subscriber. Questions that are still open stay unjudged.
    pub fn conclude(&self) -> Vec<SubscriberChecks> {
        self.findings.conclude()
    }

    fn ask(&mut self, question: Question) {
        match question {
            Question::Acknowledged { connection } => self.look_for_overdue(connection),
            Question::Connects { subscription } => self.did_not_connect(subscription),
            Question::Unsubscribes { subscription, closed } => self.did_not_unsubscribe(subscription, closed),
            Question::SubscribesAgain { subscription, lost } => {
                self.did_not_subscribe_again(subscription, lost);
            }
            Question::Accepts {
                who,
                topic,
                event,
                refused,
            } => self.was_not_accepted(&who, &topic, &event, refused),
            Question::SendsAgain { who, topic, id, told } => self.was_not_sent_again(&who, &topic, &id, told),
            Question::ForgetConnection { connection } => {
                self.connections.remove(&connection);
            }
            Question::ForgetSubscription { subscription } => self.forget_subscription(subscription),
        }
    }

    /// Asks a question once so much time has passed.
    pub(super) fn ask_in(&mut self, patience: Duration, question: Question) {
        self.counter += 1;
        let at = self.now.saturating_add(patience);
        self.questions.insert((at, self.counter), question);
    }

    pub(super) fn held(&mut self, who: &Subscriber, requirement: impl Into<RequirementId>) {
        self.findings.held(who, requirement);
    }

    pub(super) fn broken(&mut self, who: &Subscriber, requirement: impl Into<RequirementId>, breach: Breach) {
        let requirement = requirement.into();
        if breach.unmet == Unmet::Note {
            self.findings.held(who, &requirement);
        }
        self.findings.broken(&self.record, who, requirement, breach);
    }

    /// Judges one requirement: it held, or this is why not.
    pub(super) fn judge(
        &mut self,
        who: &Subscriber,
        requirement: impl Into<RequirementId>,
        breach: Option<Breach>,
    ) {
        match breach {
            None => self.held(who, requirement),
            Some(breach) => self.broken(who, requirement, breach),
        }
    }

    pub(super) fn topic(&mut self, name: &str) -> &mut Topic {
        if self.topics.len() >= TOPICS && !self.topics.contains_key(name) {
            let now = self.now;
            self.topics
                .retain(|_, topic| now.saturating_sub(topic.last_seen) < REMEMBERED);
        }
        let topic = self.topics.entry(name.to_owned()).or_default();
        topic.last_seen = self.now;
        topic
    }

    pub(super) fn wait_for_answer(&mut self, id: u64, asked: Asked) {
        if self.asked.len() >= WAITING {
            self.asked.clear();
        }
        self.asked.insert(id, asked);
    }

    /// Who is judged by what goes over a WebSocket.
    pub(super) fn listener(&self, connection: u64) -> Arc<Subscriber> {
        let known = self.connections.get(&connection);
        known
            .and_then(|connection| connection.who.clone())
            .unwrap_or_else(|| {
                Arc::new(Subscriber {
                    name: if is_callback(connection) {
                        format!("callback {}", connection & !CALLBACK)
                    } else {
                        format!("WebSocket {connection}")
                    },
                    topic: known
                        .and_then(|connection| connection.topic.clone())
                        .unwrap_or_default(),
                })
            })
    }

    /// The WebSockets of a topic that may be the requester's: the client's own where it is known.
    pub(super) fn candidates(&self, topic: &str, client: Option<&str>) -> Vec<u64> {
        let belongs_to_client = |connection: &Connection| {
            let subscription = connection.subscription.and_then(|at| self.subscriptions.get(&at));
            subscription.is_some_and(|subscription| {
                subscription.client.is_some() && subscription.client.as_deref() == client
            })
        };
        let of_topic = || {
            self.connections
                .iter()
                .filter(|(_, connection)| connection.topic.as_deref() == Some(topic))
        };
        let of_client: Vec<u64> = of_topic()
            .filter(|(_, connection)| belongs_to_client(connection))
            .map(|(connection, _)| *connection)
            .collect();
        if of_client.is_empty() {
            of_topic().map(|(connection, _)| *connection).collect()
        } else {
            of_client
        }
    }

    fn actor(&self, exchange: &Exchange) -> Actor {
        let name = match &exchange.observed {
            Observed::FromHub { connection, .. }
            | Observed::FromSubscriber { connection, .. }
            | Observed::Opened { connection, .. }
            | Observed::Closed { connection, .. } => {
                return Actor::Subscriber(self.listener(socket(*connection)));
            }
            Observed::Called { url, .. } => self.called_by_url(url),
            Observed::CallAnswered { id, .. } | Observed::CallFailed { id, .. } => self.called_by_id(*id),
            Observed::ScopesAsked { application, .. } | Observed::Launched { application, .. } => {
                application.clone()
            }
            _ => exchange.client.clone().unwrap_or_else(|| "a client".to_owned()),
        };
        Actor::Named(name)
    }

    /// Exchanges are missing: nothing that is open can be judged any more.
    fn forget(&mut self) {
        self.settings.complete = false;
        self.topics.clear();
        self.subscriptions.clear();
        self.endpoints.clear();
        self.connections.clear();
        self.callbacks = Callbacks::default();
        self.heard.clear();
        self.asked.clear();
        self.questions.clear();
    }
}

/// The number of a WebSocket, which never is that of a callback.
fn socket(connection: u64) -> u64 {
    connection & !CALLBACK
}
