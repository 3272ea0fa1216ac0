//! What was found of each subscriber: counted by requirement, and told as it happens.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use super::ids::is_judged;
use super::record::{Place, Record};
use crate::outcome::{Check, Verdict};
use crate::protocol::Version;
use crate::requirement::{Catalogue, Requirement, RequirementId};
use crate::schema::{Judgement, Unmet};

/// Who is judged.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Subscriber {
    /// Its `subscriber.name`, or what tells it from the others of its topic.
    pub name: String,
    /// The session that it takes part in; empty where it is not known.
    pub topic: String,
}

impl Subscriber {
    /// The name under which reports list it, as folder and file of a scenario: topic and name.
    pub fn scenario(&self) -> String {
        let plain = |text: &str| text.replace('/', "-");
        if self.topic.is_empty() {
            plain(&self.name)
        } else {
            format!("{}/{}", plain(&self.topic), plain(&self.name))
        }
    }
}

/// Something that a subscriber did not do as it has to or should.
#[derive(Debug, Clone)]
pub struct Finding {
    /// Who.
    pub subscriber: Subscriber,
    /// The requirement, what was wrong and where, and the exchanges that show it.
    pub check: Check,
}

/// What became of one subscriber's requirements.
#[derive(Debug, Clone)]
pub struct SubscriberChecks {
    /// Who.
    pub subscriber: Subscriber,
    /// One check for each requirement that was judged at least once.
    pub checks: Vec<Check>,
}

/// Why a requirement did not hold.
#[derive(Debug, Clone)]
pub(super) struct Breach {
    pub(super) message: String,
    pub(super) expected: Option<String>,
    pub(super) observed: Option<String>,
    pub(super) places: Vec<Place>,
    pub(super) unmet: Unmet,
}

impl Breach {
    pub(super) fn new(message: impl Into<String>, places: Vec<Place>) -> Self {
        Self {
            message: message.into(),
            expected: None,
            observed: None,
            places,
            unmet: Unmet::ByLevel,
        }
    }

    pub(super) fn expecting(mut self, expected: impl Into<String>) -> Self {
        self.expected = Some(expected.into());
        self
    }

    pub(super) fn observing(mut self, observed: impl Into<String>) -> Self {
        self.observed = Some(observed.into());
        self
    }

    pub(super) fn softened(mut self, unmet: Unmet) -> Self {
        self.unmet = unmet;
        self
    }
}

#[derive(Debug, Default)]
struct Tally {
    held: usize,
    broken: usize,
    /// The first of the heaviest.
    worst: Option<Check>,
}

/// Everything found so far.
#[derive(Debug)]
pub(super) struct Findings {
    catalogue: Arc<Catalogue>,
    version: Version,
    /// How many subscribers are told apart; of further ones nothing is counted.
    limit: usize,
    tallies: BTreeMap<Subscriber, BTreeMap<RequirementId, Tally>>,
    told: VecDeque<Finding>,
}

impl Findings {
    pub(super) fn new(catalogue: Arc<Catalogue>, version: Version, limit: usize) -> Self {
        Self {
            catalogue,
            version,
            limit,
            tallies: BTreeMap::new(),
            told: VecDeque::new(),
        }
    }

    /// What was found and not told yet.
    pub(super) fn poll(&mut self) -> Option<Finding> {
        self.told.pop_front()
    }

    fn tally(&mut self, who: &Subscriber, requirement: RequirementId) -> Option<&mut Tally> {
        if !self.tallies.contains_key(who) {
            if self.tallies.len() >= self.limit {
                return None;
            }
            self.tallies.insert(who.clone(), BTreeMap::new());
        }
        Some(self.tallies.get_mut(who)?.entry(requirement).or_default())
    }

    /// A requirement that no version states is a slip of the pen, and would never be judged.
    fn assert_known(&self, requirement: &RequirementId) {
        debug_assert!(
            self.catalogue.knows(requirement),
            "no version states {requirement}"
        );
    }

