//! The man in the middle: a reverse proxy for HTTP, WebSockets and webhooks on the loopback interface.

mod calls;
mod sockets;

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::response::Response;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, HOST, TRANSFER_ENCODING};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::{Map, Value, json};
use tokio::net::TcpListener;
use tokio::sync::broadcast;
use tokio::task::JoinHandle;
use url::Url;

use crate::alteration::{Alteration, Deed};
use crate::change::change;
use crate::message::MessageKind;

/// Bodies longer than this are not passed on.
const BODY_LIMIT: usize = 64 << 20;
/// How much later a message arrives that is to arrive after its successor.
const OVERTAKEN: Duration = Duration::from_millis(120);
/// How many messages that leak may be waiting.
const LEAKING: usize = 256;

/// The man in the middle could not be started.
#[derive(Debug, thiserror::Error)]
pub enum MiddleError {
    /// The hub is at no URL that he can stand before.
    #[error("{0} is no http URL with a host and a port; the man in the middle stands before plain HTTP only")]
    Hub(Url),
    /// He cannot listen.
    #[error("the man in the middle cannot listen: {0}")]
    Listen(#[from] std::io::Error),
}

/// A man in the middle. Dropping him ends him.
#[derive(Debug)]
pub struct Middle {
    url: Url,
    shared: Arc<Shared>,
    serving: JoinHandle<()>,
}

impl Middle {
    /// Stands before the hub at this URL and alters what it sends.
    ///
    /// # Errors
    /// When the URL is not one of plain HTTP, or no port can be listened on.
    pub async fn start(hub: &Url, alteration: Alteration) -> Result<Self, MiddleError> {
        let authority = match (hub.scheme(), hub.host_str(), hub.port_or_known_default()) {
            ("http", Some(host), Some(port)) => format!("{host}:{port}"),
            _ => return Err(MiddleError::Hub(hub.clone())),
        };
        let listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await?;
        let own = listener.local_addr()?.to_string();
        let mut url = hub.clone();
        // An http URL takes both.
        let _ = url.set_ip_host(Ipv4Addr::LOCALHOST.into());
        let _ = url.set_port(own.rsplit(':').next().and_then(|port| port.parse().ok()));
        let shared = Arc::new(Shared {
            alteration,
            hub: authority,
            own,
            hub_path: hub.path().trim_end_matches('/').to_owned(),
            client: Client::builder(TokioExecutor::new()).build_http(),
            callbacks: Mutex::default(),
            passed: AtomicUsize::new(0),
            altered: AtomicUsize::new(0),
            sockets: AtomicUsize::new(0),
            leaks: broadcast::Sender::new(LEAKING),
        });
        let router = axum::Router::new().fallback(pass).with_state(Arc::clone(&shared));
        let serving = tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, router).await {
                tracing::debug!(%error, "the man in the middle has ended");
            }
        });
        Ok(Self { url, shared, serving })
    }

    /// `hub.url`, as subscribers are to know it.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// How many messages he has altered.
    pub fn altered(&self) -> usize {
        self.shared.altered.load(Ordering::Relaxed)
    }
}

impl Drop for Middle {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

#[derive(Debug)]
struct Shared {
    alteration: Alteration,
    hub: String,
    own: String,
    hub_path: String,
    client: Client<HttpConnector, Body>,
    /// The callbacks, by the number in their alias.
    callbacks: Mutex<Vec<calls::Callback>>,
    passed: AtomicUsize,
    altered: AtomicUsize,
    sockets: AtomicUsize,
    leaks: broadcast::Sender<Leaked>,
}

/// A message that also goes to others.
#[derive(Debug, Clone)]
struct Leaked {
    topic: String,
    text: String,
}

/// What becomes of a message.
enum Fate {
    /// It is passed on as it came.
    Untouched,
    /// It is passed on like this.
    Altered(Value),
    Dropped,
    Twice,
    After(Duration),
    Overtaken,
    Leaks,
}

impl Shared {
    /// What becomes of a message of this kind; `number` is that of its connection.
    fn fate(&self, kind: MessageKind, message: &Value, number: usize) -> Fate {
        let alteration = &self.alteration;
        let name = message.pointer("/event/hub.event").and_then(Value::as_str);
        let is_meant = alteration.alters == kind
            && (!alteration.half || number % 2 == 1)
            && (alteration.events.is_empty()
                || name.is_some_and(|name| {
                    let mut events = alteration.events.iter();
                    events.any(|event| event.eq_ignore_ascii_case(name))
                }));
        if !is_meant {
            return Fate::Untouched;
        }
        let fate = match &alteration.deed {
            Deed::Drop => Fate::Dropped,
            Deed::Duplicate => Fate::Twice,
            Deed::Delay(milliseconds) => Fate::After(Duration::from_millis(*milliseconds)),
            Deed::Leak => Fate::Leaks,
            // Each second one, so that the one behind it overtakes it.
            Deed::Reorder if self.passed.fetch_add(1, Ordering::Relaxed).is_multiple_of(2) => Fate::Overtaken,
            Deed::Reorder => Fate::Untouched,
            deed => {
                let mut altered = message.clone();
                match change(deed, &mut altered) {
                    true => Fate::Altered(altered),
                    false => Fate::Untouched,
                }
            }
        };
        if !matches!(fate, Fate::Untouched) {
            self.altered.fetch_add(1, Ordering::Relaxed);
        }
        fate
    }

