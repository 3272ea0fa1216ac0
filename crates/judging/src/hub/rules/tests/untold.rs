//! Subscribers that the hub gives up for their silence.

use super::{PASS, WARN};
use crate::hub::example::{Example, sync_error};
use crate::hub::ids::UNRESPONSIVE_TOLD;
use crate::outcome::{Traffic, Verdict};

/// What is found where the viewer is sent an event beside a worklist, and this happens after it.
fn found(happens: impl FnOnce(&mut Example, &str)) -> Option<Verdict> {
    let mut example = Example::with(&["worklist", "viewer"]);
    let position = example.publish("worklist", "Patient-open");
    let id = example.conversation.publications[position].id.clone();
    for name in ["worklist", "viewer"] {
        example.deliver(name, position);
    }
    example.acknowledge("worklist", &id, 200);
    example.pass(10.0);
    happens(&mut example, &id);
    example.judged().verdict(UNRESPONSIVE_TOLD)
}

/// The hub closes the viewer's WebSocket.
fn close(example: &mut Example, code: u16) {
    example.close("viewer", true, Some(code));
    let closed = &mut example.subscriber("viewer").closed;
    closed.iter_mut().for_each(|closed| closed.by_frame = true);
}

#[test]
fn who_is_given_up_for_silence_is_told_of_before() {
    assert_eq!(found(|example, _| close(example, 1008)), WARN);
    let told = found(|example, id| {
        example.send("worklist", &sync_error("s-1", id));
        close(example, 1008);
    });
    assert_eq!(told, PASS);
}

#[test]
fn an_end_for_another_reason_needs_no_sync_error() {
    assert_eq!(found(|_, _| {}), None, "it is not given up");
    assert_eq!(
        found(|example, _| close(example, 1001)),
        None,
        "the hub goes down"
    );
    let answered = found(|example, id| {
        example.acknowledge("viewer", id, 200);
        close(example, 1008);
    });
    assert_eq!(answered, None);
    let refused = found(|example, id| {
        example.acknowledge("viewer", id, 409);
        close(example, 1008);
    });
    assert_eq!(refused, None);
    let after_a_strange_frame = found(|example, _| {
        let strange = Traffic::FrameSent {
            text: "what".to_owned(),
            binary: false,
        };
        example.add("viewer", strange);
        close(example, 1008);
    });
    assert_eq!(after_a_strange_frame, None);
    let restarting = found(|example, _| close(example, 1012));
    assert_eq!(restarting, None);
    let after_a_logout = found(|example, _| {
        example.publish_context("worklist", "UserLogout", &serde_json::json!([]));
        close(example, 1000);
    });
    assert_eq!(after_a_logout, None);
    let nobody_to_tell = found(|example, _| {
        example.close("worklist", false, Some(1000));
        close(example, 1008);
    });
    assert_eq!(nobody_to_tell, None);
    let after_its_lease = found(|example, _| {
        example.subscription("viewer").lease = Some(5.0);
        close(example, 1000);
    });
    assert_eq!(after_its_lease, None);
}
