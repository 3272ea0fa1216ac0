//! `castspec hub --auth --tokens-out`: a target file with access tokens that need no launch, for scripts.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use toml::{Table, Value};

use crate::builtin::ScriptTokens;
use castspec_hub::Server;
use castspec_hub::authorization::Authorization;

/// The tokens could not be written.
#[derive(Debug, thiserror::Error)]
pub enum TokensError {
    /// A token could not be made.
    #[error(transparent)]
    Issue(#[from] crate::builtin::TokensError),
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
    if let Some((version, _)) = server.urls().next() {
        named("fhircast_version", version.name().to_owned());
    }
    if let Some(authority) = authority {
        // A relative path would be looked for beside the target file.
        let absolute = std::path::absolute(authority).map_err(failed)?;
        named("ca_cert", absolute.display().to_string());
    }
    let tokens = ScriptTokens::issue(authorization, server.url(), lifetime)?;
    let table = |pairs: Vec<(&str, Value)>| {
        let pairs = pairs.into_iter().map(|(name, value)| (name.to_owned(), value));
        Table::from_iter(pairs)
    };
    let restricted = tokens.restricted.iter().map(|token| {
        let seconds = i64::try_from(token.life.as_secs()).unwrap_or(i64::MAX);
        Value::Table(table(vec![
            ("scopes", token.scope.into()),
            ("token", token.token.clone().into()),
            ("expires_in", seconds.into()),
        ]))
    });
    let rejected = tokens.rejected.iter().map(|(why, token)| {
        Value::Table(table(vec![
            ("why", (*why).into()),
            ("token", token.clone().into()),
        ]))
    });
    let auth = table(vec![
        ("token", tokens.all.clone().into()),
        ("restricted", Value::Array(restricted.collect())),
        ("rejected", Value::Array(rejected.collect())),
    ]);
    file.insert("auth".to_owned(), auth.into());
    let claims = Table::from_iter([("authorization".to_owned(), true.into())]);
    file.insert("claims".to_owned(), claims.into());
    write_private(path, &toml::to_string(&file)?).map_err(failed)
}

/// Writes a file that nobody but its owner can read, whatever it was before.
pub(super) fn write_private(path: &Path, text: &str) -> std::io::Result<()> {
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
