//! `request`.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};
use serde_saphyr::Spanned;

use super::{SavedKind, StepKind};
use crate::judging::hub::RequestKind;
use crate::requirement::RequirementId;
use crate::scenario::answer::{
    AnswerExpectation, StatusExpectation, answer_requirements, describe_answer, expectations,
};
use crate::scenario::check::Checker;
use crate::scenario::condition::{Condition, When};
use crate::scenario::positions::Node;
use crate::scenario::problem::Problem;
use crate::scenario::written::{AnyValue, RequestKindText, SaveName, SubscriberName, Text};

/// Any HTTP request.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(
    rename = "request",
    extend("not" = json!({"anyOf": [
        {"required": ["form", "json"]},
        {"required": ["form", "text"]},
        {"required": ["json", "text"]},
        {"required": ["form", "padding"]},
        {"required": ["json", "padding"]},
    ]}))
)]
pub struct Request {
    /// Whose request it is; its token is sent.
    #[schemars(with = "SubscriberName")]
    pub by: Spanned<String>,
    /// The method; POST where none is named.
    #[schemars(regex(pattern = "^[A-Z]+$"))]
    pub method: Option<String>,
    /// The URL; `hub.url` where none is named. `${publish_url}` is where events are published.
    #[schemars(with = "Option<Text>")]
    pub url: Option<String>,
    /// Headers, in place of those that the body calls for.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, Text>")]
    pub headers: BTreeMap<String, String>,
    /// A form, as pairs in order; a name may stand twice.
    #[schemars(with = "Option<Vec<(Text, Text)>>")]
    pub form: Option<Vec<(String, String)>>,
    /// A JSON body.
    #[schemars(with = "Option<AnyValue>")]
    pub json: Option<Value>,
    /// A body of any text.
    #[schemars(with = "Option<Text>")]
    pub text: Option<String>,
    /// A body of this many bytes of padding after what `text` holds.
    pub padding: Option<usize>,
    /// The kind of request that this spoils, for telling a hub that refuses it from one that refuses everything: a refusal
    /// counts only where the scenario also sees a proper request of that kind accepted.
    #[schemars(with = "Option<RequestKindText>")]
    pub kind: Option<RequestKind>,
    /// Save the answer: `status`, `accepted`, `refused`, `headers`, `body` (JSON) and `text`.
    #[schemars(with = "Option<SaveName>")]
    pub save: Option<Spanned<String>>,
    /// What must hold of the answer.
    #[serde(default, deserialize_with = "expectations")]
    #[schemars(with = "Vec<AnswerExpectation>")]
    pub answer: Vec<AnswerExpectation>,
    /// The step is taken only on this condition.
    pub when: When,
}

impl StepKind for Request {
    fn describe(&self) -> String {
        let body = match (&self.form, &self.json, &self.text) {
            (Some(_), _, _) => "a form",
            (_, Some(_), _) => "JSON",
            (_, _, Some(_)) => "a text",
            _ => "nothing",
        };
        format!(
            "{} sends {body} by {} to {}{}",
            self.by.value,
            self.method.as_deref().unwrap_or("POST"),
            self.url.as_deref().unwrap_or("hub.url"),
            describe_answer(&self.answer)
        )
    }

    fn check<'d>(&'d self, checker: &mut Checker<'d>, node: &Node) {
        checker.subscriber(&self.by);
        self.check_body(checker, node);
        if let Some(method) = &self.method
            && (method.is_empty() || !method.bytes().all(|byte| byte.is_ascii_uppercase()))
        {
            checker.tell(node.field("method").place, Problem::Method(method.clone()));
        }
        checker.optional_text(self.url.as_deref(), node.field("url"));
        checker.optional_text(self.text.as_deref(), node.field("text"));
        for (name, value) in &self.headers {
            checker.text(value, node.field("headers").field(name));
        }
        for (index, (name, value)) in self.form.iter().flatten().enumerate() {
            let pair = node.field("form").item(index);
            checker.text(name, pair.item(0));
            checker.text(value, pair.item(1));
        }
        if let Some(value) = &self.json {
            checker.value(value, node.field("json"));
        }
        checker.saves(self);
        checker.expectations(&self.answer, node.field("answer"));
    }

    fn when(&self) -> Option<&Condition> {
        self.when.as_ref()
    }

    fn saves(&self) -> Vec<(&Spanned<String>, SavedKind)> {
        self.save.iter().map(|name| (name, SavedKind::Answer)).collect()
    }

    fn requirements(&self) -> Vec<&Spanned<RequirementId>> {
        answer_requirements(&self.answer)
    }

    fn must_be_refused(&self) -> Option<RequestKind> {
        self.kind
            .filter(|_| self.answer.iter().any(AnswerExpectation::demands_refusal))
    }

    fn must_accept(&self, kind: RequestKind) -> bool {
        let accepted =
            |expectation: &AnswerExpectation| expectation.status == Some(StatusExpectation::Accepted);
        self.kind == Some(kind) && self.answer.iter().any(accepted)
    }
}

impl Request {
    fn check_body(&self, checker: &mut Checker<'_>, node: &Node) {
        let bodies = [
            ("form", self.form.is_some()),
            ("json", self.json.is_some()),
            ("text", self.text.is_some()),
        ];
        let given: Vec<&str> = bodies
            .iter()
            .filter_map(|(name, given)| given.then_some(*name))
            .collect();
        if let [_, second, ..] = given.as_slice() {
            let problem = Problem::Bodies("a request has one body: form, json or text");
            checker.tell(node.key(second), problem);
        } else if self.padding.is_some() && matches!(given.as_slice(), ["form" | "json"]) {
            let problem = Problem::Bodies("padding follows a text, not a form or JSON");
            checker.tell(node.key("padding"), problem);
        }
    }
}
