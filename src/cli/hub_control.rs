//! `castspec hub --control`, `--control-header` and `--trouble`.

use std::io::Write;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::Value;

use castspec_hub::Controls;
use castspec_hub::control_api::{ControlError, ControlServer, Token, TokenError};
use castspec_hub::faults::{Rule, RuleError};

/// Where a script puts a token of its own choice.
const TOKEN_VARIABLE: &str = "CASTSPEC_CONTROL_TOKEN";

/// Fault injection.
#[derive(Debug, Clone, Args)]
pub(super) struct FaultArguments {
    /// Serve the control API on this loopback address, any free port of 127.0.0.1 unless told; see docs/control.md. Its
    /// token comes from CASTSPEC_CONTROL_TOKEN, or is made and written by --control-header
    #[arg(long, value_name = "ADDRESS:PORT", num_args = 0..=1, default_missing_value = "127.0.0.1:0")]
    control: Option<SocketAddr>,

    /// Write the header with the control API's token to this file, for curl -H @FILE. Only its owner can read it
    #[arg(long, value_name = "FILE", requires = "control")]
    control_header: Option<PathBuf>,

    /// Put the rules of this file in force (YAML or JSON: one rule, or a list): deliveries that are lost, late, doubled, in
    /// disorder or corrupt (may be given more than once)
    #[arg(long, value_name = "FILE")]
    trouble: Vec<PathBuf>,
}

/// The control API or the fault rules cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum FaultError {
    /// Nobody could use the control API.
    #[error(
        "--control: nobody could use it without a token; let one be written with --control-header FILE, or set {TOKEN_VARIABLE}"
    )]
    NoToken,
    /// The chosen token is none.
    #[error("{TOKEN_VARIABLE}: {0}")]
    Token(#[from] TokenError),
    /// The control API could not be served.
    #[error(transparent)]
    Control(#[from] ControlError),
    /// The header could not be written.
    #[error("cannot write the control API's header to {}: {source}", path.display())]
    Header {
        /// Where it was to be written.
        path: PathBuf,
        /// What the operating system says.
        source: std::io::Error,
    },
    /// A file of rules could not be read.
    #[error("cannot read the fault rules from {}: {source}", path.display())]
    Read {
        /// Where they are.
        path: PathBuf,
        /// What the operating system says.
        source: std::io::Error,
    },
    /// A file of rules has a wrong form.
    #[error("{}: {problem}", path.display())]
    Form {
        /// The file.
        path: PathBuf,
        /// What is wrong, and where.
        problem: String,
    },
    /// A rule cannot be carried out.
    #[error("{}: rule {number}: {problem}", path.display())]
    Rule {
        /// The file.
        path: PathBuf,
        /// Which rule of it, from 1.
        number: usize,
        /// What is wrong, and where.
        problem: RuleError,
    },
}

impl FaultArguments {
    /// The token of the control API, where it is asked for.
    ///
    /// # Errors
    /// When there is none, or one that cannot be used.
    pub(super) fn token(&self) -> Result<Option<Token>, FaultError> {
        if self.control.is_none() {
            return Ok(None);
        }
        match std::env::var(TOKEN_VARIABLE) {
            Ok(chosen) => Ok(Some(Token::chosen(&chosen)?)),
            Err(_) if self.control_header.is_some() => Ok(Some(Token::generate())),
            Err(_) => Err(FaultError::NoToken),
        }
    }

    /// The rules of the files.
    ///
    /// # Errors
    /// When a file cannot be read, or has something else in it.
    pub(super) fn rules(&self) -> Result<Vec<(PathBuf, usize, Rule)>, FaultError> {
        let mut rules = Vec::new();
        for path in &self.trouble {
            let read = read_rules(path)?;
            let numbered = read.into_iter().zip(1..);
            rules.extend(numbered.map(|(rule, number)| (path.clone(), number, rule)));
        }
        Ok(rules)
    }

    /// Puts the rules in force and serves the control API.
    ///
    /// # Errors
    /// When a rule cannot be carried out, or the API cannot be served.
    pub(super) async fn begin(
        &self,
        controls: Controls,
        token: Option<Token>,
        rules: Vec<(PathBuf, usize, Rule)>,
    ) -> Result<Option<ControlServer>, FaultError> {
        for (path, number, rule) in rules {
            let added = controls.fault_rules().add(rule);
            added.map_err(|problem| FaultError::Rule {
                path,
                number,
                problem,
            })?;
        }
        let Some(token) = token else {
            return Ok(None);
        };
        let anywhere = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);
        if let Some(path) = &self.control_header {
            super::hub_tokens::write_private(path, &format!("{}\n", token.header())).map_err(|source| {
                FaultError::Header {
                    path: path.clone(),
                    source,
                }
            })?;
        }
        let listen = self.control.unwrap_or(anywhere);
        Ok(Some(ControlServer::start(controls, listen, token).await?))
    }
}

fn read_rules(path: &Path) -> Result<Vec<Rule>, FaultError> {
    let text = std::fs::read_to_string(path).map_err(|source| FaultError::Read {
        path: path.to_owned(),
        source,
    })?;
    // The form decides which of the two is meant: an error about either would name no place.
    let read = match serde_saphyr::from_str::<Value>(&text) {
        Ok(Value::Array(_)) => serde_saphyr::from_str(&text),
        Ok(_) => serde_saphyr::from_str(&text).map(|rule| vec![rule]),
        Err(error) => Err(error),
    };
    read.map_err(|error| FaultError::Form {
        path: path.to_owned(),
        problem: error.to_string(),
    })
}

/// Says where the control API listens.
pub(super) fn announce(control: Option<&ControlServer>, stdout: &mut impl Write) -> std::io::Result<()> {
    match control {
        Some(control) => writeln!(stdout, "castspec hub control listening on {}", control.url()),
        None => Ok(()),
    }
}
