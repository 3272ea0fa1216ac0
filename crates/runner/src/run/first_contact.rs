//! First contact with a hub, before any scenario: can it be tested at all, and how does it want to be spoken to?
//!
//! Step by step a mock subscriber subscribes, connects, publishes and unsubscribes. Each answer, whatever it is, leads to the next
//! try. What the hub wants otherwise than the specification is told once, here; the scenarios then do as it wants, so that
//! the rest can be judged (ambiguities, 3, 4, 13 and 82).

use std::time::{Duration, Instant};

use super::connecting::Greeting;
use super::dialect::PublishingManner;
use super::emitter::Emitter;
use super::outage::Lost;
use super::preflight::PreflightError;
use super::publishing::Tried;
use super::scenario_run::{ScenarioRun, Setting};
use super::topics::Topics;
use crate::client::{Answer, Log, NoAnswer, OutgoingRequest};
use crate::judging::hub::{Breach, Judge, Place, ids, rules};
use crate::outcome::{
    Accommodation, Check, Disposition, Entry, HubLost, Observation, RunEvent, ScenarioBegan, ScenarioEnded,
    Verdict,
};
use crate::protocol::{Action, EventName, Version, WELL_KNOWN_PATH};
use crate::scenario::Document;

/// The scenario that findings of the first contact are told under.
pub const NAME: &str = "first-contact";
/// Its title.
pub const TITLE: &str = "First contact: the hub is asked how it wants to be spoken to";

/// Who is there: one publishes, another listens where the hub takes a second one.
const PROBE: &str = r#"
title: First contact
versions: [STU1, STU2, STU3]
subscribers:
  probe: {events: [EVENT]}
  listener: {events: [EVENT]}
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
}

/// Makes the first contact.
///
/// # Errors
/// When the hub cannot be tested at all: it wants a token, nothing is at its URL, or its WebSocket cannot be reached.
pub async fn make(setting: &Setting, topics: &Topics) -> Result<Option<FirstContact>, PreflightError> {
    let Some(event) = event_to_try(setting) else {
        return Ok(None);
    };
    let Ok(document) = serde_saphyr::from_str::<Document>(&PROBE.replace("EVENT", event.as_str())) else {
        return Ok(None);
    };
    let Ok(topic) = topics.take(1).await else {
        return Ok(None);
    };
    let began = Instant::now();
    let log = Log::new(setting.redactor.clone(), None);
    let mut contact = Contact {
        setting,
        run: ScenarioRun::new(setting, &document, log, &topic),
        event,
        judge: Judge::new(
            setting.catalogue.clone(),
            setting.schemas.clone(),
            setting.target.version,
            setting.claims.clone(),
        ),
        accommodations: Vec::new(),
        lost: None,
    };
    let end = contact.all().await;
    if contact.lost.is_none() && setting.outage.now().is_none() {
        let leaving = super::teardown::leave(&mut contact.run, topics.are_lent());
        if tokio::time::timeout(setting.target.timing.response * 4, leaving)
            .await
            .is_err()
        {
            tracing::debug!("the hub did not let go of the first contact in time");
        }
    }
    topics.give_back(topic).await;
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
        duration: began.elapsed(),
    }))
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
            check.repeat = Some(super::command_for(setting, &selector));
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

