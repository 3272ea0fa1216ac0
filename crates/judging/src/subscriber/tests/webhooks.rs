//! Subscribers by webhooks: their requests, and what their callbacks answer. Every conversation is held in STU2 and in STU1.

use bytes::Bytes;
use serde_json::Value;

use super::{Case, FORM, HUB, TOPIC, Talk, event, patient, patient_open};
use crate::outcome::Verdict::{Fail, Pass, Warn};
use crate::protocol::Version;
use crate::subscriber::{CallEnd, Observed};

pub(super) const ASKED: &str = "patient-open,patient-close";
const HTML: &str = "text/html";

pub(super) fn callback(name: &str) -> String {
    format!("https://app.example.com/callback/{name}?room=1")
}

fn encoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

impl Talk {
    /// A request for a webhook, with these values in place of what the subscriber of this name sends.
    pub(super) fn webhook(&mut self, mode: &str, name: &str, other: &[(&str, &str)], status: u16) {
        let (callback, secret) = (callback(name), format!("secret of {name}"));
        let mut values = vec![
            ("hub.callback", callback.as_str()),
            ("hub.mode", mode),
            ("hub.topic", TOPIC),
        ];
        // An unsubscribe of STU1 says what the subscription said.
        if mode == "subscribe" || self.version == Version::Stu1 {
            values.extend([("hub.secret", secret.as_str()), ("hub.events", ASKED)]);
        }
        if self.version == Version::Stu2 {
            values.push(("hub.channel.type", "webhook"));
        }
        values.retain(|(known, _)| other.iter().all(|(name, _)| name != known));
        values.extend(other);
        let pairs: Vec<String> = values
            .iter()
            .map(|(name, value)| format!("{name}={}", encoded(value)))
            .collect();
        let headers = [("Content-Type", FORM)];
        self.http(
            Some(name),
            ("POST", HUB),
            &headers,
            &pairs.join("&"),
            (status, ""),
        );
    }

    /// A call to a callback; the id of the call.
    pub(super) fn call(&mut self, method: &str, url: &str, body: &str) -> u64 {
        self.next += 1;
        let id = self.next;
        self.observe(
            None,
            Observed::Called {
                id,
                method: method.to_owned(),
                url: url.to_owned(),
                headers: Vec::new(),
                body: Bytes::from(body.to_owned()),
            },
        );
        id
    }

    pub(super) fn call_answered(&mut self, id: u64, status: u16, content_type: Option<&str>, body: &str) {
        let headers = content_type.map(|value| ("Content-Type".to_owned(), value.to_owned()));
        self.observe(
            None,
            Observed::CallAnswered {
                id,
                status,
                headers: headers.into_iter().collect(),
                body: Bytes::from(body.to_owned()),
            },
        );
    }

    fn call_failed(&mut self, id: u64, end: CallEnd) {
        let problem = "as it is made up".to_owned();
        self.observe(None, Observed::CallFailed { id, end, problem });
    }

    /// An intent verification; the id of the call.
    fn ask_back(&mut self, mode: &str, name: &str, topic: &str, events: &str) -> u64 {
        let url = format!(
            "{}&hub.mode={mode}&hub.topic={topic}&hub.events={events}&hub.challenge=ch-1&hub.lease_seconds=7200",
            callback(name)
        );
        self.call("GET", &url, "")
    }

    /// A subscriber that has subscribed as it should.
    pub(super) fn join(&mut self, name: &str) {
        self.webhook("subscribe", name, &[], 202);
        let id = self.ask_back("subscribe", name, TOPIC, ASKED);
        self.call_answered(id, 200, Some(HTML), "ch-1");
    }

    fn notify(&mut self, name: &str, message: &Value) -> u64 {
        self.call("POST", &callback(name), &message.to_string())
    }

    fn notified_and_answered(&mut self, name: &str, message: &Value, status: u16) {
        let id = self.notify(name, message);
        self.call_answered(id, status, None, "");
    }

    fn denied(&mut self, name: &str) -> u64 {
        let url = format!(
            "{}&hub.mode=denied&hub.topic={TOPIC}&hub.events={ASKED}&hub.reason=no",
            callback(name)
        );
        self.call("GET", &url, "")
    }
}

