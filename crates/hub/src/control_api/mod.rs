//! The control API of the hub simulator: HTTP and JSON over [`Controls`], to inject
//! faults by hand or by script. `docs/control.md` describes it.
//!
//! It listens on loopback only, and answers nobody without its token.

mod answer;
mod routes;
mod token;

use std::net::SocketAddr;

use axum_server::Handle;
use tokio::task::JoinHandle;

pub use self::token::{Token, TokenError};
use crate::Controls;

/// The control API could not be served.
#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    /// Others than this machine could reach it.
    #[error(
        "the control API listens on loopback only, and {0} is no loopback address; reach it from elsewhere through a tunnel, such as ssh -L"
    )]
    NotLoopback(SocketAddr),
    /// That address cannot be listened on.
    #[error("the control API cannot listen on {address}: {source}")]
    Listen {
        /// The address that it was to listen on.
        address: SocketAddr,
        /// The reason that the operating system gives.
        source: std::io::Error,
    },
}

/// A control API that is served. Dropping it ends it.
#[derive(Debug)]
pub struct ControlServer {
    address: SocketAddr,
    handle: Handle<SocketAddr>,
    serving: JoinHandle<std::io::Result<()>>,
}

impl ControlServer {
    /// Serves it to whoever has the token. Port 0 takes any free one. Connections are accepted when this returns.
    ///
    /// # Errors
    /// When the address is none of loopback, or cannot be listened on.
    pub async fn start(controls: Controls, listen: SocketAddr, token: Token) -> Result<Self, ControlError> {
        if !listen.ip().is_loopback() {
            return Err(ControlError::NotLoopback(listen));
        }
        let refused = |source| ControlError::Listen {
            address: listen,
            source,
        };
        let listener = tokio::net::TcpListener::bind(listen).await.map_err(refused)?;
        let address = listener.local_addr().map_err(refused)?;
        let service = routes::router(controls, token).into_make_service();
        let handle = Handle::new();
        let server = axum_server::Server::<SocketAddr>::from_listener(listener).handle(handle.clone());
        let serving = tokio::spawn(server.serve(service));
        handle.listening().await;
        Ok(Self {
            address,
            handle,
            serving,
        })
    }

    /// Its URL.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for ControlServer {
    fn drop(&mut self) {
        self.handle.shutdown();
        self.serving.abort();
    }
}
