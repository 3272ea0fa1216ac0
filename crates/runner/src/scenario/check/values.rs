//! Values: texts with references, matchers, events, statuses.

use std::collections::BTreeMap;

use serde_json::Value;

use super::Checker;
use super::names::Kind;
use crate::protocol::EventName;
use crate::scenario::matcher::{MatcherFault, is_pointer};
use crate::scenario::positions::{Node, Place};
use crate::scenario::problem::Problem;
use crate::scenario::syntax::{Answer, AnswerExpectation, Matcher, Selector, StatusExpectation, Verifying};
use crate::scenario::variables::{Piece, pieces};

impl Checker<'_> {
    pub(super) fn event(&mut self, name: &str, place: Place) {
        if let Err(error) = name.parse::<EventName>() {
            self.tell(place, Problem::EventName(error));
        }
    }

    pub(super) fn status(&mut self, status: u16, place: Place) {
        if !(100..600).contains(&status) {
            self.tell(place, Problem::Status(status));
        }
    }

    pub(super) fn answers(&mut self, rules: &[Answer], node: &Node) {
        for (index, rule) in rules.iter().enumerate() {
            let node = node.item(index);
            if let Some(event) = &rule.event {
                self.event(event, node.field("event").place);
            }
            if let Some(status) = rule.status {
                self.status(status, node.field("status").place);
            }
            if rule.never && (rule.status.is_some() || rule.as_text || rule.after_ms.is_some()) {
                self.tell(node.key("never"), Problem::NeverAndHow);
            }
        }
    }

    pub(super) fn verifying(&mut self, rule: &Verifying, node: &Node) {
        if let Some(status) = rule.status
            && !(200..600).contains(&status)
        {
            let problem = format!("{status} is no status that ends a request: one from 200 to 599 does");
            self.tell(node.field("status").place, Problem::Other(problem));
        }
    }

    pub(super) fn expectations(&mut self, expectations: &[AnswerExpectation], node: &Node) {
        for (index, own) in expectations.iter().enumerate() {
            let node = node.item(index);
            self.condition(&own.when);
            self.places(&own.has, node.field("has"));
            if let Some(StatusExpectation::OneOf(codes)) = &own.status {
                let node = node.field("status").field("one_of");
                if codes.is_empty() {
                    self.tell(node.place, Problem::Empty("one_of"));
                }
                for (index, code) in codes.iter().enumerate() {
                    self.status(*code, node.item(index).place);
                }
            }
            if own.status.is_none()
                && own.content_type.is_none()
                && own.has.is_empty()
                && own.described.is_none()
            {
                self.tell(node.place, Problem::ExpectsNothing);
            }
            if own.unmet.is_some() && own.requirement.is_none() {
                self.tell(node.key("unmet"), Problem::UnmetWithoutRequirement);
            }
        }
    }

    pub(super) fn selector(&mut self, selector: &Selector, node: &Node) {
        if let Some(event) = &selector.event {
            self.event(event, node.field("event").place);
        }
        if let Some(of) = &selector.of {
            self.saved_as(of, &[Kind::Publication], "a publication");
        }
        if let Some(after) = &selector.after {
            self.saved_as(
                after,
                &[Kind::Publication, Kind::Message],
                "a publication or a message",
            );
        }
        self.places(&selector.has, node.field("has"));
    }

    pub(super) fn places(&mut self, has: &BTreeMap<String, Matcher>, node: &Node) {
        for (pointer, matcher) in has {
            let place = node.key(pointer);
            self.text_at(pointer, place);
            if !pointer.starts_with("${") && !is_pointer(pointer) {
                self.tell(place, Problem::Matcher(MatcherFault::Pointer(pointer.clone())));
            }
            self.matcher(matcher, node.field(pointer));
        }
    }

    pub(super) fn matcher(&mut self, matcher: &Matcher, node: &Node) {
        match matcher {
            Matcher::Equals(value) => self.value(value, node.field("equals")),
            Matcher::Differs(value) => self.value(value, node.field("differs")),
            Matcher::OneOf(values) => {
                let node = node.field("one_of");
                if values.is_empty() {
                    self.tell(node.place, Problem::Empty("one_of"));
                }
                for (index, value) in values.iter().enumerate() {
                    self.value(value, node.item(index));
                }
            }
            Matcher::EqualsIgnoringCase(text) => self.text(text, node.field("equals_ignoring_case")),
            Matcher::SameInstant(text) => self.static_text(matcher, text, node.field("same_instant")),
            Matcher::SameEvents(text) => self.static_text(matcher, text, node.field("same_events")),
            Matcher::Matches(text) => self.static_text(matcher, text, node.field("matches")),
            Matcher::Type(_) => {
                if let Err(fault) = matcher.check() {
                    self.tell(node.field("type").place, Problem::Matcher(fault));
                }
            }
            Matcher::Contains(has) => self.places(has, node.field("contains")),
            Matcher::Lacks(has) => self.places(has, node.field("lacks")),
            Matcher::Exists(_) | Matcher::Empty(_) => {}
        }
    }

    /// A matcher's text; without references, what it must be can be seen now.
    fn static_text(&mut self, matcher: &Matcher, text: &str, node: &Node) {
        self.text(text, node);
        let fixed = pieces(text).is_ok_and(|found| found.iter().all(|piece| matches!(piece, Piece::Text(_))));
        if fixed && let Err(fault) = matcher.check() {
            self.tell(node.place, Problem::Matcher(fault));
        }
    }

    pub(super) fn text(&mut self, text: &str, node: &Node) {
        self.text_at(text, node.place);
    }

    fn text_at(&mut self, text: &str, place: Place) {
        match pieces(text) {
            Err(error) => self.tell(place, Problem::Reference(error)),
            Ok(found) => {
                for piece in found {
                    if let Piece::Reference(reference) = piece {
                        self.variable(reference, place);
                    }
                }
            }
        }
    }

    pub(super) fn value(&mut self, value: &Value, node: &Node) {
        match value {
            Value::String(text) => self.text(text, node),
            Value::Array(values) => {
                for (index, own) in values.iter().enumerate() {
                    self.value(own, node.item(index));
                }
            }
            Value::Object(members) => {
                for (name, own) in members {
                    self.value(own, node.field(name));
                }
            }
            _ => {}
        }
    }
}