fn asked_back(talk: &mut Talk, status: u16, content_type: Option<&str>, body: &str) {
    talk.webhook("subscribe", "viewer", &[], 202);
    let id = talk.ask_back("subscribe", "viewer", TOPIC, ASKED);
    talk.call_answered(id, status, content_type, body);
}

pub(super) fn requests() -> Vec<Case> {
    vec![
        Case {
            name: "a callback and a secret of its own",
            requirement: "secret.unique",
            verdict: Some(Pass),
            talk: |talk| {
                talk.join("viewer");
                talk.join("worklist");
            },
        },
        Case {
            name: "two subscriptions with one secret",
            requirement: "secret.unique",
            verdict: Some(Fail),
            talk: |talk| {
                talk.join("viewer");
                talk.webhook(
                    "subscribe",
                    "worklist",
                    &[("hub.secret", "secret of viewer")],
                    202,
                );
            },
        },
        Case {
            name: "the secret of a request that the hub refused",
            requirement: "secret.unique",
            verdict: Some(Pass),
            talk: |talk| {
                talk.webhook("subscribe", "viewer", &[], 503);
                talk.webhook(
                    "subscribe",
                    "worklist",
                    &[("hub.secret", "secret of viewer")],
                    202,
                );
            },
        },
        Case {
            name: "a re-subscription keeps its secret",
            requirement: "secret.unique",
            verdict: Some(Pass),
            talk: |talk| {
                talk.join("viewer");
                talk.join("viewer");
            },
        },
        Case {
            name: "one callback for two topics",
            requirement: "callback.unique",
            verdict: Some(Warn),
            talk: |talk| {
                talk.join("viewer");
                let other = [("hub.topic", "u"), ("hub.secret", "another one")];
                talk.webhook("subscribe", "viewer", &other, 202);
            },
        },
        Case {
            name: "one callback for two names",
            requirement: "callback.unique",
            verdict: Some(Warn),
            talk: |talk| {
                talk.webhook("subscribe", "viewer", &[("subscriber.name", "A")], 202);
                talk.webhook("subscribe", "viewer", &[("subscriber.name", "B")], 202);
            },
        },
        Case {
            name: "callbacks that differ in their query",
            requirement: "callback.unique",
            verdict: Some(Pass),
            talk: |talk| {
                talk.join("viewer");
                let url = callback("viewer").replace("room=1", "room=2");
                let other = [("hub.callback", url.as_str()), ("hub.secret", "another one")];
                talk.webhook("subscribe", "viewer", &other, 202);
            },
        },
        Case {
            name: "a re-subscription with other events",
            requirement: "callback.unique",
            verdict: Some(Pass),
            talk: |talk| {
                talk.join("viewer");
                talk.webhook("subscribe", "viewer", &[("hub.events", "patient-close")], 202);
            },
        },
        Case {
            name: "a callback in another topic after a denial",
            requirement: "callback.unique",
            verdict: Some(Pass),
            talk: |talk| {
                talk.join("viewer");
                let id = talk.denied("viewer");
                talk.call_answered(id, 200, None, "");
                let other = [("hub.topic", "u"), ("hub.secret", "another one")];
                talk.webhook("subscribe", "viewer", &other, 202);
            },
        },
        Case {
            name: "a secret that is too long",
            requirement: "secret.length",
            verdict: Some(Fail),
            talk: |talk| {
                let long = "x".repeat(200);
                talk.webhook("subscribe", "viewer", &[("hub.secret", &long)], 400);
            },
        },
        Case {
            name: "no token, as far as is known",
            requirement: "subscribe.request.bearer",
            verdict: None,
            talk: |talk| talk.join("viewer"),
        },
        Case {
            name: "a webhook needs no WebSocket",
            requirement: "subscribe.connects-to-endpoint",
            verdict: None,
            talk: |talk| {
                talk.join("viewer");
                talk.wait(1_000.0);
            },
        },
    ]
}

