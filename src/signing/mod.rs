//! SSH signatures of reports, as `ssh-keygen -Y` makes and verifies them: bytes and keys go in, a signature or a signer comes out.
//!
//! It knows nothing of what is signed, and reads no clock.

mod allowed_signers;
mod key;
mod signature;

pub use allowed_signers::{AllowedSigners, NotAllowed, SignersError};
pub use key::{KeyError, private_key, public_key};
pub use signature::{NAMESPACE, NotVerified, Signer, SigningError, sign, verify};
