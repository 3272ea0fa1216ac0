//! WebSockets through the recorder: the handshake is passed on, and after it every byte as it comes.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::response::Response;
use http::request::Parts;
use http::{HeaderValue, Method, StatusCode, header};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::Relay;
use super::capture_sink::{CaptureSink, Pending};
use super::exchange::{answer, chain, whole};
use super::headers::{end_to_end, listed, of_upgrade};
use super::wire::{Body, Passed, Wire};
use crate::capture::{Frame, Message, Payload, Side};

/// How many bytes are read at once.
const CHUNK: usize = 32 << 10;
/// How long the other side may take to end once one side has.
const END_PATIENCE: Duration = Duration::from_secs(10);

/// Passes the request for a WebSocket on, and opens it on both sides where the hub agrees.
pub(super) async fn open(relay: Arc<Relay>, endpoint: Option<String>, parts: Parts) -> Response {
    let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
    let url = endpoint.unwrap_or_else(|| relay.at_hub(path).replacen("http", "ws", 1));
    let sink = &relay.sink;
    let exchange = sink.next_exchange();
    let headers = of_upgrade(&parts.headers);
    sink.write(Message::Request {
        exchange,
        method: parts.method.to_string(),
        url: url.clone(),
        headers: listed(&headers),
        body: Payload::Text(String::new()),
        replaced: Vec::new(),
    });
    let Some(upgrade) = parts.extensions.get::<OnUpgrade>().cloned() else {
        let problem = "the subscriber asks for a WebSocket over a connection that cannot become one";
        sink.no_response(exchange, Side::Subscriber, problem);
        return answer(StatusCode::BAD_REQUEST, problem);
    };
    let pending = Pending::new(sink, exchange, Side::Subscriber);
    let request = relay.to_hub.request(parts.method, url.replacen("ws", "http", 1));
    let came = request.headers(headers).send().await;
    pending.over();
    let response = match came {
        Ok(response) => response,
        Err(error) => return relay.unanswered(exchange, &url, &chain(error)),
    };
    if response.status() != StatusCode::SWITCHING_PROTOCOLS {
        return match whole(response).await {
            Ok(came) => relay.answered(exchange, &Method::GET, &parts.headers, came),
            Err(problem) => relay.unanswered(exchange, &url, &problem),
        };
    }
    let mut headers = end_to_end(response.headers());
    headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    let connection = sink.next_connection();
    sink.write(Message::Opened {
        connection,
        exchange,
        url,
    });
    let sink = sink.clone();
    tokio::spawn(async move {
        let broken = |from, problem: String| Message::Broken {
            connection,
            from,
            problem,
        };
        let hub = match response.upgrade().await {
            Ok(hub) => hub,
            Err(error) => return sink.write(broken(Side::Hub, chain(error))),
        };
        let subscriber = match upgrade.await {
            Ok(subscriber) => TokioIo::new(subscriber),
            Err(error) => return sink.write(broken(Side::Subscriber, error.to_string())),
        };
        between(hub, subscriber, connection, &sink).await;
    });
    let mut response = Response::default();
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    *response.headers_mut() = headers;
    response
}

/// Passes bytes on in both directions until both have ended.
async fn between(
    hub: impl AsyncRead + AsyncWrite,
    subscriber: impl AsyncRead + AsyncWrite,
    connection: u64,
    sink: &CaptureSink,
) {
    let (from_hub, to_hub) = tokio::io::split(hub);
    let (from_subscriber, to_subscriber) = tokio::io::split(subscriber);
    let ended = AtomicBool::new(false);
    let direction = |from| Direction {
        from,
        connection,
        sink,
        closed: false,
        ended: &ended,
    };
    let down = direction(Side::Hub).pass(from_hub, to_subscriber);
    let up = direction(Side::Subscriber).pass(from_subscriber, to_hub);
    tokio::pin!(down, up);
    // A side that does not end after the other one is let go.
    tokio::select! {
        () = &mut down => drop(tokio::time::timeout(END_PATIENCE, up).await),
        () = &mut up => drop(tokio::time::timeout(END_PATIENCE, down).await),
    }
}

struct Direction<'a> {
    from: Side,
    connection: u64,
    sink: &'a CaptureSink,
    /// A close frame has passed.
    closed: bool,
    /// One of both directions has ended: that the other one does too is no more than its consequence.
    ended: &'a AtomicBool,
}

impl Direction<'_> {
    async fn pass(mut self, mut source: impl AsyncRead + Unpin, mut sink: impl AsyncWrite + Unpin) {
        let mut wire = Wire::default();
        let mut chunk = vec![0; CHUNK];
        loop {
            let read = match source.read(&mut chunk).await {
                Ok(0) => {
                    let problem = match wire.is_amid() {
                        true => "the connection ended in the middle of a message",
                        false => "the connection ended without a close frame",
                    };
                    self.ended(problem);
                    break;
                }
                Ok(read) => read,
                Err(error) => {
                    self.ended(&format!("the connection broke: {error}"));
                    break;
                }
            };
            for passed in wire.read(&chunk[..read]) {
                self.record(passed);
            }
            let written = async {
                sink.write_all(&chunk[..read]).await?;
                sink.flush().await
            };
            if written.await.is_err() {
                // That the other side is gone, its own direction tells.
                return;
            }
        }
        // The other side is told as it was: an end after an end.
        let _ = sink.shutdown().await;
    }

    fn record(&mut self, passed: Passed) {
        let (connection, from) = (self.connection, self.from);
        let frame = |body: Body| Frame {
            connection,
            from,
            body: self.sink.payload(&body.bytes, body.length),
        };
        self.sink.write(match passed {
            Passed::Text(body) => Message::Text(frame(body)),
            Passed::Binary(body) => Message::Binary(frame(body)),
            Passed::Ping(body) => Message::Ping(frame(body)),
            Passed::Pong(body) => Message::Pong(frame(body)),
            Passed::Closed { code, reason } => {
                self.closed = true;
                Message::Closed {
                    connection,
                    from,
                    code,
                    reason,
                }
            }
            Passed::Wrong(problem) => Message::Broken {
                connection,
                from,
                problem: format!("{problem}; further bytes are passed on, and not recorded"),
            },
        });
    }

    fn ended(&self, problem: &str) {
        if self.ended.swap(true, Ordering::Relaxed) || self.closed {
            return;
        }
        let side = match self.from {
            Side::Hub => "the hub's",
            Side::Subscriber => "the subscriber's",
        };
        self.sink.write(Message::Broken {
            connection: self.connection,
            from: self.from,
            problem: problem.to_owned(),
        });
        self.sink
            .tell(&format!("WebSocket {}, {side} side: {problem}", self.connection));
    }
}
