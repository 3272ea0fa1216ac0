//! Access tokens that need no launch, for scripts and runs.

use std::time::Duration;

use jiff::SignedDuration;

use castspec_fhircast::protocol::{ScopeError, Scopes};
use castspec_hub::authorization::{Authorization, Options, SigningError};

/// The client that the tokens are issued to.
const CLIENT: &str = "castspec-script";
/// The longest life of the restricted token that ends soon.
const SHORT: Duration = Duration::from_secs(600);

/// A token could not be made.
#[derive(Debug, thiserror::Error)]
pub enum TokensError {
    /// It could not be signed.
    #[error(transparent)]
    Signing(#[from] SigningError),
    /// A scope of it is none.
    #[error(transparent)]
    Scope(#[from] ScopeError),
}

/// A token that may do everything, some that may do less, and some that must be refused.
pub struct ScriptTokens {
    /// May do everything. Secret.
    pub all: String,
    /// May do less.
    pub restricted: Vec<ScriptToken>,
    /// Must be refused: why, and the token.
    pub rejected: Vec<(&'static str, String)>,
}

/// A token that may do less than everything, or not for long.
pub struct ScriptToken {
    /// The scopes that it has.
    pub scopes: Scopes,
    /// The same, as a scope is written.
    pub scope: &'static str,
    /// The token itself: secret.
    pub token: String,
    /// Its life from now on.
    pub life: Duration,
}

impl ScriptTokens {
    /// Issues them for the hub at this URL.
    ///
    /// # Errors
    /// When a token cannot be made.
    pub fn issue(
        authorization: &Authorization,
        hub_url: &str,
        lifetime: Duration,
    ) -> Result<Self, TokensError> {
        let issue = |scope: &'static str, life: Duration| {
            let signed = SignedDuration::try_from(life).unwrap_or(SignedDuration::MAX);
            let scopes = Scopes::parse(scope)?;
            let issued = authorization.issue(CLIENT, scopes.clone(), signed)?;
            Ok::<_, TokensError>(ScriptToken {
                scopes,
                scope,
                token: issued.token,
                life,
            })
        };
        let all = Scopes::parse("fhircast/*.*")?;
        let hour = SignedDuration::from_hours(1);
        let expired = authorization.issue(CLIENT, all.clone(), SignedDuration::ZERO - hour)?;
        let other = Authorization::new("https://other.example.org", hub_url, &Options::default())?;
        let foreign = other.issue(CLIENT, all, hour)?;
        Ok(Self {
            all: issue("fhircast/*.*", lifetime)?.token,
            restricted: vec![
                issue("fhircast/Patient-open.read fhircast/Patient-close.read", lifetime)?,
                issue("fhircast/*.read", lifetime)?,
                issue("fhircast/*.write", lifetime)?,
                issue("fhircast/*.*", lifetime.min(SHORT))?,
            ],
            rejected: vec![
                ("expired", expired.token),
                ("issued by another server", foreign.token),
            ],
        })
    }
}
