//! How a hub is reached: TLS, headers, bearer token and proxy.

use std::sync::Arc;

use http::{HeaderMap, HeaderName, HeaderValue, Uri};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::proxy::Tunnel;
use hyper_util::client::proxy::matcher::Matcher;
use rustls::ClientConfig;
use tokio::net::TcpStream;
use tower_service::Service;
use url::Url;

use super::trust::{Trust, TrustError};
use crate::is_loopback;

/// How a hub is reached.
#[derive(Debug, Clone, Default)]
pub struct Approach {
    /// Which certificates are accepted, and which one is shown.
    pub trust: Trust,
    /// The bearer token of every request; none where `None`.
    pub token: Option<String>,
    /// Headers of every request, the one for a WebSocket included, as gateways before a hub want them.
    pub headers: Vec<(String, String)>,
    /// The proxy (http) through which everything goes; where none is named, the environment's, and none to loopback.
    pub proxy: Option<Url>,
}

/// What it takes to connect a WebSocket to a hub: its TLS, its headers, its proxy.
#[derive(Debug, Clone)]
pub struct Connector {
    pub(super) tls: Arc<ClientConfig>,
    pub(super) headers: HeaderMap,
    proxy: Option<Arc<Matcher>>,
}

impl Approach {
    /// The connector to the hub at this URL.
    ///
    /// # Errors
    /// When trust cannot be set up, or a header is none.
    pub(super) fn connector(&self, hub_url: &Url) -> Result<Connector, TrustError> {
        let mut headers = HeaderMap::new();
        for (name, value) in &self.headers {
            let wrong = |problem: String| TrustError::Header {
                name: name.clone(),
                problem,
            };
            let name = HeaderName::try_from(name.as_str()).map_err(|error| wrong(error.to_string()))?;
            let mut value =
                HeaderValue::try_from(value.as_str()).map_err(|error| wrong(error.to_string()))?;
            value.set_sensitive(true);
            headers.append(name, value);
        }
        let proxy = match &self.proxy {
            Some(proxy) if proxy.scheme() != "http" => return Err(TrustError::Proxy),
            Some(proxy) => Some(Matcher::builder().all(proxy.as_str()).build()),
            None if is_loopback(hub_url) => None,
            None => Some(Matcher::from_env()),
        };
        Ok(Connector {
            tls: Arc::new(self.trust.client_config()?),
            headers,
            proxy: proxy.map(Arc::new),
        })
    }
}

impl Connector {
    /// A connection through the proxy, where one stands before this URL of a WebSocket.
    ///
    /// # Errors
    /// When the proxy does not let through.
    pub(super) async fn tunnel(&self, url: &Uri) -> Result<Option<TcpStream>, String> {
        let Some(proxy) = &self.proxy else {
            return Ok(None);
        };
        let scheme = match url.scheme_str() {
            Some("wss") => "https",
            _ => "http",
        };
        let Some(authority) = url.authority() else {
            return Ok(None);
        };
        let destination = Uri::builder()
            .scheme(scheme)
            .authority(authority.clone())
            .path_and_query("/")
            .build()
            .map_err(|error| error.to_string())?;
        let Some(found) = proxy.intercept(&destination) else {
            return Ok(None);
        };
        let mut to_proxy = HttpConnector::new();
        to_proxy.set_nodelay(true);
        let mut tunnel = Tunnel::new(found.uri().clone(), to_proxy);
        if let Some(credentials) = found.basic_auth() {
            tunnel = tunnel.with_auth(credentials.clone());
        }
        match tunnel.call(destination).await {
            Ok(stream) => Ok(Some(stream.into_inner())),
            Err(error) => Err(format!("the proxy: {}", super::http::chain(&error))),
        }
    }
}