    /// The requirement binds who is judged here in this version, and can be seen there.
    fn binds(&self, requirement: &RequirementId) -> bool {
        self.catalogue
            .get(self.version, requirement)
            .is_some_and(|stated| is_judged(stated.actor) && stated.evidence.is_some())
    }

    pub(super) fn held(&mut self, who: &Subscriber, requirement: impl Into<RequirementId>) {
        let requirement = requirement.into();
        self.assert_known(&requirement);
        if self.binds(&requirement)
            && let Some(tally) = self.tally(who, requirement)
        {
            tally.held += 1;
        }
    }

    pub(super) fn broken(
        &mut self,
        record: &Record,
        who: &Subscriber,
        requirement: impl Into<RequirementId>,
        breach: Breach,
    ) {
        let requirement = requirement.into();
        self.assert_known(&requirement);
        if !self.binds(&requirement) {
            return;
        }
        let Some(stated) = self.catalogue.get(self.version, &requirement).cloned() else {
            return;
        };
        let verdict = Verdict::of_breach(stated.level, breach.unmet);
        let mut check = Check {
            verdict,
            message: breach.message,
            expected: breach.expected,
            observed: breach.observed,
            evidence: record.evidence(&breach.places),
            ..Check::blank(&who.scenario(), &stated)
        };
        record.redactor().check(&mut check);
        if verdict != Verdict::Pass {
            self.told.push_back(Finding {
                subscriber: who.clone(),
                check: check.clone(),
            });
        }
        if let Some(tally) = self.tally(who, requirement) {
            // What is merely noted has been counted as held.
            tally.broken += usize::from(verdict != Verdict::Pass);
            if tally.worst.as_ref().is_none_or(|worst| worst.verdict < verdict) {
                tally.worst = Some(check);
            }
        }
    }

    /// Takes in what the schemas say of one message.
    pub(super) fn judgement(
        &mut self,
        record: &Record,
        who: &Subscriber,
        judgement: Judgement,
        sequence: usize,
    ) {
        for requirement in &judgement.satisfied {
            self.held(who, requirement);
        }
        for violation in judgement.violations {
            let places = vec![Place::within(sequence, &violation.pointer)];
            let breach = Breach::new(violation.message, places).softened(violation.unmet);
            self.broken(record, who, &violation.requirement, breach);
        }
    }

    /// All subscribers with what became of their requirements.
    pub(super) fn conclude(&self) -> Vec<SubscriberChecks> {
        let checks = |who: &Subscriber, tallies: &BTreeMap<RequirementId, Tally>| {
            let checks = tallies.iter().filter_map(|(requirement, tally)| {
                let stated = self.catalogue.get(self.version, requirement)?;
                Some(conclusion(who, stated, tally))
            });
            checks.collect()
        };
        let all = self.tallies.iter().map(|(who, tallies)| SubscriberChecks {
            subscriber: who.clone(),
            checks: checks(who, tallies),
        });
        all.filter(|judged| !judged.checks.is_empty()).collect()
    }
}

fn conclusion(who: &Subscriber, stated: &Requirement, tally: &Tally) -> Check {
    let tries = tally.held + tally.broken;
    match &tally.worst {
        Some(worst) if worst.verdict != Verdict::Pass => {
            let mut check = worst.clone();
            if tally.broken > 1 {
                check
                    .message
                    .push_str(&format!(" (the first of {}, in {tries} tries)", tally.broken));
            }
            check
        }
        noted => {
            let times = if tries > 1 {
                format!("held {tries} times")
            } else {
                "held".to_owned()
            };
            let message = match noted {
                Some(check) => format!("{times}; noted: {}", check.message),
                None => times,
            };
            Check {
                verdict: Verdict::Pass,
                message,
                ..Check::blank(&who.scenario(), stated)
            }
        }
    }
}
