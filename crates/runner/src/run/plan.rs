//! What a run would play, and what it would leave out, without playing anything.

use std::sync::Arc;
use std::time::Instant;

use super::execution::{Materials, RunError, VersionPlan, prepare};
use super::first_contact;
use super::one_scenario::{Lack, lacks};
use super::target::Target;
use crate::outcome::Target as TargetTold;
use crate::redaction::Redactor;
use crate::scenario::Scenario;

/// What a run would do under one version.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The hub, and what it claims.
    pub target: TargetTold,
    /// How each capability is known to be claimed or not: its name, whether it is, and from where.
    pub claims: Vec<(String, bool, String)>,
    /// The scenarios, each with the reason why it would be skipped, where it would.
    pub scenarios: Vec<(Arc<Scenario>, Option<String>)>,
}

/// Knocks at a hub as a run does first: in a topic that nobody has, with a subscription that is ended at once. What there is to
/// tell of that is returned.
///
/// # Errors
/// As for a run.
pub async fn knock(target: Target, materials: &Materials) -> Result<Vec<String>, RunError> {
    let redactor = Redactor::new(materials.redact_resources, false);
    let plan = VersionPlan {
        target,
        scenarios: Vec::new(),
    };
    let (setting, _, _) = prepare(plan, materials, &redactor, Instant::now()).await?;
    let told = first_contact::knock(&setting).await?;
    Ok(told.into_iter().map(|line| redactor.text(&line)).collect())
}

/// Asks the hub for its configuration document, and nothing else.
///
/// # Errors
/// As for a run.
pub async fn plan(version_plans: Vec<VersionPlan>, materials: Materials) -> Result<Vec<Plan>, RunError> {
    let redactor = Redactor::new(materials.redact_resources, false);
    let mut plans = Vec::new();
    for version_plan in version_plans {
        let (setting, target, scenarios) =
            prepare(version_plan, &materials, &redactor, Instant::now()).await?;
        let scenarios = scenarios.into_iter().map(|scenario| {
            let adapted = scenario.adapted(&setting.catalogue, |event| setting.grants(event));
            let why = match adapted {
                Some(adapted) => lacks(&setting, &adapted.scenario),
                None => lacks(&setting, &scenario),
            };
            let why = why.map(Lack::why);
            (scenario, why)
        });
        plans.push(Plan {
            target,
            scenarios: scenarios.collect(),
            claims: setting.claims.with_origins(),
        });
    }
    if plans.is_empty() {
        return Err(RunError::NoTarget);
    }
    Ok(plans)
}
