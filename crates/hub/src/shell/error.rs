//! The reasons why a hub does not start.

use std::net::SocketAddr;

use super::callbacks::CallerError;
use crate::authorization::SigningError;
use crate::certificates::AuthorityError;

/// The hub could not be started.
#[derive(Debug, thiserror::Error)]
pub enum HubError {
    /// Another program listens on that port.
    #[error(
        "cannot listen on {address}: the port is in use; stop what uses it, or choose another port (0 takes any that is free)"
    )]
    PortInUse {
        /// The address that the hub was to listen on.
        address: SocketAddr,
    },
    /// That address cannot be listened on.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address that the hub was to listen on.
        address: SocketAddr,
        /// The reason that the operating system gives.
        source: std::io::Error,
    },
    /// The certificate could not be made.
    #[error(transparent)]
    Authority(#[from] AuthorityError),
    /// Callbacks cannot be called.
    #[error(transparent)]
    Callbacks(#[from] CallerError),
    /// The authorization server has no key.
    #[error(transparent)]
    Authorization(#[from] SigningError),
}

impl HubError {
    /// The error of a listener that could not be opened.
    pub(super) fn from_listening(address: SocketAddr, source: std::io::Error) -> Self {
        match source.kind() {
            std::io::ErrorKind::AddrInUse => Self::PortInUse { address },
            _ => Self::Listen { address, source },
        }
    }
}
