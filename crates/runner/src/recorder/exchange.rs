//! Passes HTTP requests on to the hub, and its answers back.

use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::response::Response;
use bytes::Bytes;
use http::header::{
    AUTHORIZATION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HOST, LOCATION, PROXY_AUTHORIZATION,
};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use url::Url;

use super::capture_sink::Pending;
use super::headers::{end_to_end, is_upgrade, listed, of_request};
use super::replacing::{self, Answered, CALLBACK, ENDPOINT, SECRET};
use super::{BODY_LIMIT, Relay, tunnel};
use crate::capture::{Message, Side};
use crate::redaction::Redactor;

/// The shortest credential of a header, in bytes, that is looked for wherever else it may stand.
const SHORTEST_LEARNT: usize = 8;

/// The body of a request.
struct Outgoing {
    /// As it goes to the hub.
    passed: Bytes,
    /// As it would go to the hub if the subscriber knew of no recorder.
    recorded: Bytes,
    /// The members that were replaced.
    replaced: Vec<String>,
}

/// A response, whole.
pub(super) struct Came {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

pub(super) async fn pass(State(relay): State<Arc<Relay>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
    let endpoint = relay.aliases.endpoint_behind(path);
    relay.learn(&parts.headers);
    if is_upgrade(&parts.headers) {
        return tunnel::open(relay, endpoint, parts).await;
    }
    let Ok(body) = to_bytes(body, BODY_LIMIT).await else {
        return relay.refuse_body(&parts.method, path);
    };
    let url = match endpoint {
        Some(endpoint) => endpoint.replacen("ws", "http", 1),
        None => relay.at_hub(path),
    };
    let headers = of_request(&parts.headers);
    relay
        .exchange(parts.method, &url, headers, &parts.headers, body)
        .await
}

impl Relay {
    /// The same path at the hub.
    pub(super) fn at_hub(&self, path_and_query: &str) -> String {
        format!("{}{path_and_query}", self.upstream.origin().ascii_serialization())
    }

    /// Looks for credentials that have to be hidden from now on.
    pub(super) fn learn(&self, headers: &HeaderMap) {
        for (name, value) in headers {
            // Keys of gateways are few and stay the same. Cookies, sessions and tokens of forms are hidden where they stand, and
            // need not be secret elsewhere: a session may be the topic.
            let is_key = name.as_str().ends_with("key");
            if !is_key && !matches!(*name, AUTHORIZATION | PROXY_AUTHORIZATION) {
                continue;
            }
            let value = String::from_utf8_lossy(value.as_bytes());
            let credentials = Redactor::credentials_of(name.as_str(), &value);
            // Short ones, such as what cookies say of languages, are words that stand elsewhere too.
            for credential in credentials
                .iter()
                .filter(|credential| credential.len() >= SHORTEST_LEARNT)
            {
                self.sink.know(credential);
            }
        }
    }

    fn refuse_body(&self, method: &Method, path: &str) -> Response {
        let problem = format!(
            "a {method} to {path} was not passed on: its body broke off, or is longer than {BODY_LIMIT} bytes"
        );
        self.sink.remark(&problem);
        answer(StatusCode::PAYLOAD_TOO_LARGE, &problem)
    }

    async fn exchange(
        &self,
        method: Method,
        url: &str,
        headers: HeaderMap,
        asked: &HeaderMap,
        body: Bytes,
    ) -> Response {
        let exchange = self.sink.next_exchange();
        if is_form(asked) {
            replacing::values(&body, SECRET).for_each(|secret| self.sink.know(&secret));
        }
        let Outgoing {
            passed,
            recorded,
            replaced,
        } = self.outgoing(&method, asked, body);
        self.sink.write(Message::Request {
            exchange,
            method: method.to_string(),
            url: url.to_owned(),
            headers: listed(&headers),
            body: self.sink.payload(&recorded, recorded.len()),
            replaced,
        });
        let pending = Pending::new(&self.sink, exchange, Side::Subscriber);
        let came = fetch(&self.to_hub, method.clone(), url, headers, passed).await;
        pending.over();
        match came {
            Ok(came) => self.answered(exchange, &method, asked, came),
            Err(problem) => self.unanswered(exchange, url, &problem),
        }
    }

    /// The hub did not answer.
    pub(super) fn unanswered(&self, exchange: u64, url: &str, problem: &str) -> Response {
        self.sink.no_response(exchange, Side::Hub, problem);
        self.sink.tell(&format!(
            "the hub did not answer (exchange {exchange}, {url}): {problem}"
        ));
        answer(
            StatusCode::BAD_GATEWAY,
            &format!("castspec record: the hub did not answer: {problem}"),
        )
    }

    fn outgoing(&self, method: &Method, asked: &HeaderMap, body: Bytes) -> Outgoing {
        let untouched = |body: Bytes| Outgoing {
            passed: body.clone(),
            recorded: body,
            replaced: Vec::new(),
        };
        if *method != Method::POST {
            return untouched(body);
        }
        if !is_form(asked) {
            let text = String::from_utf8_lossy(&body);
            if text.contains("hub.mode") && (text.contains(CALLBACK) || text.contains(ENDPOINT)) {
                self.sink.remark(
                    "a subscription request is no form: what is in it stays as it is, and webhooks that it asks for do not come through the recorder",
                );
            }
            return untouched(body);
        }
        let mut replaced = Vec::new();
        let recorded = replacing::in_form(&body, |name, value| {
            let url = Url::parse(value).ok().filter(|_| name == ENDPOINT)?;
            let endpoint = self
                .aliases
                .endpoint_behind(&super::aliases::path_and_query(&url))?;
            replaced.push(name.to_owned());
            Some(endpoint)
        });
        let recorded = recorded.map_or(body, Bytes::from);
        let passed = replacing::in_form(&recorded, |name, value| {
            if name != CALLBACK || value.is_empty() {
                return None;
            }
            let alias = self.aliases.callback(value);
            match alias {
                Some(_) => replaced.push(name.to_owned()),
                None => self.sink.remark(&format!(
                    "hub.callback is no http or https URL: calls to it do not come through the recorder: {value}"
                )),
            }
            alias
        });
        Outgoing {
            passed: passed.map_or_else(|| recorded.clone(), Bytes::from),
            recorded,
            replaced,
        }
    }

