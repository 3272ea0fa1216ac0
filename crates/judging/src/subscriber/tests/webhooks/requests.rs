//! Requests for webhooks: a callback and a secret of its own.

use super::{Reply, callback};
use crate::outcome::Verdict::{Fail, Pass, Warn};
use crate::subscriber::tests::{Case, case};

pub(super) fn requests() -> Vec<Case> {
    vec![
        case(
            "a callback and a secret of its own",
            "secret.unique",
            Some(Pass),
            |talk| {
                talk.join("viewer");
                talk.join("worklist");
            },
        ),
        case(
            "two subscriptions with one secret",
            "secret.unique",
            Some(Fail),
            |talk| {
                talk.join("viewer");
                talk.webhook(
                    "subscribe",
                    "worklist",
                    &[("hub.secret", "secret of viewer")],
                    202,
                );
            },
        ),
        case(
            "the secret of a request that the hub refused",
            "secret.unique",
            Some(Pass),
            |talk| {
                talk.webhook("subscribe", "viewer", &[], 503);
                talk.webhook(
                    "subscribe",
                    "worklist",
                    &[("hub.secret", "secret of viewer")],
                    202,
                );
            },
        ),
        case(
            "a re-subscription keeps its secret",
            "secret.unique",
            Some(Pass),
            |talk| {
                talk.join("viewer");
                talk.join("viewer");
            },
        ),
        case(
            "one callback for two topics",
            "callback.unique",
            Some(Warn),
            |talk| {
                talk.join("viewer");
                let other = [("hub.topic", "u"), ("hub.secret", "another one")];
                talk.webhook("subscribe", "viewer", &other, 202);
            },
        ),
        case(
            "one callback for two names",
            "callback.unique",
            Some(Warn),
            |talk| {
                talk.webhook("subscribe", "viewer", &[("subscriber.name", "A")], 202);
                talk.webhook("subscribe", "viewer", &[("subscriber.name", "B")], 202);
            },
        ),
        case(
            "callbacks that differ in their query",
            "callback.unique",
            Some(Pass),
            |talk| {
                talk.join("viewer");
                let url = callback("viewer").replace("room=1", "room=2");
                let other = [("hub.callback", url.as_str()), ("hub.secret", "another one")];
                talk.webhook("subscribe", "viewer", &other, 202);
            },
        ),
        case(
            "a re-subscription with other events",
            "callback.unique",
            Some(Pass),
            |talk| {
                talk.join("viewer");
                talk.webhook("subscribe", "viewer", &[("hub.events", "patient-close")], 202);
            },
        ),
        case(
            "a callback in another topic after a denial",
            "callback.unique",
            Some(Pass),
            |talk| {
                talk.join("viewer");
                talk.denied("viewer", Reply::Status(200));
                let other = [("hub.topic", "u"), ("hub.secret", "another one")];
                talk.webhook("subscribe", "viewer", &other, 202);
            },
        ),
        case(
            "a callback over TLS",
            "transport.https.subscriber",
            Some(Pass),
            |talk| talk.join("viewer"),
        ),
        case(
            "a callback on another machine without TLS",
            "transport.https.subscriber",
            Some(Warn),
            |talk| {
                let url = [("hub.callback", "http://app.example.com/callback/viewer")];
                talk.webhook("subscribe", "viewer", &url, 202);
            },
        ),
        case(
            "a callback on this machine without TLS",
            "transport.https.subscriber",
            None,
            |talk| {
                let url = [("hub.callback", "http://127.0.0.1:4000/callback/viewer")];
                talk.webhook("subscribe", "viewer", &url, 202);
            },
        ),
        case("a secret that is too long", "secret.length", Some(Fail), |talk| {
            let long = "x".repeat(200);
            talk.webhook("subscribe", "viewer", &[("hub.secret", &long)], 400);
        }),
        case(
            "no token, as far as is known",
            "subscribe.request.bearer",
            None,
            |talk| talk.join("viewer"),
        ),
        case(
            "a webhook needs no WebSocket",
            "subscribe.connects-to-endpoint",
            None,
            |talk| {
                talk.join("viewer");
                talk.wait(1_000.0);
            },
        ),
    ]
}
