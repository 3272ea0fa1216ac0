//! Looking for mistakes that are none of form: names that nobody knows, values that cannot be, steps without effect.

mod names;
mod steps;
mod values;

use serde_saphyr::Spanned;

use self::names::Names;
use super::fault::Fault;
use super::near::nearest_few;
use super::parse::Parsed;
use super::positions::{Node, Place};
use super::problem::Problem;
use super::requirements::named_requirements;
use super::syntax::{
    AnswerExpectation, Channel, Document, RequestKind, StatusExpectation, Step, Subscriber, Token,
};
use crate::protocol::{FhircastScope, Version};
use crate::requirement::{Actor, Catalogue};

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

struct Checker<'d> {
    document: &'d Document,
    tree: &'d Node,
    catalogue: &'d Catalogue,
    names: Names<'d>,
    found: Vec<(Place, Problem)>,
}

impl Checker<'_> {
    fn tell(&mut self, place: impl Into<Place>, problem: Problem) {
        self.found.push((place.into(), problem));
    }

    /// What stands before the steps.
    fn head(&mut self) {
        if self.document.title.trim().is_empty() {
            self.tell(self.tree.field("title").place, Problem::Empty("title"));
        }
        if self.document.versions.is_empty() {
            self.tell(self.tree.field("versions").place, Problem::Empty("versions"));
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

    /// What a token may and may not do is written as in scopes.
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

    /// What only the document as a whole can show.
    fn whole(&mut self) {
        self.versions();
        let steps = &self.document.steps;
        let judges = |step: &Spanned<Step>| {
            !named_requirements(&step.value).is_empty() || matches!(step.value, Step::Observe(_))
        };
        if !steps.iter().any(judges) {
            let place = match steps.is_empty() {
                true => self.tree.field("steps").place,
                false => self.tree.key("steps"),
            };
            self.tell(place, Problem::JudgesNothing);
        }
        for (index, step) in steps.iter().enumerate() {
            let Step::Request(request) = &step.value else {
                continue;
            };
            let Some(kind) = request.kind else { continue };
            if !request.answer.iter().any(expects_refusal) {
                continue;
            }
            if !steps.iter().any(|step| is_counterpart(&step.value, kind)) {
                let node = self.tree.field("steps").item(index).field("request");
                self.tell(node.field("kind").place, Problem::NoCounterpart(kind_name(kind)));
            }
        }
    }

    /// A requirement must be one of some version of the scenario; under a version that does not state it, it is not judged.
    fn requirement(&mut self, requirement: &Spanned<String>) {
        let id = requirement.value.as_str();
        let versions = &self.document.versions;
        let found = versions
            .iter()
            .filter_map(|version| self.catalogue.get(*version, id));
        let found: Vec<_> = found.collect();
        if versions.is_empty() {
            // That has been told.
        } else if found.is_empty() {
            let ids = self
                .catalogue
                .iter()
                .filter(|own| versions.contains(&own.version));
            let near = nearest_few(id, ids.map(|own| own.id.as_str()));
            let problem = Problem::UnknownRequirement {
                id: id.to_owned(),
                versions: versions.clone(),
                near: near.into_iter().map(str::to_owned).collect(),
            };
            self.tell(requirement.referenced, problem);
        } else if let Some(own) = found.iter().find(|own| own.actor != Actor::Hub) {
            let problem = Problem::NotTheHubs {
                id: id.to_owned(),
                actor: own.actor,
            };
            self.tell(requirement.referenced, problem);
        }
    }

    /// Under each version, the scenario judges or records something.
    fn versions(&mut self) {
        let steps = &self.document.steps;
        if steps.iter().any(|step| matches!(step.value, Step::Observe(_))) {
            return;
        }
        let named: Vec<_> = steps
            .iter()
            .flat_map(|step| named_requirements(&step.value))
            .collect();
        let states = |version| {
            named
                .iter()
                .any(|own| self.catalogue.get(version, &own.value).is_some())
        };
        let versions = self.document.versions.iter().enumerate();
        let without: Vec<_> = versions.filter(|(_, version)| !states(**version)).collect();
        // Where none is judged at all, that has been told.
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

fn expects_refusal(expectation: &AnswerExpectation) -> bool {
    match &expectation.status {
        Some(StatusExpectation::Refused) => true,
        Some(StatusExpectation::OneOf(codes)) => !codes.is_empty() && codes.iter().all(|code| *code >= 400),
        _ => false,
    }
}

/// Whether an answer must be accepted; with nothing said of its status, it must.
fn expects_acceptance(expectations: &[AnswerExpectation]) -> bool {
    expectations.iter().all(|own| match &own.status {
        None | Some(StatusExpectation::Accepted) => true,
        Some(StatusExpectation::OneOf(codes)) => codes.iter().all(|code| (200..300).contains(code)),
        Some(StatusExpectation::Refused | StatusExpectation::Any) => false,
    })
}

/// Whether a step has a proper request of this kind that must be accepted.
fn is_counterpart(step: &Step, kind: RequestKind) -> bool {
    match (step, kind) {
        (Step::Subscribe(_), RequestKind::Subscribe) => true,
        (Step::RequestSubscription(step), RequestKind::Subscribe) => expects_acceptance(&step.answer),
        (Step::Unsubscribe(step), RequestKind::Unsubscribe) => expects_acceptance(&step.answer),
        (Step::Publish(step), RequestKind::Publish) => expects_acceptance(&step.answer),
        (Step::Fence(_), RequestKind::Publish) => true,
        (Step::Absent(step), RequestKind::Publish) => !step.quiet,
        (Step::Request(step), kind) => {
            let accepted = |own: &AnswerExpectation| own.status == Some(StatusExpectation::Accepted);
            step.kind == Some(kind) && step.answer.iter().any(accepted)
        }
        _ => false,
    }
}
