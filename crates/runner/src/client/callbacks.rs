//! The callbacks of mock subscribers: one server for a run, on which each subscriber has a path of its own (STU1 and STU2,
//! webhooks).
//!
//! It keeps what comes as it came, and answers as it is told: intent verifications by [`Verifying`], notifications by the
//! subscriber's policy.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{Response, StatusCode, header};
use futures_util::StreamExt;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use url::Url;

use super::inbox::Inbox;
use super::log::Log;
use super::policy::Policy;
use crate::judging::{Call, Received, Signature, Spot, Verified, sole};
use crate::outcome::Traffic;
use crate::protocol::signature::SIGNATURE_HEADER;
use crate::protocol::{CallMessage, EventName};

/// How long a call that is never answered is kept open, if the hub does not give up before.
const NEVER: Duration = Duration::from_secs(120);
/// The last part of the path to which redirects lead.
const ELSEWHERE: &str = "elsewhere";

/// The server does not come about.
#[derive(Debug, thiserror::Error)]
pub enum CallbackError {
    /// The base is no URL that a hub could call.
    #[error(
        "callback_base: '{0}' is not the URL of this machine: it looks like http://this-machine.example.com:8080"
    )]
    Base(String),
    /// The address is taken, or is none of this machine.
    #[error("the callback server cannot listen on {address}: {problem}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        problem: std::io::Error,
    },
}

/// How a callback answers intent verifications: 200 with the challenge, but for what is set.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verifying {
    /// The status.
    pub status: Option<u16>,
    /// The body, in which `{challenge}` stands for the challenge.
    pub body: Option<String>,
    /// Redirect to another path, which answers with the challenge.
    pub redirect: bool,
    /// How long to wait before answering.
    pub after: Duration,
}

/// The callback server of a run; it ends when this is dropped.
#[derive(Debug)]
pub struct Callbacks {
    base: String,
    known: Known,
    stop: Arc<Notify>,
    task: JoinHandle<()>,
}

type Known = Arc<Mutex<BTreeMap<String, Arc<Shared>>>>;

/// The callback of one mock subscriber; calls to it are not found once this is dropped.
#[derive(Debug)]
pub struct Callback {
    url: String,
    key: String,
    shared: Arc<Shared>,
    known: Known,
}

/// What a callback belongs to.
#[derive(Debug, Clone)]
pub struct CallbackOwner {
    /// The subscriber's name in the log.
    pub actor: String,
    /// The record.
    pub log: Log,
    /// Where what comes is put.
    pub inbox: Inbox,
    /// How notifications are answered.
    pub policy: Arc<Mutex<Policy>>,
}

#[derive(Debug)]
struct Shared {
    owner: CallbackOwner,
    /// Counts the channels of the subscriber.
    number: usize,
    base: String,
    key: String,
    state: Mutex<Answers>,
}

#[derive(Debug, Default)]
struct Answers {
    verifying: Verifying,
    secrets: Vec<String>,
    verified: Vec<Verified>,
}

/// Listens for the calls of hubs, and gives the URL under which they come, without a trailing slash.
///
/// The hub reaches this machine under `base`; without it, on the loopback interface. A base on the loopback interface is
/// listened to there alone, any other one on all interfaces, as the host that a hub knows need not be an address of this
/// machine; `listen` names the address where that is not right. A base without a port gets the one that is listened to.
///
/// castspec speaks no TLS here. An `https` base stands for something in front of it that does, and stays as it is.
///
/// # Errors
/// When the base is no http or https URL, or the address is taken.
pub async fn listen_for_callbacks(
    base: Option<&Url>,
    listen: Option<SocketAddr>,
) -> Result<(TcpListener, String), CallbackError> {
    let default = Url::parse("http://127.0.0.1").ok();
    let Some(base) = base.or(default.as_ref()) else {
        return Err(CallbackError::Base(String::new()));
    };
    let wrong = || CallbackError::Base(base.to_string());
    let host = base.host().ok_or_else(wrong)?;
    if !matches!(base.scheme(), "http" | "https") || base.query().is_some() || base.fragment().is_some() {
        return Err(wrong());
    }
    let interface = match host {
        url::Host::Ipv4(address) if address.is_loopback() => IpAddr::V4(address),
        url::Host::Ipv6(address) if address.is_loopback() => IpAddr::V6(address),
        url::Host::Domain(name) if name == "localhost" || name.ends_with(".localhost") => {
            IpAddr::V4(Ipv4Addr::LOCALHOST)
        }
        url::Host::Ipv6(_) => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
        _ => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
    };
    let address = listen.unwrap_or_else(|| SocketAddr::new(interface, base.port().unwrap_or(0)));
    let failed = |problem| CallbackError::Listen { address, problem };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let port = listener.local_addr().map_err(failed)?.port();
    let mut url = base.clone();
    if base.scheme() == "http" && base.port().is_none() && url.set_port(Some(port)).is_err() {
        return Err(wrong());
    }
    Ok((listener, url.as_str().trim_end_matches('/').to_owned()))
}

