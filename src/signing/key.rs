//! Keys as OpenSSH keeps them in files.

use ssh_key::{Algorithm, EcdsaCurve, PrivateKey, PublicKey};

/// A key cannot be used. What was wrong, without the name of the file, and without anything of the key.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum KeyError {
    /// The file holds a public key where a private one is needed.
    #[error("is a public key; signing needs the private one, which has the same name without .pub")]
    Public,
    /// The file is of another format.
    #[error("is no OpenSSH private key (ssh-keygen makes one: ssh-keygen -t ed25519 -f KEYFILE)")]
    NotPrivate,
    /// The file holds no public key.
    #[error("is no OpenSSH public key")]
    NotPublic,
    /// The key is encrypted, and there is no passphrase.
    #[error("is encrypted: put its passphrase into the environment variable CASTSPEC_KEY_PASSPHRASE")]
    Encrypted,
    /// The passphrase does not open the key.
    #[error("cannot be decrypted with the passphrase in CASTSPEC_KEY_PASSPHRASE")]
    WrongPassphrase,
    /// Keys of this kind cannot be used.
    #[error("is a key of the kind {0}; castspec signs with ed25519, and with ecdsa on nistp256 or nistp384")]
    Kind(String),
}

/// Reads a private key that can sign.
///
/// # Errors
/// When it is none, is of a kind that is not supported, or is encrypted and the passphrase does not open it.
pub fn private_key(text: &str, passphrase: Option<&str>) -> Result<PrivateKey, KeyError> {
    if PublicKey::from_openssh(text.trim()).is_ok() {
        return Err(KeyError::Public);
    }
    let key = PrivateKey::from_openssh(text.trim()).map_err(|_| KeyError::NotPrivate)?;
    match key.algorithm() {
        Algorithm::Ed25519
        | Algorithm::Ecdsa {
            curve: EcdsaCurve::NistP256 | EcdsaCurve::NistP384,
        } => {}
        other => return Err(KeyError::Kind(other.to_string())),
    }
    if !key.is_encrypted() {
        return Ok(key);
    }
    let passphrase = passphrase.ok_or(KeyError::Encrypted)?;
    key.decrypt(passphrase).map_err(|_| KeyError::WrongPassphrase)
}

/// Reads a public key, as in a file that ends in `.pub`.
///
/// # Errors
/// When it is none.
pub fn public_key(text: &str) -> Result<PublicKey, KeyError> {
    PublicKey::from_openssh(text.trim()).map_err(|_| KeyError::NotPublic)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signing::signature::tests::key;
    use ssh_key::LineEnding;
    use ssh_key::rand_core::OsRng;

    #[test]
    fn a_key_is_read_and_an_encrypted_one_with_its_passphrase() {
        let plain = key(1);
        let text = plain.to_openssh(LineEnding::LF).unwrap();
        assert_eq!(private_key(&text, None).unwrap().public_key(), plain.public_key());
        let encrypted = plain.encrypt(&mut OsRng, "a passphrase").unwrap();
        let text = encrypted.to_openssh(LineEnding::LF).unwrap();
        assert_eq!(private_key(&text, None).unwrap_err(), KeyError::Encrypted);
        let wrong = private_key(&text, Some("another")).unwrap_err();
        assert_eq!(wrong, KeyError::WrongPassphrase);
        assert!(!wrong.to_string().contains("another"));
        let opened = private_key(&text, Some("a passphrase")).unwrap();
        assert_eq!(opened.public_key(), plain.public_key());
    }

    #[test]
    fn what_is_no_private_key_is_told_apart() {
        let public = key(1).public_key().to_openssh().unwrap();
        assert_eq!(private_key(&public, None).unwrap_err(), KeyError::Public);
        for text in [
            "",
            "-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----\n",
        ] {
            assert_eq!(private_key(text, None).unwrap_err(), KeyError::NotPrivate);
        }
        assert_eq!(public_key("no key").unwrap_err(), KeyError::NotPublic);
        assert!(public_key(&format!("{public}\n")).is_ok());
    }
}
