//! `expect`.

use std::collections::BTreeMap;
use std::fmt::Write;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;
use serde_saphyr::Spanned;

use super::{SavedKind, StepKind};
use crate::requirement::RequirementId;
use crate::scenario::bound::Bound;
use crate::scenario::check::Checker;
use crate::scenario::condition::{Condition, When};
use crate::scenario::describe::{describe_places, saved};
use crate::scenario::matcher::Matcher;
use crate::scenario::positions::Node;
use crate::scenario::problem::Problem;
use crate::scenario::selector::Selector;
use crate::scenario::written::{Has, RequirementText, SaveName, SubscriberName, UnmetText};
use crate::schema::Unmet;

/// A message must come.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "expect", extend("dependentRequired" = json!({"unmet": ["requirement"]})))]
pub struct Expect {
    /// Who must receive it.
    #[schemars(with = "SubscriberName")]
    pub at: Spanned<String>,
    /// The message.
    pub message: Selector,
    /// The requirement that its arrival is judged as; without one, the rest of the scenario builds on it.
    #[schemars(with = "Option<RequirementText>")]
    pub requirement: Option<Spanned<RequirementId>>,
    /// A softer verdict than the requirement's level.
    #[schemars(with = "Option<UnmetText>")]
    pub unmet: Option<Unmet>,
    /// How long to wait.
    #[serde(default)]
    pub within: Bound,
    /// Save the message, as JSON.
    #[schemars(with = "Option<SaveName>")]
    pub save: Option<Spanned<String>>,
    /// Judged also where the hub's confirmation does not grant the message's event to the subscriber; a hub may otherwise
    /// grant less than was asked for, and then owes nothing.
    #[serde(default)]
    pub despite_grant: bool,
    /// Save whether it came (true or false), and build nothing on it. False where the step is not taken.
    #[schemars(with = "Option<SaveName>")]
    pub save_whether: Option<Spanned<String>>,
    /// What must hold of it.
    #[serde(default)]
    pub checks: Vec<MessageCheck>,
    /// What must have come about when the scenario ends, else this shows nothing: the same request put right was accepted, or the
    /// same subscriber was notified.
    pub control: When,
    /// The step is taken only on this condition.
    pub when: When,
}

/// What must hold of a message, judged as one requirement.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(
    rename = "message-check",
    extend("anyOf" = json!([{"required": ["has"]}, {"required": ["request"]}]))
)]
pub struct MessageCheck {
    /// The requirement that this is judged as.
    #[schemars(with = "RequirementText")]
    pub requirement: Spanned<RequirementId>,
    /// A softer verdict than the requirement's level.
    #[schemars(with = "Option<UnmetText>")]
    pub unmet: Option<Unmet>,
    /// Places in the message.
    #[serde(default)]
    #[schemars(with = "Has", extend("minProperties" = 1))]
    pub has: BTreeMap<String, Matcher>,
    /// Places in the HTTP request that brought it to a callback: `/method`, `/path`, `/query` (as it was written),
    /// `/headers/NAME` (in lower case), `/body` (as text) and `/signature` (`missing`, `malformed`, `unknown method`, `wrong`,
    /// `right`).
    #[serde(default)]
    #[schemars(with = "Has", extend("minProperties" = 1))]
    pub request: BTreeMap<String, Matcher>,
    /// Judged only on this condition.
    pub when: When,
}

impl MessageCheck {
    fn describe(&self) -> String {
        let of_message = (!self.has.is_empty()).then(|| describe_places(&self.has));
        let of_request =
            (!self.request.is_empty()).then(|| format!("of the request, {}", describe_places(&self.request)));
        let parts: Vec<String> = of_message.into_iter().chain(of_request).collect();
        parts.join(" and ")
    }

    fn check(&self, checker: &mut Checker<'_>, at: &Spanned<String>, node: &Node) {
        checker.condition(self.when.as_ref());
        if self.has.is_empty() && self.request.is_empty() {
            let empty = node.member("has").or_else(|| node.member("request"));
            checker.tell(empty.unwrap_or(node).place, Problem::ExpectsNothing);
        }
        if !self.request.is_empty() {
            checker.webhook(at);
        }
        checker.places(&self.has, node.field("has"));
        checker.places(&self.request, node.field("request"));
    }
}

impl StepKind for Expect {
    fn describe(&self) -> String {
        let verb = match (&self.requirement, &self.save_whether) {
            (None, Some(_)) => "may receive",
            _ => "must receive",
        };
        let mut text = format!("{} {verb} {}", self.at.value, self.message.describe());
        text.push_str(self.within.describe());
        if !self.checks.is_empty() {
            let checks: Vec<String> = self.checks.iter().map(MessageCheck::describe).collect();
            let _ = write!(text, ", in which {}", checks.join("; "));
        }
        text.push_str(&saved(self.save.as_ref()));
        text
    }

    fn check<'d>(&'d self, checker: &mut Checker<'d>, node: &Node) {
        checker.selector(&self.message, node.field("message"));
        checker.at_channel(&self.at, &self.message);
        checker.unmet(self.unmet, self.requirement.as_ref(), node);
        checker.saves(self);
        for (index, check) in self.checks.iter().enumerate() {
            check.check(checker, &self.at, node.field("checks").item(index));
        }
    }

    fn when(&self) -> Option<&Condition> {
        self.when.as_ref()
    }

    fn control(&self) -> Option<&Condition> {
        self.control.as_ref()
    }

    fn saves(&self) -> Vec<(&Spanned<String>, SavedKind)> {
        let message = self.save.iter().map(|name| (name, SavedKind::Message));
        let whether = self.save_whether.iter().map(|name| (name, SavedKind::Whether));
        message.chain(whether).collect()
    }

    fn requirements(&self) -> Vec<&Spanned<RequirementId>> {
        let of_checks = self.checks.iter().map(|check| &check.requirement);
        self.requirement.iter().chain(of_checks).collect()
    }

    fn waits(&self) -> Bound {
        self.within
    }
}
