//! Copies have the id, the time and the context of the publication.

use serde_json::json;

use super::{FAIL, PASS};
use crate::hub::example::{Example, Findings};
use crate::hub::ids::{CONTEXT_UNALTERED, ID_REUSED, TIMESTAMP};

fn delivered(change: impl FnOnce(&mut serde_json::Value)) -> Findings {
    let mut example = Example::with(&["viewer"]);
    let opened = example.publish("viewer", "Patient-open");
    example.deliver_changed("viewer", opened, change);
    example.judged()
}

#[test]
fn a_copy_is_as_it_was_published() {
    let findings = delivered(|_| {});
    for requirement in [ID_REUSED, TIMESTAMP, CONTEXT_UNALTERED] {
        assert_eq!(findings.verdict(requirement), PASS, "{requirement}");
    }
}

#[test]
fn a_broadcast_has_the_id_of_its_request() {
    let findings = delivered(|message| message["id"] = json!("another"));
    assert_eq!(findings.verdict(ID_REUSED), FAIL);
    let check = findings.check(ID_REUSED).unwrap();
    assert_eq!(check.expected.as_deref(), Some("event-0"));
    assert_eq!(check.observed.as_deref(), Some("another"));
}

#[test]
fn a_catch_up_may_have_another_id() {
    let mut example = Example::with(&["viewer"]);
    let opened = example.publish("viewer", "Patient-open");
    example.subscribe("late", "Patient-open");
    example.deliver_changed("late", opened, |message| message["id"] = json!("another"));
    let findings = example.judged();
    assert_eq!(findings.verdict(ID_REUSED), None);
    assert_eq!(findings.verdict(CONTEXT_UNALTERED), PASS);
}

#[test]
fn the_time_is_that_of_the_event_in_whatever_precision() {
    for (time, verdict) in [
        ("2026-03-01T09:30:00Z", PASS),
        ("2026-03-01T10:30:00.000+01:00", PASS),
        ("2026-03-01T09:30:00.250Z", FAIL),
        ("2026-03-01T09:30:07.000Z", FAIL),
        ("yesterday", None),
    ] {
        let findings = delivered(|message| message["timestamp"] = json!(time));
        assert_eq!(findings.verdict(TIMESTAMP), verdict, "{time}");
    }
}

#[test]
fn nothing_of_the_context_is_lost() {
    let lost = delivered(|message| {
        let resource = &mut message["event"]["context"][0]["resource"];
        resource.as_object_mut().unwrap().remove("identifier");
    });
    assert_eq!(lost.verdict(CONTEXT_UNALTERED), FAIL);
    let check = lost.check(CONTEXT_UNALTERED).unwrap();
    assert!(
        check
            .message
            .contains("/event/context/0/resource/identifier is missing"),
        "{}",
        check.message
    );
    let changed = delivered(|message| {
        message["event"]["context"][0]["resource"]["identifier"][0]["value"] = json!("13");
    });
    assert_eq!(changed.verdict(CONTEXT_UNALTERED), FAIL);
}

#[test]
fn something_may_be_added_to_the_context() {
    let findings = delivered(|message| {
        message["event"]["context"][0]["resource"]["active"] = json!(true);
        message["event"]["context.versionId"] = json!("1");
    });
    assert_eq!(findings.verdict(CONTEXT_UNALTERED), PASS);
}
