//! Before the first scenario: is the hub there, what does it claim, and how does it want to be spoken to?

use std::sync::Arc;

use super::scenario_run::{ScenarioRun, Setting};
use super::scenario_setup::DEFAULT_CASE;
use super::target::Target;
use super::topics::Topics;
use crate::client::{HttpClient, Log, NoAnswer, OutgoingRequest};
use crate::judging::hub::Claims;
use crate::protocol::{Action, EventName, WELL_KNOWN_PATH};
use crate::redaction::Redactor;
use crate::scenario::Document;

/// The hub cannot be tested at all.
#[derive(Debug, thiserror::Error)]
pub enum PreflightError {
    /// Nothing answers there.
    #[error("the hub at {url} cannot be reached: {problem}{}", advice(problem))]
    Unreachable {
        /// `hub.url`.
        url: String,
        /// Why.
        problem: String,
    },
}

fn advice(problem: &str) -> &'static str {
    let problem = problem.to_ascii_lowercase();
    if problem.contains("unknownissuer") || problem.contains("unknown issuer") {
        "; its certificate comes from an authority that is not trusted here: name the authority by --ca-cert FILE"
    } else if problem.contains("invalidcontenttype") || problem.contains("corrupt message") {
        "; it speaks no TLS: is it an http:// URL?"
    } else if problem.contains("certificate") {
        "; see --ca-cert and --insecure"
    } else {
        ""
    }
}

/// Reads the configuration document and makes the claims of it.
///
/// # Errors
/// When nothing answers at all; a hub that answers with whatever status is there.
pub async fn claims(target: &Target, http: &HttpClient) -> Result<Arc<Claims>, PreflightError> {
    let url = format!("{}{WELL_KNOWN_PATH}", target.hub_url_text());
    let log = Log::new(Redactor::default(), None);
    let answer = http
        .send(&log, "castspec", &OutgoingRequest::get(&url))
        .await
        .map_err(|error: NoAnswer| PreflightError::Unreachable {
            url: target.hub_url_text(),
            problem: error.problem,
        })?;
    let document = answer
        .json
        .filter(|document| (200..300).contains(&answer.status) && document.is_object());
    let mut claims = Claims::from_configuration(target.version, document.as_ref());
    for (capability, claimed) in &target.claims {
        claims.set(*capability, *claimed, "the target's claims");
    }
    Ok(Arc::new(claims))
}

/// The conversation by which the hub's manner of taking published events is learnt.
const PROBE: &str = r#"
title: The hub takes an event
versions: [STU1, STU2, STU3]
subscribers:
  probe: {events: [EVENT]}
steps:
  - subscribe: [probe]
  - publish: {by: probe, event: EVENT}
"#;

/// Publishes one event as a subscriber would, so that the manner in which the hub takes events is known before anything is
/// judged. A hub that takes none in any manner is judged by the scenarios.
pub async fn learn_dialect(setting: &Setting, topics: &Topics) {
    let event = match setting.claims.events() {
        Some(events) => events
            .iter()
            .find(|event| event.is(Action::Open))
            .map_or("Patient-open", EventName::as_str),
        None => "Patient-open",
    };
    let Ok(document) = serde_saphyr::from_str::<Document>(&PROBE.replace("EVENT", event)) else {
        return;
    };
    let Ok(topic) = topics.take(1).await else { return };
    let log = Log::new(setting.redactor.clone(), None);
    let mut scenario_run = ScenarioRun::new(setting, &document, log, &topic);
    scenario_run.state.case(DEFAULT_CASE);
    let bound = setting.target.timing.response * 4;
    let taken = tokio::time::timeout(bound, scenario_run.perform(&document.steps)).await;
    if !matches!(taken, Ok(Ok(()))) {
        let why = setting.redactor.text(&format!("{taken:?}"));
        tracing::debug!("the hub's manner of taking events was not learnt: {why}");
    }
    let leaving = super::teardown::leave(&mut scenario_run, topics.are_lent());
    if tokio::time::timeout(bound, leaving).await.is_err() {
        tracing::debug!("the hub did not let go of the probe in time");
    }
    topics.give_back(topic).await;
}