pub(super) fn verifications() -> Vec<Case> {
    vec![
        Case {
            name: "confirmed",
            requirement: "intent-verification.answer-2xx",
            verdict: Some(Pass),
            talk: |talk| talk.join("viewer"),
        },
        Case {
            name: "confirmed before the hub has answered the request",
            requirement: "intent-verification.answer-2xx",
            verdict: Some(Pass),
            talk: |talk| asked_back(talk, 202, Some("text/html; charset=utf-8"), "ch-1"),
        },
        Case {
            name: "an error in place of the challenge",
            requirement: "intent-verification.answer-2xx",
            verdict: Some(Fail),
            talk: |talk| asked_back(talk, 500, None, "no"),
        },
        Case {
            name: "a redirect in place of the challenge",
            requirement: "intent-verification.answer-2xx",
            verdict: Some(Fail),
            talk: |talk| asked_back(talk, 302, None, ""),
        },
        Case {
            name: "404 tells that it is wished no more",
            requirement: "intent-verification.answer-2xx",
            verdict: Some(Pass),
            talk: |talk| asked_back(talk, 404, None, ""),
        },
        Case {
            name: "silence in place of the challenge",
            requirement: "intent-verification.answer-2xx",
            verdict: Some(Fail),
            talk: |talk| {
                talk.webhook("subscribe", "viewer", &[], 202);
                let id = talk.ask_back("subscribe", "viewer", TOPIC, ASKED);
                talk.wait(10.0);
                talk.call_failed(id, CallEnd::GivenUp);
            },
        },
        Case {
            name: "a callback that is not there",
            requirement: "intent-verification.answer-2xx",
            verdict: Some(Warn),
            talk: |talk| {
                talk.webhook("subscribe", "viewer", &[], 202);
                let id = talk.ask_back("subscribe", "viewer", TOPIC, ASKED);
                talk.call_failed(id, CallEnd::Unreachable);
            },
        },
        Case {
            name: "a hub that waits no time at all",
            requirement: "intent-verification.answer-2xx",
            verdict: None,
            talk: |talk| {
                talk.webhook("subscribe", "viewer", &[], 202);
                let id = talk.ask_back("subscribe", "viewer", TOPIC, ASKED);
                talk.call_failed(id, CallEnd::GivenUp);
            },
        },
        Case {
            name: "as plain text",
            requirement: "intent-verification.answer-content-type",
            verdict: Some(Fail),
            talk: |talk| asked_back(talk, 200, Some("text/plain"), "ch-1"),
        },
        Case {
            name: "without a content type",
            requirement: "intent-verification.answer-content-type",
            verdict: Some(Fail),
            talk: |talk| asked_back(talk, 200, None, "ch-1"),
        },
        Case {
            name: "with a charset",
            requirement: "intent-verification.answer-content-type",
            verdict: Some(Pass),
            talk: |talk| asked_back(talk, 200, Some("Text/HTML;charset=utf-8"), "ch-1"),
        },
        Case {
            name: "another text than the challenge",
            requirement: "intent-verification.answer-challenge",
            verdict: Some(Fail),
            talk: |talk| asked_back(talk, 200, Some(HTML), "<p>ch-1</p>"),
        },
        Case {
            name: "nothing in place of the challenge",
            requirement: "intent-verification.answer-challenge",
            verdict: Some(Fail),
            talk: |talk| asked_back(talk, 204, Some(HTML), ""),
        },
        Case {
            name: "a verification without a challenge is the hub's fault",
            requirement: "intent-verification.answer-challenge",
            verdict: None,
            talk: |talk| {
                talk.webhook("subscribe", "viewer", &[], 202);
                let url = format!("{}&hub.mode=subscribe&hub.topic={TOPIC}", callback("viewer"));
                let id = talk.call("GET", &url, "");
                talk.call_answered(id, 200, Some(HTML), "");
            },
        },
        Case {
            name: "a topic that was never asked for is confirmed",
            requirement: "intent-verification.disagreement-404",
            verdict: Some(Fail),
            talk: |talk| {
                talk.join("viewer");
                let id = talk.ask_back("subscribe", "viewer", "other", ASKED);
                talk.call_answered(id, 200, Some(HTML), "ch-1");
            },
        },
        Case {
            name: "what was never asked for is refused with another status",
            requirement: "intent-verification.disagreement-404",
            verdict: Some(Fail),
            talk: |talk| {
                let id = talk.ask_back("subscribe", "viewer", TOPIC, ASKED);
                talk.call_answered(id, 403, None, "");
            },
        },
        Case {
            name: "what was never asked for is refused",
            requirement: "intent-verification.disagreement-404",
            verdict: Some(Pass),
            talk: |talk| {
                talk.join("viewer");
                let id = talk.ask_back("subscribe", "viewer", "other", ASKED);
                talk.call_answered(id, 404, None, "");
                let id = talk.ask_back("unsubscribe", "viewer", TOPIC, ASKED);
                talk.call_answered(id, 404, None, "");
            },
        },
        Case {
            name: "an unsubscribe that was never asked for is confirmed",
            requirement: "intent-verification.disagreement-404",
            verdict: Some(Fail),
            talk: |talk| {
                talk.join("viewer");
                let id = talk.ask_back("unsubscribe", "viewer", TOPIC, ASKED);
                talk.call_answered(id, 200, Some(HTML), "ch-1");
            },
        },
        Case {
            name: "what was never asked for has no challenge",
            requirement: "intent-verification.disagreement-404",
            verdict: None,
            talk: |talk| {
                let url = format!("{}&hub.mode=subscribe&hub.topic={TOPIC}", callback("viewer"));
                let id = talk.call("GET", &url, "");
                talk.call_answered(id, 200, None, "");
            },
        },
        Case {
            name: "an unsubscribe that the hub refuses and verifies",
            requirement: "intent-verification.disagreement-404",
            verdict: None,
            talk: |talk| {
                talk.join("viewer");
                talk.webhook("unsubscribe", "viewer", &[], 500);
                let id = talk.ask_back("unsubscribe", "viewer", TOPIC, ASKED);
                talk.call_answered(id, 200, Some(HTML), "ch-1");
            },
        },
        Case {
            name: "exchanges are missing, the request among them",
            requirement: "intent-verification.disagreement-404",
            verdict: None,
            talk: |talk| {
                talk.observe(None, Observed::Gap);
                let id = talk.ask_back("subscribe", "viewer", TOPIC, ASKED);
                talk.call_answered(id, 200, Some(HTML), "ch-1");
            },
        },
        Case {
            name: "events in another case are confirmed",
            requirement: "subscribe.events-case-insensitive.subscriber",
            verdict: Some(Pass),
            talk: |talk| {
                talk.webhook("subscribe", "viewer", &[], 202);
                let id = talk.ask_back("subscribe", "viewer", TOPIC, "Patient-open,Patient-close");
                talk.call_answered(id, 200, Some(HTML), "ch-1");
            },
        },
        Case {
            name: "events in another case are refused",
            requirement: "subscribe.events-case-insensitive.subscriber",
            verdict: Some(Warn),
            talk: |talk| {
                talk.webhook("subscribe", "viewer", &[], 202);
                let id = talk.ask_back("subscribe", "viewer", TOPIC, "Patient-open,Patient-close");
                talk.call_answered(id, 404, None, "");
            },
        },
        Case {
            name: "a denial is answered",
            requirement: "denial.webhook-answered",
            verdict: Some(Pass),
            talk: |talk| {
                talk.join("viewer");
                let id = talk.denied("viewer");
                talk.call_answered(id, 204, None, "");
            },
        },
        Case {
            name: "a denial is answered with an error",
            requirement: "denial.webhook-answered",
            verdict: Some(Fail),
            talk: |talk| {
                talk.webhook("subscribe", "viewer", &[], 202);
                let id = talk.denied("viewer");
                talk.call_answered(id, 500, None, "");
            },
        },
        Case {
            name: "a denial is not answered",
            requirement: "denial.webhook-answered",
            verdict: Some(Fail),
            talk: |talk| {
                talk.join("viewer");
                let id = talk.denied("viewer");
                talk.wait(10.0);
                talk.call_failed(id, CallEnd::GivenUp);
            },
        },
        Case {
            name: "a denial of what nobody asked for may be refused",
            requirement: "denial.webhook-answered",
            verdict: None,
            talk: |talk| {
                let id = talk.denied("viewer");
                talk.call_answered(id, 404, None, "");
            },
        },
        Case {
            name: "whoever has unsubscribed may be gone when a denial comes",
            requirement: "denial.webhook-answered",
            verdict: None,
            talk: |talk| {
                talk.join("viewer");
                talk.webhook("unsubscribe", "viewer", &[], 202);
                let id = talk.denied("viewer");
                talk.call_failed(id, CallEnd::Unreachable);
            },
        },
    ]
}

