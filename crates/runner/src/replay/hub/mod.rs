//! The hub of a capture, played for real applications. Each application that subscribes is matched to a recorded subscriber and is
//! sent the messages of that subscriber, as soon as it has done what had preceded them in the capture.

mod calling;
mod recorded_hub;
mod replayed_hub;
#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade};
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use axum_server::Handle;
use axum_server::tls_rustls::RustlsConfig;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use self::recorded_hub::{RecordedHub, RecordedSubscriber, acknowledgement};
use self::replayed_hub::ReplayedHub;
use super::difference::Difference;
use super::script::Script;
use crate::certificates::{Authority, AuthorityError};
use crate::client::{Approach, HttpClient, Log, TrustError};
use crate::redaction::Redactor;

/// The path of `hub.url`.
const PATH: &str = "/fhircast";
/// Bodies longer than this are refused.
const BODY_LIMIT: usize = 16 << 20;

/// The longest wait for an event whose publisher may be an application that has not connected.
const DOUBTFUL: Duration = Duration::from_secs(5);

/// The hub could not be started.
#[derive(Debug, thiserror::Error)]
pub enum ReplayHubError {
    /// The address cannot be listened on.
    #[error(
        "cannot listen on {address}: {source}; choose another with --listen (port 0 takes any that is free)"
    )]
    Listen {
        /// The address.
        address: SocketAddr,
        /// The error of the operating system.
        source: std::io::Error,
    },
    /// Callbacks cannot be called.
    #[error(transparent)]
    Trust(#[from] TrustError),
    /// There is no certificate.
    #[error(transparent)]
    Authority(#[from] AuthorityError),
    /// The capture has no subscription.
    #[error("the capture has no accepted subscription, so there is nothing to send")]
    Nothing,
}

struct Shared {
    hub: Mutex<ReplayedHub>,
    /// The scheme and authority of endpoints.
    origin: String,
    patience: Duration,
    over: watch::Sender<bool>,
    /// The number of events that have been published, and of callbacks that have been requested.
    published: watch::Sender<usize>,
    /// Calls callbacks.
    http: HttpClient,
    log: Log,
}

/// The hub of a capture. Dropping it ends it.
pub struct ReplayHub {
    url: String,
    authority: Option<Authority>,
    shared: Arc<Shared>,
    handle: Handle<SocketAddr>,
    serving: JoinHandle<std::io::Result<()>>,
}

impl ReplayHub {
    /// Serves the hub of a script; an application has `patience` to do what it did in the capture before the next message comes
    /// all the same.
    ///
    /// # Errors
    /// When it cannot listen there, or the script has nothing for anybody.
    pub async fn start(
        script: &Script,
        listen: SocketAddr,
        plaintext: bool,
        patience: Duration,
    ) -> Result<Self, ReplayHubError> {
        let recorded = RecordedHub::of(script);
        if !recorded.subscribers.iter().any(RecordedSubscriber::is_active) {
            return Err(ReplayHubError::Nothing);
        }
        let failed = |source| ReplayHubError::Listen {
            address: listen,
            source,
        };
        let listener = TcpListener::bind(listen).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let authority = match plaintext {
            true => None,
            false => Some(Authority::generate(address.ip())?),
        };
        let secure = if authority.is_some() { "s" } else { "" };
        let hub_url = format!("http{secure}://{address}{PATH}");
        let hub_url = url::Url::parse(&hub_url).map_err(|source| ReplayHubError::Listen {
            address: listen,
            source: std::io::Error::other(source),
        })?;
        let shared = Arc::new(Shared {
            http: HttpClient::new(&hub_url, &Approach::default(), patience)?,
            log: Log::without_budget(Redactor::default()),
            hub: Mutex::new(ReplayedHub::new(recorded)),
            origin: format!("ws{secure}://{address}"),
            patience,
            over: watch::Sender::new(false),
            published: watch::Sender::new(0),
        });
        let router = Router::new()
            .route("/socket/{subscriber}", any(open))
            .fallback(take)
            .layer(DefaultBodyLimit::max(BODY_LIMIT))
            .with_state(Arc::clone(&shared));
        let handle = Handle::new();
        let server = axum_server::Server::<SocketAddr>::from_listener(listener).handle(handle.clone());
        let service = router.into_make_service();
        let serving = match &authority {
            Some(authority) => {
                let config = RustlsConfig::from_config(authority.server_config());
                let acceptor = axum_server::tls_rustls::RustlsAcceptor::new(config);
                tokio::spawn(server.acceptor(acceptor).serve(service))
            }
            None => tokio::spawn(server.serve(service)),
        };
        handle.listening().await;
        Ok(Self {
            url: hub_url.to_string(),
            authority,
            shared,
            handle,
            serving,
        })
    }

    /// `hub.url`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The certificate authority, in PEM; `None` without TLS.
    pub fn authority_pem(&self) -> Option<&str> {
        self.authority.as_ref().map(Authority::pem)
    }

    /// Waits until every subscription of the capture has been played to its end.
    pub async fn over(&self) {
        // The sender lives as long as this.
        let _ = self.shared.over.subscribe().wait_for(|over| *over).await;
    }

    /// What the hub of the capture did that cannot be played, in words.
    pub fn left_out(&self) -> Vec<&'static str> {
        self.shared.hub().recorded.left_out.iter().copied().collect()
    }

    /// The differences between the applications and the capture, so far.
    pub fn differences(&self) -> Vec<Difference> {
        self.shared.hub().differences.clone()
    }
}

