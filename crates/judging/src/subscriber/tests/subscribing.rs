//! Subscription requests, WebSockets and their ends.

use serde_json::json;

use super::{Case, FORM, HUB, TOPIC, Talk, endpoint, patient_open};
use crate::capture::Side;
use crate::outcome::Verdict::{Fail, Pass, Warn};
use crate::subscriber::Observed;

const SUBSCRIBE: &str = "hub.channel.type=websocket&hub.mode=subscribe&hub.topic=t&hub.events=Patient-open";

fn send(talk: &mut Talk, method: &str, url: &str, headers: &[(&str, &str)], body: &str) {
    talk.http(Some("viewer"), (method, url), headers, body, (400, "no"));
}

pub(super) fn requests() -> Vec<Case> {
    vec![
        Case {
            name: "at hub.url",
            requirement: "subscribe.request.post",
            verdict: Some(Pass),
            talk: |talk| send(talk, "POST", "/fhircast/", &[("content-type", FORM)], SUBSCRIBE),
        },
        Case {
            name: "under hub.url",
            requirement: "subscribe.request.post",
            verdict: Some(Warn),
            talk: |talk| send(talk, "POST", "/fhircast/t", &[("content-type", FORM)], SUBSCRIBE),
        },
        Case {
            name: "elsewhere",
            requirement: "subscribe.request.post",
            verdict: Some(Fail),
            talk: |talk| send(talk, "POST", "/", &[("content-type", FORM)], SUBSCRIBE),
        },
        Case {
            name: "by PUT",
            requirement: "subscribe.request.post",
            verdict: Some(Fail),
            talk: |talk| send(talk, "PUT", HUB, &[("content-type", FORM)], SUBSCRIBE),
        },
        Case {
            name: "with a charset",
            requirement: "subscribe.request.content-type",
            verdict: Some(Pass),
            talk: |talk| {
                let value = "Application/X-WWW-Form-Urlencoded; charset=utf-8";
                send(talk, "POST", HUB, &[("content-type", value)], SUBSCRIBE);
            },
        },
        Case {
            name: "as text",
            requirement: "subscribe.request.content-type",
            verdict: Some(Fail),
            talk: |talk| send(talk, "POST", HUB, &[("content-type", "text/plain")], SUBSCRIBE),
        },
        Case {
            name: "as JSON",
            requirement: "unsubscribe.request.content-type",
            verdict: Some(Fail),
            talk: |talk| {
                let body = json!({"hub.channel.type": "websocket", "hub.mode": "unsubscribe", "hub.topic": TOPIC,
                                  "hub.channel.endpoint": endpoint("viewer")});
                send(
                    talk,
                    "POST",
                    HUB,
                    &[("content-type", "application/json")],
                    &body.to_string(),
                );
            },
        },
        Case {
            name: "an unsubscribe under hub.url",
            requirement: "unsubscribe.request.post",
            verdict: Some(Warn),
            talk: |talk| {
                let body = format!(
                    "hub.channel.type=websocket&hub.mode=unsubscribe&hub.topic=t&hub.channel.endpoint={}",
                    endpoint("viewer")
                );
                send(talk, "POST", "/fhircast/t", &[("content-type", FORM)], &body);
            },
        },
        Case {
            name: "a parameter twice",
            requirement: "subscribe.request.parameters-once",
            verdict: Some(Fail),
            talk: |talk| {
                let body = format!("{SUBSCRIBE}&hub.lease_seconds=60&hub.lease_seconds=60");
                send(talk, "POST", HUB, &[("content-type", FORM)], &body);
            },
        },
        Case {
            name: "no token, as far as is known",
            requirement: "subscribe.request.bearer",
            verdict: None,
            talk: |talk| send(talk, "POST", HUB, &[("content-type", FORM)], SUBSCRIBE),
        },
        Case {
            name: "a token in its place",
            requirement: "subscribe.request.bearer",
            verdict: Some(Pass),
            talk: |talk| {
                let headers = [("content-type", FORM), ("authorization", "Bearer secret")];
                send(talk, "POST", HUB, &headers, SUBSCRIBE);
            },
        },
        Case {
            name: "a token in the form",
            requirement: "subscribe.request.bearer",
            verdict: Some(Fail),
            talk: |talk| {
                let body = format!("{SUBSCRIBE}&access_token=secret");
                send(talk, "POST", HUB, &[("content-type", FORM)], &body);
            },
        },
        Case {
            name: "a client that shows its token elsewhere",
            requirement: "subscribe.request.bearer",
            verdict: Some(Fail),
            talk: |talk| {
                let url = format!("{HUB}/t");
                send(talk, "GET", &url, &[("authorization", "Bearer secret")], "");
                send(talk, "POST", HUB, &[("content-type", FORM)], SUBSCRIBE);
            },
        },
        Case {
            name: "the current context",
            requirement: "current.request",
            verdict: Some(Pass),
            talk: |talk| send(talk, "GET", &format!("{HUB}/topic%201"), &[], ""),
        },
        Case {
            name: "the current context with the topic in the query",
            requirement: "current.request",
            verdict: Some(Fail),
            talk: |talk| send(talk, "GET", &format!("{HUB}?hub.topic=t"), &[], ""),
        },
        Case {
            name: "the current context by POST",
            requirement: "current.request",
            verdict: Some(Fail),
            talk: |talk| send(talk, "POST", &format!("{HUB}/t"), &[], ""),
        },
        Case {
            name: "the configuration document is something else",
            requirement: "current.request",
            verdict: None,
            talk: |talk| {
                let url = format!("{HUB}/.well-known/fhircast-configuration");
                send(talk, "GET", &url, &[], "");
            },
        },
    ]
}

