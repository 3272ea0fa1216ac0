//! The steps of a scenario, one action after the other, each followed by what must then be seen.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::scenario::topic_name;
use super::subscriber_actions::{Acknowledged, Published, SubscriberAction, SubscriberActions};
use crate::protocol::{Action, EventKind, EventName, Version};
use crate::requirement::Catalogue;

/// Answers that took longer than this, in milliseconds, are given as late again.
const LATE_MS: u64 = 1_000;
/// The resources of a case, and what scenarios call them.
const CASE: [(&str, &str); 6] = [
    ("Patient", "patient"),
    ("Encounter", "encounter"),
    ("ImagingStudy", "study"),
    ("DiagnosticReport", "report"),
    ("Observation", "observation"),
    ("Bundle", "bundle"),
];

/// An event that opened a context which has not been closed.
struct Open {
    topic: String,
    event: EventName,
    subject: Option<String>,
    saved: String,
}

pub(super) struct StepWriter<'c> {
    recorded: &'c SubscriberActions,
    version: Version,
    catalogue: &'c Catalogue,
    names: &'c [String],
    steps: Vec<Value>,
    judged: bool,
    /// The subscribers that are subscribed now, with their events.
    active: BTreeMap<usize, Vec<EventName>>,
    /// The rules by which each subscriber answers now.
    rules: BTreeMap<usize, Value>,
    /// The variables of resource ids, by type and id.
    called: BTreeMap<(String, String), String>,
    /// The case that each anchor is of.
    cases: BTreeMap<String, String>,
    /// The name under which each publication was saved, by the event's id.
    saved: BTreeMap<String, String>,
    open: Vec<Open>,
    publisher: BTreeMap<String, String>,
}

impl<'c> StepWriter<'c> {
    pub(super) fn new(
        recorded: &'c SubscriberActions,
        version: Version,
        catalogue: &'c Catalogue,
        names: &'c [String],
    ) -> Self {
        Self {
            recorded,
            version,
            catalogue,
            names,
            steps: Vec::new(),
            judged: false,
            active: BTreeMap::new(),
            rules: BTreeMap::new(),
            called: BTreeMap::new(),
            cases: BTreeMap::new(),
            saved: BTreeMap::new(),
            open: Vec::new(),
            publisher: BTreeMap::new(),
        }
    }

    /// Somebody who is not subscribed published: the name of the topic where it is not the first, and an event.
    pub(super) fn needs_publisher(&self) -> Option<(Option<String>, String)> {
        let (topic, event) = self.publisher.iter().next()?;
        Some((self.topic(topic), event.clone()))
    }

    /// The steps, and whether anything is judged in them.
    pub(super) fn end(self) -> (Vec<Value>, bool) {
        (self.steps, self.judged)
    }

    pub(super) fn action(&mut self, position: usize, action: &SubscriberAction) {
        match action {
            SubscriberAction::Subscribed(subscriber) => self.subscribed(*subscriber),
            SubscriberAction::Refused(subscriber) => {
                let by = self.name(*subscriber);
                self.step(
                    "request_subscription",
                    json!({"by": by, "save": format!("answer-{position}"), "answer": [{"status": "any"}]}),
                );
            }
            SubscriberAction::Resubscribed { subscriber, events } => {
                let by = self.name(*subscriber);
                let mut request = json!({"by": by, "events": events});
                if !self.recorded.subscribers[*subscriber].webhook {
                    request["endpoint"] = format!("${{{by}.endpoint}}").into();
                }
                self.step("request_subscription", request);
                self.active.insert(*subscriber, parsed(events));
            }
            SubscriberAction::Unsubscribed(subscriber) => {
                let by = self.name(*subscriber);
                self.active.remove(subscriber);
                self.step("unsubscribe", json!({"by": by}));
            }
            SubscriberAction::Closed { subscriber, code } => {
                self.active.remove(subscriber);
                let subscriber = self.name(*subscriber);
                self.step("disconnect", json!({"subscriber": subscriber, "code": code}));
            }
            SubscriberAction::Broke(subscriber) => {
                self.active.remove(subscriber);
                let subscriber = self.name(*subscriber);
                self.step("abort", subscriber.into());
            }
            SubscriberAction::RequestedContext { subscriber, topic } => self.context(*subscriber, topic),
            SubscriberAction::Published(published) => self.published(published),
        }
    }

