//! The time that a scenario takes, compared with others.

use std::collections::BTreeSet;

use super::library::Scenario;
use super::steps::Step;
use crate::requirement::RequirementId;

impl Scenario {
    /// The requirements that time has a say in: those judged by a step that waits for a lease or a time-out to run out, or for a
    /// silence to last.
    pub fn timed_requirements(&self) -> BTreeSet<RequirementId> {
        let waiting = self.document.steps.iter().filter(|step| wait(&step.value) > 0);
        waiting.flat_map(|step| step.value.requirements()).collect()
    }

    /// The time that the scenario takes, to be compared with that of others: one for each step, more for those that wait.
    pub fn cost(&self) -> u64 {
        let steps = self.document.steps.iter();
        steps.map(|step| 1 + wait(&step.value)).sum()
    }
}

fn wait(step: &Step) -> u64 {
    step.kind().waits().cost()
}
