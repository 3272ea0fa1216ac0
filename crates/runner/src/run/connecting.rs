//! Steps that open WebSockets, and the first message over them.

use serde_json::Value;

use super::scenario_run::{ScenarioRun, Stop};
use super::tokens::may_receive;
use crate::client::{AFTER_DROP, MOST_WAITS, NoAnswer, OutgoingRequest, connect};
use crate::judging::hub::{Breach, Control, Place, control_of, events_in, ids, lease_in, rules};
use crate::outcome::Traffic;
use crate::requirement::RequirementId;
use crate::scenario::{Connect, Unmet};

/// The first thing that comes over a new WebSocket.
pub(super) enum Greeting {
    Confirmed,
    Denied(String),
    Closed(Option<u16>),
}

impl ScenarioRun<'_> {
    /// `connect`.
    pub async fn connect_step(&mut self, step: &Connect) -> Result<(), Stop> {
        let name = step.subscriber.value.as_str();
        if let Some(endpoint) = &step.endpoint {
            let endpoint = self.state.variables.expand_text(endpoint)?;
            self.mock_mut(name)?.set_endpoint(endpoint);
        }
        match &step.refused {
            Some(requirement) => self.connect_refused(name, &requirement.value).await,
            None => match &step.save_whether {
                Some(whether) => self.connect_perhaps(name, &whether.value).await,
                None => self.connect_mock(name).await,
            },
        }
    }

    /// The hub may deny this subscription after all.
    async fn connect_perhaps(&mut self, name: &str, whether: &str) -> Result<(), Stop> {
        let opened = self.mock(name)?.endpoint().is_some() && self.open(name).await.is_ok();
        let confirmed = opened && matches!(self.greeting(name).await, Some(Greeting::Confirmed));
        if confirmed {
            self.judge.held(ids::CONFIRMATION_SENT);
            self.publish_mock_variable(name);
        }
        self.state.variables.set(whether, Value::Bool(confirmed));
        Ok(())
    }

    /// The hub must not take this WebSocket: it answers with an HTTP error, or closes at once, or denies.
    async fn connect_refused(&mut self, name: &str, requirement: &RequirementId) -> Result<(), Stop> {
        match self.open(name).await {
            Err(error) if error.status.is_some() => {
                self.judge.held(requirement);
                Ok(())
            }
            Err(error) => {
                // A hub that is not there refuses nothing.
                let url = self.setting.dialect.hub_url().to_owned();
                let told = OutgoingRequest {
                    method: "CONNECT".to_owned(),
                    url,
                    ..OutgoingRequest::default()
                };
                let spot = self.state.log.add(
                    name,
                    Traffic::Note {
                        text: error.problem.clone(),
                    },
                );
                let no_answer = NoAnswer {
                    problem: error.problem,
                    timed_out: error.timed_out,
                    no_connection: true,
                    spot,
                };
                match self.unanswered(&told, &no_answer).await {
                    Stop::HubLost(why) => Err(Stop::HubLost(why)),
                    _ => {
                        self.judge.held(requirement);
                        Ok(())
                    }
                }
            }
            Ok(()) => match self.greeting(name).await {
                Some(Greeting::Closed(_) | Greeting::Denied(_)) => {
                    self.judge.held(requirement);
                    Ok(())
                }
                greeting => {
                    let confirmed = matches!(greeting, Some(Greeting::Confirmed));
                    // A WebSocket over which nothing comes is no use of the old subscription, though it invites one.
                    let entries = self.state.log.len();
                    let observed = match confirmed {
                        true => "an open WebSocket with a confirmation",
                        false => "an open WebSocket",
                    };
                    let places = (entries.saturating_sub(3)..entries).map(Place::at).collect();
                    let message = "the hub took a WebSocket at an endpoint that has ended";
                    let breach = Breach::new(message, places)
                        .expecting("an HTTP error, a close or a denial")
                        .observing(observed)
                        .softened(match confirmed {
                            true => Unmet::ByLevel,
                            false => Unmet::Warn,
                        });
                    self.judge.broken(requirement, breach);
                    Ok(())
                }
            },
        }
    }

    /// Opens the WebSocket at the endpoint that the subscriber was given.
    pub(super) async fn open(&mut self, name: &str) -> Result<(), crate::client::ConnectError> {
        let patience = self.setting.target.timing.response;
        let connector = self.setting.http.connector();
        let log = self.state.log.clone();
        let Some(mock) = self.state.mocks.get_mut(name) else {
            return Ok(());
        };
        let url = mock.endpoint().unwrap_or_default().to_owned();
        let number = mock.opened;
        let (mut waits, mut drops) = (0, 0);
        let socket = loop {
            let opened = connect(
                &url,
                connector,
                name,
                &log,
                &mock.inbox,
                &mock.policy,
                number,
                patience,
            )
            .await;
            match opened {
                Err(error) if waits < MOST_WAITS && error.wait.is_some() => {
                    waits += 1;
                    tokio::time::sleep(error.wait.unwrap_or_default()).await;
                }
                Err(error)
                    if error.status.is_none()
                        && !error.timed_out
                        && self.setting.http.may_try_again(drops) =>
                {
                    drops += 1;
                    tokio::time::sleep(AFTER_DROP).await;
                }
                opened => break opened?,
            }
        };
        self.setting.dialect.learn_that_websockets_open();
        self.state.begun.connected(&url, number);
        mock.opened += 1;
        if let Some(web_socket) = mock.web_socket_mut() {
            web_socket.old_sockets.extend(web_socket.socket.replace(socket));
        }
        if let Some(subscription) = mock.subscription_mut() {
            subscription.socket = Some(number);
        }
        Ok(())
    }

    /// Connects and waits for the confirmation.
    pub async fn connect_mock(&mut self, name: &str) -> Result<(), Stop> {
        if self.mock(name)?.endpoint().is_none() {
            return Err(Stop::Unreached(format!(
                "{name} was given no endpoint to connect to"
            )));
        }
        let before = self.state.log.len();
        if let Err(error) = self.open(name).await {
            let breach = rules::not_connected(&error.problem, vec![Place::at(before), Place::at(before + 1)]);
            let url = self.mock(name)?.endpoint().unwrap_or_default().to_owned();
            if let Some(stop) = self.hub_lost(&format!("WebSocket {url}"), &error.problem).await {
                return Err(stop);
            }
            if let Some(stop) = self.at_its_limit(name, &error) {
                return Err(stop);
            }
            self.judge.broken(ids::CONFIRMATION_SENT, breach);
            return Err(Stop::Unreached(format!(
                "no WebSocket came about: {}",
                error.problem
            )));
        }
        match self.greeting(name).await {
            Some(Greeting::Confirmed) => {
                self.judge.held(ids::CONFIRMATION_SENT);
                self.publish_mock_variable(name);
                Ok(())
            }
            None if !self.setting.dialect.confirms() => {
                let next = self.state.log.next();
                if let Some(subscription) = self.mock_mut(name)?.subscription_mut() {
                    let asked = subscription.asked.clone();
                    subscription.confirm(asked, None, next);
                }
                self.publish_mock_variable(name);
                Ok(())
            }
            Some(Greeting::Denied(reason)) => Err(Stop::Unreached(format!(
                "the hub denied the subscription of {name}: {reason}"
            ))),
            other => {
                let observed = match other {
                    Some(Greeting::Closed(code)) => {
                        format!(
                            "the hub closed the WebSocket (code {})",
                            code.map_or("none".to_owned(), |c| c.to_string())
                        )
                    }
                    _ => format!("nothing for {:?}", self.setting.target.timing.response),
                };
                let last = self.state.log.len().min(before + 4);
                let breach = rules::not_confirmed(&observed, (before..last).map(Place::at).collect());
                let url = self.mock(name)?.endpoint().unwrap_or_default().to_owned();
                if let Some(stop) = self.hub_lost(&format!("WebSocket {url}"), &observed).await {
                    return Err(stop);
                }
                self.judge.broken(ids::CONFIRMATION_SENT, breach);
                Err(Stop::Unreached(format!(
                    "the subscription of {name} was not confirmed: {observed}"
                )))
            }
        }
    }

    /// A hub may take so many WebSockets and no more. Beside others, the scenario is played again alone; where that does not
    /// help, and this scenario itself has one, what needs another does not apply.
    fn at_its_limit(&mut self, name: &str, error: &crate::client::ConnectError) -> Option<Stop> {
        if !self.setting.dialect.opens_websockets() {
            // Where none has opened yet, none of them is one too many.
            return None;
        }
        if !self.is_alone {
            self.crowded = true;
            return Some(Stop::Unreached(format!(
                "no WebSocket came about: {}",
                error.problem
            )));
        }
        let speaks_of_limits = matches!(error.status, None | Some(403 | 429 | 503));
        let mut mocks = self.state.mocks.values();
        let has_another = mocks.any(|mock| mock.name != name && mock.has_open_socket());
        (speaks_of_limits && has_another).then(|| {
            Stop::Declined(format!(
                "the hub takes no further WebSocket beside those that are open: {}",
                error.problem
            ))
        })
    }

    /// Waits for the first control message of the WebSocket just opened.
    pub(super) async fn greeting(&mut self, name: &str) -> Option<Greeting> {
        // A hub that was seen to confirm nothing is not waited for as long again.
        let deadline = match self.setting.dialect.confirms() {
            true => self.deadline(std::time::Duration::ZERO),
            false => std::time::Instant::now() + self.setting.target.timing.quiet,
        };
        let mock = self.state.mocks.get_mut(name)?;
        let number = mock.opened.checked_sub(1)?;
        let found = mock
            .inbox
            .wait(deadline, |received, closed| {
                let control = received
                    .iter()
                    .filter(|message| message.socket == number)
                    .find_map(|message| {
                        let json = message.json.as_ref()?;
                        control_of(json).map(|control| (control, json.clone(), message.spot))
                    });
                let end = closed
                    .iter()
                    .find(|closed| closed.socket == number)
                    .map(|closed| closed.code);
                match (control, end) {
                    (Some(control), _) => Some(Ok(control)),
                    (None, Some(code)) => Some(Err(code)),
                    (None, None) => None,
                }
            })
            .await?;
        match found {
            Ok((Control::Confirmation, json, spot)) => {
                let credential = mock.credential.clone();
                if let Some(subscription) = mock.subscription_mut() {
                    let granted = events_in(&json).unwrap_or_else(|| subscription.asked.clone());
                    subscription.confirm(granted, lease_in(&json), spot);
                    subscription
                        .current
                        .retain(|event| may_receive(credential.as_ref(), event));
                }
                self.judge_lease(name, lease_in(&json), spot);
                Some(Greeting::Confirmed)
            }
            Ok((Control::Denial | Control::Verification, json, _)) => {
                let reason = json
                    .get("hub.reason")
                    .and_then(Value::as_str)
                    .unwrap_or("no reason given");
                Some(Greeting::Denied(reason.to_owned()))
            }
            Err(code) => Some(Greeting::Closed(code)),
        }
    }
}
