//! Calls the callback of an application as the hub of the capture did.

use std::sync::Arc;

use tokio::time::Instant;

use super::recorded_hub::CallCue;
use super::{DOUBTFUL, Shared};
use crate::client::OutgoingRequest;
use crate::protocol::signature::{SIGNATURE_HEADER, sign};

/// Calls a callback, each time as soon as everything that preceded the call in the capture has arrived.
pub(super) async fn perform(
    shared: Arc<Shared>,
    subscriber: usize,
    callback: String,
    secret: Option<String>,
) {
    let recorded = shared.hub().recorded.subscribers[subscriber].callback.clone();
    let own_query = recorded.as_ref().map_or("", |callback| callback.query.as_str());
    for cue in recorded.iter().flat_map(|callback| &callback.cues) {
        await_what_came_before(&shared, subscriber, cue).await;
        call(&shared, subscriber, cue, &callback, own_query, secret.as_deref()).await;
    }
    super::end(&shared);
}

async fn await_what_came_before(shared: &Shared, subscriber: usize, cue: &CallCue) {
    let mut changes = shared.published.subscribe();
    let began = Instant::now();
    loop {
        let (requests, awaited, others, patience) = {
            let hub = shared.hub();
            let awaited = cue
                .after_publication
                .filter(|publication| !hub.is_published(*publication));
            let doubtful = awaited.is_some_and(|publication| hub.is_doubtful(publication));
            let patience = if doubtful { DOUBTFUL } else { shared.patience };
            let others = hub.were_called(&cue.after_calls);
            (
                hub.requests(subscriber),
                awaited,
                others,
                patience.min(shared.patience),
            )
        };
        if requests >= cue.after_requests && awaited.is_none() && others {
            return;
        }
        if tokio::time::timeout_at(began + patience, changes.changed())
            .await
            .is_err()
        {
            let mut hub = shared.hub();
            if requests < cue.after_requests {
                hub.never_asked(subscriber, cue.after_requests, requests);
            }
            if let Some(publication) = awaited {
                hub.unpublished(publication);
            }
            return;
        }
    }
}

async fn call(
    shared: &Shared,
    subscriber: usize,
    cue: &CallCue,
    callback: &str,
    own_query: &str,
    secret: Option<&str>,
) {
    let captured = &cue.call.call;
    let challenge = captured
        .message()
        .asked()
        .filter(|challenge| !challenge.is_empty());
    let fresh = uuid::Uuid::new_v4().to_string();
    let (url, body) = {
        let hub = shared.hub();
        let of_callback: Vec<_> = url::form_urlencoded::parse(own_query.as_bytes()).collect();
        let appended = url::form_urlencoded::parse(captured.query().as_bytes())
            .filter(|pair| !of_callback.contains(pair))
            .map(|(name, value)| match name.as_ref() {
                "hub.challenge" => (name, fresh.clone()),
                _ => {
                    let value = hub.mapping.forth(&value);
                    (name, value)
                }
            });
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        let appended = query.extend_pairs(appended).finish();
        let joint = if callback.contains('?') { '&' } else { '?' };
        let url = match appended.is_empty() {
            true => callback.to_owned(),
            false => format!("{callback}{joint}{appended}"),
        };
        let body = captured.body.text();
        let body = (!body.is_empty()).then(|| hub.now(&body, cue.after_publication));
        (url, body)
    };
    let mut request = OutgoingRequest {
        method: captured.method.clone(),
        url,
        without_token: true,
        ..OutgoingRequest::default()
    };
    if let Some(body) = body {
        request
            .headers
            .push(("content-type".to_owned(), "application/json".to_owned()));
        if let Some(secret) = secret.filter(|_| captured.headers.has(SIGNATURE_HEADER)) {
            let signature = sign(secret, body.as_bytes());
            request.headers.push((SIGNATURE_HEADER.to_owned(), signature));
        }
        request.body = Some(body);
    }
    let sent = shared.http.send(&shared.log, "replay", &request).await;
    let told = |status: u16, body: &str, challenge: Option<&str>| match challenge {
        Some(challenge) if (200..300).contains(&status) && body == challenge => "by agreeing".to_owned(),
        Some(_) => format!("by {status}, not agreeing"),
        None => format!("by {status}"),
    };
    let nothing = || "not at all".to_owned();
    let then = cue.call.answer().map_or_else(nothing, |(status, body)| {
        told(status, &body, challenge.as_deref())
    });
    let now = match &sent {
        Ok(answer) => told(
            answer.status,
            &answer.text,
            challenge.as_ref().map(|_| fresh.as_str()),
        ),
        Err(_) => nothing(),
    };
    let message = captured.message().json;
    let text = |pointer: &str| Some(message.as_ref()?.pointer(pointer)?.as_str()?.to_owned());
    let what = match text("/hub.mode") {
        Some(mode) if mode == "denied" => "the denial".to_owned(),
        Some(mode) => format!("the question whether it meant to {mode}"),
        None => text("/id").unwrap_or_else(|| "a notification".to_owned()),
    };
    let mut hub = shared.hub();
    hub.answered_call(subscriber, &what, &then, &now);
    hub.called(subscriber);
    drop(hub);
    shared.published.send_modify(|count| *count += 1);
}
