//! What was found of each subscriber: counted by requirement, and told as it happens.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, HashMap, VecDeque};
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

/// What became of one subscriber's requirements, each by its place among those that are judged.
#[derive(Debug)]
struct Tallies {
    held: Box<[usize]>,
    broken: BTreeMap<usize, Broken>,
}

#[derive(Debug)]
struct Broken {
    times: usize,
    /// The first of the heaviest.
    worst: Box<Check>,
}

/// Everything found so far.
#[derive(Debug)]
pub(super) struct Findings {
    catalogue: Arc<Catalogue>,
    version: Version,
    /// How many subscribers are told apart; of further ones nothing is counted.
    limit: usize,
    /// The requirements that bind who is judged here in this version, and can be seen there, in the order of their ids.
    judged: Vec<RequirementId>,
    places: HashMap<RequirementId, usize>,
    subscribers: BTreeMap<Subscriber, usize>,
    tallies: Vec<Tallies>,
    /// Who was spoken of last: as a rule who is spoken of next.
    last: Option<(Subscriber, usize)>,
    told: VecDeque<Finding>,
}

impl Findings {
    pub(super) fn new(catalogue: Arc<Catalogue>, version: Version, limit: usize) -> Self {
        let of_version = catalogue.iter().filter(|stated| stated.version == version);
        let judged: Vec<RequirementId> = of_version
            .filter(|stated| is_judged(stated.actor) && stated.evidence.is_some())
            .map(|stated| stated.id.clone())
            .collect();
        let places = judged.iter().enumerate().map(|(at, id)| (id.clone(), at));
        Self {
            places: places.collect(),
            judged,
            catalogue,
            version,
            limit,
            subscribers: BTreeMap::new(),
            tallies: Vec::new(),
            last: None,
            told: VecDeque::new(),
        }
    }

    /// What was found and not told yet.
    pub(super) fn poll(&mut self) -> Option<Finding> {
        self.told.pop_front()
    }

    fn tallies(&mut self, who: &Subscriber) -> Option<&mut Tallies> {
        if let Some((last, at)) = &self.last
            && last == who
        {
            return self.tallies.get_mut(*at);
        }
        let at = match self.subscribers.get(who) {
            Some(at) => *at,
            None if self.subscribers.len() >= self.limit => return None,
            None => {
                self.tallies.push(Tallies {
                    held: vec![0; self.judged.len()].into(),
                    broken: BTreeMap::new(),
                });
                self.subscribers.insert(who.clone(), self.tallies.len() - 1);
                self.tallies.len() - 1
            }
        };
        self.last = Some((who.clone(), at));
        self.tallies.get_mut(at)
    }

    /// The place of a requirement among those that are judged, where it is one.
    pub(super) fn place(&self, requirement: &RequirementId) -> Option<usize> {
        // One that no version states is a slip of the pen, and would never be judged.
        debug_assert!(
            self.catalogue.knows(requirement),
            "no version states {requirement}"
        );
        self.places.get(requirement).copied()
    }

    pub(super) fn held(&mut self, who: &Subscriber, requirement: impl Into<RequirementId>) {
        if let Some(place) = self.place(&requirement.into())
            && let Some(tallies) = self.tallies(who)
            && let Some(times) = tallies.held.get_mut(place)
        {
            *times += 1;
        }
    }

    /// The requirements at these places held.
    pub(super) fn held_at(&mut self, who: &Subscriber, places: &[usize]) {
        let Some(tallies) = self.tallies(who) else {
            return;
        };
        for place in places {
            if let Some(times) = tallies.held.get_mut(*place) {
                *times += 1;
            }
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
        let Some(place) = self.place(&requirement) else {
            return;
        };
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
        let Some(tallies) = self.tallies(who) else {
            return;
        };
        // What is merely noted has been counted as held.
        let times = usize::from(verdict != Verdict::Pass);
        match tallies.broken.entry(place) {
            Entry::Vacant(first) => {
                let worst = Box::new(check);
                first.insert(Broken { times, worst });
            }
            Entry::Occupied(mut known) => {
                let known = known.get_mut();
                known.times += times;
                if known.worst.verdict < verdict {
                    *known.worst = check;
                }
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
        let checks = |who: &Subscriber, tallies: &Tallies| {
            let all = self.judged.iter().zip(&tallies.held).enumerate();
            let checks = all.filter_map(|(place, (requirement, held))| {
                let broken = tallies.broken.get(&place);
                if *held == 0 && broken.is_none() {
                    return None;
                }
                let stated = self.catalogue.get(self.version, requirement)?;
                Some(conclusion(who, stated, *held, broken))
            });
            checks.collect()
        };
        let all = self.subscribers.iter().filter_map(|(who, at)| {
            Some(SubscriberChecks {
                subscriber: who.clone(),
                checks: checks(who, self.tallies.get(*at)?),
            })
        });
        all.filter(|judged| !judged.checks.is_empty()).collect()
    }
}

fn conclusion(who: &Subscriber, stated: &Requirement, held: usize, broken: Option<&Broken>) -> Check {
    let tries = held + broken.map_or(0, |broken| broken.times);
    match broken {
        Some(broken) if broken.worst.verdict != Verdict::Pass => {
            let mut check = (*broken.worst).clone();
            if broken.times > 1 {
                check
                    .message
                    .push_str(&format!(" (the first of {}, in {tries} tries)", broken.times));
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
                Some(noted) => format!("{times}; noted: {}", noted.worst.message),
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