pub(super) fn lives_of_websockets() -> Vec<Case> {
    vec![
        Case {
            name: "never connected",
            requirement: "subscribe.connects-to-endpoint",
            verdict: Some(Warn),
            talk: |talk| {
                let answer = json!({"hub.channel.endpoint": endpoint("viewer")}).to_string();
                talk.form("viewer", SUBSCRIBE, (202, &answer));
                talk.wait(100.0);
            },
        },
        Case {
            name: "connected",
            requirement: "subscribe.connects-to-endpoint",
            verdict: Some(Pass),
            talk: |talk| {
                talk.subscribe("viewer");
                talk.wait(100.0);
            },
        },
        Case {
            name: "closed without a word",
            requirement: "unsubscribe.on-shutdown",
            verdict: Some(Fail),
            talk: |talk| {
                let viewer = talk.subscribe("viewer");
                talk.close(viewer, Some(Side::Subscriber), Some(1000));
                talk.wait(5.0);
            },
        },
        Case {
            name: "unsubscribed at the same time",
            requirement: "unsubscribe.on-shutdown",
            verdict: Some(Pass),
            talk: |talk| {
                let viewer = talk.subscribe("viewer");
                talk.close(viewer, Some(Side::Subscriber), Some(1000));
                talk.unsubscribe("viewer");
                talk.wait(5.0);
            },
        },
        Case {
            name: "a connection that broke is no shutdown",
            requirement: "unsubscribe.on-shutdown",
            verdict: None,
            talk: |talk| {
                let viewer = talk.subscribe("viewer");
                talk.close(viewer, None, None);
                talk.wait(5.0);
            },
        },
        Case {
            name: "an error of the WebSocket is no shutdown",
            requirement: "unsubscribe.on-shutdown",
            verdict: None,
            talk: |talk| {
                let viewer = talk.subscribe("viewer");
                talk.close(viewer, Some(Side::Subscriber), Some(1002));
                talk.wait(5.0);
            },
        },
        Case {
            name: "a denied subscription is not unsubscribed",
            requirement: "unsubscribe.on-shutdown",
            verdict: None,
            talk: |talk| {
                let viewer = talk.subscribe("viewer");
                talk.deny(viewer);
                talk.close(viewer, Some(Side::Subscriber), Some(1000));
                talk.wait(5.0);
            },
        },
        Case {
            name: "given up before any confirmation",
            requirement: "unsubscribe.on-shutdown",
            verdict: None,
            talk: |talk| {
                let answer = json!({"hub.channel.endpoint": endpoint("viewer")}).to_string();
                talk.form("viewer", SUBSCRIBE, (202, &answer));
                let (connection, url) = (7, endpoint("viewer"));
                talk.observe(None, Observed::Opened { connection, url });
                talk.close(connection, Some(Side::Subscriber), None);
                talk.wait(5.0);
            },
        },
        Case {
            name: "closed without a code",
            requirement: "unsubscribe.close-code",
            verdict: Some(Fail),
            talk: |talk| {
                let viewer = talk.subscribe("viewer");
                talk.unsubscribe("viewer");
                talk.close(viewer, Some(Side::Subscriber), None);
            },
        },
        Case {
            name: "going away is noted",
            requirement: "unsubscribe.close-code",
            verdict: Some(Pass),
            talk: |talk| {
                let viewer = talk.subscribe("viewer");
                talk.unsubscribe("viewer");
                talk.close(viewer, Some(Side::Subscriber), Some(1001));
            },
        },
        Case {
            name: "the hub closes first",
            requirement: "unsubscribe.close-code",
            verdict: None,
            talk: |talk| {
                let viewer = talk.subscribe("viewer");
                talk.unsubscribe("viewer");
                talk.close(viewer, Some(Side::Hub), Some(1005));
            },
        },
        Case {
            name: "lost, and not back",
            requirement: "subscribe.after-connection-loss",
            verdict: Some(Pass),
            talk: |talk| {
                let viewer = talk.subscribe("viewer");
                talk.close(viewer, None, None);
                talk.wait(100.0);
            },
        },
        Case {
            name: "the old endpoint is named in a new request",
            requirement: "unsubscribe.new-endpoint",
            verdict: Some(Fail),
            talk: |talk| {
                talk.subscribe("viewer");
                talk.unsubscribe("viewer");
                let form = format!("{SUBSCRIBE}&hub.channel.endpoint={}", endpoint("viewer"));
                talk.form("viewer", &form, (404, ""));
            },
        },
        Case {
            name: "the old endpoint is tried again",
            requirement: "unsubscribe.new-endpoint",
            verdict: Some(Fail),
            talk: |talk| {
                talk.subscribe("viewer");
                talk.unsubscribe("viewer");
                let url = endpoint("viewer").replace("wss", "https");
                talk.http(None, ("GET", &url), &[("Upgrade", "WebSocket")], "", (404, ""));
            },
        },
        Case {
            name: "a new subscription",
            requirement: "unsubscribe.new-endpoint",
            verdict: Some(Pass),
            talk: |talk| {
                talk.subscribe("viewer");
                talk.unsubscribe("viewer");
                talk.form(
                    "viewer",
                    &format!("{SUBSCRIBE}&subscriber.name=viewer"),
                    (400, ""),
                );
            },
        },
        Case {
            name: "talks on after a denial",
            requirement: "denial.heeded",
            verdict: Some(Warn),
            talk: |talk| {
                let viewer = talk.subscribe("viewer");
                talk.deny(viewer);
                talk.say(viewer, r#"{"id": "x", "status": 200}"#);
            },
        },
        Case {
            name: "an answer that was on its way",
            requirement: "denial.heeded",
            verdict: Some(Pass),
            talk: |talk| {
                let viewer = talk.subscribe("viewer");
                talk.hub(viewer, &patient_open("e1", "p"));
                talk.deny(viewer);
                talk.answer(viewer, "e1", 200);
                talk.close(viewer, Some(Side::Hub), Some(1000));
            },
        },
        Case {
            name: "a denial of some events",
            requirement: "denial.heeded",
            verdict: None,
            talk: |talk| {
                let viewer = talk.subscribe("viewer");
                talk.hub(
                    viewer,
                    &json!({"hub.mode": "denied", "hub.topic": TOPIC, "hub.events": "Encounter-open"}),
                );
                talk.hub(viewer, &patient_open("e1", "p"));
                talk.answer(viewer, "e1", 200);
            },
        },
        Case {
            name: "connects again after a denial",
            requirement: "denial.heeded",
            verdict: Some(Warn),
            talk: |talk| {
                let viewer = talk.subscribe("viewer");
                talk.deny(viewer);
                talk.wait(4.0);
                let url = endpoint("viewer");
                talk.http(None, ("GET", &url), &[("upgrade", "websocket")], "", (404, ""));
            },
        },
        Case {
            name: "gives up for the case of a confirmation",
            requirement: "subscribe.events-case-insensitive.subscriber",
            verdict: Some(Warn),
            talk: |talk| {
                let viewer = talk.subscribe_to("viewer", "Patient-open", "patient-open");
                talk.close(viewer, Some(Side::Subscriber), Some(1003));
            },
        },
        Case {
            name: "goes on with a confirmation in any case",
            requirement: "subscribe.events-case-insensitive.subscriber",
            verdict: Some(Pass),
            talk: |talk| {
                let viewer = talk.subscribe_to("viewer", "Patient-open", "patient-open");
                talk.hub(viewer, &patient_open("e1", "p"));
                talk.answer(viewer, "e1", 200);
            },
        },
        Case {
            name: "a re-subscription over the same WebSocket",
            requirement: "subscribe.connects-to-endpoint",
            verdict: Some(Pass),
            talk: |talk| {
                talk.subscribe("viewer");
                let form = format!("{SUBSCRIBE}&hub.channel.endpoint={}", endpoint("viewer"));
                let answer = json!({"hub.channel.endpoint": endpoint("viewer")}).to_string();
                talk.form("viewer", &form, (202, &answer));
                talk.wait(100.0);
            },
        },
    ]
}

#[test]
fn secrets_are_in_no_finding() {
    let mut talk = Talk::new();
    let viewer = talk.subscribe("viewer");
    talk.close(viewer, Some(Side::Subscriber), None);
    let body = format!(
        "{SUBSCRIBE}&access_token=hush-hush&hub.channel.endpoint={}",
        endpoint("viewer")
    );
    let headers = [("content-type", FORM), ("authorization", "Basic hush-hush")];
    send(
        &mut talk,
        "PUT",
        "/fhircast?access_token=hush-hush",
        &headers,
        &body,
    );
    talk.wait(10.0);
    assert!(talk.told().len() >= 4, "{:?}", talk.told());
    let all = format!("{:?}", talk.found);
    for secret in ["hush-hush", "viewer-0123456789"] {
        assert!(!all.contains(secret), "{secret}: {all}");
    }
    assert!(all.contains("hub.mode=subscribe"), "the rest is shown: {all}");
}