pub(super) fn unsubscribes() -> Vec<Case> {
    fn leave(talk: &mut Talk, status: u16, content_type: Option<&str>, body: &str) {
        talk.join("viewer");
        talk.webhook("unsubscribe", "viewer", &[], 202);
        let id = talk.ask_back("unsubscribe", "viewer", TOPIC, ASKED);
        talk.call_answered(id, status, content_type, body);
    }
    const CONFIRMED: &str = "intent-verification.unsubscribe-confirmed";
    vec![
        Case {
            name: "an unsubscribe is confirmed",
            requirement: CONFIRMED,
            verdict: Some(Pass),
            talk: |talk| leave(talk, 200, Some(HTML), "ch-1"),
        },
        Case {
            name: "an unsubscribe is not confirmed",
            requirement: CONFIRMED,
            verdict: Some(Fail),
            talk: |talk| leave(talk, 500, None, ""),
        },
        Case {
            name: "an unsubscribe is confirmed without the challenge",
            requirement: CONFIRMED,
            verdict: Some(Fail),
            talk: |talk| leave(talk, 200, Some(HTML), "ok"),
        },
        Case {
            name: "an unsubscribe is confirmed in another type",
            requirement: CONFIRMED,
            verdict: Some(Fail),
            talk: |talk| leave(talk, 200, Some("application/json"), "ch-1"),
        },
        Case {
            name: "an unsubscribe that another asked for is refused",
            requirement: CONFIRMED,
            verdict: Some(Pass),
            talk: |talk| leave(talk, 404, None, ""),
        },
        Case {
            name: "an unsubscribe says the same",
            requirement: "unsubscribe.mirrors",
            verdict: Some(Pass),
            talk: |talk| leave(talk, 200, Some(HTML), "ch-1"),
        },
        Case {
            name: "an unsubscribe says what a re-subscription said",
            requirement: "unsubscribe.mirrors",
            verdict: Some(Pass),
            talk: |talk| {
                talk.join("viewer");
                talk.webhook("subscribe", "viewer", &[("hub.secret", "a new one")], 202);
                talk.webhook("unsubscribe", "viewer", &[("hub.secret", "a new one")], 202);
            },
        },
        Case {
            name: "an unsubscribe with another secret",
            requirement: "unsubscribe.mirrors",
            verdict: Some(Warn),
            talk: |talk| {
                talk.join("viewer");
                talk.webhook("unsubscribe", "viewer", &[("hub.secret", "another one")], 202);
            },
        },
        Case {
            name: "an unsubscribe of other events, in another order",
            requirement: "unsubscribe.mirrors",
            verdict: Some(Pass),
            talk: |talk| {
                talk.join("viewer");
                if talk.version == Version::Stu1 {
                    let same = [("hub.events", "Patient-close,Patient-open")];
                    talk.webhook("unsubscribe", "viewer", &same, 202);
                }
            },
        },
        Case {
            name: "an unsubscribe of another topic",
            requirement: "unsubscribe.mirrors",
            verdict: Some(Fail),
            talk: |talk| {
                talk.join("viewer");
                talk.webhook("unsubscribe", "viewer", &[("hub.topic", "other")], 404);
            },
        },
        Case {
            name: "an unsubscribe of a callback that was never asked for",
            requirement: "unsubscribe.mirrors",
            verdict: Some(Fail),
            talk: |talk| talk.webhook("unsubscribe", "viewer", &[], 404),
        },
        Case {
            name: "an unsubscribe of what began before the record",
            requirement: "unsubscribe.mirrors",
            verdict: None,
            talk: |talk| {
                talk.observe(None, Observed::Gap);
                talk.webhook("unsubscribe", "viewer", &[], 202);
            },
        },
        Case {
            name: "an unsubscribe of what the hub had refused",
            requirement: "unsubscribe.mirrors",
            verdict: Some(Pass),
            talk: |talk| {
                talk.webhook("subscribe", "viewer", &[], 503);
                talk.webhook("unsubscribe", "viewer", &[], 404);
            },
        },
    ]
}

