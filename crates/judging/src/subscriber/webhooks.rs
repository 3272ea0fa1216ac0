//! Requests for webhooks: that each subscription has a callback and a secret of its own, and that an unsubscribe says what the
//! subscription said (STU1 and STU2).

use std::collections::{BTreeSet, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};

use serde_json::Value;
use url::Url;

use super::findings::{Breach, Subscriber};
use super::ids;
use super::judge::{Judge, Question, REMEMBERED};
use super::record::Place;
use super::state::{Connection, Ended, Spot, Subscription, Wanted, Webhook};
use crate::is_loopback;
use crate::protocol::Version;
use crate::schema::Unmet;

/// How many requests of one subscription are remembered beside the first.
const REQUESTS: usize = 8;

/// A URL without its query.
pub(super) fn path_of(url: &str) -> &str {
    url.trim().split('?').next().unwrap_or_default()
}

/// A request for a webhook, or for its end.
#[derive(Debug, Clone)]
pub(super) struct WebhookForm {
    callback: String,
    topic: String,
    name: Option<String>,
    asked: Vec<String>,
    wanted: Wanted,
}

impl WebhookForm {
    /// The request in a form; `None` where its notifications go over a WebSocket.
    pub(super) fn read(version: Version, form: &Value) -> Option<Self> {
        let text = |name: &str| {
            let value = form.get(name).and_then(Value::as_str).map(str::trim);
            value.filter(|value| !value.is_empty())
        };
        let over_socket = text("hub.channel.type").is_some_and(|kind| kind.eq_ignore_ascii_case("websocket"));
        if version == Version::Stu3 || over_socket {
            return None;
        }
        let events = text("hub.events").unwrap_or_default().split(',').map(str::trim);
        let asked: Vec<String> = events
            .filter(|event| !event.is_empty())
            .map(str::to_owned)
            .collect();
        let digest = |secret: &str| {
            let mut hasher = DefaultHasher::new();
            secret.hash(&mut hasher);
            hasher.finish()
        };
        Some(Self {
            callback: text("hub.callback")?.to_owned(),
            topic: text("hub.topic").unwrap_or_default().to_owned(),
            name: text("subscriber.name").map(str::to_owned),
            wanted: Wanted {
                secret: text("hub.secret").map(digest),
                events: asked.iter().map(|event| event.to_ascii_lowercase()).collect(),
                lease: text("hub.lease_seconds").map(str::to_owned),
            },
            asked,
        })
    }
}

impl Judge {
    /// The subscription that a request for a webhook means: the living one of its callback and topic, else the last.
    pub(super) fn webhook_meant(&self, form: &WebhookForm) -> Option<usize> {
        let of_path = self.callbacks.by_path.get(path_of(&form.callback))?;
        let meant = of_path.iter().filter_map(|at| {
            let subscription = self.subscriptions.get(at)?;
            let callback = &subscription.webhook.as_ref()?.callback;
            (*callback == form.callback && subscription.who.topic == form.topic)
                .then_some((subscription.ended.is_none(), *at))
        });
        meant.max().map(|(_, at)| at)
    }

    /// A webhook is asked for; the subscription that the request begins, or goes on with.
    pub(super) fn webhook_asked_for(
        &mut self,
        who: &Subscriber,
        client: Option<&str>,
        form: WebhookForm,
        spot: Spot,
    ) -> usize {
        let meant = self.webhook_meant(&form);
        self.judge_callback(who, &form, meant, spot);
        self.judge_scheme(who, &form, spot);
        self.judge_secret(who, &form, spot);
        self.callbacks.ask_for(&form.callback, &form.topic);
        let living = meant.and_then(|at| self.subscriptions.get_mut(&at));
        if let Some(subscription) = living.filter(|subscription| subscription.ended.is_none())
            && let Some(webhook) = &mut subscription.webhook
        {
            let known: HashSet<&String> = subscription.asked.iter().collect();
            let further = form.asked.into_iter().filter(|event| !known.contains(event));
            let further: Vec<String> = further.collect();
            subscription.asked.extend(further);
            subscription.unsubscribe = None;
            webhook.left = false;
            webhook.wanted.push(form.wanted);
            if webhook.wanted.len() > REQUESTS {
                webhook.wanted.remove(1);
            }
            return meant.unwrap_or(spot.sequence);
        }
        self.begin_webhook(who, client, form, spot)
    }

