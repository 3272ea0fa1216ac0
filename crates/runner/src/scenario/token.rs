//! Access tokens of subscribers.

use schemars::JsonSchema;
use serde::Deserialize;

use super::written::AccessText;

/// The access token that a subscriber's requests carry.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(untagged)]
#[schemars(rename = "token")]
pub enum Token {
    /// None at all, or one that the hub must refuse.
    Word(TokenWord),
    /// One that may do less than everything.
    Restricted(Restriction),
}

/// A token that gives no access.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(rename = "token-word")]
pub enum TokenWord {
    /// No token.
    None,
    /// The first of those that must be refused.
    Rejected,
    /// The second of them.
    #[serde(rename = "rejected-2")]
    SecondRejected,
    /// A random one that nobody issued. It needs no word of the target.
    MadeUp,
}

/// A token that may do less than everything (auth.restricted). Events and accesses are written as in scopes, without their prefix:
/// `Patient-open.read`.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "restriction")]
pub struct Restriction {
    /// It allows all of these.
    #[serde(default)]
    #[schemars(with = "Vec<AccessText>")]
    pub may: Vec<String>,
    /// It allows none of these.
    #[serde(default)]
    #[schemars(with = "Vec<AccessText>")]
    pub may_not: Vec<String>,
    /// When it expires is known, and that is so many seconds after the run began, or earlier.
    pub expires_within: Option<u64>,
}

impl Token {
    /// The token, as it follows "names no token".
    pub fn describe(&self) -> String {
        match self {
            Self::Word(TokenWord::None | TokenWord::MadeUp) => {
                "at all, so that none can be missing or made up".to_owned()
            }
            Self::Word(TokenWord::Rejected) => "that must be refused (auth.rejected)".to_owned(),
            Self::Word(TokenWord::SecondRejected) => {
                "beside the first that must be refused (auth.rejected)".to_owned()
            }
            Self::Restricted(token) => {
                let mut parts = Vec::new();
                if !token.may.is_empty() {
                    parts.push(format!("may {}", token.may.join(", ")));
                }
                if !token.may_not.is_empty() {
                    parts.push(format!("may not {}", token.may_not.join(", ")));
                }
                if let Some(seconds) = token.expires_within {
                    parts.push(format!("is known to expire within {seconds} s"));
                }
                format!("that {} (auth.restricted)", parts.join(" and "))
            }
        }
    }
}
