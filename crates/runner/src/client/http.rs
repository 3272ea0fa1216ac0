//! HTTP requests to the hub, and its answers, recorded.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use reqwest::header::{AUTHORIZATION, CONTENT_TYPE};

use super::connector::{Approach, Connector};
use super::log::Log;
use super::retry_after::{AFTER_DROP, MOST_DROPS, MOST_WAITS, asked_for};
use super::trust::TrustError;
use crate::is_loopback;
use crate::judging::{Answer, Spot};
use crate::outcome::Traffic;

/// A request to be sent.
#[derive(Debug, Clone, Default)]
pub struct OutgoingRequest {
    /// The method.
    pub method: String,
    /// The URL.
    pub url: String,
    /// Headers; the bearer token is added by the client where there is no `Authorization` among them.
    pub headers: Vec<(String, String)>,
    /// The body; none where `None`.
    pub body: Option<String>,
    /// No bearer token is added.
    pub without_token: bool,
}

/// No answer came.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{problem}")]
pub struct NoAnswer {
    /// Why: the whole chain of causes.
    pub problem: String,
    /// The time ran out while the hub kept the connection open.
    pub timed_out: bool,
    /// No connection came about.
    pub no_connection: bool,
    /// Where this stands in the log.
    pub spot: Spot,
}

/// Sends requests to one hub.
#[derive(Debug, Clone)]
pub struct HttpClient {
    /// Keeps connections open for the next request.
    client: Arc<RwLock<reqwest::Client>>,
    /// Keeps none: for a hub that takes few connections.
    without_idle: reqwest::Client,
    /// The second one has taken the place of the first.
    has_few_connections: Arc<AtomicBool>,
    connector: Connector,
    token: Option<String>,
}

impl HttpClient {
    /// A client for the hub at this URL.
    ///
    /// # Errors
    /// When trust cannot be set up, or a header or a proxy is none.
    pub fn new(hub_url: &url::Url, approach: &Approach, timeout: Duration) -> Result<Self, TrustError> {
        let connector = approach.connector(hub_url)?;
        let mut tls = (*connector.tls).clone();
        tls.alpn_protocols = vec![b"http/1.1".to_vec()];
        let built = |most_idle: usize| {
            let mut builder = reqwest::Client::builder()
                .tls_backend_preconfigured(tls.clone())
                .pool_max_idle_per_host(most_idle)
                .redirect(reqwest::redirect::Policy::none())
                .timeout(timeout)
                .tcp_nodelay(true)
                .default_headers(connector.headers.clone())
                .user_agent(concat!("castspec/", env!("CARGO_PKG_VERSION")));
            if let Some(proxy) = &approach.proxy {
                let proxy = reqwest::Proxy::all(proxy.as_str()).map_err(|_| TrustError::Proxy)?;
                builder = builder.no_proxy().proxy(proxy);
            } else if is_loopback(hub_url) {
                builder = builder.no_proxy();
            }
            builder.build().map_err(|error| TrustError::Tls(chain(&error)))
        };
        Ok(Self {
            client: Arc::new(RwLock::new(built(usize::MAX)?)),
            without_idle: built(0)?,
            has_few_connections: Arc::default(),
            connector,
            token: approach.token.clone(),
        })
    }

    /// From here on no connection is kept open for the next request: the hub has few.
    pub fn keep_no_idle_connections(&self) {
        self.has_few_connections.store(true, Ordering::Relaxed);
        *self.client.write().unwrap_or_else(PoisonError::into_inner) = self.without_idle.clone();
    }

    /// Whether what was dropped may be tried again this time: the hub has few connections, and may have seen too late that the
    /// last one was closed.
    pub fn may_try_again(&self, drops: usize) -> bool {
        drops < MOST_DROPS && self.has_few_connections.load(Ordering::Relaxed)
    }

    /// The connector for WebSockets to the same hub.
    pub fn connector(&self) -> &Connector {
        &self.connector
    }

    /// Sends a request and waits for the answer; both are recorded.
    ///
    /// # Errors
    /// When no answer comes.
    pub async fn send(&self, log: &Log, actor: &str, request: &OutgoingRequest) -> Result<Answer, NoAnswer> {
        let mut recorded = request.headers.clone();
        for (name, value) in &self.connector.headers {
            let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
            recorded.push((name.as_str().to_owned(), value));
        }
        let authorized = request.without_token
            || request
                .headers
                .iter()
                .any(|(name, _)| name.eq_ignore_ascii_case("authorization"));
        if let (Some(token), false) = (&self.token, authorized) {
            recorded.push(("Authorization".to_owned(), format!("Bearer {token}")));
        }
        let spot = log.add(
            actor,
            Traffic::Request {
                method: request.method.clone(),
                url: request.url.clone(),
                headers: recorded,
                body: request.body.clone().unwrap_or_default(),
            },
        );
        let limit = log.longest_message();
        match self.exchange(request, authorized, limit).await {
            Ok((status, headers, text, is_cut)) => {
                let of_headers: usize = headers.iter().map(|(name, value)| name.len() + value.len()).sum();
                if is_cut {
                    log.tell_endless(actor, "the body of an answer", limit);
                    // Whoever watches the log stops here: what was cut is no answer.
                    tokio::task::yield_now().await;
                } else {
                    // A hub that floods is told; its answer is taken all the same.
                    log.takes(actor, text.len() + of_headers);
                }
                let response = Traffic::Response {
                    status,
                    headers: headers.clone(),
                    body: text.clone(),
                };
                let answered = log.add(actor, response);
                let json = serde_json::from_str(&text).ok();
                Ok(Answer {
                    status,
                    headers,
                    text,
                    json,
                    request: spot,
                    spot: answered,
                })
            }
            Err(error) => {
                let problem = chain(&error);
                let spot = log.add(
                    actor,
                    Traffic::NoResponse {
                        problem: problem.clone(),
                    },
                );
                Err(NoAnswer {
                    problem,
                    timed_out: error.is_timeout(),
                    no_connection: error.is_connect(),
                    spot,
                })
            }
        }
    }

