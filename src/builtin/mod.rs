//! The simulator in this process as a hub under test: a target of a run that needs nothing but castspec.

mod tokens;

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, SocketAddr};

pub use tokens::{ScriptTokens, TokensError};

use castspec_fhircast::protocol::Version;
use castspec_hub::authorization::Options;
use castspec_hub::{CallbackHosts, Defect, HubError, Limits, Server, Settings, Transport};
use castspec_runner::run::{RejectedToken, RestrictedToken, Target, TargetError};

/// The simulator could not be started as a target.
#[derive(Debug, thiserror::Error)]
pub enum BuiltinError {
    /// The hub did not start.
    #[error(transparent)]
    Start(#[from] HubError),
    /// Its URL is none.
    #[error(transparent)]
    Target(#[from] TargetError),
    /// It has no tokens.
    #[error(transparent)]
    Tokens(#[from] TokensError),
}

/// Starts the simulator on the loopback interface, demanding access tokens, in these versions; the targets have the tokens.
///
/// # Errors
/// When it cannot be started.
pub async fn start(
    defects: BTreeSet<Defect>,
    versions: &[Version],
    transport: Transport,
) -> Result<(Server, Vec<Target>), BuiltinError> {
    let options = Options::default();
    let lifetime = options.lifetime;
    let settings = Settings {
        version: versions.first().copied().unwrap_or(Version::Stu3),
        defects: defects.into_iter().collect(),
        authorization: Some(options),
        // The mock subscribers are where the user says that they are.
        callbacks_to: CallbackHosts::everywhere(),
        limits: Limits {
            ack_timeout: Target::BUILT_IN_ACK_TIMEOUT,
            ..Limits::default()
        },
        ..Settings::default()
    };
    let anywhere = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let server = Server::start_versions(settings, versions, anywhere, transport).await?;
    let tokens = match server.authorization() {
        Some(authorization) => Some(ScriptTokens::issue(authorization, server.url(), lifetime)?),
        None => None,
    };
    let mut targets = Vec::new();
    for (version, url) in server.urls() {
        let mut target = Target::built_in(url, server.authority_pem(), version)?;
        if let Some(tokens) = &tokens {
            target.approach.token = Some(tokens.all.clone());
            let restricted = tokens.restricted.iter().map(|token| RestrictedToken {
                scopes: token.scopes.clone(),
                token: token.token.clone(),
                expires_in: Some(token.life),
            });
            target.restricted = restricted.collect();
            let rejected = tokens.rejected.iter().map(|(why, token)| RejectedToken {
                why: (*why).to_owned(),
                token: token.clone(),
            });
            target.rejected = rejected.collect();
            target
                .claims
                .insert(castspec_fhircast::requirement::Capability::Authorization, true);
        }
        targets.push(target);
    }
    Ok((server, targets))
}