    fn begin_webhook(
        &mut self,
        who: &Subscriber,
        client: Option<&str>,
        form: WebhookForm,
        spot: Spot,
    ) -> usize {
        let number = spot.sequence;
        let connection = self.callbacks.number();
        let path = path_of(&form.callback).to_owned();
        self.callbacks.by_path.entry(path).or_default().push(number);
        self.connections
            .insert(connection, Connection::of_callback(number, who));
        self.subscriptions.insert(
            number,
            Subscription {
                who: who.clone(),
                client: client.map(str::to_owned),
                endpoint: String::new(),
                asked: form.asked,
                requested: spot,
                answered: spot,
                connected: true,
                unsubscribe: None,
                ended: None,
                replaced: false,
                webhook: Some(Webhook {
                    callback: form.callback,
                    name: form.name,
                    connection,
                    wanted: vec![form.wanted],
                    accepted: false,
                    left: false,
                }),
            },
        );
        number
    }

    fn judge_callback(&mut self, who: &Subscriber, form: &WebhookForm, meant: Option<usize>, spot: Spot) {
        let of_path = self.callbacks.by_path.get(path_of(&form.callback));
        let others = of_path.into_iter().flatten().filter_map(|at| {
            let other = self.subscriptions.get(at)?;
            let webhook = other.webhook.as_ref()?;
            let shared = webhook.callback == form.callback && other.ended.is_none();
            let names = (&webhook.name, &form.name);
            // Under another name it is another subscriber's.
            let differs = Some(*at) != meant || matches!(names, (Some(one), Some(other)) if one != other);
            (shared && differs).then_some(other.requested)
        });
        let breach = others.max_by_key(|other| other.sequence).map(|other| {
            Breach::new(
                "hub.callback is that of another subscription; give each a callback of its own",
                vec![
                    Place::within(other.sequence, "/hub.callback"),
                    Place::within(spot.sequence, "/hub.callback"),
                ],
            )
        });
        self.judge(who, ids::CALLBACK_UNIQUE, breach);
    }

    /// The callback is called over TLS; one on this machine is a test bed (ambiguities, 22).
    fn judge_scheme(&mut self, who: &Subscriber, form: &WebhookForm, spot: Spot) {
        let Ok(callback) = Url::parse(&form.callback) else {
            return;
        };
        let is_secure = callback.scheme() == "https";
        if !is_secure && is_loopback(&callback) && !self.settings.deployment {
            return;
        }
        let unmet = match self.settings.deployment {
            true => Unmet::ByLevel,
            false => Unmet::Warn,
        };
        let breach = (!is_secure).then(|| {
            let message = "hub.callback is no https:// URL: what the hub sends there can be read on its way";
            Breach::new(message, vec![Place::within(spot.sequence, "/hub.callback")]).softened(unmet)
        });
        self.judge(who, ids::HTTPS, breach);
    }

    fn judge_secret(&mut self, who: &Subscriber, form: &WebhookForm, spot: Spot) {
        let Some(secret) = form.wanted.secret else { return };
        let others = self.subscriptions.values().filter(|other| {
            let refused = matches!(other.ended, Some((Ended::Refused, _)));
            other.webhook.as_ref().is_some_and(|webhook| {
                let same = webhook.callback == form.callback && other.who.topic == form.topic;
                let shared = webhook.wanted.iter().any(|wanted| wanted.secret == Some(secret));
                shared && !same && !refused
            })
        });
        let other = others.max_by_key(|other| other.requested.sequence);
        let breach = other.map(|other| {
            Breach::new(
                "hub.secret is that of another subscription; make a new one for each",
                vec![
                    Place::within(other.requested.sequence, "/hub.secret"),
                    Place::within(spot.sequence, "/hub.secret"),
                ],
            )
        });
        self.judge(who, ids::SECRET_UNIQUE, breach);
    }

    /// The end of a webhook is asked for; the subscription that is meant.
    pub(super) fn webhook_left(&mut self, who: &Subscriber, form: &WebhookForm, spot: Spot) -> Option<usize> {
        let meant = self.webhook_meant(form);
        match meant {
            Some(at) => {
                let breach = self
                    .subscriptions
                    .get(&at)
                    .and_then(|subscription| differing(subscription, &form.wanted, spot));
                self.judge(who, ids::UNSUBSCRIBE_MIRRORS, breach);
                if let Some(subscription) = self.subscriptions.get_mut(&at) {
                    subscription.unsubscribe.get_or_insert(spot);
                    if let Some(webhook) = &mut subscription.webhook {
                        webhook.left = true;
                    }
                }
            }
            None if self.was_asked_for(&form.callback, &form.topic) == Some(false) => {
                let other_topic = self.callbacks.by_path.contains_key(path_of(&form.callback));
                let pointer = if other_topic {
                    "/hub.topic"
                } else {
                    "/hub.callback"
                };
                let breach = Breach::new(
                    format!(
                        "{} of the unsubscribe is that of no subscription; send what the request to subscribe said",
                        pointer.trim_start_matches('/')
                    ),
                    vec![Place::within(spot.sequence, pointer)],
                );
                self.broken(who, ids::UNSUBSCRIBE_MIRRORS, breach);
            }
            None => {}
        }
        meant
    }

