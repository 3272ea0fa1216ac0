//! The callbacks of a performance: they answer as they did in the capture.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use serde_json::Value;

use super::super::script::{HubCall, Receiver};
use super::{Line, Performance, ReplayError};
use crate::client::{AnswerRule, CallbackOwner, Callbacks, Inbox, Verifying};
use crate::protocol::{EventName, Status};

impl Performance<'_> {
    /// Somebody asks for webhooks, or for their end: there is a callback, and it answers the question that follows as it did.
    pub(super) async fn expect_call(
        &mut self,
        exchange: u64,
        form: &BTreeMap<String, String>,
    ) -> Result<(), ReplayError> {
        let Some(captured) = form.get("hub.callback") else {
            return Ok(());
        };
        let receiver = Receiver::at(captured);
        self.is_verifying = true;
        if !self.lines.contains_key(&receiver) {
            if self.callbacks.is_none() {
                let base = self.target.callback_base.as_ref();
                self.callbacks = Some(Callbacks::start(base, self.target.callback_listen).await?);
            }
            let line = Line {
                name: self.name(form.get("subscriber.name").cloned()),
                inbox: Inbox::default(),
                socket: None,
                callback: None,
                policy: Arc::default(),
                seen: 0,
                missing: 0,
            };
            self.lines.insert(receiver.clone(), line);
        }
        let number = self.lines.len();
        let Some(line) = self.lines.get_mut(&receiver) else {
            return Ok(());
        };
        if line.callback.is_none()
            && let Some(callbacks) = &self.callbacks
        {
            let owner = CallbackOwner {
                actor: line.name.clone(),
                log: self.log.clone(),
                inbox: line.inbox.clone(),
                policy: Arc::clone(&line.policy),
            };
            let query = captured.split_once('?').map(|(_, query)| query);
            let callback = callbacks.open(owner, query, number);
            self.mapping.insert(captured, callback.url());
            line.callback = Some(callback);
        }
        let calls = self.script.calls.get(&receiver);
        let asked = calls
            .into_iter()
            .flatten()
            .find(|own| own.exchange > exchange && own.message().asked().is_some());
        if let Some(callback) = &line.callback {
            if let Some(secret) = form.get("hub.secret") {
                callback.add_secret(&self.mapping.forth(secret));
            }
            callback.set_verifying(asked.map(verifying).unwrap_or_default());
        }
        Ok(())
    }

    /// Callbacks answer this event as they did.
    pub(super) fn expect_notifications(&self, event: &str, id: &str) {
        let Ok(event) = event.parse::<EventName>() else {
            return;
        };
        for (receiver, line) in &self.lines {
            let calls = self.script.calls.get(receiver).into_iter().flatten();
            let is_it = |own: &&HubCall| {
                let message = own.message().json;
                message.is_some_and(|message| message.get("id").and_then(Value::as_str) == Some(id))
            };
            let Some(call) = calls.into_iter().find(is_it) else {
                continue;
            };
            let status = call.answer.as_ref().map(|(code, _)| Status {
                code: *code,
                as_text: false,
            });
            let mut policy = line.policy.lock().unwrap_or_else(PoisonError::into_inner);
            policy.rules.retain(|rule| rule.event.as_ref() != Some(&event));
            policy.rules.push(AnswerRule {
                event: Some(event.clone()),
                status,
                ..AnswerRule::default()
            });
        }
    }
}

/// How a callback answered a question.
fn verifying(call: &HubCall) -> Verifying {
    /// Longer than a hub waits.
    const NEVER: Duration = Duration::from_secs(120);
    let challenge = call.message().asked().unwrap_or_default();
    match &call.answer {
        Some((status, body)) if (200..300).contains(status) && *body == challenge => Verifying::default(),
        Some((status, body)) => Verifying {
            status: Some(*status),
            body: Some(match challenge.is_empty() {
                true => body.clone(),
                false => body.replace(&challenge, "{challenge}"),
            }),
            redirect: (300..400).contains(status),
            after: Duration::ZERO,
        },
        None => Verifying {
            after: NEVER,
            ..Verifying::default()
        },
    }
}
