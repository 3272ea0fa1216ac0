//! `castspec hub --client-id`: the client that has a secret.

use clap::Args;

use castspec_hub::authorization::{Client, ClientError};

/// Where the secret is taken from, where no process list can show it.
const SECRET_VARIABLE: &str = "CASTSPEC_CLIENT_SECRET";

/// A client of the authorization server.
#[derive(Clone, Args)]
pub(super) struct ClientArguments {
    /// Give this client, which shows a secret, tokens of its own too (client_credentials); its secret is in the environment, as
    /// CASTSPEC_CLIENT_SECRET
    #[arg(long, value_name = "ID", requires = "auth")]
    client_id: Option<String>,

    /// The secret of that client, where other users of this machine may see it: better given as CASTSPEC_CLIENT_SECRET
    #[arg(long, value_name = "SECRET", requires = "client_id")]
    client_secret: Option<String>,
}

/// The client cannot be registered.
#[derive(Debug, thiserror::Error)]
pub enum ClientArgumentError {
    /// It has no secret.
    #[error("--client-id: the client needs a secret; set {SECRET_VARIABLE}")]
    NoSecret,
    /// Its id or its secret is none.
    #[error("--client-id: {0}")]
    Client(#[from] ClientError),
}

impl ClientArguments {
    /// The client, where one is named.
    ///
    /// # Errors
    /// When it has no secret, or one that cannot be sent.
    pub(super) fn client(&self) -> Result<Option<Client>, ClientArgumentError> {
        let Some(id) = &self.client_id else {
            return Ok(None);
        };
        let secret = match &self.client_secret {
            Some(secret) => secret.clone(),
            None => std::env::var(SECRET_VARIABLE).map_err(|_| ClientArgumentError::NoSecret)?,
        };
        Ok(Some(Client::new(id, &secret)?))
    }
}

impl std::fmt::Debug for ClientArguments {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ClientArguments")
            .field("client_id", &self.client_id)
            .finish_non_exhaustive()
    }
}
