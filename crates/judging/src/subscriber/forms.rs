//! Subscription and unsubscribe requests: how they are sent, and which endpoints they may name (2.4).

use std::time::Duration;

use serde_json::{Map, Value};

use super::exchange::Exchange;
use super::findings::{Breach, Subscriber};
use super::ids;
use super::judge::{Judge, Question, REMEMBERED};
use super::record::Place;
use super::requests::{Asked, Head, Where, endpoint_path};
use super::state::{Ended, Spot, Subscription};
use super::webhooks::WebhookForm;
use crate::schema::{MessageKind, Unmet};

/// How long an endpoint may wait for its first connection before that is told.
const CONNECTS_WITHIN: Duration = Duration::from_secs(60);
/// How long what was on its way when a denial came may still take.
const ON_ITS_WAY: Duration = Duration::from_secs(5);

/// A subscription or unsubscribe request that waits for its answer.
#[derive(Debug, Clone)]
pub(super) struct Form {
    who: Subscriber,
    client: Option<String>,
    unsubscribe: bool,
    topic: String,
    asked: Vec<String>,
    /// The subscription whose endpoint it names.
    named: Option<usize>,
    /// The subscription by webhooks that it begins, changes or ends.
    webhook: Option<usize>,
    requested: Spot,
}

impl Form {
    /// Whether it asks for a subscription to this topic.
    pub(super) fn is_about(&self, topic: &str) -> bool {
        !self.unsubscribe && self.topic == topic
    }
}

/// The form as an object of strings; a repeated parameter is an array.
pub(super) fn as_object(pairs: &[(String, String)]) -> Value {
    let mut object = Map::new();
    for (name, value) in pairs {
        let value = Value::String(value.clone());
        match object.get_mut(name) {
            None => {
                object.insert(name.clone(), value);
            }
            Some(Value::Array(values)) => values.push(value),
            Some(first) => *first = Value::Array(vec![first.take(), value]),
        }
    }
    Value::Object(object)
}

impl Judge {
    /// A subscription or unsubscribe request, as an object.
    pub(super) fn form(&mut self, exchange: &Exchange, id: u64, head: &Head, form: &Value, spot: Spot) {
        let text = |name: &str| {
            form.get(name)
                .and_then(Value::as_str)
                .map(|value| value.trim().to_owned())
        };
        let unsubscribe = text("hub.mode").is_some_and(|mode| mode.eq_ignore_ascii_case("unsubscribe"));
        let topic = text("hub.topic").unwrap_or_default();
        let webhook = WebhookForm::read(self.settings.version, form);
        let named = text("hub.channel.endpoint")
            .filter(|_| webhook.is_none())
            .and_then(|url| self.subscription_at(&url));
        let meant = named.or_else(|| self.webhook_meant(webhook.as_ref()?));
        let who = self.requester(&topic, text("subscriber.name"), exchange.client.as_deref(), meant);
        self.judge_sending(&who, head, unsubscribe, spot);
        self.judge_bearer(&who, exchange, head, form, spot);
        let kind = if unsubscribe {
            MessageKind::UnsubscribeRequest
        } else {
            MessageKind::SubscriptionRequest
        };
        let judgement = self.schemas.judge(kind, form);
        self.findings
            .judgement(&self.record, &who, judgement, spot.sequence);
        if let Some(named) = named {
            self.judge_named_endpoint(&who, named, unsubscribe, spot);
        } else if !unsubscribe && webhook.is_none() {
            let before = self.subscriptions.values().any(|subscription| {
                subscription.who == who
                    && subscription
                        .ended
                        .is_some_and(|(ended, _)| ended == Ended::Unsubscribed)
            });
            if before {
                self.held(&who, ids::UNSUBSCRIBE_NEW_ENDPOINT);
            }
        }
        if unsubscribe && let Some(subscription) = named.and_then(|at| self.subscriptions.get_mut(&at)) {
            subscription.unsubscribe.get_or_insert(spot);
        }
        let events = text("hub.events").unwrap_or_default();
        let asked = events.split(',').map(|event| event.trim().to_owned());
        let asked: Vec<String> = asked.filter(|event| !event.is_empty()).collect();
        if !unsubscribe {
            self.judge_launched_subscription(&who, head.launch, &topic, &asked, spot);
        }
        let webhook = webhook.and_then(|webhook| {
            if unsubscribe {
                self.webhook_left(&who, &webhook, spot)
            } else {
                Some(self.webhook_asked_for(&who, exchange.client.as_deref(), webhook, spot))
            }
        });
        let form = Form {
            who,
            client: exchange.client.clone(),
            unsubscribe,
            topic,
            asked,
            named,
            webhook,
            requested: spot,
        };
        self.wait_for_answer(id, Asked::Form(form));
    }

