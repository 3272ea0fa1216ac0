//! Unsubscribes: said as the subscription was, and confirmed.

use super::{ASKED, HTML, Reply};
use crate::outcome::Verdict::{Fail, Pass, Warn};
use crate::protocol::Version;
use crate::subscriber::Observed;
use crate::subscriber::tests::{Case, TOPIC, Talk, case};

pub(super) fn unsubscribes() -> Vec<Case> {
    fn leave(talk: &mut Talk, status: u16, content_type: Option<&str>, body: &str) {
        talk.join("viewer");
        talk.webhook("unsubscribe", "viewer", &[], 202);
        talk.ask_back(
            "unsubscribe",
            "viewer",
            TOPIC,
            ASKED,
            Reply::Answer(status, content_type, body),
        );
    }
    const CONFIRMED: &str = "intent-verification.unsubscribe-confirmed";
    vec![
        case("an unsubscribe is confirmed", CONFIRMED, Some(Pass), |talk| {
            leave(talk, 200, Some(HTML), "ch-1")
        }),
        case("an unsubscribe is not confirmed", CONFIRMED, Some(Fail), |talk| {
            leave(talk, 500, None, "")
        }),
        case(
            "an unsubscribe is confirmed without the challenge",
            CONFIRMED,
            Some(Fail),
            |talk| leave(talk, 200, Some(HTML), "ok"),
        ),
        case(
            "an unsubscribe is confirmed in another type",
            CONFIRMED,
            Some(Fail),
            |talk| leave(talk, 200, Some("application/json"), "ch-1"),
        ),
        case(
            "an unsubscribe that another asked for is refused",
            CONFIRMED,
            Some(Pass),
            |talk| leave(talk, 404, None, ""),
        ),
        case(
            "an unsubscribe says the same",
            "unsubscribe.mirrors",
            Some(Pass),
            |talk| leave(talk, 200, Some(HTML), "ch-1"),
        ),
        case(
            "an unsubscribe says what a re-subscription said",
            "unsubscribe.mirrors",
            Some(Pass),
            |talk| {
                talk.join("viewer");
                talk.webhook("subscribe", "viewer", &[("hub.secret", "a new one")], 202);
                talk.webhook("unsubscribe", "viewer", &[("hub.secret", "a new one")], 202);
            },
        ),
        case(
            "an unsubscribe with another secret",
            "unsubscribe.mirrors",
            Some(Warn),
            |talk| {
                talk.join("viewer");
                talk.webhook("unsubscribe", "viewer", &[("hub.secret", "another one")], 202);
            },
        ),
        case(
            "an unsubscribe of other events, in another order",
            "unsubscribe.mirrors",
            Some(Pass),
            |talk| {
                talk.join("viewer");
                if talk.version == Version::Stu1 {
                    let same = [("hub.events", "Patient-close,Patient-open")];
                    talk.webhook("unsubscribe", "viewer", &same, 202);
                }
            },
        ),
        case(
            "an unsubscribe of another topic",
            "unsubscribe.mirrors",
            Some(Fail),
            |talk| {
                talk.join("viewer");
                talk.webhook("unsubscribe", "viewer", &[("hub.topic", "other")], 404);
            },
        ),
        case(
            "an unsubscribe of a callback that was never asked for",
            "unsubscribe.mirrors",
            Some(Fail),
            |talk| talk.webhook("unsubscribe", "viewer", &[], 404),
        ),
        case(
            "an unsubscribe of what began before the record",
            "unsubscribe.mirrors",
            None,
            |talk| {
                talk.observe(None, Observed::Gap);
                talk.webhook("unsubscribe", "viewer", &[], 202);
            },
        ),
        case(
            "an unsubscribe of what the hub had refused",
            "unsubscribe.mirrors",
            Some(Pass),
            |talk| {
                talk.webhook("subscribe", "viewer", &[], 503);
                talk.webhook("unsubscribe", "viewer", &[], 404);
            },
        ),
    ]
}
