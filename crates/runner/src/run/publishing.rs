//! Steps that publish events.

use serde_json::{Map, Value, json};

use super::answers::Asked;
use super::dialect::{PublishingManner, spelled};
use super::scenario_run::{ScenarioRun, Stop, answer_variable};
use super::scenario_setup::DEFAULT_CASE;
use crate::client::{Answer, NoAnswer, OutgoingRequest};
use crate::judging::hub::ids;
use crate::judging::hub::{Publication, rules, subject_id, version_of};
use crate::protocol::{Action, EventName, Timestamp};
use crate::scenario::{ContextError, Publish, PublishAtOnce, PublishedContext, RequestKind};

/// An event on its way.
#[derive(Debug)]
pub(super) struct Draft {
    by: String,
    topic: String,
    id: String,
    timestamp: String,
    event: EventName,
    context: Value,
    members: Map<String, Value>,
}

/// An event that was published in one manner, to see whether the hub takes it.
#[derive(Debug)]
pub(super) struct Tried {
    /// The request.
    pub request: OutgoingRequest,
    /// What came of it.
    pub sent: Result<Answer, NoAnswer>,
    /// Where the event stands among the publications, where an answer came.
    pub position: usize,
}

impl Draft {
    fn to_json(&self) -> Value {
        let mut event = Map::new();
        event.insert("hub.topic".to_owned(), json!(self.topic));
        event.insert("hub.event".to_owned(), json!(self.event.as_str()));
        event.insert("context".to_owned(), self.context.clone());
        for (name, value) in &self.members {
            event.insert(name.clone(), value.clone());
        }
        json!({"timestamp": self.timestamp, "id": self.id, "event": event})
    }
}

/// What is expected of the answer to an event.
fn asked(step: &Publish) -> Asked<'_> {
    Asked {
        kind: Some(RequestKind::Publish),
        save: None,
        expectations: &step.answer,
        must_be_accepted: true,
        spoiled: false,
    }
}

fn expects_acceptance(step: &Publish) -> bool {
    step.answer.iter().all(|expectation| {
        matches!(
            expectation.status,
            None | Some(crate::scenario::StatusExpectation::Accepted)
        )
    })
}

fn saved(step: &Publish) -> Option<&str> {
    step.save.as_ref().map(|name| name.value.as_str())
}

/// An event that was posted, and what came of it.
#[derive(Debug)]
struct Posted {
    draft: Draft,
    request: OutgoingRequest,
    sent: Result<Answer, NoAnswer>,
}

