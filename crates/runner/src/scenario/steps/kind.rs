//! The interface that every kind of step has.

use serde_saphyr::Spanned;

use crate::judging::hub::RequestKind;
use crate::requirement::RequirementId;
use crate::scenario::bound::Bound;
use crate::scenario::check::Checker;
use crate::scenario::condition::Condition;
use crate::scenario::positions::Node;

/// The origin of a saved name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::scenario) enum SavedKind {
    /// An HTTP answer.
    Answer,
    /// A published event.
    Publication,
    /// A received message.
    Message,
    /// True or false.
    Whether,
}

impl SavedKind {
    /// The origin as error messages name it.
    pub fn describe(self) -> &'static str {
        match self {
            Self::Answer => "an answer",
            Self::Publication => "a publication",
            Self::Message => "a message",
            Self::Whether => "whether something held",
        }
    }
}

/// A kind of step.
pub(in crate::scenario) trait StepKind {
    /// The step as a sentence, without its condition and without a full stop.
    fn describe(&self) -> String;

    /// Looks for mistakes, and makes known what the step makes known to later steps. The condition and the requirements have
    /// been checked.
    fn check<'d>(&'d self, checker: &mut Checker<'d>, node: &Node);

    /// The condition on the step.
    fn when(&self) -> Option<&Condition> {
        None
    }

    /// What must have come about when the scenario ends, so that the step shows anything.
    fn control(&self) -> Option<&Condition> {
        None
    }

    /// The names that the step saves.
    fn saves(&self) -> Vec<(&Spanned<String>, SavedKind)> {
        Vec::new()
    }

    /// The requirements that the step judges.
    fn requirements(&self) -> Vec<&Spanned<RequirementId>> {
        Vec::new()
    }

    /// The time that the step lets pass, beside that of an answer.
    fn waits(&self) -> Bound {
        Bound::Response
    }

    /// Whether the step records a reading of an ambiguous passage.
    fn records_reading(&self) -> bool {
        false
    }

    /// The kind of the request that the step spoils and that must be refused.
    fn must_be_refused(&self) -> Option<RequestKind> {
        None
    }

    /// Whether the step has a proper request of this kind that must be accepted.
    fn must_accept(&self, _kind: RequestKind) -> bool {
        false
    }
}
