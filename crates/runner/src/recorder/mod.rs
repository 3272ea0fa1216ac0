//! The recorder: a reverse proxy between a hub and its subscribers that keeps a capture of everything that passes.
//!
//! Requests are passed on with the bytes of their bodies, WebSockets byte by byte, pings, fragments and close frames included.
//! Two things only are replaced, so that what follows runs through the recorder too: `hub.channel.endpoint` in answers to
//! subscription requests, and `hub.callback` in those requests; and back again where a subscriber names its endpoint. The
//! capture says what hub and subscriber would have seen without the recorder.
//!
//! A message is in the capture before its last byte is passed on. The recorder knows HTTP, WebSocket and these three members; it
//! does not judge.

mod aliases;
mod callbacks;
mod capture_sink;
mod exchange;
mod headers;
mod replacing;
mod tunnel;
mod wire;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum_server::Handle;
use axum_server::accept::{TcpConfigAcceptor, TcpKeepaliveConfig, TcpSocketConfig};
use axum_server::tls_rustls::{RustlsAcceptor, RustlsConfig};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use url::Url;

use self::aliases::Aliases;
use self::capture_sink::CaptureSink;
pub use self::capture_sink::Tell;
use crate::capture::{Header, Message, Writer};
use crate::certificates::{Authority, AuthorityError};
use crate::client::{CallbackError, Trust, TrustError, listen_for_callbacks};
use crate::is_loopback;
use crate::protocol::Version;
use crate::redaction::Redactor;

/// Bodies longer than this are refused: no message of FHIRcast is that long.
const BODY_LIMIT: usize = 64 << 20;
/// The longest time that a connection to the hub or to a callback may take.
const CONNECT_PATIENCE: Duration = Duration::from_secs(10);
/// How long requests that are under way may take to end when the recorder stops.
const GRACE: Duration = Duration::from_secs(1);

/// The hub to record, and the capture to write.
#[derive(Debug, Clone)]
pub struct Settings {
    /// `hub.url` of the hub.
    pub upstream: Url,
    /// The address that subscribers connect to.
    pub listen: SocketAddr,
    /// Speak HTTP and WS to subscribers in place of HTTPS and WSS.
    pub plaintext: bool,
    /// The URL at which the hub can reach this machine for callbacks; without it, on the loopback interface.
    pub callback_base: Option<Url>,
    /// The address to listen on for callbacks, where `callback_base` does not tell.
    pub callback_listen: Option<SocketAddr>,
    /// The certificates that are accepted, of the hub and of callbacks.
    pub trust: Trust,
    /// The capture, a file that is not there yet.
    pub out: PathBuf,
    /// The versions of FHIRcast that the hub is known to speak.
    pub fhircast_versions: Vec<Version>,
    /// Hides what must not be written.
    pub redactor: Redactor,
}

