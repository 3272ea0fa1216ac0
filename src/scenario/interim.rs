#![allow(missing_docs)]
use super::*;
#[derive(Debug, Clone)]
pub struct Scenario {
    pub name: String,
    pub folder: String,
    pub document: Document,
}
impl Scenario {
    pub fn requirements(&self) -> std::collections::BTreeSet<String> {
        self.document
            .steps
            .iter()
            .flat_map(|s| step_requirements(&s.value))
            .collect()
    }
}
pub fn step_requirements(step: &Step) -> Vec<String> {
    let answers = |list: &Vec<AnswerExpectation>| {
        list.iter()
            .filter_map(|own| own.requirement.as_ref())
            .map(|r| r.value.clone())
            .collect::<Vec<_>>()
    };
    match step {
        Step::RequestSubscription(s) => answers(&s.answer),
        Step::Unsubscribe(s) => answers(&s.answer),
        Step::Publish(s) => answers(&s.answer),
        Step::Request(s) => answers(&s.answer),
        Step::GetContext(s) => answers(&s.answer),
        Step::Discover(s) => answers(&s.answer),
        Step::Connect(s) => s.refused.iter().map(|r| r.value.clone()).collect(),
        Step::Expect(s) => s
            .requirement
            .iter()
            .map(|r| r.value.clone())
            .chain(s.checks.iter().map(|c| c.requirement.value.clone()))
            .collect(),
        Step::Absent(s) => vec![s.requirement.value.clone()],
        Step::ExpectClose(s) => std::iter::once(s.requirement.value.clone())
            .chain(s.not_before_lease.iter().map(|r| r.value.clone()))
            .collect(),
        Step::Check(s) => vec![s.requirement.value.clone()],
        _ => vec![],
    }
}
