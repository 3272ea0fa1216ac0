//! A scenario file as an integration engineer writes it: its head, its subscribers, and its steps (see [`Step`]).
//!
//! Steps and matchers are maps with one key that names their kind. In every string, `${name}` stands for a variable and
//! `${name#/json/pointer}` for a place in its value; a string that is nothing but one such reference takes the value's type.
//!
//! Variables that are always there: `hub_url`, `topic` (the scenario's first topic), `topic.NAME` (a further one),
//! `case.NAME` (the generated ids of a case, see [`super::Publish::case`]), `fhircast.STU1` and the like (whether it is played under
//! that version), and for each subscriber `NAME.topic`, `NAME.name`, `NAME.callback` (of a webhook), and once it has
//! subscribed `NAME.endpoint` (of a WebSocket), `NAME.events` and `NAME.lease_seconds`.

use std::collections::BTreeMap;
use std::fmt::Write;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;
use serde_saphyr::Spanned;

use super::schema::reserved;
use super::steps::Step;
use super::token::Token;
use super::written::{EventText, HttpStatus, Text};
use crate::protocol::Version;
use crate::requirement::Capability;

/// The actions of mock subscribers at a FHIRcast hub, and what must then be seen. docs/scenarios.md explains it with examples;
/// castspec scenarios --check FILE tells what no schema can see.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "castspec scenario")]
pub struct Document {
    /// One sentence: what is shown.
    #[schemars(length(min = 1), regex(pattern = r"\S"))]
    pub title: String,
    /// Why it matters, and the passage of the specification; free text.
    pub description: Option<String>,
    /// The versions that it runs under.
    #[schemars(length(min = 1))]
    pub versions: Vec<Version>,
    /// The capabilities without which the scenario is skipped.
    #[serde(default)]
    pub needs: Vec<Capability>,
    /// How it could disturb others on a hub that is not castspec's own; it is played there only where the target allows that. A
    /// clause, without a full stop.
    #[schemars(regex(pattern = r"\S"))]
    pub intrusive: Option<String>,
    /// Its events are what it is about: where the hub does not grant them, it is skipped. Otherwise the events of an anchor
    /// (Patient, ImagingStudy, Encounter, DiagnosticReport) stand for those of any, and it is played with ones that the hub grants.
    #[serde(default)]
    pub as_written: bool,
    /// The names of topics are what it is about: the identifiers end as they do, behind a beginning that they share. Where the
    /// hub lends topics, or refuses such ones, it is skipped.
    #[serde(default)]
    pub topics_as_written: bool,
    /// The mock subscribers, by name.
    #[serde(default)]
    #[schemars(extend("propertyNames" = json!({"pattern": "^[A-Za-z0-9_-]+$", "not": reserved()})))]
    pub subscribers: BTreeMap<String, Subscriber>,
    /// What happens, in order.
    #[schemars(with = "Vec<Step>", length(min = 1))]
    pub steps: Vec<Spanned<Step>>,
}

/// A mock subscriber.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "subscriber")]
pub struct Subscriber {
    /// `hub.events` that it subscribes to.
    #[schemars(with = "Vec<EventText>", length(min = 1))]
    pub events: Vec<Spanned<String>>,
    /// `subscriber.name`.
    #[schemars(with = "Option<Text>")]
    pub name: Option<String>,
    /// The topic's name within the scenario; those who name none share the first, and `${topic.NAME}` is the real one.
    pub topic: Option<String>,
    /// `hub.lease_seconds` that it asks for.
    pub lease_seconds: Option<u64>,
    /// How it answers notifications; the first rule that fits counts, and 200 where none does.
    #[serde(default)]
    pub answers: Vec<Answer>,
    /// The way that its notifications take; a WebSocket where nothing is said, but a webhook in STU1, which has nothing else.
    pub channel: Option<Channel>,
    /// The query string that its callback has of its own, without the question mark.
    #[schemars(regex(pattern = r"^[^?#\s]*$"))]
    pub callback_query: Option<String>,
    /// `hub.secret` of its webhook; a generated one where nothing is said, and none where it is empty.
    pub secret: Option<String>,
    /// How its callback answers intent verifications; with the challenge where nothing is said.
    #[serde(default)]
    pub verifications: Verifying,
    /// The access token that its requests carry; the target's own where nothing is said. The scenario is skipped where the
    /// target names no such token.
    pub token: Option<Token>,
}

impl Subscriber {
    /// The way that its notifications take under a version.
    pub fn channel_in(&self, version: Version) -> Channel {
        self.channel.unwrap_or(match version {
            Version::Stu1 => Channel::Webhook,
            Version::Stu2 | Version::Stu3 => Channel::WebSocket,
        })
    }
}

/// The way that notifications take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(rename = "channel")]
pub enum Channel {
    /// A WebSocket that the subscriber opens (STU2, STU3).
    WebSocket,
    /// HTTP requests to the subscriber's callback (STU1, STU2).
    Webhook,
}

/// The answer of a callback to intent verifications: 200 with the challenge, but for what is said here.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "verifying")]
pub struct Verifying {
    /// The status, from 200 to 599.
    #[schemars(range(min = 200, max = 599))]
    pub status: Option<u16>,
    /// The body, in which `{challenge}` stands for the challenge.
    pub body: Option<String>,
    /// Redirect to another path of the callback's server, which would answer with the challenge.
    #[serde(default)]
    pub redirect: bool,
    /// Wait before answering, in milliseconds.
    pub after_ms: Option<u64>,
}

/// A rule by which a mock subscriber answers notifications.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(
    rename = "answer-rule",
    extend(
        "if" = json!({"properties": {"never": {"const": true}}, "required": ["never"]}),
        "then" = json!({"properties": {"status": false, "as_text": false, "after_ms": false}}),
    )
)]
pub struct Answer {
    /// The event that it applies to; all, where absent. SyncErrors are always answered with 200 unless named.
    #[schemars(with = "Option<EventText>")]
    pub event: Option<String>,
    /// The status, from 100 to 599.
    #[schemars(with = "Option<HttpStatus>")]
    pub status: Option<u16>,
    /// Write the status as a string.
    #[serde(default)]
    pub as_text: bool,
    /// Wait before answering, in milliseconds.
    pub after_ms: Option<u64>,
    /// Do not answer at all.
    #[serde(default)]
    pub never: bool,
}

impl Answer {
    /// The rule, as it follows "answers".
    pub(super) fn describe(&self) -> String {
        let subject = self.event.as_deref().unwrap_or("everything");
        let manner = match self.never {
            true => "never".to_owned(),
            false => format!(
                "with {}{}",
                self.status.unwrap_or(200),
                match self.as_text {
                    true => " as text",
                    false => "",
                }
            ),
        };
        let delay = self
            .after_ms
            .map_or_else(String::new, |milliseconds| format!(" after {milliseconds} ms"));
        format!("{subject} {manner}{delay}")
    }
}

impl Verifying {
    /// The answer, as it follows "answers intent verifications".
    pub(super) fn describe(&self) -> String {
        let status = self.status.unwrap_or(if self.redirect { 302 } else { 200 });
        let mut text = format!("with {status}");
        match &self.body {
            _ if self.redirect => text.push_str(" and another place, which has the challenge"),
            None => text.push_str(" and the challenge"),
            Some(body) if body.is_empty() => text.push_str(" and nothing"),
            Some(body) => {
                let _ = write!(text, " and '{body}'");
            }
        }
        if let Some(milliseconds) = self.after_ms {
            let _ = write!(text, " after {milliseconds} ms");
        }
        text
    }
}
