//! The hub's HTTP: which path and content type is what, and what comes back.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, Method, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};

use super::access::admit;
use super::answers::refuse;
use super::paths::{HUB_PATH, SOCKET_PATH};
use super::registry::Registry;
use super::upgrade::connect;
use super::{body, events, subscriptions};
use crate::protocol::{CurrentContext, WELL_KNOWN_PATH};
use crate::refusal::Refusal;
use crate::supported::configuration;
use crate::version_profile::Document;

type Hub = Arc<Registry>;

/// All paths of the hub.
pub(super) fn router(registry: Hub) -> Router {
    let topic = format!("{HUB_PATH}/{{topic}}");
    Router::new()
        .route(HUB_PATH, any(at_hub_url))
        .route(&format!("{HUB_PATH}/"), any(at_hub_url))
        .route(&format!("{HUB_PATH}{WELL_KNOWN_PATH}"), get(well_known))
        .route(
            &topic,
            get(current_context).post(publish_at_topic).fallback(at_topic),
        )
        .route(&format!("{SOCKET_PATH}{{endpoint}}"), any(connect))
        .fallback(elsewhere)
        .with_state(registry)
}

async fn at_hub_url(State(hub): State<Hub>, request: Request) -> Response {
    if request.method() == Method::POST {
        return post(&hub, request, None).await;
    }
    let refusal = Refusal::new(
        405,
        format!(
            "{} is not for hub.url: POST a subscription request (application/x-www-form-urlencoded) or an event \
             (application/json) here{}{}",
            request.method(),
            if hub.profile.current_context {
                "; GET the current context at hub.url/{topic}"
            } else {
                ""
            },
            if hub.profile.document == Document::Absent {
                String::new()
            } else {
                format!("; GET the configuration at hub.url{WELL_KNOWN_PATH}")
            },
        ),
    );
    ([(header::ALLOW, "POST")], refuse(&hub, &refusal)).into_response()
}

async fn publish_at_topic(State(hub): State<Hub>, Path(topic): Path<String>, request: Request) -> Response {
    post(&hub, request, Some(&topic)).await
}

async fn at_topic(State(hub): State<Hub>, method: Method) -> Response {
    let refusal = Refusal::new(
        405,
        format!("{method} is not for hub.url/{{topic}}: GET the current context here (FHIRcast STU3, 2.9)"),
    );
    ([(header::ALLOW, "GET, POST")], refuse(&hub, &refusal)).into_response()
}

async fn elsewhere(State(hub): State<Hub>, uri: Uri) -> Response {
    let refusal = Refusal::new(
        404,
        format!(
            "there is nothing at {0}: hub.url is {1}{HUB_PATH}, and endpoints begin with {1}{SOCKET_PATH}",
            uri.path(),
            hub.prefix
        ),
    );
    refuse(&hub, &refusal)
}

async fn well_known(State(hub): State<Hub>) -> Response {
    let document = configuration(hub.settings.version, &hub.settings.limits);
    match document.and_then(|document| hub.behaviour.configuration(&document)) {
        Some(document) => (
            [(header::CONTENT_TYPE, hub.behaviour.configuration_type())],
            document.to_string(),
        )
            .into_response(),
        None => refuse(&hub, &Refusal::new(404, "there is no configuration document")),
    }
}

async fn current_context(State(hub): State<Hub>, Path(topic): Path<String>, headers: HeaderMap) -> Response {
    if !hub.profile.current_context || !hub.behaviour.serves_current_context() {
        return refuse(
            &hub,
            &Refusal::new(404, "there is no current context to be had here"),
        );
    }
    // A topic that nobody has used has no context, as one whose contexts are closed.
    let admitted = admit(&hub, &headers).and_then(|admission| {
        admission.admit_to(&topic)?;
        Ok(admission)
    });
    let context = admitted.and_then(|admission| match hub.find(&topic) {
        Some(topic) => topic.with(|session, _| session.current_context_as(&admission)),
        None => Ok(CurrentContext {
            context_type: String::new(),
            version_id: None,
            context: Vec::new(),
        }),
    });
    let context = match context {
        Ok(context) => context,
        Err(refusal) => return refuse(&hub, &refusal),
    };
    let body = hub.behaviour.current_context(&context);
    let content_type = hub.behaviour.current_context_type();
    ([(header::CONTENT_TYPE, content_type)], body).into_response()
}

/// A subscription request or an event, by its content type.
async fn post(hub: &Arc<Registry>, request: Request, topic: Option<&str>) -> Response {
    let (parts, body) = request.into_parts();
    let admission = match admit(hub, &parts.headers) {
        Ok(admission) => admission,
        Err(refusal) => {
            if hub.behaviour.broadcasts_what_is_unauthorized()
                && let Ok(body) = body::read(hub, &parts.headers, body).await
            {
                events::broadcast(hub, &String::from_utf8_lossy(&body));
            }
            return refuse(hub, &refusal);
        }
    };
    let content_type = parts
        .headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .map(|value| {
            value
                .split(';')
                .next()
                .unwrap_or_default()
                .trim()
                .to_ascii_lowercase()
        });
    let answer = match (content_type.as_deref(), topic) {
        (Some("application/x-www-form-urlencoded"), None) => {
            match body::read(hub, &parts.headers, body).await {
                Ok(body) => Ok(subscriptions::answer(hub, &parts.headers, &admission, &body)),
                Err(refusal) => Err(refusal),
            }
        }
        (Some("application/json" | "application/fhir+json"), _) => {
            match body::read(hub, &parts.headers, body).await {
                Ok(body) => events::answer(hub, &admission, &body, topic),
                Err(refusal) => Err(refusal),
            }
        }
        (Some("application/x-www-form-urlencoded"), Some(_)) => Err(Refusal::new(
            404,
            "subscription requests are posted to hub.url itself (FHIRcast STU3, 2.4 Subscription Request)",
        )),
        (other, _) => Err(Refusal::new(
            415,
            format!(
                "Content-Type is {}, and must be application/x-www-form-urlencoded for a subscription request (FHIRcast \
                 STU3, 2.4) or application/json or application/fhir+json for an event (2.6)",
                other.unwrap_or("missing")
            ),
        )),
    };
    answer.unwrap_or_else(|refusal| refuse(hub, &refusal))
}