    fn step(&mut self, kind: &str, content: Value) {
        self.steps.push(json!({ kind: content }));
    }

    fn name(&self, subscriber: usize) -> String {
        self.names[subscriber].clone()
    }

    fn topic(&self, topic: &str) -> Option<String> {
        let mut topics: Vec<&str> = Vec::new();
        for subscriber in &self.recorded.subscribers {
            if !topics.contains(&subscriber.topic.as_str()) {
                topics.push(&subscriber.topic);
            }
        }
        let position = topics.iter().position(|known| *known == topic)?;
        (position > 0).then(|| topic_name(position))
    }

    /// A requirement, where the version states it.
    fn judge(&mut self, at: usize, message: Value, requirement: &str) {
        if self.catalogue.get(self.version, requirement).is_none() {
            return;
        }
        let at = self.name(at);
        self.judged = true;
        self.step(
            "expect",
            json!({"at": at, "message": message, "requirement": requirement}),
        );
    }

    fn subscribed(&mut self, subscriber: usize) {
        let recorded = &self.recorded.subscribers[subscriber];
        let name = self.name(subscriber);
        // Whoever subscribes one after the other does so in one step.
        match self
            .steps
            .last_mut()
            .and_then(|last| last.get_mut("subscribe")?.as_array_mut())
        {
            Some(names) => names.push(name.into()),
            None => self.step("subscribe", json!([name])),
        }
        let events = parsed(&recorded.events);
        let latest = self.open.iter().rev().find(|open| open.topic == recorded.topic);
        let latest = latest
            .filter(|open| events.contains(&open.event))
            .map(|open| open.saved.clone());
        self.active.insert(subscriber, events);
        if let Some(saved) = latest {
            self.judge(
                subscriber,
                json!({"kind": "notification", "of": saved}),
                "replay.latest-open",
            );
        }
    }

    fn context(&mut self, subscriber: Option<usize>, topic: &str) {
        let Some(subscriber) = subscriber else { return };
        if self.version != Version::Stu3 {
            return;
        }
        let latest = self.open.iter().rev().find(|open| open.topic == topic);
        let called = latest.and_then(|open| {
            let (resource, _) = open.event.resource()?;
            self.called.get(&(resource, open.subject.clone()?)).cloned()
        });
        let mut step = json!({"by": self.name(subscriber)});
        if let Some(id) = called {
            self.judged = true;
            step["answer"] = json!([{
                "requirement": "current.context-of-latest-open",
                "has": {"/context": {"contains": {"/resource/id": {"equals": id}}}},
            }]);
        }
        self.step("get_context", step);
    }

    fn published(&mut self, published: &Published) {
        let text = |pointer: &str| {
            published
                .message
                .pointer(pointer)
                .and_then(Value::as_str)
                .unwrap_or_default()
        };
        let (id, name) = (text("/id").to_owned(), text("/event/hub.event").to_owned());
        let Ok(event) = name.parse::<EventName>() else {
            return;
        };
        let context = published
            .message
            .pointer("/event/context")
            .cloned()
            .unwrap_or(json!([]));
        self.answers(&id, &name, &published.topic);
        let saved = format!("event-{}", self.saved.len() + 1);
        let by = published
            .by
            .map(|subscriber| self.name(subscriber))
            .unwrap_or_else(|| {
                self.publisher
                    .entry(published.topic.clone())
                    .or_insert_with(|| name.clone());
                "publisher".to_owned()
            });
        let subject = subject(&event, &context);
        let case = self.case(subject.as_deref());
        let mut step = json!({"by": by, "event": name, "case": case, "save": saved});
        step["context"] = self.in_variables(&context, &case);
        let first = self.saved.get(&id).cloned();
        if let Some(first) = &first {
            // Sent again: the hub may tell by the id and the timestamp.
            step["id"] = format!("${{{first}.id}}").into();
            step["timestamp"] = format!("${{{first}.timestamp}}").into();
        } else {
            self.saved.insert(id.clone(), saved.clone());
        }
        let further = further_members(&published.message);
        if !further.is_empty() {
            step["event_members"] = Value::Object(further);
        }
        let accepted = published
            .status
            .is_some_and(|status| (200..300).contains(&status));
        if !accepted {
            step["answer"] = json!([{"status": "any"}]);
        }
        self.step("publish", step);
        if !accepted {
            return;
        }
        self.expect(published, &event, &id, first.as_deref().unwrap_or(&saved));
        self.remember(published, event, subject, saved);
    }

