//! `castspec hub --auth --tokens-out`: a target file with access tokens that need no launch, for scripts.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::SignedDuration;
use toml::{Table, Value};

use crate::authorization::{Authorization, Options, SigningError};
use crate::hub::{Edition, Server};
use crate::protocol::{ScopeError, Scopes};

/// Who the tokens are issued to.
const CLIENT: &str = "castspec-script";

/// How much shorter the life of a restricted token is at the longest.
const SHORT: Duration = Duration::from_secs(600);

/// The tokens could not be written.
#[derive(Debug, thiserror::Error)]
pub enum TokensError {
    /// A token could not be made.
    #[error(transparent)]
    Signing(#[from] SigningError),
    /// A scope of a token is none.
    #[error(transparent)]
    Scope(#[from] ScopeError),
    /// The file could not be written.
    #[error("cannot write the tokens to {}: {source}", path.display())]
    Write {
        /// Where they were to be written.
        path: PathBuf,
        /// What the operating system says.
        source: std::io::Error,
    },
    /// The file could not be put into its format.
    #[error("cannot write the tokens as TOML: {0}")]
    Format(#[from] toml::ser::Error),
}

/// Writes a target file for this hub: a token that may do everything, some that may do less, and some that are none.
///
/// # Errors
/// When a token cannot be made or the file cannot be written.
pub(super) fn write(
    path: &Path,
    server: &Server,
    authorization: &Authorization,
    lifetime: Duration,
    authority: Option<&Path>,
) -> Result<(), TokensError> {
    let failed = |source| TokensError::Write {
        path: path.to_owned(),
        source,
    };
    let mut file = Table::new();
    let mut named = |name: &str, value: String| file.insert(name.to_owned(), Value::String(value));
    named("hub_url", server.url().to_owned());
    let versions = server.urls().next();
    if let Some((version, _)) = versions {
        named("fhircast_version", version.name().to_owned());
    }
    if let Some(authority) = authority {
        // A relative path would be looked for beside the target file.
        let absolute = std::path::absolute(authority).map_err(failed)?;
        named("ca_cert", absolute.display().to_string());
    }
    let edition = versions.map(|(version, _)| Edition::of(version));
    let patient = |action: &str| {
        let name = format!("Patient-{action}");
        edition.map_or(name.clone(), |edition| edition.own_name(&name))
    };

    let mut auth = entry(authorization, "fhircast/*.*", lifetime)?;
    auth.remove("scopes");
    auth.remove("expires_in");
    let short = lifetime.min(SHORT);
    let patients = format!(
        "fhircast/{}.read fhircast/{}.read",
        patient("open"),
        patient("close")
    );
    let restricted = [
        (patients.as_str(), lifetime),
        ("fhircast/*.read", lifetime),
        ("fhircast/*.write", lifetime),
        ("fhircast/*.*", short),
    ];
    let restricted: Vec<_> = restricted
        .into_iter()
        .map(|(scopes, life)| entry(authorization, scopes, life).map(Value::Table))
        .collect::<Result<_, _>>()?;
    auth.insert("restricted".to_owned(), restricted.into());

    let all = Scopes::parse("fhircast/*.*")?;
    let hour = SignedDuration::from_hours(1);
    let expired = authorization.issue(CLIENT, all.clone(), SignedDuration::ZERO - hour)?;
    let other = Authorization::new("https://other.example.org", server.url(), &Options::default())?;
    let foreign = other.issue(CLIENT, all, hour)?;
    let rejected = [("expired", expired), ("issued by another server", foreign)].map(|(why, issued)| {
        let pairs = [("why", why.to_owned()), ("token", issued.token)];
        Value::Table(
            pairs
                .map(|(name, value)| (name.to_owned(), value.into()))
                .into_iter()
                .collect(),
        )
    });
    auth.insert("rejected".to_owned(), rejected.to_vec().into());
    file.insert("auth".to_owned(), auth.into());
    let claims = Table::from_iter([("authorization".to_owned(), true.into())]);
    file.insert("claims".to_owned(), claims.into());
    write_private(path, &toml::to_string(&file)?).map_err(failed)
}

fn entry(authorization: &Authorization, scopes: &str, life: Duration) -> Result<Table, TokensError> {
    let signed = SignedDuration::try_from(life).unwrap_or(SignedDuration::MAX);
    let issued = authorization.issue(CLIENT, Scopes::parse(scopes)?, signed)?;
    let seconds = i64::try_from(life.as_secs()).unwrap_or(i64::MAX);
    Ok(Table::from_iter([
        ("scopes".to_owned(), scopes.into()),
        ("token".to_owned(), issued.token.into()),
        ("expires_in".to_owned(), seconds.into()),
    ]))
}

/// Writes a file that nobody but its owner can read, whatever it was before.
fn write_private(path: &Path, text: &str) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    let mut file = options.open(path)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        file.set_permissions(std::fs::Permissions::from_mode(0o600))?;
    }
    file.write_all(text.as_bytes())
}
