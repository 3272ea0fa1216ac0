//! A server of one or several hubs, one for each version: it listens, serves and stops.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum_server::Handle;
use axum_server::accept::{TcpConfigAcceptor, TcpKeepaliveConfig, TcpSocketConfig};
use axum_server::tls_rustls::{RustlsAcceptor, RustlsConfig};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::callbacks::Caller;
use super::connections::LimitedAcceptor;
use super::controls::Controls;
use super::error::HubError;
use super::fault_injection::FaultInjection;
use super::idle::IdleAcceptor;
use super::observation::Watched;
use super::paths::HUB_PATH;
use super::registry::{Registry, Surroundings};
use super::routes;
use super::settings::{Settings, Transport};
use crate::authorization::{Authorization, Witnessed, routes as authorization_routes};
use crate::browsers::Browsers;
use crate::certificates::Authority;
use crate::defect::Defect;
use crate::protocol::Version;
use crate::version_profile::VersionProfile;

/// The time that a hub that stops gives sockets and requests to end.
const GRACE: Duration = Duration::from_secs(2);

/// A running hub. Dropping it stops it without waiting for anything; see [`shutdown`](Self::shutdown).
#[derive(Debug)]
pub struct Server {
    /// The versions, each with its `hub.url`; first the one of the settings.
    urls: Vec<(Version, String)>,
    url: String,
    address: SocketAddr,
    authority: Option<Authority>,
    authorization: Option<Arc<Authorization>>,
    registries: Vec<Arc<Registry>>,
    faults: FaultInjection,
    browsers: Browsers,
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
        let transport = match settings.defects.contains(&Defect::ServesPlaintext) {
            true => Transport::Plaintext,
            false => transport,
        };
        let unheard = |source| HubError::from_listening(listen, source);
        let listener = TcpListener::bind(listen).await.map_err(unheard)?;
        let address = listener.local_addr().map_err(unheard)?;
        let authority = match transport {
            Transport::Tls => Some(Authority::generate(listen.ip())?),
            Transport::Plaintext => None,
        };
        let reachable = SocketAddr::new(reachable(address.ip()), address.port());
        let urls = Urls::new(settings.version, further, transport, reachable);
        let caller = if urls
            .versions
            .iter()
            .any(|version| VersionProfile::of(*version).webhook)
        {
            Some(Caller::new(&settings)?)
        } else {
            None
        };
        let url = urls.hub_url(settings.version);
        let authorization = settings
            .authorization
            .as_ref()
            .map(|options| Authorization::new(&urls.origin, &url, options))
            .transpose()?
            .map(Arc::new);
        let surroundings = Surroundings {
            faults: FaultInjection::new(&settings),
            caller,
            authorization,
            transport,
            address: reachable,
        };
        let browsers = Browsers::new(settings.origins.clone(), address.ip().is_loopback());
        let (router, registries) = hubs(&settings, &urls, &surroundings, &browsers);
        let handle = Handle::new();
        let serving = serve(listener, router, &settings, authority.as_ref(), &handle);
        handle.listening().await;
        Ok(Self {
            urls: urls
                .versions
                .iter()
                .map(|version| (*version, urls.hub_url(*version)))
                .collect(),
            url,
            address,
            authority,
            authorization: surroundings.authorization,
            registries,
            faults: surroundings.faults,
            browsers,
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
        self.urls.iter().map(|(version, url)| (*version, url.as_str()))
    }

    /// The address that it listens on.
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

    /// The control of the hub while it runs: faults, defects, events of its own.
    pub fn controls(&self) -> Controls {
        Controls::new(&self.registries, &self.faults, &self.browsers)
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

/// The versions that a server speaks, and where each is found.
struct Urls {
    versions: Vec<Version>,
    origin: String,
}

impl Urls {
    fn new(first: Version, further: &[Version], transport: Transport, address: SocketAddr) -> Self {
        let mut versions = vec![first];
        for version in further {
            if !versions.contains(version) {
                versions.push(*version);
            }
        }
        let scheme = match transport {
            Transport::Tls => "https",
            Transport::Plaintext => "http",
        };
        Self {
            versions,
            origin: format!("{scheme}://{address}"),
        }
    }

    /// The beginning of all paths of a version: empty, where it is the only one.
    fn prefix(&self, version: Version) -> String {
        match self.versions.len() {
            1 => String::new(),
            _ => format!("/{}", version.name().to_ascii_lowercase()),
        }
    }

    fn hub_url(&self, version: Version) -> String {
        format!("{}{}{HUB_PATH}", self.origin, self.prefix(version))
    }
}

/// The hub of each version, and the routes of all.
fn hubs(
    settings: &Settings,
    urls: &Urls,
    surroundings: &Surroundings,
    browsers: &Browsers,
) -> (Router, Vec<Arc<Registry>>) {
    let mut router = Router::new();
    let mut registries = Vec::new();
    for version in &urls.versions {
        let prefix = urls.prefix(*version);
        let settings = Settings {
            version: *version,
            ..settings.clone()
        };
        let registry = Registry::new(settings, &prefix, surroundings);
        let mut routes = routes::router(Arc::clone(&registry));
        if let Some(observer) = registry.settings.observer() {
            let watched = Watched {
                prefix: prefix.clone(),
                limit: registry.settings.body_limit,
                authorization: surroundings.authorization.clone(),
            };
            routes = observer.watch(routes, watched);
        }
        // Outside of what is observed: a preflight is the browser's, and no request of a subscriber.
        routes = browsers.share(routes);
        router = if prefix.is_empty() {
            router.merge(routes)
        } else {
            router.nest(&prefix, routes)
        };
        registries.push(registry);
    }
    if let Some(authorization) = &surroundings.authorization {
        // A launch gives the hub.url of the first version, and is judged by what that one says.
        let observer = settings.observer().cloned();
        let witness = Arc::new(move |witnessed: Witnessed| {
            if let Some(observer) = &observer {
                observer.witness(witnessed);
            }
        });
        let routes = authorization_routes(Arc::clone(authorization), witness, browsers);
        router = router.merge(routes);
    }
    (browsers.guard(router), registries)
}

/// Serves the routes in a task of its own, over TLS where there is an authority.
fn serve(
    listener: TcpListener,
    router: Router,
    settings: &Settings,
    authority: Option<&Authority>,
    handle: &Handle<SocketAddr>,
) -> JoinHandle<std::io::Result<()>> {
    let service = router.into_make_service();
    let tcp = TcpConfigAcceptor::new(
        TcpSocketConfig::new()
            .nodelay(true)
            .keepalive(TcpKeepaliveConfig::new().time(Duration::from_secs(60))),
    );
    let tcp = LimitedAcceptor::new(tcp, settings.max_connections);
    let mut server = axum_server::Server::<SocketAddr>::from_listener(listener)
        .handle(handle.clone())
        .first_request_timeout(settings.request_timeout);
    server
        .http_builder()
        .http1()
        // Clients keep connections for a minute or two; one that is closed just as they use it again costs them a request.
        .header_read_timeout(settings.idle_timeout)
        .max_buf_size(32 << 10);
    match authority {
        Some(authority) => {
            let config = RustlsConfig::from_config(authority.server_config());
            let tls = RustlsAcceptor::new(config)
                .handshake_timeout(settings.request_timeout)
                .acceptor(tcp);
            let tls = IdleAcceptor::new(tls, settings.idle_timeout);
            tokio::spawn(server.acceptor(tls).serve(service))
        }
        None => {
            let plain = IdleAcceptor::new(tcp, settings.idle_timeout);
            tokio::spawn(server.acceptor(plain).serve(service))
        }
    }
}

/// The address at which a hub that listens on every address can be reached from this machine.
fn reachable(address: IpAddr) -> IpAddr {
    if address.is_unspecified() {
        IpAddr::V4(Ipv4Addr::LOCALHOST)
    } else {
        address
    }
}
