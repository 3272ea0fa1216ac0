//! Steps about subscriptions: asking, connecting, unsubscribing.

use std::sync::PoisonError;
use std::time::Instant;

use serde_saphyr::Spanned;

use super::answers::{Asked, refusal};
use super::dialect::spelled;
use super::mock_subscriber::MockSubscriber;
use super::scenario_run::{ScenarioRun, Stop};
use crate::client::{Answer, OutgoingRequest};
use crate::judging::hub::{Control, Subscription, control_of, events_in, lease_in, rules};
use crate::judging::{Received, Spot};
use crate::protocol::SubscriptionRequest;
use crate::scenario::{RequestKind, RequestSubscription, Unsubscribe};

impl ScenarioRun<'_> {
    /// The subscriber of this name.
    pub fn mock(&self, name: &str) -> Result<&MockSubscriber, Stop> {
        self.state
            .mocks
            .get(name)
            .ok_or_else(|| Stop::Fault(format!("there is no subscriber '{name}'")))
    }

    /// The subscriber of this name, to be changed.
    pub fn mock_mut(&mut self, name: &str) -> Result<&mut MockSubscriber, Stop> {
        self.state
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
            request.endpoint = Some(self.state.variables.expand_text(endpoint)?);
        }
        let asked = Asked {
            kind: Some(RequestKind::Subscribe),
            save: step.save.as_ref().map(|name| name.value.as_str()),
            expectations: &step.answer,
            must_be_accepted: true,
            spoiled: false,
        };
        if self.mock(name)?.is_webhook() {
            let secret = match &step.secret {
                Some(secret) => Some(self.state.variables.expand_text(secret)?),
                None => None,
            };
            let webhook = self.mock_mut(name)?.webhook_mut();
            let before = webhook
                .zip(secret)
                .map(|(webhook, secret)| std::mem::replace(&mut webhook.secret, secret));
            let answer = self.ask_for_webhook(name, &request, asked).await;
            if !answer.as_ref().is_ok_and(Answer::is_accepted)
                && let (Some(webhook), Some(before)) = (self.mock_mut(name)?.webhook_mut(), before)
            {
                webhook.secret = before;
            }
            return answer.map(|_| ());
        }
        let before = self.mock(name)?.endpoint().map(str::to_owned);
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

    /// The subscriber was given this endpoint for a new subscription.
    pub(super) fn take_endpoint(
        &mut self,
        name: &str,
        endpoint: String,
        requested: Spot,
    ) -> Result<(), Stop> {
        let mock = self.mock_mut(name)?;
        let events = mock.events.clone();
        mock.subscriptions.push(Subscription::new(events, requested));
        mock.set_endpoint(endpoint);
        Ok(())
    }

    /// The request that ends a subscription over a WebSocket, as this hub wants it.
    pub(super) fn unsubscribe_request(&self, mock: &MockSubscriber, endpoint: &str) -> SubscriptionRequest {
        let mut request = SubscriptionRequest::unsubscribe(&mock.topic, endpoint);
        // A hub that wants names may tell subscribers apart by them.
        let mut wanted = self.setting.dialect.subscribe_parameters();
        if let Some(name) = wanted.remove("subscriber.name") {
            request.subscriber_name = Some(mock.subscriber_name.clone().unwrap_or(name));
        }
        if self.setting.dialect.unsubscribes_with_events() {
            let subscription = mock.subscription();
            let asked = subscription.map(|subscription| subscription.asked.clone());
            request.events = Some(asked.unwrap_or_else(|| mock.events.clone()));
        }
        request
    }

    /// Asks, and judges by schema what comes; on acceptance the subscriber has a new subscription, or the old one anew.
    pub(super) async fn ask_for_subscription(
        &mut self,
        name: &str,
        request: &SubscriptionRequest,
        asked: Asked<'_>,
    ) -> Result<Answer, Stop> {
        let dialect = &self.setting.dialect;
        let outgoing = OutgoingRequest::form(dialect.hub_url(), &dialect.completed(request.to_pairs()));
        let unequal = self.is_unequal(name, request.events.as_deref().unwrap_or_default());
        let answer = match self.ask_for_a_place(name, &outgoing, asked).await {
            Err(Stop::Unreached(why)) if unequal && asked.expectations.is_empty() => {
                return Err(Stop::Declined(format!(
                    "the hub refuses subscriptions to other events than those of the topic's other subscribers, as \
                     2.4 allows ({why})"
                )));
            }
            Err(Stop::Unreached(why)) if asked.expectations.is_empty() => {
                let events = request.events.as_deref().unwrap_or_default();
                return Err(self.refused_beside_others(name, events, why));
            }
            answer => answer?,
        };
        if !answer.is_accepted() {
            return Ok(answer);
        }
        let events = request.events.clone().unwrap_or_default();
        let resubscribes =
            request.endpoint.is_some() && request.endpoint.as_deref() == self.mock(name)?.endpoint();
        let mut issued = self.setting.issued.lock().unwrap_or_else(PoisonError::into_inner);
        rules::subscription_accepted(&answer, !resubscribes, &mut issued, &mut self.judge);
        drop(issued);
        let endpoint = answer.member("hub.channel.endpoint");
        let Some(endpoint) = endpoint.map(str::to_owned) else {
            return Err(Stop::Unreached(
                "the hub accepted the subscription, but gave no hub.channel.endpoint".to_owned(),
            ));
        };
        let mock = self.mock_mut(name)?;
        let same = mock.endpoint() == Some(endpoint.as_str());
        match mock.subscription_mut() {
            Some(subscription) if resubscribes && same => {
                subscription.replace(events, answer.request);
            }
            last => {
                if let (Some(subscription), true) = (last, resubscribes) {
                    subscription.replaced.push(answer.request);
                }
                mock.subscriptions.push(Subscription::new(events, answer.request));
            }
        }
        mock.set_endpoint(endpoint);
        self.publish_mock_variable(name);
        Ok(answer)
    }

    /// After a re-subscription: over the same endpoint the hub may confirm anew or not; over another one it must be
    /// connected to (ambiguities, 14).
    async fn follow_resubscription(&mut self, name: &str, before: Option<&str>) -> Result<(), Stop> {
        let mock = self.mock(name)?;
        if mock.endpoint() != before {
            self.judge.reading(
                "endpoint-of-a-re-subscription",
                "the hub gives a re-subscription a new endpoint",
            );
            if let Some(web_socket) = self.mock_mut(name)?.web_socket_mut() {
                web_socket.old_sockets.extend(web_socket.socket.take());
            }
            return self.connect_mock(name).await;
        }
        let inbox = mock.inbox.clone();
        let Some(subscription) = mock.subscription().cloned() else {
            return Ok(());
        };
        let after = subscription.replaced.last().map_or(0, |spot| spot.sequence);
        let quiet = Instant::now() + self.setting.target.timing.quiet;
        let confirmation = inbox
            .wait(quiet, |received, _| {
                let found = received.iter().filter(|message| message.spot.sequence > after);
                found
                    .filter_map(|message| message.json.clone())
                    .find(|json| control_of(json) == Some(Control::Confirmation))
            })
            .await;
        let granted = match &confirmation {
            Some(json) => {
                let reading = "the hub confirms a re-subscription over the open WebSocket";
                self.judge.reading("confirmation-of-a-re-subscription", reading);
                events_in(json).unwrap_or_else(|| subscription.asked.clone())
            }
            None => {
                let reading = "the hub does not confirm a re-subscription over the open WebSocket";
                self.judge.reading("confirmation-of-a-re-subscription", reading);
                subscription.asked.clone()
            }
        };
        if let Some(subscription) = self.mock_mut(name)?.subscription_mut() {
            subscription.granted.extend(granted.iter().cloned());
            subscription.current = granted;
            if let Some(lease) = confirmation.as_deref().and_then(lease_in) {
                subscription.renew(lease);
            }
        }
        self.publish_mock_variable(name);
        Ok(())
    }

    /// A confirmation that comes over the open WebSocket after a re-subscription says what is granted from now on.
    pub(super) fn take_confirmation(&mut self, name: &str, received: &Received) -> Result<(), Stop> {
        let Some(message) = received.message() else {
            return Ok(());
        };
        let (granted, lease) = (events_in(message), lease_in(message));
        if let Some(subscription) = self.mock_mut(name)?.subscription_mut()
            && subscription.socket == Some(received.socket)
            && let Some(asked_anew) = subscription.replaced.last()
            && asked_anew.sequence < received.spot.sequence
        {
            if let Some(granted) = granted {
                subscription.granted.extend(granted.iter().cloned());
                subscription.current = granted;
            }
            if let Some(lease) = lease {
                subscription.renew(lease);
            }
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
        let endpoint = mock.endpoint().unwrap_or_default().to_owned();
        let request = self.unsubscribe_request(mock, &endpoint);
        let outgoing = OutgoingRequest::form(self.setting.dialect.hub_url(), &request.to_pairs());
        let next = self.state.log.next();
        if let Some(subscription) = self.mock_mut(name)?.subscription_mut() {
            // From here on, what the hub still sends is lawful and what it no longer sends is too.
            subscription.ended = Some(next);
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
            rules::end_accepted(&answer, &endpoint, &mut self.judge);
            self.mock_mut(name)?.left = Some((answer.request, answer.spot));
        } else if step.answer.is_empty() {
            return Err(Stop::Unreached(refusal(&answer)));
        }
        Ok(())
    }
}
