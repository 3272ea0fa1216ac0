//! Sessions of what is alike: contexts, resources, versions, subscribers and secrets that share a type, an id, a name or
//! their beginning. Defects that take one for the other show in the lines of what comes out.

use serde_json::json;

use super::*;

/// The lines of sessions over WebSockets.
pub(super) fn over_sockets(defects: &[Defect]) -> Vec<String> {
    let mut lines = Vec::new();
    close_what_is_alike(defects, &mut lines);
    change_what_is_alike(defects, &mut lines);
    subscribe_under_one_name(defects, &mut lines);
    lines
}

fn report_close(report_id: &str) -> Value {
    let mut close = report_open("close", report_id);
    close["event"]["hub.event"] = "DiagnosticReport-close".into();
    close
}

fn close_what_is_alike(defects: &[Defect], lines: &mut Vec<String>) {
    for close in [
        report_close("other"),
        report_close("R1"),
        report_close("r"),
        patient_close("close", "r1"),
        patient_close("close", "other"),
    ] {
        let mut desk = Desk::with_defects(defects);
        for event in [report_open("open", "r1"), close] {
            lines.push(format!("published: {}", desk.publish(&event).is_ok()));
        }
        lines.push(desk.current().to_string());
    }
    let mut desk = Desk::with_defects(defects);
    for event in [
        report_open("open", "r1"),
        report_open("again", "r1"),
        report_close("r1"),
        report_close("r1"),
        report_open("reopen", "r1"),
    ] {
        lines.push(format!("published: {}", desk.publish(&event).is_ok()));
        lines.push(desk.current().to_string());
    }
}