    /// Who asks: by its name, its client, or the subscription that it names.
    fn requester(
        &mut self,
        topic: &str,
        name: Option<String>,
        client: Option<&str>,
        named: Option<usize>,
    ) -> Subscriber {
        if let Some(name) = name.filter(|name| !name.is_empty()) {
            return Subscriber {
                name,
                topic: topic.to_owned(),
            };
        }
        if let Some(subscription) = named.and_then(|at| self.subscriptions.get(&at)) {
            return subscription.who.clone();
        }
        let known = self
            .subscriptions
            .values()
            .filter(|subscription| {
                subscription.client.is_some()
                    && subscription.client.as_deref() == client
                    && subscription.who.topic == topic
            })
            .max_by_key(|subscription| subscription.requested.sequence);
        if let Some(subscription) = known {
            return subscription.who.clone();
        }
        let number = self.topics.get(topic).map_or(0, |topic| topic.subscribers) + 1;
        Subscriber {
            name: format!("subscriber {number}"),
            topic: topic.to_owned(),
        }
    }

    fn judge_sending(&mut self, who: &Subscriber, head: &Head, unsubscribe: bool, spot: Spot) {
        let (post, content_type, what) = if unsubscribe {
            (
                ids::UNSUBSCRIBE_POST,
                ids::UNSUBSCRIBE_CONTENT_TYPE,
                "an unsubscribe request",
            )
        } else {
            (
                ids::SUBSCRIBE_POST,
                ids::SUBSCRIBE_CONTENT_TYPE,
                "a subscription request",
            )
        };
        self.judge_address(who, post, head, what, spot);
        let expected = "application/x-www-form-urlencoded";
        let breach = (head.content_type.as_deref() != Some(expected)).then(|| {
            let came = head.content_type.as_deref().unwrap_or("missing");
            Breach::new(
                format!("the Content-Type of {what} is {came}; expected {expected}"),
                vec![Place::at(spot.sequence)],
            )
            .expecting(expected)
            .observing(came)
        });
        self.judge(who, content_type, breach);
    }

    /// Whether a request is a POST at `hub.url`.
    pub(super) fn judge_address(
        &mut self,
        who: &Subscriber,
        requirement: &'static str,
        head: &Head,
        what: &str,
        spot: Spot,
    ) {
        let place = vec![Place::at(spot.sequence)];
        let breach = match head.place {
            _ if head.method != "POST" => Some(Breach::new(
                format!("{what} was sent by {}; expected a POST at hub.url", head.method),
                place,
            )),
            Where::HubUrl => None,
            // As older versions' examples do (ambiguities, 4).
            Where::Below => Some(
                Breach::new(
                    format!("{what} was sent to an address under hub.url; expected hub.url itself"),
                    place,
                )
                .softened(Unmet::Warn),
            ),
            Where::Elsewhere => Some(Breach::new(
                format!("{what} was sent to another address than hub.url"),
                place,
            )),
        };
        self.judge(who, requirement, breach);
    }

    fn judge_bearer(&mut self, who: &Subscriber, exchange: &Exchange, head: &Head, form: &Value, spot: Spot) {
        let bearer = head
            .authorization
            .as_ref()
            .is_some_and(|scheme| scheme.eq_ignore_ascii_case("bearer"));
        let elsewhere = form.get("access_token").is_some() || head.token_in_url;
        let known = exchange
            .client
            .as_ref()
            .is_some_and(|client| self.bearers.contains(client));
        if bearer {
            if let Some(client) = &exchange.client {
                self.bearers.insert(client.clone());
            }
            self.held(who, ids::SUBSCRIBE_BEARER);
        } else if (self.settings.authorization || known || elsewhere) && head.kind_needs_bearer(form) {
            let told = match (&head.authorization, elsewhere) {
                (_, true) => "the access token is not in the Authorization header",
                (Some(_), _) => "the Authorization header holds no Bearer token",
                (None, _) => "the subscription request carries no Authorization header",
            };
            let breach = Breach::new(
                format!("{told}; expected Authorization: Bearer with the access token"),
                vec![Place::at(spot.sequence)],
            );
            self.broken(who, ids::SUBSCRIBE_BEARER, breach);
        }
    }