    async fn fetch(&self, request: http::Request<Body>) -> Result<(http::response::Parts, Vec<u8>), String> {
        let response = self
            .client
            .request(request)
            .await
            .map_err(|error| error.to_string())?;
        let (parts, body) = response.into_parts();
        let body = to_bytes(Body::new(body), BODY_LIMIT)
            .await
            .map_err(|error| error.to_string())?;
        Ok((parts, body.to_vec()))
    }
}

async fn pass(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let path = request.uri().path().to_owned();
    if let Some(number) = calls::number_in(&path) {
        return calls::pass(shared, number, request).await;
    }
    if request.headers().contains_key(http::header::UPGRADE) {
        return sockets::open(shared, request).await;
    }
    let (mut parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, BODY_LIMIT).await else {
        return answer(StatusCode::PAYLOAD_TOO_LARGE, "the body is too long");
    };
    let kind = MessageKind::of_answer(parts.method.as_str(), &path, &shared.hub_path, &body);
    let outgoing = match is_form(&parts.headers) {
        true => calls::with_aliases(&shared, &body),
        false => body.to_vec(),
    };
    let Ok(uri) = at(&shared.hub, &parts.uri) else {
        return answer(StatusCode::BAD_REQUEST, "the target is no path");
    };
    parts.uri = uri;
    own_lines_out(&mut parts.headers);
    set(&mut parts.headers, HOST, &shared.hub);
    let request = http::Request::from_parts(parts, Body::from(outgoing));
    let (came, body) = match shared.fetch(request).await {
        Ok(came) => came,
        Err(problem) => return answer(StatusCode::BAD_GATEWAY, &problem),
    };
    let body = in_place_of(&body, &shared.hub, &shared.own);
    let number = shared.sockets.fetch_add(1, Ordering::Relaxed);
    let mut headers = came.headers;
    own_lines_out(&mut headers);
    let Some(kind) = kind else {
        return response(came.status, headers, body);
    };
    let message = as_message(came.status, &headers, &body);
    match shared.fate(kind, &message, number) {
        Fate::Altered(altered) => as_response(&altered, headers),
        Fate::After(time) => {
            tokio::time::sleep(time).await;
            response(came.status, headers, body)
        }
        // An answer can be neither doubled nor overtaken.
        _ => response(came.status, headers, body),
    }
}

/// An answer as a message with `status`, `headers` and `body`.
fn as_message(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Value {
    let body = serde_json::from_slice(body)
        .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(body).into_owned()));
    let headers: Map<String, Value> = headers
        .iter()
        .filter_map(|(name, value)| Some((name.to_string(), json!(value.to_str().ok()?))))
        .collect();
    json!({"status": status.as_u16(), "headers": headers, "body": body})
}

fn as_response(message: &Value, before: HeaderMap) -> Response {
    let status = message.get("status").and_then(Value::as_u64);
    let status = status
        .and_then(|status| u16::try_from(status).ok())
        .and_then(|status| StatusCode::from_u16(status).ok());
    let mut headers = HeaderMap::new();
    for (name, value) in message
        .get("headers")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
    {
        let pair = name.parse::<HeaderName>().ok().zip(value.as_str());
        if let Some((name, value)) =
            pair.and_then(|(name, value)| Some((name, HeaderValue::from_str(value).ok()?)))
        {
            headers.append(name, value);
        }
    }
    let body = match message.get("body") {
        Some(Value::String(text)) => text.clone().into_bytes(),
        Some(body) => body.to_string().into_bytes(),
        None => Vec::new(),
    };
    // What is no text was not to be altered.
    for (name, value) in &before {
        if value.to_str().is_err() {
            headers.append(name, value.clone());
        }
    }
    response(status.unwrap_or(StatusCode::OK), headers, body)
}

fn response(status: StatusCode, headers: HeaderMap, body: Vec<u8>) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}

fn answer(status: StatusCode, why: &str) -> Response {
    response(status, HeaderMap::new(), why.as_bytes().to_vec())
}

/// Leaves out what is of one connection, or of a body's length.
fn own_lines_out(headers: &mut HeaderMap) {
    headers.remove(CONTENT_LENGTH);
    headers.remove(TRANSFER_ENCODING);
    headers.remove(http::header::CONNECTION);
}

fn set(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

/// The same path and query at another host.
fn at(authority: &str, uri: &Uri) -> Result<Uri, http::uri::InvalidUri> {
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    format!("http://{authority}{path}").parse()
}

fn is_form(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    kind.is_some_and(|kind| kind.starts_with("application/x-www-form-urlencoded"))
}

/// A text in which one host stands in place of the other; what is no text stays.
fn in_place_of(body: &[u8], host: &str, other: &str) -> Vec<u8> {
    match std::str::from_utf8(body) {
        Ok(text) => text.replace(host, other).into_bytes(),
        Err(_) => body.to_vec(),
    }
}

/// The parameters of a query or a form, the last of a name.
fn parameters(query: &str) -> HashMap<String, String> {
    url::form_urlencoded::parse(query.as_bytes())
        .into_owned()
        .collect()
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
