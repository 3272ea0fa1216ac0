//! Every defect of an older version shows in what comes out of the heart, in that version.

use super::*;

/// What only the shell does, or only a hub that demands tokens.
const SHELL: &[Defect] = &[
    Defect::SecretTooLongTaken,
    Defect::ConfigurationWithoutWebhook,
    Defect::ConfigurationWebhookAsText,
    Defect::ScopesIgnored,
    Defect::ExpiredTokenTaken,
    Defect::ForeignTokenTaken,
    Defect::TokenNotDemanded,
    Defect::LeaseBeyondToken,
];

const CALLBACK: &str = "http://app.example.com/c?room=1";

/// A session with callbacks and, where the version has them, WebSockets, as the lines of what came out.
fn live(version: Version, defects: &[Defect]) -> Vec<String> {
    let mut lines = Vec::new();
    let mut desk = Desk::speaking(version, defects);
    let mut first = webhook(CALLBACK, "patient-open,syncerror");
    first.lease_seconds = Some(300);
    note(&mut lines, "first", &desk.request_webhook(&first).is_ok());
    desk.publish(&patient_open("early", "p")).unwrap();
    answer_all(&mut desk, &mut lines, 200, true);
    for callback in [
        "http://wrong/",
        "http://redirecting/",
        "http://absent/",
        "http://failing/",
        "http://other/",
    ] {
        let asked = desk.request_webhook(&webhook(callback, "patient-open,syncerror"));
        note(&mut lines, callback, &asked.is_ok());
        answer_all(&mut desk, &mut lines, 200, callback == "http://other/");
    }
    let socket = (version == Version::Stu2)
        .then(|| join_sockets(&mut desk, &mut lines))
        .flatten();
    for (callback, events) in [("http://more/", "syncerror"), ("http://quiet/", "patient-close")] {
        let joined = desk.request_webhook(&webhook(callback, events));
        note(&mut lines, callback, &joined.is_ok());
        answer_all(&mut desk, &mut lines, 200, true);
    }
    let mut nameless = patient_open("refused", "p");
    nameless["event"]["context"] = json!([{"key": "patient"}]);
    note(&mut lines, "refused", &desk.publish(&nameless).is_ok());
    answer_all(&mut desk, &mut lines, 200, true);

    for (id, status) in [
        ("e1", 200),
        ("e2", 409),
        ("e3", 404),
        ("e4", 500),
        ("e5", 503),
        ("e14", 202),
    ] {
        note(&mut lines, id, &desk.publish(&patient_open(id, "p")).is_ok());
        answer_all(&mut desk, &mut lines, status, true);
        frames(&mut desk, &mut lines, socket);
    }
    if let Some(socket) = socket {
        desk.answer(socket, "e1", 409);
        answer_all(&mut desk, &mut lines, 200, true);
    }

    let mut again = webhook(CALLBACK, "patient-close");
    again.secret = Some("another secret".to_owned());
    again.lease_seconds = Some(300);
    note(&mut lines, "again", &desk.request_webhook(&again).is_ok());
    answer_all(&mut desk, &mut lines, 200, true);
    for event in [patient_open("e6", "p"), patient_close("e7", "p")] {
        desk.publish(&event).unwrap();
        answer_all(&mut desk, &mut lines, 200, true);
    }

    let end = |callback: &str| WebhookRequest {
        mode: Mode::Unsubscribe,
        ..webhook(callback, "patient-open")
    };
    note(
        &mut lines,
        "unknown",
        &desk.request_webhook(&end("http://none/")).is_ok(),
    );
    note(
        &mut lines,
        "ends",
        &desk.request_webhook(&end("http://other/")).is_ok(),
    );
    answer_all(&mut desk, &mut lines, 200, true);
    let mut failing = webhook(CALLBACK, "patient-close");
    failing.lease_seconds = Some(300);
    note(&mut lines, "failing", &desk.request_webhook(&failing).is_ok());
    for (call, _) in desk.calls() {
        desk.call_back(call, 404, "");
    }
    note(
        &mut lines,
        "unconfirmed end",
        &desk.request_webhook(&end("http://quiet/")).is_ok(),
    );
    for (call, _) in desk.calls() {
        desk.call_back(call, 404, "");
    }
    desk.publish(&patient_close("e15", "p")).unwrap();
    for (call, request) in desk.calls() {
        lines.push(format!("{request:?}"));
        desk.end_call(call, CallAnswer::Failed("it is away".to_owned()));
    }
    answer_all(&mut desk, &mut lines, 200, true);
    let every = "patient-open,patient-close,imagingstudy-open,syncerror,userhibernate,org.example.some_thing";
    let joined = desk.request_webhook(&webhook("http://all/", every));
    note(&mut lines, "all", &joined.is_ok());
    answer_all(&mut desk, &mut lines, 200, true);
    for event in [
        event("e12", "userhibernate", json!([])),
        event("e13", "org.example.some_thing", json!([])),
    ] {
        desk.publish(&event).unwrap();
        answer_all(&mut desk, &mut lines, 200, true);
    }
    let outcome = json!([{"key": "operationoutcome", "resource": {"resourceType": "OperationOutcome"}}]);
    let mut rich = patient_open("e8", "p");
    rich["event"]["context"][0]["resource"]["multipleBirthInteger"] = json!(2.0);
    rich["event"]["org.example.castspec"] = json!(1);
    let mut study = patient_open("e16", "p");
    study["event"]["hub.event"] = "imagingstudy-open".into();
    let resource = json!({"resourceType": "ImagingStudy", "id": "s", "identifier": [{"value": "A1"}]});
    study["event"]["context"]
        .as_array_mut()
        .unwrap()
        .push(json!({"key": "study", "resource": resource}));
    let empty = event("e18", "patient-open", json!([]));
    note(&mut lines, "empty", &desk.publish(&empty).is_ok());
    for event in [
        rich,
        event("e9", "syncerror", outcome),
        study,
        patient_open("e17", "p"),
    ] {
        desk.publish(&event).unwrap();
        answer_all(&mut desk, &mut lines, 200, true);
    }

    desk.wait(200.0);
    desk.publish(&patient_close("e10", "p")).unwrap();
    answer_all(&mut desk, &mut lines, 200, true);
    desk.wait(200.0);
    desk.publish(&patient_close("e11", "p")).unwrap();
    answer_all(&mut desk, &mut lines, 200, true);
    frames(&mut desk, &mut lines, socket);
    lines.extend(alike::over_callbacks(version, defects));
    lines
}

