//! The token of the control API.

use std::fmt;

use subtle::ConstantTimeEq;

/// The secret that gives access to the control API. It is never printed.
#[derive(Clone)]
pub struct Token(String);

/// A token cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// It can be guessed.
    #[error("the token is too short: at least {SHORTEST} characters are needed")]
    Short,
    /// It cannot stand in a header.
    #[error("the token may hold visible ASCII characters only, and no spaces")]
    Characters,
}

/// The number of characters that a token has at least.
const SHORTEST: usize = 16;

impl Token {
    /// A new one: 244 random bits.
    pub fn generate() -> Self {
        let half = || uuid::Uuid::new_v4().simple().to_string();
        Self(half() + &half())
    }

    /// One that somebody has chosen.
    ///
    /// # Errors
    /// When it is too short, or cannot stand in a header.
    pub fn chosen(text: &str) -> Result<Self, TokenError> {
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(TokenError::Characters);
        }
        if text.len() < SHORTEST {
            return Err(TokenError::Short);
        }
        Ok(Self(text.to_owned()))
    }

    /// The header that shows it.
    pub fn header(&self) -> String {
        format!("Authorization: Bearer {}", self.0)
    }

    /// Whether the value of an `Authorization` header shows it; compared in constant time.
    pub(super) fn is_shown_by(&self, value: &[u8]) -> bool {
        let (scheme, shown) = value.split_at_checked(7).unwrap_or((value, &[]));
        scheme.eq_ignore_ascii_case(b"Bearer ") && bool::from(shown.ct_eq(self.0.as_bytes()))
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_very_token_is_it() {
        let token = Token::chosen("0123456789abcdef").unwrap();
        assert!(token.is_shown_by(b"Bearer 0123456789abcdef"));
        assert!(token.is_shown_by(b"bearer 0123456789abcdef"));
        for wrong in [
            &b"Bearer 0123456789abcdeF"[..],
            b"Bearer 0123456789abcde",
            b"Bearer 0123456789abcdef0",
            b"Bearer ",
            b"Basic 0123456789abcdef",
            b"0123456789abcdef",
            b"",
        ] {
            assert!(!token.is_shown_by(wrong), "{}", String::from_utf8_lossy(wrong));
        }
        assert!(!format!("{token:?}").contains("0123"));
        assert_eq!(token.header(), "Authorization: Bearer 0123456789abcdef");
    }

    #[test]
    fn what_can_be_guessed_or_stands_in_no_header_is_refused() {
        assert_eq!(Token::chosen("0123456789abcde").unwrap_err(), TokenError::Short);
        assert_eq!(Token::chosen("").unwrap_err(), TokenError::Short);
        assert_eq!(
            Token::chosen("0123456789 abcdef").unwrap_err(),
            TokenError::Characters
        );
        assert_ne!(Token::generate().header(), Token::generate().header());
    }
}