    /// The messages that the event must bring, and their receivers.
    fn expect(&mut self, published: &Published, event: &EventName, id: &str, saved: &str) {
        let of_topic = |subscriber: &usize| self.recorded.subscribers[*subscriber].topic == published.topic;
        let receivers: Vec<usize> = self
            .active
            .iter()
            .filter(|(subscriber, events)| of_topic(subscriber) && events.contains(event))
            .map(|(subscriber, _)| *subscriber)
            .collect();
        let kind = match event.kind() {
            EventKind::SyncError => "sync_error",
            _ => "notification",
        };
        for subscriber in &receivers {
            let requirement = if published.by == Some(*subscriber) {
                "publish.broadcast-to-requester"
            } else if event.is(Action::Update) {
                "content.update-distributed"
            } else {
                "notification.delivered"
            };
            self.judge(*subscriber, json!({"kind": kind, "of": saved}), requirement);
        }
        for refusing in receivers {
            let answered = self.recorded.answers.get(&(refusing, id.to_owned()));
            let requirement = match answered.and_then(|answer| answer.status) {
                Some(409) => "syncerror.on-conflict",
                Some(400..=499) => "syncerror.on-client-error",
                Some(500) => "syncerror.on-server-error",
                Some(501..=599) => "syncerror.on-other-server-error",
                _ => continue,
            };
            let others: Vec<usize> = self
                .active
                .iter()
                .filter(|(subscriber, events)| {
                    **subscriber != refusing
                        && self.recorded.subscribers[**subscriber].topic == published.topic
                        && events.iter().any(|event| event.kind() == EventKind::SyncError)
                })
                .map(|(subscriber, _)| *subscriber)
                .collect();
            for other in others {
                self.judge(other, json!({"kind": "sync_error", "of": saved}), requirement);
            }
        }
    }

    fn remember(&mut self, published: &Published, event: EventName, subject: Option<String>, saved: String) {
        let same = |open: &Open| {
            let types = (open.event.resource(), event.resource());
            let same_type =
                matches!(types, (Some((one, _)), Some((other, _))) if one.eq_ignore_ascii_case(&other));
            open.topic == published.topic && same_type && open.subject == subject
        };
        if event.is(Action::Close) {
            self.open.retain(|open| !same(open));
        }
        if event.is(Action::Open) {
            self.open.retain(|open| !same(open));
            self.open.push(Open {
                topic: published.topic.clone(),
                event,
                subject,
                saved,
            });
        }
    }

    /// Lets the subscribers of a topic answer an event as they did.
    fn answers(&mut self, id: &str, event: &str, topic: &str) {
        let subscribers: Vec<usize> = self.active.keys().copied().collect();
        for subscriber in subscribers {
            if self.recorded.subscribers[subscriber].topic != topic {
                continue;
            }
            let wanted = match self.recorded.answers.get(&(subscriber, id.to_owned())) {
                Some(answer) => rule(answer, event),
                None => continue,
            };
            let now = self.rules.get(&subscriber).cloned().unwrap_or(json!([]));
            if now != wanted {
                let of = self.name(subscriber);
                self.step("answers", json!({"of": of, "rules": wanted}));
                self.rules.insert(subscriber, wanted);
            }
        }
    }

    /// The case of an anchor; a new one for an anchor that is new.
    fn case(&mut self, subject: Option<&str>) -> String {
        let count = self.cases.len();
        match subject {
            Some(subject) => {
                let new = || case_name(count);
                self.cases.entry(subject.to_owned()).or_insert_with(new).clone()
            }
            None => case_name(count.saturating_sub(1)),
        }
    }

    /// The context with variables where ids of resources stand.
    fn in_variables(&mut self, context: &Value, case: &str) -> Value {
        let mut found = Vec::new();
        resources(context, &mut found);
        for (kind, id) in found {
            let key = (kind.clone(), id.clone());
            if self.called.contains_key(&key) {
                continue;
            }
            let Some((_, member)) = CASE.iter().find(|(resource, _)| *resource == kind) else {
                continue;
            };
            let variable = format!("${{case.{case}.{member}.id}}");
            // A case has one of each; a second one keeps its id.
            if !self.called.values().any(|known| *known == variable) {
                self.called.insert(key, variable);
            }
        }
        self.replaced(context, None)
    }

