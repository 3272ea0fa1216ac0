//! Requested changes: how they are sent, whether they agree with themselves, and what becomes of them (2.3, 2.6, 2.8).

use serde_json::Value;

use super::event::{Event, named, resources, text};
use super::exchange::{Exchange, Observed};
use super::findings::{Breach, Subscriber};
use super::ids;
use super::judge::Judge;
use super::record::Place;
use super::requests::{Asked, Head};
use super::state::{Published, Spot};
use super::unique_members::repeated_member;
use crate::protocol::Action;
use crate::schema::{MessageKind, Sender};

/// A publisher that nothing tells from the others of its topic.
pub(super) const UNKNOWN: &str = "a publisher";

/// A requested change, as the rules on it are given it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Requested<'r> {
    /// Who is judged by it.
    pub(super) who: &'r Subscriber,
    pub(super) topic: &'r str,
    /// The client that it came from, where that is certain.
    pub(super) client: Option<&'r str>,
    /// The launch whose token came with it.
    pub(super) launch: Option<u64>,
    pub(super) event: &'r Event,
    pub(super) spot: Spot,
}

/// A requested change that waits for its answer.
#[derive(Debug)]
pub(super) struct Publication {
    pub(super) event: Event,
    client: Option<String>,
    spot: Spot,
}

impl Judge {
    /// Who requests a change: a subscriber only where that is certain.
    pub(super) fn publisher(&self, topic: &str, client: Option<&str>, event: Option<&Event>) -> Subscriber {
        let of_topic = || {
            self.subscriptions
                .values()
                .filter(|subscription| subscription.who.topic == topic)
        };
        if client.is_some() {
            let newest = of_topic()
                .filter(|subscription| subscription.client.as_deref() == client)
                .max_by_key(|subscription| subscription.requested.sequence);
            if let Some(newest) = newest {
                return newest.who.clone();
            }
        }
        // A SyncError says which subscriber refuses.
        let causes = event.map(Event::causes).unwrap_or_default();
        let named = causes.iter().find_map(|cause| cause.subscriber_name.as_ref());
        if let Some(subscription) =
            named.and_then(|name| of_topic().find(|subscription| subscription.who.name == *name))
        {
            return subscription.who.clone();
        }
        Subscriber {
            name: client.unwrap_or(UNKNOWN).to_owned(),
            topic: topic.to_owned(),
        }
    }

    pub(super) fn publication(
        &mut self,
        exchange: &Exchange,
        id: u64,
        head: &Head,
        message: &Value,
        spot: Spot,
    ) {
        let client = exchange.client.as_deref();
        let event = Event::read(message);
        let topic = event
            .as_ref()
            .and_then(|event| event.topic.clone())
            .unwrap_or_default();
        let who = self.publisher(&topic, client, event.as_ref());
        self.judge_address(&who, ids::PUBLISH_POST, head, "a requested change", spot);
        self.judge_media_type(&who, head, spot);
        if let Observed::Request { body, .. } = &exchange.observed
            && let Ok(text) = std::str::from_utf8(body)
            && let Some(breach) = repeated_member(text, spot.sequence)
        {
            self.broken(&who, ids::HTTP_JSON, breach);
        }
        let mut judgement = self.schemas.judge(MessageKind::Publication, message);
        let name = message.pointer("/event/hub.event").and_then(Value::as_str);
        if let (Some(name), Some(event_json)) = (name, message.get("event")) {
            let context = self
                .schemas
                .judge_context_of(Sender::Subscriber, name, event_json);
            judgement = judgement.join(context, "/event");
        }
        self.findings
            .judgement(&self.record, &who, judgement, spot.sequence);
        self.judge_base_fhir(&who, message, spot);
        self.judge_extensions(&who, message, spot);
        let Some(event) = event else { return };
        let change = Requested {
            who: &who,
            topic: &topic,
            client,
            launch: head.launch,
            event: &event,
            spot,
        };
        match event.action() {
            Some(Action::Open) => self.judge_consistency(&change),
            Some(Action::Close) => {
                self.judge_consistency(&change);
                self.judge_close(&change);
                self.judge_close_after_open(&change);
            }
            Some(Action::Update) => self.judge_update(&change),
            Some(Action::Select) => self.judge_select(&change),
            None => {}
        }
        self.judge_sync_error(&change);
        self.judge_launched_publication(&change);
        self.judge_event_of_subscription(&change);
        self.judge_repetition(&change);
        if let Some(published) = self.published(&event, client, spot) {
            self.topic(&topic).publish(published);
        }
        let publication = Publication {
            event,
            client: client.map(str::to_owned),
            spot,
        };
        self.wait_for_answer(id, Asked::Publication(Box::new(publication)));
    }

    fn published(&self, event: &Event, client: Option<&str>, spot: Spot) -> Option<Published> {
        Some(Published {
            id: event.id.clone()?,
            digest: event.digest(),
            event: event.folded(),
            timestamp: event.timestamp.clone(),
            spot,
            client: client.map(str::to_owned),
            status: None,
            sync_error: None,
        })
    }

