//! Acknowledgements, and refusals by SyncErrors.

use serde_json::{Value, json};

use super::{Case, Talk, event, patient, patient_open};
use crate::capture::Side;
use crate::outcome::Verdict::{Fail, Pass, Warn};
use crate::protocol::SyncErrorCause;
use crate::subscriber::{Frame, Observed};

fn sync_error(id: &str, about: &str, subscriber: &str) -> Value {
    let cause = SyncErrorCause::new(
        about,
        &"Patient-open".parse().unwrap(),
        subscriber,
        "busy".to_owned(),
    );
    event(id, "SyncError", cause.to_context())
}

fn sized(id: &str, bytes: usize) -> Value {
    let mut open = patient_open(id, "p");
    open["event"]["context"][0]["resource"]["text"] = json!({"div": "x".repeat(bytes)});
    open
}

fn notified(talk: &mut Talk) -> u64 {
    let viewer = talk.subscribe("viewer");
    talk.hub(viewer, &patient_open("e1", "p"));
    viewer
}

pub(super) fn acknowledgements() -> Vec<Case> {
    vec![
        Case {
            name: "answered late, but in time",
            requirement: "acknowledgement.sent",
            verdict: Some(Pass),
            talk: |talk| {
                let viewer = notified(talk);
                talk.wait(9.0);
                talk.answer(viewer, "e1", 200);
            },
        },
        Case {
            name: "not answered at all",
            requirement: "acknowledgement.sent",
            verdict: Some(Fail),
            talk: |talk| {
                notified(talk);
                talk.wait(11.0);
            },
        },
        Case {
            name: "one of very many not answered",
            requirement: "acknowledgement.sent",
            verdict: Some(Fail),
            talk: |talk| {
                let viewer = talk.subscribe("viewer");
                for number in 0..400 {
                    let id = format!("e{number}");
                    talk.hub(viewer, &patient_open(&id, &format!("p{number}")));
                    if number != 100 {
                        talk.answer(viewer, &id, 200);
                    }
                }
                talk.wait(11.0);
            },
        },
        Case {
            name: "one sent twice before it was answered in time",
            requirement: "acknowledgement.sent",
            verdict: Some(Pass),
            talk: |talk| {
                let viewer = notified(talk);
                talk.wait(5.0);
                talk.hub(viewer, &patient_open("e1", "p"));
                talk.answer(viewer, "e1", 200);
                talk.wait(11.0);
            },
        },
        Case {
            name: "the hub gives up by its own clock",
            requirement: "acknowledgement.sent",
            verdict: Some(Fail),
            talk: |talk| {
                let viewer = notified(talk);
                talk.wait(9.9);
                talk.close(viewer, Some(Side::Hub), Some(1008));
            },
        },
        Case {
            name: "the connection ended before the time was over",
            requirement: "acknowledgement.sent",
            verdict: None,
            talk: |talk| {
                let viewer = notified(talk);
                talk.wait(5.0);
                talk.close(viewer, Some(Side::Hub), Some(1001));
                talk.wait(60.0);
            },
        },
        Case {
            name: "the question is still open",
            requirement: "acknowledgement.sent",
            verdict: None,
            talk: |talk| {
                notified(talk);
                talk.wait(5.0);
            },
        },
        Case {
            name: "exchanges are missing",
            requirement: "acknowledgement.sent",
            verdict: None,
            talk: |talk| {
                notified(talk);
                talk.observe(None, Observed::Gap);
                talk.wait(60.0);
            },
        },
        Case {
            name: "unsubscribed in the meantime",
            requirement: "acknowledgement.sent",
            verdict: None,
            talk: |talk| {
                notified(talk);
                talk.unsubscribe("viewer");
                talk.wait(60.0);
            },
        },
        Case {
            name: "of a notification that never came",
            requirement: "acknowledgement.id-of-notification",
            verdict: Some(Fail),
            talk: |talk| {
                let viewer = notified(talk);
                talk.answer(viewer, "e1", 200);
                talk.answer(viewer, "e2", 200);
            },
        },
        Case {
            name: "over a WebSocket whose beginning is missing",
            requirement: "acknowledgement.id-of-notification",
            verdict: None,
            talk: |talk| talk.answer(77, "e2", 200),
        },
        Case {
            name: "answered twice",
            requirement: "acknowledgement.id-of-notification",
            verdict: Some(Pass),
            talk: |talk| {
                let viewer = notified(talk);
                talk.answer(viewer, "e1", 202);
                talk.answer(viewer, "e1", 200);
            },
        },
        Case {
            name: "a confirmation is answered",
            requirement: "acknowledgement.id",
            verdict: Some(Fail),
            talk: |talk| {
                let viewer = talk.subscribe("viewer");
                talk.say(viewer, r#"{"status": 200}"#);
            },
        },
        Case {
            name: "a status as a string is noted",
            requirement: "acknowledgement.status-numeric",
            verdict: Some(Pass),
            talk: |talk| {
                let viewer = notified(talk);
                talk.say(viewer, r#"{"id": "e1", "status": "200"}"#);
            },
        },
        Case {
            name: "no status",
            requirement: "acknowledgement.status",
            verdict: Some(Fail),
            talk: |talk| {
                let viewer = notified(talk);
                talk.say(viewer, r#"{"id": "e1"}"#);
            },
        },
        Case {
            name: "another success is noted",
            requirement: "acknowledgement.success-code",
            verdict: Some(Pass),
            talk: |talk| {
                let viewer = notified(talk);
                talk.answer(viewer, "e1", 204);
            },
        },
        Case {
            name: "no JSON",
            requirement: "transport.websocket-json.subscriber",
            verdict: Some(Fail),
            talk: |talk| {
                let viewer = talk.subscribe("viewer");
                talk.say(viewer, "pong");
            },
        },
        Case {
            name: "a member that stands twice",
            requirement: "transport.websocket-json.subscriber",
            verdict: Some(Warn),
            talk: |talk| {
                let viewer = notified(talk);
                talk.say(viewer, r#"{"id":"e1","status":200,"id":"e1"}"#);
            },
        },
        Case {
            name: "JSON in a binary frame",
            requirement: "transport.websocket-json.subscriber",
            verdict: Some(Pass),
            talk: |talk| {
                let connection = notified(talk);
                let frame = Frame::Binary(r#"{"id":"e1","status":200}"#.into());
                talk.observe(None, Observed::FromSubscriber { connection, frame });
            },
        },
    ]
}

pub(super) fn refusals_that_another_answer_shows_to_be_wrong() -> Vec<Case> {
    vec![
        Case {
            name: "too large, and told so",
            requirement: "content.too-large-status.subscriber",
            verdict: Some(Pass),
            talk: |talk| {
                let viewer = talk.subscribe("viewer");
                talk.hub(viewer, &sized("e1", 60_000));
                talk.answer(viewer, "e1", 413);
            },
        },
        Case {
            name: "too large, told otherwise, and small it was taken",
            requirement: "content.too-large-status.subscriber",
            verdict: Some(Fail),
            talk: |talk| {
                let viewer = notified(talk);
                talk.answer(viewer, "e1", 200);
                talk.hub(viewer, &sized("e2", 60_000));
                talk.answer(viewer, "e2", 400);
            },
        },
        Case {
            name: "large and refused for a reason that nobody knows",
            requirement: "content.too-large-status.subscriber",
            verdict: Some(Pass),
            talk: |talk| {
                let viewer = talk.subscribe("viewer");
                talk.hub(viewer, &sized("e1", 60_000));
                talk.answer(viewer, "e1", 500);
            },
        },
        Case {
            name: "a full resource is refused, and a sparse one was taken",
            requirement: "event.full-resource-accepted",
            verdict: Some(Fail),
            talk: |talk| {
                let viewer = notified(talk);
                talk.answer(viewer, "e1", 200);
                talk.hub(viewer, &sized("e2", 10));
                talk.answer(viewer, "e2", 422);
            },
        },
        Case {
            name: "a full resource is taken",
            requirement: "event.full-resource-accepted",
            verdict: Some(Pass),
            talk: |talk| {
                let viewer = talk.subscribe("viewer");
                talk.hub(viewer, &sized("e1", 10));
                talk.answer(viewer, "e1", 200);
            },
        },
        Case {
            name: "a conflict is a reason of its own",
            requirement: "event.full-resource-accepted",
            verdict: None,
            talk: |talk| {
                let viewer = notified(talk);
                talk.answer(viewer, "e1", 200);
                talk.hub(viewer, &sized("e2", 10));
                talk.answer(viewer, "e2", 409);
            },
        },
        Case {
            name: "refused for the case of its name",
            requirement: "publish.events-case-insensitive.subscriber",
            verdict: Some(Fail),
            talk: |talk| {
                let viewer = notified(talk);
                talk.answer(viewer, "e1", 200);
                talk.hub(viewer, &event("e2", "patient-OPEN", json!([patient("p")])));
                talk.answer(viewer, "e2", 404);
            },
        },
        Case {
            name: "taken in any case",
            requirement: "publish.events-case-insensitive.subscriber",
            verdict: Some(Pass),
            talk: |talk| {
                let viewer = talk.subscribe("viewer");
                talk.hub(viewer, &event("e2", "patient-OPEN", json!([patient("p")])));
                talk.answer(viewer, "e2", 200);
            },
        },
        Case {
            name: "a second open is taken for an error",
            requirement: "notification.sequential-opens",
            verdict: Some(Warn),
            talk: |talk| {
                let viewer = notified(talk);
                talk.answer(viewer, "e1", 200);
                talk.hub(viewer, &patient_open("e2", "q"));
                talk.answer(viewer, "e2", 500);
            },
        },
        Case {
            name: "a second open is declined",
            requirement: "notification.sequential-opens",
            verdict: Some(Pass),
            talk: |talk| {
                let viewer = notified(talk);
                talk.answer(viewer, "e1", 200);
                talk.hub(viewer, &patient_open("e2", "q"));
                talk.answer(viewer, "e2", 409);
            },
        },
    ]
}

pub(super) fn refusals_by_sync_error() -> Vec<Case> {
    vec![
        Case {
            name: "acknowledged with 202 before",
            requirement: "syncerror.after-accepted",
            verdict: Some(Pass),
            talk: |talk| {
                let viewer = notified(talk);
                talk.answer(viewer, "e1", 202);
                talk.publish("viewer", &sync_error("s1", "e1", "viewer"), 202);
            },
        },
        Case {
            name: "acknowledged with 202 over a WebSocket that broke, by one who came back",
            requirement: "syncerror.after-accepted",
            verdict: Some(Pass),
            talk: |talk| {
                let desk = talk.subscribe("desk");
                let viewer = talk.subscribe("viewer");
                for connection in [viewer, desk] {
                    talk.hub(connection, &patient_open("e1", "p"));
                }
                talk.answer(viewer, "e1", 202);
                talk.answer(desk, "e1", 200);
                talk.close(viewer, None, None);
                talk.subscribe("viewer");
                talk.publish("viewer", &sync_error("s1", "e1", "viewer"), 202);
            },
        },
        Case {
            name: "acknowledged with 200 before",
            requirement: "syncerror.after-accepted",
            verdict: Some(Warn),
            talk: |talk| {
                let viewer = notified(talk);
                talk.answer(viewer, "e1", 200);
                talk.publish("viewer", &sync_error("s1", "e1", "viewer"), 202);
            },
        },
        Case {
            name: "refused twice is noted",
            requirement: "syncerror.after-accepted",
            verdict: Some(Pass),
            talk: |talk| {
                let viewer = notified(talk);
                talk.answer(viewer, "e1", 409);
                talk.publish("viewer", &sync_error("s1", "e1", "viewer"), 202);
            },
        },
        Case {
            name: "the acknowledgement was overtaken",
            requirement: "syncerror.after-accepted",
            verdict: Some(Pass),
            talk: |talk| {
                let viewer = notified(talk);
                talk.publish("viewer", &sync_error("s1", "e1", "viewer"), 202);
                talk.answer(viewer, "e1", 202);
                talk.wait(20.0);
            },
        },
        Case {
            name: "about an event that nobody was notified of",
            requirement: "syncerror.after-accepted",
            verdict: None,
            talk: |talk| {
                talk.subscribe("viewer");
                talk.publish("viewer", &sync_error("s1", "e9", "viewer"), 202);
            },
        },
        Case {
            name: "too late",
            requirement: "syncerror.late-refusal-in-time",
            verdict: Some(Warn),
            talk: |talk| {
                let viewer = notified(talk);
                talk.answer(viewer, "e1", 202);
                talk.wait(15.0);
                talk.publish("viewer", &sync_error("s1", "e1", "viewer"), 202);
            },
        },
        Case {
            name: "in time",
            requirement: "syncerror.late-refusal-in-time",
            verdict: Some(Pass),
            talk: |talk| {
                let viewer = notified(talk);
                talk.answer(viewer, "e1", 202);
                talk.wait(8.0);
                talk.publish("viewer", &sync_error("s1", "e1", "viewer"), 202);
            },
        },
    ]
}

#[test]
fn a_sync_error_without_any_acknowledgement() {
    let mut talk = Talk::new();
    notified(&mut talk);
    talk.publish("viewer", &sync_error("s1", "e1", "viewer"), 202);
    talk.wait(20.0);
    let mut told = talk.told();
    told.sort_unstable();
    assert_eq!(
        told,
        [("acknowledgement.sent", Fail), ("syncerror.after-accepted", Fail)]
    );
}

#[test]
fn answers_of_one_form_count_as_often_as_they_come() {
    let held = |requirement: &str, texts: &[&str]| {
        let mut talk = Talk::new();
        let viewer = talk.subscribe("viewer");
        for (number, text) in texts.iter().enumerate() {
            let id = format!("e{number}");
            talk.hub(viewer, &patient_open(&id, &format!("p{number}")));
            let frame = Frame::Text(text.replace("ID", &id).into());
            let connection = viewer;
            talk.observe(None, Observed::FromSubscriber { connection, frame });
        }
        let judged = talk.judge.conclude();
        let checks = judged.iter().flat_map(|judged| &judged.checks);
        let mut of_requirement = checks.filter(|check| check.requirement == requirement);
        of_requirement
            .next()
            .map(|check| (check.verdict, check.message.clone()))
    };
    let usual = r#"{"id":"ID","status":200}"#;
    for requirement in [
        "transport.websocket-json.subscriber",
        "acknowledgement.id",
        "acknowledgement.status",
        "acknowledgement.sent",
        "acknowledgement.id-of-notification",
    ] {
        let alike = held(requirement, &[usual, usual, usual, usual]);
        let each_otherwise = held(
            requirement,
            &[
                usual,
                r#"{"id": "ID", "status": 200}"#,
                r#"{"status":200,"id":"ID"}"#,
                r#"{ "id":"ID","status":200 }"#,
            ],
        );
        assert_eq!(alike, Some((Pass, "held 4 times".to_owned())), "{requirement}");
        assert_eq!(alike, each_otherwise, "{requirement}");
    }
    let of_another = [usual, usual, r#"{"id":"never-sent","status":200}"#, usual];
    let told = held("acknowledgement.id-of-notification", &of_another);
    assert!(told.is_some_and(|(verdict, _)| verdict == Fail));
}
