//! Calls to callbacks: they come to an alias, and are signed anew where their bodies have been altered.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::response::Response;
use castspec_fhircast::protocol::signature;
use http::header::HOST;
use http::request::Parts;
use http::{HeaderName, Method, StatusCode, Uri};
use serde_json::{Map, Value};

use super::{
    BODY_LIMIT, Fate, OVERTAKEN, Shared, answer, in_place_of, locked, own_lines_out, parameters, response,
    set,
};
use crate::message::MessageKind;

/// The path of aliases; the number of the callback follows.
const ALIAS: &str = "/callback-in-the-middle/";

/// A callback that a subscriber has named.
#[derive(Debug, Clone)]
pub(super) struct Callback {
    url: String,
    topic: String,
    /// Every `hub.secret` that was given with it.
    secrets: Vec<String>,
}

/// The number of the callback whose alias this path is.
pub(super) fn number_in(path: &str) -> Option<usize> {
    path.strip_prefix(ALIAS)?.parse().ok()
}

/// The form, with the alias in place of its callback.
pub(super) fn with_aliases(shared: &Shared, form: &[u8]) -> Vec<u8> {
    let form = in_place_of(form, &encoded(&shared.own), &encoded(&shared.hub));
    let Ok(text) = std::str::from_utf8(&form) else {
        return form;
    };
    let text = text.replace(&shared.own, &shared.hub);
    let parameters = parameters(&text);
    let callback = parameters
        .get("hub.callback")
        .filter(|url| url.starts_with("http"));
    let Some(url) = callback else {
        return text.into_bytes();
    };
    let topic = parameters.get("hub.topic").cloned().unwrap_or_default();
    let number = {
        let mut callbacks = locked(&shared.callbacks);
        let number = callbacks.iter().position(|known| known.url == *url);
        let number = number.unwrap_or_else(|| {
            callbacks.push(Callback {
                url: url.clone(),
                topic,
                secrets: Vec::new(),
            });
            callbacks.len() - 1
        });
        if let (Some(secret), Some(callback)) = (parameters.get("hub.secret"), callbacks.get_mut(number)) {
            callback.secrets.push(secret.clone());
        }
        number
    };
    let query = url.split_once('?').map(|(_, query)| format!("?{query}"));
    let alias = format!(
        "http://{}{ALIAS}{number}{}",
        shared.own,
        query.unwrap_or_default()
    );
    let mut form = url::form_urlencoded::Serializer::new(String::new());
    for (name, value) in url::form_urlencoded::parse(text.as_bytes()) {
        match &*name {
            "hub.callback" => form.append_pair(&name, &alias),
            _ => form.append_pair(&name, &value),
        };
    }
    form.finish().into_bytes()
}

fn encoded(authority: &str) -> String {
    url::form_urlencoded::byte_serialize(authority.as_bytes()).collect()
}

/// Passes a call on, and its answer back.
pub(super) async fn pass(shared: Arc<Shared>, number: usize, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, BODY_LIMIT).await else {
        return answer(StatusCode::PAYLOAD_TOO_LARGE, "the body is too long");
    };
    let is_query = parts.method == Method::GET;
    let query = parts.uri.query().unwrap_or_default().to_owned();
    let message = match is_query {
        true => Some(of_query(&query)),
        false => serde_json::from_slice(&body).ok(),
    };
    let kind = message.as_ref().and_then(MessageKind::of_message);
    let (Some(message), Some(kind)) = (message, kind) else {
        return call(&shared, number, parts, query, body.to_vec()).await;
    };
    let told = |body: &[u8]| body.to_vec();
    match shared.fate(kind, &message, number) {
        Fate::Untouched => call(&shared, number, parts, query, told(&body)).await,
        Fate::Altered(altered) if is_query => {
            call(&shared, number, parts, with(&query, &altered), told(&body)).await
        }
        Fate::Altered(altered) => {
            let altered = altered.to_string().into_bytes();
            let parts = signed(&shared, number, parts, &body, &altered);
            call(&shared, number, parts, query, altered).await
        }
        Fate::Dropped if is_query => answer(StatusCode::NOT_FOUND, ""),
        Fate::Dropped => answer(StatusCode::OK, ""),
        Fate::Twice => {
            call(&shared, number, parts.clone(), query.clone(), told(&body)).await;
            call(&shared, number, parts, query, told(&body)).await
        }
        Fate::After(time) => {
            tokio::time::sleep(time).await;
            call(&shared, number, parts, query, told(&body)).await
        }
        Fate::Overtaken => {
            tokio::spawn(async move {
                tokio::time::sleep(OVERTAKEN).await;
                call(&shared, number, parts, query, body.to_vec()).await;
            });
            answer(StatusCode::OK, "")
        }
        Fate::Leaks => {
            let others = others(&shared, number);
            for other in others {
                let parts = signed(&shared, other, parts.clone(), &body, &body);
                call(&shared, other, parts, query.clone(), told(&body)).await;
            }
            call(&shared, number, parts, query, told(&body)).await
        }
    }
}

