//! The rules of a `mutations.yaml`, and which messages they concern.

use std::collections::BTreeMap;

use castspec_fhircast::protocol::Version;
use castspec_fhircast::schema::{MessageKind, Unmet};
use serde::Deserialize;
use serde_json::Value;

use super::change::{Change, JsonType};
use super::pattern::{Pattern, parent};

/// All of a `mutations.yaml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rules {
    /// What breaks a message.
    pub breaks: Vec<Breaking>,
    /// What may vary.
    pub varies: Vec<Varying>,
    /// Requirements that no rule breaks, and why.
    pub unbroken: BTreeMap<String, String>,
    /// Places in the schemas that no rule can violate, and why.
    pub unreachable: BTreeMap<String, String>,
    /// Members that nothing is said about, and why.
    pub free: Vec<Free>,
}

impl Rules {
    /// Reads the rules; a row with a member that its section does not have is an error.
    pub fn read(text: &str) -> Self {
        let rows: BTreeMap<String, Value> = serde_saphyr::from_str(text).unwrap();
        let place = ["versions", "kinds", "events", "at", "beside", "unless", "except"];
        for (section, members) in [
            ("breaks", ["do", "violates", "as", "also"].as_slice()),
            ("varies", &["do", "not_beside_faults"]),
            ("free", &["may", "why"]),
        ] {
            for row in rows[section].as_array().unwrap() {
                for name in row.as_object().unwrap().keys().map(String::as_str) {
                    assert!(
                        place.contains(&name) || members.contains(&name),
                        "{section}: unknown {name} in {row}"
                    );
                }
            }
        }
        serde_saphyr::from_str(text).unwrap()
    }
}

/// The messages and the places in them that a rule is for.
#[derive(Debug, Deserialize)]
pub struct Place {
    /// Only messages of these versions; none for all.
    #[serde(default)]
    versions: Vec<Version>,
    kinds: Vec<String>,
    #[serde(default)]
    events: Vec<String>,
    /// The pointer pattern.
    pub at: String,
    /// Members beside the place without which the rule does not apply.
    #[serde(default)]
    beside: Vec<String>,
    /// Members beside the place (or in it, where something is added to it) with which the rule does not apply.
    #[serde(default)]
    unless: Vec<String>,
    /// Files to which the rule does not apply, with the reason: `<kind>/<file>`.
    #[serde(default)]
    pub except: BTreeMap<String, String>,
}

/// A rule whose mutants must be rejected.
#[derive(Debug, Deserialize)]
pub struct Breaking {
    #[serde(flatten)]
    pub place: Place,
    #[serde(rename = "do")]
    pub change: Change,
    violates: Vec<String>,
    #[serde(default, rename = "as")]
    pub severity: Severity,
    /// What else may be violated: ids, where `*` stands for any text.
    #[serde(default)]
    also: Vec<String>,
}

/// A rule whose mutants must be accepted.
#[derive(Debug, Deserialize)]
pub struct Varying {
    #[serde(flatten)]
    pub place: Place,
    #[serde(rename = "do")]
    pub change: Change,
    /// Why it is not tried beside a fault: it may change what is owed.
    pub not_beside_faults: Option<String>,
}

/// Places that nothing is said about.
#[derive(Debug, Deserialize)]
pub struct Free {
    #[serde(flatten)]
    pub place: Place,
    /// What may be done to them: `drop`, or the types that they may take.
    pub may: Vec<Freedom>,
    /// The reason.
    pub why: String,
}

/// What may be done to a free member.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Freedom {
    Drop,
    Null,
    Boolean,
    Number,
    String,
    Array,
    Object,
}

impl From<JsonType> for Freedom {
    fn from(json: JsonType) -> Self {
        match json {
            JsonType::Null => Self::Null,
            JsonType::Boolean => Self::Boolean,
            JsonType::Number => Self::Number,
            JsonType::String => Self::String,
            JsonType::Array => Self::Array,
            JsonType::Object => Self::Object,
        }
    }
}

/// What the violation must come to.
#[derive(Debug, Default, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    #[default]
    Level,
    Warning,
    Note,
}

