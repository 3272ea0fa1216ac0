//! Certificates for the servers that castspec starts: a certificate authority for one process, and what a server needs to
//! speak TLS with a certificate of it.
//!
//! The hub simulator, the recorder and the replayed hub serve HTTPS with it. The room opens no socket and writes no file.

mod authority;

pub use authority::{Authority, AuthorityError};
