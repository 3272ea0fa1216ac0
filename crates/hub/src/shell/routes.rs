//! The hub's HTTP: which path and content type is what, and what comes back.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{FromRequestParts, Path, Request, State, WebSocketUpgrade};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use bytes::BytesMut;
use futures_util::StreamExt;

use super::observation::ObservedSocket;
use super::registry::Registry;
use super::{socket, subscriptions};
use crate::admission::Admission;
use crate::authorization::TokenProblem;
use crate::edition::Document;
use crate::protocol::{Notification, WELL_KNOWN_PATH};
use crate::refusal::Refusal;
use crate::session::dead_endpoint;
use crate::supported::configuration;

/// The path of `hub.url`.
pub(super) const HUB_PATH: &str = "/fhircast";
/// What endpoints begin with.
pub(super) const SOCKET_PATH: &str = "/socket/";

pub(super) type Hub = Arc<Registry>;

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

/// A refusal as an answer: plain text for the developer of the client.
pub(super) fn refuse(hub: &Registry, refusal: &Refusal) -> Response {
    let refusal = hub.edition.cite_refusal(refusal);
    tracing::debug!(status = refusal.status, reason = %refusal.reason, "refused");
    let status = StatusCode::from_u16(refusal.status).unwrap_or(StatusCode::BAD_REQUEST);
    let reason = if hub.behaviour.explains_refusals() {
        format!("{}\n", refusal.reason)
    } else {
        String::new()
    };
    let (content_type, reason) = hub.behaviour.refusal(&reason);
    let mut answer = (status, [(header::CONTENT_TYPE, content_type)], reason).into_response();
    let challenge = refusal.challenge.as_deref().map(|challenge| match challenge {
        "" => REALM.to_owned(),
        more => format!("{REALM}, {more}"),
    });
    if let Some(Ok(challenge)) = challenge.map(HeaderValue::try_from) {
        answer.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
    }
    answer
}

/// What `WWW-Authenticate` begins with.
const REALM: &str = "Bearer realm=\"fhircast\"";

