//! Looking for mistakes that are no mistakes of syntax: names that nobody knows, values that cannot be, steps without effect.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use serde_saphyr::{Location, Spanned};

use super::fault::Fault;
use super::matcher::{MatcherFault, TYPE_NAMES};
use super::near::nearest;
use super::requirements::named_requirements;
use super::syntax::{
    Answer, AnswerExpectation, Document, Matcher, RequestKind, Selector, StatusExpectation, Step, When,
};
use super::variables::{Condition, Piece, pieces};
use crate::protocol::EventName;
use crate::requirement::{Actor, Catalogue};

/// Variables that are there from the first step on.
const ALWAYS: [&str; 6] = [
    "hub_url",
    "publish_url",
    "publish_type",
    "topic",
    "case",
    "claims",
];

/// Every mistake in a document.
pub fn faults(file: &str, text: &str, document: &Document, catalogue: &Catalogue) -> Vec<Fault> {
    let mut known: BTreeSet<String> = ALWAYS.iter().map(|name| (*name).to_owned()).collect();
    known.extend(document.subscribers.keys().cloned());
    let mut checker = Checker {
        file,
        text,
        document,
        catalogue,
        known,
        saved: BTreeSet::new(),
        here: Location::UNKNOWN,
        faults: Vec::new(),
    };
    checker.head();
    for step in &document.steps {
        checker.here = step.referenced;
        checker.step(&step.value);
    }
    checker.whole();
    checker.faults
}

struct Checker<'d> {
    file: &'d str,
    text: &'d str,
    document: &'d Document,
    catalogue: &'d Catalogue,
    /// Variables that the steps so far have made known.
    known: BTreeSet<String>,
    saved: BTreeSet<String>,
    /// The step in hand.
    here: Location,
    faults: Vec<Fault>,
}

