//! A scenario with the events that a hub grants: what is owed whatever the event is, is tried with one that the hub knows.
//!
//! The events of one anchor take the place of another's, everywhere in the scenario at once: in what subscribers ask for, in
//! what is published, in what must be seen, and in the ids of cases. What subscribers ask for beside that and the hub does not
//! grant is left out, where nothing else in the scenario speaks of it. A scenario that is about its events says so
//! (`as_written`); one that writes the resource of an anchor itself, or judges a requirement of one event, is taken as one that is.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::Value;

use super::anchor::{Anchor, Exchange, events_in, exchanged, in_cases};
use super::library::Scenario;
use crate::protocol::{Action, EventName};
use crate::requirement::Catalogue;

/// Members of a scenario that are for people, or hold names of its own.
const UNSPOKEN: [&str; 12] = [
    "title",
    "description",
    "reading",
    "subject",
    "save",
    "save_whether",
    "of",
    "after",
    "when",
    "by",
    "at",
    "case",
];
/// Matchers whose text may be the key or the type of an anchor.
const WORDS: [&str; 3] = ["equals", "equals_ignoring_case", "differs"];

/// Elements that every resource has.
const COMMON: [&str; 4] = ["extension", "language", "meta", "text"];

/// A scenario as it is played at a hub that does not grant all of its events.
#[derive(Debug, Clone)]
pub struct Adapted {
    /// It.
    pub scenario: Arc<Scenario>,
    /// Whose events stand in the place of whose.
    pub exchange: Exchange,
    /// The events that nobody asks for any more.
    pub left_out: BTreeSet<EventName>,
}

/// The events that a scenario speaks of, and how.
#[derive(Debug, Default)]
struct Spoken {
    /// Those without which it cannot be played.
    needed: BTreeSet<EventName>,
    /// Those that subscribers ask for, or that may mark the end of a silence.
    asked: BTreeSet<EventName>,
    /// The anchors that it speaks of beside its events.
    mentioned: BTreeSet<Anchor>,
    /// The anchors that no other can take the place of.
    kept: BTreeSet<Anchor>,
}

impl Scenario {
    /// The events that it asks for or publishes, whether every hub grants them or not.
    pub fn events(&self) -> &BTreeSet<EventName> {
        self.events.get_or_init(|| {
            let spoken = Spoken::in_scenario(&self.content());
            spoken.needed.into_iter().chain(spoken.asked).collect()
        })
    }

    /// The scenario as a hub can be tried with it that grants these events; `None` where it stays as it is written, because
    /// the hub grants all of its events, or because no others will do.
    pub fn adapted(&self, catalogue: &Catalogue, grants: impl Fn(&EventName) -> bool) -> Option<Adapted> {
        if self.document.as_written {
            return None;
        }
        if self.events().iter().all(&grants) {
            return None;
        }
        let mut content = self.content();
        let spoken = Spoken::in_scenario(&content);
        let exchange = spoken.best_exchange(&grants);
        let other = |event: &EventName| exchanged(event.as_str(), &exchange).parse::<EventName>().ok();
        let is_granted = |event: &EventName| other(event).is_some_and(|event| grants(&event));
        if !spoken.needed.iter().all(is_granted) {
            return None;
        }
        rewrite("", &mut content, &exchange);
        let mut left_out = BTreeSet::new();
        leave_out("", &mut content, &grants, &mut left_out)?;
        let text = content.to_string();
        let scenario = Self::parse(&self.name, &self.name, &text, catalogue);
        let scenario = scenario.map_err(|error| tracing::debug!("{}: {error}", self.name));
        Some(Adapted {
            scenario: Arc::new(scenario.ok()?),
            exchange,
            left_out,
        })
    }

    /// The content of its file.
    fn content(&self) -> Value {
        serde_saphyr::from_str(&self.source).unwrap_or_default()
    }
}

impl Spoken {
    fn in_scenario(content: &Value) -> Self {
        let mut spoken = Self::default();
        spoken.look("", content);
        let events = spoken.needed.iter().chain(&spoken.asked);
        let used: BTreeSet<Anchor> = events.filter_map(Anchor::of).collect();
        // A resource that accompanies the anchor cannot be told from an anchor that takes its place.
        if !spoken.mentioned.is_subset(&used) {
            spoken.kept = used;
        }
        spoken
    }

    fn look(&mut self, name: &str, value: &Value) {
        match value {
            Value::String(text) => self.look_at_text(name, text),
            Value::Array(items) => {
                if let Some(events) = events_of_form(items) {
                    self.asked.extend(events_in(events));
                    return;
                }
                for item in items {
                    self.look(name, item);
                }
            }
            Value::Object(members) => {
                for (member, value) in members {
                    if name == "with"
                        && let Some(anchor) = Anchor::of_key(member)
                    {
                        self.mentioned.insert(anchor);
                        self.kept.extend((!is_of_any_resource(value)).then_some(anchor));
                    }
                    self.look(member, value);
                }
            }
            _ => {}
        }
    }

