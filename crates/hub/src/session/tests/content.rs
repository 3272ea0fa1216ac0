//! Versions, updates, content and the current context.

use serde_json::{Value, json};

use super::*;

fn put(resource: Value) -> Value {
    json!({"request": {"method": "PUT"}, "resource": resource})
}

fn observation(id: &str, value: i64) -> Value {
    json!({"resourceType": "Observation", "id": id, "valueInteger": value})
}

fn update(id: &str, report_id: &str, version: &str, entries: Value) -> Value {
    let mut update = event(
        id,
        "DiagnosticReport-update",
        json!([
            {"key": "report", "reference": {"reference": format!("DiagnosticReport/{report_id}")}},
            {"key": "updates", "resource": {"resourceType": "Bundle", "id": "bundle-1", "type": "transaction", "entry": entries}},
        ]),
    );
    update["event"]["context.versionId"] = version.into();
    update
}

struct Sharing {
    desk: Desk,
    id: SubscriberId,
    version: String,
}

fn sharing() -> Sharing {
    let mut desk = Desk::new();
    let id = desk
        .join("DiagnosticReport-open,DiagnosticReport-update,DiagnosticReport-close,DiagnosticReport-select");
    desk.publish(&report_open("open", "r1")).unwrap();
    let version = version_of(&desk.only(id));
    Sharing { desk, id, version }
}

fn version_of(event: &Value) -> String {
    event["event"]["context.versionId"].as_str().unwrap().to_owned()
}

fn content(current: &Value) -> Vec<Value> {
    let entries = current["context"].as_array().unwrap();
    let mut bundles = entries.iter().filter(|entry| entry["key"] == "content");
    let bundle = &bundles.next().unwrap()["resource"];
    assert!(bundles.next().is_none());
    assert_eq!(bundle["type"], "collection");
    let entries = bundle["entry"].as_array().cloned().unwrap_or_default();
    entries.iter().map(|entry| entry["resource"].clone()).collect()
}

#[test]
fn an_update_gets_a_new_version_and_keeps_all_else() {
    let Sharing {
        mut desk,
        id,
        version,
    } = sharing();
    let sent = update("u1", "r1", &version, json!([put(observation("o1", 1))]));
    desk.publish(&sent).unwrap();
    let mut got = desk.only(id);
    let next = version_of(&got);
    assert_ne!(next, version);
    assert_eq!(got["event"]["context.priorVersionId"], version);
    assert_eq!(got["event"]["context"][1]["resource"]["id"], "bundle-1");
    got["event"]["context.versionId"] = version.into();
    got["event"]
        .as_object_mut()
        .unwrap()
        .remove("context.priorVersionId");
    assert_eq!(got, sent);
    let current = desk.current();
    assert_eq!(current["context.versionId"], next);
    assert_eq!(content(&current), [observation("o1", 1)]);
}

#[test]
fn content_is_the_sum_of_its_updates() {
    let Sharing {
        mut desk,
        id,
        mut version,
    } = sharing();
    let delete = |url: &str| json!({"fullUrl": url, "request": {"method": "DELETE"}});
    for entries in [
        json!([put(observation("o1", 1)), put(observation("o2", 2))]),
        json!([put(observation("o1", 11)), put(observation("o3", 3))]),
        json!([
            delete("Observation/o2"),
            delete("http://x.example/Observation/none")
        ]),
        json!([put(
            json!({"resourceType": "DiagnosticReport", "id": "r1", "status": "final"})
        )]),
    ] {
        desk.publish(&update("u", "r1", &version, entries)).unwrap();
        version = version_of(&desk.only(id));
    }
    let current = desk.current();
    assert_eq!(current["context.type"], "DiagnosticReport");
    assert_eq!(
        current["context"][0]["resource"].get("status"),
        None,
        "the context is that of the open event"
    );
    let report = json!({"resourceType": "DiagnosticReport", "id": "r1", "status": "final"});
    assert_eq!(
        content(&current),
        [observation("o1", 11), observation("o3", 3), report]
    );
}

