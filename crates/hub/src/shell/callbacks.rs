//! The hub as a client of its subscribers' callbacks: one HTTP request for each call of a session.
//!
//! Callbacks may be anywhere, this machine included: the hub is a test bed. Redirects are not followed, and no more of an
//! answer is read than the hub's limit.

use std::sync::OnceLock;
use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, HeaderValue};
use reqwest::{Client, Method};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

use super::settings::Settings;
use crate::protocol::signature::SIGNATURE_HEADER;
use crate::session::{Call, CallAnswer, CallMethod};

/// The HTTP client for callbacks.
#[derive(Debug, Clone)]
pub(super) struct Caller {
    client: Client,
    answer_limit: usize,
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
            .tcp_nodelay(true)
            // Shorter than callbacks keep connections: one that is closed just as it is used again costs a notification.
            .pool_idle_timeout(Duration::from_secs(4))
            .user_agent("castspec hub")
            .build()?;
        Ok(Self {
            client,
            answer_limit: settings.callback_answer_limit,
        })
    }

    /// Makes the call.
    pub(super) async fn call(&self, call: Call, timeout: Duration) -> CallAnswer {
        tracing::debug!(purpose = ?call.purpose, url = %call.url, "calling back");
        match tokio::time::timeout(timeout, self.exchange(call)).await {
            Ok(answer) => answer,
            Err(_) => CallAnswer::Failed(format!("no answer came within {} seconds", timeout.as_secs_f64())),
        }
    }

    async fn exchange(&self, call: Call) -> CallAnswer {
        let method = match call.method {
            CallMethod::Get => Method::GET,
            CallMethod::Post => Method::POST,
            CallMethod::Put => Method::PUT,
        };
        let mut request = self.client.request(method, &call.url);
        if let Some(signature) = call.signature.and_then(|value| HeaderValue::try_from(value).ok()) {
            request = request.header(SIGNATURE_HEADER, signature);
        }
        if let Some(body) = call.body {
            request = request
                .header(CONTENT_TYPE, "application/json")
                .body(body.into_bytes());
        }
        match request.send().await {
            Ok(answer) => {
                let status = answer.status().as_u16();
                let body = self.read(answer).await;
                CallAnswer::Answered { status, body }
            }
            Err(error) => CallAnswer::Failed(describe(&error)),
        }
    }

    /// The body, where it is text within the limit.
    async fn read(&self, mut answer: reqwest::Response) -> Option<String> {
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.ok()? {
            if body.len() + chunk.len() > self.answer_limit {
                return None;
            }
            body.extend_from_slice(&chunk);
        }
        String::from_utf8(body).ok()
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
