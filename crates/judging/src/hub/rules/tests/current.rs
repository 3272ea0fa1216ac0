//! Get Current Context gives what was opened, and the content as the updates left it.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{FAIL, PASS, WARN};
use crate::hub::example::{Example, Findings, TOPIC};
use crate::hub::ids::{CONTENT_MAINTAINED, CURRENT_AS_SUPPLIED, CURRENT_LATEST};
use crate::hub::rules::ContextRead;

const EVENTS: &str =
    "Patient-open,Patient-close,DiagnosticReport-open,DiagnosticReport-update,DiagnosticReport-close";

fn report(id: &str) -> Value {
    json!([
        {"key": "report", "resource": {"resourceType": "DiagnosticReport", "id": id, "status": "final"}},
        {"key": "patient", "resource": {"resourceType": "Patient", "id": "p", "identifier": [{"value": "12"}]}},
    ])
}

fn observation(id: &str, value: f64) -> Value {
    json!({"resourceType": "Observation", "id": id, "valueQuantity": {"value": value}})
}

fn put(resource: Value) -> Value {
    json!({"request": {"method": "PUT", "url": "Observation/o"}, "resource": resource})
}

fn delete(id: &str) -> Value {
    json!({"request": {"method": "DELETE"}, "fullUrl": format!("Observation/{id}")})
}

fn following() -> Example {
    let mut example = Example::with(&[]);
    example.subscribe("viewer", EVENTS);
    example
}

/// Publishes an event, which is distributed.
fn tell(example: &mut Example, event: &str, context: &Value) {
    let position = example.publish_context("viewer", event, context);
    example.deliver("viewer", position);
}

fn update(example: &mut Example, id: &str, entries: &[Value]) {
    let bundle = json!({"resourceType": "Bundle", "id": "b", "type": "transaction", "entry": entries});
    let anchor = json!({"key": "report", "reference": {"reference": format!("DiagnosticReport/{id}")}});
    tell(
        example,
        "DiagnosticReport-update",
        &json!([anchor, {"key": "updates", "resource": bundle}]),
    );
}

/// Somebody reads the current context: an anchor's type, its context and its content.
fn read(example: &mut Example, anchor: &str, context: &Value, content: Option<&[Value]>) {
    let mut entries = context.as_array().unwrap().clone();
    if let Some(content) = content {
        let entry: Value = content
            .iter()
            .map(|resource| json!({"resource": resource}))
            .collect();
        let bundle = json!({"resourceType": "Bundle", "type": "collection", "entry": entry});
        entries.push(json!({"key": "content", "resource": bundle}));
    }
    let body = json!({"context.type": anchor, "context.versionId": "1", "context": entries});
    let answer = example.exchange("viewer", 200, &body.to_string());
    let read = ContextRead {
        by: Some("viewer".to_owned()),
        topic: TOPIC.to_owned(),
        answer,
    };
    example.conversation.contexts_read.push(Arc::new(read));
}

/// What is found when this is read after a report was opened.
fn opened(change: impl FnOnce(&mut Value)) -> Findings {
    let mut example = following();
    tell(&mut example, "DiagnosticReport-open", &report("r"));
    let mut context = report("r");
    change(&mut context);
    read(&mut example, "DiagnosticReport", &context, Some(&[]));
    example.judged()
}

#[test]
fn the_context_is_as_it_was_supplied() {
    let verdict = |change: fn(&mut Value)| opened(change).verdict(CURRENT_AS_SUPPLIED);
    assert_eq!(verdict(|_| {}), PASS);
    assert_eq!(verdict(|context| context.as_array_mut().unwrap().reverse()), PASS);
    assert_eq!(
        verdict(|context| context[1]["resource"]["meta"] = json!({"versionId": "3"})),
        PASS
    );
    assert_eq!(
        verdict(|context| context[1]["resource"]["id"] = json!("q")),
        FAIL,
        "another patient"
    );
    assert_eq!(
        verdict(|context| context[0]["resource"]["id"] = json!("q")),
        FAIL,
        "an anchor nobody opened"
    );
    assert_eq!(
        verdict(|context| context[1]["resource"]["identifier"] = json!([])),
        FAIL
    );
    assert_eq!(
        verdict(|context| context[0]["resource"]["code"] = json!({"text": "x"})),
        WARN
    );
    let no_patient = |context: &mut Value| {
        context.as_array_mut().unwrap().pop();
    };
    assert_eq!(opened(no_patient).verdict(CURRENT_AS_SUPPLIED), FAIL);
    let one_more = |context: &mut Value| {
        let encounter = json!({"key": "encounter", "resource": {"resourceType": "Encounter", "id": "e"}});
        context.as_array_mut().unwrap().push(encounter);
    };
    assert_eq!(opened(one_more).verdict(CURRENT_AS_SUPPLIED), FAIL);
    let findings = opened(|context| context[1]["resource"]["id"] = json!("q"));
    let message = &findings.check(CURRENT_AS_SUPPLIED).unwrap().message;
    assert!(
        message.ends_with("/context/1/resource/id has another value"),
        "{message}"
    );
}

