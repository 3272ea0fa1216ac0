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
use crate::requirement::Catalogue;
use std::sync::Arc;
#[derive(rust_embed::RustEmbed)]
#[folder = "scenarios/"]
#[include = "*/*.yaml"]
#[exclude = "requirements/*"]
#[exclude = "templates/*"]
struct EmbeddedScenarios;
#[derive(Debug, Default)]
pub struct Library(Vec<Arc<Scenario>>);
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct LibraryError(pub String);
impl Library {
    pub fn embedded(_c: &Catalogue) -> Result<Self, LibraryError> {
        let mut all = vec![];
        let mut names: Vec<_> = EmbeddedScenarios::iter()
            .filter(|n| !n.starts_with("requirements/") && !n.starts_with("templates/"))
            .collect();
        names.sort();
        for name in names {
            let data = EmbeddedScenarios::get(&name).ok_or_else(|| LibraryError("gone".into()))?;
            let text = String::from_utf8_lossy(&data.data).into_owned();
            let document: Document =
                serde_saphyr::from_str(&text).map_err(|e| LibraryError(format!("{name}: {e}")))?;
            let own = name.trim_end_matches(".yaml").to_owned();
            all.push(Arc::new(Scenario {
                folder: own.split('/').next().unwrap_or("").to_owned(),
                name: own,
                document,
            }));
        }
        Ok(Self(all))
    }
    pub fn add_path(&mut self, _p: &std::path::Path, _c: &Catalogue) -> Result<(), LibraryError> {
        Ok(())
    }
    pub fn select(&self, selectors: &[String]) -> Result<Vec<Arc<Scenario>>, LibraryError> {
        Ok(self
            .0
            .iter()
            .filter(|s| selectors.is_empty() || selectors.iter().any(|w| s.name.starts_with(w.as_str())))
            .cloned()
            .collect())
    }
}