#[test]
fn a_refused_update_changes_and_distributes_nothing() {
    let Sharing {
        mut desk,
        id,
        version,
    } = sharing();
    desk.publish(&update("u0", "r1", &version, json!([put(observation("o0", 0))])))
        .unwrap();
    let version = version_of(&desk.only(id));
    let before = desk.current();
    let good = put(observation("o1", 1));
    let twice = json!([good, put(observation("o1", 2))]);
    let post = json!([good, {"request": {"method": "POST"}, "resource": observation("o2", 2)}]);
    let nameless = json!([good, put(json!({"resourceType": "Observation"}))]);
    let removal =
        json!([good, {"fullUrl": "Patient/p", "request": {"method": "DELETE", "url": "Patient/p"}}]);
    let lost = json!([good, {"request": {"method": "DELETE"}}]);
    let mut versionless = update("u", "r1", "", json!([good]));
    versionless["event"]
        .as_object_mut()
        .unwrap()
        .remove("context.versionId");
    let mut two_bundles = update("u", "r1", &version, json!([good]));
    let again = two_bundles["event"]["context"][1].clone();
    two_bundles["event"]["context"]
        .as_array_mut()
        .unwrap()
        .push(again);
    let mut no_bundle = update("u", "r1", &version, json!([good]));
    no_bundle["event"]["context"].as_array_mut().unwrap().pop();
    for (update, status, says) in [
        (update("u", "r1", "stale", json!([good])), 409, "'stale'"),
        (update("u", "r1", "stale", json!([good])), 409, version.as_str()),
        (versionless, 400, "/event/context.versionId"),
        (
            update("u", "r2", &version, json!([good])),
            409,
            "DiagnosticReport/r2 is not in an open context",
        ),
        (
            update("u", "r1", &version, twice),
            400,
            "/event/context/1/resource/entry/1",
        ),
        (
            update("u", "r1", &version, post),
            400,
            "/event/context/1/resource/entry/1/request/method",
        ),
        (
            update("u", "r1", &version, nameless),
            400,
            "/event/context/1/resource/entry/1/resource",
        ),
        (
            update("u", "r1", &version, removal),
            400,
            "entry 1 of the updates Bundle removes",
        ),
        (
            update("u", "r1", &version, lost),
            400,
            "/event/context/1/resource/entry/1",
        ),
        (two_bundles, 400, "/event/context/2"),
        (no_bundle, 400, "'updates'"),
    ] {
        let refusal = desk.publish(&update).unwrap_err();
        assert_eq!(refusal.status, status, "{refusal}");
        assert!(refusal.reason.contains(says), "{refusal}");
        assert!(desk.frames(id).is_empty());
        assert_eq!(desk.current(), before);
    }
}

#[test]
fn content_is_limited() {
    let mut desk = Desk::with(
        Version::Stu3,
        Limits {
            content_limit: 100,
            ..Limits::default()
        },
    );
    let id = desk.join("DiagnosticReport-open");
    desk.publish(&report_open("open", "r1")).unwrap();
    let version = version_of(&desk.only(id));
    let large = put(json!({"resourceType": "Observation", "id": "o", "valueString": "x".repeat(100)}));
    let refusal = desk
        .publish(&update("u", "r1", &version, json!([large])))
        .unwrap_err();
    assert_eq!(refusal.status, 413);
}

#[test]
fn content_is_dropped_with_the_close_and_kept_for_what_stays_open() {
    let Sharing {
        mut desk,
        id,
        version,
    } = sharing();
    desk.publish(&update("u1", "r1", &version, json!([put(observation("o1", 1))])))
        .unwrap();
    desk.publish(&report_open("open2", "r2")).unwrap();
    assert!(content(&desk.current()).is_empty());
    desk.frames(id);
    // Out of the current context and back: the content of the first is still there.
    desk.publish(&report_open("open1", "r1")).unwrap();
    assert_eq!(content(&desk.current()), [observation("o1", 1)]);
    let again = version_of(&desk.only(id));
    assert_ne!(again, version);
    let close = |id: &str, report: &str| {
        let mut close = report_open(id, report);
        close["event"]["hub.event"] = "DiagnosticReport-close".into();
        close
    };
    desk.publish(&close("close1", "r1")).unwrap();
    desk.publish(&report_open("open3", "r1")).unwrap();
    assert!(content(&desk.current()).is_empty());
    desk.publish(&close("close2", "r1")).unwrap();
    let refusal = desk.publish(&update("u2", "r1", &again, json!([]))).unwrap_err();
    assert_eq!(refusal.status, 409);
}

