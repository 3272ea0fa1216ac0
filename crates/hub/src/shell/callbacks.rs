//! The hub as a client of its subscribers' callbacks: one HTTP request for each call of a session.
//!
//! Callbacks are on this machine, or at hosts that were named to the hub. Redirects are not followed, and no more of an
//! answer is read than the hub's limit.

use std::sync::OnceLock;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use bytestring::ByteString;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::{Client, Method};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

use super::callback_hosts::CallbackHosts;
use super::observation::{CallWatch, Observer};
use super::settings::Settings;
use crate::protocol::signature::SIGNATURE_HEADER;
use crate::session::{Call, CallAnswer, CallMethod};
use castspec_judging::subscriber::CallEnd;

/// The HTTP client for callbacks.
#[derive(Debug, Clone)]
pub(super) struct Caller {
    client: Client,
    answer_limit: usize,
    hosts: CallbackHosts,
}

/// No client for callbacks could be made.
#[derive(Debug, thiserror::Error)]
pub enum CallerError {
    /// The certificate authority is no PEM certificate.
    #[error("the certificate authority for callbacks is no certificate in PEM: {0}")]
    Authority(String),
    /// The TLS library refuses the settings.
    #[error("TLS for callbacks cannot be set up: {0}")]
    Tls(#[from] rustls::Error),
    /// The HTTP library refuses the settings.
    #[error("HTTP for callbacks cannot be set up: {0}")]
    Http(#[from] reqwest::Error),
}

impl Caller {
    pub(super) fn new(settings: &Settings) -> Result<Self, CallerError> {
        let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
        let mut roots = system_roots().clone();
        if let Some(pem) = &settings.callback_authority {
            let mut found = 0;
            for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
                let certificate = certificate.map_err(|error| CallerError::Authority(error.to_string()))?;
                roots.add(certificate)?;
                found += 1;
            }
            if found == 0 {
                return Err(CallerError::Authority("there is none in it".to_owned()));
            }
        }
        let mut tls = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        tls.alpn_protocols = vec![b"http/1.1".to_vec()];
        let client = Client::builder()
            .tls_backend_preconfigured(tls)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .dns_resolver(std::sync::Arc::new(settings.callbacks_to.clone()))
            .tcp_nodelay(true)
            // Shorter than callbacks keep connections: one that is closed just as it is used again costs a notification.
            .pool_idle_timeout(Duration::from_secs(4))
            .user_agent("castspec hub")
            .build()?;
        Ok(Self {
            client,
            answer_limit: settings.callback_answer_limit,
            hosts: settings.callbacks_to.clone(),
        })
    }

    /// Makes the call, and tells an observer of it.
    pub(super) async fn call(
        &self,
        call: Call,
        timeout: Duration,
        observer: Option<&Observer>,
    ) -> CallAnswer {
        tracing::debug!(purpose = ?call.purpose, url = %call.url, "calling back");
        if let Err(refusal) = self.hosts.check(&call.url) {
            return CallAnswer::Failed(refusal.reason);
        }
        let (method, url) = (method_of(call.method), call.url);
        let mut headers = HeaderMap::new();
        if let Some(signature) = call.signature.and_then(|value| HeaderValue::try_from(value).ok()) {
            headers.insert(SIGNATURE_HEADER, signature);
        }
        if call.body.is_some() {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        let body = call.body.map(ByteString::into_bytes);
        let watch = observer.map(|observer| {
            let body = body.clone().unwrap_or_default();
            observer.call(method.as_str(), &url, &headers, body)
        });
        let mut request = self.client.request(method, &url).headers(headers);
        if let Some(body) = body {
            request = request.body(body);
        }
        match tokio::time::timeout(timeout, self.exchange(request, watch.as_ref())).await {
            Ok(answer) => answer,
            Err(_) => {
                let why = format!("no answer came within {} seconds", timeout.as_secs_f64());
                if let Some(watch) = &watch {
                    watch.failed(CallEnd::GivenUp, &why);
                }
                CallAnswer::Failed(why)
            }
        }
    }

    async fn exchange(&self, request: reqwest::RequestBuilder, watch: Option<&CallWatch>) -> CallAnswer {
        match request.send().await {
            Ok(answer) => {
                let (status, headers) = (answer.status(), answer.headers().clone());
                let (body, is_whole) = self.read(answer).await;
                if let Some(watch) = watch {
                    watch.answered(status, &headers, body.clone());
                }
                CallAnswer::Answered {
                    status: status.as_u16(),
                    body: String::from_utf8(body.into()).ok().filter(|_| is_whole),
                }
            }
            Err(error) => {
                let why = describe(&error);
                if let Some(watch) = watch {
                    let unreached = error.is_connect() || error.is_builder();
                    let end = if unreached {
                        CallEnd::Unreachable
                    } else {
                        CallEnd::Cut
                    };
                    watch.failed(end, &why);
                }
                CallAnswer::Failed(why)
            }
        }
    }

    /// The body as far as it came and is within the limit, and whether that is all of it.
    async fn read(&self, mut answer: reqwest::Response) -> (Bytes, bool) {
        let mut body = BytesMut::new();
        loop {
            match answer.chunk().await {
                Ok(Some(chunk)) if body.len() + chunk.len() <= self.answer_limit => {
                    body.extend_from_slice(&chunk);
                }
                Ok(None) => return (body.freeze(), true),
                Ok(Some(_)) | Err(_) => return (body.freeze(), false),
            }
        }
    }
}

fn method_of(method: CallMethod) -> Method {
    match method {
        CallMethod::Get => Method::GET,
        CallMethod::Post => Method::POST,
        CallMethod::Put => Method::PUT,
    }
}

/// The reason of a failure, without the URL: its path and query are between the hub and one subscriber.
fn describe(error: &reqwest::Error) -> String {
    if error.is_connect() {
        "the callback cannot be reached".to_owned()
    } else if error.is_builder() {
        "the callback is no URL that can be requested".to_owned()
    } else {
        "the connection to the callback broke".to_owned()
    }
}

/// The system's certificate authorities, read once.
fn system_roots() -> &'static RootCertStore {
    static ROOTS: OnceLock<RootCertStore> = OnceLock::new();
    ROOTS.get_or_init(|| {
        let mut roots = RootCertStore::empty();
        // A machine without a store of its own still reaches plain callbacks, and those of a named authority.
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        roots
    })
}
