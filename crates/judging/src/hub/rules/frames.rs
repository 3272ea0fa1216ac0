//! Frames over WebSockets: they are JSON, as their schemas say, and of the right topic.

use super::topics::judge_topic;
use crate::Received;
use crate::hub::control::{Control, control_of, is_of_no_known_kind};
use crate::hub::{Breach, Judge, Place, Subscriber, ids};
use crate::schema::{MessageKind, Unmet};

/// The first frame of a WebSocket, where it is no FHIRcast message of any kind (ambiguities, 80).
pub fn first_frame_of_no_known_kind(received: &[Received]) -> Option<&Received> {
    let mut sockets = std::collections::BTreeSet::new();
    let mut firsts = received
        .iter()
        .filter(|frame| frame.call.is_none() && sockets.insert(frame.socket));
    firsts.find(|frame| frame.json.as_deref().is_some_and(is_of_no_known_kind))
}

/// Leaves out the frames of no known kind that WebSockets began with.
pub fn pass_over_first_frames(received: &mut Vec<Received>) {
    let mut sockets = std::collections::BTreeSet::new();
    received.retain(|frame| {
        let is_first = frame.call.is_none() && sockets.insert(frame.socket);
        !(is_first && frame.json.as_deref().is_some_and(is_of_no_known_kind))
    });
}

/// Tells of a first frame of no known kind.
pub fn told_of_first_frame(frame: &Received, judge: &mut Judge) {
    let message = "a WebSocket begins with a frame of no known kind: no confirmation, no denial, no event";
    let breach = Breach::new(message, vec![Place::at(frame.spot.sequence)])
        .expecting("the confirmation first")
        .observing(crate::hub::shortened(&frame.text))
        .softened(Unmet::Warn);
    judge.broken(ids::WEBSOCKET_JSON, breach);
}

/// Judges all frames that a subscriber received.
pub(super) fn judge_frames(subscriber: &Subscriber, judge: &mut Judge) {
    let odd = first_frame_of_no_known_kind(&subscriber.received).map(|frame| frame.spot.sequence);
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
        if Some(spot.sequence) == odd {
            told_of_first_frame(received, judge);
            continue;
        }
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
