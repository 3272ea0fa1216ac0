//! The shell around the sessions: HTTPS, WebSockets and callbacks, their limits and their time-outs.
//!
//! It reads requests and frames, hands them to the session of their topic and carries out what the session wants; no rule
//! of FHIRcast is decided here but those of HTTP itself (content types, sizes, which path is what).

mod callbacks;
mod connections;
mod controls;
mod observation;
mod registry;
mod routes;
mod socket;
mod subscriptions;
mod topic;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum_server::Handle;
use axum_server::accept::{TcpConfigAcceptor, TcpKeepaliveConfig, TcpSocketConfig};
use axum_server::tls_rustls::{RustlsAcceptor, RustlsConfig};
use tokio::task::JoinHandle;

use self::callbacks::Caller;
pub use self::callbacks::CallerError;
use self::connections::LimitedAcceptor;
use self::controls::Staging;
pub use self::controls::{Controls, NotThere, Published};
pub use self::observation::Observer;
use self::registry::Registry;
use super::edition::Edition;
use super::settings::Settings;
use crate::authorization::{Authorization, SigningError, routes as authorization_routes};
use crate::certificates::{Authority, AuthorityError};
use crate::protocol::Version;

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
    /// Callbacks cannot be called.
    #[error(transparent)]
    Callbacks(#[from] CallerError),
    /// The authorization server has no key.
    #[error(transparent)]
    Authorization(#[from] SigningError),
}

/// How long a hub that stops waits for sockets and requests to end.
const GRACE: Duration = Duration::from_secs(2);

/// A running hub. Dropping it stops it without waiting for anything; see [`shutdown`](Self::shutdown).
#[derive(Debug)]
pub struct Server {
    url: String,
    further: Vec<(Version, String)>,
    version: Version,
    address: SocketAddr,
    authority: Option<Authority>,
    authorization: Option<Arc<Authorization>>,
    registries: Vec<Arc<Registry>>,
    staging: Staging,
    handle: Handle<SocketAddr>,
    serving: JoinHandle<std::io::Result<()>>,
}

impl Server {
    /// Starts a hub that speaks the version of the settings, its `hub.url` ending in `/fhircast`. Port 0 takes any free one.
    /// Connections are accepted when this returns.
    ///
    /// # Errors
    /// When the address cannot be listened on, no certificate can be made, or callbacks cannot be called.
    pub async fn start(
        settings: Settings,
        listen: SocketAddr,
        transport: Transport,
    ) -> Result<Self, HubError> {
        Self::start_versions(settings, &[], listen, transport).await
    }

    /// Starts a hub that speaks the version of the settings and these further ones, each as a hub of its own: with topics
    /// of its own, and with its version before all its paths, as in `/stu3/fhircast` and `/stu2/fhircast`. Without further
    /// versions it is [`start`](Self::start).
    ///
    /// # Errors
    /// As of [`start`](Self::start).
    pub async fn start_versions(
        settings: Settings,
        further: &[Version],
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
        let mut versions = vec![settings.version];
        for version in further {
            if !versions.contains(version) {
                versions.push(*version);
            }
        }
        let several = versions.len() > 1;
        let caller = if versions.iter().any(|version| Edition::of(*version).webhook) {
            Some(Caller::new(&settings)?)
        } else {
            None
        };
        let prefix_of = |version: Version| match several {
            true => format!("/{}", version.name().to_ascii_lowercase()),
            false => String::new(),
        };
        let origin = format!("{scheme}://{reachable}");
        let url_of = |version| format!("{origin}{}{}", prefix_of(version), routes::HUB_PATH);
        let authorization = settings
            .authorization
            .as_ref()
            .map(|options| Authorization::new(&origin, &url_of(settings.version), options))
            .transpose()?
            .map(Arc::new);
        let staging = Staging::of(&settings);
        let mut urls = Vec::new();
        let mut registries = Vec::new();
        let mut router = axum::Router::new();

        let limit = settings.max_connections;
        let timeout = settings.request_timeout;
        // Clients keep connections for a minute or two; one that is closed just as they use it again costs them a request.
        let idle = settings.idle_timeout;
        for version in versions {
            let prefix = prefix_of(version);
            urls.push((version, url_of(version)));
            let own = Settings {
                version,
                observer: settings.observer.clone().filter(|own| own.version() == version),
                ..settings.clone()
            };
            let registry = Registry::new(
                own,
                &staging,
                &prefix,
                caller.clone(),
                authorization.clone(),
                transport,
                reachable,
            );
            let mut routes = routes::router(Arc::clone(&registry));
            if let Some(observer) = &registry.settings.observer {
                routes = observer.watch(routes, &prefix, registry.settings.body_limit);
            }
            router = if several {
                router.nest(&prefix, routes)
            } else {
                router.merge(routes)
            };
            registries.push(registry);
        }
        if let Some(authorization) = &authorization {
            router = router.merge(authorization_routes(Arc::clone(authorization)));
        }
        let service = router.into_make_service();
        let (version, url) = urls.remove(0);
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
            further: urls,
            version,
            address,
            authority,
            authorization,
            registries,
            staging,
            handle,
            serving,
        })
    }

    /// The `hub.url`; of the first version, where it speaks several.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The versions that it speaks, and the `hub.url` of each; first the one of its settings.
    pub fn urls(&self) -> impl Iterator<Item = (Version, &str)> {
        let further = self.further.iter().map(|(version, url)| (*version, url.as_str()));
        std::iter::once((self.version, self.url.as_str())).chain(further)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The certificate authority to trust, in PEM; `None` without TLS.
    pub fn authority_pem(&self) -> Option<&str> {
        self.authority.as_ref().map(Authority::pem)
    }

    /// The authorization server beside it, where its settings have one.
    pub fn authorization(&self) -> Option<&Authorization> {
        self.authorization.as_deref()
    }

    /// What stages trouble while it runs.
    pub fn controls(&self) -> Controls {
        Controls::new(&self.registries, &self.staging)
    }

    /// Stops: closes every WebSocket with 1001, lets requests end, and cuts what has not ended after two seconds.
    pub async fn shutdown(mut self) {
        self.registries.iter().for_each(|registry| registry.close_all());
        self.handle.graceful_shutdown(Some(GRACE));
        let ended = async {
            for registry in &self.registries {
                registry.sockets_ended().await;
            }
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
        self.registries.iter().for_each(|registry| registry.close_all());
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
