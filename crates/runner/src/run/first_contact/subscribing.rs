//! Subscribing at first contact, and the confirmation.

use super::{Contact, End, said};
use crate::client::{Answer, NoAnswer, OutgoingRequest};
use crate::judging::hub::{Breach, Place, events_in, ids, rules};
use crate::protocol::Version;
use crate::run::connecting::Greeting;
use crate::run::dialect::spelled;
use crate::run::preflight::{PreflightError, wants_tls};

impl Contact<'_> {
    /// A subscription request of this subscriber, nothing of it judged.
    pub(super) async fn ask(&mut self, name: &str) -> Result<Answer, Option<NoAnswer>> {
        self.answered_well = false;
        let outgoing = self.subscription(name).ok_or(None)?;
        let answer = self.run.transmit(name, &outgoing).await.map_err(Some)?;
        self.answered_well = answer.is_accepted();
        Ok(answer)
    }

    /// The request by which this subscriber subscribes.
    fn subscription(&self, name: &str) -> Option<OutgoingRequest> {
        let request = self.run.subscription_request(name).ok()?;
        if self.is_webhook() {
            return Some(self.run.webhook_subscription(name, &request).ok()?.0);
        }
        let dialect = &self.setting.dialect;
        let pairs = dialect.completed(request.to_pairs());
        Some(OutgoingRequest::form(dialect.hub_url(), &pairs))
    }

    /// Subscribes as the specification has it; where the hub refuses that, as it may want it.
    pub(super) async fn subscribe(&mut self, name: &'static str, is_first: bool) -> Result<(), End> {
        let answer = match self.ask(name).await {
            Ok(answer) => answer,
            Err(None) => return Err(End::Enough),
            Err(Some(error)) => return Err(self.subscription_unanswered(&error).await),
        };
        if answer.is_accepted() || !is_first {
            return self.accepted(name, answer).await;
        }
        if matches!(answer.status, 401 | 403) && self.refuses_websockets_alone(name).await {
            // In STU2 a hub may do without them; what it owes then is judged by the scenarios.
            return Err(End::Enough);
        }
        let may_be_the_event = answer.is_refused() && !matches!(answer.status, 401 | 404 | 405 | 410);
        if may_be_the_event && let Some(answer) = self.accepted_with_another_event(name).await {
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

    /// Whether a subscription of a webhook is not refused for want of a token, as that of a WebSocket is. Nothing is sent to its
    /// callback, whose name belongs to nobody.
    async fn refuses_websockets_alone(&mut self, name: &str) -> bool {
        if self.setting.target.version != Version::Stu2 || self.is_webhook() {
            return false;
        }
        let Ok(mut request) = self.run.subscription_request(name) else {
            return false;
        };
        request.channel_type = Some("webhook".to_owned());
        let mut pairs = self.setting.dialect.completed(request.to_pairs());
        pairs.push(("hub.callback".to_owned(), "https://castspec.invalid/".to_owned()));
        let control = OutgoingRequest::form(self.setting.dialect.hub_url(), &pairs);
        let answer = self.run.transmit(name, &control).await;
        answer.is_ok_and(|answer| !matches!(answer.status, 401 | 403))
    }

    /// Whether the target itself gives this parameter.
    fn is_said(&self, parameter: &str) -> bool {
        let target = &self.setting.target;
        target.dialect.subscribe_parameters.contains_key(parameter)
    }

    /// The answer to the same subscription with one parameter more, where that is accepted and the one without is refused again.
    async fn accepted_with(&mut self, name: &str, parameter: &str, value: &str) -> Option<Answer> {
        let outgoing = self.subscription(name)?;
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

    /// The answer to the same subscription with another anchor's event, where that is accepted and the one before is refused again.
    async fn accepted_with_another_event(&mut self, name: &str) -> Option<Answer> {
        let first = self.event.clone();
        let before = self.run.mock(name).ok()?.events.clone();
        for other in self.other_openings() {
            let spelled = spelled(self.setting.target.version, &other);
            self.run.mock_mut(name).ok()?.events = vec![spelled];
            let answer = self.ask(name).await.ok()?;
            if !answer.is_accepted() {
                continue;
            }
            self.run.mock_mut(name).ok()?.events.clone_from(&before);
            let control = self.ask(name).await.ok()?;
            if control.is_accepted() {
                // The first refusal had nothing to do with the event.
                return Some(control);
            }
            self.run.mock_mut(name).ok()?.events = vec![other.clone()];
            self.event = other;
            return Some(answer);
        }
        self.run.mock_mut(name).ok()?.events = before;
        self.event = first;
        None
    }

    /// Why the hub cannot be tested, where this refusal says so.
    fn impossible(&self, answer: &Answer) -> Option<PreflightError> {
        let url = self.setting.dialect.hub_url().to_owned();
        match answer.status {
            status @ 400..=499 if wants_tls(&url, &answer.text) => Some(PreflightError::SpeaksTls {
                url,
                status,
                said: said(answer),
            }),
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
            300..=399 => location(answer).map(|location| PreflightError::Redirected {
                url,
                status: answer.status,
                location,
            }),
            _ => None,
        }
    }

    /// Takes in the answer to a subscription.
    pub(super) async fn accepted(&mut self, name: &'static str, answer: Answer) -> Result<(), End> {
        if !answer.is_accepted() {
            return Err(End::Enough);
        }
        if self.is_webhook() {
            // Whether the intent is verified, and how, is judged by the scenarios.
            let verified = self.run.verification_of(name, answer.request, "subscribe").await;
            if let Ok(Some(verified)) = verified
                && verified.agreed
            {
                let asked = self.run.mock(name).map(|mock| mock.events.clone());
                let stated = events_in(&verified.query);
                self.granted
                    .insert(name, stated.or(asked.ok()).unwrap_or_default());
            }
            self.run.let_the_hub_act().await;
            return Ok(());
        }
        let endpoint = answer.member("hub.channel.endpoint").map(str::to_owned);
        let Some(endpoint) = endpoint else {
            return Err(End::Enough);
        };
        let taken = self.run.take_endpoint(name, endpoint, answer.request);
        taken.map_err(|_| End::Enough)
    }

    async fn subscription_unanswered(&mut self, error: &NoAnswer) -> End {
        let request = format!("POST {}", self.setting.dialect.hub_url());
        let gone = self.run.is_lost(&request, &error.problem).await;
        if gone {
            self.wait_for_the_hub().await;
        }
        let message = format!(
            "the hub {} a proper subscription: {}",
            if gone { "went down on" } else { "gave no answer to" },
            error.problem
        );
        let breach = Breach::new(&message, vec![Place::at(error.spot.sequence)])
            .expecting("202 Accepted")
            .observing(error.problem.clone());
        self.judge.broken(ids::SUBSCRIBE_202, breach);
        End::Judged
    }

    /// Opens the WebSocket and waits for the confirmation.
    pub(super) async fn connect(&mut self, name: &'static str, is_first: bool) -> Result<(), End> {
        let before = self.run.state.log.len();
        if let Err(error) = self.run.open(name).await {
            let endpoint = self.run.mock(name).ok().and_then(|mock| mock.endpoint());
            let endpoint = endpoint.unwrap_or_default().to_owned();
            let told = format!("WebSocket {endpoint}");
            if self.run.is_lost(&told, &error.problem).await {
                self.wait_for_the_hub().await;
                let places = vec![Place::at(before), Place::at(before + 1)];
                let breach = rules::not_connected(&format!("the hub went down: {}", error.problem), places);
                self.judge.broken(ids::CONFIRMATION_SENT, breach);
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
            Some(Greeting::Confirmed) => {
                let subscription = self.run.mock(name).ok().and_then(|mock| mock.subscription());
                let granted = subscription.map(|subscription| subscription.current.clone());
                self.granted.insert(name, granted.unwrap_or_default());
                Ok(())
            }
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
}

/// Where an answer leads to.
fn location(answer: &Answer) -> Option<String> {
    let mut headers = answer.headers.iter();
    let found = headers.find(|(name, _)| name.eq_ignore_ascii_case("location"));
    found.map(|(_, value)| value.clone())
}
