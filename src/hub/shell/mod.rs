//! The shell around the sessions: HTTPS and WebSockets, their limits and their time-outs.
//!
//! It reads requests and frames, hands them to the session of their topic and carries out what the session wants; no rule
//! of FHIRcast is decided here but those of HTTP itself (content types, sizes, which path is what).

mod connections;
mod registry;
mod routes;
mod socket;
mod topic;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum_server::Handle;
use axum_server::accept::{TcpConfigAcceptor, TcpKeepaliveConfig, TcpSocketConfig};
use axum_server::tls_rustls::{RustlsAcceptor, RustlsConfig};
use tokio::task::JoinHandle;

use self::connections::LimitedAcceptor;
use self::registry::Registry;
use super::authority::{Authority, AuthorityError};
use super::settings::Settings;

/// How a hub is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// HTTPS and WSS, as the specification demands, with a certificate authority made at the start.
    Tls,
    /// HTTP and WS: for debugging and measuring.
    Plaintext,
}

/// The hub could not be started.
#[derive(Debug, thiserror::Error)]
pub enum HubError {
    /// Another program listens on that port.
    #[error(
        "cannot listen on {address}: the port is in use; stop what uses it, or choose another port (0 takes any that is free)"
    )]
    PortInUse {
        /// Where the hub was to listen.
        address: SocketAddr,
    },
    /// That address cannot be listened on.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// Where the hub was to listen.
        address: SocketAddr,
        /// What the operating system says.
        source: std::io::Error,
    },
    /// No certificate could be made.
    #[error(transparent)]
    Authority(#[from] AuthorityError),
}

/// How long a hub that stops waits for sockets and requests to end.
const GRACE: Duration = Duration::from_secs(2);

/// A running hub. Dropping it stops it without waiting for anything; see [`shutdown`](Self::shutdown).
#[derive(Debug)]
pub struct Server {
    url: String,
    address: SocketAddr,
    authority: Option<Authority>,
    registry: Arc<Registry>,
    handle: Handle<SocketAddr>,
    serving: JoinHandle<std::io::Result<()>>,
}

impl Server {
    /// Starts a hub. Port 0 takes any free one. Connections are accepted when this returns.
    ///
    /// # Errors
    /// When the address cannot be listened on, or no certificate can be made.
    pub async fn start(
        settings: Settings,
        listen: SocketAddr,
        transport: Transport,
    ) -> Result<Self, HubError> {
        let refused = |source: std::io::Error| match source.kind() {
            std::io::ErrorKind::AddrInUse => HubError::PortInUse { address: listen },
            _ => HubError::Listen {
                address: listen,
                source,
            },
        };
        let listener = tokio::net::TcpListener::bind(listen).await.map_err(refused)?;
        let address = listener.local_addr().map_err(refused)?;
        let authority = match transport {
            Transport::Tls => Some(Authority::generate(listen.ip())?),
            Transport::Plaintext => None,
        };
        let reachable = SocketAddr::new(reachable(address.ip()), address.port());
        let scheme = if authority.is_some() { "https" } else { "http" };
        let url = format!("{scheme}://{reachable}{}", routes::HUB_PATH);

        let limit = settings.max_connections;
        let timeout = settings.request_timeout;
        // Clients keep connections for a minute or two; one that is closed just as they use it again costs them a request.
        let idle = settings.idle_timeout;
        let registry = Registry::new(settings, transport, reachable);
        let service = routes::router(Arc::clone(&registry)).into_make_service();
        let handle = Handle::new();
        let tcp = TcpConfigAcceptor::new(
            TcpSocketConfig::new()
                .nodelay(true)
                .keepalive(TcpKeepaliveConfig::new().time(Duration::from_secs(60))),
        );
        let tcp = LimitedAcceptor::new(tcp, limit);
        let mut server = axum_server::Server::<SocketAddr>::from_listener(listener)
            .handle(handle.clone())
            .first_request_timeout(timeout);
        server
            .http_builder()
            .http1()
            .header_read_timeout(idle)
            .max_buf_size(32 << 10);
        let serving = match &authority {
            Some(authority) => {
                let config = RustlsConfig::from_config(authority.server_config());
                let tls = RustlsAcceptor::new(config)
                    .handshake_timeout(timeout)
                    .acceptor(tcp);
                tokio::spawn(server.acceptor(tls).serve(service))
            }
            None => tokio::spawn(server.acceptor(tcp).serve(service)),
        };
        handle.listening().await;
        Ok(Self {
            url,
            address,
            authority,
            registry,
            handle,
            serving,
        })
    }

    /// The `hub.url`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The certificate authority to trust, in PEM; `None` without TLS.
    pub fn authority_pem(&self) -> Option<&str> {
        self.authority.as_ref().map(Authority::pem)
    }

    /// Stops: closes every WebSocket with 1001, lets requests end, and cuts what has not ended after two seconds.
    pub async fn shutdown(mut self) {
        self.registry.close_all();
        self.handle.graceful_shutdown(Some(GRACE));
        let ended = async {
            self.registry.sockets_ended().await;
            // The outcome of the accept loop no longer matters.
            let _ = (&mut self.serving).await;
        };
        if tokio::time::timeout(GRACE, ended).await.is_err() {
            tracing::debug!("cut what did not end in time");
        }
        self.handle.shutdown();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.registry.close_all();
        self.handle.shutdown();
        self.serving.abort();
    }
}

/// Where a hub that listens on every address can be reached from this machine.
fn reachable(address: IpAddr) -> IpAddr {
    if address.is_unspecified() {
        IpAddr::V4(Ipv4Addr::LOCALHOST)
    } else {
        address
    }
}
