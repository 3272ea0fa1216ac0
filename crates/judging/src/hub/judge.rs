//! The judge: it collects the findings of one scenario, and concludes a check of each requirement.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value;

use super::base_fhir::Authored;
use super::breach::{Breach, Place};
use super::claims::Claims;
use super::finding::{Finding, check_of};
use super::missing::Unheld;
use crate::Spot;
use crate::outcome::{Check, Entry, Observation, Verdict};
use crate::protocol::Version;
use crate::requirement::{Actor, Capability, Catalogue, Requirement, RequirementId};
use crate::schema::{Judgement, MessageKind, Schemas, Sender, Unmet};

/// What a request asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RequestKind {
    /// A subscription.
    Subscribe,
    /// The end of a subscription.
    Unsubscribe,
    /// The distribution of an event.
    Publish,
}

/// A refusal that counts only when a proper request of the same kind was accepted in the same scenario.
#[derive(Debug)]
struct Refusal {
    requirement: RequirementId,
    kind: RequestKind,
    place: Place,
}

/// Collects the findings of one conversation.
#[derive(Debug)]
pub struct Judge {
    catalogue: Arc<Catalogue>,
    schemas: Arc<Schemas>,
    version: Version,
    claims: Arc<Claims>,
    findings: BTreeMap<RequirementId, Vec<Finding>>,
    refusals: Vec<Refusal>,
    accepted: BTreeSet<RequestKind>,
    readings: Vec<(String, String)>,
    malformed: Vec<Malformed>,
    authored: Vec<Authored>,
}

/// A place of a message that its schema has found wrong.
#[derive(Debug)]
struct Malformed {
    sequence: usize,
    pointer: String,
    /// What lies below is as wrong as the place itself.
    throughout: bool,
    requirement: RequirementId,
}

impl Malformed {
    fn covers(&self, place: &Place) -> bool {
        let Some(pointer) = &place.pointer else {
            return false;
        };
        let below = pointer.strip_prefix(&self.pointer);
        self.sequence == place.sequence
            && below.is_some_and(|rest| rest.is_empty() || (self.throughout && rest.starts_with('/')))
    }
}

impl Judge {
    /// A judge without findings.
    pub fn new(
        catalogue: Arc<Catalogue>,
        schemas: Arc<Schemas>,
        version: Version,
        claims: Arc<Claims>,
    ) -> Self {
        Self {
            catalogue,
            schemas,
            version,
            claims,
            findings: BTreeMap::new(),
            refusals: Vec::new(),
            accepted: BTreeSet::new(),
            readings: Vec::new(),
            malformed: Vec::new(),
            authored: Vec::new(),
        }
    }

    /// The version that is judged under.
    pub fn version(&self) -> Version {
        self.version
    }

    /// Whether the hub claims this.
    pub fn claims(&self, capability: Capability) -> bool {
        self.claims.has(capability)
    }

    /// The requirement was tried and held.
    pub fn held(&mut self, requirement: impl Into<RequirementId>) {
        self.find(requirement, Finding::Held);
    }

    /// The requirement was tried and did not hold.
    pub fn broken(&mut self, requirement: impl Into<RequirementId>, breach: Breach) {
        self.find(requirement, Finding::Broken(breach));
    }

    /// A place of a message does not meet its schema. What a scenario or an ambient check finds wrong at that same place is
    /// the same mistake seen twice, and is not held against the hub under another requirement.
    fn malformed(&mut self, requirement: impl Into<RequirementId>, place: &Place, throughout: bool) {
        self.malformed.push(Malformed {
            sequence: place.sequence,
            pointer: place.pointer.clone().unwrap_or_default(),
            throughout,
            requirement: requirement.into(),
        });
    }

    /// The requirement was tried: it held, or there is a breach.
    pub fn tried(&mut self, requirement: impl Into<RequirementId>, breach: Option<Breach>) {
        match breach {
            None => self.held(requirement),
            Some(breach) => self.broken(requirement, breach),
        }
    }