/// What the request's token allows.
///
/// # Errors
/// Where the hub demands tokens and the request has no valid one (401).
fn admit(hub: &Registry, headers: &HeaderMap) -> Result<Admission, Refusal> {
    let Some(authorization) = &hub.authorization else {
        return Ok(Admission::default());
    };
    let header = headers.get(header::AUTHORIZATION);
    // What is no text is no token.
    let header = header.map(|value| value.to_str().unwrap_or_default());
    let admitted = match authorization.admit(header, jiff::Timestamp::now()) {
        Err(problem) if hub.behaviour.takes_despite(&problem) => return Ok(Admission::default()),
        admitted => admitted,
    };
    let looks_at_scopes = hub.behaviour.looks_at_scopes();
    let admission = |grant| Admission::by(grant, looks_at_scopes);
    admitted.map(admission).map_err(|problem| {
        let refusal = Refusal::new(
            401,
            format!("Authorization: {problem} (FHIRcast STU3, 2.4 Subscription Request)"),
        );
        // A request without a token is told no error code (RFC 6750, 3.1).
        refusal.with_challenge(match problem {
            TokenProblem::Missing | TokenProblem::OtherScheme => String::new(),
            TokenProblem::Foreign => {
                "error=\"invalid_token\", error_description=\"it was not issued here\"".to_owned()
            }
            TokenProblem::Expired(_) => {
                "error=\"invalid_token\", error_description=\"it has expired\"".to_owned()
            }
        })
    })
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
            if hub.edition.current_context {
                "; GET the current context at hub.url/{topic}"
            } else {
                ""
            },
            if hub.edition.document == Document::Absent {
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
    let document = configuration(&hub.settings);
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
    if !hub.edition.current_context || !hub.behaviour.serves_current_context() {
        return refuse(
            &hub,
            &Refusal::new(404, "there is no current context to be had here"),
        );
    }
    // A topic that nobody has used has no context, as one whose contexts are closed.
    let context = admit(&hub, &headers).and_then(|admission| match hub.find(&topic) {
        Some(topic) => topic.with(|session, _| session.current_context_as(&admission)),
        None => Ok(crate::protocol::CurrentContext {
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
async fn post(hub: &Hub, request: Request, topic: Option<&str>) -> Response {
    let (parts, body) = request.into_parts();
    let admission = match admit(hub, &parts.headers) {
        Ok(admission) => admission,
        Err(refusal) => return refuse(hub, &refusal),
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
        (Some("application/x-www-form-urlencoded"), None) => match read(hub, &parts.headers, body).await {
            Ok(body) => Ok(subscriptions::answer(hub, &parts.headers, &admission, &body)),
            Err(refusal) => Err(refusal),
        },
        (Some("application/json" | "application/fhir+json"), _) => {
            match read(hub, &parts.headers, body).await {
                Ok(body) => event(hub, &admission, &body, topic),
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

/// Reads a body up to the limit, in the time that a client has. What comes beyond the limit is read and dropped for a
/// while, so that the client hears the answer.
async fn read(hub: &Registry, headers: &HeaderMap, body: Body) -> Result<BytesMut, Refusal> {
    const PATIENCE: usize = 8;
    let limit = hub.settings.body_limit;
    let announced = headers
        .get(header::CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse::<usize>().ok())
        .unwrap_or(0);
    let too_large = || {
        Refusal::new(
            413,
            format!(
                "the body is larger than {limit} bytes, which is this hub's limit (FHIRcast STU3, 2.10 Number of Entries \
                 in Transaction Bundle)"
            ),
        )
    };
    let reading = async {
        let mut stream = body.into_data_stream();
        let mut read = BytesMut::with_capacity(announced.min(limit));
        let mut length = 0_usize;
        while let Some(chunk) = stream.next().await {
            let chunk =
                chunk.map_err(|error| Refusal::malformed(format!("the body could not be read: {error}")))?;
            length = length.saturating_add(chunk.len());
            if length <= limit {
                read.extend_from_slice(&chunk);
            } else if length > limit.saturating_mul(PATIENCE) {
                break;
            }
        }
        if length > limit {
            Err(too_large())
        } else {
            Ok(read)
        }
    };
    let timeout = hub.settings.request_timeout;
    match tokio::time::timeout(timeout, reading).await {
        Ok(read) => read,
        Err(_) if announced > limit => Err(too_large()),
        Err(_) => Err(Refusal::new(
            408,
            format!("the body did not come within {} seconds", timeout.as_secs_f64()),
        )),
    }
}

fn event(hub: &Hub, admission: &Admission, body: &[u8], topic: Option<&str>) -> Result<Response, Refusal> {
    if let Some((status, reason)) = hub.behaviour.answers_events_with() {
        return Err(Refusal::new(status, reason));
    }
    take_event(hub, admission, body, topic)?;
    Ok(StatusCode::ACCEPTED.into_response())
}

fn take_event(hub: &Hub, admission: &Admission, body: &[u8], topic: Option<&str>) -> Result<(), Refusal> {
    let text = std::str::from_utf8(body).map_err(|error| {
        Refusal::malformed(format!(
            "the body is not UTF-8 ({error}); JSON is (RFC 8259, 8.1)"
        ))
    })?;
    let notification = match Notification::parse(text) {
        Ok(notification) => notification,
        Err(error) => {
            if hub.behaviour.broadcasts_what_it_refuses() {
                broadcast_malformed(hub, text);
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
    if hub.behaviour.leaks_across_topics() {
        for other in hub.others(&notification.topic) {
            let text = notification.to_text();
            other.with(|session, now| session.leak(&notification.id, &notification.event, text, now));
        }
    }
    let topic = hub.topic(&notification.topic)?;
    topic.with(|session, now| session.publish_as(notification, admission, now))
}

/// What a defective hub does with an event that is no notification: if it names a topic and an event, they get it.
fn broadcast_malformed(hub: &Hub, text: &str) {
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

async fn connect(State(hub): State<Hub>, Path(endpoint): Path<String>, request: Request) -> Response {
    let (mut parts, _) = request.into_parts();
    let upgrade = match WebSocketUpgrade::from_request_parts(&mut parts, &()).await {
        Ok(upgrade) => upgrade,
        Err(rejection) => {
            let reason = format!(
                "an endpoint takes WebSocket connections only: {} (FHIRcast STU3, 2.4 Subscription Confirmation)",
                rejection.body_text()
            );
            return refuse(&hub, &Refusal::new(rejection.status().as_u16(), reason));
        }
    };
    let Some(topic) = hub.topic_of(&endpoint) else {
        return refuse(&hub, &Refusal::new(404, dead_endpoint()));
    };
    let capacity = hub.settings.queue_limit;
    let connected = topic.connect(capacity, |session, now| session.connect(&endpoint, now));
    let (subscriber, queue) = match connected {
        Ok(connected) => connected,
        Err(refusal) => return refuse(&hub, &refusal),
    };
    let guard = hub.count_socket();
    let watch = hub
        .settings
        .observer
        .as_ref()
        .map(|observer| observer.socket(|| endpoint_url(&hub, &parts.headers, &endpoint)));
    let failed = Arc::clone(&topic);
    let timeout = hub.settings.write_timeout;
    upgrade
        // What subscribers say is short; larger buffers would be most of a subscription's memory.
        .read_buffer_size(2 << 10)
        .write_buffer_size(16 << 10)
        .max_message_size(hub.settings.message_limit)
        .max_frame_size(hub.settings.message_limit)
        .on_failed_upgrade(move |error| {
            tracing::debug!(%error, "a WebSocket was never opened");
            let broken = crate::session::Closing::Broken;
            failed.with(|session, now| session.disconnected(subscriber, broken, now));
        })
        .on_upgrade(move |socket| async move {
            let _guard = guard;
            let socket = ObservedSocket::new(socket, watch);
            socket::serve(socket, topic, subscriber, queue, timeout).await;
        })
}

/// The URL of an endpoint, as the answer to a subscription request would name it.
fn endpoint_url(hub: &Registry, headers: &HeaderMap, endpoint: &str) -> String {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    hub.endpoint_url(host, endpoint)
}
