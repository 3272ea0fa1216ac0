//! The actions of recorded subscribers, written down in the scenario language.

use serde_json::{Map, Value, json};

use super::steps::StepWriter;
use super::subscriber_actions::{SubscriberAction, SubscriberActions};
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
        "the capture has no subscription, so no scenario can be made of it: start recording before the applications start"
    )]
    NoSubscription,
    /// Nothing happened that a hub must do something about.
    #[error(
        "the capture has no published event that one of its subscribers is subscribed to, so there is nothing that a hub must do"
    )]
    Nothing,
    /// The result is no scenario: a fault of castspec.
    #[error("the scenario made of the capture is invalid, a fault of castspec; please report it:\n{0}")]
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
    recorded: &SubscriberActions,
    version: Version,
    catalogue: &Catalogue,
    title: &str,
) -> Result<String, ReproductionError> {
    let subscribes = |action: &SubscriberAction| {
        matches!(
            action,
            SubscriberAction::Subscribed(_) | SubscriberAction::Refused(_)
        )
    };
    let subscribed = recorded.actions.iter().any(subscribes);
    if !subscribed {
        return Err(ReproductionError::NoSubscription);
    }
    let names = names(recorded);
    let mut writer = StepWriter::new(recorded, version, catalogue, &names);
    for (position, action) in recorded.actions.iter().enumerate() {
        writer.action(position, action);
    }
    let needs_publisher = writer.needs_publisher();
    let (steps, judged) = writer.end();
    if !judged {
        return Err(ReproductionError::Nothing);
    }
    let mut document = Map::new();
    document.insert("title".to_owned(), title.into());
    if let Some(description) = description(recorded) {
        document.insert("description".to_owned(), description.into());
    }
    document.insert("versions".to_owned(), json!([version.name()]));
    if recorded.subscribers.iter().any(|subscriber| subscriber.webhook) {
        document.insert("needs".to_owned(), json!(["webhook"]));
    }
    let mut subscribers = subscribers(recorded, version, &names);
    if let Some((topic, event)) = needs_publisher {
        let mut publisher = Map::from_iter([("events".to_owned(), json!([event]))]);
        publisher.extend(topic.map(|name| ("topic".to_owned(), Value::from(name))));
        subscribers.insert("publisher".to_owned(), Value::Object(publisher));
    }
    document.insert("subscribers".to_owned(), Value::Object(subscribers));
    document.insert("steps".to_owned(), Value::Array(steps));
    let text = serde_saphyr::to_string(&Value::Object(document))
        .map_err(|error| ReproductionError::Yaml(error.to_string()))?;
    Scenario::parse("made/from-a-capture", "made.yaml", &text, catalogue)
        .map_err(ReproductionError::Faulty)?;
    Ok(text)
}

/// Remarks for the reader of the scenario on how it was made.
fn description(recorded: &SubscriberActions) -> Option<String> {
    let mut remarks = Vec::new();
    let is_guess = |action: &SubscriberAction| matches!(action, SubscriberAction::Published(published) if published.guessed);
    if recorded.actions.iter().any(is_guess) {
        remarks.push(
            "Who published is a guess where several subscribers of a topic look alike: HTTP requests do not say who sends them."
                .to_owned(),
        );
    }
    if !recorded.refused.is_empty() {
        remarks.push(format!(
            "What the hub refused is done again, and any answer to it passes: {}.",
            recorded.refused.join("; ")
        ));
    }
    let mut left_out = recorded.left_out.clone();
    left_out.sort();
    left_out.dedup();
    if !left_out.is_empty() {
        remarks.push(format!("Left out: {}.", left_out.join("; ")));
    }
    (!remarks.is_empty()).then(|| remarks.join(" "))
}

/// A name for each subscriber: what it calls itself, or its number.
fn names(recorded: &SubscriberActions) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for (position, subscriber) in recorded.subscribers.iter().enumerate() {
        let stated = subscriber.subscriber_name.as_deref().unwrap_or_default();
        let mut name: String = stated
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

fn subscribers(recorded: &SubscriberActions, version: Version, names: &[String]) -> Map<String, Value> {
    /// Longer leases than this have no part in what happens.
    const SHORT_LEASE: u64 = 60;
    let mut topics: Vec<&str> = Vec::new();
    let mut all = Map::new();
    for (subscriber, name) in recorded.subscribers.iter().zip(names) {
        let mut described = Map::new();
        described.insert("events".to_owned(), json!(subscriber.events));
        if let Some(given) = &subscriber.subscriber_name {
            described.insert("name".to_owned(), given.as_str().into());
        }
        if !topics.contains(&subscriber.topic.as_str()) {
            topics.push(&subscriber.topic);
        }
        if let Some(position) = topics
            .iter()
            .position(|topic| *topic == subscriber.topic)
            .filter(|position| *position > 0)
        {
            described.insert("topic".to_owned(), topic_name(position).into());
        }
        if let Some(lease) = subscriber.lease_seconds.filter(|seconds| *seconds <= SHORT_LEASE) {
            described.insert("lease_seconds".to_owned(), lease.into());
        }
        if subscriber.webhook && version == Version::Stu2 {
            described.insert("channel".to_owned(), "webhook".into());
        }
        if subscriber.webhook && !subscriber.has_secret {
            described.insert("secret".to_owned(), "".into());
        }
        all.insert(name.clone(), Value::Object(described));
    }
    all
}

/// The name of a topic beside the first.
pub(super) fn topic_name(position: usize) -> String {
    format!("topic-{}", position + 1)
}