/// The recorder could not be started.
#[derive(Debug, thiserror::Error)]
pub enum RecorderError {
    /// The URL of the hub is none.
    #[error("'{0}' is no hub.url: it looks like https://hub.example.com/fhircast")]
    Upstream(String),
    /// The port is taken, or the address is none of this machine.
    #[error(
        "cannot listen on {address}: {source}; choose another address or port with --listen (port 0 takes any that is free)"
    )]
    Listen {
        /// The address.
        address: SocketAddr,
        /// The error of the operating system.
        source: std::io::Error,
    },
    /// There is such a capture already.
    #[error("{} is there already, and captures are not written over: name another file with --out", .0.display())]
    Exists(PathBuf),
    /// The capture cannot be written.
    #[error("the capture {} cannot be written: {source}", path.display())]
    Capture {
        /// The file.
        path: PathBuf,
        /// The error of the operating system.
        source: std::io::Error,
    },
    /// Callbacks cannot be listened for.
    #[error(transparent)]
    Callbacks(#[from] CallbackError),
    /// No certificate could be made.
    #[error(transparent)]
    Authority(#[from] AuthorityError),
    /// Trust cannot be set up.
    #[error(transparent)]
    Trust(#[from] TrustError),
    /// The HTTP library refuses the settings.
    #[error("HTTP to the hub cannot be set up: {0}")]
    Http(#[from] reqwest::Error),
}

/// The connections of the recorder to both sides.
struct Relay {
    upstream: Url,
    /// The scheme under which subscribers reach the recorder is a secure one.
    secure: bool,
    /// The address at which subscribers reach the recorder, if they do not say.
    address: SocketAddr,
    to_hub: reqwest::Client,
    to_callbacks: reqwest::Client,
    aliases: Aliases,
    sink: CaptureSink,
}

/// A running recorder. Dropping it stops it at once; see [`Recorder::shutdown`].
#[derive(Debug)]
pub struct Recorder {
    url: String,
    callback_base: String,
    authority: Option<Authority>,
    sink: CaptureSink,
    handle: Handle<SocketAddr>,
    serving: JoinHandle<std::io::Result<()>>,
    calling: JoinHandle<()>,
}

impl Recorder {
    /// Starts to record. Connections are accepted when this returns. What people should know at once, as that the hub cannot
    /// be reached, is given to `tell`, a line at a time.
    ///
    /// # Errors
    /// When an address cannot be listened on, the capture cannot be made, or TLS cannot be set up.
    pub async fn start(settings: Settings, tell: Tell) -> Result<Self, RecorderError> {
        let upstream = settings.upstream;
        if !matches!(upstream.scheme(), "http" | "https") || upstream.host().is_none() {
            return Err(RecorderError::Upstream(upstream.to_string()));
        }
        let refused = |source| RecorderError::Listen {
            address: settings.listen,
            source,
        };
        let listener = TcpListener::bind(settings.listen).await.map_err(refused)?;
        let address = listener.local_addr().map_err(refused)?;
        let (calls, callback_base) =
            listen_for_callbacks(settings.callback_base.as_ref(), settings.callback_listen).await?;
        let authority = match settings.plaintext {
            true => None,
            false => Some(Authority::generate(address.ip())?),
        };
        let to_hub = client(&settings.trust, is_loopback(&upstream))?;
        let to_callbacks = client(&settings.trust, true)?;
        let header = Header::now(
            &settings.redactor.text(upstream.as_str()),
            settings.fhircast_versions,
        );
        let writer = Writer::create(&settings.out, &header).map_err(|source| match source.kind() {
            std::io::ErrorKind::AlreadyExists => RecorderError::Exists(settings.out.clone()),
            _ => RecorderError::Capture {
                path: settings.out.clone(),
                source,
            },
        })?;
        let sink = CaptureSink::new(writer, settings.redactor, tell);
        let relay = Arc::new(Relay {
            secure: authority.is_some(),
            address,
            to_hub,
            to_callbacks,
            aliases: Aliases::new(&callback_base),
            sink: sink.clone(),
            upstream: upstream.clone(),
        });
        let mut url = upstream;
        // An http(s) URL takes any of these.
        let _ = url.set_scheme(if authority.is_some() { "https" } else { "http" });
        let _ = url.set_ip_host(reachable(address));
        let _ = url.set_port(Some(address.port()));
        let _ = url.set_username("");
        let _ = url.set_password(None);
        let handle = Handle::new();
        let serving = serve(listener, authority.as_ref(), &handle, Arc::clone(&relay));
        handle.listening().await;
        Ok(Self {
            url: url.as_str().trim_end_matches('/').to_owned(),
            callback_base,
            authority,
            sink,
            handle,
            serving,
            calling: tokio::spawn(callbacks::serve(calls, relay)),
        })
    }

    /// The `hub.url` of subscribers.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Under which URL the hub's callbacks come in.
    pub fn callback_base(&self) -> &str {
        &self.callback_base
    }

    /// The certificate authority that subscribers have to trust, in PEM; `None` without TLS.
    pub fn authority_pem(&self) -> Option<&str> {
        self.authority.as_ref().map(Authority::pem)
    }

    /// Stops, lets requests end that are under way, and ends the capture. Whether all of it could be written.
    pub async fn shutdown(mut self) -> bool {
        self.handle.graceful_shutdown(Some(GRACE));
        // The outcome of the accept loop no longer matters, and WebSockets end with the program.
        let _ = tokio::time::timeout(GRACE, &mut self.serving).await;
        self.calling.abort();
        self.sink.end(Message::Stopped)
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.handle.shutdown();
        self.serving.abort();
        self.calling.abort();
    }
}

fn serve(
    listener: TcpListener,
    authority: Option<&Authority>,
    handle: &Handle<SocketAddr>,
    relay: Arc<Relay>,
) -> JoinHandle<std::io::Result<()>> {
    let service = axum::Router::new()
        .fallback(exchange::pass)
        .with_state(relay)
        .into_make_service();
    let tcp = TcpConfigAcceptor::new(
        TcpSocketConfig::new()
            .nodelay(true)
            .keepalive(TcpKeepaliveConfig::new().time(Duration::from_secs(60))),
    );
    let server = axum_server::Server::<SocketAddr>::from_listener(listener).handle(handle.clone());
    match authority {
        Some(authority) => {
            let config = RustlsConfig::from_config(authority.server_config());
            let tls = RustlsAcceptor::new(config).acceptor(tcp);
            tokio::spawn(server.acceptor(tls).serve(service))
        }
        None => tokio::spawn(server.acceptor(tcp).serve(service)),
    }
}

fn client(trust: &Trust, direct: bool) -> Result<reqwest::Client, RecorderError> {
    let mut tls = trust.client_config()?;
    // A WebSocket begins as an HTTP/1.1 upgrade.
    tls.alpn_protocols = vec![b"http/1.1".to_vec()];
    let mut builder = reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(CONNECT_PATIENCE)
        .http1_only()
        .tcp_nodelay(true)
        // Shorter than servers keep connections: one that is closed just as it is used again costs a request.
        .pool_idle_timeout(Duration::from_secs(4));
    if direct {
        builder = builder.no_proxy();
    }
    Ok(builder.build()?)
}

/// The address at which a recorder that listens on every address can be reached from this machine.
fn reachable(address: SocketAddr) -> std::net::IpAddr {
    if address.ip().is_unspecified() {
        std::net::Ipv4Addr::LOCALHOST.into()
    } else {
        address.ip()
    }
}