    /// The hub's answer to a request for a webhook, or for its end.
    pub(super) fn webhook_answered(&mut self, at: usize, unsubscribe: bool, status: u16, spot: Spot) {
        let taken = (200..300).contains(&status);
        let Some(subscription) = self.subscriptions.get_mut(&at) else {
            return;
        };
        if unsubscribe {
            if !taken {
                subscription.unsubscribe = None;
            } else if self.settings.version != Version::Stu1 {
                // Nothing is verified before it is carried out.
                self.end_webhook(at, Ended::Unsubscribed, spot);
            }
        } else if taken {
            subscription.answered = spot;
            self.accept_webhook(at);
        } else if subscription
            .webhook
            .as_ref()
            .is_some_and(|webhook| !webhook.accepted)
        {
            self.end_webhook(at, Ended::Refused, spot);
        }
    }

    fn accept_webhook(&mut self, at: usize) {
        let Some(subscription) = self.subscriptions.get_mut(&at) else {
            return;
        };
        let Some(webhook) = &mut subscription.webhook else {
            return;
        };
        if std::mem::replace(&mut webhook.accepted, true) {
            return;
        }
        let topic = subscription.who.topic.clone();
        self.topic(&topic).subscribers += 1;
    }

    /// A subscriber has confirmed its subscription.
    pub(super) fn confirm_webhook(&mut self, at: usize, granted: Vec<String>, other_case: bool, spot: Spot) {
        self.accept_webhook(at);
        let Some(subscription) = self.subscriptions.get_mut(&at) else {
            return;
        };
        subscription.ended = None;
        let number = subscription.webhook.as_ref().map(|webhook| webhook.connection);
        if let Some(connection) = number.and_then(|number| self.connections.get_mut(&number)) {
            connection.granted = granted;
            connection.other_case = other_case;
            connection.confirmed = Some(spot);
        }
    }

    pub(super) fn end_webhook(&mut self, at: usize, how: Ended, spot: Spot) {
        let Some(subscription) = self.subscriptions.get_mut(&at) else {
            return;
        };
        if subscription.ended.is_some() || (how == Ended::Denied && subscription.unsubscribe.is_some()) {
            return;
        }
        subscription.ended = Some((how, spot));
        self.ask_in(REMEMBERED, Question::ForgetSubscription { subscription: at });
    }

    /// What is known of a webhook goes with its subscription.
    pub(super) fn forget_webhook(&mut self, at: usize, forgotten: &Subscription) {
        let Some(webhook) = &forgotten.webhook else { return };
        self.connections.remove(&webhook.connection);
        let path = path_of(&webhook.callback);
        if let Some(of_path) = self.callbacks.by_path.get_mut(path) {
            of_path.retain(|other| *other != at);
            if of_path.is_empty() {
                self.callbacks.by_path.remove(path);
            }
        }
    }
}

/// What an unsubscribe says otherwise than every request for its subscription.
fn differing(subscription: &Subscription, said: &Wanted, spot: Spot) -> Option<Breach> {
    let webhook = subscription.webhook.as_ref()?;
    let none = |same: &dyn Fn(&Wanted) -> bool| !webhook.wanted.iter().any(same);
    let differing: BTreeSet<&str> = [
        (
            "hub.secret",
            said.secret.is_some() && none(&|wanted| wanted.secret == said.secret),
        ),
        (
            "hub.events",
            !said.events.is_empty() && none(&|wanted| wanted.events == said.events),
        ),
        (
            "hub.lease_seconds",
            said.lease.is_some() && none(&|wanted| wanted.lease == said.lease),
        ),
    ]
    .into_iter()
    .filter_map(|(name, differs)| differs.then_some(name))
    .collect();
    let first = differing.first()?;
    let names: Vec<&str> = differing.iter().copied().collect();
    let pointer = format!("/{first}");
    let breach = Breach::new(
        format!(
            "the unsubscribe differs from the request to subscribe in {}; send the same values",
            names.join(" and ")
        ),
        vec![
            Place::within(subscription.requested.sequence, &pointer),
            Place::within(spot.sequence, &pointer),
        ],
    );
    // Nothing is done with them (ambiguities, 72).
    Some(breach.softened(Unmet::Warn))
}
