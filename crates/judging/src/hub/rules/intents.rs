//! Intents of requests for a callback (STU1 and STU2): each is verified, or denied.

use serde_json::Value;

use crate::Answer;
use crate::hub::control::{Control, control_received};
use crate::hub::{Breach, Judge, Place, Subscriber, ids};
use crate::schema::Unmet;

/// What came of a request whose intent was not verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unverified {
    /// The hub denied it, for this reason.
    Denied(String),
    /// The hub broke the requirement; this was observed instead.
    Broken(String),
}

/// Judges a request that the hub accepted and whose intent it did not verify; `requirement` is
/// [`ids::VERIFICATION_SENT`] or [`ids::VERIFICATION_ON_UNSUBSCRIBE`], `silence` says in words how long was waited.
pub fn not_verified(
    subscriber: &Subscriber,
    answer: &Answer,
    requirement: &'static str,
    silence: &str,
    judge: &mut Judge,
) -> Unverified {
    let mut since = subscriber
        .received
        .iter()
        .filter(|received| received.spot.sequence > answer.request.sequence);
    if let Some(denial) = since
        .clone()
        .find(|received| control_received(received) == Some(Control::Denial))
    {
        let reason = denial.json.as_ref().and_then(|query| query.get("hub.reason"));
        let reason = reason.and_then(Value::as_str).unwrap_or("no reason given");
        return Unverified::Denied(reason.to_owned());
    }
    let mut places = Place::exchange(answer);
    places.extend(
        since
            .clone()
            .take(2)
            .map(|received| Place::at(received.spot.sequence)),
    );
    let first = since.next();
    let observed = match first.and_then(|received| received.call.as_ref()) {
        Some(call) => format!("{} {}", call.method, call.path),
        None => silence.to_owned(),
    };
    let breach = Breach::new(
        "the hub accepted the request, but asked the callback for no verification of the intent",
        places,
    )
    .observing(&observed);
    // Where it is not verified, it must be denied (ambiguities, 19); that it is neither is one mistake.
    if requirement == ids::VERIFICATION_SENT && first.is_none() {
        let denial = Breach {
            message:
                "the hub accepted the request, and neither verified the intent nor denied the subscription"
                    .to_owned(),
            ..breach.clone()
        };
        let denial = denial.expecting("a GET to the callback, to verify or to deny");
        judge.broken(ids::DENIAL_GET, denial.softened(Unmet::Warn));
    }
    judge.broken(
        requirement,
        breach.expecting("a GET to the callback with hub.mode, hub.topic and hub.challenge"),
    );
    Unverified::Broken(observed)
}