    /// Records the hub's answer and passes it back.
    pub(super) fn answered(&self, exchange: u64, method: &Method, asked: &HeaderMap, came: Came) -> Response {
        let mut headers = end_to_end(&came.headers);
        let recorded = listed(&headers);
        let mut replaced = Vec::new();
        let mut body = came.body.clone();
        if *method == Method::POST && came.status.is_success() {
            match replacing::endpoint_in(&body) {
                Answered::Endpoint(found) => match self.alias(&found.url, asked) {
                    Some(alias) => {
                        body = found.replaced(&body, &alias).into();
                        replaced.push(ENDPOINT.to_owned());
                    }
                    None => self.sink.remark(&format!(
                        "hub.channel.endpoint is no ws or wss URL: what goes over it does not come through the recorder (exchange {exchange})"
                    )),
                },
                Answered::Unreadable(problem) => self.sink.remark(&format!(
                    "hub.channel.endpoint cannot be read, and what goes over it does not come through the recorder (exchange {exchange}): {problem}"
                )),
                Answered::Nothing if came.headers.contains_key(CONTENT_ENCODING) => self.sink.remark(&format!(
                    "the hub encodes its answer though nobody asked for that: an endpoint in it does not lead through the recorder (exchange {exchange})"
                )),
                Answered::Nothing => {}
            }
        }
        if let Some(location) = headers.get(LOCATION).and_then(|value| value.to_str().ok())
            && came.status.is_redirection()
        {
            match self.redirected(location, asked) {
                Some(Ok(redirected)) => {
                    headers.insert(LOCATION, redirected);
                    replaced.push("location".to_owned());
                }
                Some(Err(())) => self.sink.remark(&format!(
                    "the hub redirects to another host, past the recorder (exchange {exchange}): {location}"
                )),
                None => {}
            }
        }
        self.sink.write(Message::Response {
            exchange,
            status: came.status.as_u16(),
            headers: recorded,
            body: self.sink.payload(&came.body, came.body.len()),
            replaced,
        });
        // To a HEAD, the length is that of a body which does not come.
        if let (&Method::HEAD, Some(length)) = (method, came.headers.get(CONTENT_LENGTH)) {
            headers.insert(CONTENT_LENGTH, length.clone());
        }
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = came.status;
        *response.headers_mut() = headers;
        response
    }

    /// The URL under which a subscriber reaches an endpoint through the recorder.
    fn alias(&self, endpoint: &str, asked: &HeaderMap) -> Option<String> {
        let url = Url::parse(endpoint).ok()?;
        if !matches!(url.scheme(), "ws" | "wss") {
            return None;
        }
        let path = self.aliases.endpoint(endpoint, &url, &self.upstream);
        let scheme = if self.secure { "wss" } else { "ws" };
        Some(format!("{scheme}://{}{path}", self.host(asked)))
    }

    /// The target of a redirect within the hub, through the recorder; an error where it leads elsewhere, and nothing where it is
    /// relative.
    fn redirected(&self, location: &str, asked: &HeaderMap) -> Option<Result<HeaderValue, ()>> {
        let url = Url::parse(location).ok()?;
        if url.origin() != self.upstream.origin() {
            return Some(Err(()));
        }
        let scheme = if self.secure { "https" } else { "http" };
        let path = super::aliases::path_and_query(&url);
        let location = format!("{scheme}://{}{path}", self.host(asked));
        Some(HeaderValue::try_from(location).map_err(|_| ()))
    }

    /// The host by which a subscriber reached the recorder.
    fn host(&self, asked: &HeaderMap) -> String {
        let host = asked.get(HOST).and_then(|value| value.to_str().ok());
        host.map_or_else(|| self.address.to_string(), str::to_owned)
    }
}

/// An answer of the recorder's own.
pub(super) fn answer(status: StatusCode, text: &str) -> Response {
    let mut response = Response::new(Body::from(format!("{text}\n")));
    *response.status_mut() = status;
    let kind = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, kind);
    response
}

fn is_form(headers: &HeaderMap) -> bool {
    let value = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let kind = value
        .and_then(|value| value.split(';').next())
        .unwrap_or_default();
    kind.trim()
        .eq_ignore_ascii_case("application/x-www-form-urlencoded")
}

/// Sends a request and reads the answer to its end.
///
/// # Errors
/// When no answer comes, or it breaks off: why, in one line.
pub(super) async fn fetch(
    client: &reqwest::Client,
    method: Method,
    url: &str,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Came, String> {
    let sent = client.request(method, url).headers(headers).body(body).send();
    let response = sent.await.map_err(chain)?;
    whole(response).await
}

/// Reads an answer to its end.
///
/// # Errors
/// When it breaks off or does not end: why, in one line.
pub(super) async fn whole(mut response: reqwest::Response) -> Result<Came, String> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(chain)? {
        if body.len() + chunk.len() > BODY_LIMIT {
            return Err(format!("the answer is longer than {BODY_LIMIT} bytes"));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Came {
        status: response.status(),
        headers: response.headers().clone(),
        body: body.into(),
    })
}

/// An error with all its causes, in one line and without the URL, which stands in the capture already.
pub(super) fn chain(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(&error);
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
