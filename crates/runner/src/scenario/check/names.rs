//! Which names a scenario has made known at a step: what was saved, who has subscribed, which cases there are.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use serde_saphyr::Spanned;

use super::Checker;
use crate::protocol::Version;
use crate::requirement::Capability;
use crate::scenario::condition::{Condition, ConditionKind};
use crate::scenario::document::{Channel, Document};
use crate::scenario::positions::Place;
use crate::scenario::problem::Problem;
use crate::scenario::selector::{MessageSelector, Selector};
use crate::scenario::steps::SavedKind;
use crate::scenario::suggestion::suggestion;
use crate::scenario::template::new_case;
use crate::scenario::variables::{Literal, Reference};

/// Variables that are there from the first step on.
pub(in crate::scenario) const ALWAYS: [&str; 7] = [
    "hub_url",
    "publish_url",
    "publish_type",
    "topic",
    "case",
    "claims",
    "fhircast",
];
const ANSWER: [&str; 6] = ["status", "accepted", "refused", "headers", "body", "text"];
const PUBLICATION: [&str; 8] = [
    "id",
    "timestamp",
    "event",
    "context",
    "message",
    "accepted",
    "refused",
    "answer",
];
const SUBSCRIBER: [&str; 6] = ["topic", "name", "callback", "endpoint", "events", "lease_seconds"];
/// Members of the HTTP request that brought a message to a callback.
const CALL: [&str; 6] = ["method", "path", "query", "headers", "body", "signature"];
/// Of these, what only a subscription makes known.
const SUBSCRIBED: [&str; 3] = ["endpoint", "events", "lease_seconds"];
const CAPABILITIES: [Capability; 7] = [
    Capability::Webhook,
    Capability::GetCurrentContext,
    Capability::ContentSharing,
    Capability::Selection,
    Capability::DerivedOpenEvents,
    Capability::NonCurrentContextUpdates,
    Capability::Authorization,
];

/// Whether a name is one of those that are always there.
pub(super) fn is_reserved(name: &str) -> bool {
    ALWAYS.contains(&name)
}

/// Whether a reference can write a name.
pub(super) fn is_name(name: &str) -> bool {
    Reference::parse(name).is_some_and(|reference| reference.pointer.is_none())
}

#[derive(Debug)]
struct Saved {
    kind: SavedKind,
    line: u64,
    when: Option<String>,
}

/// The names that are known at a step.
#[derive(Debug)]
pub(in crate::scenario) struct Names<'d> {
    saved: BTreeMap<&'d str, Saved>,
    /// Every name that any step saves, with its line.
    all: BTreeMap<&'d str, u64>,
    subscribed: BTreeSet<&'d str>,
    cases: BTreeSet<&'d str>,
    topics: BTreeSet<&'d str>,
    case_shape: Value,
}

impl<'d> Names<'d> {
    pub(in crate::scenario) fn new(document: &'d Document) -> Self {
        let mut all = BTreeMap::new();
        for step in &document.steps {
            for (name, _) in step.value.kind().saves() {
                all.entry(name.value.as_str())
                    .or_insert_with(|| name.referenced.line());
            }
        }
        Self {
            saved: BTreeMap::new(),
            all,
            subscribed: BTreeSet::new(),
            cases: BTreeSet::from(["a"]),
            topics: document
                .subscribers
                .values()
                .filter_map(|subscriber| subscriber.topic.as_deref())
                .collect(),
            case_shape: new_case(String::new),
        }
    }

    pub(in crate::scenario) fn subscribes(&mut self, name: &'d str) {
        self.subscribed.insert(name);
    }

    pub(in crate::scenario) fn has_case(&mut self, name: &'d str) {
        self.cases.insert(name);
    }
}