impl ScenarioRun<'_> {
    /// `publish`.
    pub async fn publish(&mut self, step: &Publish) -> Result<(), Stop> {
        let times = step.times.unwrap_or(1);
        for time in 0..times {
            let case = match &step.case {
                Some(name) if times == 1 => name.clone(),
                None if times == 1 => DEFAULT_CASE.to_owned(),
                name => format!("{}-{}", name.as_deref().unwrap_or(DEFAULT_CASE), time + 1),
            };
            self.publish_once(step, &case).await?;
        }
        Ok(())
    }

    async fn publish_once(&mut self, step: &Publish, case: &str) -> Result<(), Stop> {
        let draft = self.prepared(step, case)?;
        self.post(draft, asked(step), expects_acceptance(step), saved(step))
            .await
    }

    /// `publish_at_once`.
    pub async fn publish_at_once(&mut self, step: &PublishAtOnce) -> Result<(), Stop> {
        if let Some(why) = self.setting.dialect.publications_hang() {
            return Err(Stop::Unreached(why));
        }
        let mut drafts = Vec::new();
        for publish in &step.each {
            let case = publish.case.as_deref().unwrap_or(DEFAULT_CASE);
            drafts.push(self.prepared(publish, case)?);
        }
        let dialect = &self.setting.dialect;
        let manner = dialect.manner();
        let requests: Vec<OutgoingRequest> = drafts
            .iter()
            .map(|draft| dialect.request(manner, &draft.topic, draft.to_json().to_string()))
            .collect();
        let under_way = drafts.iter().zip(&requests);
        let under_way = under_way.map(|(draft, request)| self.transmit(&draft.by, request));
        let sent = futures_util::future::join_all(under_way).await;
        let mut ended = Ok(());
        for (((publish, draft), request), sent) in step.each.iter().zip(drafts).zip(requests).zip(sent) {
            self.judge_place(&sent, expects_acceptance(publish));
            let posted = Posted { draft, request, sent };
            // Each has happened, whatever came of the others.
            let judged = self
                .take_posted(
                    posted,
                    asked(publish),
                    expects_acceptance(publish),
                    saved(publish),
                )
                .await;
            ended = ended.and(judged);
        }
        ended
    }

    /// The event of a step, with what the step changes of it.
    fn prepared(&mut self, step: &Publish, case: &str) -> Result<Draft, Stop> {
        let event = self.event(&step.event.value)?;
        let mut draft = self.draft(&step.by.value, event, case)?;
        if let Some(context) = &step.context {
            draft.context = self.context(context, draft.context, case)?;
        }
        if let Some(id) = &step.id {
            draft.id = self.state.variables.expand_text(id)?;
        }
        if let Some(timestamp) = &step.timestamp {
            draft.timestamp = self.state.variables.expand_text(timestamp)?;
        }
        let version = match &step.version {
            Some(version) => Some(self.state.variables.expand_text(version)?),
            None => self.known_version(&draft),
        };
        if let Some(version) = version {
            // Both spellings, with one value (ambiguities, 1).
            draft
                .members
                .insert("context.versionId".to_owned(), json!(version));
            draft.members.insert("versionId".to_owned(), json!(version));
        }
        for (name, value) in &step.event_members {
            let value = self.state.variables.expand(value)?;
            draft.members.insert(name.clone(), value);
        }
        Ok(draft)
    }

    /// The name of an event.
    pub fn event(&self, text: &str) -> Result<EventName, Stop> {
        text.parse()
            .map_err(|error| Stop::Fault(format!("'{text}' is no event: {error}")))
    }

    pub(super) fn draft(&mut self, by: &str, event: EventName, case: &str) -> Result<Draft, Stop> {
        let context = self.template(&event, case)?;
        let timestamp = Timestamp::from_instant(self.state.next_moment());
        Ok(Draft {
            by: by.to_owned(),
            topic: self.mock(by)?.topic.clone(),
            id: uuid::Uuid::new_v4().to_string(),
            timestamp: timestamp.as_str().to_owned(),
            event: spelled(self.setting.target.version, &event),
            context,
            members: Map::new(),
        })
    }

    /// A context that a scenario writes; `template` is that of the published event.
    fn context(&mut self, context: &PublishedContext, template: Value, case: &str) -> Result<Value, Stop> {
        let changed = match context {
            PublishedContext::Whole(context) => return Ok(self.state.variables.expand(context)?),
            PublishedContext::Changed(changed) => changed,
        };
        let template = match &changed.template {
            Some(event) => self.template(&self.event(&event.value)?, case)?,
            None => template,
        };
        changed
            .apply(template, &self.state.variables)
            .map_err(|error| match error {
                ContextError::Variable(error) => error.into(),
                error @ ContextError::NoKey { .. } => Stop::Fault(error.to_string()),
            })
    }

    fn template(&mut self, event: &EventName, case: &str) -> Result<Value, Stop> {
        let case = self.state.case(case);
        self.setting
            .templates
            .context(self.setting.target.version, event, &case)
            .map_err(|error| Stop::Fault(format!("no context can be made for {event}: {error}")))
    }

    /// The version that the publisher knows of the context that it updates; nothing for other events.
    fn known_version(&self, draft: &Draft) -> Option<String> {
        if !draft.event.is(Action::Update) {
            return None;
        }
        let (anchor_type, _) = draft.event.resource()?;
        let anchor = subject_id(&draft.event, &draft.context)?;
        let publisher = self.state.mocks.get(&draft.by)?;
        let others = self
            .state
            .mocks
            .values()
            .filter(|mock| mock.topic == draft.topic && mock.name != draft.by);
        std::iter::once(publisher).chain(others).find_map(|mock| {
            mock.inbox.received().iter().rev().find_map(|received| {
                let message = received.json.as_ref()?;
                let event: EventName = message.pointer("/event/hub.event")?.as_str()?.parse().ok()?;
                let (own_type, _) = event.resource()?;
                let context = message.pointer("/event/context")?;
                let same = own_type == anchor_type && subject_id(&event, context).as_ref() == Some(&anchor);
                same.then(|| version_of(message).map(str::to_owned)).flatten()
            })
        })
    }

    /// Posts an event in the manner that the hub wants, judges the answer and keeps the publication.
    pub(super) async fn post(
        &mut self,
        draft: Draft,
        asked: Asked<'_>,
        expects_acceptance: bool,
        save: Option<&str>,
    ) -> Result<(), Stop> {
        if let Some(why) = self.setting.dialect.publications_hang() {
            return Err(Stop::Unreached(why));
        }
        let dialect = &self.setting.dialect;
        let request = dialect.request(dialect.manner(), &draft.topic, draft.to_json().to_string());
        let sent = self.transmit(&draft.by, &request).await;
        self.judge_place(&sent, expects_acceptance);
        self.take_posted(Posted { draft, request, sent }, asked, expects_acceptance, save)
            .await
    }

    /// Judges the answer to an event and keeps the publication.
    async fn take_posted(
        &mut self,
        posted: Posted,
        asked: Asked<'_>,
        expects_acceptance: bool,
        save: Option<&str>,
    ) -> Result<(), Stop> {
        let Posted { draft, request, sent } = posted;
        let body = draft.to_json();
        let answer = match sent {
            Ok(answer) => answer,
            error => return self.judge_exchange(&request, error, asked).await.map(|_| ()),
        };
        let publication = Publication {
            by: Some(draft.by),
            topic: draft.topic,
            id: draft.id.clone(),
            timestamp: draft.timestamp.clone(),
            event: draft.event.clone(),
            context: draft.context.clone(),
            requested: answer.request,
            answered: answer.spot,
            accepted: answer.is_accepted(),
            proper: expects_acceptance,
        };
        self.state.publications.push(publication.into());
        if let Some(name) = save {
            self.state
                .saved_publications
                .insert(name.to_owned(), self.state.publications.len() - 1);
            let value = json!({
                "id": draft.id,
                "timestamp": draft.timestamp,
                "event": draft.event.as_str(),
                "context": draft.context,
                "message": body,
                "accepted": answer.is_accepted(),
                "refused": answer.is_refused(),
                "answer": answer_variable(&answer),
            });
            self.state.variables.set(name, value);
        }
        self.judge_answer(&answer, asked)
    }

    /// Publishes an event in this manner, judging nothing; where it stands among the publications, and the answer.
    pub(super) async fn try_to_publish(
        &mut self,
        by: &str,
        event: &EventName,
        manner: PublishingManner,
    ) -> Result<Tried, Stop> {
        let position = self.state.publications.len();
        let draft = self.draft(by, event.clone(), &format!("first-contact-{position}"))?;
        let body = draft.to_json().to_string();
        let request = self.setting.dialect.request(manner, &draft.topic, body);
        let sent = self.transmit(by, &request).await;
        if let Ok(answer) = &sent {
            let publication = Publication {
                by: Some(draft.by),
                topic: draft.topic,
                id: draft.id,
                timestamp: draft.timestamp,
                event: draft.event,
                context: draft.context,
                requested: answer.request,
                answered: answer.spot,
                accepted: answer.is_accepted(),
                proper: false,
            };
            self.state.publications.push(publication.into());
        }
        Ok(Tried {
            request,
            sent,
            position,
        })
    }

    /// Judges where the hub takes events. That it wants the topic in the URL is told once, where it was found out.
    fn judge_place(&mut self, sent: &Result<Answer, NoAnswer>, expects_acceptance: bool) {
        let dialect = &self.setting.dialect;
        let at_hub_url = !dialect.manner().has_topic_in_url() && !dialect.has_publish_url();
        if let Ok(answer) = sent
            && at_hub_url
        {
            if answer.is_accepted() {
                self.judge.held(ids::PUBLISH_AT_HUB_URL);
            } else if expects_acceptance && matches!(answer.status, 404 | 405) {
                rules::taken_nowhere(answer, &mut self.judge);
            }
        }
    }
}