fn change_what_is_alike(defects: &[Defect], lines: &mut Vec<String>) {
    let put = |resource_type: &str, id: &str| json!({"request": {"method": "PUT"}, "resource": {"resourceType": resource_type, "id": id}});
    let delete = |url: &str| json!({"fullUrl": url, "request": {"method": "DELETE", "url": url}});
    let mut desk = Desk::with_defects(defects);
    let mut update = |desk: &mut Desk, report: &str, version: &str, entries: Value| {
        let mut update = event(
            "update",
            "DiagnosticReport-update",
            json!([
                {"key": "report", "reference": {"reference": format!("DiagnosticReport/{report}")}},
                {"key": "updates", "resource": {"resourceType": "Bundle", "id": "b", "type": "transaction", "entry": entries}},
            ]),
        );
        update["event"]["context.versionId"] = version.into();
        lines.push(format!("updated: {}", desk.publish(&update).is_ok()));
        lines.push(desk.current().to_string());
    };
    let version = |desk: &Desk| {
        let current = desk.current();
        current["context.versionId"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    };
    desk.publish(&report_open("first", "r1")).unwrap();
    let first = version(&desk);
    let entries = json!([
        put("Observation", "a"),
        put("Observation", "A"),
        put("Observation", "ab"),
        put("Condition", "a"),
    ]);
    update(&mut desk, "r1", &format!("{first} "), json!([]));
    let current = version(&desk);
    update(&mut desk, "r1", &current, entries);
    update(&mut desk, "r1", &first, json!([put("Observation", "late")]));
    let current = version(&desk);
    update(&mut desk, "r1", &current, json!([delete("Observation/a")]));
    let current = version(&desk);
    let both = json!([delete("Observation/A"), put("Observation", "b")]);
    update(&mut desk, "r1", &current, both);
    let mut beside = report_open("beside", "r1");
    beside["event"]["hub.event"] = "DiagnosticReport-update".into();
    let updates = json!({"key": "updates", "resource": {"resourceType": "Bundle", "type": "transaction"}});
    beside["event"]["context"].as_array_mut().unwrap().push(updates);
    beside["event"]["context.versionId"] = version(&desk).into();
    beside["event"]["versionId"] = "stale".into();
    let taken = desk.publish(&beside).is_ok();
    desk.publish(&report_open("second", "r2")).unwrap();
    let current = version(&desk);
    update(&mut desk, "r2", &current, json!([delete("Observation/ab")]));
    desk.publish(&report_open("third", "r1")).unwrap();
    update(&mut desk, "r1", "none", json!([]));
    desk.publish(&report_close("r1")).unwrap();
    desk.publish(&report_open("fourth", "r1")).unwrap();
    update(&mut desk, "r1", "none", json!([]));
    lines.push(format!("two versions taken: {taken}"));
}

fn subscribe_under_one_name(defects: &[Defect], lines: &mut Vec<String>) {
    let mut desk = Desk::with_defects(defects);
    let mut named = subscription("Patient-open,org.example.some_thing,SyncError");
    named.subscriber_name = Some("Viewer".to_owned());
    let mut endpoints = Vec::new();
    let mut everyone = Vec::new();
    for request in [&named, &named, &subscription("Patient-open,SyncError")] {
        let endpoint = desk.request(request).unwrap();
        everyone.push(desk.connect(&endpoint).unwrap());
        endpoints.push(endpoint);
    }
    let mut gather = |desk: &mut Desk| {
        for id in &everyone {
            lines.extend(desk.frames(*id).iter().map(Value::to_string));
            lines.push(format!("{id:?} closed: {}", desk.closed.contains_key(id)));
        }
    };
    desk.publish(&patient_open("refused", "p1")).unwrap();
    desk.answer(everyone[0], "refused", 409);
    desk.publish(&large_event()).unwrap();
    desk.publish(&entries_of_one_key()).unwrap();
    gather(&mut desk);
    named.endpoint = endpoints.first().cloned();
    named.events = Some(parse_events("Patient-open").unwrap());
    for id in ["once", "twice", "thrice"] {
        // Some defects refuse a re-subscription.
        let _ = desk.request(&named);
        desk.publish(&patient_open(id, "p1")).unwrap();
        gather(&mut desk);
    }
    let _ = desk.request(&SubscriptionRequest::unsubscribe(TOPIC, &endpoints[1]));
    gather(&mut desk);
    let _ = desk.request(&SubscriptionRequest::unsubscribe(TOPIC, "none"));
    desk.publish(&patient_open("last", "p1")).unwrap();
    gather(&mut desk);
}

fn large_event() -> Value {
    let mut large = patient_open("large", "p1");
    large["event"]["context"][0]["resource"]["language"] = "x".repeat(100_000).into();
    large
}

fn entries_of_one_key() -> Value {
    let observation =
        |id: &str| json!({"key": "observation", "resource": {"resourceType": "Observation", "id": id}});
    let entries = json!([observation("o1"), observation("o2")]);
    event("entries", "org.example.some_thing", entries)
}

/// The lines of a session with callbacks.
pub(super) fn over_callbacks(version: Version, defects: &[Defect]) -> Vec<String> {
    let mut lines = Vec::new();
    let mut desk = Desk::speaking(version, defects);
    let mut named = webhook("http://viewer/", "patient-open,org.example.some_thing,syncerror");
    named.subscriber_name = Some("Viewer".to_owned());
    named.secret = Some(format!("castspec%20secret{}", "-long".repeat(12)));
    named.lease_seconds = Some(300);
    let namesake = WebhookRequest {
        callback: "http://namesake/".to_owned(),
        lease_seconds: None,
        ..named.clone()
    };
    for request in [&named, &namesake, &webhook("http://worklist/", "patient-open")] {
        let _ = desk.request_webhook(request);
        answer_all(&mut desk, &mut lines);
    }
    for event in [patient_open("refused", "p1"), large_event(), entries_of_one_key()] {
        desk.publish(&event).unwrap();
        answer_all(&mut desk, &mut lines);
    }
    named.events = Some(parse_events("patient-open").unwrap());
    named.lease_seconds = Some(1_000);
    for id in ["once", "twice", "thrice"] {
        let _ = desk.request_webhook(&named);
        answer_all(&mut desk, &mut lines);
        desk.publish(&patient_open(id, "p1")).unwrap();
        answer_all(&mut desk, &mut lines);
    }
    desk.wait(500.0);
    desk.publish(&patient_open("renewed", "p1")).unwrap();
    answer_all(&mut desk, &mut lines);
    for callback in [namesake.callback.as_str(), "http://none/"] {
        let _ = desk.request_webhook(&WebhookRequest {
            mode: Mode::Unsubscribe,
            ..webhook(callback, "patient-open")
        });
        answer_all(&mut desk, &mut lines);
        desk.publish(&patient_open(callback, "p1")).unwrap();
        answer_all(&mut desk, &mut lines);
    }
    lines
}

/// Confirms what is verified; the viewer refuses what it is notified of, the others take it.
fn answer_all(desk: &mut Desk, lines: &mut Vec<String>) {
    for _ in 0..20 {
        for (id, call) in desk.calls() {
            lines.push(format!("{call:?}"));
            let refused = call.body.is_some() && call.url.starts_with("http://viewer");
            let challenge = parameter(&call, "hub.challenge").unwrap_or_default();
            desk.call_back(id, if refused { 409 } else { 200 }, &challenge);
        }
    }
    lines.push(format!("{} subscriptions", desk.session.subscriptions()));
}
