//! What a scenario waits for, and so how long it may take beside others.

use std::collections::BTreeSet;

use super::library::Scenario;
use super::requirements::step_requirements;
use super::syntax::{Bound, Step};

impl Scenario {
    /// The requirements that time has a say in: those judged by a step that waits for a lease or a time-out to run out, or for a
    /// silence to last.
    pub fn timed_requirements(&self) -> BTreeSet<String> {
        let waiting = self.document.steps.iter().filter(|step| wait(&step.value) > 0);
        waiting.flat_map(|step| step_requirements(&step.value)).collect()
    }

    /// About how long the scenario takes, to be compared with that of others: one for each step, more for those that wait.
    pub fn weight(&self) -> u64 {
        let steps = self.document.steps.iter();
        steps.map(|step| 1 + wait(&step.value)).sum()
    }
}

/// How long a step waits for time to pass, in steps.
fn wait(step: &Step) -> u64 {
    const SILENCE: u64 = 50;
    const TIME_OUT: u64 = 300;
    let bound = match step {
        Step::Expect(step) => step.within,
        Step::ExpectClose(step) => step.within,
        Step::ExpectExpiry(_) => Bound::Lease,
        Step::Absent(step) if step.quiet => Bound::Quiet,
        _ => return 0,
    };
    match bound {
        Bound::Response | Bound::Past => 0,
        Bound::Quiet => SILENCE,
        Bound::AckTimeout | Bound::Lease => TIME_OUT,
    }
}
