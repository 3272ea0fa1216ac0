//! A subscriber's callback on a real port: it records every request and answers as it is told.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum_server::tls_rustls::RustlsConfig;
use castspec_certificates::Authority;
use serde_json::Value;
use tokio::sync::mpsc;

/// How a callback answers an intent verification.
#[derive(Debug, Clone)]
pub enum Verification {
    /// 200 and the challenge.
    Echo,
    /// This status and body.
    Other(u16, String),
    /// A redirect to the same callback with the echo at the end of its path.
    Redirect,
    /// More than any challenge is.
    Flood,
    /// Nothing, ever.
    Silence,
}

/// A request that came.
#[derive(Debug)]
pub struct Recorded {
    pub method: Method,
    pub path_and_query: String,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Recorded {
    pub fn parameter(&self, name: &str) -> Option<String> {
        let (_, query) = self.path_and_query.split_once('?')?;
        url::form_urlencoded::parse(query.as_bytes())
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.into_owned())
    }

    pub fn event(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub fn signature(&self) -> Option<&str> {
        self.headers.get("x-hub-signature")?.to_str().ok()
    }
}

#[derive(Debug)]
struct Shared {
    recorded: mpsc::UnboundedSender<Recorded>,
    verification: Mutex<Verification>,
    notification: Mutex<u16>,
}

pub struct Callback {
    pub url: String,
    shared: Arc<Shared>,
    recorded: mpsc::UnboundedReceiver<Recorded>,
}

impl Callback {
    /// A callback that echoes challenges and answers notifications with 200.
    pub async fn start() -> Self {
        Self::serve(None).await
    }

    /// A callback over HTTPS, with a certificate of this authority.
    pub async fn start_tls(authority: &Authority) -> Self {
        Self::serve(Some(RustlsConfig::from_config(authority.server_config()))).await
    }

    async fn serve(tls: Option<RustlsConfig>) -> Self {
        let listen: SocketAddr = "127.0.0.1:0".parse().unwrap();
        let listener = std::net::TcpListener::bind(listen).unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let (sender, recorded) = mpsc::unbounded_channel();
        let shared = Arc::new(Shared {
            recorded: sender,
            verification: Mutex::new(Verification::Echo),
            notification: Mutex::new(200),
        });
        let router = Router::new().fallback(answer).with_state(Arc::clone(&shared));
        let scheme = if tls.is_some() { "https" } else { "http" };
        let service = router.into_make_service();
        tokio::spawn(async move {
            match tls {
                Some(tls) => {
                    axum_server::from_tcp_rustls(listener, tls)
                        .unwrap()
                        .serve(service)
                        .await
                }
                None => axum_server::from_tcp(listener).unwrap().serve(service).await,
            }
        });
        Self {
            url: format!("{scheme}://{address}/callback?room=1&x=%20y"),
            shared,
            recorded,
        }
    }

    pub fn verify_with(&self, verification: Verification) {
        *self.shared.verification.lock().unwrap() = verification;
    }

    /// Answers notifications with this status; with 0, never.
    pub fn answer_with(&self, status: u16) {
        *self.shared.notification.lock().unwrap() = status;
    }

    /// The next request.
    pub async fn next(&mut self) -> Recorded {
        self.recorded.recv().await.unwrap()
    }

    /// Whether nothing has come that was not taken.
    pub fn is_quiet(&mut self) -> bool {
        self.recorded.try_recv().is_err()
    }
}

async fn answer(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let recorded = Recorded {
        method: parts.method,
        path_and_query: parts.uri.to_string(),
        headers: parts.headers,
        body: axum::body::to_bytes(body, 1 << 20).await.unwrap(),
    };
    let challenge = recorded.parameter("hub.challenge");
    let redirected = recorded.path_and_query.starts_with("/callback/moved");
    let location = recorded
        .path_and_query
        .replacen("/callback", "/callback/moved", 1);
    shared.recorded.send(recorded).unwrap();
    let Some(challenge) = challenge else {
        let status = *shared.notification.lock().unwrap();
        if status == 0 {
            return std::future::pending().await;
        }
        return StatusCode::from_u16(status).unwrap().into_response();
    };
    let verification = shared.verification.lock().unwrap().clone();
    match verification {
        Verification::Echo => ([(header::CONTENT_TYPE, "text/html")], challenge).into_response(),
        Verification::Other(status, body) => (StatusCode::from_u16(status).unwrap(), body).into_response(),
        Verification::Redirect if redirected => challenge.into_response(),
        Verification::Redirect => (StatusCode::FOUND, [(header::LOCATION, location)]).into_response(),
        Verification::Flood => "x".repeat(1 << 20).into_response(),
        Verification::Silence => std::future::pending().await,
    }
}
