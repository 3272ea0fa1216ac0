//! Intent verifications, and what is answered to them.

use super::{ASKED, CONFIRMED, HTML, Reply, callback};
use crate::outcome::Verdict::{Fail, Pass, Warn};
use crate::subscriber::tests::{Case, TOPIC, Talk, case};
use crate::subscriber::{CallEnd, Observed};

/// What comes of the verification of a subscription that was just asked for.
fn asked_back(talk: &mut Talk, reply: Reply<'_>) {
    talk.webhook("subscribe", "viewer", &[], 202);
    talk.ask_back("subscribe", "viewer", TOPIC, ASKED, reply);
}

pub(super) fn verifications() -> Vec<Case> {
    vec![
        case(
            "confirmed",
            "intent-verification.answer-2xx",
            Some(Pass),
            |talk| talk.join("viewer"),
        ),
        case(
            "confirmed before the hub has answered the request",
            "intent-verification.answer-2xx",
            Some(Pass),
            |talk| asked_back(talk, Reply::Answer(202, Some("text/html; charset=utf-8"), "ch-1")),
        ),
        case(
            "an error in place of the challenge",
            "intent-verification.answer-2xx",
            Some(Fail),
            |talk| asked_back(talk, Reply::Answer(500, None, "no")),
        ),
        case(
            "a redirect in place of the challenge",
            "intent-verification.answer-2xx",
            Some(Fail),
            |talk| asked_back(talk, Reply::Status(302)),
        ),
        case(
            "404 tells that it is wished no more",
            "intent-verification.answer-2xx",
            Some(Pass),
            |talk| asked_back(talk, Reply::Status(404)),
        ),
        case(
            "silence in place of the challenge",
            "intent-verification.answer-2xx",
            Some(Fail),
            |talk| asked_back(talk, Reply::NothingAfter(10.0, CallEnd::GivenUp)),
        ),
        case(
            "a callback that is not there",
            "intent-verification.answer-2xx",
            Some(Warn),
            |talk| asked_back(talk, Reply::Nothing(CallEnd::Unreachable)),
        ),
        case(
            "a hub that waits no time at all",
            "intent-verification.answer-2xx",
            None,
            |talk| asked_back(talk, Reply::Nothing(CallEnd::GivenUp)),
        ),
        case(
            "as plain text",
            "intent-verification.answer-content-type",
            Some(Fail),
            |talk| asked_back(talk, Reply::Answer(200, Some("text/plain"), "ch-1")),
        ),
        case(
            "without a content type",
            "intent-verification.answer-content-type",
            Some(Fail),
            |talk| asked_back(talk, Reply::Answer(200, None, "ch-1")),
        ),
        case(
            "with a charset",
            "intent-verification.answer-content-type",
            Some(Pass),
            |talk| asked_back(talk, Reply::Answer(200, Some("Text/HTML;charset=utf-8"), "ch-1")),
        ),
        case(
            "another text than the challenge",
            "intent-verification.answer-challenge",
            Some(Fail),
            |talk| asked_back(talk, Reply::Answer(200, Some(HTML), "<p>ch-1</p>")),
        ),
        case(
            "nothing in place of the challenge",
            "intent-verification.answer-challenge",
            Some(Fail),
            |talk| asked_back(talk, Reply::Answer(204, Some(HTML), "")),
        ),
        case(
            "a verification without a challenge is the hub's fault",
            "intent-verification.answer-challenge",
            None,
            |talk| {
                talk.webhook("subscribe", "viewer", &[], 202);
                let url = format!("{}&hub.mode=subscribe&hub.topic={TOPIC}", callback("viewer"));
                let id = talk.call("GET", &url, "");
                talk.call_answered(id, 200, Some(HTML), "");
            },
        ),
        case(
            "a topic that was never asked for is confirmed",
            "intent-verification.disagreement-404",
            Some(Fail),
            |talk| {
                talk.join("viewer");
                talk.ask_back("subscribe", "viewer", "other", ASKED, CONFIRMED);
            },
        ),
        case(
            "what was never asked for is refused with another status",
            "intent-verification.disagreement-404",
            Some(Fail),
            |talk| {
                talk.ask_back("subscribe", "viewer", TOPIC, ASKED, Reply::Status(403));
            },
        ),
        case(
            "what was never asked for is refused",
            "intent-verification.disagreement-404",
            Some(Pass),
            |talk| {
                talk.join("viewer");
                talk.ask_back("subscribe", "viewer", "other", ASKED, Reply::Status(404));
                talk.ask_back("unsubscribe", "viewer", TOPIC, ASKED, Reply::Status(404));
            },
        ),
        case(
            "an unsubscribe that was never asked for is confirmed",
            "intent-verification.disagreement-404",
            Some(Fail),
            |talk| {
                talk.join("viewer");
                talk.ask_back("unsubscribe", "viewer", TOPIC, ASKED, CONFIRMED);
            },
        ),
        case(
            "what was never asked for has no challenge",
            "intent-verification.disagreement-404",
            None,
            |talk| {
                let url = format!("{}&hub.mode=subscribe&hub.topic={TOPIC}", callback("viewer"));
                let id = talk.call("GET", &url, "");
                talk.call_answered(id, 200, None, "");
            },
        ),
        case(
            "an unsubscribe that the hub refuses and verifies",
            "intent-verification.disagreement-404",
            None,
            |talk| {
                talk.join("viewer");
                talk.webhook("unsubscribe", "viewer", &[], 500);
                talk.ask_back("unsubscribe", "viewer", TOPIC, ASKED, CONFIRMED);
            },
        ),
        case(
            "exchanges are missing, the request among them",
            "intent-verification.disagreement-404",
            None,
            |talk| {
                talk.observe(None, Observed::Gap);
                talk.ask_back("subscribe", "viewer", TOPIC, ASKED, CONFIRMED);
            },
        ),
        case(
            "events in another case are confirmed",
            "subscribe.events-case-insensitive.subscriber",
            Some(Pass),
            |talk| {
                talk.webhook("subscribe", "viewer", &[], 202);
                talk.ask_back(
                    "subscribe",
                    "viewer",
                    TOPIC,
                    "Patient-open,Patient-close",
                    CONFIRMED,
                );
            },
        ),
        case(
            "events in another case are refused",
            "subscribe.events-case-insensitive.subscriber",
            Some(Warn),
            |talk| {
                talk.webhook("subscribe", "viewer", &[], 202);
                talk.ask_back(
                    "subscribe",
                    "viewer",
                    TOPIC,
                    "Patient-open,Patient-close",
                    Reply::Status(404),
                );
            },
        ),
    ]
}
