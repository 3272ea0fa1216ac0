//! Which requirements a step judges.

use serde_saphyr::Spanned;

use super::syntax::{AnswerExpectation, Step};

fn of_answers(answers: &[AnswerExpectation]) -> Vec<&Spanned<String>> {
    answers
        .iter()
        .filter_map(|own| own.requirement.as_ref())
        .collect()
}

/// The requirements that a step names, with where they stand.
pub fn named_requirements(step: &Step) -> Vec<&Spanned<String>> {
    match step {
        Step::RequestSubscription(step) => of_answers(&step.answer),
        Step::Unsubscribe(step) => of_answers(&step.answer),
        Step::Publish(step) => of_answers(&step.answer),
        Step::Request(step) => of_answers(&step.answer),
        Step::GetContext(step) => of_answers(&step.answer),
        Step::Discover(step) => of_answers(&step.answer),
        Step::Connect(step) => step.refused.iter().collect(),
        Step::Expect(step) => step
            .requirement
            .iter()
            .chain(step.checks.iter().map(|check| &check.requirement))
            .collect(),
        Step::Absent(step) => vec![&step.requirement],
        Step::ExpectClose(step) => std::iter::once(&step.requirement)
            .chain(&step.not_before_lease)
            .collect(),
        Step::ExpectExpiry(step) => std::iter::once(&step.requirement)
            .chain(&step.not_before_lease)
            .collect(),
        Step::Check(step) => step.requirement.iter().collect(),
        Step::Subscribe(_)
        | Step::Send(_)
        | Step::Disconnect(_)
        | Step::Abort(_)
        | Step::Answers(_)
        | Step::Verifications(_)
        | Step::Fence(_)
        | Step::Observe(_) => Vec::new(),
    }
}

/// The ids of the requirements that a step judges.
pub fn step_requirements(step: &Step) -> Vec<String> {
    named_requirements(step)
        .into_iter()
        .map(|own| own.value.clone())
        .collect()
}