    /// A request names the endpoint of a subscription that may have ended.
    fn judge_named_endpoint(&mut self, who: &Subscriber, named: usize, unsubscribe: bool, spot: Spot) {
        let Some(subscription) = self.subscriptions.get(&named) else {
            return;
        };
        let places = |ended: Spot| {
            vec![
                Place::at(ended.sequence),
                Place::within(spot.sequence, "/hub.channel.endpoint"),
            ]
        };
        match subscription.ended {
            Some((Ended::Unsubscribed, ended)) if !unsubscribe => {
                let breach = Breach::new(
                    "hub.channel.endpoint names the WebSocket of a subscription that was ended by an unsubscribe; \
                     leave it out to get a new one",
                    places(ended),
                );
                self.broken(who, ids::UNSUBSCRIBE_NEW_ENDPOINT, breach);
            }
            Some((Ended::Denied, ended)) if spot.at.saturating_sub(ended.at) > ON_ITS_WAY => {
                let breach = Breach::new(
                    "hub.channel.endpoint names a subscription that the hub has denied; ask for a new one without it",
                    places(ended),
                );
                self.broken(who, ids::DENIAL_HEEDED, breach);
            }
            None if !unsubscribe && subscription.connected => {
                self.held(who, ids::SUBSCRIBE_ENDPOINT_ON_RENEWAL);
            }
            _ => {}
        }
    }

    /// The hub's answer to a subscription or unsubscribe request.
    pub(super) fn form_answered(&mut self, form: Form, status: u16, body: &[u8], spot: Spot) {
        if let Some(webhook) = form.webhook {
            self.webhook_answered(webhook, form.unsubscribe, status, spot);
            return;
        }
        if !(200..300).contains(&status) {
            return;
        }
        if form.unsubscribe {
            if let Some(named) = form.named
                && let Some(subscription) = self.subscriptions.get_mut(&named)
            {
                subscription.ended = Some((Ended::Unsubscribed, spot));
                self.ask_in(REMEMBERED, Question::ForgetSubscription { subscription: named });
            }
            return;
        }
        let answer: Value = serde_json::from_slice(body).unwrap_or_default();
        let Some(endpoint) = answer.get("hub.channel.endpoint").and_then(Value::as_str) else {
            return;
        };
        let path = endpoint_path(endpoint);
        if let Some(at) = self.endpoints.get(&path)
            && let Some(subscription) = self.subscriptions.get_mut(at)
            && subscription.ended.is_none()
        {
            // A re-subscription over the same WebSocket.
            subscription.asked = form.asked;
            return;
        }
        if let Some(subscription) = form.named.and_then(|named| self.subscriptions.get_mut(&named)) {
            subscription.replaced = true;
        }
        let topic = self.topic(&form.topic);
        topic.subscribers += 1;
        self.begin_subscription(endpoint, path, form, spot);
    }

    fn begin_subscription(&mut self, endpoint: &str, path: String, form: Form, spot: Spot) {
        let number = form.requested.sequence;
        for subscription in self.subscriptions.values_mut() {
            // A new subscription of the same subscriber is what a lost one is followed by.
            if subscription.who == form.who && subscription.ended.is_none() && !subscription.connected {
                subscription.replaced = true;
            }
        }
        self.endpoints.insert(path, number);
        self.subscriptions.insert(
            number,
            Subscription {
                who: form.who,
                client: form.client,
                endpoint: endpoint.to_owned(),
                asked: form.asked,
                requested: form.requested,
                answered: spot,
                connected: false,
                unsubscribe: None,
                ended: None,
                replaced: false,
                webhook: None,
            },
        );
        self.ask_in(CONNECTS_WITHIN, Question::Connects { subscription: number });
    }

    pub(super) fn did_not_connect(&mut self, subscription: usize) {
        let Some(known) = self.subscriptions.get(&subscription) else {
            return;
        };
        if !known.connected && !known.replaced && known.ended.is_none() && known.unsubscribe.is_none() {
            let who = known.who.clone();
            let breach = Breach::new(
                format!(
                    "the subscription was accepted, and no WebSocket was opened at its endpoint within {} s; \
                     open one at the hub.channel.endpoint of the answer",
                    CONNECTS_WITHIN.as_secs()
                ),
                vec![
                    Place::at(known.requested.sequence),
                    Place::at(known.answered.sequence),
                ],
            );
            self.broken(&who, ids::SUBSCRIBE_CONNECTS, breach);
        }
        if self
            .subscriptions
            .get(&subscription)
            .is_some_and(|known| !known.connected)
        {
            self.ask_in(REMEMBERED, Question::ForgetSubscription { subscription });
        }
    }

    pub(super) fn subscription_at(&self, url: &str) -> Option<usize> {
        self.endpoints.get(&endpoint_path(url)).copied()
    }

    pub(super) fn forget_subscription(&mut self, subscription: usize) {
        if let Some(forgotten) = self.subscriptions.remove(&subscription) {
            self.forget_webhook(subscription, &forgotten);
            let path = endpoint_path(&forgotten.endpoint);
            if self.endpoints.get(&path) == Some(&subscription) {
                self.endpoints.remove(&path);
            }
        }
    }
}