impl Checker<'_> {
    fn fault(&mut self, location: Location, message: impl AsRef<str>) {
        let location = if location.line() == 0 { self.here } else { location };
        self.faults
            .push(Fault::at(self.file, self.text, location, message.as_ref()));
    }

    fn head(&mut self) {
        if self.document.title.trim().is_empty() {
            self.fault(
                Location::UNKNOWN,
                "title: is empty; say in a sentence what is shown",
            );
        }
        if self.document.versions.is_empty() {
            self.fault(
                Location::UNKNOWN,
                "versions: is empty; name at least one of STU1, STU2, STU3",
            );
        }
        for (name, subscriber) in &self.document.subscribers {
            if ALWAYS.contains(&name.as_str()) || name.contains('.') {
                self.fault(
                    Location::UNKNOWN,
                    format!("subscribers: '{name}' cannot name a subscriber; it means something else"),
                );
            }
            if subscriber.events.is_empty() {
                self.fault(
                    Location::UNKNOWN,
                    format!("subscribers: '{name}' has no events to subscribe to"),
                );
            }
            for event in &subscriber.events {
                self.event(&event.value, event.referenced);
            }
            self.answers(&subscriber.answers);
        }
    }

    /// What only the document as a whole can show.
    fn whole(&mut self) {
        let steps = || self.document.steps.iter();
        if steps().all(|step| named_requirements(&step.value).is_empty()) && !self.document.steps.is_empty() {
            let first = self.document.steps[0].referenced;
            let message = "no step judges a requirement; name one beside what is expected, or the scenario shows nothing";
            if !steps().any(|step| matches!(step.value, Step::Subscribe(_) | Step::Publish(_))) {
                self.fault(first, message);
            }
        }
        for step in steps() {
            let Step::Request(request) = &step.value else {
                continue;
            };
            let refused = request
                .answer
                .iter()
                .any(|own| own.status == Some(StatusExpectation::Refused));
            let (Some(kind), true) = (request.kind, refused) else {
                continue;
            };
            let control = steps().any(|step| {
                matches!(
                    (&step.value, kind),
                    (
                        Step::Subscribe(_) | Step::RequestSubscription(_),
                        RequestKind::Subscribe
                    ) | (Step::Unsubscribe(_), RequestKind::Unsubscribe)
                        | (
                            Step::Publish(_) | Step::Fence(_) | Step::Absent(_),
                            RequestKind::Publish
                        )
                )
            });
            if !control {
                self.fault(step.referenced, "a request of this kind must be refused, but the scenario has no proper one that is accepted: a hub that refuses everything would pass");
            }
        }
    }

    fn step(&mut self, step: &Step) {
        for requirement in named_requirements(step) {
            self.requirement(requirement);
        }
        match step {
            Step::Subscribe(names) => {
                if names.is_empty() {
                    self.fault(Location::UNKNOWN, "subscribe: names no subscriber");
                }
                names.iter().for_each(|name| self.subscriber(name));
            }
            Step::RequestSubscription(step) => {
                self.subscriber(&step.by);
                for event in step.events.iter().flatten() {
                    self.event(&event.value, event.referenced);
                }
                step.endpoint.iter().for_each(|text| self.expands(text));
                self.condition(&step.when);
                self.save(step.save.as_ref());
                self.expectations(&step.answer);
            }
            Step::Connect(step) => {
                self.subscriber(&step.subscriber);
                step.endpoint.iter().for_each(|text| self.expands(text));
                self.condition(&step.when);
            }
            Step::Unsubscribe(step) => {
                self.subscriber(&step.by);
                self.condition(&step.when);
                self.save(step.save.as_ref());
                self.expectations(&step.answer);
            }
            Step::Publish(step) => {
                self.subscriber(&step.by);
                self.event(&step.event.value, step.event.referenced);
                for text in [&step.id, &step.timestamp, &step.version].into_iter().flatten() {
                    self.expands(text);
                }
                step.context
                    .iter()
                    .chain(step.event_members.values())
                    .for_each(|value| self.expands_in(value));
                if step.times == Some(0) {
                    self.fault(Location::UNKNOWN, "times: must be at least 1");
                }
                self.condition(&step.when);
                self.save(step.save.as_ref());
                self.expectations(&step.answer);
            }
            Step::Request(step) => {
                self.subscriber(&step.by);
                let bodies = [step.form.is_some(), step.json.is_some(), step.text.is_some()];
                if bodies.iter().filter(|own| **own).count() > 1 {
                    self.fault(
                        step.by.referenced,
                        "give one of form, json and text: a request has one body",
                    );
                }
                if let Some(method) = &step.method
                    && (method.is_empty() || !method.bytes().all(|byte| byte.is_ascii_uppercase()))
                {
                    self.fault(
                        step.by.referenced,
                        format!(
                            "method: '{method}' is no HTTP method; methods are in upper case, such as POST"
                        ),
                    );
                }
                step.url
                    .iter()
                    .chain(step.text.iter())
                    .chain(step.headers.values())
                    .for_each(|text| self.expands(text));
                step.form
                    .iter()
                    .flatten()
                    .for_each(|(_, value)| self.expands(value));
                step.json.iter().for_each(|value| self.expands_in(value));
                self.condition(&step.when);
                self.save(step.save.as_ref());
                self.expectations(&step.answer);
            }
            Step::GetContext(step) => {
                self.subscriber(&step.by);
                step.topic.iter().for_each(|text| self.expands(text));
                self.condition(&step.when);
                self.save(step.save.as_ref());
                self.expectations(&step.answer);
            }
            Step::Discover(step) => {
                self.save(step.save.as_ref());
                self.expectations(&step.answer);
            }
            Step::Expect(step) => {
                self.subscriber(&step.at);
                self.selector(&step.message);
                self.condition(&step.when);
                self.save(step.save.as_ref());
                self.save(step.save_whether.as_ref());
                for check in &step.checks {
                    self.condition(&check.when);
                    self.matchers(&check.has);
                }
            }
            Step::Absent(step) => {
                self.subscriber(&step.at);
                step.fence_by.iter().for_each(|name| self.subscriber(name));
                step.fence_event
                    .iter()
                    .for_each(|event| self.event(&event.value, event.referenced));
                self.selector(&step.message);
                self.condition(&step.when);
            }
            Step::ExpectClose(step) => {
                self.subscriber(&step.at);
                self.condition(&step.when);
            }
            Step::Send(step) => {
                self.subscriber(&step.by);
                let frames = [step.text.is_some(), step.json.is_some(), step.bytes.is_some()];
                if frames.iter().filter(|own| **own).count() != 1 {
                    self.fault(
                        step.by.referenced,
                        "give one of text, json and bytes: a frame has one content",
                    );
                }
                step.text.iter().for_each(|text| self.expands(text));
                step.json.iter().for_each(|value| self.expands_in(value));
            }
            Step::Disconnect(step) => {
                self.subscriber(&step.subscriber);
                if !(1000..=4999).contains(&step.code) {
                    self.fault(
                        step.subscriber.referenced,
                        format!("code: {} is no close code; they go from 1000 to 4999", step.code),
                    );
                }
            }
            Step::Abort(name) => self.subscriber(name),
            Step::Answers(step) => {
                self.subscriber(&step.of);
                self.answers(&step.rules);
                self.condition(&step.when);
            }
            Step::Fence(step) => {
                if step.at.is_empty() {
                    self.fault(Location::UNKNOWN, "fence: names nobody who must see the marker");
                }
                step.at
                    .iter()
                    .chain(step.by.iter())
                    .for_each(|name| self.subscriber(name));
                step.event
                    .iter()
                    .for_each(|event| self.event(&event.value, event.referenced));
            }
            Step::Check(step) => {
                self.expands_in(&step.value);
                self.matcher(&step.is);
                self.condition(&step.when);
            }
            Step::Observe(step) => {
                if step.readings.is_empty() {
                    self.fault(Location::UNKNOWN, "observe: names no reading");
                }
                step.readings.iter().for_each(|own| self.condition(&own.when));
            }
        }
    }

    fn requirement(&mut self, requirement: &Spanned<String>) {
        let id = requirement.value.as_str();
        for version in self.document.versions.clone() {
            match self.catalogue.get(version, id) {
                None => {
                    let ids = self
                        .catalogue
                        .iter()
                        .filter(|own| own.version == version)
                        .map(|own| own.id.as_str());
                    let hint = nearest(id, ids).map_or_else(
                        || "castspec requirements lists them".to_owned(),
                        |near| format!("did you mean '{near}'?"),
                    );
                    self.fault(
                        requirement.referenced,
                        format!("'{id}' is no requirement of {version}; {hint}"),
                    );
                }
                Some(own) if own.actor != Actor::Hub => {
                    let actor = own.actor;
                    self.fault(
                        requirement.referenced,
                        format!("'{id}' binds the {actor}, and a scenario judges the hub"),
                    );
                }
                Some(_) => {}
            }
        }
    }

    fn subscriber(&mut self, name: &Spanned<String>) {
        if self.document.subscribers.contains_key(&name.value) {
            return;
        }
        let near =
            nearest(&name.value, self.document.subscribers.keys().map(String::as_str)).map(str::to_owned);
        let hint = near.map_or_else(
            || "name it under subscribers".to_owned(),
            |near| format!("did you mean '{near}'?"),
        );
        self.fault(
            name.referenced,
            format!("there is no subscriber '{}'; {hint}", name.value),
        );
    }

    fn event(&mut self, name: &str, location: Location) {
        if let Err(error) = name.parse::<EventName>() {
            self.fault(location, error.to_string());
        }
    }

    fn answers(&mut self, answers: &[Answer]) {
        for answer in answers {
            if let Some(event) = &answer.event {
                self.event(event, Location::UNKNOWN);
            }
            if let Some(status) = answer.status
                && !(100..600).contains(&status)
            {
                self.fault(
                    Location::UNKNOWN,
                    format!("status: {status} is no HTTP status; they go from 100 to 599"),
                );
            }
        }
    }

    fn save(&mut self, name: Option<&Spanned<String>>) {
        let Some(name) = name else { return };
        if self.document.subscribers.contains_key(&name.value) || ALWAYS.contains(&name.value.as_str()) {
            self.fault(
                name.referenced,
                format!("'{}' is taken; save under another name", name.value),
            );
        } else if !self.saved.insert(name.value.clone()) {
            self.fault(
                name.referenced,
                format!("'{}' has been saved before; save under another name", name.value),
            );
        }
        self.known.insert(name.value.clone());
    }

    fn expectations(&mut self, expectations: &[AnswerExpectation]) {
        for own in expectations {
            self.condition(&own.when);
            self.matchers(&own.has);
            if let Some(StatusExpectation::OneOf(codes)) = &own.status
                && (codes.is_empty() || codes.iter().any(|code| !(100..600).contains(code)))
            {
                self.fault(
                    Location::UNKNOWN,
                    "status: one_of takes HTTP statuses, from 100 to 599",
                );
            }
            if own.status.is_none()
                && own.content_type.is_none()
                && own.has.is_empty()
                && own.described.is_none()
            {
                let location = own
                    .requirement
                    .as_ref()
                    .map_or(Location::UNKNOWN, |own| own.referenced);
                self.fault(
                    location,
                    "nothing is expected here; give status, content_type, has or described",
                );
            }
        }
    }

    fn selector(&mut self, selector: &Selector) {
        if let Some(event) = &selector.event {
            self.event(event, Location::UNKNOWN);
        }
        for name in selector.of.iter().chain(&selector.after) {
            if !self.saved.contains(&name.value) {
                let near = nearest(&name.value, self.saved.iter().map(String::as_str)).map(str::to_owned);
                let hint = near.map_or_else(String::new, |near| format!("; did you mean '{near}'?"));
                self.fault(
                    name.referenced,
                    format!("nothing has been saved as '{}' so far{hint}", name.value),
                );
            }
        }
        self.matchers(&selector.has);
    }

    fn condition(&mut self, when: &When) {
        let Some(when) = when else { return };
        match Condition::parse(&when.value) {
            None => self.fault(
                when.referenced,
                format!(
                    "'{}' is no condition; write a variable, or 'not' and a variable",
                    when.value
                ),
            ),
            Some(condition) => {
                let name = condition.reference.name.to_owned();
                self.variable(&name, when.referenced);
            }
        }
    }

    fn variable(&mut self, name: &str, location: Location) {
        let known = self.known.iter().any(|own| {
            name == own
                || name
                    .strip_prefix(own.as_str())
                    .is_some_and(|rest| rest.starts_with('.'))
        });
        if !known {
            let hint = nearest(name, self.known.iter().map(String::as_str)).map_or_else(
                || "it must be saved by a step before".to_owned(),
                |near| format!("did you mean '{near}'?"),
            );
            self.fault(location, format!("there is no variable '{name}' here; {hint}"));
        }
    }

    fn expands(&mut self, text: &str) {
        match pieces(text) {
            Err(error) => self.fault(Location::UNKNOWN, error.to_string()),
            Ok(found) => {
                for piece in found {
                    if let Piece::Reference(reference) = piece {
                        self.variable(reference.name, Location::UNKNOWN);
                    }
                }
            }
        }
    }

    fn expands_in(&mut self, value: &Value) {
        match value {
            Value::String(text) => self.expands(text),
            Value::Array(values) => values.iter().for_each(|own| self.expands_in(own)),
            Value::Object(members) => members.values().for_each(|own| self.expands_in(own)),
            _ => {}
        }
    }

    fn matchers(&mut self, has: &BTreeMap<String, Matcher>) {
        for (pointer, matcher) in has {
            self.expands(pointer);
            if !pointer.is_empty() && !pointer.starts_with('/') {
                self.fault(
                    Location::UNKNOWN,
                    MatcherFault::Pointer(pointer.clone()).to_string(),
                );
            }
            self.matcher(matcher);
        }
    }

    fn matcher(&mut self, matcher: &Matcher) {
        match matcher {
            Matcher::Equals(value) | Matcher::Differs(value) => self.expands_in(value),
            Matcher::OneOf(values) => values.iter().for_each(|value| self.expands_in(value)),
            Matcher::EqualsIgnoringCase(text) | Matcher::SameInstant(text) | Matcher::SameEvents(text) => {
                self.expands(text)
            }
            Matcher::Matches(pattern) => {
                if let Err(error) = regex::Regex::new(pattern) {
                    let told = error.to_string();
                    let reason = told
                        .lines()
                        .last()
                        .unwrap_or_default()
                        .trim_start_matches("error: ")
                        .to_owned();
                    self.fault(
                        Location::UNKNOWN,
                        format!("'{pattern}' is no regular expression: {reason}"),
                    );
                }
            }
            Matcher::Type(name) => {
                if !TYPE_NAMES.contains(&name.as_str()) {
                    self.fault(Location::UNKNOWN, MatcherFault::Type(name.clone()).to_string());
                }
            }
            Matcher::Contains(has) | Matcher::Lacks(has) => self.matchers(has),
            Matcher::Exists(_) | Matcher::Empty(_) => {}
        }
    }
}
