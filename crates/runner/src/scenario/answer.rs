//! Expectations of HTTP answers.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer};
use serde_json::json;
use serde_saphyr::Spanned;

use super::condition::When;
use super::describe::describe_places;
use super::matcher::Matcher;
use super::written::{Has, HttpStatus, RequirementText, UnmetText};
use crate::requirement::RequirementId;
use crate::schema::Unmet;

/// What must hold of an HTTP answer, judged as one requirement. Without a requirement, the rest of the scenario builds on it.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(
    rename = "answer-expectation",
    extend(
        "anyOf" = json!([
            {"required": ["status"]},
            {"required": ["content_type"]},
            {"required": ["has"], "properties": {"has": {"minProperties": 1}}},
            {"required": ["described"]},
            {"required": ["refusal"]},
        ]),
        "if" = json!({"required": ["unmet"]}),
        "then" = json!({"anyOf": [{"required": ["requirement"]}, {"required": ["refusal"]}]}),
        "dependentSchemas" = json!({"refusal": {"properties": {
            "requirement": false, "status": false, "content_type": false, "has": false, "described": false,
        }}}),
    )
)]
pub struct AnswerExpectation {
    /// The requirement that this is judged as; without one, the rest of the scenario builds on it.
    #[schemars(with = "Option<RequirementText>")]
    pub requirement: Option<Spanned<RequirementId>>,
    /// A softer verdict than the requirement's level, for readings that may be defended.
    #[schemars(with = "Option<UnmetText>")]
    pub unmet: Option<Unmet>,
    /// The status: a code, or a class of codes.
    pub status: Option<StatusExpectation>,
    /// The media type, without parameters.
    pub content_type: Option<ContentTypeExpectation>,
    /// Places in the JSON body.
    #[serde(default)]
    #[schemars(with = "Has")]
    pub has: BTreeMap<String, Matcher>,
    /// The body has something in it, whatever its type.
    pub described: Option<bool>,
    /// The hub must refuse the request in the way that the specification asks for: three expectations in one word. The status
    /// is judged as `KIND.refusal-status` (which `unmet` softens), and, of a refusal, the description in the body as
    /// `KIND.refusal-description` and its media type as `KIND.refusal-plain-text`.
    #[schemars(with = "Option<Refused>")]
    pub refusal: Option<Spanned<Refused>>,
    /// Judged only on this condition.
    pub when: When,
    /// Judged only where the hub refused the request.
    #[serde(skip)]
    pub of_refusal: bool,
}

/// The kind of a request whose refusal has requirements of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "refused-request")]
pub enum Refused {
    /// A subscription.
    Subscribe,
    /// The end of a subscription.
    Unsubscribe,
}

/// The status that an answer may have.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "status-expectation")]
pub enum StatusExpectation {
    /// Any 2xx.
    Accepted,
    /// Any 4xx or 5xx but those that say that nobody looked at the request (408, 429, 502, 503, 504).
    Refused,
    /// Accepted or refused, but some answer.
    Any,
    /// One of these codes.
    OneOf(#[schemars(with = "Vec<HttpStatus>", length(min = 1))] Vec<u16>),
}

/// The media type that an answer may have.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "content-type")]
pub enum ContentTypeExpectation {
    /// `application/json`; a missing header only warns (ambiguities, 5).
    Json,
    /// `text/plain`, or JSON: `application/json`, `application/problem+json`, `application/fhir+json` (ambiguities, 5).
    ErrorText,
}

/// Reads a list of expectations; `refusal` is spelled out.
pub(super) fn expectations<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<AnswerExpectation>, D::Error> {
    let written = Vec::<AnswerExpectation>::deserialize(deserializer)?;
    let spelled_out = written.into_iter().flat_map(AnswerExpectation::spelled_out);
    Ok(spelled_out.collect())
}

impl AnswerExpectation {
    /// Whether nothing is expected.
    pub(super) fn is_empty(&self) -> bool {
        self.status.is_none()
            && self.content_type.is_none()
            && self.has.is_empty()
            && self.described.is_none()
    }