impl Drop for ReplayHub {
    fn drop(&mut self) {
        self.handle.shutdown();
        self.serving.abort();
    }
}

impl Shared {
    fn hub(&self) -> MutexGuard<'_, ReplayedHub> {
        self.hub.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Everything but WebSockets.
async fn take(
    State(shared): State<Arc<Shared>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let path = uri.path().strip_prefix(PATH).unwrap_or(uri.path()).to_owned();
    let body = String::from_utf8_lossy(&body).into_owned();
    let is_form = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| value.starts_with("application/x-www-form-urlencoded"));
    if method == Method::GET {
        return document(&shared, &path);
    }
    if is_form {
        let answer = subscription(&shared, &body);
        shared.published.send_modify(|count| *count += 1);
        return answer;
    }
    match serde_json::from_str::<Value>(&body) {
        Ok(message) => {
            let (code, body) = {
                let mut hub = shared.hub();
                let (code, body) = hub.publish(&message);
                (code, hub.mapping.forth(&body))
            };
            shared.published.send_modify(|count| *count += 1);
            as_answered(code, body)
        }
        Err(error) => (StatusCode::BAD_REQUEST, format!("the body is not JSON: {error}")).into_response(),
    }
}

fn status(code: u16) -> StatusCode {
    StatusCode::from_u16(code).unwrap_or(StatusCode::ACCEPTED)
}

/// An answer of the capture. Its media type is told by what it is.
fn as_answered(code: u16, body: String) -> Response {
    if body.is_empty() {
        return status(code).into_response();
    }
    let media_type = match serde_json::from_str::<Value>(&body) {
        Ok(_) => "application/json",
        Err(_) => "text/plain; charset=utf-8",
    };
    (status(code), [(header::CONTENT_TYPE, media_type)], body).into_response()
}

fn document(shared: &Shared, path: &str) -> Response {
    let hub = shared.hub();
    let found = hub.recorded.documents.get(&hub.mapping.back(path));
    match found {
        Some((code, body)) => (
            status(*code),
            [(header::CONTENT_TYPE, "application/json")],
            hub.mapping.forth(body),
        )
            .into_response(),
        None => (StatusCode::NOT_FOUND, "the capture has no answer to this").into_response(),
    }
}

fn subscription(shared: &Arc<Shared>, body: &str) -> Response {
    let pairs: Vec<(String, String)> = url::form_urlencoded::parse(body.as_bytes())
        .into_owned()
        .collect();
    let value = |name: &str| {
        pairs
            .iter()
            .find(|(parameter, _)| parameter == name)
            .map(|(_, value)| value.as_str())
    };
    if let Some(endpoint) = value("hub.channel.endpoint") {
        let subscriber = endpoint
            .trim()
            .rsplit('/')
            .next()
            .and_then(|last| last.parse().ok());
        let refused = shared
            .hub()
            .refusal_at_endpoint(value("hub.mode").unwrap_or_default(), subscriber);
        if let Some((code, body)) = refused {
            return as_answered(code, body);
        }
        // What the hub of the capture then did is in its messages.
        let answer = json!({"hub.channel.endpoint": endpoint});
        return (StatusCode::ACCEPTED, axum::Json(answer)).into_response();
    }
    let take = |hub: &mut ReplayedHub, calls: bool| {
        hub.subscribe(
            value("subscriber.name"),
            value("hub.topic").unwrap_or_default(),
            value("hub.events").unwrap_or_default(),
            calls,
        )
    };
    let mut hub = shared.hub();
    if let Some(callback) = value("hub.callback") {
        let asked = hub.ask_for_calls(callback, |hub| take(hub, true));
        let Some((subscriber, is_new, code, body)) = asked else {
            return (StatusCode::FORBIDDEN, "the capture has no further subscription").into_response();
        };
        if is_new && hub.recorded.subscribers[subscriber].is_active() {
            let secret = value("hub.secret").map(str::to_owned);
            tokio::spawn(calling::perform(
                Arc::clone(shared),
                subscriber,
                callback.to_owned(),
                secret,
            ));
        }
        return (status(code), body).into_response();
    }
    let found = take(&mut hub, false);
    let Some(subscriber) = found else {
        return (StatusCode::FORBIDDEN, "the capture has no further subscription").into_response();
    };
    let code = status(hub.recorded.subscribers[subscriber].status);
    match hub.recorded.subscribers[subscriber].endpoint {
        Some(_) => {
            let answer = json!({"hub.channel.endpoint": format!("{}/socket/{subscriber}", shared.origin)});
            (code, axum::Json(answer)).into_response()
        }
        None => {
            let body = hub.recorded.subscribers[subscriber].body.clone();
            as_answered(code.as_u16(), body)
        }
    }
}

