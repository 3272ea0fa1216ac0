//! Values: texts with references, matchers, events, statuses.

use std::collections::BTreeMap;

use serde_json::Value;
use serde_saphyr::Spanned;

use super::Checker;
use crate::protocol::EventName;
use crate::requirement::RequirementId;
use crate::scenario::answer::{AnswerExpectation, StatusExpectation};
use crate::scenario::document::{Answer, Verifying};
use crate::scenario::matcher::{Matcher, MatcherFault, is_pointer};
use crate::scenario::positions::{Node, Place};
use crate::scenario::problem::Problem;
use crate::scenario::selector::Selector;
use crate::scenario::steps::SavedKind;
use crate::scenario::variables::{Piece, pieces};
use crate::schema::Unmet;

impl Checker<'_> {
    pub(in crate::scenario) fn event(&mut self, name: &str, place: Place) {
        if let Err(error) = name.parse::<EventName>() {
            self.tell(place, Problem::EventName(error));
        }
    }

    pub(in crate::scenario) fn status(&mut self, status: u16, place: Place) {
        if !(100..600).contains(&status) {
            self.tell(place, Problem::Status(status));
        }
    }

    pub(in crate::scenario) fn answers(&mut self, rules: &[Answer], node: &Node) {
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

    pub(in crate::scenario) fn verifying(&mut self, rule: &Verifying, node: &Node) {
        if let Some(status) = rule.status
            && !(200..600).contains(&status)
        {
            let problem = format!("{status} is no status that ends a request: one from 200 to 599 does");
            self.tell(node.field("status").place, Problem::Other(problem));
        }
    }

    pub(in crate::scenario) fn expectations(&mut self, expectations: &[AnswerExpectation], node: &Node) {
        let mut items = 0;
        for expectation in expectations {
            // What a refusal stands for comes from one item.
            items += usize::from(!expectation.of_refusal);
            self.expectation(expectation, node.item(items.saturating_sub(1)));
        }
    }

    fn expectation(&mut self, expectation: &AnswerExpectation, node: &Node) {
        self.condition(expectation.when.as_ref());
        self.places(&expectation.has, node.field("has"));
        if let Some(StatusExpectation::OneOf(codes)) = &expectation.status {
            let node = node.field("status").field("one_of");
            if codes.is_empty() {
                self.tell(node.place, Problem::Empty("one_of"));
            }
            for (index, code) in codes.iter().enumerate() {
                self.status(*code, node.item(index).place);
            }
        }
        if expectation.refusal.is_some() {
            self.tell(node.key("refusal"), Problem::RefusalAndMore);
        } else if expectation.is_empty() {
            self.tell(node.place, Problem::ExpectsNothing);
        }
        if expectation.refusal.is_none() {
            self.unmet(expectation.unmet, expectation.requirement.as_ref(), node);
        }
    }

    /// A softer verdict needs a requirement that it is the verdict on.
    pub(in crate::scenario) fn unmet(
        &mut self,
        unmet: Option<Unmet>,
        requirement: Option<&Spanned<RequirementId>>,
        node: &Node,
    ) {
        if unmet.is_some() && requirement.is_none() {
            self.tell(node.key("unmet"), Problem::UnmetWithoutRequirement);
        }
    }

    pub(in crate::scenario) fn optional_text(&mut self, text: Option<&str>, node: &Node) {
        if let Some(text) = text {
            self.text(text, node);
        }
    }

    pub(in crate::scenario) fn selector(&mut self, selector: &Selector, node: &Node) {
        if let Some(event) = &selector.event {
            self.event(event, node.field("event").place);
        }
        if let Some(of) = &selector.of {
            self.saved_as(of, &[SavedKind::Publication], "a publication");
        }
        if let Some(after) = &selector.after {
            self.saved_as(
                after,
                &[SavedKind::Publication, SavedKind::Message],
                "a publication or a message",
            );
        }
        self.places(&selector.has, node.field("has"));
    }

    pub(in crate::scenario) fn places(&mut self, has: &BTreeMap<String, Matcher>, node: &Node) {
        for (pointer, matcher) in has {
            let place = node.key(pointer);
            self.text_at(pointer, place);
            if !pointer.starts_with("${") && !is_pointer(pointer) {
                self.tell(place, Problem::Matcher(MatcherFault::Pointer(pointer.clone())));
            }
            self.matcher(matcher, node.field(pointer));
        }
    }

    pub(in crate::scenario) fn matcher(&mut self, matcher: &Matcher, node: &Node) {
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
            Matcher::Unguessable(text) => self.text(text, node.field("unguessable")),
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
        let fixed =
            pieces(text).is_ok_and(|pieces| pieces.iter().all(|piece| matches!(piece, Piece::Text(_))));
        if fixed && let Err(fault) = matcher.check() {
            self.tell(node.place, Problem::Matcher(fault));
        }
    }

    pub(in crate::scenario) fn text(&mut self, text: &str, node: &Node) {
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

    pub(in crate::scenario) fn value(&mut self, value: &Value, node: &Node) {
        match value {
            Value::String(text) => self.text(text, node),
            Value::Array(values) => {
                for (index, item) in values.iter().enumerate() {
                    self.value(item, node.item(index));
                }
            }
            Value::Object(members) => {
                for (name, member) in members {
                    self.value(member, node.field(name));
                }
            }
            _ => {}
        }
    }
}