    /// The requirement was not seen to hold; `checks` are requirements that build on the same message.
    pub fn unheld<C: Into<RequirementId>>(
        &mut self,
        requirement: impl Into<RequirementId>,
        checks: impl IntoIterator<Item = C>,
        unheld: Unheld,
    ) {
        let told = match unheld {
            Unheld::Inapplicable(why) => {
                self.inapplicable(requirement, &why);
                for check in checks {
                    self.inapplicable(check, &why);
                }
                return;
            }
            Unheld::Unreached(why) => {
                self.unreached(requirement, &why);
                why
            }
            Unheld::Broken(breach) => {
                let told = breach.message.clone();
                self.broken(requirement, breach);
                told
            }
        };
        for check in checks {
            self.unreached(check, &told);
        }
    }

    /// The requirement could not be tried.
    pub fn unreached(&mut self, requirement: impl Into<RequirementId>, why: &str) {
        self.find(requirement, Finding::Unreached(why.to_owned()));
    }

    /// The requirement has nothing to say here.
    pub fn inapplicable(&mut self, requirement: impl Into<RequirementId>, why: &str) {
        self.find(requirement, Finding::Inapplicable(why.to_owned()));
    }

    /// The hub refused a request that it must refuse; see [`Judge::accepted`].
    pub fn refused(&mut self, requirement: impl Into<RequirementId>, kind: RequestKind, place: Place) {
        self.refusals.push(Refusal {
            requirement: requirement.into(),
            kind,
            place,
        });
    }

    /// The hub accepted a proper request of this kind: refusals of that kind mean something.
    pub fn accepted(&mut self, kind: RequestKind) {
        self.accepted.insert(kind);
    }

    /// The hub chose a reading.
    pub fn reading(&mut self, subject: &str, reading: &str) {
        let reading = (subject.to_owned(), reading.to_owned());
        if !self.readings.contains(&reading) {
            self.readings.push(reading);
        }
    }

    /// The hub made these resources itself.
    pub fn authored(&mut self, resources: Vec<Authored>) {
        self.authored.extend(resources);
    }

    /// The resources that the hub made itself, to be looked at by [`super::readings`]; they are forgotten here.
    pub fn take_authored(&mut self) -> Vec<Authored> {
        std::mem::take(&mut self.authored)
    }

    /// Whether the version has messages of this kind.
    pub fn knows(&self, kind: MessageKind) -> bool {
        self.schemas.has(kind)
    }

    /// Judges a whole message by its schema.
    pub fn message(&mut self, kind: MessageKind, message: &Value, spot: Spot) {
        let judgement = self.schemas.judge(kind, message);
        self.judgement(&judgement, message, spot, "");
    }

    /// Judges the name of a notification's event by the schema, and nothing else of it.
    pub fn name_of_event(&mut self, notification: &Value, spot: Spot) {
        let mut judgement = self.schemas.judge(MessageKind::Notification, notification);
        judgement.satisfied.clear();
        judgement
            .violations
            .retain(|violation| violation.pointer == "/event/hub.event");
        self.judgement(&judgement, notification, spot, "");
    }

    /// Judges the event of a notification that the hub made itself by the schemas of its context.
    pub fn event_of_hub(&mut self, name: &str, event: &Value, spot: Spot) {
        let judgement = self.schemas.judge_context_of(Sender::Hub, name, event);
        self.judgement(&judgement, event, spot, "/event");
    }

    /// Takes in what the schemas say: `judged` is what was judged, which lies in the message at `prefix`.
    fn judgement(&mut self, judgement: &Judgement, judged: &Value, spot: Spot, prefix: &str) {
        let (catalogue, version) = (self.catalogue.clone(), self.version);
        let binds_hub = |id: &str| {
            let requirement = catalogue.get(version, id);
            requirement.is_some_and(|requirement| requirement.actor == Actor::Hub)
        };
        for requirement in judgement.satisfied.iter().filter(|id| binds_hub(id)) {
            self.held(requirement);
        }
        let violations = judgement.violations.iter();
        for violation in violations.filter(|violation| binds_hub(&violation.requirement)) {
            let pointer = format!("{prefix}{}", violation.pointer);
            let breach = Breach {
                message: violation.message.clone(),
                places: vec![Place::within(spot.sequence, &pointer)],
                unmet: violation.unmet,
                by_schema: true,
                ..Breach::default()
            };
            if violation.unmet == Unmet::ByLevel {
                // An object that lacks something may be right in all else.
                let member = violation.member.as_ref();
                let place = match member {
                    Some(member) => format!("{pointer}/{}", escaped(member)),
                    None => pointer,
                };
                let throughout =
                    member.is_some() || !judged.pointer(&violation.pointer).is_some_and(Value::is_object);
                self.malformed(
                    &violation.requirement,
                    &Place::within(spot.sequence, &place),
                    throughout,
                );
            }
            self.broken(&violation.requirement, breach);
        }
    }

