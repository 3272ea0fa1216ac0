//! The order of scenarios: many at once; where the hub ends, those that may have been the cause once more, alone.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

use super::emitter::{Emitter, gathered};
use super::one_scenario::{Company, one, unplayed};
use super::outage::Lost;
use super::retrying::retried;
use super::scenario_run::Setting;
use super::topics::Topics;
use crate::outcome::{Disposition, HubLost, RunEvent};
use crate::protocol::WELL_KNOWN_PATH;
use crate::scenario::Scenario;

/// How often a hub may end before the rest is left.
const MOST_OUTAGES: usize = 25;

/// A scenario, and the hub that it is played at.
#[derive(Debug, Clone)]
pub(super) struct Planned {
    pub setting: Arc<Setting>,
    pub scenario: Arc<Scenario>,
}

/// A scenario that ran while the hub ended; its events are held back.
struct Suspect {
    planned: Planned,
    events: Vec<RunEvent>,
}

enum Played {
    Done,
    Suspect(Box<Suspect>),
    /// The hub had no place for it beside others.
    Crowded(Planned),
    NotBegun(Planned),
}

/// What playing side by side leaves.
struct Left {
    suspects: Vec<Suspect>,
    crowded: Vec<Planned>,
    not_begun: Vec<Planned>,
}

/// How scenarios are played.
#[derive(Clone)]
pub(super) struct Schedule {
    pub emit: Emitter,
    pub topics: Topics,
    pub stop: watch::Receiver<bool>,
    pub retries: u32,
    pub at_once: usize,
}

impl Schedule {
    /// Plays all of them.
    pub async fn play(mut self, mut planned: Vec<Planned>) {
        let mut outages = 0;
        let mut crowded = Vec::new();
        while !planned.is_empty() {
            let left = self.side_by_side(planned).await;
            planned = left.not_begun;
            crowded.extend(left.crowded);
            let suspects = left.suspects;
            let gone = suspects.iter().map(|suspect| &suspect.planned).chain(&planned);
            let gone = gone.map(|planned| planned.setting.clone());
            let gone: Vec<_> = gone.filter(|setting| setting.outage.now().is_some()).collect();
            if let Some(first) = gone.first() {
                outages += 1;
                let lost = first.outage.now();
                // One hub may be tested under several versions, each of which has noticed by itself.
                let mut back = outages < MOST_OUTAGES;
                for setting in &gone {
                    back = back && (setting.outage.now().is_none() || is_back(setting).await);
                }
                if !back {
                    planned.append(&mut crowded);
                    self.give_up(suspects, &planned, lost);
                    return;
                }
            }
            let mut culprits = 0;
            let were_suspects = !suspects.is_empty();
            let mut rest = suspects.into_iter();
            while let Some(suspect) = rest.next() {
                let setting = suspect.planned.setting.clone();
                if !(setting.target.is_loopback() || setting.target.bears_intrusion()) {
                    // What may have ended somebody else's hub is named, and not done again.
                    self.tell(suspect.events);
                    continue;
                }
                let (events, _) = self.events_of(&suspect.planned, Company::Alone).await;
                self.tell(events);
                let Some(lost) = setting.outage.now() else {
                    continue;
                };
                culprits += 1;
                outages += 1;
                if outages >= MOST_OUTAGES || !is_back(&setting).await {
                    self.lost(&suspect.planned, &lost, &[]);
                    planned.extend(rest.map(|suspect| suspect.planned));
                    planned.append(&mut crowded);
                    self.leave_out(&planned, &lost);
                    return;
                }
            }
            if were_suspects && culprits == 0 {
                // None of them alone: it is what they do together.
                self.at_once = (self.at_once / 2).max(1);
            }
            if planned.is_empty() {
                // One after the other, what the hub had no place for before.
                self.at_once = 1;
                planned = std::mem::take(&mut crowded);
                planned
                    .iter()
                    .for_each(|planned| planned.setting.http.keep_no_idle_connections());
            }
        }
    }