impl Callbacks {
    /// Listens for calls, as [`listen_for_callbacks`] does.
    ///
    /// # Errors
    /// When the base is no http or https URL, or the address is taken.
    pub async fn start(base: Option<&Url>, listen: Option<SocketAddr>) -> Result<Self, CallbackError> {
        let (listener, base) = listen_for_callbacks(base, listen).await?;
        let known = Known::default();
        let router = axum::Router::new().fallback(take).with_state(known.clone());
        let stop = Arc::new(Notify::new());
        let stopped = Arc::clone(&stop);
        let task = tokio::spawn(async move {
            let listener = axum::serve::ListenerExt::tap_io(listener, |stream| {
                // Without it answers wait for acknowledgements of the network.
                if let Err(error) = stream.set_nodelay(true) {
                    tracing::debug!("a callback's connection keeps its delay: {error}");
                }
            });
            let serving = axum::serve(listener, router);
            let serving = serving.with_graceful_shutdown(async move { stopped.notified().await });
            if let Err(error) = serving.await {
                tracing::error!("the callback server ended: {error}");
            }
        });
        Ok(Self {
            base,
            known,
            stop,
            task,
        })
    }

    /// Takes no further calls, and waits for so long until those that have come are answered.
    pub async fn end(&mut self, patience: Duration) {
        self.stop.notify_one();
        if tokio::time::timeout(patience, &mut self.task).await.is_err() {
            tracing::debug!("calls to callbacks were left unanswered");
        }
    }

    /// The URL under which all callbacks lie, without a trailing slash.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// A callback at a URL that nobody can guess, with this query string of its own, for the channel of this number.
    pub fn open(&self, owner: CallbackOwner, query: Option<&str>, number: usize) -> Callback {
        let key = uuid::Uuid::new_v4().simple().to_string();
        let shared = Arc::new(Shared {
            owner,
            number,
            base: self.base.clone(),
            key: key.clone(),
            state: Mutex::default(),
        });
        self.known
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(key.clone(), shared.clone());
        let query = query.map(|query| format!("?{query}")).unwrap_or_default();
        Callback {
            url: format!("{}/{key}{query}", self.base),
            key,
            shared,
            known: self.known.clone(),
        }
    }
}

impl Drop for Callbacks {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Callback {
    /// `hub.callback`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Changes how intent verifications are answered.
    pub fn set_verifying(&self, verifying: Verifying) {
        self.shared.lock().verifying = verifying;
    }

    /// A secret that was given in a request; its position among all different ones that were given.
    pub fn add_secret(&self, secret: &str) -> usize {
        let mut state = self.shared.lock();
        let known = state.secrets.iter().position(|given| given == secret);
        known.unwrap_or_else(|| {
            state.secrets.push(secret.to_owned());
            state.secrets.len() - 1
        })
    }

    /// All intent verifications that were answered so far.
    pub fn verified(&self) -> Vec<Verified> {
        self.shared.lock().verified.clone()
    }
}

impl Drop for Callback {
    fn drop(&mut self) {
        self.known
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&self.key);
    }
}

/// An answer to a call.
struct Answer {
    status: u16,
    location: Option<String>,
    body: String,
}

async fn take(State(known): State<Known>, request: Request) -> Response<Body> {
    let path = request.uri().path().trim_start_matches('/').to_owned();
    // Behind a base with a path of its own, or a proxy that has one, the key is not the first part.
    let found = {
        let known = known.lock().unwrap_or_else(PoisonError::into_inner);
        path.split('/').find_map(|part| known.get(part).cloned())
    };
    let Some(shared) = found else {
        tracing::debug!("a call to no callback");
        return plain(StatusCode::NOT_FOUND, String::new());
    };
    let (parts, body) = request.into_parts();
    let CallbackOwner { actor, log, .. } = &shared.owner;
    let limit = log.longest_message();
    let mut chunks = body.into_data_stream();
    let mut body = Vec::new();
    while let Some(chunk) = chunks.next().await {
        let Ok(chunk) = chunk else {
            tracing::debug!("a call to a callback broke off");
            return plain(StatusCode::BAD_REQUEST, String::new());
        };
        body.extend_from_slice(&chunk);
        if body.len() > limit {
            log.tell_endless(actor, "a call to a callback", limit);
            return plain(StatusCode::PAYLOAD_TOO_LARGE, String::new());
        }
    }
    let of_headers = parts
        .headers
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len());
    let of_head = of_headers.sum::<usize>() + parts.uri.query().map_or(0, str::len);
    if !log.takes(actor, body.len() + of_head) {
        return plain(StatusCode::TOO_MANY_REQUESTS, String::new());
    }
    let query = parts.uri.query().unwrap_or_default().to_owned();
    let headers: Vec<(String, String)> = parts
        .headers
        .iter()
        .map(|(name, value)| {
            let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
            (name.as_str().to_owned(), value)
        })
        .collect();
    let signatures: Vec<&str> = headers
        .iter()
        .filter(|(name, _)| name.eq_ignore_ascii_case(SIGNATURE_HEADER))
        .map(|(_, value)| value.as_str())
        .collect();
    let call = Call {
        method: parts.method.as_str().to_owned(),
        path: parts.uri.path().to_owned(),
        signature: Signature::of(&signatures, &body, &shared.lock().secrets),
        query,
        headers,
    };
    let elsewhere = path.ends_with(ELSEWHERE);
    let text = String::from_utf8_lossy(&body).into_owned();
    shared.answer(call, text, elsewhere).await
}

