//! Answers to requests for a subscription, or for its end, that the hub accepts.

use serde_json::Value;

use crate::Answer;
use crate::hub::{Breach, Issued, Judge, Place, ids};
use crate::protocol::Version;
use crate::schema::{MessageKind, Unmet};

/// The member of an answer that names the WebSocket.
const ENDPOINT: &str = "hub.channel.endpoint";

/// The status of every accepted subscription or unsubscribe request, on whichever channel; `requirement` is
/// [`ids::SUBSCRIBE_202`] or [`ids::UNSUBSCRIBE_202`].
pub fn status_of_acceptance(answer: &Answer, requirement: &'static str, judge: &mut Judge) {
    // In STU3 the 202 of a subscription is a plain statement, that of an unsubscribe a SHALL (ambiguities, 20).
    let is_plain = requirement == ids::SUBSCRIBE_202 && judge.version() == Version::Stu3;
    let breach = (answer.status != 202).then(|| {
        let message = format!(
            "the hub accepted the request with {} in place of 202",
            answer.status
        );
        Breach::new(message, Place::exchange(answer))
            .expecting("status 202")
            .observing(format!("status {}", answer.status))
            .softened(if is_plain { Unmet::Warn } else { Unmet::ByLevel })
    });
    judge.tried(requirement, breach);
}

/// What holds of every accepted request for a WebSocket subscription: `is_new` says that it is no re-subscription.
pub fn subscription_accepted(answer: &Answer, is_new: bool, issued: &mut Issued, judge: &mut Judge) {
    accepted(
        answer,
        MessageKind::SubscriptionResponse,
        ids::SUBSCRIBE_202,
        judge,
    );
    let Some(endpoint) = answer.member(ENDPOINT).filter(|_| is_new) else {
        return;
    };
    let breach = (!issued.is_new_endpoint(endpoint)).then(|| {
        let message = "the hub gave a new subscription an endpoint that it has given to another";
        Breach::new(message, Place::exchange(answer))
            .expecting("an endpoint of its own for each subscription")
            .observing(endpoint)
    });
    judge.tried(ids::ENDPOINT_UNIQUE, breach);
}

/// What holds of every accepted request to end the subscription of an endpoint.
pub fn end_accepted(answer: &Answer, endpoint: &str, judge: &mut Judge) {
    accepted(
        answer,
        MessageKind::UnsubscribeResponse,
        ids::UNSUBSCRIBE_202,
        judge,
    );
    let Some(given) = answer.member(ENDPOINT) else {
        return;
    };
    let breach = (given != endpoint).then(|| {
        let places = vec![
            Place::at(answer.request.sequence),
            Place::within(answer.spot.sequence, "/hub.channel.endpoint"),
        ];
        Breach::new(
            "the answer to the unsubscribe request names another endpoint",
            places,
        )
        .expecting(endpoint)
        .observing(given)
    });
    judge.tried(ids::UNSUBSCRIBE_ENDPOINT, breach);
}

fn accepted(answer: &Answer, kind: MessageKind, requirement: &'static str, judge: &mut Judge) {
    status_of_acceptance(answer, requirement, judge);
    let media_type = answer.media_type();
    let breach = (media_type.as_deref() != Some("application/json")).then(|| {
        let message = "the content of the hub's answer is not declared as application/json";
        let unmet = match media_type {
            Some(_) => Unmet::ByLevel,
            None => Unmet::Warn,
        };
        Breach::new(message, Place::exchange(answer))
            .expecting("Content-Type application/json")
            .observing(media_type.as_deref().unwrap_or("no Content-Type"))
            .softened(unmet)
    });
    judge.tried(ids::SUBSCRIBE_CONTENT_TYPE, breach);
    let body = answer.json.as_ref().unwrap_or(&Value::Null);
    judge.message(kind, body, answer.spot);
}
