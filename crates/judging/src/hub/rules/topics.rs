//! Messages that name their topic: it is the one that was subscribed to.

use serde_json::Value;

use crate::Spot;
use crate::hub::{Breach, Judge, Place};

/// Judges the topic that stands in a message at `pointer`.
pub(super) fn judge_topic(
    requirement: &'static str,
    message: &Value,
    pointer: &str,
    topic: &str,
    spot: Spot,
    judge: &mut Judge,
) {
    // A topic that is missing or no string is a matter of the schema.
    let Some(stated) = message.pointer(pointer).and_then(Value::as_str) else {
        return;
    };
    let breach = (stated != topic).then(|| {
        let message = format!("{pointer} names another topic than the one that was subscribed to");
        Breach::new(message, vec![Place::within(spot.sequence, pointer)])
            .expecting(topic)
            .observing(stated)
    });
    judge.tried(requirement, breach);
}
