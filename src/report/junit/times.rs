//! The times of test cases: what a scenario took, shared by what it judged.

use std::collections::BTreeMap;

use super::Duration;
use crate::report::record::Record;
use castspec_judging::outcome::{Disposition, ScenarioId};

/// The time of every scenario, as it is given out.
pub(super) struct Times(BTreeMap<ScenarioId, SharedTime>);

/// The time of a scenario, shared by its checks, so that the sums that CI servers make are right.
struct SharedTime {
    millis: u128,
    shares: u128,
    taken: u128,
}

impl Times {
    /// The times of all scenarios. A share is for each check, and for the scenario itself where it is at fault.
    pub(super) fn of(record: &Record) -> Self {
        let mut times = BTreeMap::new();
        for scenario in &record.scenarios {
            let time = SharedTime {
                millis: scenario.duration.as_millis(),
                shares: u128::from(matches!(scenario.disposition, Disposition::Error(_))),
                taken: 0,
            };
            times.insert(scenario.id.clone(), time);
        }
        for check in &record.checks {
            if let Some(time) = times.get_mut(&check.scenario_id()) {
                time.shares += 1;
            }
        }
        Self(times)
    }

    /// One more share of the time of a scenario, in whole milliseconds: Jenkins' schema refuses more than three decimals.
    /// What the division leaves over goes to some of the shares.
    pub(super) fn next_share(&mut self, scenario: &ScenarioId) -> Duration {
        let Some(time) = self.0.get_mut(scenario) else {
            return Duration::ZERO;
        };
        let up_to = |shares: u128| time.millis * shares / time.shares.max(1);
        let share = up_to(time.taken + 1) - up_to(time.taken);
        time.taken += 1;
        Duration::milliseconds(i64::try_from(share).unwrap_or(i64::MAX))
    }
}