#[test]
fn it_is_that_of_the_latest_open_event() {
    let mut example = following();
    tell(&mut example, "DiagnosticReport-open", &report("r"));
    tell(&mut example, "DiagnosticReport-open", &report("later"));
    read(&mut example, "DiagnosticReport", &report("r"), None);
    let findings = example.judged();
    assert_eq!(findings.verdict(CURRENT_LATEST), FAIL);
    assert_eq!(findings.verdict(CURRENT_AS_SUPPLIED), None);
    let mut example = following();
    tell(&mut example, "DiagnosticReport-open", &report("r"));
    tell(&mut example, "DiagnosticReport-open", &report("later"));
    update(&mut example, "later", &[]);
    read(&mut example, "DiagnosticReport", &report("later"), None);
    let findings = example.judged();
    assert_eq!(findings.verdict(CURRENT_LATEST), PASS);
    assert_eq!(findings.verdict(CURRENT_AS_SUPPLIED), PASS);
}

#[test]
fn what_is_current_is_not_judged_where_it_is_unsure() {
    let after = |then: fn(&mut Example)| {
        let mut example = following();
        tell(&mut example, "DiagnosticReport-open", &report("r"));
        then(&mut example);
        read(&mut example, "DiagnosticReport", &report("r"), None);
        let findings = example.judged();
        (
            findings.verdict(CURRENT_LATEST),
            findings.verdict(CURRENT_AS_SUPPLIED),
        )
    };
    let closed = |example: &mut Example| tell(example, "Patient-close", &report("r"));
    assert_eq!(
        after(closed),
        (None, PASS),
        "which is current after a close is open"
    );
    let undistributed = |example: &mut Example| {
        example.publish_context("viewer", "DiagnosticReport-open", &report("later"));
    };
    assert_eq!(
        after(undistributed),
        (None, PASS),
        "the hub may not be done with it"
    );
    let earlier = |example: &mut Example| {
        let position = example.publish_context("viewer", "DiagnosticReport-open", &report("later"));
        example.publication(position).timestamp = "2026-03-01T08:00:00.000Z".to_owned();
        example.deliver_changed("viewer", position, |_| {});
    };
    assert_eq!(after(earlier), (None, PASS), "its time is earlier");
    let unfollowed = |example: &mut Example| {
        tell(
            example,
            "Encounter-open",
            &json!([
                {"key": "encounter", "resource": {"resourceType": "Encounter", "id": "e"}}
            ]),
        )
    };
    assert_eq!(after(unfollowed), (None, PASS), "who asks does not follow it");
    let stranger = |example: &mut Example| {
        let position = example.publish_context("viewer", "DiagnosticReport-open", &report("later"));
        example.deliver("viewer", position);
        let mut other = example.notification(position);
        other["id"] = json!("of-somebody");
        other["event"]["context"][0]["resource"]["id"] = json!("r");
        other["event"]["hub.event"] = json!("Patient-open");
        example.send("viewer", &other);
    };
    assert_eq!(after(stranger).0, None, "somebody else may have opened it again");
}

#[test]
fn nothing_is_judged_while_something_is_published() {
    let mut example = following();
    tell(&mut example, "DiagnosticReport-open", &report("r"));
    let mut other = report("r");
    other[1]["resource"]["id"] = json!("q");
    read(&mut example, "DiagnosticReport", &other, None);
    let answer = example.conversation.contexts_read[0].answer.spot;
    let late = example.publish_context("viewer", "DiagnosticReport-open", &report("r"));
    example.publication(late).requested.sequence = answer.sequence - 1;
    assert_eq!(example.verdict(CURRENT_AS_SUPPLIED), None);
}

