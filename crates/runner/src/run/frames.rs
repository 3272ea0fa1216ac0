//! The ambient checks of single frames: that they are JSON, by their schemas, and of the right topic.

use serde_json::Value;

use super::control::{Control, control_of};
use super::judge::{Breach, Place};
use super::play::Play;
use super::requirements as ids;
use crate::client::Received;
use crate::schema::MessageKind;

impl Play<'_> {
    pub(super) fn judge_frames(&mut self, name: &str) {
        let Some(mock) = self.stage.mocks.get(name) else {
            return;
        };
        let (topic, received) = (mock.topic.clone(), mock.inbox.received());
        let schemas = self.setting.schemas.clone();
        for own in received.into_iter().filter(|own| own.call.is_none()) {
            let Some(message) = &own.json else {
                let breach = Breach {
                    message: "a frame from the hub is not JSON".to_owned(),
                    expected: Some("a JSON object".to_owned()),
                    places: vec![Place::at(own.spot.sequence)],
                    ..Breach::default()
                };
                self.judge.broken(ids::WEBSOCKET_JSON, breach);
                continue;
            };
            self.judge.held(ids::WEBSOCKET_JSON);
            let control = control_of(message).map(|control| match control {
                Control::Denial => (MessageKind::Denial, ids::DENIAL_TOPIC),
                Control::Confirmation | Control::Verification => {
                    (MessageKind::Confirmation, ids::CONFIRMATION_TOPIC)
                }
            });
            match control {
                Some((kind, topic_requirement)) => {
                    self.judge_schema(&schemas.judge(kind, message), message, own.spot, "");
                    self.judge_topic(topic_requirement, message, "/hub.topic", &topic, &own);
                }
                None => {
                    let judgement = schemas.judge(MessageKind::Notification, message);
                    self.judge_schema(&judgement, message, own.spot, "");
                }
            }
        }
    }

    pub(super) fn judge_topic(
        &mut self,
        requirement: &str,
        message: &Value,
        pointer: &str,
        topic: &str,
        own: &Received,
    ) {
        // A topic that is missing or no string is a matter of the schema.
        let Some(stated) = message.pointer(pointer).and_then(Value::as_str) else {
            return;
        };
        if stated == topic {
            self.judge.held(requirement);
        } else {
            let breach = Breach {
                message: format!("{pointer} names another topic than the one that was subscribed to"),
                expected: Some(topic.to_owned()),
                observed: Some(stated.to_owned()),
                places: vec![Place::within(own.spot.sequence, pointer)],
                unmet: None,
                ..Breach::default()
            };
            self.judge.broken(requirement, breach);
        }
    }
}