impl Contact<'_> {
    async fn all(&mut self) -> Result<(), End> {
        self.subscribe("probe", true).await?;
        if !self.is_webhook() {
            self.connect("probe", true).await?;
        }
        // A hub may take one subscriber only.
        if self.subscribe("listener", false).await.is_ok() && !self.is_webhook() {
            let _ = self.connect("listener", false).await;
        }
        self.publish().await?;
        if !self.is_webhook() {
            self.unsubscribe().await?;
        }
        Ok(())
    }

    fn is_webhook(&self) -> bool {
        self.run.mock("probe").is_ok_and(|mock| mock.is_webhook())
    }

    fn accommodate(&mut self, what: String, requirement: Option<&str>) {
        self.accommodations.push(Accommodation {
            fhircast_version: self.setting.target.version,
            what,
            requirement: requirement.map(str::to_owned),
            cause: None,
        });
    }

    /// A subscription request of this subscriber, nothing of it judged.
    async fn ask(&mut self, name: &str) -> Result<Answer, Option<NoAnswer>> {
        let request = self.run.subscription_request(name).map_err(|_| None)?;
        let outgoing = match self.is_webhook() {
            true => self.run.webhook_subscription(name, &request).map_err(|_| None)?.0,
            false => {
                let dialect = &self.setting.dialect;
                OutgoingRequest::form(dialect.hub_url(), &dialect.completed(request.to_pairs()))
            }
        };
        self.run.transmit(name, &outgoing).await.map_err(Some)
    }

    /// Subscribes as the specification has it; where the hub refuses that, as it may want it.
    async fn subscribe(&mut self, name: &str, is_first: bool) -> Result<(), End> {
        let answer = match self.ask(name).await {
            Ok(answer) => answer,
            Err(None) => return Err(End::Enough),
            Err(Some(error)) => return Err(self.subscription_unanswered(&error).await),
        };
        if answer.is_accepted() || !is_first {
            return self.accepted(name, answer).await;
        }
        if let Some(error) = self.impossible(&answer) {
            return Err(End::Impossible(error));
        }
        if answer.status < 400 {
            // An answer that neither accepts nor refuses is judged by the scenarios.
            return Err(End::Enough);
        }
        let wanted = [
            ("subscriber.name", "castspec".to_owned()),
            ("hub.lease_seconds", "3600".to_owned()),
        ];
        for (parameter, value) in wanted {
            if self.is_said(parameter) {
                continue;
            }
            if let Some(answer) = self.accepted_with(name, parameter, &value).await {
                self.setting.dialect.learn_parameter(parameter, &value);
                let reading = format!("the hub takes subscriptions only with {parameter}");
                self.judge
                    .reading("parameters-that-a-subscription-must-carry", &reading);
                self.accommodate(format!("every subscription carries {parameter}={value}"), None);
                return self.accepted(name, answer).await;
            }
        }
        // Refused again, in every way: the hub takes no subscription at all.
        let message = format!(
            "the hub refused every proper subscription ({}): {}",
            answer.status,
            said(&answer)
        );
        let breach = Breach::new(&message, Place::exchange(&answer))
            .expecting("202 Accepted")
            .observing(format!("status {}", answer.status));
        self.judge.broken(ids::SUBSCRIBE_202, breach);
        Err(End::Judged)
    }

    /// Whether the target itself gives this parameter.
    fn is_said(&self, parameter: &str) -> bool {
        let target = &self.setting.target;
        target.dialect.subscribe_parameters.contains_key(parameter)
    }

    /// The answer to the same subscription with one parameter more, where that is accepted and the one without is refused again.
    async fn accepted_with(&mut self, name: &str, parameter: &str, value: &str) -> Option<Answer> {
        let request = self.run.subscription_request(name).ok()?;
        let outgoing = match self.is_webhook() {
            true => self.run.webhook_subscription(name, &request).ok()?.0,
            false => OutgoingRequest::form(
                self.setting.dialect.hub_url(),
                &self.setting.dialect.completed(request.to_pairs()),
            ),
        };
        let mut with = outgoing.clone();
        let pair = url::form_urlencoded::Serializer::new(String::new())
            .append_pair(parameter, value)
            .finish();
        if let Some(body) = &mut with.body {
            body.push('&');
            body.push_str(&pair);
        }
        let first = self.run.transmit(name, &with).await.ok()?;
        if !first.is_accepted() {
            return None;
        }
        let control = self.run.transmit(name, &outgoing).await.ok()?;
        if control.is_accepted() {
            // The first refusal had nothing to do with the parameter.
            return None;
        }
        Some(first)
    }

    /// Why the hub cannot be tested, where this refusal says so.
    fn impossible(&self, answer: &Answer) -> Option<PreflightError> {
        let url = self.setting.dialect.hub_url().to_owned();
        match answer.status {
            401 | 403 => Some(PreflightError::Unauthorized {
                url,
                status: answer.status,
                with_token: self.setting.target.approach.token.is_some(),
                said: said(answer),
            }),
            404 | 405 | 410 => Some(PreflightError::NothingThere {
                url,
                status: answer.status,
            }),
            300..=399 if location(answer) != "no Location" => Some(PreflightError::Redirected {
                url,
                status: answer.status,
                location: location(answer),
            }),
            _ => None,
        }
    }

    /// Takes in the answer to a subscription.
    async fn accepted(&mut self, name: &str, answer: Answer) -> Result<(), End> {
        if !answer.is_accepted() {
            return Err(End::Enough);
        }
        if self.is_webhook() {
            // Whether the intent is verified, and how, is judged by the scenarios.
            let _ = self.run.verification_of(name, answer.request, "subscribe").await;
            self.run.let_the_hub_act().await;
            return Ok(());
        }
        let endpoint = answer.member("hub.channel.endpoint").map(str::to_owned);
        let Some(endpoint) = endpoint else {
            return Err(End::Enough);
        };
        self.run.take_endpoint(name, endpoint).map_err(|_| End::Enough)
    }

    async fn subscription_unanswered(&mut self, error: &NoAnswer) -> End {
        let request = format!("POST {}", self.setting.dialect.hub_url());
        let gone = self.run.is_lost(&request, &error.problem).await;
        if gone {
            self.wait_for_the_hub().await;
        }
        let message = format!(
            "the hub {} of a proper subscription: {}",
            if gone { "ended" } else { "gave no answer because" },
            error.problem
        );
        let breach = Breach::new(&message, vec![Place::at(error.spot.sequence)])
            .expecting("202 Accepted")
            .observing(error.problem.clone());
        self.judge.broken(ids::SUBSCRIBE_202, breach);
        End::Judged
    }

    /// Opens the WebSocket and waits for the confirmation.
    async fn connect(&mut self, name: &str, is_first: bool) -> Result<(), End> {
        let before = self.run.state.log.len();
        if let Err(error) = self.run.open(name).await {
            let endpoint = self.run.mock(name).ok().and_then(|mock| mock.endpoint.clone());
            let endpoint = endpoint.unwrap_or_default();
            if self
                .run
                .is_lost(&format!("WebSocket {endpoint}"), &error.problem)
                .await
                && !self.wait_for_the_hub().await
            {
                return Err(End::Judged);
            }
            // In STU2 a hub may do without WebSockets.
            let optional = self.setting.target.version == Version::Stu2;
            // What the hub itself answers there, and an endpoint that is none, is judged by the scenarios.
            let is_of_hub = error.status.is_some() || !self.is_proper(&endpoint);
            if !is_first || optional || is_of_hub {
                return Err(End::Enough);
            }
            return Err(End::Impossible(PreflightError::NoWebSocket {
                endpoint,
                problem: error.problem,
            }));
        }
        let greeting = self.run.greeting(name).await;
        self.look_at_first_frame(name);
        match greeting {
            Some(Greeting::Confirmed) => Ok(()),
            Some(_) => Err(End::Enough),
            None if is_first => {
                let places = (before..self.run.state.log.len()).map(Place::at).collect();
                let silence = format!("nothing for {:?}", self.setting.target.timing.response);
                let breach = rules::not_confirmed(&silence, places);
                self.judge.broken(ids::CONFIRMATION_SENT, breach);
                self.setting.dialect.learn_no_confirmation();
                self.accommodate(
                    "a subscription counts as confirmed, with the events that were asked for, once its WebSocket is open".to_owned(),
                    Some(ids::CONFIRMATION_SENT),
                );
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// Whether this is the URL of a WebSocket that is as secure as the hub.
    fn is_proper(&self, endpoint: &str) -> bool {
        let scheme = url::Url::parse(endpoint).map(|url| url.scheme().to_owned());
        let is_secure = self.setting.target.is_secure();
        matches!((scheme.as_deref(), is_secure), (Ok("wss"), _) | (Ok("ws"), false))
    }

    /// A first frame of no known kind is told once, and passed over from then on.
    fn look_at_first_frame(&mut self, name: &str) {
        let received = self.run.mock(name).map(|mock| mock.inbox.received());
        let Some(frame) = received
            .ok()
            .as_deref()
            .and_then(rules::first_frame_of_no_known_kind)
            .cloned()
        else {
            return;
        };
        if self.setting.dialect.has_frames_of_its_own() {
            return;
        }
        self.setting.dialect.learn_frames_of_its_own();
        rules::told_of_first_frame(&frame, &mut self.judge);
        self.accommodate(
            "the first frame of a WebSocket, where it is of no known kind, is passed over".to_owned(),
            Some(ids::WEBSOCKET_JSON),
        );
    }

    /// Publishes in one manner after the other until an event is delivered.
    async fn publish(&mut self) -> Result<(), End> {
        let mut answered: Vec<(PublishingManner, Answer)> = Vec::new();
        let mut unanswered = 0;
        for manner in self.setting.dialect.manners() {
            let event = self.event.clone();
            let Ok(tried) = self.run.try_to_publish("probe", &event, manner).await else {
                return Err(End::Enough);
            };
            let Tried {
                request,
                sent,
                position,
            } = tried;
            let answer = match sent {
                Ok(answer) => answer,
                Err(error) => {
                    unanswered += 1;
                    self.publication_unanswered(&request, &error).await?;
                    continue;
                }
            };
            let delivered = answer.is_accepted() && self.is_delivered(position).await;
            answered.push((manner, answer));
            if delivered {
                self.learn_manner(manner, &answered);
                return Ok(());
            }
        }
        if answered.is_empty() && unanswered > 0 {
            let why = "the hub answers no published event, wherever and however it is published (seen at first contact)";
            self.setting.dialect.learn_that_publications_hang(why);
            self.accommodate(
                "nothing is published any more: what needs a published event is not judged".to_owned(),
                Some(ids::PUBLISH_ANSWERED),
            );
            return Ok(());
        }
        let accepted = answered.iter().find(|(_, answer)| answer.is_accepted());
        match (accepted, answered.first()) {
            // That it is not delivered is judged by the scenarios.
            (Some((manner, _)), _) => self.setting.dialect.learn(*manner),
            (None, Some((_, first))) if first.status >= 400 && !matches!(first.status, 401 | 403) => {
                let told = answered
                    .iter()
                    .map(|(manner, answer)| {
                        let dialect = &self.setting.dialect;
                        let place = match manner.has_topic_in_url() {
                            true => "at hub.url/{topic}",
                            false => "at hub.url",
                        };
                        format!("{} {place} as {}", answer.status, dialect.media_type(*manner))
                    })
                    .collect::<Vec<_>>()
                    .join(", ");
                let breach = Breach::new(
                    "the hub takes no proper event, wherever and however it is published",
                    Place::exchange(first),
                )
                .expecting("hub.url takes published events")
                .observing(told);
                self.judge.broken(ids::PUBLISH_AT_HUB_URL, breach);
            }
            _ => {}
        }
        Ok(())
    }

    /// The hub delivered an event that was published in the last of these manners, and in none before.
    fn learn_manner(&mut self, manner: PublishingManner, answered: &[(PublishingManner, Answer)]) {
        let dialect = &self.setting.dialect;
        dialect.learn(manner);
        let media_type = dialect.media_type(manner).to_owned();
        let Some(((_, delivered), before)) = answered.split_last() else {
            return;
        };
        let same_place = |other: &PublishingManner| other.has_topic_in_url() == manner.has_topic_in_url();
        if before.iter().any(|(other, _)| same_place(other)) {
            let reading = format!("the hub takes published events as {media_type}");
            self.judge.reading("media-type-of-published-events", &reading);
        }
        let forgotten = before
            .iter()
            .find(|(other, answer)| answer.is_accepted() && same_place(other));
        if let Some((other, answer)) = forgotten {
            let other_type = self.setting.dialect.media_type(*other);
            let message = format!(
                "the hub accepted an event published as {other_type} and delivered it to nobody; published as {media_type} \
                 it was delivered"
            );
            let breach = Breach::new(&message, Place::exchange(answer))
                .expecting("the event is delivered, or refused")
                .observing(format!("status {}, and no notification", answer.status));
            self.judge.broken(ids::DELIVERED, breach);
            self.accommodate(
                format!("events are published as {media_type}"),
                Some(ids::DELIVERED),
            );
        }
        if manner.has_topic_in_url() {
            let refused = before.iter().any(|(other, _)| !other.has_topic_in_url());
            if refused {
                rules::taken_with_topic_in_url(delivered, &mut self.judge);
            }
            let cause = match refused {
                true => ids::PUBLISH_AT_HUB_URL,
                // At hub.url there was no answer, and that is told.
                false => ids::PUBLISH_ANSWERED,
            };
            self.accommodate("events are published at hub.url/{topic}".to_owned(), Some(cause));
        }
    }

    /// Whether a copy of the publication comes to one of the two in time.
    async fn is_delivered(&self, position: usize) -> bool {
        let deadline = Instant::now() + self.setting.target.timing.response;
        let came = |name: &'static str| {
            let inbox = self.run.mock(name).ok().map(|mock| mock.inbox.clone());
            async move {
                let inbox = inbox?;
                inbox
                    .wait(deadline, |received, _| {
                        received
                            .iter()
                            .any(|message| self.run.state.origin(message) == Some(position))
                            .then_some(())
                    })
                    .await
            }
        };
        let (probe, listener) = (came("probe"), came("listener"));
        tokio::pin!(probe, listener);
        tokio::select! {
            Some(()) = &mut probe => true,
            Some(()) = &mut listener => true,
            else => false,
        }
    }

    /// A published event got no answer: told, and where the hub comes back, the next manner is tried there.
    async fn publication_unanswered(
        &mut self,
        request: &OutgoingRequest,
        error: &NoAnswer,
    ) -> Result<(), End> {
        let told = format!(
            "{} {} as {}",
            request.method,
            request.url,
            request.headers.first().map_or("", |(_, value)| value)
        );
        let gone = self.run.is_lost(&told, &error.problem).await;
        let message = match gone {
            true => format!("the hub ended of a published event ({told}): {}", error.problem),
            false => format!(
                "the hub gave no answer to a published event ({told}): {}",
                error.problem
            ),
        };
        let breach = Breach::new(
            &message,
            vec![
                Place::at(error.spot.sequence.saturating_sub(1)),
                Place::at(error.spot.sequence),
            ],
        )
        .expecting("an HTTP answer: the event is accepted or refused")
        .observing(error.problem.clone());
        self.judge.broken(ids::PUBLISH_ANSWERED, breach);
        if !gone {
            return Ok(());
        }
        if !self.wait_for_the_hub().await {
            return Err(End::Judged);
        }
        // What the hub knew of subscriptions is gone with it.
        self.subscribe("probe", false).await?;
        if !self.is_webhook() {
            self.connect("probe", false).await?;
        }
        Ok(())
    }

    /// Waits until a hub that is gone is back; what it died of is told where it does not come.
    async fn wait_for_the_hub(&mut self) -> bool {
        let lost = self.setting.outage.now();
        let url = format!("{}{WELL_KNOWN_PATH}", self.setting.target.hub_url_text());
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

    /// Unsubscribes as the specification has it; where the hub refuses that, with `hub.events`.
    async fn unsubscribe(&mut self) -> Result<(), End> {
        if self.setting.target.dialect.unsubscribe_with_events.is_some() {
            return Ok(());
        }
        let Some((name, plain)) = ["listener", "probe"].into_iter().find_map(|name| {
            let mock = self.run.mock(name).ok()?;
            let socket = mock.socket.as_ref().filter(|socket| !socket.is_finished());
            let endpoint = mock.endpoint.as_ref().filter(|_| socket.is_some())?;
            Some((name, self.run.unsubscribe_request(mock, endpoint)))
        }) else {
            return Ok(());
        };
        let hub_url = self.setting.dialect.hub_url();
        let refused = match self
            .run
            .transmit(name, &OutgoingRequest::form(hub_url, &plain.to_pairs()))
            .await
        {
            Ok(answer) if answer.is_accepted() => return Ok(()),
            Ok(answer) => answer,
            Err(error) => {
                let told = format!("POST {hub_url} hub.mode=unsubscribe");
                if self.run.is_lost(&told, &error.problem).await && !self.wait_for_the_hub().await {
                    let breach = Breach::new(
                        format!("the hub ended of a proper unsubscribe: {}", error.problem),
                        vec![Place::at(error.spot.sequence)],
                    );
                    self.judge.broken(ids::UNSUBSCRIBE_202, breach);
                    return Err(End::Judged);
                }
                return Ok(());
            }
        };
        let mut with_events = plain;
        with_events.events = self.run.mock(name).ok().map(|mock| mock.events.clone());
        let request = OutgoingRequest::form(hub_url, &with_events.to_pairs());
        let Ok(accepted) = self.run.transmit(name, &request).await else {
            return Ok(());
        };
        if !accepted.is_accepted() {
            return Ok(());
        }
        self.setting.dialect.learn_events_of_unsubscribes();
        self.judge.reading(
            "events-of-an-unsubscribe",
            "the hub takes an unsubscribe only with hub.events",
        );
        let breaks = self.setting.target.version == Version::Stu2;
        if breaks {
            let breach = Breach::new(
                "the hub refuses a proper unsubscribe, and takes it with hub.events, which STU2 forbids there",
                Place::exchange(&refused),
            )
            .expecting("202 Accepted")
            .observing(format!("status {}: {}", refused.status, said(&refused)));
            self.judge.broken(ids::UNSUBSCRIBE_202, breach);
        }
        self.accommodate(
            "every unsubscribe names hub.events".to_owned(),
            breaks.then_some(ids::UNSUBSCRIBE_202),
        );
        Ok(())
    }
}

/// Where an answer leads to.
fn location(answer: &Answer) -> String {
    let mut headers = answer.headers.iter();
    let found = headers.find(|(name, _)| name.eq_ignore_ascii_case("location"));
    found.map_or_else(|| "no Location".to_owned(), |(_, value)| value.clone())
}

/// What the body of a refusal says, in one line.
fn said(answer: &Answer) -> String {
    let text = answer.text.split_whitespace().collect::<Vec<_>>().join(" ");
    match text.as_str() {
        "" => "an empty body".to_owned(),
        text => crate::judging::hub::shortened(text),
    }
}