    fn replaced(&self, value: &Value, kind: Option<&str>) -> Value {
        match value {
            Value::Array(items) => items.iter().map(|item| self.replaced(item, None)).collect(),
            Value::Object(members) => {
                let kind = members.get("resourceType").and_then(Value::as_str).or(kind);
                let replaced = members.iter().map(|(name, value)| {
                    let id = match (name.as_str(), value, kind) {
                        ("id", Value::String(id), Some(kind)) => {
                            self.called.get(&(kind.to_owned(), id.clone())).cloned()
                        }
                        ("reference" | "url" | "fullUrl", Value::String(text), _) => self.reference(text),
                        _ => None,
                    };
                    (
                        name.clone(),
                        id.map_or_else(|| self.replaced(value, None), Value::from),
                    )
                });
                Value::Object(replaced.collect())
            }
            other => other.clone(),
        }
    }

    /// `Patient/4711` with a variable for the id.
    fn reference(&self, text: &str) -> Option<String> {
        let (before, id) = text.rsplit_once('/')?;
        let kind = before.rsplit('/').next()?;
        let variable = self.called.get(&(kind.to_owned(), id.to_owned()))?;
        Some(format!("{before}/{variable}"))
    }
}

fn parsed(events: &[String]) -> Vec<EventName> {
    let mut seen = BTreeSet::new();
    events
        .iter()
        .filter(|name| seen.insert(name.to_lowercase()))
        .filter_map(|name| name.parse().ok())
        .collect()
}

fn rule(answer: &Acknowledged, event: &str) -> Value {
    let mut rule = Map::from_iter([("event".to_owned(), event.into())]);
    match answer.status {
        None => {
            rule.insert("never".to_owned(), true.into());
        }
        Some(200) if answer.after_ms < LATE_MS && !answer.as_text => return json!([]),
        Some(status) => {
            rule.insert("status".to_owned(), status.into());
        }
    }
    if answer.as_text {
        rule.insert("as_text".to_owned(), true.into());
    }
    if answer.after_ms >= LATE_MS {
        rule.insert("after_ms".to_owned(), answer.after_ms.into());
    }
    json!([rule])
}

/// `a`, `b`, …, `z`, `a1`, …
fn case_name(position: usize) -> String {
    let letter = char::from(b'a' + u8::try_from(position % 26).unwrap_or(0));
    match position / 26 {
        0 => letter.to_string(),
        round => format!("{letter}{round}"),
    }
}

/// The id of the resource that an event is about.
fn subject(event: &EventName, context: &Value) -> Option<String> {
    let (kind, _) = event.resource()?;
    let mut found = Vec::new();
    resources(context, &mut found);
    let resource = found
        .into_iter()
        .find(|(resource, _)| resource.eq_ignore_ascii_case(&kind));
    resource.map(|(_, id)| id)
}

/// Types and ids of all resources in a context, and of those that it refers to.
fn resources(value: &Value, found: &mut Vec<(String, String)>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| resources(item, found)),
        Value::Object(members) => {
            let text = |name: &str| members.get(name).and_then(Value::as_str);
            if let (Some(kind), Some(id)) = (text("resourceType"), text("id")) {
                found.push((kind.to_owned(), id.to_owned()));
            }
            let referred = text("reference").and_then(|reference| reference.rsplit_once('/'));
            if let Some((before, id)) = referred {
                let kind = before.rsplit('/').next().unwrap_or(before);
                found.push((kind.to_owned(), id.to_owned()));
            }
            members.values().for_each(|member| resources(member, found));
        }
        _ => {}
    }
}

/// Members of the event that castspec does not write by itself.
fn further_members(message: &Value) -> Map<String, Value> {
    const OWN: [&str; 5] = [
        "hub.topic",
        "hub.event",
        "context",
        "context.versionId",
        "versionId",
    ];
    let members = message.get("event").and_then(Value::as_object);
    members
        .into_iter()
        .flatten()
        .filter(|(name, _)| !OWN.contains(&name.as_str()))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}
