//! `publish_at_once`.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_saphyr::Spanned;

use super::{Publish, SavedKind, StepKind};
use crate::judging::hub::RequestKind;
use crate::requirement::RequirementId;
use crate::scenario::check::Checker;
use crate::scenario::condition::{Condition, When};
use crate::scenario::positions::Node;
use crate::scenario::problem::Problem;

/// Events that are published at the same time: none of the requests waits for the answer to another.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "publish_at_once")]
pub struct PublishAtOnce {
    /// The events, as in `publish`; what one saves is not known to the others. They have no `times` and no `when` of their own.
    #[schemars(length(min = 1))]
    pub each: Vec<Publish>,
    /// The step is taken only on this condition.
    pub when: When,
}

impl StepKind for PublishAtOnce {
    fn describe(&self) -> String {
        let each: Vec<String> = self.each.iter().map(StepKind::describe).collect();
        format!("at the same time, {}", each.join("; "))
    }

    fn check<'d>(&'d self, checker: &mut Checker<'d>, node: &Node) {
        if self.each.is_empty() {
            checker.tell(node.field("each").place, Problem::Empty("each"));
        }
        for (position, event) in self.each.iter().enumerate() {
            let node = node.field("each").item(position);
            event.check(checker, node);
            for (name, is_given) in [("times", event.times.is_some()), ("when", event.when.is_some())] {
                if is_given {
                    checker.tell(node.field(name).place, Problem::NotAtOnce(name));
                }
            }
        }
    }

    fn when(&self) -> Option<&Condition> {
        self.when.as_ref()
    }

    fn saves(&self) -> Vec<(&Spanned<String>, SavedKind)> {
        self.each.iter().flat_map(StepKind::saves).collect()
    }

    fn requirements(&self) -> Vec<&Spanned<RequirementId>> {
        self.each.iter().flat_map(StepKind::requirements).collect()
    }

    fn must_accept(&self, kind: RequestKind) -> bool {
        self.each.iter().any(|event| event.must_accept(kind))
    }
}
