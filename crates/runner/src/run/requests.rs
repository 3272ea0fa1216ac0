//! Steps about single HTTP requests, single frames, and values that were saved.

use std::sync::Arc;

use serde_json::Value;

use super::answers::Asked;
use super::scenario_run::{ScenarioRun, Stop, breach_of};
use crate::client::OutgoingRequest;
use crate::judging::hub::rules::ContextRead;
use crate::judging::hub::{Place, authored_content};
use crate::protocol::{WELL_KNOWN_PATH, join_events};
use crate::scenario::{
    CheckValues, Disconnect, Discover, GetContext, NotHeld, Observe, Request, RequestKind, Send,
    StatusExpectation,
};
use crate::schema::MessageKind;

impl ScenarioRun<'_> {
    /// `request`.
    pub async fn request(&mut self, step: &Request) -> Result<(), Stop> {
        let variables = &self.state.variables;
        let url = match &step.url {
            Some(url) => variables.expand_text(url)?,
            None => self.url_of_request(step),
        };
        let mut request = match (&step.form, &step.json) {
            (Some(form), _) => {
                let mut pairs = Vec::new();
                for (name, value) in form {
                    pairs.push((variables.expand_text(name)?, variables.expand_text(value)?));
                }
                self.complete_unsubscribe(&step.by.value, &mut pairs);
                OutgoingRequest::form(&url, &self.setting.dialect.completed(pairs))
            }
            (None, Some(json)) => {
                let media_type = self.setting.dialect.media_type(self.setting.dialect.manner());
                OutgoingRequest::json(&url, media_type, variables.expand(json)?.to_string())
            }
            (None, None) => OutgoingRequest {
                url,
                ..OutgoingRequest::default()
            },
        };
        request.method = step.method.clone().unwrap_or_else(|| "POST".to_owned());
        if let Some(text) = &step.text {
            request.body = Some(variables.expand_text(text)?);
        }
        if let Some(padding) = step.padding {
            request
                .body
                .get_or_insert_default()
                .push_str(&" ".repeat(padding));
        }
        for (name, value) in &step.headers {
            request
                .headers
                .retain(|(existing, _)| !existing.eq_ignore_ascii_case(name));
            request
                .headers
                .push((name.clone(), variables.expand_text(value)?));
        }
        let asked = Asked {
            kind: step.kind,
            save: step.save.as_ref().map(|name| name.value.as_str()),
            expectations: &step.answer,
            must_be_accepted: false,
            spoiled: step
                .answer
                .iter()
                .any(|expectation| matches!(expectation.status, Some(StatusExpectation::Refused))),
        };
        if let (Some(RequestKind::Publish), Some(why)) = (step.kind, self.setting.dialect.publications_hang())
        {
            return Err(Stop::Unreached(why));
        }
        let by = step.by.value.clone();
        if step.padding.is_some() {
            // A server may refuse an oversized body before it has read it; the refusal is then lost with the connection.
            let sent = self.transmit(&by, &request).await;
            return match sent {
                Ok(answer) => self.judge_exchange(&request, Ok(answer), asked).await.map(|_| ()),
                Err(error) => match self.unanswered(&request, &error).await {
                    Stop::HubLost(why) => Err(Stop::HubLost(why)),
                    _ => {
                        for requirement in step
                            .answer
                            .iter()
                            .filter_map(|expectation| expectation.requirement.as_ref())
                        {
                            let why = "the connection ended while the oversized body was being sent";
                            self.judge.inapplicable(&requirement.value, why);
                        }
                        Ok(())
                    }
                },
            };
        }
        let answer = self.ask(&by, &request, asked).await?;
        if answer.is_accepted() {
            self.lose_track(&request);
            if step.form.iter().flatten().any(is_unsubscribe) {
                self.mock_mut(&by)?.left = Some((answer.request, answer.spot));
            }
        }
        Ok(())
    }

    /// An unsubscribe names events where this hub takes none that does not: what is wrong with it stays what the scenario shows.
    fn complete_unsubscribe(&self, by: &str, pairs: &mut Vec<(String, String)>) {
        let names_events = pairs.iter().any(|(name, _)| name == "hub.events");
        if names_events
            || !self.setting.dialect.unsubscribes_with_events()
            || !pairs.iter().any(is_unsubscribe)
        {
            return;
        }
        let mock = self.state.mocks.get(by);
        let asked = mock.and_then(|mock| Some(join_events(&mock.subscription()?.asked)));
        pairs.extend(asked.map(|events| ("hub.events".to_owned(), events)));
    }

    /// Where a handmade request goes that names no URL: an event, though a spoiled one, where this hub takes events.
    fn url_of_request(&self, step: &Request) -> String {
        let dialect = &self.setting.dialect;
        let is_event =
            step.kind == Some(RequestKind::Publish) || (step.kind.is_none() && step.json.is_some());
        match self.state.mocks.get(&step.by.value) {
            Some(mock) if is_event => dialect.publish_url(dialect.manner(), &mock.topic),
            _ => dialect.hub_url().to_owned(),
        }
    }

    /// A handmade request about an existing subscription was accepted: what the hub owes its subscriber from now on is not
    /// known.
    fn lose_track(&mut self, request: &OutgoingRequest) {
        let form = request.body.as_deref().unwrap_or_default();
        let named: Vec<String> = url::form_urlencoded::parse(form.as_bytes())
            .filter(|(name, _)| name == "hub.channel.endpoint")
            .map(|(_, endpoint)| endpoint.into_owned())
            .collect();
        let next = self.state.log.next();
        for mock in self.state.mocks.values_mut() {
            if mock
                .endpoint()
                .is_some_and(|endpoint| named.iter().any(|named| named == endpoint))
                && let Some(subscription) = mock.subscription_mut()
            {
                subscription.ended = Some(next);
            }
        }
    }

    /// `get_context`.
    pub async fn get_context(&mut self, step: &GetContext) -> Result<(), Stop> {
        let by = step.by.value.clone();
        let topic = match &step.topic {
            Some(topic) => self.state.variables.expand_text(topic)?,
            None => self.mock(&by)?.topic.clone(),
        };
        let encoded: String = url::form_urlencoded::byte_serialize(topic.as_bytes()).collect();
        let path = format!("/{}", encoded.replace('+', "%20"));
        let url = self.setting.target.below(&path);
        let asked = Asked {
            kind: None,
            save: step.save.as_ref().map(|name| name.value.as_str()),
            expectations: &step.answer,
            must_be_accepted: true,
            spoiled: false,
        };
        let answer = self.ask(&by, &OutgoingRequest::get(&url), asked).await?;
        if answer.is_accepted() {
            let body = answer.json.as_ref().unwrap_or(&Value::Null);
            self.judge.message(MessageKind::CurrentContext, body, answer.spot);
            self.judge.authored(authored_content(body));
            let by = Some(by);
            self.state
                .contexts_read
                .push(Arc::new(ContextRead { by, topic, answer }));
        }
        Ok(())
    }

    /// `discover`.
    pub async fn discover(&mut self, step: &Discover) -> Result<(), Stop> {
        let url = self.setting.target.below(WELL_KNOWN_PATH);
        let asked = Asked {
            kind: None,
            save: step.save.as_ref().map(|name| name.value.as_str()),
            expectations: &step.answer,
            must_be_accepted: true,
            spoiled: false,
        };
        let answer = self.ask("castspec", &OutgoingRequest::get(&url), asked).await?;
        if answer.is_accepted() {
            let body = answer.json.as_ref().unwrap_or(&Value::Null);
            self.judge.message(MessageKind::Configuration, body, answer.spot);
        }
        Ok(())
    }

    /// `send`.
    pub fn send(&mut self, step: &Send) -> Result<(), Stop> {
        let name = step.by.value.as_str();
        let text = match (&step.text, &step.json) {
            (Some(text), _) => Some(self.state.variables.expand_text(text)?),
            (None, Some(json)) => Some(self.state.variables.expand(json)?.to_string()),
            (None, None) => None,
        };
        let mock = self.mock_mut(name)?;
        mock.exact = false;
        let Some(socket) = mock.socket() else {
            return Err(Stop::Fault(format!("{name} has no WebSocket to send over")));
        };
        match (text, &step.bytes) {
            (Some(text), _) => socket.send_text(text),
            (None, Some(bytes)) => socket.send_binary(bytes.clone()),
            (None, None) => {}
        }
        Ok(())
    }

    /// `disconnect`.
    pub async fn disconnect(&mut self, step: &Disconnect) -> Result<(), Stop> {
        let name = step.subscriber.value.as_str();
        let socket = self.take_socket(name)?;
        self.mock_mut(name)?.exact &= matches!(step.code, 1000 | 1001);
        if let Some(socket) = socket {
            socket.close(step.code).await;
        }
        Ok(())
    }

    /// `abort`.
    pub async fn abort(&mut self, name: &str) -> Result<(), Stop> {
        let socket = self.take_socket(name)?;
        self.mock_mut(name)?.exact = false;
        if let Some(socket) = socket {
            socket.abort().await;
        }
        Ok(())
    }

    fn take_socket(&mut self, name: &str) -> Result<Option<crate::client::Socket>, Stop> {
        let next = self.state.log.next();
        let mock = self.mock_mut(name)?;
        if let Some(subscription) = mock.subscription_mut() {
            subscription.ended = Some(next);
        }
        Ok(mock
            .web_socket_mut()
            .and_then(|web_socket| web_socket.socket.take()))
    }

    /// `check`.
    pub fn check(&mut self, step: &CheckValues) -> Result<(), Stop> {
        let value = self.state.variables.expand(&step.value)?;
        let mismatch = match step.is.holds(Some(&value), &self.state.variables) {
            Ok(()) => None,
            Err(NotHeld::Mismatch(mismatch)) => Some(mismatch),
            Err(NotHeld::Fault(fault)) => return Err(fault.into()),
        };
        if let Some(name) = &step.save_whether {
            let whether = Value::Bool(mismatch.is_none());
            self.state.variables.set(&name.value, whether);
        }
        let entries = self.state.log.len();
        let places = (entries.saturating_sub(2)..entries).map(Place::at).collect();
        let breach = mismatch
            .map(|mismatch| breach_of(&[mismatch], "the value", places, step.unmet.unwrap_or_default()));
        match (&step.requirement, breach) {
            (Some(requirement), None) => self.judge.held(&requirement.value),
            (Some(requirement), Some(breach)) => self.judge.broken(&requirement.value, breach),
            (None, Some(breach)) if step.save_whether.is_none() => {
                return Err(Stop::Unreached(breach.message));
            }
            (None, _) => {}
        }
        Ok(())
    }

    /// `observe`.
    pub fn observe(&mut self, step: &Observe) -> Result<(), Stop> {
        for reading in &step.readings {
            if self.holds(Some(&reading.when))? {
                self.judge.reading(&step.subject, &reading.reading);
                break;
            }
        }
        Ok(())
    }
}

/// Whether this pair of a form makes it an unsubscribe.
fn is_unsubscribe((name, value): &(String, String)) -> bool {
    name == "hub.mode" && value == "unsubscribe"
}