/// The verdict on this content after these updates of a report.
fn shared(updates: &[&[Value]], content: &[Value]) -> Option<crate::outcome::Verdict> {
    let mut example = following();
    tell(&mut example, "DiagnosticReport-open", &report("r"));
    for entries in updates {
        update(&mut example, "r", entries);
    }
    read(&mut example, "DiagnosticReport", &report("r"), Some(content));
    example.verdict(CONTENT_MAINTAINED)
}

#[test]
fn the_content_is_what_the_updates_made_of_it() {
    let (one, two) = (observation("one", 1.5), observation("two", 2.5));
    let both: &[&[Value]] = &[&[put(one.clone())], &[put(two.clone())]];
    assert_eq!(shared(&[], &[]), PASS);
    assert_eq!(shared(both, &[two.clone(), one.clone()]), PASS);
    assert_eq!(shared(both, std::slice::from_ref(&one)), FAIL, "one is missing");
    assert_eq!(
        shared(both, &[one.clone(), observation("two", 9.5)]),
        FAIL,
        "another value"
    );
    assert_eq!(
        shared(both, &[one.clone(), two.clone(), observation("three", 1.0)]),
        FAIL,
        "nobody shared it"
    );
    assert_eq!(
        shared(both, &[one.clone(), two.clone(), two.clone()]),
        FAIL,
        "twice"
    );
    let mut more = two.clone();
    more["status"] = json!("final");
    assert_eq!(shared(both, &[one.clone(), more]), WARN);
    let mut stored = two.clone();
    stored["meta"] = json!({"versionId": "2"});
    assert_eq!(shared(both, &[one.clone(), stored]), PASS);
    let anchor = report("r")[0]["resource"].clone();
    assert_eq!(
        shared(both, &[anchor, one.clone(), two]),
        PASS,
        "the anchor may stand in it"
    );
    let replaced: &[&[Value]] = &[&[put(observation("one", 0.5))], &[put(one.clone())]];
    assert_eq!(shared(replaced, std::slice::from_ref(&one)), PASS);
    assert_eq!(
        shared(replaced, &[observation("one", 0.5)]),
        FAIL,
        "the earlier one"
    );
    let deleted: &[&[Value]] = &[&[put(one.clone())], &[delete("one")]];
    assert_eq!(shared(deleted, &[]), PASS);
    assert_eq!(shared(deleted, &[one]), FAIL, "it was deleted");
}

#[test]
fn content_is_not_judged_where_an_update_leaves_it_open() {
    let one = observation("one", 1.5);
    let posted = json!({"request": {"method": "POST"}, "resource": one});
    assert_eq!(shared(&[&[posted]], &[]), None);
    assert_eq!(
        shared(&[&[put(one.clone()), put(observation("one", 2.5))]], &[]),
        None,
        "twice in one Bundle"
    );
    assert_eq!(
        shared(&[&[put(json!({"resourceType": "Observation"}))]], &[]),
        None,
        "without an id"
    );
    let mut example = following();
    tell(&mut example, "DiagnosticReport-open", &report("r"));
    update(&mut example, "r", &[put(one.clone())]);
    tell(&mut example, "DiagnosticReport-close", &report("r"));
    read(&mut example, "DiagnosticReport", &report("r"), Some(&[]));
    assert_eq!(example.verdict(CONTENT_MAINTAINED), None, "it was closed");
    let mut example = following();
    tell(&mut example, "DiagnosticReport-open", &report("r"));
    let anchor = json!({"key": "report", "reference": {"reference": "DiagnosticReport/r"}});
    let updates =
        json!({"key": "updates", "resource": {"resourceType": "Bundle", "entry": [put(one.clone())]}});
    tell(
        &mut example,
        "DiagnosticReport-update",
        &json!([anchor, updates, updates]),
    );
    read(&mut example, "DiagnosticReport", &report("r"), Some(&[]));
    assert_eq!(
        example.verdict(CONTENT_MAINTAINED),
        None,
        "two Bundles in one event"
    );
    let mut example = following();
    tell(&mut example, "DiagnosticReport-open", &report("r"));
    let position = example.publish_context(
        "viewer",
        "DiagnosticReport-update",
        &json!([
            {"key": "report", "reference": {"reference": "DiagnosticReport/r"}},
            {"key": "updates", "resource": {"resourceType": "Bundle", "entry": [put(one)]}},
        ]),
    );
    assert!(position > 0);
    read(&mut example, "DiagnosticReport", &report("r"), Some(&[]));
    assert_eq!(
        example.verdict(CONTENT_MAINTAINED),
        None,
        "it was not distributed yet"
    );
}