pub(super) fn notifications() -> Vec<Case> {
    const SENT: &str = "acknowledgement.sent";
    vec![
        Case {
            name: "any 2xx answers a notification",
            requirement: "acknowledgement.success-code",
            verdict: Some(Pass),
            talk: |talk| {
                talk.join("viewer");
                for (id, status) in [("e1", 200), ("e2", 202), ("e3", 204)] {
                    talk.notified_and_answered("viewer", &patient_open(id, "p"), status);
                }
            },
        },
        Case {
            name: "a refusal is an answer too",
            requirement: SENT,
            verdict: Some(Pass),
            talk: |talk| {
                talk.join("viewer");
                talk.notified_and_answered("viewer", &patient_open("e1", "p"), 409);
                talk.notified_and_answered("viewer", &patient_open("e2", "p"), 500);
            },
        },
        Case {
            name: "no answer to a notification",
            requirement: SENT,
            verdict: Some(Fail),
            talk: |talk| {
                talk.join("viewer");
                let id = talk.notify("viewer", &patient_open("e1", "p"));
                talk.wait(10.0);
                talk.call_failed(id, CallEnd::GivenUp);
            },
        },
        Case {
            name: "no answer to a notification of a callback from before the record",
            requirement: SENT,
            verdict: Some(Fail),
            talk: |talk| {
                talk.observe(None, Observed::Gap);
                let id = talk.notify("viewer", &patient_open("e1", "p"));
                talk.wait(10.0);
                talk.call_failed(id, CallEnd::GivenUp);
            },
        },
        Case {
            name: "the hub waits no longer before the time is over",
            requirement: SENT,
            verdict: None,
            talk: |talk| {
                talk.join("viewer");
                let id = talk.notify("viewer", &patient_open("e1", "p"));
                talk.wait(5.0);
                talk.call_failed(id, CallEnd::GivenUp);
            },
        },
        Case {
            name: "an answer may still come",
            requirement: SENT,
            verdict: None,
            talk: |talk| {
                talk.join("viewer");
                talk.notify("viewer", &patient_open("e1", "p"));
                talk.wait(60.0);
            },
        },
        Case {
            name: "what never came is owed no answer",
            requirement: SENT,
            verdict: Some(Pass),
            talk: |talk| {
                talk.join("viewer");
                let id = talk.notify("viewer", &patient_open("e1", "p"));
                talk.call_failed(id, CallEnd::Unreachable);
            },
        },
        Case {
            name: "a connection that is closed as it is used again",
            requirement: SENT,
            verdict: Some(Warn),
            talk: |talk| {
                talk.join("viewer");
                let id = talk.notify("viewer", &patient_open("e1", "p"));
                talk.call_failed(id, CallEnd::Cut);
                talk.notified_and_answered("viewer", &patient_open("e2", "p"), 200);
            },
        },
        Case {
            name: "connections that are closed in place of answers",
            requirement: SENT,
            verdict: Some(Fail),
            talk: |talk| {
                talk.join("viewer");
                for id in ["e1", "e2"] {
                    let id = talk.notify("viewer", &patient_open(id, "p"));
                    talk.call_failed(id, CallEnd::Cut);
                }
            },
        },
        Case {
            name: "unsubscribed in the meantime",
            requirement: SENT,
            verdict: None,
            talk: |talk| {
                talk.join("viewer");
                let id = talk.notify("viewer", &patient_open("e1", "p"));
                talk.webhook("unsubscribe", "viewer", &[], 202);
                talk.wait(10.0);
                talk.call_failed(id, CallEnd::GivenUp);
            },
        },
        Case {
            name: "a full resource is refused, and a sparse one taken",
            requirement: "event.full-resource-accepted",
            verdict: Some(Fail),
            talk: |talk| {
                talk.join("viewer");
                talk.notified_and_answered("viewer", &patient_open("e1", "p"), 200);
                let mut full = patient_open("e2", "p");
                full["event"]["context"][0]["resource"]["maritalStatus"] =
                    serde_json::json!({"text": "single"});
                talk.notified_and_answered("viewer", &full, 422);
            },
        },
        Case {
            name: "an event in another case is refused",
            requirement: "publish.events-case-insensitive.subscriber",
            verdict: Some(Fail),
            talk: |talk| {
                talk.join("viewer");
                let open = |id, name| event(id, name, serde_json::json!([patient("p")]));
                talk.notified_and_answered("viewer", &open("e1", "patient-open"), 200);
                talk.notified_and_answered("viewer", &open("e2", "Patient-Open"), 404);
            },
        },
        Case {
            name: "an event in another case is taken",
            requirement: "publish.events-case-insensitive.subscriber",
            verdict: Some(Pass),
            talk: |talk| {
                talk.join("viewer");
                talk.notified_and_answered("viewer", &patient_open("e1", "p"), 200);
            },
        },
    ]
}

