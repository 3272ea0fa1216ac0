//! The comparison of what came this time with the capture.

use std::time::Instant;

use serde_json::Value;

use super::super::difference::{Difference, of_messages};
use super::super::script::Receiver;
use super::Performance;

impl Performance<'_> {
    /// Waits for what is still to come, and compares.
    pub(super) async fn end(&mut self) {
        let deadline = Instant::now() + self.target.timing.response;
        for (receiver, connection) in &self.connections {
            let sent = self.script.sent.get(receiver).map_or(0, Vec::len);
            let wanted = sent.saturating_sub(connection.missing);
            connection
                .inbox
                .wait(deadline, |received, closed| {
                    (received.len() >= wanted || !closed.is_empty()).then_some(())
                })
                .await;
        }
        // What comes beyond the capture comes soon, or is no answer to it.
        tokio::time::sleep(self.target.timing.quiet).await;
        self.learn();
        for (receiver, connection) in &mut self.connections {
            let parsed = |text: &String| serde_json::from_str(text).unwrap_or(Value::String(text.clone()));
            let mut then: Vec<Value> = self
                .script
                .sent
                .get(receiver)
                .into_iter()
                .flatten()
                .map(parsed)
                .collect();
            let mut now: Vec<Value> = connection
                .inbox
                .received()
                .iter()
                .map(|received| {
                    let message = received.message().cloned();
                    let message = message.unwrap_or_else(|| Value::String(received.text.to_string()));
                    self.mapping.message_back(&message)
                })
                .collect();
            if self.script.has_left(receiver) {
                // Whether a denial crosses the end that its receiver makes of it, then or now, is chance.
                for messages in [&mut then, &mut now] {
                    messages.pop_if(|last| last.get("hub.mode").and_then(Value::as_str) == Some("denied"));
                }
            }
            self.replayed.messages.0 += now.len();
            self.replayed.messages.1 += then.len();
            let place = format!("to {}", connection.name);
            self.replayed
                .differences
                .extend(of_messages(&place, &then, &now, &self.known));
            let Receiver::Socket(socket) = receiver else {
                continue;
            };
            let closed = connection
                .inbox
                .closed()
                .into_iter()
                .find(|closed| closed.by_hub)
                .map(|closed| closed.code);
            let then = self.script.closed_by_hub(*socket);
            // Where both close at once, either may be first.
            if then.is_some() != closed.is_some() && !self.script.has_closed(*socket) {
                let told = |closed: Option<Option<u16>>| match closed {
                    None => "left open".to_owned(),
                    Some(None) => "closed without a code".to_owned(),
                    Some(Some(code)) => format!("closed with {code}"),
                };
                self.replayed.differences.push(Difference {
                    place: format!("the WebSocket of {}", connection.name),
                    captured: told(then),
                    now: told(closed),
                });
            }
            if let Some(socket) = connection.socket.take() {
                socket.close(1000).await;
            }
        }
    }
}
