//! Looking for mistakes that are none of form: names that nobody knows, values that cannot be, steps without effect.

mod names;
mod values;

use serde_saphyr::Spanned;

pub(super) use self::names::ALWAYS;
use self::names::Names;
use super::document::{Channel, Document, Subscriber};
use super::fault::Fault;
use super::parse::Parsed;
use super::positions::{Node, Place};
use super::problem::Problem;
use super::steps::{Step, StepKind};
use super::suggestion::suggestions;
use super::token::Token;
use crate::judging::hub::RequestKind;
use crate::protocol::{FhircastScope, Version};
use crate::requirement::{Actor, Catalogue, RequirementId};

/// Every mistake in a document whose form is in order.
pub(crate) fn faults(file: &str, source: &str, parsed: &Parsed, catalogue: &Catalogue) -> Vec<Fault> {
    let mut checker = Checker {
        document: &parsed.document,
        tree: &parsed.tree,
        catalogue,
        names: Names::new(&parsed.document),
        found: Vec::new(),
    };
    checker.head();
    for (index, step) in parsed.document.steps.iter().enumerate() {
        checker.step(&step.value, parsed.tree.field("steps").item(index));
    }
    checker.whole();
    let mut found = checker.found;
    found.sort_by_key(|(place, _)| (place.line, place.column));
    found.dedup();
    found
        .into_iter()
        .map(|(place, problem)| Fault::new(file, source, place, problem))
        .collect()
}

pub(super) struct Checker<'d> {
    document: &'d Document,
    tree: &'d Node,
    catalogue: &'d Catalogue,
    pub(super) names: Names<'d>,
    found: Vec<(Place, Problem)>,
}

impl<'d> Checker<'d> {
    pub(super) fn tell(&mut self, place: impl Into<Place>, problem: Problem) {
        self.found.push((place.into(), problem));
    }

    /// A step: what all have, and then what is particular to its kind.
    fn step(&mut self, step: &'d Step, node: &Node) {
        let kind = step.kind();
        for requirement in kind.requirements() {
            self.requirement(requirement);
        }
        self.condition(kind.when());
        let node = node.members().first().map_or(node, |(_, _, inner)| inner);
        kind.check(self, node);
    }

    /// The names that a step saves.
    pub(super) fn saves(&mut self, step: &'d dyn StepKind) {
        for (name, kind) in step.saves() {
            self.save(name, kind, step.when());
        }
    }

    /// The head of the file, before the steps.
    fn head(&mut self) {
        if self.document.title.trim().is_empty() {
            self.tell(self.tree.field("title").place, Problem::Empty("title"));
        }
        if self.document.versions.is_empty() {
            self.tell(self.tree.field("versions").place, Problem::Empty("versions"));
        }
        if self
            .document
            .intrusive
            .as_ref()
            .is_some_and(|why| why.trim().is_empty())
        {
            self.tell(self.tree.field("intrusive").place, Problem::Empty("intrusive"));
        }
        let subscribers = self.tree.field("subscribers");
        for (name, subscriber) in &self.document.subscribers {
            let node = subscribers.field(name);
            if names::is_reserved(name) {
                self.tell(subscribers.key(name), Problem::ReservedName(name.clone()));
            } else if !names::is_name(name) || name.contains('.') {
                self.tell(subscribers.key(name), Problem::BadName(name.clone()));
            }
            if subscriber.events.is_empty() {
                self.tell(node.field("events").place, Problem::Empty("events"));
            }
            for event in &subscriber.events {
                self.event(&event.value, event.referenced.into());
            }
            self.answers(&subscriber.answers, node.field("answers"));
            self.verifying(&subscriber.verifications, node.field("verifications"));
            self.channel(subscriber, node);
            self.token(subscriber, node);
        }
    }

    /// The accesses of a token, which are written as in scopes.
    fn token(&mut self, subscriber: &Subscriber, node: &Node) {
        let Some(Token::Restricted(token)) = &subscriber.token else {
            return;
        };
        for (name, words) in [("may", &token.may), ("may_not", &token.may_not)] {
            for word in words {
                if FhircastScope::access_of(word).is_none() {
                    self.tell(
                        node.field("token").field(name).place,
                        Problem::NoAccess(word.clone()),
                    );
                }
            }
        }
    }

