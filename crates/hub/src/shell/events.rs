//! Requests to change the context: an event goes to the session of its topic.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use super::registry::Registry;
use crate::admission::Admission;
use crate::defect::Malformed;
use crate::protocol::Notification;
use crate::refusal::Refusal;

/// The answer to an event; `topic` is the one that the URL names, where it does.
///
/// # Errors
/// When the event breaks a rule, or the hub refuses it.
pub(super) fn answer(
    hub: &Registry,
    admission: &Admission,
    body: &[u8],
    topic: Option<&str>,
) -> Result<Response, Refusal> {
    if let Some((status, reason)) = hub.behaviour.answers_events_with() {
        return Err(Refusal::new(status, reason));
    }
    take_event(hub, admission, body, topic)?;
    Ok(StatusCode::ACCEPTED.into_response())
}

fn take_event(
    hub: &Registry,
    admission: &Admission,
    body: &[u8],
    topic: Option<&str>,
) -> Result<(), Refusal> {
    let text = std::str::from_utf8(body).map_err(|error| {
        Refusal::malformed(format!(
            "the body is not UTF-8 ({error}); JSON is (RFC 8259, 8.1)"
        ))
    })?;
    let notification = match Notification::parse(text) {
        Ok(notification) => notification,
        Err(_) if is_taken_all_the_same(hub, text) => return Ok(()),
        Err(error) => {
            if hub.behaviour.broadcasts_what_it_refuses() {
                broadcast(hub, text);
            }
            return Err(error.into());
        }
    };
    if let Some(topic) = topic
        && topic != notification.topic
    {
        return Err(Refusal::malformed(format!(
            "/event/hub.topic: is '{}', and the URL names the topic '{topic}'; events are posted to hub.url itself \
             (FHIRcast STU3, 2.6 Request Context Change)",
            notification.topic
        )));
    }
    admission.admit_to(&notification.topic)?;
    if hub.behaviour.leaks_across_topics() {
        for other in hub.others(&notification.topic) {
            let text = notification.to_text();
            other.with(|session, now| session.leak(&notification.id, &notification.event, text, now));
        }
    }
    let topic = hub.topic(&notification.topic)?;
    topic.with(|session, now| session.publish_as(notification, admission, now))
}

/// A defect: an event in an event's place that lacks something is accepted.
fn is_taken_all_the_same(hub: &Registry, text: &str) -> bool {
    let fate = hub.behaviour.malformed_events();
    let message: serde_json::Value = serde_json::from_str(text).unwrap_or_default();
    let has_event = message["event"]["hub.event"].is_string();
    match fate {
        Malformed::Refused => return false,
        Malformed::PassedOn if has_event => broadcast(hub, text),
        Malformed::Swallowed | Malformed::PassedOn => {}
    }
    has_event
}

/// A defect: an event that is not taken is sent to the subscribers of the topic and the event that it names.
pub(super) fn broadcast(hub: &Registry, text: &str) {
    let message: serde_json::Value = serde_json::from_str(text).unwrap_or_default();
    let event = &message["event"];
    let name = event["hub.event"].as_str().and_then(|name| name.parse().ok());
    let topic = event["hub.topic"].as_str().and_then(|topic| hub.find(topic));
    if let (Some(name), Some(topic)) = (name, topic) {
        topic.with(|session, now| {
            session.leak(
                message["id"].as_str().unwrap_or_default(),
                &name,
                text.to_owned(),
                now,
            )
        });
    }
}
