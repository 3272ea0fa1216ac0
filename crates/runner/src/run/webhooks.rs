//! Steps about subscriptions over webhooks (STU1 and STU2): asking, and agreeing to the verification of one's intent.

use std::time::Duration;

use serde_json::{Value, json};

use super::answers::{Asked, refusal};
use super::mock_subscriber::MockSubscriber;
use super::scenario_run::{ScenarioRun, Stop};
use super::tokens::may_receive;
use crate::client::{Answer, Call, Log, OutgoingRequest, Spot, Verified};
use crate::judging::hub::rules::{self, Unverified};
use crate::judging::hub::{Control, Intent, control_received, ids, lease_in};
use crate::protocol::{SubscriptionRequest, Version, WELL_KNOWN_PATH, join_events};
use crate::scenario::{RequestKind, Unsubscribe};

/// The channel type of a callback (STU2).
const WEBHOOK: &str = "webhook";

impl ScenarioRun<'_> {
    /// The whole way to a verified subscription.
    pub(super) async fn subscribe_webhook(&mut self, name: &str) -> Result<(), Stop> {
        let request = self.subscription_request(name)?;
        let asked = Asked {
            kind: Some(RequestKind::Subscribe),
            save: None,
            expectations: &[],
            must_be_accepted: true,
            spoiled: false,
        };
        let answer = self.ask_for_webhook(name, &request, asked).await?;
        let Some(verified) = self.verification_of(name, answer.request, "subscribe").await? else {
            return Err(self.was_not_verified(name, &answer, ids::VERIFICATION_SENT));
        };
        self.judge.held(ids::VERIFICATION_SENT);
        self.account_for_verifications();
        if verified.agreed {
            Ok(())
        } else {
            Err(Stop::Unreached(format!(
                "{name} did not agree to the verification of its intent"
            )))
        }
    }

    /// The request for a subscription of the mock's callback, and the number of its secret.
    pub(super) fn webhook_subscription(
        &self,
        name: &str,
        request: &SubscriptionRequest,
    ) -> Result<(OutgoingRequest, Option<usize>), Stop> {
        let mock = self.mock(name)?;
        let callback = mock.callback().ok_or_else(no_callback)?;
        let secret = mock.webhook().map(|webhook| webhook.secret.as_str());
        let secret = secret
            .filter(|secret| !secret.is_empty())
            .map(|secret| callback.add_secret(secret));
        let dialect = &self.setting.dialect;
        let pairs = webhook_pairs(mock, self.setting.target.version, callback.url(), request);
        let outgoing = OutgoingRequest::form(dialect.hub_url(), &dialect.completed(pairs));
        Ok((outgoing, secret))
    }

    /// Asks for a subscription of the mock's callback; it is there once the callback has agreed to its verification.
    pub(super) async fn ask_for_webhook(
        &mut self,
        name: &str,
        request: &SubscriptionRequest,
        asked: Asked<'_>,
    ) -> Result<Answer, Stop> {
        let requested = self.state.log.len();
        let (outgoing, secret) = self.webhook_subscription(name, request)?;
        let mock = self.mock_mut(name)?;
        // A hub may ask the callback before it answers.
        mock.subscriptions.ask(Intent {
            events: request.events.clone().unwrap_or_default(),
            secret,
            requested,
        });
        let answer = self.ask_for_a_place(name, &outgoing, asked).await;
        let accepted = answer.as_ref().is_ok_and(Answer::is_accepted);
        if !accepted {
            self.mock_mut(name)?.subscriptions.refuse(requested);
        }
        let answer = match answer {
            Err(Stop::Unreached(why)) if asked.expectations.is_empty() => {
                let events = request.events.as_deref().unwrap_or_default();
                return Err(self.refused_beside_others(name, events, why));
            }
            answer => answer?,
        };
        if accepted {
            rules::status_of_acceptance(&answer, ids::SUBSCRIBE_202, &mut self.judge);
        }
        Ok(answer)
    }

    /// Waits until the callback has answered an intent verification of this mode that came after this request.
    pub(super) async fn verification_of(
        &self,
        name: &str,
        request: Spot,
        mode: &str,
    ) -> Result<Option<Verified>, Stop> {
        let mock = self.mock(name)?;
        let Some(callback) = mock.callback() else {
            return Err(no_callback());
        };
        let deadline = self.deadline(Duration::ZERO);
        let found = mock.inbox.wait(deadline, |received, _| {
            let verified = callback.verified();
            let mut later = verified
                .iter()
                .filter(|verified| verified.asked.sequence > request.sequence);
            // One with another mode is judged by its mode, and counts where no proper one comes.
            if let Some(found) = later
                .clone()
                .find(|verified| mode_is(&verified.query, mode))
                .or_else(|| later.next())
            {
                return Some(Some(found.clone()));
            }
            let denied = received.iter().any(|message| {
                message.spot.sequence > request.sequence && control_received(message) == Some(Control::Denial)
            });
            denied.then_some(None)
        });
        Ok(found.await.flatten())
    }

    /// Has it judged that no verification came, or that a denial came in its place.
    fn was_not_verified(&mut self, name: &str, answer: &Answer, requirement: &'static str) -> Stop {
        let subscriber = match self.mock(name) {
            Ok(mock) => mock.observed(),
            Err(stop) => return stop,
        };
        let silence = format!("nothing for {:?}", self.setting.target.timing.response);
        let found = rules::not_verified(&subscriber, answer, requirement, &silence, &mut self.judge);
        Stop::Unreached(match found {
            Unverified::Denied(reason) => format!("the hub denied the subscription of {name}: {reason}"),
            Unverified::Broken(observed) => format!("the intent of {name} was not verified: {observed}"),
        })
    }

    /// `unsubscribe`, of a webhook.
    pub(super) async fn unsubscribe_webhook(&mut self, step: &Unsubscribe) -> Result<(), Stop> {
        let name = step.by.value.as_str();
        let version = self.setting.target.version;
        let outgoing = self.webhook_unsubscribe(name)?;
        let next = self.state.log.next();
        let mock = self.mock_mut(name)?;
        mock.subscriptions.forget_intents();
        if let Some(subscription) = mock.subscription_mut() {
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
        if !answer.is_accepted() {
            return match step.answer.is_empty() {
                true => Err(Stop::Unreached(refusal(&answer))),
                false => Ok(()),
            };
        }
        rules::status_of_acceptance(&answer, ids::UNSUBSCRIBE_202, &mut self.judge);
        self.mock_mut(name)?.left = Some((answer.request, answer.spot));
        if version == Version::Stu1 {
            match self.verification_of(name, answer.request, "unsubscribe").await? {
                Some(_) => self.judge.held(ids::VERIFICATION_ON_UNSUBSCRIBE),
                None => {
                    let requirement = ids::VERIFICATION_ON_UNSUBSCRIBE;
                    let stop = self.was_not_verified(name, &answer, requirement);
                    let stop = self.setting.redactor.text(&format!("{stop:?}"));
                    tracing::debug!(stop, "the unsubscribe was not verified");
                }
            }
        }
        self.let_the_hub_act().await;
        self.account_for_verifications();
        Ok(())
    }

    /// The request that ends a webhook subscription: in STU1 it mirrors the one that began it.
    pub(super) fn webhook_unsubscribe(&self, name: &str) -> Result<OutgoingRequest, Stop> {
        let mock = self.mock(name)?;
        let callback = mock.callback().ok_or_else(no_callback)?;
        let mut request = SubscriptionRequest::unsubscribe(&mock.topic, "");
        if self.setting.target.version == Version::Stu1 {
            let events = mock.subscription().map(|subscription| subscription.asked.clone());
            request.events = Some(events.unwrap_or_else(|| mock.events.clone()));
            request.lease_seconds = mock.lease;
        }
        let pairs = webhook_pairs(mock, self.setting.target.version, callback.url(), &request);
        Ok(OutgoingRequest::form(
            self.setting.dialect.hub_url(),
            &self.setting.dialect.completed(pairs),
        ))
    }

    /// Makes subscriptions of what callbacks have agreed to.
    pub(super) fn account_for_verifications(&mut self) {
        let mut changed = Vec::new();
        let mut leases = Vec::new();
        for mock in self.state.mocks.values_mut() {
            let Some(webhook) = mock.webhook_mut() else {
                continue;
            };
            let Some(callback) = &webhook.callback else {
                continue;
            };
            let verified = callback.verified();
            let (before, accounted) = (webhook.accounted, verified.len());
            webhook.accounted = accounted;
            for verified in verified
                .into_iter()
                .skip(before)
                .filter(|verified| verified.agreed)
            {
                let credential = mock.credential.as_ref();
                mock.subscriptions
                    .agree(&verified, |event| may_receive(credential, event));
                leases.push((mock.name.clone(), lease_in(&verified.query), verified.asked));
            }
            if accounted > before {
                changed.push(mock.name.clone());
            }
        }
        for (name, lease, asked) in leases {
            self.judge_lease(&name, lease, asked);
        }
        for name in changed {
            self.publish_mock_variable(&name);
        }
    }

    /// A verification that has come is answered, and the answer has an effect.
    pub(super) async fn let_it_take_effect(&mut self, name: &str, asked: Spot) {
        let Ok(mock) = self.mock(name) else { return };
        let Some(callback) = mock.callback() else { return };
        // How long the callback waits before it answers is the scenario's own; it is bounded by the scenario.
        let deadline = self.deadline(Duration::from_secs(30));
        let answered = |verified: &Verified| verified.asked.sequence == asked.sequence;
        mock.inbox
            .wait(deadline, |_, _| {
                callback.verified().iter().any(answered).then_some(())
            })
            .await;
        self.let_the_hub_act().await;
        self.account_for_verifications();
    }

    /// The hub tells nobody when it has read a callback's answer: only time can.
    pub(super) async fn let_the_hub_act(&self) {
        tokio::time::sleep(self.setting.target.timing.quiet).await;
        // Where it is so busy that a silence shows little, an answer takes as long as what it had to do before.
        let url = self.setting.target.below(WELL_KNOWN_PATH);
        let request = OutgoingRequest::get(&url);
        // Nothing is asked for; that there is no such document is an answer too.
        let _ = self
            .setting
            .http
            .send(&Log::new(self.setting.redactor.clone()), "castspec", &request)
            .await;
    }
}

