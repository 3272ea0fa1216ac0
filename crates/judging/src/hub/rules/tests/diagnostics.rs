//! What SyncErrors say of refusals and of silence.

use super::WARN;
use crate::hub::example::{Example, sync_error};
use crate::hub::ids::DIAGNOSTICS;
use crate::outcome::Verdict;

/// What is found where the viewer answers so, or not at all, and the worklist is told of it in these words.
fn told(status: Option<u16>, diagnostics: &str, leaves: bool) -> Option<Verdict> {
    let mut example = Example::with(&["worklist", "viewer"]);
    let position = example.publish("worklist", "Patient-open");
    let id = example.conversation.publications[position].id.clone();
    for name in ["worklist", "viewer"] {
        example.deliver(name, position);
    }
    example.acknowledge("worklist", &id, 200);
    if let Some(status) = status {
        example.acknowledge("viewer", &id, status);
    }
    if leaves {
        example.close("viewer", false, Some(1000));
    }
    let mut told = sync_error("s-1", &id);
    told["event"]["context"][0]["resource"]["issue"][0]["diagnostics"] = diagnostics.into();
    example.send("worklist", &told);
    let check = example.judged();
    check
        .verdict(DIAGNOSTICS)
        .filter(|verdict| *verdict != Verdict::Pass)
}

#[test]
fn a_refusal_is_not_told_as_silence() {
    for words in [
        "Viewer did not respond",
        "Delivery to viewer TIMED OUT",
        "The notification was not delivered",
    ] {
        assert_eq!(told(Some(409), words, false), WARN, "{words}");
    }
    for words in [
        "Viewer refused to follow",
        "not delivered: viewer answered with status 409",
        "Konflikt bei viewer",
        "viewer is out of sync",
    ] {
        assert_eq!(told(Some(409), words, false), None, "{words}");
    }
}

#[test]
fn silence_is_not_told_as_a_refusal() {
    assert_eq!(told(None, "Viewer rejected the event", false), WARN);
    for words in [
        "Viewer did not answer",
        "Viewer rejected the event or did not answer",
        "viewer is out of sync",
    ] {
        assert_eq!(told(None, words, false), None, "{words}");
    }
}

#[test]
fn a_failure_may_be_told_as_one_to_deliver() {
    assert_eq!(told(Some(500), "The notification was not delivered", false), None);
    assert_eq!(told(None, "connection refused by the callback", false), None);
}

#[test]
fn a_refusal_that_comes_late_may_be_told_as_silence() {
    let mut example = Example::with(&["worklist", "viewer"]);
    let position = example.publish("worklist", "Patient-open");
    let id = example.conversation.publications[position].id.clone();
    for name in ["worklist", "viewer"] {
        example.deliver(name, position);
    }
    example.acknowledge("worklist", &id, 200);
    example.pass(12.0);
    let mut told = sync_error("s-1", &id);
    told["event"]["context"][0]["resource"]["issue"][0]["diagnostics"] = "viewer timed out".into();
    example.send("worklist", &told);
    example.acknowledge("viewer", &id, 409);
    assert_ne!(example.judged().verdict(DIAGNOSTICS), WARN);
}

#[test]
fn nothing_is_said_where_a_subscriber_has_left() {
    assert_eq!(told(Some(409), "Viewer did not respond", true), None);
    assert_eq!(told(None, "Viewer rejected the event", true), None);
}
