//! All subscribers are told the same of one event.

use serde_json::{Value, json};

use super::{FAIL, PASS, WARN};
use crate::hub::example::Example;
use crate::hub::ids::SAME_FOR_ALL;
use crate::outcome::Verdict;
use crate::protocol::Version;

/// The verdicts under each version when the second of two subscribers gets this of one event.
fn told(change: impl Fn(&mut Value)) -> [Option<Verdict>; 3] {
    Version::ALL.map(|version| {
        let mut example = Example::under(version, &["viewer", "worklist"]);
        let opened = example.publish("viewer", "Patient-open");
        example.deliver_changed("viewer", opened, |message| {
            message["event"]["context.versionId"] = json!("1");
            message["event"]["context"][0]["resource"]["active"] = json!(true);
        });
        example.deliver_changed("worklist", opened, |message| {
            message["event"]["context.versionId"] = json!("1");
            message["event"]["context"][0]["resource"]["active"] = json!(true);
            change(message);
        });
        example.verdict(SAME_FOR_ALL)
    })
}

#[test]
fn subscribers_are_not_told_what_contradicts_itself() {
    assert_eq!(told(|_| {}), [PASS; 3]);
    let active = |message: &mut Value| message["event"]["context"][0]["resource"]["active"] = json!(false);
    assert_eq!(told(active), [FAIL; 3]);
    assert_eq!(
        told(|message| message["event"]["context.versionId"] = json!("2")),
        [FAIL; 3]
    );
    assert_eq!(
        told(|message| message["event"]["context"][0]["resource"]["id"] = json!("q")),
        [FAIL; 3]
    );
}

#[test]
fn what_one_was_told_and_another_was_not_warns() {
    let less = |message: &mut Value| {
        message["event"]["context"][0]["resource"]
            .as_object_mut()
            .unwrap()
            .remove("active");
    };
    assert_eq!(told(less), [WARN; 3]);
    assert_eq!(
        told(|message| message["sent-by"] = json!("hub")),
        [PASS; 3],
        "only what the first was told is looked for"
    );
    let no_entry = |message: &mut Value| message["event"]["context"] = json!([]);
    assert_eq!(told(no_entry), [WARN; 3]);
}

#[test]
fn the_case_of_the_name_and_the_spelling_of_the_version_are_free() {
    let spelled = |message: &mut Value| {
        message["event"]["hub.event"] = json!("patient-open");
        message["event"]
            .as_object_mut()
            .unwrap()
            .remove("context.versionId");
        message["event"]["versionId"] = json!("1");
        message["timestamp"] = json!("2026-03-01T10:30:00+01:00");
    };
    assert_eq!(told(spelled), [PASS; 3]);
}

#[test]
fn only_the_broadcast_is_compared() {
    let mut example = Example::with(&["viewer"]);
    let opened = example.publish("viewer", "Patient-open");
    example.deliver("viewer", opened);
    example.subscribe("late", "Patient-open");
    let newer = |message: &mut Value| message["event"]["context.versionId"] = json!("2");
    example.deliver_changed("late", opened, newer);
    assert_eq!(
        example.verdict(SAME_FOR_ALL),
        None,
        "a catch-up has the version of now"
    );

    let mut example = Example::with(&["viewer", "worklist"]);
    let opened = example.publish("viewer", "Patient-open");
    example.deliver_changed("viewer", opened, |message| {
        message["event"]["context.versionId"] = json!("1")
    });
    let asked = example.exchange("worklist", 202, "");
    example.subscription("worklist").replaced.push(asked.request);
    example.deliver_changed("worklist", opened, newer);
    assert_eq!(example.verdict(SAME_FOR_ALL), None, "it subscribed anew");

    let mut example = Example::with(&["viewer", "worklist"]);
    let opened = example.publish("viewer", "Patient-open");
    example.deliver_changed("viewer", opened, |message| {
        message["event"]["context.versionId"] = json!("1")
    });
    example.deliver_changed("worklist", opened, newer);
    example.acknowledge("worklist", "event-0", 409);
    assert_eq!(example.verdict(SAME_FOR_ALL), None, "it may have been sent again");
}