fn mode_is(query: &Value, mode: &str) -> bool {
    query.get("hub.mode").and_then(Value::as_str) == Some(mode)
}

fn no_callback() -> Stop {
    Stop::Fault("there is no server for callbacks".to_owned())
}

/// A request of a mock about its callback, as name and value pairs in the order of the specification's table.
fn webhook_pairs(
    mock: &MockSubscriber,
    version: Version,
    callback: &str,
    request: &SubscriptionRequest,
) -> Vec<(String, String)> {
    let subscribes = request.mode == crate::protocol::Mode::Subscribe;
    let mut pairs = Vec::new();
    let mut push = |name: &str, value: String| pairs.push((name.to_owned(), value));
    if version != Version::Stu1 {
        push("hub.channel.type", WEBHOOK.to_owned());
    }
    push("hub.callback", callback.to_owned());
    push("hub.mode", request.mode.as_str().to_owned());
    push("hub.topic", request.topic.clone());
    if let Some(webhook) = mock.webhook()
        && !webhook.secret.is_empty()
        && (subscribes || version == Version::Stu1)
    {
        push("hub.secret", webhook.secret.clone());
    }
    if let Some(events) = &request.events {
        push("hub.events", join_events(events));
    }
    if let Some(lease) = request.lease_seconds {
        push("hub.lease_seconds", lease.to_string());
    }
    pairs
}

/// A call to a callback as scenarios may know it.
pub(super) fn call_variable(call: &Call, body: &str) -> Value {
    let headers: serde_json::Map<String, Value> = call
        .headers
        .iter()
        .map(|(name, value)| (name.clone(), json!(value)))
        .collect();
    json!({
        "method": call.method,
        "path": call.path,
        "query": call.query,
        "headers": headers,
        "body": body,
        "signature": call.signature.in_words(),
    })
}