async fn open(
    State(shared): State<Arc<Shared>>,
    Path(subscriber): Path<usize>,
    upgrade: WebSocketUpgrade,
) -> Response {
    if shared.hub().recorded.subscribers.get(subscriber).is_none() {
        return StatusCode::NOT_FOUND.into_response();
    }
    upgrade.on_upgrade(move |socket| perform(shared, subscriber, socket))
}

/// Sends an application the messages of its recorded subscriber, each as soon as everything that preceded it has arrived.
async fn perform(shared: Arc<Shared>, subscriber: usize, mut socket: WebSocket) {
    let recorded = shared.hub().recorded.subscribers[subscriber].clone();
    let mut frames = 0;
    for cue in &recorded.cues {
        let began = tokio::time::Instant::now();
        let mut changes = shared.published.subscribe();
        loop {
            let awaited = cue
                .after_publication
                .filter(|publication| !shared.hub().is_published(*publication));
            if frames >= cue.after_frames && awaited.is_none() {
                break;
            }
            let doubtful = awaited.is_some_and(|publication| shared.hub().is_doubtful(publication));
            let deadline = match doubtful && cue.after_frames <= frames {
                true => began + DOUBTFUL.min(shared.patience),
                false => began + shared.patience,
            };
            tokio::select! {
                message = socket.recv() => match message {
                    Some(Ok(Message::Text(text))) => {
                        frames += 1;
                        note(&shared, subscriber, text.as_str());
                    }
                    Some(Ok(Message::Close(_)) | Err(_)) | None => return end(&shared),
                    Some(Ok(_)) => {}
                },
                // The sender lives as long as this.
                _ = changes.changed() => {}
                () = tokio::time::sleep_until(deadline) => {
                    let mut hub = shared.hub();
                    if frames < cue.after_frames {
                        hub.silent(subscriber, cue.after_frames, frames);
                        frames = cue.after_frames;
                    }
                    if let Some(publication) = awaited {
                        hub.unpublished(publication);
                    }
                }
            }
        }
        let text = shared.hub().now(&cue.text, cue.after_publication);
        if socket.send(Message::text(text)).await.is_err() {
            return end(&shared);
        }
    }
    // What was answered last comes after the last message.
    let deadline = tokio::time::Instant::now() + shared.patience;
    while frames < recorded.answers.len() {
        match tokio::time::timeout_at(deadline, socket.recv()).await {
            Ok(Some(Ok(Message::Text(text)))) => {
                frames += 1;
                note(&shared, subscriber, text.as_str());
            }
            Ok(Some(Ok(Message::Close(_)) | Err(_)) | None) => return end(&shared),
            Ok(Some(Ok(_))) => {}
            Err(_) => {
                shared.hub().silent(subscriber, recorded.answers.len(), frames);
                break;
            }
        }
    }
    if let Some(code) = recorded.closed {
        let frame = code.map(|code| CloseFrame {
            code,
            reason: "".into(),
        });
        // It may be gone.
        let _ = socket.send(Message::Close(frame)).await;
    }
    end(&shared);
    // The WebSocket stays open as long as it did.
    if recorded.closed.is_none() {
        while let Some(Ok(message)) = socket.recv().await {
            if let Message::Text(text) = message {
                note(&shared, subscriber, text.as_str());
            }
        }
    }
}

fn note(shared: &Shared, subscriber: usize, text: &str) {
    if let Some((id, status)) = acknowledgement(text) {
        shared.hub().answered(subscriber, &id, &status);
    }
}

fn end(shared: &Shared) {
    let over = {
        let mut hub = shared.hub();
        hub.ended += 1;
        hub.is_over()
    };
    shared.over.send_replace(over);
}
