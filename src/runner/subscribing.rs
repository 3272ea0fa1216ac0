//! Steps about subscriptions: asking, connecting, unsubscribing.

use std::sync::PoisonError;
use std::time::Instant;

use serde_json::Value;
use serde_saphyr::Spanned;

use super::answers::{Asked, refusal};
use super::control::{Control, control_of};
use super::dialect::spelled;
use super::judge::{Breach, Place};
use super::play::{Play, Stop};
use super::requirements as ids;
use super::stage::{Membership, Mock};
use crate::protocol::{EventName, SubscriptionRequest, Version, parse_events};
use crate::scenario::{RequestKind, RequestSubscription, Unmet, Unsubscribe};
use crate::schema::MessageKind;
use crate::subscriber::{Answer, OutgoingRequest};

impl Play<'_> {
    /// The subscriber of this name.
    pub fn mock(&self, name: &str) -> Result<&Mock, Stop> {
        self.stage
            .mocks
            .get(name)
            .ok_or_else(|| Stop::Fault(format!("there is no subscriber '{name}'")))
    }

    /// The subscriber of this name, to be changed.
    pub fn mock_mut(&mut self, name: &str) -> Result<&mut Mock, Stop> {
        self.stage
            .mocks
            .get_mut(name)
            .ok_or_else(|| Stop::Fault(format!("there is no subscriber '{name}'")))
    }

    /// `subscribe`: the whole way to a confirmed subscription, for each.
    pub async fn subscribe(&mut self, names: &[Spanned<String>]) -> Result<(), Stop> {
        let mut verified = false;
        for name in names {
            let name = name.value.as_str();
            if self.mock(name)?.is_webhook() {
                self.subscribe_webhook(name).await?;
                verified = true;
                continue;
            }
            let request = self.subscription_request(name)?;
            let asked = Asked {
                kind: Some(RequestKind::Subscribe),
                save: None,
                expectations: &[],
                must_be_accepted: true,
                spoiled: false,
            };
            self.ask_for_subscription(name, &request, asked).await?;
            self.connect_mock(name).await?;
        }
        if verified {
            self.let_the_hub_act().await;
        }
        Ok(())
    }

    /// `request_subscription`.
    pub async fn request_subscription(&mut self, step: &RequestSubscription) -> Result<(), Stop> {
        let name = step.by.value.as_str();
        let mut request = self.subscription_request(name)?;
        if let Some(events) = &step.events {
            let events = events.iter().filter_map(|event| event.value.parse().ok());
            let version = self.setting.target.version;
            request.events = Some(events.map(|event| spelled(version, &event)).collect());
        }
        if let Some(lease) = step.lease_seconds {
            request.lease_seconds = Some(lease);
        }
        if let Some(endpoint) = &step.endpoint {
            request.endpoint = Some(self.stage.variables.expand_text(endpoint)?);
        }
        let asked = Asked {
            kind: Some(RequestKind::Subscribe),
            save: step.save.as_ref().map(|name| name.value.as_str()),
            expectations: &step.answer,
            must_be_accepted: true,
            spoiled: false,
        };
        if self.mock(name)?.is_webhook() {
            let before = self.mock(name)?.secret.clone();
            if let Some(secret) = &step.secret {
                self.mock_mut(name)?.secret = self.stage.variables.expand_text(secret)?;
            }
            let answer = self.ask_for_webhook(name, &request, asked).await;
            if !answer.as_ref().is_ok_and(Answer::is_accepted) {
                self.mock_mut(name)?.secret = before;
            }
            return answer.map(|_| ());
        }
        let before = self.mock(name)?.endpoint.clone();
        let answer = self.ask_for_subscription(name, &request, asked).await?;
        if answer.is_accepted() && request.endpoint.is_some() && request.endpoint == before {
            self.follow_resubscription(name, before.as_deref()).await?;
        }
        Ok(())
    }

    pub(super) fn subscription_request(&self, name: &str) -> Result<SubscriptionRequest, Stop> {
        let mock = self.mock(name)?;
        let mut request = SubscriptionRequest::subscribe(&mock.topic, mock.events.clone());
        request.lease_seconds = mock.lease;
        request.subscriber_name.clone_from(&mock.subscriber_name);
        Ok(request)
    }

    /// Asks, and judges by schema what comes; on acceptance the subscriber has a new membership, or the old one anew.
    async fn ask_for_subscription(
        &mut self,
        name: &str,
        request: &SubscriptionRequest,
        asked: Asked<'_>,
    ) -> Result<Answer, Stop> {
        let outgoing = OutgoingRequest::form(&self.setting.target.hub_url_text(), &request.to_pairs());
        let unequal = self.is_unequal(name, request.events.as_deref().unwrap_or_default());
        let answer = match self.ask(name, &outgoing, asked).await {
            Err(Stop::Unreached(why)) if unequal && asked.expectations.is_empty() => {
                return Err(Stop::Declined(format!(
                    "the hub refuses subscriptions to other events than those of the topic's other subscribers, as \
                     2.4 allows ({why})"
                )));
            }
            answer => answer?,
        };
        if !answer.is_accepted() {
            return Ok(answer);
        }
        let events = request.events.clone().unwrap_or_default();
        let resubscribes = request.endpoint.is_some() && request.endpoint == self.mock(name)?.endpoint;
        self.judge_acceptance(&answer, MessageKind::SubscriptionResponse, !resubscribes);
        let endpoint = answer
            .json
            .as_ref()
            .and_then(|body| body.get("hub.channel.endpoint"))
            .and_then(Value::as_str);
        let Some(endpoint) = endpoint.map(str::to_owned) else {
            return Err(Stop::Unreached(
                "the hub accepted the subscription, but gave no hub.channel.endpoint".to_owned(),
            ));
        };
        let mock = self.mock_mut(name)?;
        let same = mock.endpoint.as_deref() == Some(endpoint.as_str());
        match mock.membership_mut() {
            Some(membership) if resubscribes && same => {
                membership.replaced.push(answer.request);
                membership.granted.extend(events.iter().cloned());
                membership.asked = events;
            }
            last => {
                if let (Some(membership), true) = (last, resubscribes) {
                    membership.replaced.push(answer.request);
                }
                mock.memberships.push(Membership::new(events));
            }
        }
        mock.endpoint = Some(endpoint);
        self.publish_mock_variable(name);
        Ok(answer)
    }

    /// Whether others of the topic are subscribed to other events than these: a hub may refuse that (2.4).
    fn is_unequal(&self, name: &str, events: &[EventName]) -> bool {
        if self.setting.target.version != Version::Stu3 {
            return false;
        }
        let Some(mock) = self.stage.mocks.get(name) else {
            return false;
        };
        let others = self
            .stage
            .mocks
            .values()
            .filter(|own| own.topic == mock.topic && own.name != name);
        others.filter(|own| own.is_active()).any(|own| {
            own.membership().is_some_and(|membership| {
                membership.current.len() != events.len()
                    || !events.iter().all(|event| membership.current.contains(event))
            })
        })
    }

    /// What holds of every accepted subscription or unsubscribe request, on whichever channel.
    pub(super) fn judge_status_of_acceptance(&mut self, answer: &Answer, accepted: &str) {
        if answer.status == 202 {
            self.judge.held(accepted);
            return;
        }
        // In STU3 the 202 of a subscription is a plain statement, that of an unsubscribe a SHALL (ambiguities, 20).
        let is_plain = accepted == ids::SUBSCRIBE_202 && self.setting.target.version == Version::Stu3;
        let breach = Breach {
            message: format!(
                "the hub accepted the request with {} in place of 202",
                answer.status
            ),
            expected: Some("status 202".to_owned()),
            observed: Some(format!("status {}", answer.status)),
            places: vec![
                Place::at(answer.request.sequence),
                Place::at(answer.spot.sequence),
            ],
            unmet: is_plain.then_some(Unmet::Warn),
            ..Breach::default()
        };
        self.judge.broken(accepted, breach);
    }

    /// What holds of every accepted request for a WebSocket subscription, or for the end of one.
    pub(super) fn judge_acceptance(&mut self, answer: &Answer, kind: MessageKind, new: bool) {
        let places = || {
            vec![
                Place::at(answer.request.sequence),
                Place::at(answer.spot.sequence),
            ]
        };
        let accepted = match kind {
            MessageKind::UnsubscribeResponse => ids::UNSUBSCRIBE_202,
            _ => ids::SUBSCRIBE_202,
        };
        self.judge_status_of_acceptance(answer, accepted);
        match answer.media_type().as_deref() {
            Some("application/json") => self.judge.held(ids::SUBSCRIBE_CONTENT_TYPE),
            other => {
                let breach = Breach {
                    message: "the content of the hub's answer is not declared as application/json".to_owned(),
                    expected: Some("Content-Type application/json".to_owned()),
                    observed: Some(other.unwrap_or("no Content-Type").to_owned()),
                    places: places(),
                    unmet: other.is_none().then_some(Unmet::Warn),
                    ..Breach::default()
                };
                self.judge.broken(ids::SUBSCRIBE_CONTENT_TYPE, breach);
            }
        }
        let schemas = self.setting.schemas.clone();
        let body = answer.json.clone().unwrap_or(Value::Null);
        self.judge_schema(&schemas.judge(kind, &body), &body, answer.spot, "");
        if !new || kind == MessageKind::UnsubscribeResponse {
            return;
        }
        if let Some(endpoint) = body.get("hub.channel.endpoint").and_then(Value::as_str) {
            let mut known = self
                .setting
                .endpoints
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            let fresh = known.insert(endpoint.to_owned());
            drop(known);
            if fresh {
                self.judge.held(ids::ENDPOINT_UNIQUE);
            } else {
                let breach = Breach {
                    message: "the hub gave a new subscription an endpoint that it has given to another"
                        .to_owned(),
                    expected: Some("an endpoint of its own for each subscription".to_owned()),
                    observed: Some(endpoint.to_owned()),
                    places: places(),
                    unmet: None,
                    ..Breach::default()
                };
                self.judge.broken(ids::ENDPOINT_UNIQUE, breach);
            }
            if self.setting.target.is_secure() {
                let secure = endpoint.to_ascii_lowercase().starts_with("wss://");
                if secure {
                    self.judge.held(ids::WSS);
                } else {
                    let breach = Breach {
                        message: "the WebSocket's endpoint is not secured by TLS".to_owned(),
                        expected: Some("a wss:// URL".to_owned()),
                        observed: Some(endpoint.to_owned()),
                        places: places(),
                        unmet: None,
                        ..Breach::default()
                    };
                    self.judge.broken(ids::WSS, breach);
                }
            }
        }
    }

    /// After a re-subscription: over the same endpoint the hub may confirm anew or not; over another one it must be
    /// connected to (ambiguities, 14).
    async fn follow_resubscription(&mut self, name: &str, before: Option<&str>) -> Result<(), Stop> {
        let mock = self.mock(name)?;
        if mock.endpoint.as_deref() != before {
            self.judge.reading(
                "endpoint-of-a-re-subscription",
                "the hub gives a re-subscription a new endpoint",
            );
            let mock = self.mock_mut(name)?;
            mock.old_sockets.extend(mock.socket.take());
            return self.connect_mock(name).await;
        }
        let inbox = mock.inbox.clone();
        let Some(membership) = mock.membership().cloned() else {
            return Ok(());
        };
        let after = membership.replaced.last().map_or(0, |spot| spot.sequence);
        let quiet = Instant::now() + self.setting.target.timing.quiet;
        let confirmation = inbox
            .wait(quiet, |received, _| {
                let found = received.iter().filter(|own| own.spot.sequence > after);
                found
                    .filter_map(|own| own.json.clone())
                    .find(|json| control_of(json) == Some(Control::Confirmation))
            })
            .await;
        let granted = match &confirmation {
            Some(json) => {
                let reading = "the hub confirms a re-subscription over the open WebSocket";
                self.judge.reading("confirmation-of-a-re-subscription", reading);
                events_of(json).unwrap_or_else(|| membership.asked.clone())
            }
            None => {
                let reading = "the hub does not confirm a re-subscription over the open WebSocket";
                self.judge.reading("confirmation-of-a-re-subscription", reading);
                membership.asked.clone()
            }
        };
        if let Some(membership) = self.mock_mut(name)?.membership_mut() {
            membership.granted.extend(granted.iter().cloned());
            membership.current = granted;
        }
        self.publish_mock_variable(name);
        Ok(())
    }

    /// `unsubscribe`.
    pub async fn unsubscribe(&mut self, step: &Unsubscribe) -> Result<(), Stop> {
        let name = step.by.value.as_str();
        if self.mock(name)?.is_webhook() {
            return self.unsubscribe_webhook(step).await;
        }
        let mock = self.mock(name)?;
        let endpoint = mock.endpoint.clone().unwrap_or_default();
        let request = SubscriptionRequest::unsubscribe(&mock.topic, &endpoint);
        let outgoing = OutgoingRequest::form(&self.setting.target.hub_url_text(), &request.to_pairs());
        let next = self.stage.log.len();
        if let Some(membership) = self.mock_mut(name)?.membership_mut() {
            // From here on, what the hub still sends is lawful and what it no longer sends is too.
            membership.ended = Some(crate::subscriber::Spot {
                sequence: next,
                at: Instant::now(),
            });
        }
        let asked = Asked {
            kind: Some(RequestKind::Unsubscribe),
            save: step.save.as_ref().map(|name| name.value.as_str()),
            expectations: &step.answer,
            must_be_accepted: true,
            spoiled: false,
        };
        let answer = self.ask(name, &outgoing, asked).await?;
        if answer.is_accepted() {
            self.judge_end(&answer, &endpoint);
        } else if step.answer.is_empty() {
            return Err(Stop::Unreached(refusal(&answer)));
        }
        Ok(())
    }
    /// What holds of every accepted request to end the subscription of an endpoint.
    pub(super) fn judge_end(&mut self, answer: &Answer, endpoint: &str) {
        self.judge_acceptance(answer, MessageKind::UnsubscribeResponse, false);
        let given = answer
            .json
            .as_ref()
            .and_then(|body| body.get("hub.channel.endpoint"))
            .and_then(Value::as_str);
        if let Some(given) = given {
            if given == endpoint {
                self.judge.held(ids::UNSUBSCRIBE_ENDPOINT);
            } else {
                let breach = Breach {
                    message: "the answer to the unsubscribe request names another endpoint".to_owned(),
                    expected: Some(endpoint.to_owned()),
                    observed: Some(given.to_owned()),
                    places: vec![
                        Place::at(answer.request.sequence),
                        Place::within(answer.spot.sequence, "/hub.channel.endpoint"),
                    ],
                    unmet: None,
                    ..Breach::default()
                };
                self.judge.broken(ids::UNSUBSCRIBE_ENDPOINT, breach);
            }
        }
    }
}

pub(super) fn events_of(json: &Value) -> Option<Vec<EventName>> {
    parse_events(json.get("hub.events")?.as_str()?).ok()
}