    fn find(&mut self, requirement: impl Into<RequirementId>, finding: Finding) {
        let requirement = requirement.into();
        debug_assert!(
            self.catalogue.knows(&requirement),
            "no version states {requirement}"
        );
        self.findings.entry(requirement).or_default().push(finding);
    }

    /// Turns the findings into checks: one for each requirement that was tried, or that is `stated` by the scenario;
    /// `pending` are those that steps not taken would have judged, because of `why`.
    pub fn conclude(
        mut self,
        scenario: &str,
        stated: &BTreeSet<RequirementId>,
        pending: &BTreeSet<RequirementId>,
        why: &str,
        transcript: &[Arc<Entry>],
    ) -> (Vec<Check>, Vec<Observation>) {
        for refusal in std::mem::take(&mut self.refusals) {
            let finding = if self.accepted.contains(&refusal.kind) {
                Finding::Held
            } else {
                Finding::Unreached(format!(
                    "the hub refused this request, but accepted no proper one of its kind either (message {})",
                    refusal.place.sequence
                ))
            };
            self.find(&refusal.requirement, finding);
        }
        self.excuse_malformed();
        for requirement in pending {
            self.unreached(requirement, why);
        }
        for requirement in stated {
            if !self.findings.contains_key(requirement) {
                self.inapplicable(
                    requirement,
                    "what it depends on did not arise in this run of the scenario",
                );
            }
        }
        let mut checks = Vec::new();
        for (id, findings) in std::mem::take(&mut self.findings) {
            // What this version does not state is not judged under it.
            let Some(requirement) = self.catalogue.get(self.version, &id).cloned() else {
                continue;
            };
            checks.push(self.check(scenario, &requirement, &findings, transcript));
        }
        let observations = self
            .readings
            .into_iter()
            .map(|(subject, reading)| Observation {
                scenario: scenario.to_owned(),
                fhircast_version: self.version,
                subject,
                reading,
            })
            .collect();
        (checks, observations)
    }

    /// What is wrong where a message is malformed already could not be tried.
    fn excuse_malformed(&mut self) {
        for (id, findings) in &mut self.findings {
            for finding in findings {
                let Finding::Broken(breach) = finding else {
                    continue;
                };
                if breach.by_schema {
                    continue;
                }
                let culprit = breach.places.last().and_then(|place| {
                    self.malformed
                        .iter()
                        .find(|malformed| malformed.requirement != *id && malformed.covers(place))
                });
                if let Some(culprit) = culprit {
                    *finding = Finding::Unreached(format!(
                        "message {} is malformed{} ({}), so this could not be tried",
                        culprit.sequence,
                        match culprit.pointer.as_str() {
                            "" => String::new(),
                            pointer => format!(" at {pointer}"),
                        },
                        culprit.requirement
                    ));
                }
            }
        }
    }

    fn check(
        &mut self,
        scenario: &str,
        requirement: &Requirement,
        findings: &[Finding],
        transcript: &[Arc<Entry>],
    ) -> Check {
        if let Some(capability) = requirement.capability
            && !self.claims.has(capability)
        {
            return Check {
                message: format!("the hub does not claim {capability}"),
                ..Check::blank(scenario, requirement)
            };
        }
        for finding in findings {
            if let Finding::Broken(breach) = finding
                && finding.weigh(requirement.level) == Verdict::Pass
            {
                self.reading(&requirement.id, &breach.message);
            }
        }
        check_of(scenario, requirement, findings, transcript)
    }
}

/// A member's name as a step of a JSON pointer.
fn escaped(member: &str) -> String {
    member.replace('~', "~0").replace('/', "~1")
}

#[cfg(test)]
mod tests;
