//! The callbacks of replayed subscribers: they answer as they did in the capture.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use serde_json::Value;

use super::super::script::{HubCall, Receiver};
use super::{Connection, Performance, ReplayError};
use crate::capture::conversation::{Exchange, SubscriptionForm};
use crate::client::{AnswerRule, CallbackOwner, Callbacks, Inbox, Verifying};
use crate::protocol::{EventName, Status};

impl Performance<'_> {
    /// A callback for a request that names one; it answers the intent verification that follows as it did in the capture.
    pub(super) async fn expect_call(
        &mut self,
        exchange: &Exchange,
        form: &SubscriptionForm,
    ) -> Result<(), ReplayError> {
        let Some(captured) = form.callback() else {
            return Ok(());
        };
        let receiver = Receiver::at(captured);
        self.is_verifying = true;
        if !self.connections.contains_key(&receiver) {
            if self.callbacks.is_none() {
                let base = self.target.callback_base.as_ref();
                self.callbacks = Some(Callbacks::start(base, self.target.callback_listen).await?);
            }
            let connection = Connection {
                name: self.name(form.subscriber_name().map(str::to_owned)),
                inbox: Inbox::default(),
                socket: None,
                callback: None,
                policy: Arc::default(),
                seen: 0,
                missing: 0,
            };
            self.connections.insert(receiver.clone(), connection);
        }
        let number = self.connections.len();
        let Some(connection) = self.connections.get_mut(&receiver) else {
            return Ok(());
        };
        if connection.callback.is_none()
            && let Some(callbacks) = &self.callbacks
        {
            let owner = CallbackOwner {
                actor: connection.name.clone(),
                log: self.log.clone(),
                inbox: connection.inbox.clone(),
                policy: Arc::clone(&connection.policy),
            };
            let query = captured.split_once('?').map(|(_, query)| query);
            let callback = callbacks.open(owner, query, number);
            self.mapping.insert(captured, callback.url());
            connection.callback = Some(callback);
        }
        let calls = self.script.calls.get(&receiver);
        let asked = calls
            .into_iter()
            .flatten()
            .find(|call| call.call.requested > exchange.requested && call.message().asked().is_some());
        if let Some(callback) = &connection.callback {
            if let Some(secret) = form.get("hub.secret") {
                callback.add_secret(&self.mapping.forth(secret));
            }
            callback.set_verifying(asked.map(verifying).unwrap_or_default());
        }
        Ok(())
    }

    /// Makes callbacks answer this event as they did in the capture.
    pub(super) fn expect_notifications(&self, event: &str, id: &str) {
        let Ok(event) = event.parse::<EventName>() else {
            return;
        };
        for (receiver, connection) in &self.connections {
            let calls = self.script.calls.get(receiver).into_iter().flatten();
            let is_it = |call: &&HubCall| {
                let message = call.message().json;
                message.is_some_and(|message| message.get("id").and_then(Value::as_str) == Some(id))
            };
            let Some(call) = calls.into_iter().find(is_it) else {
                continue;
            };
            let status = call.answer().map(|(code, _)| Status { code, as_text: false });
            let mut policy = connection.policy.lock().unwrap_or_else(PoisonError::into_inner);
            policy.rules.retain(|rule| rule.event.as_ref() != Some(&event));
            policy.rules.push(AnswerRule {
                event: Some(event.clone()),
                status,
                ..AnswerRule::default()
            });
        }
    }
}

/// The answer of a callback to an intent verification.
fn verifying(call: &HubCall) -> Verifying {
    /// Longer than a hub waits.
    const NEVER: Duration = Duration::from_secs(120);
    let challenge = call.message().asked().unwrap_or_default();
    match call.answer() {
        Some((status, body)) if (200..300).contains(&status) && body == challenge => Verifying::default(),
        Some((status, body)) => Verifying {
            status: Some(status),
            body: Some(match challenge.is_empty() {
                true => body,
                false => body.replace(&challenge, "{challenge}"),
            }),
            redirect: (300..400).contains(&status),
            after: Duration::ZERO,
        },
        None => Verifying {
            after: NEVER,
            ..Verifying::default()
        },
    }
}
