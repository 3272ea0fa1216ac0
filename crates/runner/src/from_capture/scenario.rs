//! A conversation written down in the scenario language.

use serde_json::{Map, Value, json};

use super::conversation::{Act, Conversation};
use super::steps::Writer;
use crate::protocol::Version;
use crate::requirement::Catalogue;
use crate::scenario::{Scenario, ScenarioErrors};

/// Names that a subscriber of a scenario cannot have.
const RESERVED: [&str; 8] = [
    "hub_url",
    "publish_url",
    "publish_type",
    "topic",
    "case",
    "claims",
    "fhircast",
    "publisher",
];

/// No scenario can be made of a capture.
#[derive(Debug, thiserror::Error)]
pub enum ReproductionError {
    /// Nobody subscribed.
    #[error(
        "nobody subscribes in the capture, so no scenario can be made of it: record from before the applications start"
    )]
    NoSubscription,
    /// Nothing happened that a hub must do something about.
    #[error(
        "no event is published in the capture that a subscriber of it is subscribed to, so there is nothing that a hub must do"
    )]
    Nothing,
    /// What was made is no scenario: a fault of castspec.
    #[error("what was made of the capture is no scenario; please report it:\n{0}")]
    Faulty(ScenarioErrors),
    /// It cannot be written as YAML.
    #[error("the scenario cannot be written as YAML: {0}")]
    Yaml(String),
}

/// A scenario, as YAML, that does what the subscribers of the capture did, and demands what the specification does.
///
/// # Errors
/// When the capture holds nothing that a scenario could be made of.
pub fn to_scenario(
    conversation: &Conversation,
    version: Version,
    catalogue: &Catalogue,
    title: &str,
) -> Result<String, ReproductionError> {
    let subscribed = conversation
        .acts
        .iter()
        .any(|act| matches!(act, Act::Subscribed(_) | Act::Asked(_)));
    if !subscribed {
        return Err(ReproductionError::NoSubscription);
    }
    let names = names(conversation);
    let mut writer = Writer::new(conversation, version, catalogue, &names);
    for (position, act) in conversation.acts.iter().enumerate() {
        writer.act(position, act);
    }
    let needs_publisher = writer.needs_publisher();
    let (steps, judged) = writer.end();
    if !judged {
        return Err(ReproductionError::Nothing);
    }
    let mut document = Map::new();
    document.insert("title".to_owned(), title.into());
    if let Some(description) = description(conversation) {
        document.insert("description".to_owned(), description.into());
    }
    document.insert("versions".to_owned(), json!([version.name()]));
    if conversation.parties.iter().any(|own| own.webhook) {
        document.insert("needs".to_owned(), json!(["webhook"]));
    }
    let mut subscribers = subscribers(conversation, version, &names);
    if let Some((topic, event)) = needs_publisher {
        let mut own = Map::from_iter([("events".to_owned(), json!([event]))]);
        own.extend(topic.map(|name| ("topic".to_owned(), Value::from(name))));
        subscribers.insert("publisher".to_owned(), Value::Object(own));
    }
    document.insert("subscribers".to_owned(), Value::Object(subscribers));
    document.insert("steps".to_owned(), Value::Array(steps));
    let text = serde_saphyr::to_string(&Value::Object(document))
        .map_err(|error| ReproductionError::Yaml(error.to_string()))?;
    Scenario::parse("made/from-a-capture", "made.yaml", &text, catalogue)
        .map_err(ReproductionError::Faulty)?;
    Ok(text)
}

/// What a reader of the scenario has to know of how it came about.
fn description(conversation: &Conversation) -> Option<String> {
    let mut remarks = Vec::new();
    let guessed = conversation
        .acts
        .iter()
        .any(|act| matches!(act, Act::Published(own) if own.guessed));
    if guessed {
        remarks.push(
            "Who published is a guess where several subscribers of a topic look alike: HTTP requests do not say who sends them."
                .to_owned(),
        );
    }
    let mut left_out = conversation.left_out.clone();
    left_out.sort();
    left_out.dedup();
    if !left_out.is_empty() {
        remarks.push(format!("Left out: {}.", left_out.join("; ")));
    }
    (!remarks.is_empty()).then(|| remarks.join(" "))
}

/// A name for each party: what it calls itself, or its number.
fn names(conversation: &Conversation) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for (position, party) in conversation.parties.iter().enumerate() {
        let own = party.subscriber_name.as_deref().unwrap_or_default();
        let mut name: String = own
            .to_lowercase()
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
            .take(40)
            .collect();
        name = name.trim_matches('-').to_owned();
        if name.is_empty() {
            name = format!("subscriber-{}", position + 1);
        }
        let is_taken = |name: &String| names.contains(name) || RESERVED.contains(&name.as_str());
        let mut number = 2;
        let first = name.clone();
        while is_taken(&name) {
            name = format!("{first}-{number}");
            number += 1;
        }
        names.push(name);
    }
    names
}

fn subscribers(conversation: &Conversation, version: Version, names: &[String]) -> Map<String, Value> {
    /// Longer leases than this have no part in what happens.
    const SHORT_LEASE: u64 = 60;
    let mut topics: Vec<&str> = Vec::new();
    let mut all = Map::new();
    for (party, name) in conversation.parties.iter().zip(names) {
        let mut own = Map::new();
        own.insert("events".to_owned(), json!(party.events));
        if let Some(given) = &party.subscriber_name {
            own.insert("name".to_owned(), given.as_str().into());
        }
        if !topics.contains(&party.topic.as_str()) {
            topics.push(&party.topic);
        }
        if let Some(position) = topics
            .iter()
            .position(|own| *own == party.topic)
            .filter(|own| *own > 0)
        {
            own.insert("topic".to_owned(), topic_name(position).into());
        }
        if let Some(lease) = party.lease_seconds.filter(|own| *own <= SHORT_LEASE) {
            own.insert("lease_seconds".to_owned(), lease.into());
        }
        if party.webhook && version == Version::Stu2 {
            own.insert("channel".to_owned(), "webhook".into());
        }
        if party.webhook && !party.has_secret {
            own.insert("secret".to_owned(), "".into());
        }
        all.insert(name.clone(), Value::Object(own));
    }
    all
}

/// What a topic beside the first is called.
pub(super) fn topic_name(position: usize) -> String {
    format!("topic-{}", position + 1)
}
