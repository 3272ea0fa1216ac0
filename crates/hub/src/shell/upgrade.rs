//! Connections to endpoints: a request becomes a WebSocket of its subscriber.

use std::sync::Arc;

use axum::extract::{FromRequestParts, Path, Request, State, WebSocketUpgrade};
use axum::http::{HeaderMap, header};
use axum::response::Response;

use super::answers::refuse;
use super::observed_socket::{ObservedSocket, Watch};
use super::registry::Registry;
use super::socket;
use crate::refusal::Refusal;
use crate::session::{Closing, dead_endpoint};

/// Connects a subscriber to its endpoint.
pub(super) async fn connect(
    State(hub): State<Arc<Registry>>,
    Path(endpoint): Path<String>,
    request: Request,
) -> Response {
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
    let capacity = hub.settings.limits.queue_limit;
    let connected = topic.connect(capacity, |session, now| session.connect(&endpoint, now));
    let (subscriber, queue) = match connected {
        Ok(connected) => connected,
        Err(refusal) => return refuse(&hub, &refusal),
    };
    let guard = hub.count_socket();
    let watch = hub
        .settings
        .observer()
        .map(|observer| Watch::new(observer, endpoint_url(&hub, &parts.headers, &endpoint)));
    let failed = Arc::clone(&topic);
    let timing = socket::Timing {
        write: hub.settings.write_timeout,
        quiet: hub.behaviour.cuts_quiet_sockets_after(),
    };
    upgrade
        // What subscribers say is short; larger buffers would be most of a subscription's memory.
        .read_buffer_size(2 << 10)
        .write_buffer_size(16 << 10)
        // Answers to pings wait there too, until the writer finds that nobody reads them.
        .max_write_buffer_size(4 * hub.settings.body_limit + (16 << 10))
        .max_message_size(hub.settings.message_limit)
        .max_frame_size(hub.settings.message_limit)
        .on_failed_upgrade(move |error| {
            tracing::debug!(%error, "a WebSocket was never opened");
            failed.with(|session, now| session.disconnected(subscriber, Closing::Broken, now));
        })
        .on_upgrade(move |socket| async move {
            let _guard = guard;
            let socket = ObservedSocket::new(socket, watch);
            socket::serve(socket, topic, subscriber, queue, timing).await;
        })
}

/// The URL of an endpoint, as the answer to a subscription request would name it.
fn endpoint_url(hub: &Registry, headers: &HeaderMap, endpoint: &str) -> String {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    hub.endpoint_url(host, endpoint)
}