    /// Plays scenarios side by side until all have ended, or until the hub has.
    async fn side_by_side(&self, planned: Vec<Planned>) -> Left {
        let places = Arc::new(Semaphore::new(self.at_once));
        let at_once = Arc::new(AtomicUsize::new(self.at_once));
        let company = match self.at_once {
            1 => Company::Alone,
            _ => Company::Others,
        };
        let mut tasks = JoinSet::new();
        for (position, planned) in planned.into_iter().enumerate() {
            let (schedule, places, at_once) = (self.clone(), places.clone(), at_once.clone());
            tasks.spawn(async move {
                // The semaphore is never closed; were it, the scenario would still run.
                let place = places.acquire().await;
                if planned.setting.outage.now().is_some() {
                    return (position, Played::NotBegun(planned));
                }
                let (events, crowded) = schedule.events_of(&planned, company).await;
                if planned.setting.outage.now().is_some() {
                    return (position, Played::Suspect(Box::new(Suspect { planned, events })));
                }
                if crowded {
                    // From here on one less at a time.
                    let fewer = |number: usize| (number > 1).then(|| number - 1);
                    if at_once
                        .fetch_update(Ordering::SeqCst, Ordering::SeqCst, fewer)
                        .is_ok()
                        && let Ok(place) = place
                    {
                        place.forget();
                    }
                    return (position, Played::Crowded(planned));
                }
                schedule.tell(events);
                (position, Played::Done)
            });
        }
        let (mut suspects, mut crowded, mut not_begun) = (Vec::new(), Vec::new(), Vec::new());
        while let Some(ended) = tasks.join_next().await {
            match ended {
                Ok((_, Played::Done)) => {}
                Ok((position, Played::Suspect(suspect))) => suspects.push((position, *suspect)),
                Ok((position, Played::Crowded(planned))) => crowded.push((position, planned)),
                Ok((position, Played::NotBegun(planned))) => not_begun.push((position, planned)),
                Err(error) => tracing::error!("a scenario's task ended abnormally: {error}"),
            }
        }
        suspects.sort_by_key(|(position, _)| *position);
        not_begun.sort_by_key(|(position, _)| *position);
        crowded.sort_by_key(|(position, _)| *position);
        Left {
            suspects: suspects.into_iter().map(|(_, suspect)| suspect).collect(),
            crowded: crowded.into_iter().map(|(_, planned)| planned).collect(),
            not_begun: not_begun.into_iter().map(|(_, planned)| planned).collect(),
        }
    }

    /// The events of a scenario, played once, or again where only time had a say; whether the hub had no place for it.
    async fn events_of(&self, planned: &Planned, company: Company) -> (Vec<RunEvent>, bool) {
        let timed = match self.retries {
            0 => Default::default(),
            _ => planned.scenario.timed_requirements(),
        };
        let retries = if timed.is_empty() { 0 } else { self.retries };
        let (gone, crowded) = (AtomicBool::new(false), AtomicBool::new(false));
        let events = retried(
            retries,
            &timed,
            || !*self.stop.borrow() && !gone.load(Ordering::Relaxed),
            || async {
                let (apart, incoming) = self.emit.apart();
                let had_no_place = one(
                    &planned.setting,
                    &planned.scenario,
                    &apart,
                    &self.topics,
                    company,
                    self.stop.clone(),
                )
                .await;
                drop(apart);
                crowded.store(had_no_place, Ordering::Relaxed);
                gone.store(planned.setting.outage.now().is_some(), Ordering::Relaxed);
                gathered(incoming).await
            },
        )
        .await;
        (events, crowded.into_inner())
    }

    fn tell(&self, events: Vec<RunEvent>) {
        events.into_iter().for_each(|event| self.emit.send(event));
    }

    /// The hub did not come back: what was judged stands, and what was not says why.
    fn give_up(&self, suspects: Vec<Suspect>, not_begun: &[Planned], lost: Option<Lost>) {
        let planned = suspects.iter().map(|suspect| &suspect.planned);
        let Some(first) = planned.chain(not_begun).next().cloned() else {
            return;
        };
        let lost = lost.unwrap_or_else(|| Lost {
            request: "an open WebSocket".to_owned(),
            problem: "the hub no longer answered".to_owned(),
        });
        let names: Vec<String> = suspects
            .iter()
            .map(|suspect| suspect.planned.scenario.name.clone())
            .collect();
        suspects.into_iter().for_each(|suspect| self.tell(suspect.events));
        self.lost(&first, &lost, &names);
        self.leave_out(not_begun, &lost);
    }

    fn lost(&self, planned: &Planned, lost: &Lost, suspects: &[String]) {
        let beside = match suspects {
            [] | [_] => String::new(),
            names => format!("; these scenarios ran at that moment: {}", names.join(", ")),
        };
        self.emit.send(RunEvent::HubLost(HubLost {
            scenario: planned.scenario.name.clone(),
            request: lost.request.clone(),
            problem: format!("{}{beside}", lost.problem),
        }));
    }

    fn leave_out(&self, planned: &[Planned], lost: &Lost) {
        let why = format!(
            "the hub had stopped answering, since this request: {} ({})",
            lost.request, lost.problem
        );
        for planned in planned {
            let disposition = Disposition::Inconclusive(why.clone());
            unplayed(&planned.setting, &planned.scenario, &self.emit, disposition);
        }
    }
}

/// Waits until the hub is back.
async fn is_back(setting: &Setting) -> bool {
    let url = setting.target.below(WELL_KNOWN_PATH);
    setting
        .outage
        .is_over(&setting.http, &url, setting.target.timing.restart)
        .await
}
