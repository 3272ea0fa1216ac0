//! Notifications, and what is answered to them.

use serde_json::json;

use super::Reply;
use crate::outcome::Verdict::{Fail, Pass, Warn};
use crate::subscriber::tests::{Case, case, event, patient, patient_open};
use crate::subscriber::{CallEnd, Observed};

pub(super) fn notifications() -> Vec<Case> {
    const SENT: &str = "acknowledgement.sent";
    vec![
        case(
            "any 2xx answers a notification",
            "acknowledgement.success-code",
            Some(Pass),
            |talk| {
                talk.join("viewer");
                for (id, status) in [("e1", 200), ("e2", 202), ("e3", 204)] {
                    talk.notify("viewer", &patient_open(id, "p"), Reply::Status(status));
                }
            },
        ),
        case("a refusal is an answer too", SENT, Some(Pass), |talk| {
            talk.join("viewer");
            talk.notify("viewer", &patient_open("e1", "p"), Reply::Status(409));
            talk.notify("viewer", &patient_open("e2", "p"), Reply::Status(500));
        }),
        case("no answer to a notification", SENT, Some(Fail), |talk| {
            talk.join("viewer");
            talk.notify(
                "viewer",
                &patient_open("e1", "p"),
                Reply::NothingAfter(10.0, CallEnd::GivenUp),
            );
        }),
        case(
            "no answer to a notification of a callback from before the record",
            SENT,
            Some(Fail),
            |talk| {
                talk.observe(None, Observed::Gap);
                talk.notify(
                    "viewer",
                    &patient_open("e1", "p"),
                    Reply::NothingAfter(10.0, CallEnd::GivenUp),
                );
            },
        ),
        case(
            "the hub waits no longer before the time is over",
            SENT,
            None,
            |talk| {
                talk.join("viewer");
                talk.notify(
                    "viewer",
                    &patient_open("e1", "p"),
                    Reply::NothingAfter(5.0, CallEnd::GivenUp),
                );
            },
        ),
        case("an answer may still come", SENT, None, |talk| {
            talk.join("viewer");
            talk.called_with("viewer", &patient_open("e1", "p"));
            talk.wait(60.0);
        }),
        case("what never came is owed no answer", SENT, Some(Pass), |talk| {
            talk.join("viewer");
            talk.notify(
                "viewer",
                &patient_open("e1", "p"),
                Reply::Nothing(CallEnd::Unreachable),
            );
        }),
        case(
            "a connection that is closed as it is used again",
            SENT,
            Some(Warn),
            |talk| {
                talk.join("viewer");
                talk.notify("viewer", &patient_open("e1", "p"), Reply::Nothing(CallEnd::Cut));
                talk.notify("viewer", &patient_open("e2", "p"), Reply::Status(200));
            },
        ),
        case(
            "connections that are closed in place of answers",
            SENT,
            Some(Fail),
            |talk| {
                talk.join("viewer");
                for id in ["e1", "e2"] {
                    talk.notify("viewer", &patient_open(id, "p"), Reply::Nothing(CallEnd::Cut));
                }
            },
        ),
        case("unsubscribed in the meantime", SENT, None, |talk| {
            talk.join("viewer");
            let id = talk.called_with("viewer", &patient_open("e1", "p"));
            talk.webhook("unsubscribe", "viewer", &[], 202);
            talk.wait(10.0);
            talk.call_failed(id, CallEnd::GivenUp);
        }),
        case(
            "a full resource is refused, and a sparse one taken",
            "event.full-resource-accepted",
            Some(Fail),
            |talk| {
                talk.join("viewer");
                talk.notify("viewer", &patient_open("e1", "p"), Reply::Status(200));
                let mut full = patient_open("e2", "p");
                full["event"]["context"][0]["resource"]["maritalStatus"] = json!({"text": "single"});
                talk.notify("viewer", &full, Reply::Status(422));
            },
        ),
        case(
            "an event in another case is refused",
            "publish.events-case-insensitive.subscriber",
            Some(Fail),
            |talk| {
                talk.join("viewer");
                let open = |id, name| event(id, name, json!([patient("p")]));
                talk.notify("viewer", &open("e1", "patient-open"), Reply::Status(200));
                talk.notify("viewer", &open("e2", "Patient-Open"), Reply::Status(404));
            },
        ),
        case(
            "an event in another case is taken",
            "publish.events-case-insensitive.subscriber",
            Some(Pass),
            |talk| {
                talk.join("viewer");
                talk.notify("viewer", &patient_open("e1", "p"), Reply::Status(200));
            },
        ),
    ]
}
