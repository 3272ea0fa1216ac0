//! What the hub sends has each member of an object once.

use crate::hub::{Breach, Conversation, Judge, Place, ids};
use crate::outcome::Traffic;
use crate::protocol::repeated_members;
use crate::schema::Unmet;

/// Judges all JSON that the hub sent. RFC 8259, section 4 has a SHOULD: a repeated member warns (ambiguities, 92).
pub(super) fn judge_members(conversation: &Conversation, judge: &mut Judge) {
    for entry in &conversation.transcript {
        let (requirement, text) = match &entry.traffic {
            Traffic::FrameReceived { text, .. } => (ids::WEBSOCKET_JSON, text),
            Traffic::Response { body, .. } | Traffic::CallbackRequest { body, .. } => (ids::HTTP_JSON, body),
            _ => continue,
        };
        if let Some(pointer) = repeated_members(text).first() {
            let message = format!("{pointer} stands more than once in one object");
            let breach = Breach::new(message, vec![Place::within(entry.sequence, pointer)])
                .expecting("each name once in an object (RFC 8259, section 4)")
                .softened(Unmet::Warn);
            judge.broken(requirement, breach);
        }
    }
}
