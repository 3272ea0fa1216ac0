//! A conversation that others had, judged by the ambient checks of live traffic: what passed between a hub and its subscribers
//! fills the stage, in place of mock subscribers that play on it.
//!
//! Who sent a request over HTTP, nobody can tell, and there may be subscribers that were not recorded: what depends on either
//! stays unjudged.

mod calls;
mod conclusion;
mod listener;
mod refusals;

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::Value;

use self::listener::Listener;
use super::claims::{CAPABILITIES, Claims};
use super::dialect::Dialect;
use super::play::Setting;
use super::target::{Target, TargetError};
use crate::capture::{Line, Message};
use crate::client::{Approach, HttpClient, Log, Trust, TrustError};
use crate::outcome::{Check, Entry, Observation};
use crate::protocol::{Version, WELL_KNOWN_PATH};
use crate::redaction::Redactor;
use crate::requirement::Catalogue;
use crate::scenario::{TemplateError, Templates};
use crate::schema::Schemas;

/// A conversation cannot be judged.
#[derive(Debug, thiserror::Error)]
pub enum OverheardError {
    /// The hub has no URL that could be one.
    #[error(transparent)]
    Target(#[from] TargetError),
    /// What a hub is reached by cannot be set up.
    #[error(transparent)]
    Trust(#[from] TrustError),
    /// The embedded templates cannot be read: a fault of castspec's.
    #[error(transparent)]
    Templates(#[from] TemplateError),
}

/// What became of the hub's requirements in a conversation.
#[derive(Debug, Default)]
pub struct Overheard {
    /// A check for every requirement that was tried.
    pub checks: Vec<Check>,
    /// Which readings of the specification the hub chose.
    pub observations: Vec<Observation>,
    /// What passed.
    pub transcript: Vec<Entry>,
}

/// Judges what a hub did in a conversation; the checks are those of a scenario of this name.
///
/// # Errors
/// When `hub_url` is no URL of a hub.
pub fn judge_overheard(
    scenario: &str,
    hub_url: &str,
    version: Version,
    catalogue: Arc<Catalogue>,
    schemas: Arc<Schemas>,
    lines: &[Line],
) -> Result<Overheard, OverheardError> {
    let target = Target::new(hub_url, version)?;
    // Nothing is sent: whom to trust is no question.
    let approach = Approach {
        trust: Trust {
            only_these: true,
            ..Trust::default()
        },
        ..Approach::default()
    };
    let redactor = Redactor::new(false, true);
    let setting = Setting {
        dialect: Dialect::new(hub_url, version),
        claims: Arc::new(claims(version, &target, lines)),
        catalogue,
        schemas,
        templates: Arc::new(Templates::embedded()?),
        http: HttpClient::new(&target.hub_url, &approach, Duration::ZERO)?,
        callbacks: None,
        endpoints: Mutex::default(),
        challenges: Mutex::default(),
        lost: Mutex::default(),
        began: Instant::now(),
        redactor: redactor.clone(),
        target,
    };
    let mut listener = Listener::new(&setting, Log::new(redactor, None));
    for line in lines {
        listener.hear(line);
    }
    Ok(listener.conclude(scenario))
}

/// What the hub says that it supports; where it was not asked, whatever it was seen to do.
fn claims(version: Version, target: &Target, lines: &[Line]) -> Claims {
    let path = format!("{}{WELL_KNOWN_PATH}", target.hub_url_text());
    let asked: Vec<u64> = lines
        .iter()
        .filter_map(|line| match &line.message {
            Message::Request { exchange, url, .. } if *url == path => Some(*exchange),
            _ => None,
        })
        .collect();
    let document = lines.iter().rev().find_map(|line| match &line.message {
        Message::Response {
            exchange,
            status: 200,
            body,
            ..
        } if asked.contains(exchange) => serde_json::from_str::<Value>(&body.text()).ok(),
        _ => None,
    });
    let mut claims = Claims::from_configuration(version, document.as_ref());
    if document.is_none() {
        for capability in CAPABILITIES {
            claims.set(capability, true, "the conversation");
        }
    }
    claims
}