    /// The expectations that `refusal` stands for. Beside others, which is a mistake, it is left as it is.
    fn spelled_out(self) -> Vec<Self> {
        let Some(refusal) = &self.refusal else {
            return vec![self];
        };
        if !self.is_empty() || self.requirement.is_some() {
            return vec![self];
        }
        let kind = match refusal.value {
            Refused::Subscribe => "subscribe",
            Refused::Unsubscribe => "unsubscribe",
        };
        let expected = |name: &str, of_refusal: bool| Self {
            requirement: Some(Spanned::new(
                RequirementId::new(format!("{kind}.refusal-{name}")),
                refusal.referenced,
                refusal.defined,
            )),
            when: self.when.clone(),
            of_refusal,
            ..Self::default()
        };
        vec![
            Self {
                status: Some(StatusExpectation::Refused),
                unmet: self.unmet,
                ..expected("status", false)
            },
            Self {
                described: Some(true),
                ..expected("description", true)
            },
            Self {
                content_type: Some(ContentTypeExpectation::ErrorText),
                ..expected("plain-text", true)
            },
        ]
    }

    /// Whether the hub must refuse the request.
    pub(super) fn demands_refusal(&self) -> bool {
        match &self.status {
            Some(StatusExpectation::Refused) => true,
            Some(StatusExpectation::OneOf(codes)) => {
                !codes.is_empty() && codes.iter().all(|code| *code >= 400)
            }
            _ => false,
        }
    }

    fn describe(&self) -> Vec<String> {
        let mut parts = Vec::new();
        match &self.status {
            Some(StatusExpectation::Accepted) => parts.push("be accepted".to_owned()),
            Some(StatusExpectation::Refused) => parts.push("be refused".to_owned()),
            Some(StatusExpectation::Any) => parts.push("be answered".to_owned()),
            Some(StatusExpectation::OneOf(codes)) => {
                let codes: Vec<String> = codes.iter().map(u16::to_string).collect();
                parts.push(format!("be answered with {}", codes.join(" or ")));
            }
            None => {}
        }
        match self.content_type {
            Some(ContentTypeExpectation::Json) => parts.push("be answered in JSON".to_owned()),
            Some(ContentTypeExpectation::ErrorText) => parts.push("be answered in text or JSON".to_owned()),
            None => {}
        }
        if !self.has.is_empty() {
            parts.push(format!("have an answer in which {}", describe_places(&self.has)));
        }
        if self.described == Some(true) {
            parts.push("have an answer that says why".to_owned());
        }
        parts
    }
}

/// The expectations of an answer, as they follow the sentence about the request.
pub(super) fn describe_answer(expectations: &[AnswerExpectation]) -> String {
    let parts: Vec<String> = expectations
        .iter()
        .flat_map(AnswerExpectation::describe)
        .collect();
    match parts.is_empty() {
        true => String::new(),
        false => format!(", which must {}", parts.join(" and ")),
    }
}

/// The requirements that an answer is judged by.
pub(super) fn answer_requirements(expectations: &[AnswerExpectation]) -> Vec<&Spanned<RequirementId>> {
    expectations
        .iter()
        .filter_map(|expectation| expectation.requirement.as_ref())
        .collect()
}

/// Whether an answer must be accepted; with nothing said of its status, it must.
pub(super) fn must_be_accepted(expectations: &[AnswerExpectation]) -> bool {
    expectations.iter().all(|expectation| match &expectation.status {
        None | Some(StatusExpectation::Accepted) => true,
        Some(StatusExpectation::OneOf(codes)) => codes.iter().all(|code| (200..300).contains(code)),
        Some(StatusExpectation::Refused | StatusExpectation::Any) => false,
    })
}
