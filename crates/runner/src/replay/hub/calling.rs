//! Calls the callback of an application as the hub of the capture did.

use std::sync::Arc;

use tokio::time::Instant;

use super::parts::CallCue;
use super::{DOUBTFUL, Shared};
use crate::client::OutgoingRequest;
use crate::protocol::signature::{SIGNATURE_HEADER, sign};

/// Calls a callback, each time when what had come before has come.
pub(super) async fn perform(shared: Arc<Shared>, part: usize, callback: String, secret: Option<String>) {
    let called = shared.stage().parts.parts[part].called.clone();
    let own_query = called.as_ref().map_or("", |own| own.query.as_str());
    for cue in called.iter().flat_map(|own| &own.cues) {
        await_what_came_before(&shared, part, cue).await;
        call(&shared, part, cue, &callback, own_query, secret.as_deref()).await;
    }
    super::end(&shared);
}

async fn await_what_came_before(shared: &Shared, part: usize, cue: &CallCue) {
    let mut changes = shared.published.subscribe();
    let began = Instant::now();
    loop {
        let (requests, awaited, others, patience) = {
            let stage = shared.stage();
            let awaited = cue.after_publication.filter(|own| !stage.is_published(*own));
            let doubtful = awaited.is_some_and(|own| stage.is_doubtful(own));
            let patience = if doubtful { DOUBTFUL } else { shared.patience };
            let others = stage.were_called(&cue.after_calls);
            (
                stage.requests(part),
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
            let mut stage = shared.stage();
            if requests < cue.after_requests {
                stage.never_asked(part, cue.after_requests, requests);
            }
            if let Some(publication) = awaited {
                stage.unpublished(publication);
            }
            return;
        }
    }
}

async fn call(
    shared: &Shared,
    part: usize,
    cue: &CallCue,
    callback: &str,
    own_query: &str,
    secret: Option<&str>,
) {
    let captured = &cue.call;
    let challenge = captured.message().asked().filter(|own| !own.is_empty());
    let fresh = uuid::Uuid::new_v4().to_string();
    let (url, body) = {
        let stage = shared.stage();
        let own: Vec<_> = url::form_urlencoded::parse(own_query.as_bytes()).collect();
        let appended = url::form_urlencoded::parse(captured.query.as_bytes())
            .filter(|pair| !own.contains(pair))
            .map(|(name, value)| match name.as_ref() {
                "hub.challenge" => (name, fresh.clone()),
                _ => {
                    let value = stage.mapping.forth(&value);
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
        let body = (!captured.body.is_empty()).then(|| stage.now(&captured.body, cue.after_publication));
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
        if let Some(secret) = secret.filter(|_| captured.signed) {
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
    let then = captured.answer.as_ref();
    let then = then.map_or_else(nothing, |(status, body)| {
        told(*status, body, challenge.as_deref())
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
    let mut stage = shared.stage();
    stage.answered_call(part, &what, &then, &now);
    stage.called(part);
    drop(stage);
    shared.published.send_modify(|count| *count += 1);
}