/// The callbacks of other topics.
fn others(shared: &Shared, number: usize) -> Vec<usize> {
    let callbacks = locked(&shared.callbacks);
    let Some(own) = callbacks.get(number) else {
        return Vec::new();
    };
    let all = callbacks.iter().enumerate();
    all.filter(|(_, callback)| callback.topic != own.topic)
        .map(|(number, _)| number)
        .collect()
}

/// The parameters of FHIRcast as a message.
fn of_query(query: &str) -> Value {
    let pairs = url::form_urlencoded::parse(query.as_bytes());
    let members: Map<String, Value> = pairs
        .filter(|(name, _)| name.starts_with("hub."))
        .map(|(name, value)| (name.into_owned(), Value::String(value.into_owned())))
        .collect();
    Value::Object(members)
}

/// The callback's own parameters, and behind them those of the message.
fn with(query: &str, message: &Value) -> String {
    let own: Vec<&str> = query
        .split('&')
        .filter(|pair| !pair.starts_with("hub.") && !pair.is_empty())
        .collect();
    let mut all = url::form_urlencoded::Serializer::new(own.join("&"));
    for (name, value) in message.as_object().into_iter().flatten() {
        match value.as_str() {
            Some(text) => all.append_pair(name, text),
            None => all.append_pair(name, &value.to_string()),
        };
    }
    all.finish()
}

/// Signs the body for this callback, with the secret by which the hub has signed what came, or the callback's last one. What came
/// unsigned stays so.
fn signed(shared: &Shared, number: usize, mut parts: Parts, came: &[u8], body: &[u8]) -> Parts {
    let secrets = locked(&shared.callbacks)
        .get(number)
        .map(|callback| callback.secrets.clone());
    let secrets = secrets.unwrap_or_default();
    let name: Option<HeaderName> = signature::SIGNATURE_HEADER.to_lowercase().parse().ok();
    let Some((name, header)) = name.and_then(|name| Some((name.clone(), parts.headers.get(&name)?.clone())))
    else {
        return parts;
    };
    let is_of = |secret: &&String| header.as_bytes() == signature::sign(secret, came).as_bytes();
    if let Some(secret) = secrets.iter().find(is_of).or(secrets.last()) {
        set(&mut parts.headers, name, &signature::sign(secret, body));
    }
    parts
}

async fn call(shared: &Shared, number: usize, mut parts: Parts, query: String, body: Vec<u8>) -> Response {
    let callback = locked(&shared.callbacks).get(number).cloned();
    let url = callback.as_ref().and_then(|callback| {
        let place = callback.url.split('?').next()?;
        let query = if query.is_empty() {
            String::new()
        } else {
            format!("?{query}")
        };
        format!("{place}{query}").parse::<Uri>().ok()
    });
    let Some(url) = url else {
        return answer(StatusCode::NOT_FOUND, "nobody has this callback");
    };
    own_lines_out(&mut parts.headers);
    if let Some(authority) = url.authority() {
        set(&mut parts.headers, HOST, authority.as_str());
    }
    parts.uri = url;
    shared.sockets.fetch_add(1, Ordering::Relaxed);
    match shared
        .fetch(http::Request::from_parts(parts, Body::from(body)))
        .await
    {
        Ok((came, body)) => {
            let mut headers = came.headers;
            own_lines_out(&mut headers);
            response(came.status, headers, body)
        }
        Err(problem) => answer(StatusCode::BAD_GATEWAY, &problem),
    }
}