pub(super) fn publications() -> Vec<Case> {
    const SUBSCRIBED: &str = "publish.event-of-subscription";
    const HANDLED: &str = "publish.rejection-handled";
    fn study(id: &str) -> Value {
        event(
            id,
            "org.example.study",
            serde_json::json!([{"key": "patient", "resource": {"resourceType": "Patient", "id": "p"}}]),
        )
    }
    vec![
        Case {
            name: "an event of the subscription, in another case",
            requirement: SUBSCRIBED,
            verdict: Some(Pass),
            talk: |talk| {
                talk.join("viewer");
                talk.publish("viewer", &patient_open("e1", "p"), 202);
            },
        },
        Case {
            name: "an event outside of the subscription",
            requirement: SUBSCRIBED,
            verdict: Some(Warn),
            talk: |talk| {
                talk.join("viewer");
                talk.publish("viewer", &study("e1"), 202);
            },
        },
        Case {
            name: "without any subscription",
            requirement: SUBSCRIBED,
            verdict: Some(Warn),
            talk: |talk| talk.publish("viewer", &patient_open("e1", "p"), 202),
        },
        Case {
            name: "whoever it was, nobody is subscribed to it",
            requirement: SUBSCRIBED,
            verdict: Some(Warn),
            talk: |talk| {
                talk.join("viewer");
                let headers = [("Content-Type", "application/json")];
                talk.http(None, ("POST", HUB), &headers, &study("e1").to_string(), (202, ""));
            },
        },
        Case {
            name: "whoever it was, somebody is subscribed to it",
            requirement: SUBSCRIBED,
            verdict: None,
            talk: |talk| {
                talk.join("viewer");
                talk.webhook(
                    "subscribe",
                    "worklist",
                    &[("hub.events", "org.example.study")],
                    202,
                );
                let headers = [("Content-Type", "application/json")];
                talk.http(None, ("POST", HUB), &headers, &study("e1").to_string(), (202, ""));
            },
        },
        Case {
            name: "a subscription that may be from before the record",
            requirement: SUBSCRIBED,
            verdict: None,
            talk: |talk| {
                talk.observe(None, Observed::Gap);
                talk.publish("viewer", &patient_open("e1", "p"), 202);
            },
        },
        Case {
            name: "an unsubscribe that has just been taken",
            requirement: SUBSCRIBED,
            verdict: Some(Pass),
            talk: |talk| {
                talk.join("viewer");
                talk.webhook("unsubscribe", "viewer", &[], 202);
                talk.publish("viewer", &patient_open("e1", "p"), 202);
            },
        },
        Case {
            name: "goes on after a rejection",
            requirement: HANDLED,
            verdict: Some(Pass),
            talk: |talk| {
                talk.join("viewer");
                talk.publish("viewer", &patient_open("e1", "p"), 409);
                talk.notified_and_answered("viewer", &patient_open("e2", "p"), 200);
            },
        },
        Case {
            name: "is gone after a rejection",
            requirement: HANDLED,
            verdict: Some(Fail),
            talk: |talk| {
                talk.join("viewer");
                talk.publish("viewer", &patient_open("e1", "p"), 409);
                let id = talk.notify("viewer", &patient_open("e2", "p"));
                talk.call_failed(id, CallEnd::Unreachable);
            },
        },
        Case {
            name: "is gone long after a rejection",
            requirement: HANDLED,
            verdict: None,
            talk: |talk| {
                talk.join("viewer");
                talk.publish("viewer", &patient_open("e1", "p"), 409);
                talk.wait(60.0);
                let id = talk.notify("viewer", &patient_open("e2", "p"));
                talk.call_failed(id, CallEnd::Unreachable);
            },
        },
        Case {
            name: "two changes with one id",
            requirement: "publish.id-unique",
            verdict: Some(Fail),
            talk: |talk| {
                talk.join("viewer");
                for patient in ["p", "q"] {
                    talk.publish("viewer", &patient_open("an-id-of-many-letters", patient), 202);
                }
            },
        },
    ]
}