impl Severity {
    pub fn unmet(self) -> Unmet {
        match self {
            Self::Level => Unmet::ByLevel,
            Self::Warning => Unmet::Warn,
            Self::Note => Unmet::Note,
        }
    }
}

/// A message of `tests/messages`.
#[derive(Debug)]
pub struct Message {
    pub version: Version,
    pub kind: MessageKind,
    /// The file's name without its ending.
    pub file: String,
    pub value: Value,
}

impl Message {
    /// The message with other content.
    pub fn changed(&self, value: Value) -> Self {
        Self {
            version: self.version,
            kind: self.kind,
            file: self.file.clone(),
            value,
        }
    }

    /// Where it lies in `tests/messages/<version>/valid`.
    pub fn path(&self) -> String {
        format!("{}/{}", self.kind, self.file)
    }

    /// The name of the event in lower case; empty in messages that are about none.
    pub fn event(&self) -> String {
        let name = self.value.pointer("/event/hub.event").and_then(Value::as_str);
        name.unwrap_or_default().to_lowercase()
    }

    /// The id with what depends on the message filled in: `{area}` of the kind, `{sender}`, `{event}`, and `{suffix}` of the
    /// event.
    fn filled(&self, id: &str) -> String {
        let area = match self.kind {
            MessageKind::SubscriptionRequest => "subscribe.request",
            MessageKind::UnsubscribeRequest => "unsubscribe.request",
            MessageKind::SubscriptionResponse => "subscribe.response",
            MessageKind::UnsubscribeResponse => "unsubscribe.response",
            MessageKind::Publication => "publish",
            MessageKind::Configuration => "wellknown",
            MessageKind::CurrentContext => "current",
            MessageKind::WebhookDenial => "denial",
            other => other.name(),
        };
        let event = self.event();
        let suffix = event.rsplit_once('-').map_or("", |(_, suffix)| suffix);
        id.replace("{area}", area)
            .replace("{sender}", self.kind.sender().name())
            .replace("{event}", &event)
            .replace("{suffix}", suffix)
    }
}

impl Place {
    /// The pointers of the places in the message; none where the rule is not for it.
    pub fn pointers(&self, message: &Message) -> Vec<String> {
        let of_version = self.versions.is_empty() || self.versions.contains(&message.version);
        let of_kind = self
            .kinds
            .iter()
            .any(|kind| kind == "all" || kind == message.kind.name());
        let event = message.event();
        let (exclusions, events): (Vec<&String>, Vec<&String>) =
            self.events.iter().partition(|event| event.starts_with('!'));
        let of_event = (events.is_empty()
            || events
                .iter()
                .any(|pattern| is_like(&event, &pattern.to_lowercase())))
            && !exclusions
                .iter()
                .any(|pattern| is_like(&event, &pattern[1..].to_lowercase()));
        if !of_version || !of_kind || !of_event || self.except.contains_key(&message.path()) {
            return Vec::new();
        }
        let mut pointers = Pattern::parse(&self.at).places(&message.value);
        pointers.retain(|pointer| {
            let beside = parent(pointer).and_then(|(holder, _)| message.value.pointer(holder));
            let within = message.value.pointer(pointer);
            let has = |member: &String| beside.is_some_and(|value| value.get(member).is_some());
            self.beside.iter().all(has)
                && !self.unless.iter().any(|member| {
                    [beside, within]
                        .into_iter()
                        .flatten()
                        .any(|value| value.get(member).is_some())
                })
        });
        pointers
    }
}

impl Breaking {
    /// The requirements that a mutant of the message must violate.
    pub fn violated(&self, message: &Message) -> Vec<String> {
        self.violates.iter().map(|id| message.filled(id)).collect()
    }

    /// Whether a mutant of the message may violate that as well.
    pub fn tolerates(&self, message: &Message, id: &str) -> bool {
        self.also
            .iter()
            .any(|pattern| is_like(id, &message.filled(pattern)))
    }
}

/// Whether the text is like the pattern, where `*` stands for any text.
fn is_like(text: &str, pattern: &str) -> bool {
    match pattern.split_once('*') {
        None => text == pattern,
        Some((before, after)) => {
            text.len() >= before.len() + after.len() && text.starts_with(before) && text.ends_with(after)
        }
    }
}
