//! Whether a notification at a callback is signed as its secret asks (STU1 and STU2, `X-Hub-Signature`).

use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use sha2::{Sha256, Sha384, Sha512};

/// What the signature of a notification is worth.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Signature {
    /// There is none.
    Missing,
    /// The header stands more than once, or its value is not `method=signature` in hexadecimal.
    Malformed,
    /// The method is none of those that are recognized (ambiguities, 71).
    UnknownMethod,
    /// It is that of other bytes, or made with another key than any that was given.
    Wrong,
    /// It is written as one, and the secret is not known.
    Unverifiable,
    /// It is that of the body with the secret at this position among those that were given.
    Right(usize),
}

impl Signature {
    /// The finding in a word or two, for scenarios.
    pub fn in_words(&self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Malformed => "malformed",
            Self::UnknownMethod => "unknown method",
            Self::Wrong => "wrong",
            Self::Unverifiable => "unverifiable",
            Self::Right(_) => "right",
        }
    }

    /// Judges the form of the values of the header, without knowing the secret.
    pub fn unverifiable(values: &[&str]) -> Self {
        match Self::of(values, &[], &[]) {
            Self::Wrong | Self::Right(_) => Self::Unverifiable,
            found => found,
        }
    }

    /// Judges the values of the header against the very bytes of the body. Of secrets that are equal, the last one counts.
    pub fn of(values: &[&str], body: &[u8], secrets: &[String]) -> Self {
        let value = match values {
            [] => return Self::Missing,
            [value] => value.trim(),
            _ => return Self::Malformed,
        };
        let Some((method, digits)) = value.split_once('=') else {
            return Self::Malformed;
        };
        let Ok(stated) = hex::decode(digits) else {
            return Self::Malformed;
        };
        let matches: fn(&[u8], &[u8], &[u8]) -> bool = match method.to_ascii_lowercase().as_str() {
            "sha1" => matches_with::<Hmac<Sha1>>,
            "sha256" => matches_with::<Hmac<Sha256>>,
            "sha384" => matches_with::<Hmac<Sha384>>,
            "sha512" => matches_with::<Hmac<Sha512>>,
            "" => return Self::Malformed,
            _ => return Self::UnknownMethod,
        };
        let found = secrets
            .iter()
            .rposition(|secret| matches(secret.as_bytes(), body, &stated));
        found.map_or(Self::Wrong, Self::Right)
    }
}

/// Compares in constant time.
fn matches_with<M: Mac + KeyInit>(secret: &[u8], body: &[u8], stated: &[u8]) -> bool {
    // An HMAC takes keys of any length.
    let Ok(mut mac) = <M as KeyInit>::new_from_slice(secret) else {
        return false;
    };
    mac.update(body);
    mac.verify_slice(stated).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 2202 and RFC 4231, test case 2.
    const BODY: &[u8] = b"what do ya want for nothing?";
    const SHA256: &str = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";

    fn judged(value: &str) -> Signature {
        Signature::of(&[value], BODY, &["other".to_owned(), "Jefe".to_owned()])
    }

    #[test]
    fn the_vectors_of_every_method_are_right() {
        for value in [
            "sha1=effcdf6ae5eb2fa2d27416d5f184df9c259a7c79".to_owned(),
            format!("sha256={SHA256}"),
            format!("SHA256={}", SHA256.to_uppercase()),
            "sha384=af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e8e2240ca5e69e2c78b3239ecfab21649".to_owned(),
            "sha512=164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737".to_owned(),
        ] {
            assert_eq!(judged(&value), Signature::Right(1), "{value}");
        }
    }

    #[test]
    fn what_is_wrong_with_a_signature_is_told_apart() {
        assert_eq!(Signature::of(&[], BODY, &[]), Signature::Missing);
        for value in [
            "",
            SHA256,
            "sha256=",
            "=00",
            "sha256=xyz",
            "sha256=0",
            "sha256 5b",
        ] {
            let expected = if value == "sha256=" {
                Signature::Wrong
            } else {
                Signature::Malformed
            };
            assert_eq!(judged(value), expected, "{value}");
        }
        assert_eq!(
            judged("md5=750c783e6ab0b503eaa86e310a5db738"),
            Signature::UnknownMethod
        );
        assert_eq!(judged(&format!("sha512={SHA256}")), Signature::Wrong);
        assert_eq!(
            judged(&format!("sha256={}", SHA256.replace('5', "6"))),
            Signature::Wrong
        );
        let twice = format!("sha256={SHA256}");
        assert_eq!(
            Signature::of(&[&twice, &twice], BODY, &["Jefe".to_owned()]),
            Signature::Malformed
        );
    }
    #[test]
    fn without_the_secret_only_the_form_of_a_signature_is_judged() {
        let signed = format!("sha256={SHA256}");
        for (values, expected) in [
            (&[signed.as_str()][..], Signature::Unverifiable),
            (&[], Signature::Missing),
            (&[SHA256], Signature::Malformed),
            (&[&signed, &signed], Signature::Malformed),
            (&["md5=00"], Signature::UnknownMethod),
        ] {
            assert_eq!(Signature::unverifiable(values), expected, "{values:?}");
        }
    }

    #[test]
    fn of_equal_secrets_the_last_one_counts() {
        let secrets = ["Jefe", "other", "Jefe", "another"].map(str::to_owned);
        let found = Signature::of(&[&format!("sha256={SHA256}")], BODY, &secrets);
        assert_eq!(found, Signature::Right(2));
    }

    #[test]
    fn every_finding_has_the_word_that_scenarios_use() {
        for (finding, words) in [
            (Signature::Missing, "missing"),
            (Signature::Malformed, "malformed"),
            (Signature::UnknownMethod, "unknown method"),
            (Signature::Wrong, "wrong"),
            (Signature::Unverifiable, "unverifiable"),
            (Signature::Right(0), "right"),
            (Signature::Right(1), "right"),
        ] {
            assert_eq!(finding.in_words(), words);
        }
    }
}
