//! Subscription and unsubscribe requests: the form goes to the session of its topic, and what it says to the client.

use std::sync::Arc;

use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::Map;

use super::answers::refuse;
use super::registry::Registry;
use crate::admission::Admission;
use crate::protocol::{
    EventName, FormParameters, Mode, SubscriptionRequest, SubscriptionResponse, check_number_of_events,
    join_events, parse_events,
};
use crate::refusal::Refusal;
use crate::version_profile::Wildcards;
use crate::webhook_request::WebhookRequest;

/// The answer to a subscription or unsubscribe request.
pub(super) fn answer(hub: &Registry, headers: &HeaderMap, admission: &Admission, body: &[u8]) -> Response {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let answer = |mode: Mode, endpoint: &str| {
        let response = SubscriptionResponse {
            endpoint: hub.endpoint_url(host, endpoint),
            other: Map::new(),
        };
        let status =
            StatusCode::from_u16(hub.behaviour.accepted_status(mode)).unwrap_or(StatusCode::ACCEPTED);
        let body = hub.behaviour.response(mode, &response).to_string();
        (
            status,
            [(header::CONTENT_TYPE, hub.behaviour.response_type())],
            body,
        )
            .into_response()
    };
    if let Some(answer) = webhook_subscription(hub, admission, body) {
        return match answer {
            Ok(mode) => {
                let status = hub.behaviour.accepted_status(mode);
                StatusCode::from_u16(status)
                    .unwrap_or(StatusCode::ACCEPTED)
                    .into_response()
            }
            Err(_) if hub.behaviour.accepts_malformed_subscriptions() => StatusCode::ACCEPTED.into_response(),
            Err(refusal) => {
                if hub.behaviour.applies_refused_resubscriptions() {
                    regrant_refused(hub, body);
                }
                refuse(hub, &refusal)
            }
        };
    }
    match take_subscription(hub, admission, body) {
        Ok((mode, endpoint)) => answer(mode, &endpoint),
        Err(refusal) if hub.behaviour.applies_refused_resubscriptions() => {
            resubscribe_refused(hub, body);
            refuse(hub, &refusal)
        }
        Err(_) if hub.behaviour.accepts_malformed_subscriptions() => answer(Mode::Subscribe, "nowhere"),
        Err(refusal) => refuse(hub, &refusal),
    }
}

/// The outcome of a request for a callback; `None` where it is for none.
fn webhook_subscription(hub: &Registry, admission: &Admission, body: &[u8]) -> Option<Result<Mode, Refusal>> {
    if !hub.profile.webhook {
        return None;
    }
    let checks_secret = hub.behaviour.checks_secret_length();
    let request = match WebhookRequest::from_form(body, hub.profile, checks_secret) {
        Ok(request) => request?,
        Err(error) => return Some(Err(error.into())),
    };
    let admitted = admission
        .admit_to(&request.topic)
        .and_then(|()| hub.settings.callbacks_to.check(&request.callback));
    let answer = admitted
        .and_then(|()| hub.topic(&request.topic))
        .and_then(|topic| {
            topic.with(|session, now| session.request_webhook_as(&request, admission, now))?;
            Ok(request.mode)
        });
    Some(answer)
}

/// A defect: the events of a re-subscription of a callback are taken over though it is refused.
fn regrant_refused(hub: &Registry, body: &[u8]) {
    let named = |name: &str| {
        let mut pairs = url::form_urlencoded::parse(body);
        pairs
            .find(|(parameter, _)| parameter == name)
            .map(|(_, value)| value.into_owned())
    };
    if let (Some(topic), Some(Ok(events)), Some(callback)) = (
        named("hub.topic").and_then(|topic| hub.find(&topic)),
        named("hub.events").map(|events| hub.profile.read_events(&events)),
        named("hub.callback"),
    ) {
        topic.with(|session, _| session.regrant_callback(&callback, events));
    }
}

/// The form with its wildcards expanded, where the version has some.
fn expand_wildcards(hub: &Registry, body: &[u8]) -> Option<Vec<u8>> {
    if hub.profile.wildcards == Wildcards::None {
        return None;
    }
    // One that is too long is refused as it is, before its wildcards make it longer.
    FormParameters::read(body).ok()?;
    let mut form = url::form_urlencoded::Serializer::new(String::new());
    for (name, value) in url::form_urlencoded::parse(body) {
        let has_wildcards = name == "hub.events" && value.contains('*');
        let events = (has_wildcards && check_number_of_events(&value).is_ok())
            .then(|| hub.profile.read_events(&value).ok())
            .flatten();
        match events {
            Some(events) => form.append_pair(&name, &join_events(&events)),
            None => form.append_pair(&name, &value),
        };
    }
    Some(form.finish().into_bytes())
}

fn take_subscription(
    hub: &Registry,
    admission: &Admission,
    body: &[u8],
) -> Result<(Mode, Arc<str>), Refusal> {
    let expanded = expand_wildcards(hub, body);
    let body = expanded.as_deref().unwrap_or(body);
    let mut request = SubscriptionRequest::from_form(body)?;
    if hub.behaviour.keeps_repeated_events() {
        request.events = repeated_events(body).or(request.events);
    }
    admission.admit_to(&request.topic)?;
    let named = request.endpoint.as_deref().and_then(|url| hub.endpoint_of(url));
    let topic = hub.topic(&request.topic)?;
    let endpoint = topic.with(|session, now| {
        let endpoint = session.request_as(&request, named.as_deref(), admission, now)?;
        if request.mode == Mode::Subscribe {
            hub.remember_endpoint(&endpoint, &request.topic);
        }
        Ok::<_, Refusal>(endpoint)
    })?;
    Ok((request.mode, endpoint))
}

/// The events of a request, each as often as it stands there.
fn repeated_events(body: &[u8]) -> Option<Vec<EventName>> {
    let mut pairs = url::form_urlencoded::parse(body);
    let (_, events) = pairs.find(|(name, _)| name == "hub.events")?;
    events.split(',').map(|event| event.trim().parse().ok()).collect()
}

/// A defect: a re-subscription is carried out, as far as it can be read, though it is refused.
fn resubscribe_refused(hub: &Registry, body: &[u8]) {
    let named = |name: &str| {
        let mut pairs = url::form_urlencoded::parse(body);
        pairs
            .find(|(parameter, _)| parameter == name)
            .map(|(_, value)| value.into_owned())
    };
    let (Some(topic), Some(events), Some(endpoint)) = (
        named("hub.topic"),
        named("hub.events").and_then(|events| parse_events(&events).ok()),
        named("hub.channel.endpoint"),
    ) else {
        return;
    };
    let mut request = SubscriptionRequest::subscribe(&topic, events);
    let segment = hub.endpoint_of(&endpoint);
    request.endpoint = Some(endpoint);
    if let Some(topic) = hub.find(&topic) {
        // What is not there cannot be changed.
        let _ = topic.with(|session, now| session.request(&request, segment.as_deref(), now));
    }
}
