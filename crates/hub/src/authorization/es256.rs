//! ES256 (RFC 7518, 3.4) by ring, which TLS brings along: the cryptography that jsonwebtoken offers would bring along another
//! library for every algorithm that is not used here.

use jsonwebtoken::crypto::{CryptoProvider, JwtSigner, JwtVerifier, KeyUtils};
use jsonwebtoken::errors::{ErrorKind, Result};
use jsonwebtoken::signature::{Error, Signer, Verifier};
use jsonwebtoken::{Algorithm, AlgorithmFamily, DecodingKey, EncodingKey};
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, UnparsedPublicKey,
};

static PROVIDER: CryptoProvider = CryptoProvider {
    signer_factory: signer,
    verifier_factory: verifier,
    // Only key sets that jsonwebtoken makes need it.
    key_utils: KeyUtils::new_unimplemented(),
};

/// Has to be called before anything is signed or read. Whoever embeds the hub may have installed a provider of their own, which
/// then stays.
pub(super) fn install() {
    if PROVIDER.install_default().is_err() {
        tracing::debug!("the process has its cryptography for tokens already");
    }
}

fn signer(algorithm: &Algorithm, key: &EncodingKey) -> Result<Box<dyn JwtSigner>> {
    check(*algorithm, key.family())?;
    let random = SystemRandom::new();
    let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, key.as_bytes(), &random)
        .map_err(|_| ErrorKind::InvalidEcdsaKey)?;
    Ok(Box::new(PrivateKey { pair, random }))
}

fn verifier(algorithm: &Algorithm, key: &DecodingKey) -> Result<Box<dyn JwtVerifier>> {
    check(*algorithm, key.family())?;
    let point = key.try_get_as_bytes()?.to_vec();
    Ok(Box::new(PublicKey(UnparsedPublicKey::new(
        &ECDSA_P256_SHA256_FIXED,
        point,
    ))))
}

fn check(algorithm: Algorithm, family: AlgorithmFamily) -> Result<()> {
    if algorithm != Algorithm::ES256 {
        return Err(ErrorKind::InvalidAlgorithm.into());
    }
    if family != AlgorithmFamily::Ec {
        return Err(ErrorKind::InvalidKeyFormat.into());
    }
    Ok(())
}

struct PrivateKey {
    pair: EcdsaKeyPair,
    random: SystemRandom,
}

impl Signer<Vec<u8>> for PrivateKey {
    fn try_sign(&self, message: &[u8]) -> std::result::Result<Vec<u8>, Error> {
        let signature = self.pair.sign(&self.random, message);
        signature
            .map(|signature| signature.as_ref().to_vec())
            .map_err(|_| Error::new())
    }
}

impl JwtSigner for PrivateKey {
    fn algorithm(&self) -> Algorithm {
        Algorithm::ES256
    }
}

struct PublicKey(UnparsedPublicKey<Vec<u8>>);

impl Verifier<Vec<u8>> for PublicKey {
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> std::result::Result<(), Error> {
        self.0.verify(message, signature).map_err(|_| Error::new())
    }
}

impl JwtVerifier for PublicKey {
    fn algorithm(&self) -> Algorithm {
        Algorithm::ES256
    }
}

#[cfg(test)]
mod tests {
    use jsonwebtoken::{Header, Validation};
    use serde_json::{Value, json};

    use super::*;

    fn pair() -> (EncodingKey, DecodingKey) {
        let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
        (
            EncodingKey::from_ec_der(&key.serialize_der()),
            DecodingKey::from_ec_der(key.public_key_raw()),
        )
    }

    #[test]
    fn a_token_is_read_with_the_key_that_signed_it_and_with_no_other() {
        install();
        let ((private, public), (_, another)) = (pair(), pair());
        let token = jsonwebtoken::encode(&Header::new(Algorithm::ES256), &json!({"a": 1}), &private).unwrap();
        let mut validation = Validation::new(Algorithm::ES256);
        validation.required_spec_claims.clear();
        validation.validate_exp = false;
        let read = |token: &str, key| jsonwebtoken::decode::<Value>(token, key, &validation);
        assert_eq!(read(&token, &public).unwrap().claims, json!({"a": 1}));
        assert!(read(&token, &another).is_err());
        let (signed, signature) = token.rsplit_once('.').unwrap();
        assert!(read(&format!("{signed}A.{signature}"), &public).is_err());
        assert!(read(&format!("{signed}."), &public).is_err());
        assert!(read(&format!("{token}AAAA"), &public).is_err());
    }

    #[test]
    fn no_other_algorithm_and_no_other_key_is_taken() {
        let (private, public) = pair();
        assert!(signer(&Algorithm::ES256, &private).is_ok());
        assert!(verifier(&Algorithm::ES256, &public).is_ok());
        for algorithm in [Algorithm::HS256, Algorithm::ES384, Algorithm::RS256] {
            assert!(signer(&algorithm, &private).is_err(), "{algorithm:?}");
            assert!(verifier(&algorithm, &public).is_err(), "{algorithm:?}");
        }
        assert!(signer(&Algorithm::ES256, &EncodingKey::from_secret(b"s")).is_err());
        assert!(verifier(&Algorithm::ES256, &DecodingKey::from_secret(b"s")).is_err());
        assert!(signer(&Algorithm::ES256, &EncodingKey::from_ec_der(b"no key")).is_err());
    }
}
