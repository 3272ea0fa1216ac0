//! What a scenario starts with: topics, cases, subscribers and the variables that are always there.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use uuid::Uuid;

use super::begun::Begun;
use super::mock_subscriber::MockSubscriber;
use super::scenario_run::Setting;
use super::scenario_state::ScenarioState;
use super::tokens::credential;
use crate::client::{CallbackOwner, Log, Verifying};
use crate::judging::hub::Mentioned;
use crate::protocol::Version;
use crate::scenario::{self, Document, Variables};

/// The name of the topic that subscribers share who name none.
const MAIN: &str = "main";
/// The case of publications that name none.
pub const DEFAULT_CASE: &str = "a";

/// The names of a scenario's topics; the first is the one that `${topic}` stands for.
pub fn topic_names(document: &Document) -> Vec<String> {
    let mut names = vec![MAIN.to_owned()];
    for subscriber in document.subscribers.values() {
        if let Some(name) = &subscriber.topic
            && !names.contains(name)
        {
            names.push(name.clone());
        }
    }
    names
}

/// Topics that end as a scenario names them, behind a beginning that they share and that no other run has.
fn ending_as_written(names: &[String], topics: &[String]) -> Vec<String> {
    let beginning = topics.first().cloned().unwrap_or_default();
    let further = names.iter().skip(1).map(|name| format!("{beginning}-{name}"));
    std::iter::once(beginning.clone()).chain(further).collect()
}

/// A new case, with ids that no other run has.
pub fn new_case() -> Value {
    scenario::new_case(|| Uuid::new_v4().to_string())
}

/// How a callback answers intent verifications, as a scenario says it.
pub fn verifying_of(spec: &scenario::Verifying) -> Verifying {
    Verifying {
        status: spec.status,
        body: spec.body.clone(),
        redirect: spec.redirect,
        after: std::time::Duration::from_millis(spec.after_ms.unwrap_or(0)),
    }
}

/// The state of a scenario before its first step.
pub fn state_before_first_step(
    setting: &Setting,
    document: &Document,
    log: Log,
    topics: &[String],
) -> ScenarioState {
    let names = topic_names(document);
    let topics = match document.topics_as_written {
        true => ending_as_written(&names, topics),
        false => topics.to_vec(),
    };
    let topic_of = |name: &str| {
        let position = names.iter().position(|known| known == name).unwrap_or(0);
        topics.get(position).cloned().unwrap_or_default()
    };
    let mut variables = Variables::default();
    variables.set("hub_url", json!(setting.dialect.hub_url()));
    variables.set("claims", Value::Object(setting.claims.to_json()));
    let played = |version: &Version| {
        (
            version.name().to_owned(),
            json!(*version == setting.target.version),
        )
    };
    variables.set(
        "fhircast",
        Value::Object(Version::ALL.iter().map(played).collect()),
    );
    variables.set("topic", json!(topic_of(MAIN)));
    for name in &names[1..] {
        variables.set(&format!("topic.{name}"), json!(topic_of(name)));
    }
    let manner = setting.dialect.manner();
    variables.set(
        "publish_url",
        json!(setting.dialect.publish_url(manner, &topic_of(MAIN))),
    );
    variables.set("publish_type", json!(setting.dialect.media_type(manner)));
    let mut mocks = BTreeMap::new();
    for (name, spec) in &document.subscribers {
        let topic = topic_of(spec.topic.as_deref().unwrap_or(MAIN));
        let mut mock = MockSubscriber::new(name, spec, &topic, setting.target.version);
        let owner = CallbackOwner {
            actor: name.clone(),
            log: log.clone(),
            inbox: mock.inbox.clone(),
            policy: mock.policy.clone(),
        };
        let opened = mock.opened;
        if let (Some(webhook), Some(callbacks)) = (mock.webhook_mut(), &setting.callbacks) {
            // Those that castspec made up are told by their form.
            if let Some(secret) = &spec.secret {
                setting.redactor.know(secret);
            }
            let callback = callbacks.open(owner, spec.callback_query.as_deref(), opened);
            callback.set_verifying(verifying_of(&spec.verifications));
            webhook.callback = Some(callback);
            mock.opened += 1;
        }
        let credential = |wanted| credential(&setting.target, wanted, setting.began);
        mock.credential = spec.token.as_ref().and_then(credential);
        variables.set(name, mock.to_variable());
        mocks.insert(name.clone(), mock);
    }
    let mut state = ScenarioState {
        log,
        mocks,
        begun: Begun::default(),
        publications: Vec::new(),
        contexts_read: Vec::new(),
        saved_publications: BTreeMap::new(),
        saved_messages: BTreeMap::new(),
        templates: setting.templates.clone(),
        version: setting.target.version,
        cases: BTreeMap::new(),
        mentioned: Mentioned::of(document),
        last_moment: None,
        variables,
    };
    state.case(DEFAULT_CASE);
    state
}

impl ScenarioState {
    /// The case of this name; a new one where there is none yet.
    pub fn case(&mut self, name: &str) -> Value {
        if let Some(case) = self.cases.get(name) {
            return case.clone();
        }
        let mut case = new_case();
        if self.mentioned.names("opening") {
            self.templates.openings(self.version, &mut case);
        }
        self.cases.insert(name.to_owned(), case.clone());
        let known: serde_json::Map<String, Value> = self
            .cases
            .iter()
            .map(|(name, case)| (name.clone(), case.clone()))
            .collect();
        self.variables.set("case", Value::Object(known));
        case
    }
}

#[cfg(test)]
mod tests {
    use super::ending_as_written;

    #[test]
    fn topics_end_as_they_are_written() {
        let owned = |words: [&str; 3]| words.map(str::to_owned);
        let (names, topics) = (owned(["main", "ward", "WARD"]), owned(["a", "b", "c"]));
        assert_eq!(ending_as_written(&names, &topics), ["a", "a-ward", "a-WARD"]);
    }
}
