//! Telling the control messages of a subscription from events (ambiguities, 26).

use serde_json::Value;

use crate::Received;

/// A message about the subscription itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Control {
    /// The subscription is active.
    Confirmation,
    /// The subscription has ended or never began.
    Denial,
    /// The subscriber is asked whether it meant its request (STU1 and STU2, webhooks).
    Verification,
}

/// What a received message says of the subscription: at a callback, by its query; over a WebSocket, by its members.
pub fn control_received(received: &Received) -> Option<Control> {
    let message = received.message()?;
    match &received.call {
        None => control_of(message),
        Some(_) if message.get("hub.challenge").is_some() => Some(Control::Verification),
        Some(_) => match mode_of(message)? {
            "subscribe" | "unsubscribe" if message.get("hub.reason").is_none() => Some(Control::Verification),
            _ => Some(Control::Denial),
        },
    }
}

/// `hub.mode` of a control message.
pub fn mode_of(message: &Value) -> Option<&str> {
    message.get("hub.mode").and_then(Value::as_str)
}

/// What a message says of the subscription; `None` for an event. A message whose `hub.mode` is missing or wrong is told by
/// its other members, and one that stands in an array by what is in it: it is judged as what it must be meant to be, and not
/// as an event.
pub fn control_of(message: &Value) -> Option<Control> {
    if let Some([only]) = message.as_array().map(Vec::as_slice) {
        return control_of(only);
    }
    let members = message.as_object()?;
    let has = |name: &str| members.contains_key(name);
    if has("event") {
        return None;
    }
    match mode_of(message) {
        Some("subscribe") => Some(Control::Confirmation),
        Some("denied") => Some(Control::Denial),
        _ if has("hub.lease_seconds") => Some(Control::Confirmation),
        _ if has("hub.reason") => Some(Control::Denial),
        _ if has("hub.mode") || has("hub.topic") || has("hub.events") => Some(Control::Confirmation),
        _ => None,
    }
}

/// Whether a message is neither about a subscription nor an event, nor has anything that either of them has.
pub fn is_of_no_known_kind(message: &Value) -> bool {
    let Some(members) = message.as_object() else {
        return false;
    };
    let known = ["event", "id", "timestamp", "context", "status"];
    control_of(message).is_none() && !members.keys().any(|name| known.contains(&name.as_str()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_spoiled_mode_does_not_make_an_event_of_a_control_message() {
        assert_eq!(
            control_of(&json!({"hub.mode": "subscribe"})),
            Some(Control::Confirmation)
        );
        assert_eq!(
            control_of(&json!({"hub.topic": "t", "hub.lease_seconds": 1})),
            Some(Control::Confirmation)
        );
        assert_eq!(
            control_of(&json!({"hub.mode": "unsubscribed", "hub.reason": "r"})),
            Some(Control::Denial)
        );
        assert_eq!(control_of(&json!({"id": "1", "event": {}})), None);
        assert_eq!(control_of(&json!([])), None);
        assert_eq!(
            control_of(&json!([{"hub.mode": "denied"}])),
            Some(Control::Denial)
        );
    }
}
