//! A SMART on FHIR authorization server for development: it authorizes whoever asks, and leaves nothing out of the
//! protocol (2.1 Session Discovery; SMART App Launch 2; OAuth 2.0, RFC 6749, RFC 6750, RFC 7636 and RFC 9700).
//!
//! [`AuthorizationServer`] is its heart, without sockets and clocks; [`routes`] puts HTTP around it. The room knows nothing
//! of hubs but the `hub.url` and the `hub.topic` that it hands out; a hub asks [`Authorization::admit`] about tokens.

mod client;
mod es256;
mod launch;
mod request;
mod revoked;
mod server;
mod shell;
mod token;
mod witness;

pub use client::{Client, ClientError};
pub use request::{AuthorizationAnswer, Granted, OAuthError, TokenAnswer};
pub use server::{AuthorizationServer, Issued, Options, Secrets};
pub use shell::{Authorization, routes};
pub use token::{Grant, SigningError, TokenProblem};
pub use witness::{Witness, Witnessed};