    fn channel(&mut self, subscriber: &Subscriber, node: &Node) {
        for version in &self.document.versions {
            let problem = match (subscriber.channel, version) {
                (Some(Channel::WebSocket), Version::Stu1) => "WebSocket",
                (Some(Channel::Webhook), Version::Stu3) => "webhook",
                _ => continue,
            };
            let problem = Problem::NoSuchChannel {
                channel: problem,
                version: *version,
            };
            self.tell(node.field("channel").place, problem);
        }
    }

    /// Mistakes that only the document as a whole can show.
    fn whole(&mut self) {
        self.versions();
        let steps = &self.document.steps;
        let judges = |step: &Spanned<Step>| {
            let kind = step.value.kind();
            !kind.requirements().is_empty() || kind.records_reading()
        };
        if !steps.iter().any(judges) {
            let place = match steps.is_empty() {
                true => self.tree.field("steps").place,
                false => self.tree.key("steps"),
            };
            self.tell(place, Problem::JudgesNothing);
        }
        for step in steps {
            // A control may come after what it is the control of.
            self.condition(step.value.kind().control());
        }
        for (index, step) in steps.iter().enumerate() {
            let Some(kind) = step.value.kind().must_be_refused() else {
                continue;
            };
            if !steps.iter().any(|step| step.value.kind().must_accept(kind)) {
                let node = self.tree.field("steps").item(index);
                let node = node.members().first().map_or(node, |(_, _, inner)| inner);
                self.tell(node.field("kind").place, Problem::NoCounterpart(kind_name(kind)));
            }
        }
    }

    /// A requirement must be one of some version of the scenario; under a version that does not state it, it is not judged.
    fn requirement(&mut self, requirement: &Spanned<RequirementId>) {
        let id = requirement.value.as_str();
        let versions = &self.document.versions;
        let found = versions
            .iter()
            .filter_map(|version| self.catalogue.get(*version, id));
        let found: Vec<_> = found.collect();
        if versions.is_empty() {
            // That has been reported.
        } else if found.is_empty() {
            let stated = self.catalogue.iter();
            let stated = stated.filter(|requirement| versions.contains(&requirement.version));
            let suggested = suggestions(id, stated.map(|requirement| requirement.id.as_str()));
            let problem = Problem::UnknownRequirement {
                id: id.to_owned(),
                versions: versions.clone(),
                suggestions: suggested.into_iter().map(str::to_owned).collect(),
            };
            self.tell(requirement.referenced, problem);
        } else if let Some(other) = found.iter().find(|stated| stated.actor != Actor::Hub) {
            let problem = Problem::NotTheHubs {
                id: id.to_owned(),
                actor: other.actor,
            };
            self.tell(requirement.referenced, problem);
        }
    }

    /// Under each version, the scenario judges or records something.
    fn versions(&mut self) {
        let steps = &self.document.steps;
        if steps.iter().any(|step| step.value.kind().records_reading()) {
            return;
        }
        let named: Vec<_> = steps
            .iter()
            .flat_map(|step| step.value.kind().requirements())
            .collect();
        let states = |version| {
            named
                .iter()
                .any(|requirement| self.catalogue.get(version, &requirement.value).is_some())
        };
        let versions = self.document.versions.iter().enumerate();
        let without: Vec<_> = versions.filter(|(_, version)| !states(**version)).collect();
        // Where none is judged at all, that has been reported.
        if without.len() == self.document.versions.len() {
            return;
        }
        for (index, version) in without {
            let place = self.tree.field("versions").item(index).place;
            self.found.push((place, Problem::JudgesNothingIn(*version)));
        }
    }
}

fn kind_name(kind: RequestKind) -> &'static str {
    match kind {
        RequestKind::Subscribe => "subscribe",
        RequestKind::Unsubscribe => "unsubscribe",
        RequestKind::Publish => "publish",
    }
}
