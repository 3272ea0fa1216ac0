//! Frames over WebSockets: they are JSON, as their schemas say, and of the right topic.

use super::topics::judge_topic;
use crate::hub::control::{Control, control_of};
use crate::hub::{Breach, Judge, Place, Subscriber, ids};
use crate::schema::MessageKind;

/// Judges all frames that a subscriber received.
pub(super) fn judge_frames(subscriber: &Subscriber, judge: &mut Judge) {
    for received in subscriber
        .received
        .iter()
        .filter(|received| received.call.is_none())
    {
        let spot = received.spot;
        let Some(message) = received.json.as_deref() else {
            let breach = Breach::new("a frame from the hub is not JSON", vec![Place::at(spot.sequence)]);
            judge.broken(ids::WEBSOCKET_JSON, breach.expecting("a JSON object"));
            continue;
        };
        judge.held(ids::WEBSOCKET_JSON);
        let (kind, topic_requirement) = match control_of(message) {
            None => {
                judge.message(MessageKind::Notification, message, spot);
                continue;
            }
            Some(Control::Denial) => (MessageKind::Denial, ids::DENIAL_TOPIC),
            Some(Control::Confirmation | Control::Verification) => {
                (MessageKind::Confirmation, ids::CONFIRMATION_TOPIC)
            }
        };
        judge.message(kind, message, spot);
        judge_topic(
            topic_requirement,
            message,
            "/hub.topic",
            &subscriber.topic,
            spot,
            judge,
        );
    }
}
