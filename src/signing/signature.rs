//! A signature over bytes, and who made it.

use ssh_key::{HashAlg, LineEnding, PrivateKey, PublicKey, SshSig};

/// What a signature of castspec is for; one that was made for anything else, such as a commit, does not fit.
pub const NAMESPACE: &str = "castspec-report";

/// Nothing could be signed.
#[derive(Debug, thiserror::Error)]
#[error("the key cannot sign: {0}")]
pub struct SigningError(String);

/// Why a signature is not one of these bytes.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum NotVerified {
    /// It is no signature.
    #[error("it is no SSH signature")]
    Malformed,
    /// It was made for something else.
    #[error("it was made for '{0}' and not for '{NAMESPACE}'")]
    Purpose(String),
    /// Its kind is unknown here.
    #[error("it was made by a key of the kind {0}, which castspec cannot verify; ssh-keygen -Y verify can")]
    Kind(String),
    /// The bytes are others than those that were signed.
    #[error("the report was changed after it was signed, or another one was signed")]
    DoesNotFit,
}

/// Who made a signature, as far as the signature itself tells: the key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signer {
    /// The key.
    pub key: PublicKey,
}

impl Signer {
    /// The kind of the key and its fingerprint, as `ssh-keygen -l` shows it.
    pub fn told(&self) -> String {
        let kind = self.key.algorithm();
        format!("{kind} key {}", self.key.fingerprint(HashAlg::Sha256))
    }
}

/// Signs bytes: what `ssh-keygen -Y sign -n castspec-report` writes.
///
/// # Errors
/// When the key cannot sign.
pub fn sign(bytes: &[u8], key: &PrivateKey) -> Result<String, SigningError> {
    let told = |error: ssh_key::Error| SigningError(error.to_string());
    let signature = key.sign(NAMESPACE, HashAlg::Sha512, bytes).map_err(told)?;
    signature.to_pem(LineEnding::LF).map_err(told)
}

/// Verifies that a signature is one of these bytes, whoever made it.
///
/// # Errors
/// When it is not.
pub fn verify(bytes: &[u8], signature: &str) -> Result<Signer, NotVerified> {
    let signature = SshSig::from_pem(signature.trim()).map_err(|_| NotVerified::Malformed)?;
    if signature.namespace() != NAMESPACE {
        return Err(NotVerified::Purpose(signature.namespace().to_owned()));
    }
    let key = PublicKey::from(signature.public_key().clone());
    match key.verify(NAMESPACE, bytes, &signature) {
        Ok(()) => Ok(Signer { key }),
        Err(ssh_key::Error::AlgorithmUnsupported { algorithm }) => {
            Err(NotVerified::Kind(algorithm.to_string()))
        }
        Err(_) if !is_known(&key) => Err(NotVerified::Kind(key.algorithm().to_string())),
        Err(_) => Err(NotVerified::DoesNotFit),
    }
}

fn is_known(key: &PublicKey) -> bool {
    let data = key.key_data();
    match data.ecdsa() {
        Some(key) => key.curve() != ssh_key::EcdsaCurve::NistP521,
        None => data.is_ed25519() || data.is_sk_ed25519() || data.is_sk_ecdsa_p256(),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use ssh_key::private::{Ed25519Keypair, KeypairData};

    /// A key that is the same in every run.
    pub(in crate::signing) fn key(seed: u8) -> PrivateKey {
        let pair = Ed25519Keypair::from_seed(&[seed; 32]);
        PrivateKey::new(KeypairData::from(pair), "a comment").unwrap()
    }

    #[test]
    fn a_signature_fits_the_bytes_that_were_signed_and_no_others() {
        let signature = sign(b"{\"pass\": 1}", &key(1)).unwrap();
        let signer = verify(b"{\"pass\": 1}", &signature).unwrap();
        assert_eq!(signer.key.key_data(), key(1).public_key().key_data());
        assert!(
            signer.told().starts_with("ssh-ed25519 key SHA256:"),
            "{}",
            signer.told()
        );
        for other in [&b"{\"pass\": 2}"[..], b"{\"pass\": 1}\n", b""] {
            assert_eq!(verify(other, &signature).unwrap_err(), NotVerified::DoesNotFit);
        }
    }

    #[test]
    fn a_signature_for_something_else_does_not_fit() {
        let commit = key(1).sign("git", HashAlg::Sha512, b"x").unwrap();
        let commit = commit.to_pem(LineEnding::LF).unwrap();
        let error = verify(b"x", &commit).unwrap_err();
        assert_eq!(error, NotVerified::Purpose("git".to_owned()));
    }

    #[test]
    fn what_is_no_signature_is_told() {
        let whole = sign(b"x", &key(1)).unwrap();
        let half = &whole[..whole.len() / 2];
        for text in ["", "signed by me", half, &whole.replace("SIGNATURE", "KEY")] {
            assert_eq!(verify(b"x", text).unwrap_err(), NotVerified::Malformed, "{text}");
        }
    }

    #[test]
    fn a_signature_without_its_line_end_and_with_those_of_windows_is_one() {
        let whole = sign(b"x", &key(1)).unwrap();
        for text in [whole.trim().to_owned(), whole.replace('\n', "\r\n")] {
            assert!(verify(b"x", &text).is_ok(), "{text:?}");
        }
    }
}
