//! Passes the hub's calls on to the callbacks of subscribers, and their answers back.

use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::response::Response;
use http::StatusCode;
use tokio::net::TcpListener;

use super::capture_sink::Pending;
use super::exchange::{answer, fetch};
use super::headers::{end_to_end, listed, of_request};
use super::{BODY_LIMIT, Relay};
use crate::capture::{Message, Side};

/// Takes calls until it is dropped.
pub(super) async fn serve(listener: TcpListener, relay: Arc<Relay>) {
    let listener = axum::serve::ListenerExt::tap_io(listener, |stream| {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!("a connection for callbacks keeps its delay: {error}");
        }
    });
    let sink = relay.sink.clone();
    let router = axum::Router::new().fallback(take).with_state(relay);
    if let Err(error) = axum::serve(listener, router).await {
        sink.remark(&format!("callbacks are not taken any more: {error}"));
    }
}

async fn take(State(relay): State<Arc<Relay>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let sink = &relay.sink;
    let Some(url) = relay.aliases.callback_behind(parts.uri.path(), parts.uri.query()) else {
        sink.remark(&format!(
            "a call for {} was not passed on: no subscriber has asked for calls there through this recorder",
            parts.uri.path()
        ));
        return answer(StatusCode::NOT_FOUND, "castspec record: nobody has this callback");
    };
    let Ok(body) = to_bytes(body, BODY_LIMIT).await else {
        sink.remark("a call was not passed on: its body broke off, or is too long");
        return answer(
            StatusCode::PAYLOAD_TOO_LARGE,
            "castspec record: the body is too long",
        );
    };
    let exchange = sink.next_exchange();
    let headers = of_request(&parts.headers);
    sink.write(Message::CallbackRequest {
        exchange,
        method: parts.method.to_string(),
        url: url.clone(),
        headers: listed(&headers),
        body: sink.payload(&body, body.len()),
    });
    let pending = Pending::new(sink, exchange, Side::Hub);
    let came = fetch(&relay.to_callbacks, parts.method, &url, headers, body).await;
    pending.over();
    match came {
        Ok(came) => {
            let headers = end_to_end(&came.headers);
            sink.write(Message::CallbackResponse {
                exchange,
                status: came.status.as_u16(),
                headers: listed(&headers),
                body: sink.payload(&came.body, came.body.len()),
            });
            let mut response = Response::new(Body::from(came.body));
            *response.status_mut() = came.status;
            *response.headers_mut() = headers;
            response
        }
        Err(problem) => {
            sink.no_response(exchange, Side::Subscriber, &problem);
            sink.tell(&format!(
                "a callback did not answer (exchange {exchange}): {problem}"
            ));
            answer(
                StatusCode::BAD_GATEWAY,
                "castspec record: the callback did not answer",
            )
        }
    }
}