fn owned(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

impl<'d> Checker<'d> {
    /// The channels that a subscriber has in the versions of the scenario.
    pub(in crate::scenario) fn channels(&self, name: &str) -> BTreeSet<Channel> {
        let Some(subscriber) = self.document.subscribers.get(name) else {
            return BTreeSet::new();
        };
        let versions = self.document.versions.iter();
        versions.map(|version| subscriber.channel_in(*version)).collect()
    }

    /// A subscriber whose WebSocket is meant.
    pub(in crate::scenario) fn websocket(&mut self, name: &Spanned<String>) {
        self.subscriber(name);
        if self.channels(&name.value).contains(&Channel::Webhook) {
            self.tell(name.referenced, Problem::NoWebSocket(name.value.clone()));
        }
    }

    /// A subscriber whose callback is meant.
    pub(in crate::scenario) fn webhook(&mut self, name: &Spanned<String>) {
        self.subscriber(name);
        if self.channels(&name.value).contains(&Channel::WebSocket) {
            self.tell(name.referenced, Problem::NoCallback(name.value.clone()));
        }
    }

    pub(in crate::scenario) fn subscriber(&mut self, name: &Spanned<String>) {
        if !self.document.subscribers.contains_key(&name.value) {
            let known = self.document.subscribers.keys().map(String::as_str);
            let problem = Problem::UnknownSubscriber {
                name: name.value.clone(),
                suggestion: suggestion(&name.value, known).map(str::to_owned),
            };
            self.tell(name.referenced, problem);
        }
    }

    pub(in crate::scenario) fn save(
        &mut self,
        name: &'d Spanned<String>,
        kind: SavedKind,
        when: Option<&Condition>,
    ) {
        let value = name.value.as_str();
        let when = when.map(Condition::to_string);
        if is_reserved(value) || self.document.subscribers.contains_key(value) {
            self.tell(name.referenced, Problem::ReservedName(value.to_owned()));
        } else if !is_name(value) {
            self.tell(name.referenced, Problem::BadName(value.to_owned()));
        } else if let Some(first) = self.names.saved.get(value) {
            // Under two conditions, one of two steps may be taken.
            let either_or = when.is_some() && first.when.is_some() && when != first.when;
            if !either_or {
                let problem = Problem::SavedTwice {
                    name: value.to_owned(),
                    line: first.line,
                };
                self.tell(name.referenced, problem);
            }
            return;
        }
        let line = name.referenced.line();
        self.names.saved.insert(value, Saved { kind, line, when });
    }

    /// A name that must have been saved, as one of these kinds.
    pub(in crate::scenario) fn saved_as(
        &mut self,
        name: &Spanned<String>,
        kinds: &[SavedKind],
        wanted: &'static str,
    ) {
        let value = name.value.as_str();
        match self.names.saved.get(value) {
            Some(saved) if kinds.contains(&saved.kind) => {}
            Some(saved) => {
                let problem = Problem::OtherKind {
                    name: value.to_owned(),
                    is: saved.kind.describe(),
                    wanted,
                };
                self.tell(name.referenced, problem);
            }
            None => {
                let problem = match self.names.all.get(value) {
                    Some(line) => Problem::UsedTooEarly {
                        name: value.to_owned(),
                        line: *line,
                    },
                    None => Problem::NeverSaved {
                        name: value.to_owned(),
                        suggestion: suggestion(value, self.names.saved.keys().copied()).map(str::to_owned),
                    },
                };
                self.tell(name.referenced, problem);
            }
        }
    }

    pub(in crate::scenario) fn condition(&mut self, when: Option<&Condition>) {
        let Some(condition) = when else { return };
        let (word, conditions) = match &condition.kind {
            ConditionKind::Variable(text) => return self.literal(text, condition.place.into()),
            ConditionKind::All(conditions) => ("all", conditions),
            ConditionKind::Any(conditions) => ("any", conditions),
        };
        if conditions.is_empty() {
            self.tell(condition.place, Problem::Empty(word));
        }
        for condition in conditions {
            self.condition(Some(condition));
        }
    }

    fn literal(&mut self, text: &str, place: Place) {
        let Some(literal) = Literal::parse(text) else {
            return self.tell(place, Problem::Condition(text.to_owned()));
        };
        let name = literal.reference.name;
        match self.names.saved.get(name) {
            Some(saved) if literal.reference.pointer.is_none() && saved.kind != SavedKind::Whether => {
                let problem = Problem::OtherKind {
                    name: name.to_owned(),
                    is: saved.kind.describe(),
                    wanted: "something true or false",
                };
                self.tell(place, problem);
            }
            _ => self.variable(literal.reference, place),
        }
    }

    /// The subscriber of a message: verifications come to callbacks, confirmations over WebSockets.
    pub(in crate::scenario) fn at_channel(&mut self, at: &Spanned<String>, message: &Selector) {
        match message.kind {
            MessageSelector::Verification => self.webhook(at),
            MessageSelector::Confirmation => self.websocket(at),
            _ => self.subscriber(at),
        }
    }

    /// A reference to a variable; what the hub alone can put into it is not looked at.
    pub(in crate::scenario) fn variable(&mut self, reference: Reference<'_>, place: Place) {
        if let Some(problem) = self.unknown(reference) {
            self.tell(place, problem);
        }
    }

    fn unknown(&self, reference: Reference<'_>) -> Option<Problem> {
        let name = reference.name;
        if self.names.saved.contains_key(name) {
            return None;
        }
        let (first, rest) = match name.split_once('.') {
            Some((first, rest)) => (first, Some(rest)),
            None => (name, None),
        };
        let member = |known: &[&str]| unknown_member(first, rest, known);
        match first {
            "hub_url" | "publish_url" | "publish_type" => member(&[]),
            "topic" => {
                let known: Vec<&str> = self.names.topics.iter().copied().collect();
                member(&known)
            }
            "claims" => member(&CAPABILITIES.map(Capability::name)),
            "fhircast" => member(&Version::ALL.map(Version::name)),
            "case" => self.unknown_case(rest),
            _ => {
                if self.document.subscribers.contains_key(first) {
                    return member(&SUBSCRIBER).or_else(|| {
                        let known_later = rest.is_some_and(|rest| SUBSCRIBED.contains(&rest));
                        (known_later && !self.names.subscribed.contains(first)).then(|| {
                            Problem::NotSubscribed {
                                variable: name.to_owned(),
                                subscriber: first.to_owned(),
                            }
                        })
                    });
                }
                match self.names.saved.get(first) {
                    Some(saved) => match saved.kind {
                        SavedKind::Answer => member(&ANSWER),
                        SavedKind::Publication => member(&PUBLICATION),
                        SavedKind::Whether => member(&[]),
                        SavedKind::Message => rest
                            .and_then(|rest| rest.strip_prefix("request."))
                            .and_then(|rest| unknown_member(&format!("{first}.request"), Some(rest), &CALL)),
                    },
                    None => Some(self.never_known(first, name)),
                }
            }
        }
    }

    fn unknown_case(&self, rest: Option<&str>) -> Option<Problem> {
        let rest = rest?;
        let (case, path) = match rest.split_once('.') {
            Some((case, path)) => (case, Some(path)),
            None => (rest, None),
        };
        if !self.names.cases.contains(case) {
            return Some(Problem::UnknownCase(case.to_owned()));
        }
        let mut shape = &self.names.case_shape;
        let mut variable = format!("case.{case}");
        for part in path.into_iter().flat_map(|path| path.split('.')) {
            match shape.get(part) {
                Some(inner) => shape = inner,
                None => {
                    let members = shape.as_object();
                    return Some(Problem::UnknownMember {
                        variable,
                        member: part.to_owned(),
                        known: members.map_or_else(Vec::new, |members| members.keys().cloned().collect()),
                    });
                }
            }
            variable = format!("{variable}.{part}");
        }
        None
    }

    fn never_known(&self, first: &str, name: &str) -> Problem {
        if let Some(line) = self.names.all.get(name).or_else(|| self.names.all.get(first)) {
            return Problem::UsedTooEarly {
                name: first.to_owned(),
                line: *line,
            };
        }
        let known = ALWAYS
            .into_iter()
            .chain(self.document.subscribers.keys().map(String::as_str))
            .chain(self.names.saved.keys().copied());
        Problem::UnknownVariable {
            name: name.to_owned(),
            suggestion: suggestion(first, known).map(str::to_owned),
        }
    }
}

fn unknown_member(variable: &str, rest: Option<&str>, known: &[&str]) -> Option<Problem> {
    let member = rest?.split('.').next()?;
    (!known.contains(&member)).then(|| Problem::UnknownMember {
        variable: variable.to_owned(),
        member: member.to_owned(),
        known: owned(known),
    })
}