/// Subscriptions over WebSockets; one that stays is the answer.
fn join_sockets(desk: &mut Desk, lines: &mut Vec<String>) -> Option<SubscriberId> {
    let mut untyped = subscription("patient-open");
    untyped.channel_type = None;
    note(lines, "untyped", &desk.request(&untyped).is_ok());
    let mut brief = subscription("org.example.none");
    brief.lease_seconds = Some(1);
    let mut endpoints = Vec::new();
    for request in [subscription("patient-open,syncerror"), brief] {
        let Ok(endpoint) = desk.request(&request) else {
            continue;
        };
        endpoints.push(endpoint);
        if let Ok(id) = desk.connect(endpoints.last().unwrap()) {
            frames(desk, lines, Some(id));
        }
    }
    desk.wait(1.0);
    let [.., brief] = endpoints.as_slice() else {
        return None;
    };
    note(lines, "alive", &desk.connect(brief).is_ok());
    for lease in [None, Some(60)] {
        let leaver = desk.subscribe("org.example.none");
        let Ok(id) = desk.connect(&leaver) else {
            continue;
        };
        let mut end = SubscriptionRequest::unsubscribe(TOPIC, &leaver);
        end.lease_seconds = lease;
        end.events = Some(vec!["org.example.other".parse().unwrap()]);
        note(lines, "leaves", &desk.request(&end).is_ok());
        note(lines, "closed", &desk.closed.contains_key(&id));
        frames(desk, lines, Some(id));
    }
    for at in 1..8 {
        frames(desk, lines, Some(SubscriberId(at)));
    }
    let mut end = SubscriptionRequest::unsubscribe(TOPIC, "none");
    note(lines, "unknown", &desk.request(&end).is_ok());
    end.endpoint = endpoints.first().cloned();
    end.channel_type = None;
    note(lines, "untyped end", &desk.request(&end).is_ok());
    lines.push(format!("{endpoints:?}"));
    Some(desk.join("patient-open,syncerror"))
}

fn note(lines: &mut Vec<String>, what: &str, value: &impl std::fmt::Debug) {
    lines.push(format!("{what}: {value:?}"));
}

fn frames(desk: &mut Desk, lines: &mut Vec<String>, socket: Option<SubscriberId>) {
    let all = socket.map(|socket| desk.frames(socket)).unwrap_or_default();
    lines.extend(all.iter().map(Value::to_string));
}

/// Answers notifications with this status, and verifications as their callbacks do, until no more calls come.
fn answer_all(desk: &mut Desk, lines: &mut Vec<String>, status: u16, echoes: bool) {
    for _ in 0..20 {
        for (id, call) in desk.calls() {
            lines.push(format!("{call:?}"));
            if call.body.is_some() {
                // One callback alone is in trouble, so that its SyncErrors show at the others.
                let status = if call.url.starts_with("http://app") {
                    status
                } else {
                    200
                };
                desk.call_back(id, status, "");
                continue;
            }
            let challenge = parameter(&call, "hub.challenge").unwrap_or_default();
            let (status, body) = match call.url.as_str() {
                _ if echoes => (200, challenge.as_str()),
                url if url.starts_with("http://wrong") => (200, "wrong"),
                url if url.starts_with("http://redirecting") => (302, ""),
                url if url.starts_with("http://failing") => (500, ""),
                _ => (404, ""),
            };
            desk.call_back(id, status, body);
        }
    }
    lines.push(format!("{} subscriptions", desk.session.subscriptions()));
}

#[test]
fn every_defect_of_an_older_version_shows_in_it() {
    for version in [Version::Stu2, Version::Stu1] {
        let clean = live(version, &[]);
        assert_eq!(clean, live(version, &[]), "the same inputs give the same outputs");
        let hidden: Vec<_> = Defect::of(version)
            .into_iter()
            .filter(|defect| live(version, &[*defect]) == clean)
            .filter(|defect| !super::defects::SHELL.contains(defect) && !SHELL.contains(defect))
            .collect();
        assert!(hidden.is_empty(), "{hidden:?} in {version}");
    }
}