    pub(super) fn publication_answered(&mut self, publication: Publication, status: u16, spot: Spot) {
        let topic_name = publication.event.topic.clone().unwrap_or_default();
        let topic = self.topic(&topic_name);
        let sequence = publication.spot.sequence;
        if let Some(published) = topic
            .published
            .iter_mut()
            .find(|published| published.spot.sequence == sequence)
        {
            published.status = Some(status);
        }
        if (200..300).contains(&status) {
            match publication.event.action() {
                Some(Action::Open) => topic.open(&publication.event, publication.spot, true),
                Some(Action::Close) => topic.close(&publication.event, publication.spot),
                _ => {}
            }
        } else if status >= 400 {
            self.rejected(&topic_name, publication.client.as_deref(), spot);
        }
    }

    /// A request of this client was rejected; how it copes is seen by what it does next.
    fn rejected(&mut self, topic: &str, client: Option<&str>, spot: Spot) {
        if client.is_none() {
            return;
        }
        let subscriptions: Vec<usize> = self
            .subscriptions
            .iter()
            .filter(|(_, subscription)| {
                subscription.client.as_deref() == client && subscription.who.topic == topic
            })
            .map(|(at, _)| *at)
            .collect();
        for connection in self.connections.values_mut() {
            if connection
                .subscription
                .is_some_and(|at| subscriptions.contains(&at))
            {
                connection.rejected = Some(spot);
            }
        }
    }

    /// A SyncError about an event was sent: its request was rejected after all.
    pub(super) fn rejected_later(&mut self, topic: &str, event: &str, spot: Spot) {
        let published = self
            .topics
            .get(topic)
            .and_then(|topic| {
                topic
                    .published
                    .iter()
                    .rev()
                    .find(|published| published.id == event)
            })
            .cloned();
        if let Some(published) = published {
            self.rejected(topic, published.client.as_deref(), spot);
            self.expect_repetition(topic, &published, spot);
        }
    }

    fn judge_extensions(&mut self, who: &Subscriber, message: &Value, spot: Spot) {
        let beside = [
            ("/extension", message.get("extension")),
            ("/event/extension", message.pointer("/event/extension")),
        ];
        let mut values: Vec<(String, &Value)> = beside
            .into_iter()
            .filter_map(|(pointer, value)| Some((pointer.to_owned(), value?)))
            .collect();
        let elements = message.pointer("/event/context").and_then(Value::as_array);
        for (index, element) in elements.into_iter().flatten().enumerate() {
            if text(element, "key") == "extension"
                && let Some(members) = element.as_object()
            {
                let others = members.iter().filter(|(name, _)| *name != "key");
                values.extend(others.map(|(name, value)| (format!("/event/context/{index}/{name}"), value)));
            }
        }
        for (pointer, value) in values {
            let breach = (!value.is_object()).then(|| {
                Breach::new(
                    format!("{pointer} is no JSON object; the value of an extension is one"),
                    vec![Place::within(spot.sequence, &pointer)],
                )
            });
            self.judge(who, ids::EXTENSION_OBJECT, breach);
        }
    }

    /// Whether the resources of a context are about the same patient and the same encounter.
    fn judge_consistency(&mut self, change: &Requested<'_>) {
        let Requested { who, event, spot, .. } = *change;
        let all = resources(&event.context);
        let mut breach = None;
        let mut judged = false;
        for (resource_type, members) in [
            ("Patient", ["subject", "patient"]),
            ("Encounter", ["encounter", "context"]),
        ] {
            let present: Vec<&str> = all
                .iter()
                .filter(|(_, resource)| text(resource, "resourceType") == resource_type)
                .map(|(_, resource)| text(resource, "id"))
                .collect();
            let mut first: Option<(&str, String)> = None;
            for (pointer, resource) in &all {
                for member in members {
                    let Some(reference) = resource
                        .get(member)
                        .and_then(|reference| reference.get("reference")?.as_str())
                    else {
                        continue;
                    };
                    let Some((kind, id)) = named(reference).filter(|(kind, _)| *kind == resource_type) else {
                        continue;
                    };
                    judged = true;
                    let pointer = format!("{pointer}/{member}");
                    let other = match &first {
                        _ if !present.is_empty() => {
                            (!present.contains(&id)).then(|| "the event's own".to_owned())
                        }
                        Some((same, _)) if *same == id => None,
                        Some((_, other)) => Some(format!("that of {other}")),
                        None => None,
                    };
                    if let Some(other) = other {
                        breach.get_or_insert_with(|| {
                            Breach::new(
                                format!("{pointer} names {kind}/{id}; expected {other}"),
                                vec![Place::within(spot.sequence, &pointer)],
                            )
                        });
                    }
                    first.get_or_insert((id, pointer));
                }
            }
        }
        if judged {
            self.judge(who, ids::CONTEXT_CONSISTENT, breach);
        }
    }
}
