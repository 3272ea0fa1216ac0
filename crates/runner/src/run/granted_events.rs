//! Scenarios with the events that this hub grants, and what is told of that.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::emitter::Emitter;
use super::scenario_run::Setting;
use crate::outcome::{Accommodation, RunEvent};
use crate::protocol::EventName;
use crate::scenario::{Anchor, Scenario};

/// The scenarios as they are played at this hub; what is otherwise than written is told once.
pub(super) fn with_granted_events(
    setting: &Setting,
    scenarios: Vec<Arc<Scenario>>,
    emit: &Emitter,
) -> Vec<Arc<Scenario>> {
    let mut exchanged = BTreeSet::new();
    let mut left_out = BTreeSet::new();
    let adapt =
        |scenario: Arc<Scenario>| match scenario.adapted(&setting.catalogue, |event| setting.grants(event)) {
            Some(adapted) => {
                exchanged.extend(adapted.exchange);
                left_out.extend(adapted.left_out);
                adapted.scenario
            }
            None => scenario,
        };
    let adapted = scenarios.into_iter().map(adapt).collect();
    let exchanges = exchanged
        .iter()
        .map(|(from, to)| why_exchanged(setting, *from, *to));
    for what in exchanges.chain(told_left_out(&left_out)) {
        emit.send(RunEvent::Accommodated(Accommodation {
            fhircast_version: setting.target.version,
            what,
            requirement: None,
            cause: None,
        }));
    }
    adapted
}

fn why_exchanged(setting: &Setting, from: Anchor, to: Anchor) -> String {
    let (from_name, to_name) = (from.resource_type(), to.resource_type());
    let of_anchor = [from.open(), from.close()];
    let is_granted = |event: &EventName| setting.grants(event);
    let of_anchor: Vec<EventName> = of_anchor.into_iter().flatten().collect();
    let missing: Vec<&str> = of_anchor
        .iter()
        .filter(|event| !is_granted(event))
        .map(EventName::as_str)
        .collect();
    match missing.as_slice() {
        [one] if of_anchor.len() > 1 => {
            format!("scenarios that need {one} use {to_name} events: the hub does not grant {one}")
        }
        [] => format!("scenarios use {to_name} events in place of {from_name} events, whose place is taken"),
        _ => format!("scenarios use {to_name} events: the hub grants no {from_name} events"),
    }
}

fn told_left_out(left_out: &BTreeSet<EventName>) -> Option<String> {
    let names: Vec<&str> = left_out.iter().map(EventName::as_str).collect();
    (!names.is_empty()).then(|| {
        format!(
            "subscriptions leave out what the hub does not grant: {}",
            names.join(", ")
        )
    })
}