    fn look_at_text(&mut self, name: &str, text: &str) {
        if UNSPOKEN.contains(&name) {
            return;
        }
        let events = match text.parse::<EventName>() {
            Ok(event) if matches!(name, "events" | "event" | "fence_event") => vec![event],
            _ => events_in(text),
        };
        match name {
            "requirement" | "refused" | "not_before_lease" => {
                self.kept.extend(events.iter().filter_map(Anchor::of));
                return;
            }
            "without" | "key" => self.kept.extend(Anchor::of_key(text)),
            "resourceType" => self.kept.extend(Anchor::of_type(text)),
            "events" | "fence_event" => self.asked.extend(events.clone()),
            _ => self.needed.extend(events.clone()),
        }
        for event in &events {
            if event.is(Action::Update) || event.is(Action::Select) {
                self.kept.extend(Anchor::of(event));
            }
        }
        for (anchor, is_common) in in_cases(text) {
            self.mentioned.insert(anchor);
            if !is_common {
                self.kept.insert(anchor);
            }
        }
        if WORDS.contains(&name) {
            self.mentioned
                .extend(Anchor::of_key(text).or_else(|| Anchor::of_type(text)));
        }
        for anchor in Anchor::ALL {
            if text.contains(&format!("{}/", anchor.resource_type())) {
                self.kept.insert(anchor);
            }
        }
    }

    /// The exchange by which most of the events are granted, and fewest change.
    fn best_exchange(&self, grants: impl Fn(&EventName) -> bool) -> Exchange {
        let events = self.needed.iter().chain(&self.asked);
        let used: BTreeSet<Anchor> = events.filter_map(Anchor::of).collect();
        let (mut best, mut highest) = (Exchange::default(), None);
        for order in orders(&Anchor::ALL) {
            let pairs = Anchor::ALL.into_iter().zip(order);
            let exchange: Exchange = pairs
                .filter(|(from, to)| from != to && used.contains(from))
                .collect();
            if exchange.keys().any(|anchor| self.kept.contains(anchor)) {
                continue;
            }
            let is_granted = |event: &&EventName| {
                let event = exchanged(event.as_str(), &exchange).parse();
                event.is_ok_and(|event| grants(&event))
            };
            let score = (
                self.needed.iter().all(|event| is_granted(&event)),
                self.asked.iter().filter(is_granted).count(),
                Reverse(exchange.len()),
            );
            if highest.is_none_or(|highest| score > highest) {
                (best, highest) = (exchange, Some(score));
            }
        }
        best
    }
}

/// All orders of these, the one that is given first.
fn orders(anchors: &[Anchor]) -> Vec<Vec<Anchor>> {
    if anchors.is_empty() {
        return vec![Vec::new()];
    }
    let mut found = Vec::new();
    for (position, first) in anchors.iter().enumerate() {
        let mut rest = anchors.to_vec();
        rest.remove(position);
        for mut order in orders(&rest) {
            order.insert(0, *first);
            found.push(order);
        }
    }
    found
}

/// The events of a pair of a form that names them.
fn events_of_form(items: &[Value]) -> Option<&str> {
    match items {
        [name, events] if name == "hub.events" => events.as_str(),
        _ => None,
    }
}

fn rewrite(name: &str, value: &mut Value, exchange: &Exchange) {
    match value {
        Value::String(text) if !matches!(name, "title" | "description") => {
            let word = Anchor::of_key(text).or_else(|| Anchor::of_type(text));
            let word = word.filter(|_| WORDS.contains(&name));
            *text = match word.and_then(|anchor| exchange.get(&anchor)) {
                Some(other) if Anchor::of_key(text).is_some() => other.key().to_owned(),
                Some(other) => other.resource_type().to_owned(),
                None => exchanged(text, exchange),
            };
        }
        Value::Array(items) => items.iter_mut().for_each(|item| rewrite(name, item, exchange)),
        Value::Object(members) => {
            for (member, value) in members.iter_mut() {
                rewrite(member, value, exchange);
            }
            if name == "with" {
                let renamed = std::mem::take(members).into_iter().map(|(member, value)| {
                    let other = Anchor::of_key(&member).and_then(|anchor| exchange.get(&anchor));
                    (other.map_or(member, |other| other.key().to_owned()), value)
                });
                *members = renamed.collect();
            }
        }
        _ => {}
    }
}

/// Whether these members of a resource are ones that every resource has.
fn is_of_any_resource(resource: &Value) -> bool {
    let members = resource.as_object();
    members.is_some_and(|members| members.keys().all(|name| COMMON.contains(&name.as_str())))
}

/// Leaves out what is asked for and not granted; `None` where nothing would be asked for.
fn leave_out(
    name: &str,
    value: &mut Value,
    grants: &impl Fn(&EventName) -> bool,
    left_out: &mut BTreeSet<EventName>,
) -> Option<()> {
    let mut keeps = |text: &str| match text.parse::<EventName>() {
        Ok(event) if !grants(&event) => {
            left_out.insert(event);
            false
        }
        _ => true,
    };
    match value {
        Value::Array(items) if name == "events" => {
            items.retain(|item| item.as_str().is_none_or(&mut keeps));
            (!items.is_empty()).then_some(())
        }
        Value::Array(items) if events_of_form(items).is_some() => {
            let events = items.get_mut(1)?;
            let text = events.as_str()?;
            let (mut kept, named) = (Vec::new(), text.split(',').count());
            kept.extend(text.split(',').filter(|event| keeps(event)));
            let is_empty = kept.is_empty() && named > 0;
            let text = kept.join(",");
            *events = Value::String(text);
            (!is_empty).then_some(())
        }
        Value::Array(items) => items
            .iter_mut()
            .try_for_each(|item| leave_out(name, item, grants, left_out)),
        Value::Object(members) => members
            .iter_mut()
            .try_for_each(|(member, value)| leave_out(member, value, grants, left_out)),
        _ => Some(()),
    }
}

#[cfg(test)]
mod tests;
