//! Requested changes of subscribers by webhooks.

use serde_json::{Value, json};

use super::Reply;
use crate::outcome::Verdict::{Fail, Pass, Warn};
use crate::subscriber::tests::{Case, HUB, case, event, patient_open};
use crate::subscriber::{CallEnd, Observed};

pub(super) fn publications() -> Vec<Case> {
    const SUBSCRIBED: &str = "publish.event-of-subscription";
    const HANDLED: &str = "publish.rejection-handled";
    fn study(id: &str) -> Value {
        event(
            id,
            "org.example.study",
            json!([{"key": "patient", "resource": {"resourceType": "Patient", "id": "p"}}]),
        )
    }
    vec![
        case(
            "an event of the subscription, in another case",
            SUBSCRIBED,
            Some(Pass),
            |talk| {
                talk.join("viewer");
                talk.publish("viewer", &patient_open("e1", "p"), 202);
            },
        ),
        case(
            "an event outside of the subscription",
            SUBSCRIBED,
            Some(Warn),
            |talk| {
                talk.join("viewer");
                talk.publish("viewer", &study("e1"), 202);
            },
        ),
        case("without any subscription", SUBSCRIBED, Some(Warn), |talk| {
            talk.publish("viewer", &patient_open("e1", "p"), 202)
        }),
        case(
            "whoever it was, nobody is subscribed to it",
            SUBSCRIBED,
            Some(Warn),
            |talk| {
                talk.join("viewer");
                let headers = [("Content-Type", "application/json")];
                talk.http(None, ("POST", HUB), &headers, &study("e1").to_string(), (202, ""));
            },
        ),
        case(
            "whoever it was, somebody is subscribed to it",
            SUBSCRIBED,
            None,
            |talk| {
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
        ),
        case(
            "a subscription that may be from before the record",
            SUBSCRIBED,
            None,
            |talk| {
                talk.observe(None, Observed::Gap);
                talk.publish("viewer", &patient_open("e1", "p"), 202);
            },
        ),
        case(
            "an unsubscribe that has just been taken",
            SUBSCRIBED,
            Some(Pass),
            |talk| {
                talk.join("viewer");
                talk.webhook("unsubscribe", "viewer", &[], 202);
                talk.publish("viewer", &patient_open("e1", "p"), 202);
            },
        ),
        case("goes on after a rejection", HANDLED, Some(Pass), |talk| {
            talk.join("viewer");
            talk.publish("viewer", &patient_open("e1", "p"), 409);
            talk.notify("viewer", &patient_open("e2", "p"), Reply::Status(200));
        }),
        case("is gone after a rejection", HANDLED, Some(Fail), |talk| {
            talk.join("viewer");
            talk.publish("viewer", &patient_open("e1", "p"), 409);
            talk.notify(
                "viewer",
                &patient_open("e2", "p"),
                Reply::Nothing(CallEnd::Unreachable),
            );
        }),
        case("is gone long after a rejection", HANDLED, None, |talk| {
            talk.join("viewer");
            talk.publish("viewer", &patient_open("e1", "p"), 409);
            talk.wait(60.0);
            talk.notify(
                "viewer",
                &patient_open("e2", "p"),
                Reply::Nothing(CallEnd::Unreachable),
            );
        }),
        case(
            "two changes with one id",
            "publish.id-unique",
            Some(Fail),
            |talk| {
                talk.join("viewer");
                for patient in ["p", "q"] {
                    talk.publish("viewer", &patient_open("an-id-of-many-letters", patient), 202);
                }
            },
        ),
    ]
}