    /// Sends a request; where the hub asks to be asked again later (429, 503 with `Retry-After`), waits as long as it says and
    /// sends it again.
    ///
    /// # Errors
    /// When no answer comes.
    pub async fn send_patiently(
        &self,
        log: &Log,
        actor: &str,
        request: &OutgoingRequest,
    ) -> Result<Answer, NoAnswer> {
        let (mut waits, mut drops) = (0, 0);
        loop {
            let answer = match self.send(log, actor, request).await {
                Err(error) if !error.timed_out && self.may_try_again(drops) => {
                    drops += 1;
                    tokio::time::sleep(AFTER_DROP).await;
                    continue;
                }
                sent => sent?,
            };
            let mut headers = answer.headers.iter();
            let retry_after = headers.find(|(name, _)| name.eq_ignore_ascii_case("retry-after"));
            let wait = asked_for(answer.status, retry_after.map(|(_, value)| value.as_str()));
            match wait {
                Some(wait) if waits < MOST_WAITS => tokio::time::sleep(wait).await,
                _ => return Ok(answer),
            }
            waits += 1;
        }
    }

    async fn exchange(
        &self,
        request: &OutgoingRequest,
        authorized: bool,
        limit: usize,
    ) -> Result<(u16, Vec<(String, String)>, String, bool), reqwest::Error> {
        // A method that is none is a scenario's own mistake, found when it was read.
        let method = reqwest::Method::from_bytes(request.method.as_bytes()).unwrap_or(reqwest::Method::POST);
        let client = self.client.read().unwrap_or_else(PoisonError::into_inner).clone();
        let mut builder = client.request(method, &request.url);
        for (name, value) in &request.headers {
            builder = builder.header(name, value);
        }
        if let (Some(token), false) = (&self.token, authorized) {
            builder = builder.header(AUTHORIZATION, format!("Bearer {token}"));
        }
        if let Some(body) = &request.body {
            builder = builder.body(body.clone());
        }
        let mut response = builder.send().await?;
        let status = response.status().as_u16();
        let headers = response
            .headers()
            .iter()
            .map(|(name, value)| {
                (
                    name.as_str().to_owned(),
                    String::from_utf8_lossy(value.as_bytes()).into_owned(),
                )
            })
            .collect();
        let (mut body, mut is_cut) = (Vec::new(), false);
        while let Some(chunk) = response.chunk().await? {
            body.extend_from_slice(&chunk);
            if body.len() > limit {
                body.truncate(limit);
                is_cut = true;
                break;
            }
        }
        let text = String::from_utf8_lossy(&body).into_owned();
        Ok((status, headers, text, is_cut))
    }
}

impl OutgoingRequest {
    /// A form.
    pub fn form(url: &str, pairs: &[(String, String)]) -> Self {
        Self {
            method: "POST".to_owned(),
            url: url.to_owned(),
            headers: vec![(
                CONTENT_TYPE.to_string(),
                "application/x-www-form-urlencoded".to_owned(),
            )],
            body: Some(
                url::form_urlencoded::Serializer::new(String::new())
                    .extend_pairs(pairs)
                    .finish(),
            ),
            ..Self::default()
        }
    }

    /// A JSON body of this media type.
    pub fn json(url: &str, media_type: &str, body: String) -> Self {
        Self {
            method: "POST".to_owned(),
            url: url.to_owned(),
            headers: vec![(CONTENT_TYPE.to_string(), media_type.to_owned())],
            body: Some(body),
            ..Self::default()
        }
    }

    /// A GET that asks for JSON.
    pub fn get(url: &str) -> Self {
        Self {
            method: "GET".to_owned(),
            url: url.to_owned(),
            headers: vec![("accept".to_owned(), "application/json".to_owned())],
            body: None,
            ..Self::default()
        }
    }
}

/// An error with all its causes, in one line.
pub(super) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let cause_text = error.to_string();
        if !text.contains(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        cause = error.source();
    }
    text
}
