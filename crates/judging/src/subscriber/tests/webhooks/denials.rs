//! Denials, and what is answered to them.

use super::Reply;
use crate::outcome::Verdict::{Fail, Pass};
use crate::subscriber::CallEnd;
use crate::subscriber::tests::{Case, case};

pub(super) fn denials() -> Vec<Case> {
    vec![
        case(
            "a denial is answered",
            "denial.webhook-answered",
            Some(Pass),
            |talk| {
                talk.join("viewer");
                talk.denied("viewer", Reply::Status(204));
            },
        ),
        case(
            "a denial is answered with an error",
            "denial.webhook-answered",
            Some(Fail),
            |talk| {
                talk.webhook("subscribe", "viewer", &[], 202);
                talk.denied("viewer", Reply::Status(500));
            },
        ),
        case(
            "a denial is not answered",
            "denial.webhook-answered",
            Some(Fail),
            |talk| {
                talk.join("viewer");
                talk.denied("viewer", Reply::NothingAfter(10.0, CallEnd::GivenUp));
            },
        ),
        case(
            "a denial of what nobody asked for may be refused",
            "denial.webhook-answered",
            None,
            |talk| {
                talk.denied("viewer", Reply::Status(404));
            },
        ),
        case(
            "whoever has unsubscribed may be gone when a denial comes",
            "denial.webhook-answered",
            None,
            |talk| {
                talk.join("viewer");
                talk.webhook("unsubscribe", "viewer", &[], 202);
                talk.denied("viewer", Reply::Nothing(CallEnd::Unreachable));
            },
        ),
    ]
}
