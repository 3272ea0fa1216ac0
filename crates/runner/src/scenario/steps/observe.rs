//! `observe`.

use schemars::JsonSchema;
use serde::Deserialize;

use super::StepKind;
use crate::scenario::check::Checker;
use crate::scenario::condition::{Condition, When};
use crate::scenario::positions::Node;
use crate::scenario::problem::Problem;

/// Record which reading of an ambiguous passage the hub chose; never a failure.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "observe")]
pub struct Observe {
    /// What is left open, in kebab-case.
    #[schemars(regex(pattern = "^[a-z0-9]+(-[a-z0-9]+)*$"))]
    pub subject: String,
    /// The readings; the first whose condition holds is recorded.
    #[schemars(length(min = 1))]
    pub readings: Vec<Reading>,
    /// The step is taken only on this condition.
    pub when: When,
}

/// A reading of a passage that can be read in several ways.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "reading")]
pub struct Reading {
    /// The reading, one sentence.
    #[schemars(length(min = 1))]
    pub reading: String,
    /// It was chosen on this condition: what was seen of it. No reading is recorded for want of another.
    pub when: Condition,
}

impl StepKind for Observe {
    fn describe(&self) -> String {
        format!(
            "what the hub chose about {} is recorded",
            self.subject.replace('-', " ")
        )
    }

    fn check<'d>(&'d self, checker: &mut Checker<'d>, node: &Node) {
        if self.subject.trim().is_empty() {
            checker.tell(node.field("subject").place, Problem::Empty("subject"));
        }
        if self.readings.is_empty() {
            checker.tell(node.field("readings").place, Problem::Empty("readings"));
        }
        for reading in &self.readings {
            checker.condition(Some(&reading.when));
        }
    }

    fn when(&self) -> Option<&Condition> {
        self.when.as_ref()
    }

    fn records_reading(&self) -> bool {
        true
    }
}
