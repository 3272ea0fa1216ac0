//! Control messages and events are told apart.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use crate::hub::control::mode_of;
use crate::hub::{Control, control_of, control_received};
use crate::{Call, Received, Signature, Spot};

fn received(message: Option<Value>, by_call: bool) -> Received {
    let call = Call {
        method: "GET".to_owned(),
        path: "/".to_owned(),
        query: String::new(),
        headers: Vec::new(),
        signature: Signature::Missing,
    };
    Received {
        spot: Spot {
            sequence: 0,
            at: Duration::ZERO,
        },
        socket: 0,
        text: "".into(),
        json: message.map(Arc::new),
        call: by_call.then(|| Arc::new(call)),
    }
}

#[test]
fn a_message_is_told_by_its_mode_and_else_by_its_members() {
    let (confirmation, denial) = (Some(Control::Confirmation), Some(Control::Denial));
    for (message, control) in [
        (json!({"hub.mode": "subscribe"}), confirmation),
        (json!({"hub.mode": "subscribe", "hub.reason": "r"}), confirmation),
        (json!({"hub.mode": "denied"}), denial),
        (json!({"hub.mode": "denied", "hub.lease_seconds": 1}), denial),
        (json!({"hub.lease_seconds": 1}), confirmation),
        (json!({"hub.lease_seconds": 1, "hub.reason": "r"}), confirmation),
        (json!({"hub.reason": "r"}), denial),
        (json!({"hub.reason": "r", "hub.topic": "t"}), denial),
        (json!({"hub.mode": 7}), confirmation),
        (json!({"hub.topic": "t"}), confirmation),
        (json!({"hub.events": "e"}), confirmation),
        (json!({"id": "1"}), None),
        (json!({"hub.mode": "subscribe", "event": {}}), None),
        (json!([{"hub.mode": "denied"}]), denial),
        (json!([{"hub.mode": "denied"}, {}]), None),
        (json!("subscribe"), None),
        (json!(null), None),
    ] {
        assert_eq!(control_of(&message), control, "{message}");
        let over_socket = received(Some(message.clone()), false);
        assert_eq!(control_received(&over_socket), control, "{message}");
    }
}

#[test]
fn a_call_is_told_by_its_query() {
    let (verification, denial) = (Some(Control::Verification), Some(Control::Denial));
    for (query, control) in [
        (
            json!({"hub.mode": "subscribe", "hub.challenge": "c"}),
            verification,
        ),
        (json!({"hub.mode": "denied", "hub.challenge": "c"}), verification),
        (json!({"hub.challenge": "c"}), verification),
        (json!({"hub.mode": "subscribe"}), verification),
        (json!({"hub.mode": "unsubscribe"}), verification),
        (json!({"hub.mode": "subscribe", "hub.reason": "r"}), denial),
        (json!({"hub.mode": "unsubscribe", "hub.reason": "r"}), denial),
        (json!({"hub.mode": "denied"}), denial),
        (json!({"hub.mode": "rejected"}), denial),
        (json!({"hub.topic": "t"}), None),
        (json!({"event": {}}), None),
    ] {
        let called = received(Some(query.clone()), true);
        assert_eq!(control_received(&called), control, "{query}");
    }
}

#[test]
fn what_is_no_json_is_no_control_message() {
    for by_call in [false, true] {
        assert_eq!(control_received(&received(None, by_call)), None);
    }
}

#[test]
fn a_mode_is_a_text() {
    assert_eq!(mode_of(&json!({"hub.mode": "denied"})), Some("denied"));
    assert_eq!(mode_of(&json!({"hub.mode": 7})), None);
    assert_eq!(mode_of(&json!({})), None);
}