impl Shared {
    fn lock(&self) -> std::sync::MutexGuard<'_, Answers> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn answer(&self, call: Call, text: String, elsewhere: bool) -> Response<Body> {
        let message = CallMessage::of(&call.query, &text);
        let challenge = message.asked();
        let CallMessage { json, is_control, .. } = message;
        let question = match call.query.as_str() {
            "" => String::new(),
            query => format!("?{query}"),
        };
        let asked = self.owner.log.add(
            &self.owner.actor,
            Traffic::CallbackRequest {
                method: call.method.clone(),
                url: format!("{}{}{question}", self.origin(), call.path),
                headers: call.headers.clone(),
                body: text.clone(),
            },
        );
        let method = call.method.clone();
        self.owner.inbox.add(Received {
            spot: asked,
            socket: self.number,
            text: text.into(),
            json: json.clone(),
            call: Some(Arc::new(call)),
        });
        if !is_control {
            return self.acknowledge(asked, json.as_deref().map(sole)).await;
        }
        // Only a GET is one that a subscriber would take for a verification or a denial.
        if method != "GET" {
            return self.respond(asked, Answer::of(StatusCode::METHOD_NOT_ALLOWED));
        }
        let Some(challenge) = challenge else {
            return self.respond(asked, Answer::of(StatusCode::OK));
        };
        let verifying = self.lock().verifying.clone();
        if elsewhere {
            return self.respond(asked, Answer::with(200, challenge));
        }
        tokio::time::sleep(verifying.after).await;
        let answer = self.answer_to(&verifying, &challenge);
        let agreed = (200..300).contains(&answer.status) && answer.body == challenge;
        let response = self.respond_at(asked, answer);
        self.lock().verified.push(Verified {
            asked,
            answered: response.0,
            query: json.unwrap_or_default(),
            agreed,
        });
        self.owner.inbox.stir();
        response.1
    }

    /// Scheme, host and port of the base.
    fn origin(&self) -> String {
        Url::parse(&self.base).map_or_else(|_| self.base.clone(), |url| url.origin().ascii_serialization())
    }

    fn answer_to(&self, verifying: &Verifying, challenge: &str) -> Answer {
        if verifying.redirect {
            let location = format!("{}/{}/{ELSEWHERE}", self.base, self.key);
            let query = url::form_urlencoded::Serializer::new(String::new())
                .append_pair("hub.challenge", challenge)
                .finish();
            return Answer {
                status: verifying.status.unwrap_or(302),
                location: Some(format!("{location}?{query}")),
                body: String::new(),
            };
        }
        let body = match &verifying.body {
            Some(body) => body.replace("{challenge}", challenge),
            None => challenge.to_owned(),
        };
        Answer::with(verifying.status.unwrap_or(200), body)
    }

    async fn acknowledge(&self, asked: Spot, json: Option<&Value>) -> Response<Body> {
        let name = json.and_then(|json| json.pointer("/event/hub.event")?.as_str());
        let event: Option<EventName> = name.and_then(|name| name.parse().ok());
        let status = self
            .owner
            .policy
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .status(event.as_ref());
        let Some((after, status)) = status else {
            tokio::time::sleep(NEVER).await;
            return self.respond(asked, Answer::of(StatusCode::SERVICE_UNAVAILABLE));
        };
        tokio::time::sleep(after).await;
        self.respond(asked, Answer::with(status.code, String::new()))
    }

    fn respond(&self, asked: Spot, answer: Answer) -> Response<Body> {
        self.respond_at(asked, answer).1
    }

    fn respond_at(&self, asked: Spot, answer: Answer) -> (Spot, Response<Body>) {
        let mut headers = vec![("content-type".to_owned(), "text/html".to_owned())];
        headers.extend(
            answer
                .location
                .clone()
                .map(|location| ("location".to_owned(), location)),
        );
        let spot = self.owner.log.add(
            &self.owner.actor,
            Traffic::CallbackResponse {
                to: asked.sequence,
                status: answer.status,
                headers,
                body: answer.body.clone(),
            },
        );
        let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = plain(status, answer.body);
        if let Some(location) = answer.location.and_then(|location| location.parse().ok()) {
            response.headers_mut().insert(header::LOCATION, location);
        }
        (spot, response)
    }
}

impl Answer {
    fn of(status: StatusCode) -> Self {
        Self::with(status.as_u16(), String::new())
    }

    fn with(status: u16, body: String) -> Self {
        Self {
            status,
            location: None,
            body,
        }
    }
}

fn plain(status: StatusCode, body: String) -> Response<Body> {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    // As in the specification's own example of an answer to an intent verification.
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        header::HeaderValue::from_static("text/html"),
    );
    response
}

#[cfg(test)]
mod tests;