#[test]
fn the_current_context_is_the_last_open_unless_it_was_closed() {
    let mut desk = Desk::new();
    let empty = json!({"context.type": "", "context": []});
    assert_eq!(desk.current(), empty);
    desk.publish(&patient_open("e1", "p1")).unwrap();
    let first = desk.current();
    assert_eq!(first["context.type"], "Patient");
    assert_eq!(first["context"][0], patient("p1"));
    assert!(content(&first).is_empty());
    desk.publish(&patient_open("e2", "p2")).unwrap();
    let second = desk.current();
    assert_ne!(first["context.versionId"], second["context.versionId"]);
    desk.publish(&patient_close("e3", "p2")).unwrap();
    assert_eq!(
        desk.current(),
        empty,
        "an earlier context does not come back by itself"
    );
    desk.publish(&patient_open("e4", "p3")).unwrap();
    desk.publish(&patient_close("e5", "p1")).unwrap();
    assert_eq!(
        desk.current()["context"][0],
        patient("p3"),
        "the close of another context"
    );
    desk.publish(&event("e6", "Home-open", json!([]))).unwrap();
    assert_eq!(desk.current(), empty);
}

#[test]
fn selections_are_for_open_contexts() {
    let Sharing { mut desk, id, .. } = sharing();
    let select = |report: &str| {
        let selected = json!({"key": "select", "reference": {"reference": "Observation/o1"}});
        let report = json!({"key": "report", "reference": {"reference": format!("https://x.example/DiagnosticReport/{report}/_history/1")}});
        event(
            "s",
            "DiagnosticReport-select",
            json!([report, selected.clone(), selected]),
        )
    };
    desk.publish(&select("r1")).unwrap();
    assert_eq!(desk.only(id), select("r1"));
    assert_eq!(desk.publish(&select("r9")).unwrap_err().status, 409);
    let no_reference = event(
        "s",
        "DiagnosticReport-select",
        json!([{"key": "report", "reference": {}}]),
    );
    let refusal = desk.publish(&no_reference).unwrap_err();
    assert!(
        refusal.reason.contains("/event/context/0/reference/reference"),
        "{refusal}"
    );
}

#[test]
fn the_replay_states_the_version_of_now() {
    let Sharing {
        mut desk,
        id,
        version,
    } = sharing();
    desk.publish(&update("u1", "r1", &version, json!([]))).unwrap();
    let version = version_of(&desk.only(id));
    let endpoint = desk.subscribe("DiagnosticReport-open");
    let late = desk.connect(&endpoint).unwrap();
    let frames = desk.frames(late);
    assert_eq!(frames[1]["id"], "open");
    assert_eq!(version_of(&frames[1]), version);
}

#[test]
fn open_contexts_are_bounded() {
    let mut desk = Desk::with(
        Version::Stu3,
        Limits {
            open_contexts_limit: 2,
            ..Limits::default()
        },
    );
    for id in ["p1", "p2", "p3"] {
        desk.publish(&patient_open(id, id)).unwrap();
    }
    let select = |id: &str| {
        let reference = json!({"reference": format!("Patient/{id}")});
        event(
            "s",
            "Patient-select",
            json!([{"key": "patient", "reference": reference}]),
        )
    };
    assert_eq!(
        desk.publish(&select("p1")).unwrap_err().status,
        409,
        "the oldest is forgotten"
    );
    desk.publish(&select("p2")).unwrap();
    assert_eq!(desk.current()["context"][0], patient("p3"));
}
